"""Who may do what: the proxy's own users, users of the upstream with connections of their own, and what a client that has
not logged in is told.

Where a plain Redis has the same users, the two are compared answer by answer.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import Connection
from harness.servers import Keyshift, RedisServer, wait_for

RENAME = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
ASKS = '''
[[listener]]
auth = "upstream"
'''
WRONG = ('-', b'WRONGPASS invalid username-password pair or user is disabled.')
NOAUTH = ('-', b'NOAUTH Authentication required.')
OK = ('+', b'OK')

# What both sides of a comparison have: `reader` may only read.
ACLS = (('reader', 'on', '>rpw', '~*', '&*', '-@all', '+@read', '+@connection', '+select', '+ping'),
        ('writer', 'on', '>wpw', '>wpw2', '~*', '&*', '+@all'),
        ('mute', 'on', '>mpw', '~*', '-@all', '+get'),
        ('queue', 'on', '>qpw', '~*', '-@all', '+@transaction', '+get', '+ping'),
        ('listener', 'on', '>lpw', 'resetchannels', '&news:*', '-@all', '+@pubsub', '+@connection'),
        ('free', 'on', 'nopass', '~*', '+@all'),
        ('off', 'off', '>opw', '~*', '+@all'))


def words(line):
    return [word.encode() for word in line.split()]


def with_users(redis):
    with redis.connect() as client:
        for acl in ACLS:
            assert client.command('ACL', 'SETUSER', *acl) == OK
    return redis


def connections_of(redis, user):
    """How many connections the server has that are logged in as the user."""
    with redis.connect() as client:
        return client.ask('CLIENT', 'LIST').decode().count(' user=%s ' % user)


class AsRedis(unittest.TestCase):
    """auth = "upstream": told from a plain Redis with the same users by nothing."""

    @classmethod
    def setUpClass(cls):
        cls.reference = with_users(RedisServer())
        cls.redis = with_users(RedisServer())
        cls.keyshift = Keyshift(cls.redis.url, config=ASKS + RENAME)

    @classmethod
    def tearDownClass(cls):
        for process in (cls.keyshift, cls.redis, cls.reference):
            process.stop()

    def setUp(self):
        for redis in (self.reference, self.redis):
            with redis.connect() as client:
                client.command('FLUSHALL')

    def both(self, *lines):
        with self.reference.connect() as a, self.keyshift.connect() as b:
            for line in lines:
                self.assertEqual(a.command(*words(line)), b.command(*words(line)), '%r of %r' % (line, lines))

    def test_the_upstream_judges_passwords_and_its_acls_decide(self):
        for lines in (('AUTH reader rpw', 'GET k', 'SET k 1', 'ACL WHOAMI', 'SELECT 3', 'GET k', 'PING'),
                      ('AUTH writer wpw', 'SET k 1', 'GET k', 'DEL k', 'ACL WHOAMI'),
                      ('AUTH writer wpw2', 'ACL WHOAMI'),
                      ('AUTH reader wrong', 'ACL WHOAMI', 'SET k 1', 'DEL k'),
                      ('AUTH nobody x',), ('AUTH off opw',), ('AUTH free whatever', 'ACL WHOAMI'),
                      ('AUTH x',), ('AUTH default x', 'ACL WHOAMI'), ('AUTH a b c',), ('AUTH',),
                      ('AUTH reader rpw', 'AUTH writer wpw', 'SET k 1', 'DEL k', 'ACL WHOAMI'),
                      ('AUTH reader rpw', 'AUTH writer wrong', 'SET k 1', 'ACL WHOAMI'),
                      ('AUTH reader rpw', 'RESET', 'ACL WHOAMI', 'SET k 1', 'DEL k'),
                      ('AUTH reader rpw', 'MULTI', 'SET k 1', 'EXEC', 'GET k'),
                      ('AUTH writer wpw', 'MULTI', 'SET k 1', 'GET k', 'EXEC', 'WATCH k', 'MULTI', 'DEL k', 'EXEC'),
                      ('AUTH queue qpw', 'MULTI', 'SET k 1', 'GET k', 'PING', 'EXEC', 'MULTI', 'GET k', 'PING', 'EXEC'),
                      ('AUTH mute mpw', 'GET k', 'SET k 1', 'SELECT 1', 'MGET a b'),
                      ('AUTH mute mpw', 'CLIENT KILL ID 99999', 'CLIENT KILL ADDR 1.2.3.4:5', 'CLIENT UNBLOCK 77')):
            with self.subTest(lines):
                self.both(*lines)

    def test_an_empty_password_is_not_taken_for_none(self):
        for args in (('AUTH', ''), ('AUTH', 'default', ''), ('AUTH', 'reader', ''), ('AUTH', '', ''), ('AUTH', '', 'rpw'),
                     ('HELLO', '2', 'AUTH', 'reader', ''), ('AUTH', 'free', '')):
            with self.subTest(args), self.reference.connect() as a, self.keyshift.connect() as b:
                left, right = a.command(*args), b.command(*args)
                self.assertEqual(left[0], right[0])
                if left[0] == '-':
                    self.assertEqual(left, right)
                self.assertEqual(a.command('ACL', 'WHOAMI'), b.command('ACL', 'WHOAMI'))

    def test_hello_logs_in(self):
        for lines in (('HELLO 3 AUTH reader rpw', 'ACL WHOAMI', 'GET none', 'SET k 1'),
                      ('HELLO 3 AUTH reader wrong', 'ACL WHOAMI', 'GET none'),
                      ('HELLO 3 AUTH reader rpw NOSUCH', 'ACL WHOAMI', 'GET none'),
                      ('HELLO 2 AUTH reader rpw SETNAME me AUTH writer wpw', 'ACL WHOAMI', 'CLIENT GETNAME'),
                      ('HELLO 4 AUTH reader rpw', 'ACL WHOAMI')):
            with self.subTest(lines), self.reference.connect() as a, self.keyshift.connect() as b:
                for line in lines:
                    left, right = a.command(*words(line)), b.command(*words(line))
                    self.assertEqual(left[0], right[0], line)
                    if left[0] not in '%*':
                        self.assertEqual(left, right, line)

    def test_a_refused_multi_executes_nothing_behind_it(self):
        wire = [words(line) for line in ('AUTH mute2 m2', 'MULTI', 'SET k 1', 'EXEC', 'GET k')]
        for redis in (self.reference, self.redis):
            with redis.connect() as client:
                client.command('ACL', 'SETUSER', 'mute2', 'on', '>m2', '~*', '+@all', '-multi')
        with self.reference.connect() as a, self.keyshift.connect() as b:
            self.assertEqual(a.pipeline(wire), b.pipeline(wire))

    def test_channels_are_heard_where_the_acls_allow(self):
        with self.keyshift.connect() as one, self.keyshift.connect() as writer:
            self.assertEqual(one.command('AUTH', 'listener', 'lpw'), OK)
            self.assertEqual(one.command('SUBSCRIBE', 'secret')[1][:6], b'NOPERM')
            self.assertEqual(one.command('SUBSCRIBE', 'news:1')[1][0], ('$', b'subscribe'))
            writer.command('AUTH', 'writer', 'wpw')
            writer.ask('PUBLISH', 'news:1', 'hello')
            self.assertEqual(one.read(), ('*', (('$', b'message'), ('$', b'news:1'), ('$', b'hello'))))

    def test_a_login_keeps_its_place_in_a_pipeline(self):
        lines = ('SET k 1', 'GET k', 'AUTH reader rpw', 'GET k', 'SET k 2', 'ECHO x', 'AUTH writer wrong', 'SET k 3',
                 'AUTH writer wpw', 'SET k 4', 'GET k', 'RESET', 'ACL WHOAMI', 'DEL k')
        with self.reference.connect() as a, self.keyshift.connect() as b:
            commands = [words(line) for line in lines]
            self.assertEqual(a.pipeline(commands), b.pipeline(commands))

    def test_a_wrong_password_costs_the_others_nothing(self):
        with self.keyshift.connect() as good:
            self.assertEqual(good.command('AUTH', 'writer', 'wpw'), OK)
            before = good.ask('CLIENT', 'ID'), connections_of(self.redis, 'writer')
            for _ in range(20):
                with self.keyshift.connect() as bad:
                    self.assertEqual(bad.command('AUTH', 'writer', 'guess'), WRONG)
                    self.assertEqual(bad.ask('ACL', 'WHOAMI'), b'default')
            self.assertEqual(before, (good.ask('CLIENT', 'ID'), connections_of(self.redis, 'writer')))
            self.assertEqual(good.ask('SET', 'k', '1'), b'OK')

    def test_many_clients_of_a_user_share_connections(self):
        clients = [self.keyshift.connect() for _ in range(50)]
        for client in clients:
            client.send(b'AUTH writer wpw\r\nINCR shared\r\n')
        self.assertEqual([client.read() for client in clients], [OK] * 50)
        self.assertEqual(sorted(client.read()[1] for client in clients), list(range(1, 51)))
        self.assertLessEqual(connections_of(self.redis, 'writer'), 2)
        for client in clients:
            client.close()

    def test_large_values_and_blocking_go_as_the_user(self):
        value = b'x' * (3 << 20)
        with self.keyshift.connect() as reader, self.keyshift.connect() as writer:
            reader.command('AUTH', 'reader', 'rpw')
            writer.command('AUTH', 'writer', 'wpw')
            self.assertEqual(writer.command('SET', 'big', value), OK)
            self.assertEqual(reader.command('SET', 'big', value)[1][:6], b'NOPERM')
            self.assertEqual(reader.ask('GET', 'big'), value)
            self.assertEqual(reader.command('BLPOP', 'list', '0')[1][:6], b'NOPERM')
            writer.send(b'BLPOP list 0\r\n')
            with self.keyshift.connect() as pusher:
                pusher.command('AUTH', 'writer', 'wpw')
                pusher.ask('RPUSH', 'list', 'a')
            self.assertEqual(writer.read(), ('*', (('$', b'list'), ('$', b'a'))))

    def test_a_user_kills_and_sees_clients_only_where_it_may(self):
        with self.keyshift.connect() as victim, self.keyshift.connect() as mute, self.keyshift.connect() as writer:
            mute.command('AUTH', 'mute', 'mpw')
            writer.command('AUTH', 'writer', 'wpw')
            address = ('%s:%d' % victim.sock.getsockname())
            denied = (b'NOPERM this user has no permissions to run the')
            for line in ('CLIENT KILL ADDR ' + address, 'CLIENT LIST', 'KEYSHIFT RULES', 'CLIENT UNBLOCK 1'):
                reply = mute.command(*words(line))
                self.assertEqual((reply[0], reply[1][:len(denied)]), ('-', denied), line)
            mute.command('MULTI')
            self.assertEqual(mute.command('CLIENT', 'KILL', 'ADDR', address)[1][:len(denied)], denied)
            self.assertEqual(mute.command('EXEC')[1][:9], b'EXECABORT')
            self.assertEqual(victim.ask('PING'), b'PONG')
            self.assertIn(b' user=mute ', writer.ask('CLIENT', 'LIST'))
            self.assertEqual(writer.ask('CLIENT', 'KILL', 'USER', 'mute'), 1)
            self.assertEqual(mute.at_end(), b'')
            self.assertEqual(writer.command('CLIENT', 'KILL', 'ADDR', address), (':', 1))
            self.assertEqual(victim.at_end(), b'')

    def test_a_deleted_user_is_out_and_others_stay(self):
        with self.redis.connect() as admin:
            admin.command('ACL', 'SETUSER', 'temp', 'on', '>t', '~*', '+@all')
            with self.keyshift.connect() as client, self.keyshift.connect() as other:
                self.assertEqual(client.command('AUTH', 'temp', 't'), OK)
                self.assertEqual(client.ask('SET', 'k', '1'), b'OK')
                other.command('AUTH', 'writer', 'wpw')
                admin.command('ACL', 'DELUSER', 'temp')
                self.assertEqual(client.at_end(), b'')
                self.assertEqual(other.ask('GET', 'k'), b'1')
                with self.keyshift.connect() as again:
                    self.assertEqual(again.command('AUTH', 'temp', 't'), WRONG)

    def test_a_changed_password_holds_for_the_next_login(self):
        with self.redis.connect() as admin:
            admin.command('ACL', 'SETUSER', 'turn', 'on', '>old', '~*', '+@all')
            with self.keyshift.connect() as early:
                self.assertEqual(early.command('AUTH', 'turn', 'old'), OK)
                admin.command('ACL', 'SETUSER', 'turn', 'resetpass', '>new')
                self.assertEqual(early.ask('SET', 'k', '1'), b'OK')
                with self.keyshift.connect() as late:
                    self.assertEqual(late.command('AUTH', 'turn', 'old'), WRONG)
                    self.assertEqual(late.command('AUTH', 'turn', 'new'), OK)
                    # The new one is now what a reconnect says.
                    self.assertGreater(admin.ask('CLIENT', 'KILL', 'USER', 'turn'), 0)
                    for client in (early, late):
                        wait_for(lambda one=client: one.command('GET', 'k') == ('$', b'1'), 'the connection again')

    def test_a_reconnect_that_is_refused_closes_the_clients(self):
        with self.redis.connect() as admin:
            admin.command('ACL', 'SETUSER', 'gone', 'on', '>old', '~*', '+@all')
            with self.keyshift.connect() as client:
                self.assertEqual(client.command('AUTH', 'gone', 'old'), OK)
                admin.command('ACL', 'SETUSER', 'gone', 'resetpass', '>new')
                admin.command('CLIENT', 'KILL', 'USER', 'gone')
                self.assertEqual(client.at_end(), b'')

    def test_auth_inside_a_transaction_is_refused_clearly(self):
        with self.keyshift.connect() as client:
            client.command('MULTI')
            self.assertIn(b'AUTH inside MULTI', client.command('AUTH', 'writer', 'wpw')[1])
            self.assertEqual(client.command('EXEC')[1][:9], b'EXECABORT')


class WithoutCredentials(unittest.TestCase):
    """auth = "upstream" before an upstream that lets nobody in without a password."""

    def test_a_client_must_log_in_as_with_redis(self):
        with RedisServer('--requirepass', 'secret') as redis, \
                Keyshift(redis.url, config=ASKS, wait_ready=False) as keyshift:
            for lines in (('GET k',), ('AUTH wrong', 'GET k'), ('AUTH secret', 'GET k', 'ACL WHOAMI'),
                          ('AUTH default secret', 'SET k 1', 'RESET', 'GET k'), ('HELLO 3 AUTH default secret', 'GET k')):
                with self.subTest(lines), redis.connect() as a, keyshift.connect() as b:
                    for line in lines:
                        left, right = a.command(*words(line)), b.command(*words(line))
                        if left[0] != '%':
                            self.assertEqual(left, right, line)

    def test_our_own_credentials_are_nobody_elses(self):
        with RedisServer('--requirepass', 'secret') as redis, \
                Keyshift('redis://:secret@127.0.0.1:%d' % redis.port, config=ASKS) as keyshift:
            with keyshift.connect() as client:
                self.assertEqual(client.command('GET', 'k'), NOAUTH)
                self.assertEqual(client.command('AUTH', 'wrong'), WRONG)
                self.assertEqual(client.command('GET', 'k'), NOAUTH)
                self.assertEqual(client.command('AUTH', 'secret'), OK)
                self.assertEqual(client.command('GET', 'k'), ('$', None))

    def test_an_upstream_that_is_down_is_said_to_be(self):
        with RedisServer() as redis:
            with_users(redis)
            with Keyshift(redis.url, config=ASKS) as keyshift, keyshift.connect() as client:
                redis.kill()
                reply = client.command('AUTH', 'reader', 'rpw')
                self.assertTrue(reply[1].startswith(b'ERR Keyshift has no connection to its upstream'), reply)
                redis.start()
                with_users(redis)
                wait_for(lambda: client.command('AUTH', 'reader', 'rpw') == OK, 'the login')

    def test_monitor_shows_a_login_as_it_was_said_and_no_secret_of_it(self):
        lines = ('AUTH wrong', 'AUTH nobody wrong', 'HELLO 2 AUTH nobody wrong', 'AUTH reader rpw', 'PING end')
        with with_users(RedisServer()) as redis, with_users(RedisServer()) as plain, \
                Keyshift(redis.url, config=ASKS + RENAME) as keyshift:
            seen = []
            for server in (plain, keyshift):
                with server.connect() as monitor, server.connect() as client:
                    self.assertEqual(monitor.command('MONITOR'), OK)
                    for line in lines:
                        client.command(*words(line))
                    seen.append([])
                    while not seen[-1] or seen[-1][-1] != b'"PING" "end"':
                        seen[-1].append(monitor.read()[1].split(b'] ', 1)[1])
            # A connection of a user that is new begins with a PING.
            self.assertEqual(seen[0], seen[1])

    def test_there_are_no_more_users_than_allowed(self):
        with RedisServer() as redis:
            with_users(redis)
            with Keyshift(redis.url, config='[upstream]\nmax_users = 1\n' + ASKS) as keyshift:
                with keyshift.connect() as one, keyshift.connect() as two:
                    self.assertEqual(one.command('AUTH', 'writer', 'wpw'), OK)
                    self.assertIn(b'upstream.max_users', two.command('AUTH', 'reader', 'rpw')[1])
                    self.assertEqual(two.ask('ACL', 'WHOAMI'), b'default')
                    one.command('RESET')
                    self.assertEqual(two.command('AUTH', 'reader', 'rpw'), OK)
                wait_for(lambda: connections_of(redis, 'writer') == 0, 'the end of the other pool')


class OwnUsers(unittest.TestCase):
    """auth = "own": users of the configuration."""

    CONFIG = '''
[user.app]
password = "apw"

[user.report]
password          = "rep"
upstream_username = "reader"
upstream_password = "rpw"

[user.broken]
password          = "b"
upstream_username = "reader"
upstream_password = "not this"

[user.elsewhere]
password = "e"

[[listener]]
users = %s
'''
    ALL = '["app", "report", "broken"]'

    def setUp(self):
        self.redis = with_users(RedisServer())
        self.keyshift = Keyshift(self.redis.url, config=self.CONFIG % self.ALL)

    def tearDown(self):
        self.keyshift.stop()
        self.redis.stop()

    def test_users_log_in_and_are_whom_the_configuration_says(self):
        with self.keyshift.connect() as client:
            for line in ('GET k', 'NOSUCH', 'CLIENT ID', 'SELECT 1', 'MULTI'):
                reply = client.command(*words(line))
                self.assertEqual(reply if line != 'NOSUCH' else reply[0], NOAUTH if line != 'NOSUCH' else '-', line)
            for line in ('AUTH x', 'AUTH default x', 'AUTH app x', 'AUTH elsewhere e', 'AUTH reader rpw'):
                self.assertEqual(client.command(*words(line)), WRONG, line)
            self.assertEqual(client.command('AUTH', 'app', 'apw'), OK)
            self.assertEqual(client.command('SET', 'k', '1'), OK)
            self.assertEqual(client.ask('ACL', 'WHOAMI'), b'app')
            self.assertIn(b' user=app ', client.ask('CLIENT', 'INFO'))
            self.assertEqual(client.command('AUTH', 'report', 'rep'), OK)
            self.assertEqual(client.ask('GET', 'k'), b'1')
            self.assertEqual(client.command('SET', 'k', '2')[1][:6], b'NOPERM')
            self.assertEqual(connections_of(self.redis, 'reader'), 1)
            client.command('RESET')
            self.assertEqual(client.command('GET', 'k'), NOAUTH)

    def test_an_upstream_login_that_is_wrong_is_the_operators_to_see(self):
        with self.keyshift.connect() as client:
            self.assertEqual(client.command('AUTH', 'broken', 'b'), OK)
            self.assertIn(b'the upstream refused the login: WRONGPASS', client.command('GET', 'k')[1])

    def test_a_reload_takes_users_away(self):
        with self.keyshift.connect() as app, self.keyshift.connect() as report:
            app.command('AUTH', 'app', 'apw')
            report.command('AUTH', 'report', 'rep')
            with open(self.keyshift.config_path, 'w', encoding='utf-8') as file:
                file.write(self.CONFIG % '["app"]')
            self.assertEqual(app.ask('KEYSHIFT', 'RELOAD')[:2], b'OK')
            self.assertEqual(report.at_end(), b'')
            self.assertEqual(app.ask('GET', 'k'), None)

    def test_passwords_are_in_no_log(self):
        with self.keyshift.connect() as client:
            client.command('AUTH', 'report', 'rep')
            client.command('AUTH', 'broken', 'secretguess')
            client.command('AUTH', 'broken', 'b')
            client.command('GET', 'k')
        for secret in ('rpw', 'not this', 'secretguess'):
            self.assertNotIn(secret, self.keyshift.log())


if __name__ == '__main__':
    tap.main()
