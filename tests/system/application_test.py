"""A real Python application with 100,000 keys of five legacy shapes runs on Keyshift unchanged; behind it
every key has its consolidated name and its TTL, and code that uses the consolidated names reads the same
data.
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import redis

from harness import tap
from harness.servers import Keyshift, RedisServer, need, short_budget
from legacy_application import shape

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = 10_000 if short_budget() else 100_000
RULES = '''
[ttl]
hourly = "1h"
daily  = "24h"

[domain.analytics]
default_ttl = "hourly"
max_ttl     = "24h"

[domain.content]
default_ttl = "2h"
max_ttl     = "7d"

[domain.celery]
default_ttl = "daily"

[domain.session]
default_ttl = "daily"
max_ttl     = "daily"

[[rule]]
legacy = "writing_stats:{user}:{days:int}d"
key    = "analytics:writing_stats:user:{user}:days:{days}d"

[[rule]]
legacy = "topics:{user}:list"
key    = "content:topics:user:{user}"

[[rule]]
legacy = "task_metrics:{task}"
key    = "celery:task_metrics:id:{task}"

[[rule]]
legacy = "conversation:{id:uuid}"
key    = "session:conversation:id:{id}"

[[rule]]
legacy = "http_cache:{hash:hex}"
key    = "content:http_cache:hash:{hash}"
'''
# Seconds that a key has left behind Keyshift: the domain's default, or what the application gave, within the domain's
# limit.
EXPIRY = {'writing_stats': 3600, 'topics': 7200, 'task_metrics': 86400, 'conversation': 600,
          'http_cache': 7 * 86400}
SLACK = 590          # a slow machine may take this long between the write and the look at it


class Application(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = RedisServer()
        cls.keyshift = Keyshift(cls.upstream.url, config=RULES)
        cls.direct = redis.Redis(port=cls.upstream.port, decode_responses=True)
        cls.client = redis.Redis(port=cls.keyshift.port, decode_responses=True)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.direct.close()
        cls.keyshift.stop()
        cls.upstream.stop()

    def setUp(self):
        self.direct.flushall()

    def run_application(self, mode, count):
        done = subprocess.run([sys.executable, os.path.join(HERE, 'legacy_application.py'), mode,
                               str(self.keyshift.port), str(count)],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def expect_ttl(self, got, wanted, key):
        self.assertTrue(wanted - SLACK <= got <= wanted, '%s has %d s, not %d' % (key, got, wanted))

    def test_a_hundred_thousand_keys_get_their_names_and_ttls(self):
        self.run_application('write', KEYS)
        names = {shape(number)[2]: shape(number)[1] for number in range(KEYS)}
        self.assertEqual(len(names), KEYS)
        found = set(self.direct.scan_iter(count=10_000))
        self.assertEqual((sorted(found - set(names))[:9], sorted(set(names) - found)[:9]), ([], []),
                         'foreign and missing keys')
        keys = list(names)
        for start in range(0, KEYS, 5000):
            with self.direct.pipeline(transaction=False) as pipe:
                for key in keys[start:start + 5000]:
                    pipe.ttl(key)
                for key, ttl in zip(keys[start:start + 5000], pipe.execute()):
                    self.expect_ttl(ttl, EXPIRY[names[key].split(':')[0]], key)
        self.assertEqual(self.run_application('read', KEYS), str(KEYS))
        self.assertEqual(self.run_application('read-consolidated', KEYS), str(KEYS))
        self.assertEqual(self.client.dbsize(), KEYS)
        found = set(self.client.scan_iter('topics:*', count=5000))
        self.assertTrue(found == {legacy for legacy in names.values() if legacy.startswith('topics:')},
                        'SCAN MATCH topics:*')
        self.assertGreaterEqual(self.keyshift.metric('ttl_rewrites_total', domain='analytics'), KEYS / 5)
        self.assertGreaterEqual(self.keyshift.metric('rule_keys_total'), KEYS)

    def test_one_set_by_redis_cli(self):
        out = subprocess.run([need('redis-cli'), '-p', str(self.keyshift.port), 'SET',
                              'writing_stats:user123:30d', 'x'],
                             capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertEqual(out, 'OK\n')
        self.assertEqual(self.direct.keys(), ['analytics:writing_stats:user:user123:days:30d'])
        self.expect_ttl(self.direct.ttl('analytics:writing_stats:user:user123:days:30d'), 3600, 'the key')
        out = subprocess.run([need('redis-cli'), '-p', str(self.keyshift.port)],
                             input='KEYS *\nSCAN 0\nRANDOMKEY\n',
                             capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertEqual(out.split(), ['writing_stats:user123:30d', '0', 'writing_stats:user123:30d',
                                       'writing_stats:user123:30d'])

    def test_either_name_is_the_same_key(self):
        legacy, new = 'writing_stats:u1:30d', 'analytics:writing_stats:user:u1:days:30d'
        client = self.client
        for one, other in ((legacy, new), (new, legacy)):
            self.assertTrue(client.set(one, 'value', ex=500))
            self.assertEqual(self.direct.keys(), [new])
            self.assertEqual(client.get(other), 'value')
            self.assertEqual(client.exists(one, other), 2)
            self.expect_ttl(client.ttl(other), 500, other)
            self.assertEqual(client.object('encoding', one), client.object('encoding', other))
            self.assertEqual(client.type(other), 'string')
            self.assertEqual(client.append(one, '!'), 6)
            self.assertEqual(client.mget(other, one, 'none'), ['value!', 'value!', None])
            self.assertEqual(client.dump(one) is not None, client.dump(other) is not None)
            self.assertEqual(client.keys(legacy[:14] + '*'), [legacy])
            self.assertEqual(client.keys(legacy), [legacy])
            self.assertEqual(list(client.scan_iter('writing_stats:*')), [legacy])
            self.assertEqual(list(client.scan_iter('*u1*')), [legacy])
            self.assertEqual(client.keys('analytics:writing_stats:user:u1*'), [new])
            self.assertEqual(client.randomkey(), legacy)
            self.assertEqual(client.dbsize(), 1)
            self.assertTrue(client.copy(one, 'task_metrics:7'))
            self.assertEqual(client.get('celery:task_metrics:id:7'), 'value!')
            self.assertEqual(client.unlink('task_metrics:7'), 1)
            self.assertEqual(client.delete(other), 1)
            self.assertEqual(client.exists(one), 0)
            self.assertEqual(self.direct.dbsize(), 0)

    def test_expiries_are_added_clamped_and_kept(self):
        client, key, behind = self.client, 'writing_stats:u:7d', 'analytics:writing_stats:user:u:days:7d'
        for seconds, wanted in ((None, 3600), (60, 60), (10 ** 6, 86400)):
            client.set(key, 'x', ex=seconds)
            self.expect_ttl(self.direct.ttl(behind), wanted, 'SET EX %s' % seconds)
            self.expect_ttl(client.ttl(key), wanted, 'the TTL that the client sees')
        client.set(key, 'y', keepttl=True)
        self.expect_ttl(self.direct.ttl(behind), 86400, 'SET KEEPTTL')
        client.expire(key, 10 ** 7)
        self.expect_ttl(self.direct.ttl(behind), 86400, 'EXPIRE')
        client.delete(key)
        writes = {'incr': lambda: client.incr(key), 'hset': lambda: client.hset(key, 'f', 1),
                  'lpush': lambda: client.lpush(key, 1),
                  'sadd': lambda: client.sadd(key, 1), 'zadd': lambda: client.zadd(key, {'a': 1}),
                  'xadd': lambda: client.xadd(key, {'a': 1}),
                  'pfadd': lambda: client.pfadd(key, 1), 'setbit': lambda: client.setbit(key, 1, 1),
                  'mset': lambda: client.mset({key: 1}),
                  'setnx': lambda: client.setnx(key, 1), 'getset': lambda: client.getset(key, 1),
                  'append': lambda: client.append(key, 1),
                  'geoadd': lambda: client.geoadd(key, (1, 1, 'a')),
                  'setex': lambda: client.setex(key, 3000, 1)}
        for name, run in writes.items():
            with self.subTest(name):
                run()
                self.expect_ttl(self.direct.ttl(behind), 3000 if name == 'setex' else 3600, name)
                client.delete(key)
        client.set(key, 1, ex=900)
        client.incr(key)
        self.expect_ttl(self.direct.ttl(behind), 900, 'INCR of a key with an expiry')
        client.persist(key)
        self.expect_ttl(self.direct.ttl(behind), 3600, 'PERSIST')

    def test_keys_of_no_rule_pass_unchanged(self):
        self.client.set('other:key', 'x')
        self.client.set('writing_stats:user:sevend', 'y')
        self.assertEqual(set(self.direct.keys()), {'other:key', 'writing_stats:user:sevend'})
        self.assertEqual(self.direct.ttl('other:key'), -1)
        self.assertEqual(set(self.client.keys('*')), {'other:key', 'writing_stats:user:sevend'})
        self.assertGreaterEqual(self.keyshift.metric('unmatched_keys_total'), 2)

    def test_hits_and_misses_are_counted_by_domain(self):
        before = [self.keyshift.metric(name, domain='content') for name in ('hits_total', 'misses_total')]
        self.client.rpush('topics:u:list', 'a')
        self.client.lrange('topics:u:list', 0, -1)
        self.client.set('http_cache:abc', 'x')
        self.client.get('http_cache:abc')
        self.client.get('http_cache:def')
        after = [self.keyshift.metric(name, domain='content') for name in ('hits_total', 'misses_total')]
        self.assertGreaterEqual(after[0] - before[0], 1)
        self.assertEqual(after[1] - before[1], 1)

    def test_the_phase_legacy_rewrites_nothing(self):
        options = {'flag': (('--phase', 'legacy'), {}), 'environment': ((),
                {'USE_CONSOLIDATED_CACHE': 'false'})}
        for how, (flags, env) in options.items():
            with self.subTest(how), Keyshift(self.upstream.url, config=RULES, options=flags,
                                             env=env) as front:
                self.direct.flushall()
                client = redis.Redis(port=front.port, decode_responses=True)
                client.set('writing_stats:u:7d', 'x')
                self.assertEqual(self.direct.keys(), ['writing_stats:u:7d'])
                self.assertEqual(self.direct.ttl('writing_stats:u:7d'), -1)
                self.assertGreaterEqual(front.metric('rule_keys_total'), 1)
                client.close()


if __name__ == '__main__':
    tap.main()
