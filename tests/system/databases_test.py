"""Databases of clients that are views of one upstream database: what each sees, what it cannot touch, and that nothing
can be told from a Redis with databases of its own."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import encode
from harness.servers import Keyshift, RedisServer, short_budget

DATABASES = 4
INTO = 5

RULES = ''.join('''
[[rule]]
legacy = "k:{id}"
key    = "d%d:kv:id:{id}"
db     = %d
''' % (db, db) for db in range(DATABASES))

FOLDED = '''
[fold]
into = %d

[[listener]]
unmatched = "prefix"
unmatched_prefix = "db{db}:"
'''

# What other databases and others have in the upstream database.
FOREIGN = ('k:1', 'd1:kv:id:', 'd9:kv:id:1', 'db1', 'db:x', 'dbx:1', 'other')

OK = ('+', b'OK')
NULLS = (('$', None), ('_', None))


def error(text):
    return ('-', text.encode())


def names(reply):
    return sorted(word[1] for word in reply[1])


class Folded(unittest.TestCase):
    into = INTO
    more = ''

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()
        cls.keyshift = Keyshift(cls.redis.url, config=FOLDED % cls.into + RULES + cls.more)

    @classmethod
    def tearDownClass(cls):
        cls.keyshift.stop()
        cls.redis.stop()

    def setUp(self):
        self.bare = self.redis.connect()
        self.addCleanup(self.bare.close)
        self.bare.ask('FLUSHALL')
        self.bare.ask('SELECT', self.into)

    def client(self, database, protocol=2, of=None):
        client = (of or self.keyshift).connect()
        self.addCleanup(client.close)
        if protocol == 3:
            client.ask('HELLO', 3)
        self.assertEqual(client.command('SELECT', database), OK)
        return client

    def stored(self):
        return names(self.bare.command('KEYS', '*'))

    def scanned(self, client, *words):
        cursor, found = b'0', []
        while True:
            cursor, page = client.ask('SCAN', cursor, *words)
            found += page
            if cursor == b'0':
                return sorted(found)

    def seen(self, client):
        """All keys of the client's database; every way to ask must say the same."""
        found = names(client.command('KEYS', '*'))
        self.assertEqual(self.scanned(client, 'COUNT', 3), found)
        self.assertEqual(client.ask('DBSIZE'), len(found))
        drawn = client.command('RANDOMKEY')
        if found:
            self.assertIn(drawn[1], found)
        else:
            self.assertIn(drawn, NULLS)
        return found


