"""The jobs that rq_run.py gives to RQ."""

import os
import time

from rq import get_current_job


def add(a, b):
    return a + b


def broken():
    raise ValueError('broken on purpose')


def flaky():
    """Fails until it is tried for the third time."""
    job = get_current_job()
    job.meta['tries'] = job.meta.get('tries', 0) + 1
    job.save_meta()
    if job.meta['tries'] < 3:
        raise ValueError('not yet')
    return job.meta['tries']


def after():
    return [dependency.result for dependency in get_current_job().fetch_dependencies()]


def report(day):
    return get_current_job().connection.incr('report:' + day)


def hold():
    """Runs until it is stopped."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.005)
    os._exit(1)


def told(job, connection, result):
    connection.rpush('report:20240102', 'success of ' + job.id)


def told_of_failure(job, connection, kind, value, traceback):
    connection.rpush('report:20240103', 'failure of %s: %s' % (job.id, value))
