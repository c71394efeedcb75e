"""Scripts: those that build names of keys are found, and with scripts = "map" they run as if nothing were renamed."""

import hashlib
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import is_error
from harness.resp import plain
from harness.servers import Keyshift, RedisServer

RULES = '''
[[rule]]
legacy = "bull:{queue}:{id:any}"
key    = "work:jobs:{queue}:{id}"

[[rule]]
legacy = "{number:int}"
key    = "work:number:{number}"
'''


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def values(row):
    fields = row[1]
    return {plain(name).decode(): plain(value) for name, value in zip(fields[::2], fields[1::2])}


class DetectionTest(unittest.TestCase):
    """An argument that a rule would rename, if it were a key."""

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()

    def setUp(self):
        self.keyshift = Keyshift(self.redis.url, config=RULES, options=('--workers', '2'))
        self.addCleanup(self.keyshift.stop)
        self.client = self.keyshift.connect()
        self.addCleanup(self.client.close)

    def found(self):
        return [values(row) for row in self.client.command('KEYSHIFT', 'SCRIPTS')[1]]

    def test_a_script_given_a_key_as_an_argument_is_found_by_its_sha(self):
        body = 'return redis.call("get", ARGV[1])'
        self.client.ask('EVAL', body, '1', 'bull:mail:1', 'bull:mail:7')
        self.client.ask('EVALSHA', sha1(body).upper(), '0', 'bull:mail:8')
        self.client.ask('EVALSHA', sha1(body), '0', 'harmless')
        self.client.ask('EVAL', body, '0', 'harmless')
        self.assertEqual(self.found(), [{'script': sha1(body).encode(), 'calls': 4, 'suspicious': 2,
                                         'example': b'bull:mail:7', 'rule': b'bull:{queue}:{id:any}'}])

    def test_what_is_declared_or_says_nothing_is_not_found(self):
        body = 'return #ARGV'
        self.client.ask('EVAL', body, '1', 'bull:mail:1', 'x', '17', 'work:jobs:mail:7', 'bull:mail:' + 'x' * 2000)
        self.client.ask('EVAL', body, '0')
        for numkeys in ('-1', '9', 'x'):
            self.assertTrue(is_error(self.client.command('EVAL', body, numkeys, 'bull:mail:1')))
        self.assertEqual(self.found(), [])

    def test_transactions_and_functions_count_and_workers_are_summed(self):
        self.client.ask('FUNCTION', 'LOAD', 'REPLACE',
                        "#!lua name=detected\nredis.register_function('detected', function() return 1 end)")
        for _ in range(20):
            with self.keyshift.connect() as client:
                client.ask('FCALL', 'detected', '0', 'bull:mail:7')
        self.client.ask('MULTI')
        self.client.ask('EVAL', 'return 2', '0', 'bull:mail:9', 'bull:mail:10')
        self.client.ask('EXEC')
        rows = self.found()
        self.assertEqual([(row['script'], row['suspicious']) for row in rows],
                         [(b'function detected', 20), (sha1('return 2').encode(), 1)])
        self.assertEqual(self.keyshift.metric('script_undeclared_keys_total'), 22)

    def test_the_log_names_each_script_once(self):
        for _ in range(20):
            with self.keyshift.connect() as client:
                client.ask('EVAL', 'return 3', '0', 'bull:mail:7')
        lines = [line for line in self.keyshift.log().splitlines() if sha1('return 3') in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r'bull:mail:7.*bull:\{queue\}:\{id:any\}.*KEYS')

    def test_the_list_is_bounded(self):
        for number in range(600):
            self.client.ask('EVAL', 'return %d' % number, '0', 'bull:mail:7')
        self.assertLessEqual(len(self.found()), 2 * 128)


if __name__ == '__main__':
    tap.main()