class ViewTest(Folded):
    def fill(self):
        """The same names in each database, and keys of others."""
        for key in FOREIGN:
            self.bare.ask('SET', key, 'foreign')
        for database in range(DATABASES):
            client = self.client(database)
            for name in ('k:1', 'k:2', 'lock', 'd1:kv:id:1'):
                client.ask('SET', name, 'of %d' % database)

    def test_the_same_name_is_another_key_in_each_database(self):
        self.fill()
        self.assertEqual(self.stored(), sorted(
            [key.encode() for key in FOREIGN] + [b'd%d:kv:id:%d' % (db, id_) for db in range(DATABASES) for id_ in (1, 2)]
            + [b'db%d:lock' % db for db in range(DATABASES)] + [b'db%d:d1:kv:id:1' % db for db in (0, 2, 3)]))
        for database in range(DATABASES):
            client = self.client(database)
            self.assertEqual(client.ask('MGET', 'k:1', 'k:2', 'lock'), [b'of %d' % database] * 3)
            self.assertEqual(client.ask('EXISTS', 'other', 'db%d:lock' % database, 'd0:kv:id:2'), int(database == 0),
                             'a consolidated name is understood in its own database')
            self.assertEqual(client.command('CLIENT', 'INFO')[1].split(b' db=')[1].split(b' ')[0], b'%d' % database)

    def test_keys_scan_dbsize_and_randomkey_show_the_view_only(self):
        self.fill()
        for protocol in (2, 3):
            for database in range(DATABASES):
                client = self.client(database, protocol)
                shown = {b'k:1', b'k:2', b'lock', b'd1:kv:id:1'} - ({b'd1:kv:id:1'} if database == 1 else set())
                self.assertEqual(self.seen(client), sorted(shown))
                self.assertEqual(names(client.command('KEYS', 'k:*')), [b'k:1', b'k:2'])
                self.assertEqual(self.scanned(client, 'MATCH', '*1'), sorted(name for name in shown if name.endswith(b'1')))
            self.assertEqual(self.seen(self.client(7, protocol)), [])

    def test_flushdb_deletes_the_view_and_leaves_everything_else(self):
        for words in (('FLUSHDB',), ('FLUSHDB', 'ASYNC'), ('flushdb', 'sync')):
            self.fill()
            before = set(self.stored())
            client = self.client(1)
            self.assertEqual(client.command(*words), OK)
            self.assertEqual(before - set(self.stored()), {b'd1:kv:id:1', b'd1:kv:id:2', b'db1:lock'})
            self.assertEqual(self.seen(client), [])
            self.assertEqual(len(self.seen(self.client(0))), 4)
        self.assertEqual(client.command('FLUSHDB', 'NOW'), error('ERR syntax error'))

    def test_flushall_deletes_all_views_and_nothing_else(self):
        self.fill()
        self.bare.ask('SELECT', 9)
        self.bare.ask('SET', 'elsewhere', 'x')
        self.bare.ask('SELECT', self.into)
        self.assertEqual(self.client(3).command('FLUSHALL'), OK)
        self.assertEqual(self.stored(), sorted(key.encode() for key in FOREIGN))
        self.bare.ask('SELECT', 9)
        self.assertEqual(self.bare.ask('DBSIZE'), 1)

    def test_a_walk_sees_every_page(self):
        count = 5_000 if short_budget() else 30_000
        for database, pattern in ((0, 'd0:kv:id:%d'), (1, 'd1:kv:id:%d'), (None, 'other:%d')):
            self.bare.pipeline([('SET', pattern % i, 'x') for i in range(count)])
        self.bare.ask('SET', 'd2:kv:id:only', 'x')
        rare = self.client(2)
        for _ in range(5):
            self.assertEqual(rare.ask('RANDOMKEY'), b'k:only', 'one among many')
        self.assertEqual(rare.ask('DBSIZE'), 1)
        client = self.client(1)
        self.assertEqual(client.ask('DBSIZE'), count)
        draws = {client.ask('RANDOMKEY') for _ in range(20)}
        self.assertGreater(len(draws), 5)
        # What is sent behind them waits, and is answered in order.
        client.send(encode(('DBSIZE',)) + encode(('PING',)) + encode(('FLUSHDB',)) + encode(('DBSIZE',))
                    + encode(('SET', 'k:new', 'x')) + encode(('DBSIZE',)))
        self.assertEqual([client.read() for _ in range(6)],
                         [(':', count), ('+', b'PONG'), OK, (':', 0), OK, (':', 1)])
        self.assertEqual(self.client(0).ask('DBSIZE'), count)
        self.assertEqual(self.bare.ask('DBSIZE'), 2 * count + 2)

    def test_replies_that_are_not_wanted_are_not_sent(self):
        client = self.client(1)
        client.ask('SET', 'k:1', 'x')
        client.send(encode(('CLIENT', 'REPLY', 'SKIP')) + encode(('DBSIZE',)) + encode(('DBSIZE',)))
        self.assertEqual(client.read(), (':', 1))
        client.send(encode(('CLIENT', 'REPLY', 'OFF')) + encode(('FLUSHDB',)) + encode(('CLIENT', 'REPLY', 'ON')))
        self.assertEqual(client.read(), OK)
        self.assertEqual(client.ask('DBSIZE'), 0)

    def test_a_client_that_leaves_in_the_middle_of_a_walk_harms_nobody(self):
        self.bare.pipeline([('SET', 'd1:kv:id:%d' % i, 'x') for i in range(20_000)])
        for _ in range(10):
            client = self.keyshift.connect()
            client.send(encode(('SELECT', '1')) + encode(('DBSIZE',)) + encode(('DBSIZE',)))
            client.read()
            client.close()
        self.assertEqual(self.client(1).ask('DBSIZE'), 20_000)

    def test_what_an_upstream_refuses_in_a_walk_is_told(self):
        self.fill()
        client = self.client(1)
        self.bare.ask('ACL', 'SETUSER', 'default', '-unlink')
        self.addCleanup(self.bare.ask, 'ACL', 'SETUSER', 'default', '+unlink')
        reply = client.command('FLUSHDB')
        self.assertTrue(reply[0] == '-' and reply[1].startswith(b'NOPERM'), reply)
        self.bare.ask('ACL', 'SETUSER', 'default', '-scan')
        self.addCleanup(self.bare.ask, 'ACL', 'SETUSER', 'default', '+scan')
        self.assertTrue(client.command('DBSIZE')[1].startswith(b'NOPERM'))
        self.assertEqual(client.ask('GET', 'k:1'), b'of 1', 'served as before')

    def test_select_is_answered_for_the_databases_that_there_are(self):
        client = self.keyshift.connect()
        self.addCleanup(client.close)
        self.assertEqual(client.command('SELECT', 15), OK)
        for number in ('16', '-1'):
            self.assertEqual(client.command('SELECT', number), error('ERR DB index is out of range'))
        self.assertEqual(client.command('SELECT', 'x'), error('ERR value is not an integer or out of range'))
        client.ask('SET', 'here', 1)
        self.assertEqual(self.stored(), [b'db15:here'])

    def test_swapdb_is_refused(self):
        client = self.client(0)
        reply = client.command('SWAPDB', 0, 1)
        self.assertTrue(reply[0] == '-' and b'SWAPDB cannot exchange databases' in reply[1], reply)

    def test_scripts_find_the_keys_of_the_clients_database(self):
        for database in (0, 2):
            client = self.client(database)
            client.ask('EVAL', "return redis.call('SET', KEYS[1], ARGV[1])", 1, 'k:s', database)
        self.assertEqual(self.stored(), [b'd0:kv:id:s', b'd2:kv:id:s'])

    def test_blocking_and_large_requests_go_to_the_same_database(self):
        value = 'v' * (3 << 20)
        client = self.client(2)
        client.ask('SET', 'k:large', value)
        self.assertEqual(client.ask('STRLEN', 'k:large'), len(value))
        client.ask('RPUSH', 'k:list', 'x')
        self.assertEqual(client.ask('BLPOP', 'k:list', 1), [b'k:list', b'x'])
        self.assertEqual(self.stored(), [b'd2:kv:id:large'])


