"""Applications and client libraries, unmodified, directly and through Keyshift with rules for their own keys."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))

from both_ways import NODE, PYTHON, RUBY, BothWays
from harness import tap


class RedisPy(BothWays):
    def test_with_its_own_parser(self):
        self.run_alike('redis_py', [PYTHON, 'redis_py_run.py'], 'python')

    def test_with_hiredis(self):
        self.run_alike('redis_py', [PYTHON, 'redis_py_run.py'], 'hiredis')

    def test_messages_with_its_own_parser(self):
        self.run_alike('redis_py', [PYTHON, 'redis_py_feeds.py'], 'python', 'messages', few_keys=True)

    def test_messages_with_hiredis(self):
        self.run_alike('redis_py', [PYTHON, 'redis_py_feeds.py'], 'hiredis', 'messages', few_keys=True)

    def test_monitor(self):
        self.run_alike('redis_py', [PYTHON, 'redis_py_feeds.py'], 'hiredis', 'monitor', few_keys=True)


class Node(BothWays):
    def test_ioredis(self):
        self.run_alike('ioredis', [NODE, 'ioredis_run.js'])

    def test_ioredis_messages(self):
        self.run_alike('ioredis', [NODE, 'ioredis_feeds.js'], 'messages', few_keys=True)

    def test_ioredis_monitor(self):
        self.run_alike('ioredis', [NODE, 'ioredis_feeds.js'], 'monitor', few_keys=True)

    def test_node_redis_with_resp2(self):
        self.run_alike('node_redis', [NODE, 'node_redis_run.js'], '2')

    def test_node_redis_with_resp3(self):
        self.run_alike('node_redis', [NODE, 'node_redis_run.js'], '3')

    def test_node_redis_messages_with_resp2(self):
        self.run_alike('node_redis', [NODE, 'node_redis_feeds.js'], '2', 'messages', few_keys=True)

    def test_node_redis_messages_with_resp3(self):
        self.run_alike('node_redis', [NODE, 'node_redis_feeds.js'], '3', 'messages', few_keys=True)

    def test_node_redis_monitor(self):
        self.run_alike('node_redis', [NODE, 'node_redis_feeds.js'], '2', 'monitor', few_keys=True)

    def test_node_redis_cache(self):
        self.run_alike('node_redis', [NODE, 'node_redis_feeds.js'], '3', 'cache', few_keys=True)


class Applications(BothWays):
    def test_celery(self):
        self.run_alike('celery', [PYTHON, 'celery_run.py'])

    def test_django(self):
        self.run_alike('django', [PYTHON, 'django_run.py'])

    def test_rq(self):
        self.run_alike('rq', [PYTHON, 'rq_run.py'])

    def test_bullmq(self):
        self.run_alike('bullmq', [NODE, 'bullmq_run.js'])

    def test_sidekiq(self):
        self.run_alike('sidekiq', [RUBY, 'sidekiq_run.rb'])


if __name__ == '__main__':
    tap.main()
