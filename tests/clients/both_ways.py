"""Runs a program of tests/clients against a plain Redis and through Keyshift, and compares the two outcomes.

    class RedisPy(BothWays):
        def test_with_hiredis(self):
            self.run_alike('redis_py', [PYTHON, 'redis_py_run.py'], 'hiredis')

The program gets the URL of its Redis behind the arguments and prints its outcome, a JSON object a line. Keyshift has
the rules of `redis_py.toml`. That they really took effect is seen in the Redis behind it, which tells every key that
any command touches, scripts included: each has to begin with the domain of a rule. What no rule fits is refused, so
that the program fails on it. Every rule has to be of use to the program, unless it is said that it touches few keys.
"""

import difflib
import os
import sys
import tomllib
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))

from harness.servers import Keyshift, Process, RedisServer, need

PYTHON = '/usr/bin/python3'
NODE = 'node'
RUBY = '/usr/bin/ruby'
RUN_SECONDS = 120
# Every event of every type of key, and misses: also a key that is only ever looked for is told.
ALL_EVENTS = 'AEm'
SENTINEL = b'end-of-the-run'


class Run(Process):
    """One program at work, in a directory of its own."""

    name = 'run'

    def __init__(self, argv, url):
        super().__init__()
        self.name = os.path.basename(argv[1]) + ' ' + url
        self.outcome_path = os.path.join(self.dir, 'outcome')
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('REDIS_', 'KEYSHIFT_'))}
        environment.update(HOME=self.dir, TMPDIR=self.dir, PYTHONDONTWRITEBYTECODE='1', TZ='UTC',
                           LC_ALL='C.UTF-8')
        with open(self.outcome_path, 'wb') as outcome:
            self.spawn(argv + [url], env=environment, stdout=outcome)

    def outcome(self):
        """The lines that the program printed; fails unless it ended well."""
        code = self.wait_exit(RUN_SECONDS)
        with open(self.outcome_path, encoding='utf-8') as file:
            lines = file.read().splitlines()
        if code != 0 or not lines:
            raise AssertionError('%s ended with %d after:\n%s' % (self.name, code, '\n'.join(lines[-3:])))
        return lines


class TouchedKeys:
    """The names of all keys that commands touch in a Redis from now on."""

    def __init__(self, redis):
        self.redis = redis
        self.client = redis.connect()
        self.client.ask('PSUBSCRIBE', '__keyevent@*__:*')

    def names(self):
        with self.redis.connect() as marker:
            marker.ask('SET', SENTINEL, '')
        found = set()
        while True:
            name = self.client.read_raw()[1][3][1]
            if name == SENTINEL:
                self.client.close()
                return found
            found.add(name)


class BothWays(unittest.TestCase):
    def run_alike(self, configuration, argv, *arguments, few_keys=False):
        """Runs the program both ways at once; the outcome has to be the same."""
        if argv[0] == NODE:
            argv = [need(NODE), *argv[1:]]
            self.assertTrue(os.path.isdir(os.path.join(HERE, 'node_modules')), 'run npm ci in tests/clients')
        with open(os.path.join(HERE, configuration + '.toml'), encoding='utf-8') as file:
            text = file.read()
        argv = [argv[0], os.path.join(HERE, argv[1]), *arguments]
        plain, behind = [self.started(RedisServer, '--notify-keyspace-events', ALL_EVENTS) for _ in range(2)]
        keyshift = self.started(Keyshift, behind.url, config=text)
        # Who listens counts as a subscriber: so somebody listens to the plain server too.
        _, touched = TouchedKeys(plain), TouchedKeys(behind)
        runs = [self.started(Run, argv, 'redis://127.0.0.1:%d' % server.port) for server in (plain, keyshift)]
        direct, through = [run.outcome() for run in runs]
        self.same(direct, through)
        rules = tomllib.loads(text)['rule']
        self.all_were_renamed(rules, touched.names())
        if not few_keys:
            self.all_were_of_use(rules, keyshift)

    def started(self, kind, *options, **more):
        process = kind(*options, **more)
        self.addCleanup(process.stop)
        return process

    def same(self, direct, through):
        if direct != through:
            self.fail('\n'.join(difflib.unified_diff(direct, through, 'directly', 'through Keyshift',
                                                     lineterm='', n=1)))

    def all_were_renamed(self, rules, touched):
        domains = tuple({rule['key'].split(':')[0].encode() + b':' for rule in rules})
        self.assertNotEqual(touched, set())
        legacy = {name for name in touched if not name.startswith(domains)}
        self.assertEqual(legacy, set(), 'keys that were not renamed')

    def all_were_of_use(self, rules, keyshift):
        names = [rule['legacy'] for rule in rules]
        idle = [name for name in names if not keyshift.metric('rule_rewritten_keys_total', rule=name)]
        self.assertEqual(idle, [], 'rules that no key came to')