class TransactionTest(Folded):
    def test_select_inside_a_transaction(self):
        client = self.client(0)
        client.ask('MULTI')
        for words in (('SET', 'k:1', 'a'), ('SELECT', '2'), ('SET', 'k:1', 'b'), ('DBSIZE',), ('SELECT', '77'),
                      ('SET', 'lock', 'c'), ('KEYS', '*'), ('RANDOMKEY',)):
            self.assertEqual(client.command(*words), ('+', b'QUEUED'))
        reply = client.command('EXEC')
        self.assertEqual(reply[1][:6], (OK, OK, OK, (':', 1), error('ERR DB index is out of range'), OK))
        self.assertEqual(names(reply[1][6]), [b'k:1', b'lock'])
        self.assertIn(reply[1][7][1], (b'k:1', b'lock'))
        self.assertEqual(self.stored(), [b'd0:kv:id:1', b'd2:kv:id:1', b'db2:lock'])
        self.assertEqual(client.ask('GET', 'k:1'), b'b', 'in the database that was selected')

    def test_watch_across_select(self):
        client = self.client(0)
        other = self.client(0)
        for change, result in ((('SET', 'k:w', 'changed'), None), (('SET', 'k:other', 'x'), [b'OK'])):
            client.ask('SELECT', 0)
            client.ask('WATCH', 'k:w')
            client.ask('SELECT', 1)
            other.ask(*change)
            client.ask('MULTI')
            client.ask('SET', 'k:w', 'mine')
            self.assertEqual(client.ask('EXEC'), result)
        self.assertEqual(self.stored(), [b'd0:kv:id:other', b'd0:kv:id:w', b'd1:kv:id:w'])

    def test_a_watched_key_of_another_database_is_another_key(self):
        client = self.client(0)
        client.ask('WATCH', 'k:w')
        self.client(1).ask('SET', 'k:w', 'x')
        client.ask('MULTI')
        client.ask('SET', 'k:w', 'mine')
        self.assertEqual(client.ask('EXEC'), [b'OK'])

    def test_dbsize_counts_in_a_transaction_and_flushdb_is_refused(self):
        client = self.client(1, 3)
        client.ask('SET', 'k:1', 'x')
        self.bare.ask('SET', 'other', 'x')
        client.ask('MULTI')
        client.ask('DBSIZE')
        client.ask('SELECT', 2)
        client.ask('DBSIZE')
        client.ask('RANDOMKEY')
        self.assertEqual(client.ask('EXEC'), [1, b'OK', 0, None])
        for words in (('FLUSHDB',), ('FLUSHALL',), ('SWAPDB', 0, 1)):
            client.ask('MULTI')
            reply = client.command(*words)
            self.assertTrue(reply[0] == '-' and b'folds databases' in reply[1] or b'cannot exchange' in reply[1], reply)
            self.assertTrue(client.command('EXEC')[1].startswith(b'EXECABORT'))
        self.assertEqual(self.stored(), [b'd1:kv:id:1', b'other'])


