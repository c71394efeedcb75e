"""A worker of RQ with its scheduler, and a client that gives it jobs; prints what the client saw.

    rq_run.py URL
"""

import datetime
import os
import sys

URL = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))

import redis
from rq import Queue, Retry, Worker, suspension
from rq.command import send_shutdown_command, send_stop_job_command
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

import rq_jobs
from harness.servers import Process
from outcome import failure, say, until

connection = redis.Redis.from_url(URL)
queue, low = Queue('default', connection=connection), Queue('low', connection=connection)


class Working(Process):
    name = 'rq worker'

    def __init__(self, *options):
        super().__init__()
        self.spawn(['/usr/bin/rq', 'worker', '--url', URL, '--name', 'worker-1', *options, 'default', 'low'],
                   env=dict(os.environ, PYTHONPATH=HERE))


def ended(job, status):
    until(lambda: job.get_status(refresh=True) == status, 'status %s of %s' % (status, job.id))
    job.refresh()
    return job


def before_the_worker():
    job = queue.enqueue(rq_jobs.add, 1, 2, job_id='early')
    say('queued', [job.get_status(), queue.count, queue.job_ids, job.get_position(),
                   Queue.all(connection=connection) == [queue]])
    victim = low.enqueue(rq_jobs.add, 3, 4, job_id='victim')
    victim.cancel()
    say('cancelled', [victim.get_status(), low.count, low.canceled_job_registry.get_job_ids()])
    gone = low.enqueue(rq_jobs.add, 5, 6, job_id='gone')
    gone.delete()
    say('deleted', [low.count, failure(Job.fetch, 'gone', connection=connection)])
    first = queue.enqueue(rq_jobs.add, 10, 10, job_id='first')
    second = low.enqueue(rq_jobs.after, depends_on=[first, job], job_id='second')
    say('deferred', [second.get_status(), low.deferred_job_registry.get_job_ids(), sorted(first.dependent_ids)])
    at = queue.enqueue_at(datetime.datetime(2020, 1, 1), rq_jobs.add, 7, 8, job_id='scheduled')
    say('scheduled', [at.get_status(), ScheduledJobRegistry('default', connection=connection).get_job_ids()])
    later = queue.enqueue_in(datetime.timedelta(days=1), rq_jobs.add, 7, 8, job_id='tomorrow')
    say('scheduled for tomorrow', later.get_status())
    return job, second, at


def with_the_worker(early, second, at):
    say('early', ended(early, 'finished').result)
    say('after both', ended(second, 'finished').result)
    say('at its time', ended(at, 'finished').result)
    worker = Worker.all(connection=connection)[0]
    say('worker', [worker.name, worker.queue_names(), Worker.count(queue=queue),
                   worker.get_state() in ('idle', 'busy')])
    bad = ended(queue.enqueue(rq_jobs.broken, job_id='broken', on_failure=rq_jobs.told_of_failure), 'failed')
    say('failure', ['ValueError: broken on purpose' in bad.exc_info,
                    FailedJobRegistry(queue=queue).get_job_ids()])
    bad.requeue()
    until(lambda: connection.llen('report:20240103') == 2, 'the second failure')
    ended(bad, 'failed')
    say('failure again', connection.lrange('report:20240103', 0, -1))
    tried = ended(queue.enqueue(rq_jobs.flaky, job_id='flaky', retry=Retry(max=3)), 'finished')
    say('retried', [tried.result, tried.meta, tried.retries_left])
    reports = [queue.enqueue(rq_jobs.report, '20240101', on_success=rq_jobs.told) for _ in range(3)]
    reported = [ended(job, 'finished').result for job in reports]
    say('reported', [reported, connection.get('report:20240101'), connection.llen('report:20240102')])
    many = queue.enqueue_many([Queue.prepare_data(rq_jobs.add, (n, n), job_id='many-%d' % n) for n in range(5)])
    say('many', [ended(job, 'finished').result for job in many])
    say('fetched', [job.result for job in Job.fetch_many(['many-0', 'many-4'], connection=connection)])
    finished = FinishedJobRegistry(queue=queue).get_job_ids()
    say('finished', sorted(name for name in finished if '-' not in name or name.startswith('many')))
    say('result', [many[3].latest_result().return_value, len(many[3].results())])


def commands():
    held = queue.enqueue(rq_jobs.hold, job_id='held')
    ended(held, 'started')
    # The job is known to be the worker's a moment after it is known to have started.
    until(lambda: held.refresh() or held.worker_name, 'the worker of the job')
    send_stop_job_command(connection, 'held')
    say('stopped', ended(held, 'stopped').get_status())


def suspended(working):
    suspension.suspend(connection)
    say('suspended', bool(suspension.is_suspended(connection)))
    waiting = queue.enqueue(rq_jobs.add, 1, 1, job_id='waiting')
    suspension.resume(connection)
    say('resumed', ended(waiting, 'finished').result)


def main():
    jobs = before_the_worker()
    with Working('--with-scheduler') as working:
        try:
            with_the_worker(*jobs)
            commands()
            suspended(working)
        except BaseException:
            sys.stderr.write(working.log())
            raise
        send_shutdown_command(connection, 'worker-1')
        say('shut down', working.wait_exit())
    say('no worker', [Worker.count(connection=connection), queue.count, low.count])
    say('emptied', [queue.enqueue(rq_jobs.add, 1, 1).get_status(), queue.empty(), queue.count,
                    low.delete(delete_jobs=True)])


if __name__ == '__main__':
    main()
