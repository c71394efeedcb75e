"""Keyspace notifications of databases that are views of one: who listens hears what a Redis with databases of its own would
announce to it, and nothing of what others do in the upstream's database.

A writer does the same at a plain Redis and through Keyshift to another one; listeners of both must be told the same, in the
same order. No wait depends on time: behind what it does the writer publishes on a channel that every listener holds.
"""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import encode
from harness.servers import Keyshift, RedisServer, short_budget, wait_for

CONFIG = '''
[fold]
into = 5

[[listener]]
unmatched = "prefix"
unmatched_prefix = "db{db}:"
''' + ''.join('''
[[rule]]
legacy = "k:{id}"
key    = "d%d:kv:id:{id}"
db     = %d
''' % (db, db) for db in range(4))

DATABASES = (0, 1, 2, 3, 5, 7, 12)
KEYS = ('k:1', 'k:2', 'lock', 'd9:kv:id:9', 'db1:x', '')
CHANNELS = ('__keyspace@0__:k:1', '__keyspace@1__:k:1', '__keyspace@1__:lock', '__keyspace@5__:lock', '__keyspace@12__:',
            '__keyspace@16__:lock', '__keyevent@0__:set', '__keyevent@1__:set', '__keyevent@5__:set', '__keyevent@7__:del',
            '__keyevent@12__:expire')
PATTERNS = ('*', '__key*__:*', '__key*@?__:*', '__keyspace@*__:k:*', '__keyspace@1__:*', '__keyspace@[13]__:k:?',
            '__keyspace@[^15]__:*', '__keyspace@1*', '__keyevent@*__:expire', '__keyevent@*', '__keyevent@[0-2]__:s*',
            '__keyevent@1__:*', '__keyevent@\\1__:set', '__keyevent@1?__:*', '__keyevent@?2__:del', '__key*@*2__:*',
            '__key????*@7__:*', '*lock', '*@5__:*', '*:set')
BARRIER = 'barrier'


def bulk(text):
    return ('$', text.encode())


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reference, cls.redis = (RedisServer('--notify-keyspace-events', 'KEA') for _ in range(2))
        cls.keyshift = Keyshift(cls.redis.url, config=CONFIG)

    @classmethod
    def tearDownClass(cls):
        for server in (cls.keyshift, cls.redis, cls.reference):
            server.stop()

    def setUp(self):
        self.reference.connect().ask('FLUSHALL')
        self.redis.connect().ask('FLUSHALL')

    def client(self, server, protocol=2):
        client = server.connect()
        self.addCleanup(client.close)
        if protocol == 3:
            client.ask('HELLO', 3)
        return client

    def both(self, protocol=2):
        """The same client of a plain Redis and of Keyshift."""
        return [self.client(server, protocol) for server in (self.reference, self.keyshift)]

    def listeners(self, channels, patterns, protocol=2):
        pair = self.both(protocol)
        for client in pair:
            client.send(encode(('SUBSCRIBE', BARRIER, *channels)))
            if patterns:
                client.send(encode(('PSUBSCRIBE', *patterns)))
            for _ in range(1 + len(channels) + len(patterns)):
                client.read_raw()
        return pair

    def told(self, listener):
        """What a listener was told up to the barrier: by channel or pattern, in order."""
        streams = {}
        while True:
            kind, words = listener.read_raw()
            if words[1] == bulk(BARRIER):
                return streams
            if bulk(BARRIER) not in words:
                streams.setdefault(words[:2], []).append((kind, words[2:]))

    def compare(self, pairs, barrier):
        for client in barrier:
            client.ask('PUBLISH', BARRIER, 'x')
        heard = 0
        for pair in pairs:
            expected, got = (self.told(listener) for listener in pair)
            for stream in set(expected) | set(got):
                self.assertEqual(got.get(stream), expected.get(stream), stream)
            heard += len(expected)
        return heard


