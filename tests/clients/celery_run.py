"""A worker of Celery, and a client that gives it work and controls it; prints what the client saw.

    celery_run.py URL
"""

import os
import sys
import threading

URL = sys.argv[1]
GATE = os.path.abspath('gate')
os.environ.update(CLIENTS_REDIS_URL=URL, CLIENTS_GATE=GATE)
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))

from amqp.exceptions import ChannelError
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError

from celery_app import add, app, broken, flaky, hold, mail, progress, quiet, total
from harness.servers import Process
from outcome import failure, say, until

SECONDS = 30


class Worker(Process):
    name = 'celery worker'

    def __init__(self):
        super().__init__()
        self.spawn(['/usr/bin/python3', '-m', 'celery', '-A', 'celery_app', 'worker', '--concurrency', '1',
                    '--events', '--queues', 'celery,mails', '--hostname', 'worker@test', '--loglevel', 'INFO'],
                   env=dict(os.environ, PYTHONPATH=HERE))


class Events(threading.Thread):
    """What a monitor like Flower hears: the events of workers and clients."""

    def __init__(self):
        super().__init__(daemon=True)
        self.heard = []
        self.connection = app.connection_for_read()
        self.receiver = app.events.Receiver(self.connection, handlers={'*': self.heard.append})
        self.start()

    def run(self):
        self.receiver.capture(limit=None, timeout=None, wakeup=False)

    def heard_of(self, kind):
        return any(event['type'] == kind for event in self.heard)

    def types_of(self, task_id):
        return sorted(event['type'] for event in self.heard if event.get('uuid') == task_id)

    def close(self):
        self.receiver.should_stop = True
        self.join(SECONDS)
        self.connection.close()


def results(events):
    result = add.delay(2, 3)
    say('result by pub/sub', [result.get(timeout=SECONDS), result.state, result.name, result.args,
                              result.worker])
    polled = add.delay(4, 5)
    until(lambda: app.AsyncResult(polled.id).ready(), 'a result')
    say('result by polling', [polled.state, polled.result, polled.successful()])
    failed = broken.delay()
    say('failure', [failure(failed.get, timeout=SECONDS), failed.state,
                    'broken on purpose' in failed.traceback])
    say('retries', flaky.delay().get(timeout=SECONDS))
    say('progress', progress.delay().get(timeout=SECONDS))
    say('another queue', mail.apply_async(args=['ann'], priority=6).get(timeout=SECONDS))
    say('countdown', add.apply_async(args=[1, 1], countdown=0.1).get(timeout=SECONDS))
    expired = add.apply_async(args=[1, 1], expires=-1)
    say('expired', [failure(expired.get, timeout=SECONDS), expired.state])
    silent = quiet.delay()
    until(lambda: 'task-succeeded' in events.types_of(silent.id), 'a task without result')
    say('no result', [silent.state, events.types_of(silent.id)])
    result.forget()
    say('forgotten', app.AsyncResult(result.id).state)
    for task, last in ((polled, 'task-succeeded'), (failed, 'task-failed')):
        until(lambda: last in events.types_of(task.id), 'the last event')
        say('events until ' + last, events.types_of(task.id))


def canvas():
    say('group', group(add.s(n, n) for n in range(10))().get(timeout=SECONDS))
    saved = group(add.s(n, 1) for n in range(3))()
    saved.save()
    restored = app.GroupResult.restore(saved.id)
    until(restored.ready, 'the results of a group')
    say('group saved', [[result.result for result in restored], restored.completed_count(), restored.delete(),
                        app.GroupResult.restore(saved.id)])
    say('chain', chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=SECONDS))
    say('chord', chord(add.s(n, n) for n in range(10))(total.s()).get(timeout=SECONDS))
    say('chord in a chain',
        chain(add.s(1, 1), group(add.s(n) for n in range(3)), total.s())().get(timeout=SECONDS))
    body = chord([add.s(1, 1), broken.s()])(total.s())
    say('chord with a failure', type(failure(body.get, timeout=SECONDS)).__name__)
    linked = add.apply_async(args=[1, 2], link=add.s(10))
    linked.get(timeout=SECONDS)
    until(lambda: linked.children, 'the callback')
    say('callback', linked.children[0].get(timeout=SECONDS))


def control():
    inspect = app.control.inspect(timeout=SECONDS, limit=1)
    say('ping', app.control.ping(timeout=SECONDS, limit=1))
    say('registered', sorted(name for name in inspect.registered()['worker@test'] if name.startswith('shop.')))
    say('queues', sorted(queue['name'] for queue in inspect.active_queues()['worker@test']))
    say('rate limit', app.control.rate_limit('shop.quiet', '100/s', reply=True, timeout=SECONDS, limit=1))


def revocation():
    busy = hold.delay()
    until(lambda: busy.state == 'STARTED', 'the start of a task')
    victim = add.delay(1, 1)
    answers = app.control.revoke(victim.id, reply=True, timeout=SECONDS, limit=1)
    say('revoke', answers[0]['worker@test']['ok'].replace(victim.id, 'ID'))
    running = app.control.inspect(timeout=SECONDS, limit=1).active()['worker@test']
    say('active', [task['name'] for task in running])
    with open(GATE, 'w', encoding='ascii'):
        pass
    say('released', busy.get(timeout=SECONDS))
    revoked = failure(victim.get, timeout=SECONDS)
    say('revoked', [revoked, isinstance(revoked, TaskRevokedError), victim.state])
    os.unlink(GATE)
    running = hold.delay()
    until(lambda: running.state == 'STARTED', 'the start of a task')
    app.control.revoke(running.id, terminate=True, signal='SIGKILL', reply=True, timeout=SECONDS, limit=1)
    say('terminated', [failure(running.get, timeout=SECONDS), running.state])
    say('works on', add.delay(20, 22).get(timeout=SECONDS))


def message_count(queue):
    with app.connection_for_write() as connection:
        try:
            return connection.default_channel.queue_declare(queue, passive=True).message_count
        except ChannelError:       # a queue without messages is no key
            return 0


def queues_without_worker():
    """Tasks wait while no worker is there; what a consumer takes and never acknowledges comes back."""
    first = add.delay(1, 1)
    mail.apply_async(args=['bob'], priority=3)
    say('waiting', [message_count('celery'), message_count('mails'), first.state])
    with app.connection_for_read() as connection:
        connection.transport_options = dict(connection.transport_options, visibility_timeout=0)
        channel = connection.default_channel
        taken = channel.basic_get('celery')
        say('taken', [taken.headers['task'], taken.payload[0], taken.delivery_info['redelivered']
                      if 'redelivered' in taken.delivery_info else False, message_count('celery')])
        until(lambda: channel.qos.restore_visible(interval=1) or message_count('celery'), 'the message again')
        again = channel.basic_get('celery')
        say('given back', [again.headers['task'], again.delivery_info.get('redelivered')])
        again.ack()
    say('purged', [app.control.purge(), message_count('celery'), message_count('mails')])


def main():
    events = Events()
    with Worker() as worker:
        try:
            until(lambda: events.heard_of('worker-online') or worker.exited(), 'the worker')
            results(events)
            canvas()
            control()
            revocation()
        except BaseException:
            sys.stderr.write(worker.log())
            raise
        app.control.shutdown()
        say('shut down', worker.wait_exit())
        until(lambda: events.heard_of('worker-offline'), 'the end of the worker')
    events.close()
    queues_without_worker()


if __name__ == '__main__':
    main()
    # Threads of the result consumer would keep the process.
    sys.stdout.flush()
    os._exit(0)
