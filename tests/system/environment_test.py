"""The environment variables that cache services know, one by one: REDIS_HOST, REDIS_PORT, REDIS_PASSWORD, REDIS_DB,
REDIS_SSL, REDIS_POOL_SIZE, REDIS_MOCK_ENABLED, REDIS_URL and USE_CONSOLIDATED_CACHE. Each alone, and against the file
and the flag: flag over environment over file over default. What counts is what is seen from outside: where a key
arrives, and how it is called there.
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import Connection, encode
from harness.servers import Keyshift, RedisServer, binary, wait_for

RULES = '''
[[rule]]
legacy = "old:{id}"
key    = "new:thing:id:{id}"
'''
PASSWORD = 'p@ss:w/rd %'
TRUE = ('true', '1', 'yes', 'True', 'TRUE', 'on')
FALSE = ('false', '0', 'no', 'False', 'FALSE', 'off')
DATABASES = range(16)


def keys_of(server, password=None):
    """{database: [keys]} of a server, without the empty ones."""
    with Connection(server.unix) as client:
        if password:
            client.ask('AUTH', password)
        found = {}
        for database in DATABASES:
            client.ask('SELECT', database)
            names = [name.decode() for name in client.ask('KEYS', '*')]
            if names:
                found[database] = sorted(names)
        client.ask('FLUSHALL')
        return found


def start_and_fail(env, config='', options=()):
    """Runs the daemon until it ends by itself: (exit code, what it said)."""
    argv = [binary(), 'serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', *options]
    if config:
        argv += ['--config', '/dev/stdin']
    clean = {name: value for name, value in os.environ.items() if not name.startswith(('REDIS_', 'KEYSHIFT_'))}
    done = subprocess.run(argv, env={**clean, **env}, input=config, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stderr


class WithUpstreams(unittest.TestCase):
    """One server on 127.0.0.1, another on another port, and one on the same port of 127.0.0.2."""

    @classmethod
    def setUpClass(cls):
        cls.first = RedisServer()
        cls.second = RedisServer()
        cls.neighbour = RedisServer('--bind', '127.0.0.2', port=cls.first.port)
        cls.secret = RedisServer('--requirepass', PASSWORD)
        cls.servers = {'first': cls.first, 'second': cls.second, 'neighbour': cls.neighbour,
                       'secret': cls.secret}

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers.values():
            server.stop()

    def arrives(self, config='', env=None, options=(), name='old:1'):
        """Where a key goes, and under which name: [(server, database, key)]; [] is the embedded server."""
        env = {variable: str(value) for variable, value in (env or {}).items()}
        with Keyshift(None, config=config, env=env, options=[str(option) for option in options]) as front:
            with front.connect() as client:
                self.assertEqual(client.ask('SET', name, 'v'), b'OK')
                self.assertEqual(client.ask('GET', name), b'v')
        return [(server, database, key) for server in self.servers
                for database, keys in keys_of(self.servers[server],
                                              PASSWORD if server == 'secret' else None).items()
                for key in keys]

    def expect(self, cases):
        """Each case: what the file says, the environment, the flags, and where the key must arrive."""
        for config, env, options, wanted in cases:
            with self.subTest(file=config, env=env, flags=options):
                self.assertEqual(self.arrives(config, env, options), [wanted])

    def refused(self, env, *words, config='', options=()):
        """It does not start, and says why in these words."""
        env = {variable: str(value) for variable, value in env.items()}
        code, said = start_and_fail(env, config, options)
        self.assertEqual(code, 78, said)
        for word in words:
            self.assertIn(word, said)
        return said


class Address(WithUpstreams):
    def test_redis_host(self):
        here, there = ('first', 0, 'old:1'), ('neighbour', 0, 'old:1')
        port = '[upstream]\nport = %d\n' % self.first.port
        other = port + 'host = "127.0.0.2"\n'
        self.expect([(port, {}, (), here),
                     (port, {'REDIS_HOST': 'localhost'}, (), here),
                     (port, {'REDIS_HOST': '127.0.0.2'}, (), there),
                     (other, {}, (), there),
                     (other, {'REDIS_HOST': '127.0.0.1'}, (), here),
                     (other, {'REDIS_HOST': ''}, (), there),
                     (other, {'REDIS_HOST': '127.0.0.1'}, ('--upstream-host', '127.0.0.2'), there),
                     (port, {'REDIS_HOST': '127.0.0.2', 'KEYSHIFT_UPSTREAM_HOST': '127.0.0.1'}, (), here)])

    def test_redis_port(self):
        one, two = ('first', 0, 'old:1'), ('second', 0, 'old:1')
        second = '[upstream]\nport = %d\n' % self.second.port
        self.expect([('', {'REDIS_PORT': self.first.port}, (), one),
                     (second, {}, (), two),
                     (second, {'REDIS_PORT': self.first.port}, (), one),
                     (second, {'REDIS_PORT': ''}, (), two),
                     (second, {'REDIS_PORT': self.first.port}, ('--upstream-port', self.second.port), two),
                     ('', {'REDIS_HOST': '127.0.0.2', 'REDIS_PORT': self.first.port}, (),
                      ('neighbour', 0, 'old:1'))])
        for bad in ('abc', '0', '65536', '-1', '6379.0'):
            self.refused({'REDIS_PORT': bad}, 'REDIS_PORT=' + bad)

    def test_without_any_it_is_the_usual_place(self):
        with Keyshift(None, wait_ready=False) as front:
            self.assertIn('upstream 127.0.0.1:6379', front.log())

    def test_what_kubernetes_puts_into_redis_port(self):
        tcp = 'tcp://10.0.0.1:6379'
        self.refused({'REDIS_PORT': tcp}, 'REDIS_PORT=' + tcp, 'Kubernetes', 'REDIS_URL')
        self.expect([('', {'REDIS_PORT': tcp, 'REDIS_URL': self.first.url}, (), ('first', 0, 'old:1'))])

    def test_redis_url(self):
        one, two = ('first', 0, 'old:1'), ('second', 0, 'old:1')
        first, second = self.first.url, self.second.url
        in_file = '[upstream]\nurl = "%s"\n' % second
        self.expect([('', {'REDIS_URL': first}, (), one),
                     ('', {'REDIS_URL': first + '/4'}, (), ('first', 4, 'old:1')),
                     ('', {'REDIS_URL': 'unix://%s?db=2' % self.first.unix}, (), ('first', 2, 'old:1')),
                     (in_file, {}, (), two),
                     (in_file, {'REDIS_URL': first}, (), one),
                     (in_file, {'REDIS_URL': ''}, (), two),
                     ('', {'REDIS_URL': first}, ('--upstream', second), two),
                     ('', {'REDIS_URL': 'redis://:%s@127.0.0.1:%d' % ('p%40ss%3Aw%2Frd%20%25', self.secret.port)},
                      (), ('secret', 0, 'old:1'))])

    def test_a_url_and_its_parts(self):
        """In the same place the URL counts for what it says; parts from a stronger place count over it."""
        one, two = ('first', 0, 'old:1'), ('second', 0, 'old:1')
        in_file = '[upstream]\nurl = "%s"\n' % self.second.url
        self.expect([('', {'REDIS_URL': self.first.url, 'REDIS_PORT': self.second.port}, (), one),
                     ('', {'REDIS_URL': self.first.url, 'REDIS_DB': 5}, (), ('first', 5, 'old:1')),
                     ('', {'REDIS_URL': self.first.url + '/4', 'REDIS_DB': 5}, (), ('first', 4, 'old:1')),
                     (in_file, {'REDIS_PORT': self.first.port}, (), one),
                     ('', {'REDIS_PORT': self.first.port}, ('--upstream', self.second.url), two),
                     ('', {'REDIS_DB': 5}, ('--upstream', self.second.url), ('second', 5, 'old:1'))])

    def test_redis_db(self):
        port = '[upstream]\nport = %d\n' % self.first.port
        in_file = port + 'database = 3\n'
        self.expect([(port, {'REDIS_DB': '0'}, (), ('first', 0, 'old:1')),
                     (port, {'REDIS_DB': '5'}, (), ('first', 5, 'old:1')),
                     (in_file, {}, (), ('first', 3, 'old:1')),
                     (in_file, {'REDIS_DB': '5'}, (), ('first', 5, 'old:1')),
                     (in_file, {'REDIS_DB': '0'}, (), ('first', 0, 'old:1')),
                     (in_file, {'REDIS_DB': ''}, (), ('first', 3, 'old:1')),
                     (in_file, {'REDIS_DB': '5'}, ('--upstream-database', '7'), ('first', 7, 'old:1'))])
        for bad in ('-1', 'one'):
            self.refused({'REDIS_DB': bad}, 'REDIS_DB=' + bad)


class Password(WithUpstreams):
    def test_redis_password(self):
        arrived = ('secret', 0, 'old:1')
        port = '[upstream]\nport = %d\n' % self.secret.port
        wrong, right = port + 'password = "wrong"\n', port + 'password = "%s"\n' % PASSWORD
        self.expect([(port, {'REDIS_PASSWORD': PASSWORD}, (), arrived),
                     (right, {}, (), arrived),
                     (right, {'REDIS_PASSWORD': ''}, (), arrived),
                     (wrong, {'REDIS_PASSWORD': PASSWORD}, (), arrived),
                     (wrong, {'REDIS_PASSWORD': 'false'}, ('--upstream-password', PASSWORD), arrived)])

    def test_one_that_does_not_fit_is_said_and_never_shown(self):
        for env, word in (({}, 'NOAUTH'), ({'REDIS_PASSWORD': 'not-this-one'}, 'WRONGPASS')):
            with self.subTest(word), Keyshift(None, config='[upstream]\nport = %d\n' % self.secret.port, env=env,
                                              wait_ready=False) as front:
                wait_for(lambda f=front, w=word: w in f.log(), word + ' in the log')
                self.assertEqual(front.http('/readyz')[0], 503)
                self.assertNotIn('not-this-one', front.log())

    def test_a_server_without_password_takes_none(self):
        self.expect([('', {'REDIS_PORT': self.first.port, 'REDIS_PASSWORD': ''}, (), ('first', 0, 'old:1'))])


class Ssl(WithUpstreams):
    def test_redis_ssl(self):
        for word in FALSE + ('',):
            self.expect([('', {'REDIS_PORT': self.first.port, 'REDIS_SSL': word}, (), ('first', 0, 'old:1'))])
        for word in TRUE:
            self.refused({'REDIS_SSL': word}, 'REDIS_SSL=' + word, 'TLS', 'not available')
        self.refused({'REDIS_SSL': 'maybe'}, 'REDIS_SSL=maybe', 'true or false')
        self.refused({'REDIS_URL': 'rediss://127.0.0.1:6379'}, 'REDIS_URL', 'TLS', 'not available')


class PoolSize(WithUpstreams):
    def connections(self, but):
        """Of clients of the first server, other than `but`."""
        with self.first.connect() as client:
            return len(client.ask('CLIENT', 'LIST').splitlines()) - 1 - but

    def test_redis_pool_size(self):
        """More clients than that send a large request, each of which takes a connection for itself while it lasts."""
        request = encode(['SET', 'large', b'x' * (2 << 20)])
        half = len(request) * 3 // 4
        others = self.connections(0)
        for size in (2, 5):
            env = {'REDIS_PORT': str(self.first.port), 'REDIS_POOL_SIZE': str(size),
                   'KEYSHIFT_UPSTREAM_QUEUE_TIMEOUT': '1m'}
            with self.subTest(size), Keyshift(None, env=env) as front:
                clients = [front.connect() for _ in range(8)]
                for client in clients:
                    client.send(request[:half])
                wait_for(lambda s=size: self.connections(others) == s, '%d connections' % size)
                with front.connect() as one_more:
                    one_more.ask('GET', 'small')
                self.assertEqual(self.connections(others), size)
                for client in clients:
                    client.send(request[half:])
                self.assertEqual([client.read() for client in clients], [('+', b'OK')] * 8)
                self.assertLessEqual(self.connections(others), size)
                for client in clients:
                    client.close()
            wait_for(lambda: self.connections(others) == 0, 'no connection is left')

    def test_it_must_be_enough_for_the_shared_connections(self):
        """Each worker has them twice, for RESP2 and for RESP3. The numbers of all places meet here."""
        four = '[upstream]\nport = %d\nshared_connections = 4\n' % self.first.port
        eight, seven = four + 'pool_size = 8\n', four + 'pool_size = 7\n'
        arrived = ('first', 0, 'old:1')
        self.expect([(four, {'REDIS_POOL_SIZE': '8'}, (), arrived),
                     (seven, {'REDIS_POOL_SIZE': '8'}, (), arrived),
                     (eight, {'REDIS_POOL_SIZE': ''}, (), arrived),
                     (seven, {'REDIS_POOL_SIZE': '6'}, ('--upstream-pool-size', '8'), arrived),
                     (four, {}, (), arrived)])
        for config, env, options in ((four, {'REDIS_POOL_SIZE': '7'}, ()), (eight, {'REDIS_POOL_SIZE': '7'}, ()),
                                     (four, {'REDIS_POOL_SIZE': '8'}, ('--upstream-pool-size', '7'))):
            self.refused(env, 'upstream.pool_size = 7 is too few', '8 or more', config=config, options=options)
        for bad in ('0', 'many', '10001'):
            self.refused({'REDIS_POOL_SIZE': bad}, 'REDIS_POOL_SIZE=' + bad)


class MockEnabled(WithUpstreams):
    def test_redis_mock_enabled(self):
        port = '[upstream]\nport = %d\n' % self.first.port
        on = port + '[embedded]\nenabled = true\n'
        for config, env, options, embedded in (
                *((port, {'REDIS_MOCK_ENABLED': word}, (), True) for word in TRUE),
                *((port, {'REDIS_MOCK_ENABLED': word}, (), False) for word in FALSE + ('',)),
                (port, {}, (), False),
                (on, {}, (), True),
                (on, {'REDIS_MOCK_ENABLED': 'false'}, (), False),
                (port, {'REDIS_MOCK_ENABLED': 'false'}, ('--embedded',), True)):
            with self.subTest(file=config, env=env, flags=options):
                self.assertEqual(self.arrives(config, env, options), [] if embedded else [('first', 0, 'old:1')])
        self.refused({'REDIS_MOCK_ENABLED': 'maybe'}, 'REDIS_MOCK_ENABLED=maybe', 'true or false')

    def test_the_mock_wins_over_an_address(self):
        """A test suite sets it beside the REDIS_HOST and REDIS_PORT of everyday."""
        env = {'REDIS_MOCK_ENABLED': 'true', 'REDIS_HOST': '127.0.0.1', 'REDIS_PORT': self.first.port}
        self.assertEqual(self.arrives(RULES, env), [])


class FeatureFlag(WithUpstreams):
    def named(self, config, env, options=()):
        found = self.arrives(config, {**env, 'REDIS_PORT': self.first.port}, options)
        self.assertEqual([(server, database) for server, database, _ in found], [('first', 0)])
        return found[0][2]

    def test_use_consolidated_cache(self):
        for words, name in ((TRUE, 'new:thing:id:1'), (FALSE, 'old:1'), (('',), 'new:thing:id:1')):
            for word in words:
                with self.subTest(word):
                    self.assertEqual(self.named(RULES, {'USE_CONSOLIDATED_CACHE': word}), name)
        self.refused({'USE_CONSOLIDATED_CACHE': 'maybe'}, 'USE_CONSOLIDATED_CACHE=maybe', 'true or false')

    def test_it_wins_over_the_file_and_the_flag_over_it(self):
        on, off = {'USE_CONSOLIDATED_CACHE': 'true'}, {'USE_CONSOLIDATED_CACHE': 'false'}
        legacy, consolidated = 'phase = "legacy"\n' + RULES, 'phase = "consolidated"\n' + RULES
        for config, env, options, renamed in ((legacy, {}, (), False), (legacy, on, (), True),
                                              (consolidated, off, (), False),
                                              (RULES, off, ('--phase', 'consolidated'), True),
                                              (RULES, on, ('--phase', 'legacy'), False)):
            with self.subTest(file=config, env=env, flags=options):
                self.assertEqual(self.named(config, env, options), 'new:thing:id:1' if renamed else 'old:1')

    def test_switched_off_it_is_the_brake_for_every_rule_and_domain(self):
        rule = RULES + 'phase = "consolidated"\n'
        domain = '[domain.new]\nphase = "consolidated"\n' + RULES
        for config in (rule, domain, 'phase = "legacy"\n' + rule, 'phase = "legacy"\n' + domain):
            with self.subTest(config):
                self.assertEqual(self.named(config, {'USE_CONSOLIDATED_CACHE': 'false'}), 'old:1')
                self.assertEqual(self.named(config, {}), 'new:thing:id:1')

    def test_switched_on_it_is_the_default_of_rules_that_say_nothing(self):
        on = {'USE_CONSOLIDATED_CACHE': 'true'}
        self.assertEqual(self.named(RULES + 'phase = "legacy"\n', on), 'old:1')
        self.assertEqual(self.named('[domain.new]\nphase = "legacy"\n' + RULES, on), 'old:1')


class Together(WithUpstreams):
    def test_the_block_of_the_guide(self):
        """As it stands there, but for the port; with a server that wants that password."""
        with RedisServer('--requirepass', 'your_password') as server:
            env = {'REDIS_HOST': 'localhost', 'REDIS_PORT': str(server.port), 'REDIS_PASSWORD': 'your_password',
                   'REDIS_DB': '0', 'REDIS_SSL': 'false', 'USE_CONSOLIDATED_CACHE': 'true',
                   'REDIS_MOCK_ENABLED': 'false'}
            with Keyshift(None, config=RULES, env=env) as front, front.connect() as client:
                client.ask('SET', 'old:1', 'v')
                self.assertNotIn('your_password', front.log())
            self.assertEqual(keys_of(server, 'your_password'), {0: ['new:thing:id:1']})

    def test_variables_that_mean_nothing_to_keyshift_do_no_harm(self):
        env = {'REDIS_PORT': self.first.port, 'REDIS_DECODE_RESPONSES': 'True', 'REDIS_MAX_CONNECTIONS': 'lots',
               'REDIS_SOCKET_TIMEOUT': '-', 'REDIS_SERVICE_HOST': '10.0.0.1', 'REDIS_PORT_6379_TCP': 'tcp://x:1',
               'REDIS_TLS_URL': 'rediss://nowhere', 'CACHE_TTL': '60', 'LOG_LEVEL': 'LOUD'}
        self.assertEqual(self.arrives(RULES, env), [('first', 0, 'new:thing:id:1')])

    def test_all_that_is_wrong_is_said_at_once(self):
        said = self.refused({'REDIS_PORT': 'x', 'REDIS_DB': 'y', 'REDIS_SSL': 'z', 'REDIS_POOL_SIZE': 'many',
                             'REDIS_MOCK_ENABLED': 'maybe', 'USE_CONSOLIDATED_CACHE': 'perhaps'})
        for text in ('REDIS_PORT=x', 'REDIS_DB=y', 'REDIS_SSL=z', 'REDIS_POOL_SIZE=many',
                     'REDIS_MOCK_ENABLED=maybe', 'USE_CONSOLIDATED_CACHE=perhaps'):
            self.assertIn(text, said)


if __name__ == '__main__':
    tap.main()
