"""The operator's commands against real servers: check --upstream counts what is there, explain says what is
sent, convert leads back."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.servers import Keyshift, RedisServer, binary, free_port

CONFIG = '''
[domain.analytics]
default_ttl = "1h"
max_ttl     = "24h"

[domain.queue]

[[rule]]
legacy = "stats:{user}:{days:int}d"
key    = "analytics:stats:user:{user}:days:{days}d"

[[rule]]
legacy = "mood:{user}"
key    = "analytics:mood:user:{user}"

[[rule]]
legacy = "cart:{id}"
key    = "shop:cart:id:{id}"
phase  = "legacy"

[[rule]]
legacy = "only:{id}"
key    = "third:only:id:{id}"
db     = 3
'''


def run(*arguments, stdin=None, env=None):
    """keyshift with these arguments: (exit code, standard output, standard error), bytes."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(('REDIS_', 'KEYSHIFT_')) and name != 'USE_CONSOLIDATED_CACHE'}
    done = subprocess.run([binary(), *arguments], input=stdin, capture_output=True, timeout=120,
                          env={**clean, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


class WithConfig(unittest.TestCase):
    config = CONFIG

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix='keyshift-test-')
        cls.path = os.path.join(cls.dir.name, 'keyshift.toml')
        with open(cls.path, 'w', encoding='utf-8') as file:
            file.write(cls.config)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def check(self, *arguments, env=None):
        """check --json: (exit code, what it says)."""
        code, out, err = run('check', '--config', self.path, '--json', *arguments, env=env)
        return code, json.loads(out), err.decode()


class CheckUpstreamTest(WithConfig):
    def setUp(self):
        self.redis = RedisServer()
        self.client = self.redis.connect()

    def tearDown(self):
        self.client.close()
        self.redis.stop()

    def populate(self):
        """A keyspace of known composition."""
        write = self.client.pipeline
        write([['SET', 'analytics:stats:user:u%d:days:30d' % i, 'x', 'EX', 1000] for i in range(700)])
        write([['SET', 'analytics:stats:user:u%d:days:30d' % i, 'x'] for i in range(700, 1500)])
        write([['HSET', 'mood:%d' % i, 'f', 'v'] for i in range(40)])                         # left behind
        write([['SET', 'analytics:mood:user:%d' % i, 'x', 'EX', 1000] for i in range(30, 60)])  # ten clash
        write([['SET', 'cart:%d' % i, 'x'] for i in range(25)])
        write([['SET', 'shop:cart:id:0', 'x', 'EX', 1000]])                                    # ahead, and a clash
        write([['LPUSH', 'queue:jobs', 'x'], ['SET', 'analytics:native', 'x', 'EX', 1000]])
        write([['SET', 'orders:%d:items' % i, 'x', 'EX', 1000] for i in range(300)])
        write([['SET', b'raw:\x00\xff', 'x'], ['SET', 'only:1', 'x']])
        write([['SELECT', 3], ['SET', 'only:1', 'x'], ['SET', 'third:only:id:2', 'x', 'EX', 1000],
               ['SELECT', 0]])

    def expect_population(self, upstream):
        keyspace = upstream['keyspace']
        self.assertEqual(keyspace['keys'], 1500 + 40 + 30 + 25 + 1 + 2 + 300 + 2 + 2)
        self.assertEqual(keyspace['without_expiry'], 800 + 40 + 25 + 1 + 2 + 1)
        self.assertTrue(keyspace['complete'])
        self.assertEqual([(one['db'], one['keys'], one['without_expiry'], one['unmatched'])
                          for one in keyspace['databases']],
                         [(0, 1900, 868, 302), (3, 2, 1, 0)])
        names = [(rule['number'], rule['legacy_names'], rule['consolidated_names'], rule['clashes'])
                 for rule in keyspace['rules']]
        self.assertEqual(names, [
            (1, {'keys': 0, 'without_expiry': 0}, {'keys': 1500, 'without_expiry': 800}, 0),
            (2, {'keys': 40, 'without_expiry': 40}, {'keys': 30, 'without_expiry': 0}, 10),
            (3, {'keys': 25, 'without_expiry': 25}, {'keys': 1, 'without_expiry': 0}, 1),
            (4, {'keys': 1, 'without_expiry': 1}, {'keys': 1, 'without_expiry': 0}, 0)])
        domains = {one['name']: one['keys'] for one in keyspace['domains']}
        self.assertEqual(domains, {'analytics': 1571, 'queue': 1, 'shop': 26, 'third': 2})
        unmatched = keyspace['unmatched']
        self.assertEqual((unmatched['keys'], unmatched['without_expiry']), (302, 2))
        self.assertEqual([(one['shape'], one['keys'], one['error']) for one in unmatched['shapes']],
                         [('orders:{int}:items', 300, 0), ('only:{int}', 1, 0), ('raw:{seg}', 1, 0)])
        self.assertEqual(unmatched['shapes'][2]['example'], r'"raw:\x00\xff"')
        self.assertEqual(len(keyspace['clashes']), 10)

    def test_a_keyspace_of_known_composition_is_counted_exactly(self):
        self.populate()
        code, report, _ = self.check('--upstream', self.redis.url)
        self.assertEqual(code, 1)
        self.assertTrue(report['upstream']['reachable'])
        self.assertEqual((report['upstream']['server'], report['upstream']['role']), ('redis', 'master'))
        self.assertTrue(report['upstream']['supported'])
        self.expect_population(report['upstream'])
        found = {(one['severity'], one['check']) for one in report['findings']}
        self.assertLessEqual({('warning', 'left-behind'), ('warning', 'ahead'), ('warning', 'clash'),
                              ('notice', 'unmatched'), ('notice', 'memory'), ('notice', 'phase-legacy'),
                              ('notice', 'no-default-ttl')}, found)
        clash = [one for one in report['findings'] if one['check'] == 'clash'][0]
        self.assertTrue(all(key.startswith('mood:3') for key in clash['keys']))
        self.assertIn('clients see the consolidated one', clash['text'])

    def test_it_only_reads_and_the_url_can_come_from_the_configuration(self):
        self.populate()
        before = self.client.ask('INFO', 'commandstats').decode()
        code, report, _ = self.check('--upstream', env={'REDIS_URL': 'unix://' + self.redis.unix})
        self.assertEqual(code, 1)
        self.expect_population(report['upstream'])
        after = self.client.ask('INFO', 'commandstats').decode()

        def calls(text):
            return {line.split(':')[0]: line.split('calls=')[1].split(',')[0]
                    for line in text.split('\r\n') if 'calls=' in line}
        changed = {name for name, count in calls(after).items() if calls(before).get(name) != count}
        self.assertLessEqual(changed, {'cmdstat_' + name for name in
                                       ('ping', 'info', 'select', 'scan', 'pttl', 'exists')})

    def test_a_keyspace_that_fits_is_a_yes(self):
        self.client.ask('SET', 'analytics:mood:user:a', 'x', 'EX', 1000)
        self.client.ask('SET', 'cart:1', 'x', 'EX', 1000)
        code, report, _ = self.check('--upstream', self.redis.url)
        self.assertEqual(code, 0)
        self.assertEqual(report['upstream']['keyspace']['keys'], 2)

    def test_an_empty_server(self):
        code, report, _ = self.check('--upstream', self.redis.url)
        self.assertEqual((code, report['upstream']['keyspace']['keys']), (0, 0))

    def test_a_sample_is_said_to_be_one(self):
        self.client.pipeline([['SET', 'mood:%d' % i, 'x'] for i in range(20000)])
        code, report, _ = self.check('--upstream', self.redis.url, '--sample', '2000', '--rate', '0')
        keyspace = report['upstream']['keyspace']
        self.assertEqual(code, 1)
        self.assertFalse(keyspace['complete'])
        self.assertGreaterEqual(keyspace['keys'], 2000)
        self.assertLess(keyspace['keys'], 10000)

    def test_text_is_for_people(self):
        self.populate()
        code, out, err = run('check', '--config', self.path, '--upstream', self.redis.url, '--top', '1')
        self.assertEqual((code, err), (1, b''))
        text = out.decode()
        self.assertIn('is valid: 4 rules, 4 domains, 1 listener\n', text)
        self.assertIn('keyspace: 1 902 keys in 2 databases, 869 (45.7%) without expiry\n', text)
        self.assertIn('orders:{int}:items', text)
        self.assertIn('and 2 more shapes\n', text)
        self.assertIn('40 keys are under legacy names: clients do not see them\n', text)
        self.assertNotIn('raw:', text)

    def test_memory_and_eviction_are_judged(self):
        self.client.pipeline([['SET', 'cart:%d' % i, 'x'] for i in range(3)])
        for policy, word in (('noeviction', 'writes fail (OOM)'), ('allkeys-lru', 'any key may go'),
                             ('volatile-ttl', 'only keys with an expiry make room')):
            self.client.ask('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', policy)
            _, report, _ = self.check('--upstream', self.redis.url)
            self.assertEqual(report['upstream']['maxmemory_policy'], policy)
            self.assertTrue(any(word in one['text'] for one in report['findings']), policy)
        used = int(self.client.ask('INFO', 'memory').decode().split('used_memory:')[1].split('\r')[0])
        self.client.ask('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl', 'maxmemory', used + 2000)
        code, report, _ = self.check('--upstream', self.redis.url)
        self.assertEqual(code, 1)
        self.assertIn(('warning', 'memory'), {(one['severity'], one['check']) for one in report['findings']})

    def test_a_replica_takes_no_writes(self):
        with RedisServer('--replicaof', '127.0.0.1 %d' % self.redis.port) as replica:
            code, report, _ = self.check('--upstream', replica.url)
            self.assertEqual(code, 1)
            self.assertTrue(report['upstream']['read_only'])
            self.assertIn('read-only', {one['check'] for one in report['findings']})


class AllowTest(WithConfig):
    config = 'allow = ["CONFG", "DEBUG SLEEP", "CONFIG", "CLIENT PAUSE"]\n' + CONFIG

    def test_an_allowed_command_that_does_not_exist_is_warned_of_with_a_suggestion(self):
        _, said, _ = self.check()
        found = [one for one in said['findings'] if one['check'] == 'allow']
        self.assertEqual([one['severity'] for one in found], ['warning'])
        self.assertRegex(found[0]['text'], '"CONFG".*did you mean config')


class UnavailableTest(WithConfig):
    def reason(self, *arguments, env=None):
        code, report, err = self.check('--upstream', *arguments, env=env)
        self.assertEqual(code, 69)
        self.assertFalse(report['upstream']['reachable'])
        self.assertEqual(report['upstream']['reason'] + '\n', err)
        return err

    def test_nobody_is_there(self):
        self.assertIn('Connection refused; is it running', self.reason('redis://127.0.0.1:%d' % free_port()))

    def test_passwords(self):
        with RedisServer('--requirepass', 'sesame') as redis:
            self.assertIn('it wants a password: upstream.password, or REDIS_PASSWORD', self.reason(redis.url))
            said = self.reason('redis://:wrong@127.0.0.1:%d' % redis.port)
            self.assertIn('WRONGPASS', said)
            self.assertNotIn('wrong@', said)
            self.assertIn('are not those of this server',
                          self.reason('redis://nobody:sesame@127.0.0.1:%d' % redis.port))
            code, report, _ = self.check('--upstream', redis.url, env={'REDIS_PASSWORD': 'sesame'})
            self.assertEqual((code, report['upstream']['reachable']), (0, True))

    def test_a_user_without_permission_is_told_what_is_missing(self):
        with RedisServer() as redis, redis.connect() as client:
            client.ask('SET', 'cart:1', 'x')
            client.ask('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+ping', '+info', '+select', '+scan',
                       '+pttl', '+exists')
            client.ask('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '+ping', '+info', '+select')
            code, _, _ = self.check('--upstream', 'redis://reader:pw@127.0.0.1:%d' % redis.port)
            self.assertEqual(code, 0)
            self.assertIn('the user needs +ping +info +select +scan',
                          self.reason('redis://blind:pw@127.0.0.1:%d' % redis.port))


class ExplainTest(WithConfig):
    """What explain says is what the daemon sends: the upstream's MONITOR is the witness."""

    keys = ['stats:u1:30d', 'analytics:stats:user:u1:days:30d', 'mood:a', 'cart:7', 'shop:cart:id:7',
            'queue:jobs', 'analytics:native', 'analytics', 'orders:4711', 'only:1', 'with space', 'br{ace', 'only:"q"']

    def explained(self, key, *arguments):
        code, out, _ = run('explain', '--config', self.path, '--json', *arguments, key)
        self.assertIn(code, (0, 1))
        return json.loads(out)

    def test_explain_says_what_is_sent(self):
        with RedisServer() as redis, Keyshift(redis.url, config=self.config) as keyshift, \
                keyshift.connect() as client, redis.connect() as monitor:
            self.assertEqual(monitor.command('MONITOR'), ('+', b'OK'))
            for number in (0, 3):
                self.assertEqual(client.ask('SELECT', number), b'OK')
                for key in self.keys:
                    made = self.explained(key, '--db', str(number))
                    for command in made['commands']:
                        sent = [step['command'] for step in command['upstream']]
                        client.command(*command['command'])
                        client.command('ECHO', 'mark')          # answered locally or not, it is no key's
                        redis_saw = self.monitored(monitor, number, len(sent))
                        self.assertEqual(redis_saw, [' '.join('"%s"' % self.escaped(word) for word in words)
                                                     for words in sent], (number, key, command))

    @staticmethod
    def escaped(word):
        return word.replace('\\', '\\\\').replace('"', '\\"')

    @staticmethod
    def monitored(monitor, database, count):
        """The next `count` commands about keys that MONITOR shows."""
        lines = []
        while len(lines) < count:
            line = monitor.read()[1].decode()
            where, words = line.split('] ', 1)
            word = words.split('"')[1].upper()
            if word in ('SET', 'GET', 'DEL', 'EXPIRE', 'PEXPIRE'):
                assert where.split('[')[1].split(' ')[0] == str(database), line
                lines.append(words)
        return lines

    def test_shown_is_what_scan_shows_and_names_lead_to_one_key(self):
        with RedisServer() as redis, Keyshift(redis.url, config=self.config) as keyshift, \
                keyshift.connect() as client:
            for key in self.keys:
                made = self.explained(key)
                client.ask('FLUSHALL')
                client.ask('SET', key, 'x')
                with redis.connect() as direct:
                    self.assertEqual(direct.ask('KEYS', '*'), [made['physical'].encode()])
                    self.assertEqual(direct.command('PTTL', made['physical'])[1] == -1,
                                     made['ttl']['default_ms'] is None or made['phase'] == 'legacy', key)
                self.assertEqual(client.ask('KEYS', '*'), [made['shown'].encode()])
                for name in (made['legacy'], made['consolidated']):
                    if name is not None:
                        self.assertEqual(client.ask('GET', name), b'x', (key, name))


class ConvertTest(WithConfig):
    def test_a_million_lines_lead_back(self):
        kinds = ('stats:user%d:%dd', 'mood:m%d_%d', 'cart:%d-%d')
        lines = '\n'.join(kinds[i % 3] % (i, i % 90) for i in range(1000000)).encode() + b'\n'
        code, there, err = run('convert', '--config', self.path, stdin=lines)
        self.assertEqual((code, err), (0, b''))
        self.assertEqual(there.count(b'\n'), 1000000)
        self.assertTrue(there.startswith(b'analytics:stats:user:user0:days:0d\nanalytics:mood:user:m1_1\n'))
        code, back, err = run('convert', '--config', self.path, '--reverse', stdin=there)
        self.assertEqual((code, err), (0, b''))
        self.assertTrue(back == lines, 'the way back differs')

    def test_bytes_lead_back_quoted_and_with_zero_bytes(self):
        names = [b'mood:' + bytes([byte]) for byte in range(256) if byte not in b':']
        names += [b'mood:"q"', b'mood:a\nb']
        block = b''.join(name + b'\0' for name in names[1:])
        code, there, _ = run('convert', '--config', self.path, '-0', stdin=block)
        self.assertEqual(code, 0)
        self.assertEqual(there, block.replace(b'mood:', b'analytics:mood:user:'))
        self.assertEqual(run('convert', '--config', self.path, '-0', '-r', stdin=there), (0, block, b''))
        quoted = b''.join(b'"mood:' + b''.join(b'\\x%02x' % byte for byte in name[5:]) + b'"\n'
                          for name in names)
        code, there, _ = run('convert', '--config', self.path, stdin=quoted)
        self.assertEqual(code, 0)
        code, back, _ = run('convert', '--config', self.path, '-r', stdin=there)
        self.assertEqual(code, 0)
        self.assertEqual([self.unquoted(line) for line in back.split(b'\n')[:-1]], names)

    @staticmethod
    def unquoted(line):
        return line if line[:1] != b'"' else line[1:-1].decode('unicode_escape').encode('latin-1')

    def test_a_reader_that_goes_away_ends_it_quietly(self):
        for signals in (True, False):           # with SIGPIPE as a shell leaves it, and ignored
            with self.subTest(restore_signals=signals), subprocess.Popen(
                    [binary(), 'convert', '--config', self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, restore_signals=signals) as child:
                child.stdout.close()
                try:
                    child.stdin.write(b'mood:a\n' * 200000)
                    child.stdin.close()
                except BrokenPipeError:
                    pass
                self.assertEqual(child.stderr.read(), b'')
                child.wait(30)

    def test_a_slow_producer_is_answered_line_by_line(self):
        with subprocess.Popen([binary(), 'convert', '--config', self.path], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as child:
            for number in range(3):
                child.stdin.write(b'mood:%d\n' % number)
                child.stdin.flush()
                self.assertEqual(child.stdout.readline(), b'analytics:mood:user:%d\n' % number)
            child.stdin.close()
            self.assertEqual(child.wait(30), 0)


if __name__ == '__main__':
    tap.main()
