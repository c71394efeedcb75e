"""KEYSHIFT ...: what the sidecar says about itself, over the port that clients use."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import is_error
from harness.resp import plain
from harness.servers import Keyshift, RedisServer

RULES = '''
[domain.bench]
default_ttl = "1h"
[domain.idle]

[[rule]]
legacy = "k:{id}"
key    = "bench:kv:id:{id}"

[[rule]]
legacy = "n:{id:int}"
key    = "bench:number:id:{id}"
db     = 3
'''


def table(reply):
    """A map of either protocol as a dict of str."""
    if reply[0] == '%':
        return {plain(name).decode(): value for name, value in reply[1]}
    return {plain(name).decode(): value for name, value in zip(reply[1][::2], reply[1][1::2])}


def values(reply):
    return {name: plain(value) for name, value in table(reply).items()}


class OwnCommandsTest(unittest.TestCase):
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

    def keyshift_command(self, *words, protocol=2):
        with self.keyshift.connect() as client:
            if protocol == 3:
                client.command('HELLO', '3')
            return client.command('KEYSHIFT', *words)

    def test_status_says_what_runs(self):
        for protocol in (2, 3):
            status = values(self.keyshift_command('status', protocol=protocol))
            self.assertEqual((status['rules'], status['domains'], status['workers']), (2, 2, 2))
            self.assertEqual(status['phase'], b'consolidated')
            self.assertEqual(status['upstream'].decode(), '127.0.0.1:%d' % self.redis.port)
            self.assertEqual(status['upstream_state'], b'ready')
            self.assertTrue(status['config_file'].endswith(b'keyshift.toml'))

    def test_rules_count_the_keys_of_all_workers(self):
        for _ in range(20):
            with self.keyshift.connect() as client:
                client.ask('SET', 'k:1', 'x')
        rules = [values(rule) for rule in self.keyshift_command('RULES')[1]]
        self.assertEqual([rule['legacy'] for rule in rules], [b'k:{id}', b'n:{id:int}'])
        self.assertEqual([rule['key'] for rule in rules], [b'bench:kv:id:{id}', b'bench:number:id:{id}'])
        self.assertEqual([rule['db'] for rule in rules], [None, b'3'])
        self.assertEqual([rule['keys'] for rule in rules], [20, 0])

    def test_stats_are_hits_and_misses_by_domain(self):
        for key in ('k:there', 'k:gone', 'k:gone', 'stray'):
            if key == 'k:there':
                self.client.ask('SET', key, 'x')
            self.client.ask('GET', key)
        stats = {row['domain']: row for row in map(values, self.keyshift_command('STATS')[1])}
        self.assertEqual(set(stats), {b'', b'bench', b'idle'})
        self.assertEqual((stats[b'bench']['hits'], stats[b'bench']['misses']), (1, 2))
        self.assertEqual(stats[b'bench']['hit_rate'], b'0.3333')
        self.assertEqual((stats[b'']['hits'], stats[b'']['misses']), (0, 1))
        self.assertIsNone(stats[b'idle']['hit_rate'])
        one = self.keyshift_command('STATS', 'bench', protocol=3)[1]
        self.assertEqual([table(row)['hit_rate'] for row in one], [(',', b'0.3333')])
        self.assertTrue(is_error(self.keyshift_command('STATS', 'nothing')))

    def test_unmatched_are_the_shapes_of_forgotten_keys_by_count(self):
        for number in range(30):
            self.client.ask('GET', 'orders:%d:items' % number)
            self.client.ask('GET', 'k:%d' % number)
        for number in range(10):
            self.client.ask('GET', b'raw:\x00%d' % number)
        self.client.ask('GET', 'bench:native')
        rows = [values(row) for row in self.keyshift_command('UNMATCHED')[1]]
        self.assertEqual([(row['pattern'], row['count']) for row in rows[:1]], [(b'orders:{int}:items', 30)])
        self.assertRegex(rows[0]['example'], rb'^orders:\d+:items$')
        self.assertEqual(sum(row['count'] for row in rows), 40)
        self.assertEqual(len(self.keyshift_command('UNMATCHED', 'COUNT', '1')[1]), 1)

    def test_unmatched_is_bounded_whatever_keys_come(self):
        self.client.pipeline([('GET', 'p%s:x' % ''.join(chr(97 + (number // 26 ** i) % 26) for i in range(4)))
                              for number in range(1000)])
        self.assertLessEqual(len(self.keyshift_command('UNMATCHED', 'COUNT', '100000')[1]), 2 * 128)

    def test_convert_goes_both_ways(self):
        self.assertEqual(self.client.ask('KEYSHIFT', 'CONVERT', 'k:7'), b'bench:kv:id:7')
        self.assertEqual(self.client.ask('KEYSHIFT', 'CONVERT', 'bench:kv:id:7'), b'bench:kv:id:7')
        self.assertEqual(self.client.ask('KEYSHIFT', 'CONVERT', 'bench:kv:id:7', 'LEGACY'), b'k:7')
        self.assertIsNone(self.client.ask('KEYSHIFT', 'CONVERT', 'stray'))
        self.assertIsNone(self.client.ask('KEYSHIFT', 'CONVERT', 'n:1'))
        self.client.ask('SELECT', '3')
        self.assertEqual(self.client.ask('KEYSHIFT', 'CONVERT', 'n:1'), b'bench:number:id:1')

    def test_explain_says_what_really_goes_upstream(self):
        for protocol in (2, 3):
            made = table(self.keyshift_command('EXPLAIN', 'k:7', protocol=protocol))
            self.assertEqual(values(self.keyshift_command('EXPLAIN', 'k:7'))['physical'], b'bench:kv:id:7')
            self.assertEqual(plain(made['kind']), b'rule')
            rule = values(made['rule'])
            self.assertEqual((rule['number'], rule['legacy'], rule['db']), (1, b'k:{id}', None))
            ttl = values(made['ttl'])
            self.assertEqual((ttl['default_ms'], ttl['min_ms'], ttl['from']), (3600000, None, b'domain'))
            self.assertEqual((plain(made['view']), plain(made['db']), plain(made['unmatched'])), (b'legacy', 0, None))
            self.assertEqual(values(made['captures']), {'id': b'7'})
            self.assertEqual(plain(made['domain']), b'bench')
            self.assertEqual(plain(made['resource']), b'kv')
            self.assertEqual(plain(made['legacy']), b'k:7')
            commands = [table(command) for command in made['commands'][1]]
            steps = [plain(table(step)['command']) for step in commands[0]['upstream'][1]]
            self.assertEqual(steps[0][:2], [b'SET', b'bench:kv:id:7'])
            self.assertEqual(steps[0][-2:], [b'EX', b'3600'])
        made = values(self.keyshift_command('EXPLAIN', b'raw:\x00\xff'))
        self.assertEqual((made['kind'], made['rule'], made['shape']), (b'unmatched', None, b'raw:{seg}'))
        self.assertEqual((made['physical'], made['phase'], made['unmatched']), (b'raw:\x00\xff', None, b'pass'))
        self.assertEqual(values(self.keyshift_command('EXPLAIN', 'bench:x'))['kind'], b'native')

    def test_one_subcommand_alone_may_be_allowed(self):
        with Keyshift(self.redis.url, config='allow = ["DEBUG SLEEP"]\n' + RULES) as keyshift, \
                keyshift.connect() as client:
            self.assertEqual(client.ask('DEBUG', 'SLEEP', '0'), b'OK')
            self.assertEqual(client.ask('debug', 'sleep', '0'), b'OK')
            for words in (('DEBUG', 'OBJECT', 'k:1'), ('DEBUG', 'SLEEPY'), ('DEBUG',),
                          ('CONFIG', 'SET', 'maxmemory', '0')):
                self.assertTrue(is_error(client.command(*words)), words)
            self.assertIn(b'allow = ', client.command('DEBUG', 'OBJECT', 'k:1')[1])

    def test_help_and_mistakes(self):
        self.assertIn(b'STATUS', self.client.ask('KEYSHIFT', 'HELP'))
        for words in (('NONSENSE',), ('EXPLAIN',), ('CONVERT',), ('STATS', 'a', 'b'), ('UNMATCHED', 'COUNT', 'x'),
                      ('UNMATCHED', '5'), ('CONVERT', 'k:1', 'BACKWARDS'), ('RELOAD', 'now')):
            self.assertTrue(is_error(self.client.command('KEYSHIFT', *words)), words)
        self.assertTrue(is_error(self.client.command('KEYSHIFT')))
        self.assertEqual(self.client.ask('PING'), b'PONG')


if __name__ == '__main__':
    tap.main()