class DifferentialTest(Events):
    def test_listeners_are_told_as_by_databases_of_their_own(self):
        rng = random.Random(20261130)
        pairs = [self.listeners((channel,), ()) for channel in CHANNELS]
        pairs += [self.listeners((), (pattern,), protocol) for pattern in PATTERNS for protocol in (2, 3)]
        pairs += [self.listeners(CHANNELS, PATTERNS, protocol) for protocol in (2, 3)]
        writers, foreign = self.both(), self.client(self.redis)
        heard = 0
        for _ in range(20 if short_budget() else 100):
            history = []
            for _ in range(20):
                words = self.some_command(rng)
                history.append(words)
                expected, got = (writer.command(*words) for writer in writers)
                self.assertEqual(got, expected, history)
                # Others' keys, in the upstream's database and in what was left in those that fold.
                foreign.ask('SELECT', rng.choice((0, 1, 2, 5, 5, 5)))
                foreign.ask('SET', rng.choice(('k:1', 'lock', 'd1:kv:id:', 'd9:kv:id:1', 'db99:x', 'other')), 'foreign')
            heard += self.compare(pairs, writers)
        self.assertGreater(heard, 1_000)

    @staticmethod
    def some_command(rng):
        key = rng.choice(KEYS)
        return rng.choice((
            lambda: ('SELECT', rng.choice(DATABASES)), lambda: ('SELECT', rng.choice(DATABASES)),
            lambda: ('SET', key, 'x'), lambda: ('SET', key, 'x', 'EX', 1000), lambda: ('DEL', *KEYS),
            lambda: ('EXPIRE', key, 1000), lambda: ('SETRANGE', key, 0, 'y'), lambda: ('RENAME', key, rng.choice(KEYS)),
            lambda: ('COPY', key, rng.choice(KEYS), 'DB', rng.choice(DATABASES), 'REPLACE'),
        ))()

    def test_what_expires_is_announced_in_its_database(self):
        pairs = [self.listeners(('__keyevent@1__:expired',), ('__keyspace@*__:k:*',))]
        for writer in self.both():
            for database in (0, 1):
                writer.ask('SELECT', database)
                writer.ask('SET', 'k:1', 'x', 'PX', 1)
                while writer.ask('EXISTS', 'k:1'):
                    pass
        self.assertEqual(self.compare(pairs, self.both()), 2)


class PublishTest(Events):
    def setUp(self):
        super().setUp()
        for server in (self.reference, self.redis):
            client = self.client(server)
            wait_for(lambda c=client: c.ask('PUBSUB', 'CHANNELS') == [] and c.ask('PUBSUB', 'NUMPAT') == 0,
                     'the subscribers of other tests to be gone')

    def test_what_clients_publish_is_heard_and_counted_in_its_database(self):
        pairs = [self.listeners((channel,), ()) for channel in CHANNELS + CHANNELS[-5:]]
        pairs += [self.listeners((), (pattern,)) for pattern in PATTERNS]
        clients = self.both(3)
        # Nobody can select database 16: nothing is announced there, and nobody hears of it.
        for channel in sorted(set(CHANNELS) - {'__keyspace@16__:lock'}):
            for payload in ('k:1', 'lock', 'set'):
                expected, got = (client.ask('PUBLISH', channel, payload) for client in clients)
                self.assertEqual(got, expected, (channel, payload))
        self.compare(pairs, clients)
        numbers = [client.ask('PUBSUB', 'NUMSUB', *CHANNELS, '__keyevent@2__:set', 'news') for client in clients]
        self.assertEqual(numbers[1], numbers[0])
        self.assertEqual(*(client.ask('PUBSUB', 'NUMPAT') for client in clients))

    def test_channels_are_listed_as_clients_call_them(self):
        listeners = self.listeners(('__keyspace@1__:k:1', '__keyspace@7__:lock', '__keyevent@1__:set',
                                    '__keyevent@12__:set', '__keyevent@3__:del', 'news'), ())
        clients = self.both()
        for words in ((), ('*',), ('__keyevent@*',), ('__key*@1__:*',), ('__keyevent@??__:*',), ('__keyevent@5*',), ('n*',),
                      ('__keyspace@7__:l*',)):
            expected, got = (sorted(client.ask('PUBSUB', 'CHANNELS', *words)) for client in clients)
            self.assertEqual(got, expected, words)
        for listener in listeners:
            listener.close()


