"""An application with Celery: its tasks and its configuration. CLIENTS_REDIS_URL says where its Redis is."""

import os
import time

from celery import Celery

URL = os.environ['CLIENTS_REDIS_URL']
GATE = os.environ['CLIENTS_GATE']         # a file for which `hold` waits

app = Celery('shop', broker=URL + '/0', backend=URL + '/1')
app.conf.update(
    task_routes={'shop.mail': {'queue': 'mails'}},
    broker_transport_options={'queue_order_strategy': 'priority'},
    broker_connection_retry=False,
    task_send_sent_event=True,
    task_track_started=True,
    result_extended=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
)


@app.task(name='shop.add')
def add(a, b):
    return a + b


@app.task(name='shop.total')
def total(numbers):
    return sum(numbers)


@app.task(name='shop.mail')
def mail(to):
    return 'to ' + to


@app.task(name='shop.broken')
def broken():
    raise ValueError('broken on purpose')


@app.task(name='shop.flaky', bind=True, max_retries=3)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task(name='shop.progress', bind=True)
def progress(self):
    self.update_state(state='PROGRESS', meta={'done': 50})
    return app.AsyncResult(self.request.id).info


@app.task(name='shop.hold')
def hold():
    """Keeps the only process of the worker busy until the gate opens."""
    deadline = time.monotonic() + 30
    while not os.path.exists(GATE) and time.monotonic() < deadline:
        time.sleep(0.005)
    return 'let go'


@app.task(name='shop.quiet', ignore_result=True)
def quiet():
    return 'nobody hears this'