class MoveTest(Folded):
    def test_move_and_copy_take_the_name_of_the_other_database(self):
        client = self.client(0)
        client.ask('SET', 'k:1', 'v', 'PX', 100_000)
        self.assertEqual(client.ask('COPY', 'k:1', 'lock', 'DB', 3, 'REPLACE'), 1)
        self.assertEqual(client.ask('MOVE', 'k:1', 1), 1)
        self.assertEqual(client.ask('MOVE', 'k:1', 1), 0)
        self.assertEqual(self.stored(), [b'd1:kv:id:1', b'db3:lock'])
        self.assertGreater(self.client(1).ask('PTTL', 'k:1'), 50_000)
        client.ask('SET', 'k:1', 'again')
        self.assertEqual(client.ask('MOVE', 'k:1', 1), 0, 'there is one')
        self.assertEqual(client.ask('GET', 'k:1'), b'again')
        client.ask('MULTI')
        client.ask('MOVE', 'k:1', 2)
        client.ask('MOVE', 'k:1', 2)
        self.assertEqual(client.ask('EXEC'), [1, 0])

    def test_nothing_can_be_told_from_databases_of_their_own(self):
        with RedisServer() as reference:
            for protocol in (2, 3):
                self.bare.ask('FLUSHDB')
                for key in FOREIGN:
                    self.bare.ask('SET', key, 'foreign')
                direct = self.client(0, protocol, of=reference)
                direct.ask('FLUSHALL')
                folded = self.client(0, protocol)
                rng = random.Random(protocol)
                history = []
                for _ in range(1_500 if short_budget() else 6_000):
                    words = self.some_command(rng)
                    history.append(words)
                    expected, got = direct.command(*words), folded.command(*words)
                    if words[0] in ('KEYS', 'RANDOMKEY', 'TTL'):
                        expected, got = self.comparable(direct, expected), self.comparable(folded, got)
                    self.assertEqual(got, expected, history[-10:])
                self.assertEqual([key for key in FOREIGN if self.bare.ask('GET', key) != b'foreign'], [])

    def comparable(self, client, reply):
        """Order, chance and time apart."""
        if reply[0] == '*':
            return names(reply)
        if reply[0] == ':':
            return max(-2, min(reply[1], 1))
        return reply if reply in NULLS else client.ask('EXISTS', reply[1])

    @staticmethod
    def some_command(rng):
        def key():
            return rng.choice(('k:1', 'k:2', 'k:3', 'lock', 'd9:kv:id:1', 'db1:x'))

        def database():
            return rng.choice(('0', '1', '2', '3', '7', '15') * 4 + ('16', '-1', 'x', '', '1.0', '99999999999'))

        return rng.choice((
            lambda: ('SELECT', database()), lambda: ('SELECT', rng.choice('0123')), lambda: ('SET', key(), str(rng.random())),
            lambda: ('SET', key(), 'x'), lambda: ('GET', key()), lambda: ('DEL', key(), key()),
            lambda: ('RPUSH', key(), 'a', 'b'), lambda: ('EXPIRE', key(), 1000), lambda: ('TTL', key()),
            lambda: ('MOVE', key(), database()), lambda: ('MOVE', key(), rng.choice('0123')),
            lambda: ('COPY', key(), key()), lambda: ('COPY', key(), key(), 'DB', database()),
            lambda: ('COPY', key(), key(), 'DB', rng.choice('0123'), 'REPLACE'),
            lambda: ('COPY', key(), key(), 'REPLACE', 'DB', rng.choice('0123')),
            lambda: ('COPY', key(), key(), 'DB', '1', 'DB', rng.choice('0123')), lambda: ('COPY', key(), key(), 'DB'),
            lambda: ('RENAME', key(), key()), lambda: ('RENAMENX', key(), key()), lambda: ('KEYS', '*'),
            lambda: ('KEYS', 'k:*'), lambda: ('KEYS', rng.choice(('*1', 'd*', '?ock'))), lambda: ('DBSIZE',),
            lambda: ('RANDOMKEY',), lambda: ('EXISTS', key(), key()), lambda: ('TYPE', key()),
            lambda: rng.choice((('FLUSHDB',), ('FLUSHALL',), ('PING',), ('PING',), ('PING',))),
        ))()