class ConsolidatedViewTest(Events):
    def test_it_is_told_once_of_a_key_that_all_databases_show(self):
        with Keyshift(self.redis.url, config=CONFIG.replace('unmatched', '#unmatched'),
                      options=('--listener-view', 'consolidated')) as new:
            listener, writer = self.client(new), self.client(self.keyshift)
            listener.send(encode(('SUBSCRIBE', BARRIER, '__keyspace@3__:d1:kv:id:1', '__keyevent@5__:set')))
            listener.send(encode(('PSUBSCRIBE', '__keyspace@*', '__keyevent@[01]__:*', '__keyspace@[^5]__:*')))
            for _ in range(6):
                listener.read_raw()
            writer.ask('SELECT', 1)
            writer.ask('SET', 'k:1', 'x')
            writer.ask('PUBLISH', BARRIER, 'x')
            key, event = 'd1:kv:id:1', ('*', (bulk('set'),))
            self.assertEqual(self.told(listener), {
                (bulk('message'), bulk('__keyspace@3__:' + key)): [event],
                (bulk('message'), bulk('__keyevent@5__:set')): [('*', (bulk(key),))],
                (bulk('pmessage'), bulk('__keyspace@*')): [('*', (bulk('__keyspace@5__:' + key), bulk('set')))],
                (bulk('pmessage'), bulk('__keyevent@[01]__:*')): [('*', (bulk('__keyevent@0__:set'), bulk(key)))],
                (bulk('pmessage'), bulk('__keyspace@[^5]__:*')): [('*', (bulk('__keyspace@0__:' + key), bulk('set')))],
            })


class OneByOneTest(Events):
    def test_a_database_in_phase_legacy_announces_as_it_did(self):
        config = CONFIG.replace('db     = 1\n', 'db     = 1\nphase  = "legacy"\n')
        with Keyshift(self.redis.url, config=config) as half:
            pair = [self.client(server) for server in (self.reference, half)]
            listeners = [self.client(server) for server in (self.reference, half)]
            for listener in listeners:
                listener.send(encode(('SUBSCRIBE', BARRIER, '__keyspace@1__:k:1', '__keyevent@0__:set',
                                      '__keyevent@1__:set')))
                listener.send(encode(('PSUBSCRIBE', '__key*@[01]__:*')))
                for _ in range(5):
                    listener.read_raw()
            for writer in pair:
                for database in (0, 1, 2):
                    writer.ask('SELECT', database)
                    writer.ask('SET', 'k:1', 'x')
                    writer.ask('SET', 'lock', 'x')
            self.assertEqual(self.compare([listeners], pair), 4)


class TrackingTest(Events):
    def told_keys(self, client, until):
        """The keys that were invalidated before `until`, which the client tracks too."""
        keys = set()
        while until not in keys:
            kind, words = client.read_raw()
            if kind == '>' and words[0] == bulk('invalidate'):
                keys.update(key[1].decode() for key in words[1][1])
        return keys - {until}

    def test_keys_are_invalidated_by_the_names_of_the_databases_that_they_were_read_in(self):
        client, writer = self.client(self.keyshift, 3), self.client(self.keyshift)
        client.ask('CLIENT', 'TRACKING', 'ON')
        for database in (0, 1):
            client.ask('SELECT', database)
            client.ask('MGET', 'k:1', 'lock', 'end')
        for database, names in ((0, {'k:1', 'lock'}), (1, {'k:1', 'lock'}), (2, set())):
            writer.ask('SELECT', database)
            client.ask('MGET', 'k:1', 'lock', 'end')
            writer.ask('MSET', 'k:1', 'x', 'lock', 'x')
            writer.ask('SELECT', 1)
            writer.ask('SET', 'end', 'x')
            self.assertEqual(self.told_keys(client, 'end'), names, database)

    def test_broadcasts_have_the_clients_names_only(self):
        client, writer, foreign = self.client(self.keyshift, 3), self.client(self.keyshift), self.client(self.redis)
        client.ask('CLIENT', 'TRACKING', 'ON', 'BCAST')
        foreign.ask('SELECT', 5)
        for key in ('other', 'd9:kv:id:1', 'db99:x', 'k:7'):
            foreign.ask('SET', key, 'x')
        for database in (0, 3, 12):
            writer.ask('SELECT', database)
            writer.ask('MSET', 'k:%d' % database, 'x', 'lock', 'x')
        writer.ask('SET', 'end', 'x')
        self.assertEqual(self.told_keys(client, 'end'), {'k:0', 'k:3', 'k:12', 'lock'})


if __name__ == '__main__':
    tap.main()