class IntoADatabaseInUseTest(Folded):
    """Database 0 is one of those that fold, and the one that they fold into."""

    into = 0

    def test_its_own_view_is_one_of_them(self):
        self.bare.ask('SET', 'k:1', 'was here before')
        self.client(0).ask('SET', 'k:1', 'zero')
        self.client(3).ask('SET', 'k:1', 'three')
        self.assertEqual(self.stored(), [b'd0:kv:id:1', b'd3:kv:id:1', b'k:1'])
        self.assertEqual(self.seen(self.client(0)), [b'k:1'])
        self.assertEqual(self.client(0).ask('FLUSHDB'), b'OK')
        self.assertEqual(self.stored(), [b'd3:kv:id:1', b'k:1'])


class ConsolidatedViewTest(Folded):
    """Where names are consolidated the databases are one."""

    def test_it_shows_everything_whatever_is_selected(self):
        for database in range(DATABASES):
            self.client(database).ask('SET', 'k:1', database)
        with Keyshift(self.redis.url, config=FOLDED.replace('unmatched', '#unmatched') % self.into + RULES,
                      options=('--listener-view', 'consolidated')) as new:
            everything = [b'd%d:kv:id:1' % database for database in range(DATABASES)]
            for database in (0, 3, 9):
                client = self.client(database, of=new)
                self.assertEqual(self.seen(client), everything)
                self.assertEqual(client.ask('GET', 'd2:kv:id:1'), b'2')
            self.assertEqual(client.command('MOVE', 'd2:kv:id:1', 2),
                             error('ERR source and destination objects are the same'))
            client.ask('SET', 'new', 'x')
            self.assertIn(b'new', self.stored())
            client.ask('FLUSHDB')
            self.assertEqual(self.stored(), [])


class OneByOneTest(Folded):
    """Databases come over one after another."""

    def test_a_database_in_phase_legacy_is_where_it_was(self):
        rules = RULES.replace('db     = 1\n', 'db     = 1\nphase  = "legacy"\n')
        with Keyshift(self.redis.url, config=FOLDED % self.into + rules) as half:
            for database in (0, 1):
                client = self.client(database, of=half)
                client.ask('SET', 'k:1', database)
                client.ask('SET', 'lock', database)
                self.assertEqual(self.seen(client), [b'k:1', b'lock'])
            self.assertEqual(self.stored(), [b'd0:kv:id:1', b'db0:lock'])
            self.bare.ask('SELECT', 1)
            self.assertEqual(self.stored(), [b'k:1', b'lock'])
            reply = client.command('FLUSHALL')
            self.assertTrue(reply[0] == '-' and b'FLUSHDB in each' in reply[1], reply)
            reply = client.command('MOVE', 'k:1', 0)
            self.assertTrue(reply[0] == '-' and b'different names' in reply[1], reply)
            self.assertEqual(client.ask('COPY', 'k:1', 'k:2', 'DB', 0), 1)
            self.assertEqual(client.ask('FLUSHDB'), b'OK')
            self.assertEqual(self.stored(), [])
            self.bare.ask('SELECT', self.into)
            self.assertEqual(self.stored(), [b'd0:kv:id:1', b'd0:kv:id:2', b'db0:lock'])

    def test_the_brake_unfolds_at_once(self):
        with Keyshift(self.redis.url, config=FOLDED % self.into + RULES,
                      env={'USE_CONSOLIDATED_CACHE': 'false'}) as braked:
            client = self.client(3, of=braked)
            client.ask('MSET', 'k:1', 'a', 'lock', 'b')
            self.bare.ask('SELECT', 3)
            self.assertEqual(self.stored(), [b'k:1', b'lock'])
            self.assertEqual(client.ask('DBSIZE'), 2)
            self.assertEqual(client.ask('SWAPDB', 3, 4), b'OK')
            self.assertEqual(client.ask('DBSIZE'), 0)


if __name__ == '__main__':
    tap.main()
