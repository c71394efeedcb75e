"""Requests with large arguments, which are relayed while they arrive: on a connection of their own, planned from what
precedes the first large argument.

What a client can see must not depend on a value's size: so most tests here say the same to the daemon and to a plain
Redis, with values on both sides of the threshold.
"""

import os
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import WithServers, is_error
from harness.faulty_upstream import FaultyUpstream
from harness.resp import encode
from harness.servers import Keyshift, RedisServer, sanitized, status_kib, wait_for

THRESHOLD = 128 << 10              # above one read of the daemon, so that no large argument is there whole
LARGE = b'large\r\n$3\r\n*1\r\n' * 20_000
HOUR, DAY = 3600, 86400

RULES = '''
[domain.bench]
default_ttl = "1h"
max_ttl     = "24h"

[domain.capped]
max_ttl     = "24h"

[[rule]]
legacy = "k:{id}"
key    = "bench:kv:id:{id}"

[[rule]]
legacy = "c:{id}"
key    = "capped:kv:id:{id}"

[limits]
stream_threshold = "%d"
''' % THRESHOLD


def large(letter, size=300_000):
    return letter.encode() * size


def physical(key):
    return key.replace('k:', 'bench:kv:id:', 1).replace('c:', 'capped:kv:id:', 1)


class LargeRequests(WithServers):
    """The daemon is ours; `direct` speaks to its Redis, `plain` to another one that knows nothing of rules."""

    config = RULES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = RedisServer()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.other.stop()

    def setUp(self):
        self.direct = self.redis.connect()
        self.plain = self.other.connect()
        self.direct.ask('FLUSHALL')
        self.plain.ask('FLUSHALL')
        super().setUp()

    def tearDown(self):
        super().tearDown()
        self.direct.close()
        self.plain.close()

    def ttl(self, key):
        return self.direct.ask('TTL', physical(key))

    def same(self, client, commands):
        """The daemon's replies to a pipeline are those of a plain Redis."""
        got = client.pipeline(commands)
        wanted = self.plain.pipeline(commands)
        for command, ours, theirs in zip(commands, got, wanted):
            shown = [str(word)[:40] for word in command]
            self.assertTrue(ours == theirs, '%s: %.200r instead of %.200r' % (shown, ours, theirs))
        return got

    def emptied(self, protocol):
        """Both sides empty, and a client of ours, in this protocol."""
        self.direct.ask('FLUSHALL')
        self.plain.ask('FLUSHALL')
        self.plain.command('HELLO', protocol)
        client = self.keyshift.connect()
        client.command('HELLO', protocol)
        return client

    def dump(self):
        """A large value as DUMP tells it."""
        self.plain.ask('SET', 'dumped', os.urandom(400_000))
        dump = self.plain.ask('DUMP', 'dumped')
        self.plain.ask('DEL', 'dumped')
        return dump

    def commands(self, dump):
        """Every kind of command that can carry much, and what shows that it was executed."""
        a, b, c = large('a'), large('b'), large('c')
        small = 'small'
        return [
            ['SET', 'k:set', LARGE], ['GET', 'k:set'], ['STRLEN', 'k:set'],
            ['SETEX', 'k:setex', 100, a], ['PSETEX', 'k:psetex', 100_000, b], ['SETNX', 'k:set', c],
            ['SETNX', 'k:setnx', c], ['GETSET', 'k:set', a], ['APPEND', 'k:set', b], ['APPEND', 'k:append', b],
            ['SETRANGE', 'k:range', 5, a], ['GETRANGE', 'k:range', 0, 10],
            ['MSET', 'k:1', LARGE, 'k:2', small, 'k:3', a, 'k:4', small],
            ['MSET', 'k:5', small, 'k:6', small, 'k:7', b], ['MSETNX', 'k:8', a, 'k:9', b, 'k:10', c],
            ['MSETNX', 'k:11', a, 'k:10', b],
            ['MGET', 'k:1', 'k:2', 'k:3', 'k:4', 'k:5', 'k:6', 'k:7', 'k:8', 'k:9', 'k:10', 'k:11'],
            ['HSET', 'k:h', 'f', a, b, small, 'g', c], ['HSETNX', 'k:h', 'f', b], ['HGET', 'k:h', b],
            ['HMGET', 'k:h', b, 'g', c], ['HLEN', 'k:h'],
            ['RPUSH', 'k:l', small, a, small, b], ['LPUSH', 'k:l', c], ['LINSERT', 'k:l', 'BEFORE', a, b],
            ['LSET', 'k:l', 0, a], ['LPOS', 'k:l', b], ['LREM', 'k:l', 0, b], ['LRANGE', 'k:l', 0, -1],
            ['SADD', 'k:s', a, b, small, a], ['SISMEMBER', 'k:s', b], ['SREM', 'k:s', b, c], ['SCARD', 'k:s'],
            ['ZADD', 'k:z', 1, a, 2, small, 3, b], ['ZSCORE', 'k:z', b], ['ZRANK', 'k:z', a],
            ['XADD', 'k:x', '1-1', 'f', a, 'g', small], ['XADD', 'k:x', 'MAXLEN', '~', 10, '2-1', b, c],
            ['XRANGE', 'k:x', '-', '+'], ['PFADD', 'k:p', a, b, small], ['PFCOUNT', 'k:p'],
            ['RESTORE', 'k:restored', 0, dump, 'REPLACE'], ['STRLEN', 'k:restored'],
            ['EVAL', 'return {redis.call("SET", KEYS[1], ARGV[1]), #ARGV[1]} --' + 'x' * 200_000, 1, 'k:e', a],
            ['STRLEN', 'k:e'], ['PUBLISH', 'channel', a],
            # Errors of the upstream and of ours, about small things and large ones.
            ['APPEND', 'k:l', a], ['HSET', 'k:h', a], ['SET', 'k:set', a, 'NX', 'XX'], ['SET', 'k:set', a, 'EX', 'x'],
            ['GET', 'k:set', a], ['SETEX', 'k:setex', 'no number', a], ['NOSUCH', small, a], ['NOSUCH', a],
            ['ECHO', LARGE], ['PING', a], ['CLIENT', 'SETNAME', a + b' '], ['SET', a], ['OBJECT', 'NOSUCH', a],
            # Names that are large themselves.
            ['SET', a, small], ['GET', a], ['SET', a, b], ['STRLEN', a], ['MSET', a, small, b, small], ['GET', b],
            ['MGET', small, a, b], ['DEL', a, b, 'k:n'], ['EXISTS', a], ['SET', b'k:' + a, b], ['STRLEN', b'k:' + a],
            ['GET', 'k:set']]

    def test_every_command_is_answered_as_by_redis(self):
        commands = self.commands(self.dump())
        for protocol in (2, 3):
            with self.subTest(protocol), self.emptied(protocol) as client:
                for command in commands:
                    self.same(client, [command])
        self.witness.ask('SET', 'k:witness', 'fine')

    def test_a_pipeline_keeps_its_order(self):
        commands = []
        for number, command in enumerate(self.commands(self.dump())):
            commands += [['INCR', 'k:counter'], command, ['ECHO', number], ['GET', 'k:counter']]
        for protocol in (2, 3):
            with self.subTest(protocol), self.emptied(protocol) as client:
                self.same(client, commands)
        self.witness.ask('SET', 'k:witness', 'fine')

    def test_sizes_around_the_threshold(self):
        sizes = {0, 1, 65_500, 65_536, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, 2 * THRESHOLD, 1 << 20}
        for size in sorted(sizes):
            value = os.urandom(size)
            with self.keyshift.connect() as client:
                commands = [['SET', 'k:size', value], ['GET', 'k:size'], ['HSET', 'k:sizes', 'f', value, value, 'v'],
                            ['HGET', 'k:sizes', 'f'], ['DEL', 'k:sizes']]
                self.same(client, commands)

    def test_it_is_relayed_while_it_arrives(self):
        wire = encode(['SET', 'k:early', LARGE])
        with FaultyUpstream(self.redis.address) as upstream, \
                Keyshift(upstream.url, config=self.config) as keyshift, keyshift.connect() as client:
            client.send(wire[:200_000])
            wait_for(lambda: LARGE[:100_000] in upstream.requests, 'the first half upstream')
            client.send(wire[200_000:])
            self.assertEqual(client.read(), ('+', b'OK'))
            self.assertEqual(self.direct.ask('GET', physical('k:early')), LARGE)

    def test_a_large_name_behind_a_large_value_is_refused(self):
        # It would have to be collected to be mapped, and what precedes it has left.
        with self.keyshift.connect() as client:
            replies = client.pipeline([['MSET', 'k:1', LARGE, large('k'), 'x'], ['EXISTS', 'k:1'], ['ECHO', 'behind']])
            self.assertRegex(replies[0][1], rb'^ERR .*key')
            self.assertNotIn(b'may have been executed', replies[0][1])
            self.assertEqual(replies[1:], [(':', 0), ('$', b'behind')])

    # Names and expiries.

    def test_names_behind_a_large_argument_are_renamed(self):
        self.witness.ask('MSET', 'k:1', large('a'), 'k:2', '2', 'free', large('b'), 'k:3', '3')
        self.assertEqual(set(self.direct.ask('KEYS', '*')), {b'bench:kv:id:1', b'bench:kv:id:2', b'bench:kv:id:3',
                                                             b'free', b'bench:kv:id:witness'})

    def test_what_is_left_without_expiry_gets_the_default(self):
        writes = [['SET', 'k:1', LARGE], ['APPEND', 'k:2', LARGE], ['HSET', 'k:3', 'f', LARGE],
                  ['RPUSH', 'k:4', 'x', LARGE], ['SADD', 'k:5', LARGE], ['ZADD', 'k:6', 1, LARGE],
                  ['XADD', 'k:7', '*', 'f', LARGE], ['MSET', 'k:8', LARGE, 'k:9', 'x'], ['SETNX', 'k:10', LARGE],
                  ['GETSET', 'k:11', LARGE], ['SET', 'k:12', LARGE, 'XX', 'GET'], ['SET', 'k:13', LARGE, 'NX']]
        self.direct.ask('SET', physical('k:12'), 'old')
        self.witness.pipeline(writes)
        left = {key: self.ttl(key) for key in ('k:%d' % number for number in range(1, 14))}
        self.assertTrue(all(HOUR - 30 <= ttl <= HOUR for ttl in left.values()), left)

    def test_restore_keeps_or_gets_an_expiry(self):
        dump = self.dump()
        cases = {'k:r1': ([100_000, dump], 100), 'k:r2': ([0, dump], HOUR), 'k:r3': ([0, dump, 'REPLACE'], HOUR),
                 'k:r4': ([100_000, dump, 'REPLACE'], 100), 'k:r5': ([999_999_999, dump], DAY)}
        for key, (rest, wanted) in cases.items():
            with self.subTest(key, rest=rest[:1] + rest[2:]):
                self.assertEqual(self.witness.ask('RESTORE', key, *rest), b'OK')
                self.assertTrue(wanted - 30 <= self.ttl(key) <= wanted, self.ttl(key))

    def test_an_expiry_behind_a_large_value_obeys_the_policy(self):
        year = 365 * DAY
        cases = [('k:short', ['EX', 100], 100), ('k:long', ['EX', year], DAY), ('k:px', ['PX', year * 1000], DAY),
                 ('k:nx', ['NX', 'EX', year], DAY), ('c:long', ['EX', year], DAY), ('c:short', ['EX', 100], 100),
                 ('c:none', [], -1), ('free', ['EX', year], year)]
        for key, options, wanted in cases:
            with self.subTest(key, options=options):
                self.assertEqual(self.witness.ask('SET', key, LARGE, *options), b'OK')
                self.assertTrue(wanted - 30 <= self.ttl(key) <= wanted, self.ttl(key))
        self.witness.ask('SETEX', 'k:setex', year, LARGE)
        self.assertTrue(DAY - 30 <= self.ttl('k:setex') <= DAY, self.ttl('k:setex'))

    def test_keepttl_keeps(self):
        self.witness.pipeline([['SET', 'k:keep', 'x', 'EX', 500], ['SET', 'k:keep', LARGE, 'KEEPTTL']])
        self.assertTrue(470 <= self.ttl('k:keep') <= 500, self.ttl('k:keep'))
        self.direct.ask('SET', physical('k:forever'), 'x')
        self.witness.ask('SET', 'k:forever', LARGE, 'keepttl')
        self.assertEqual(self.ttl('k:forever'), -1)

    def test_it_is_counted_as_a_small_one_is(self):
        def counted():
            series = self.keyshift.metrics()
            return {name: value for name, value in series.items()
                    if name.startswith(('keyshift_rule', 'keyshift_unmatched', 'keyshift_ttl', 'keyshift_commands'))}

        def growth(value):
            before = counted()
            self.witness.pipeline([['MSET', 'k:m1', value, 'k:m2', 'x', 'free', 'y'], ['SET', 'k:m3', value],
                                   ['HSET', 'k:m4', 'f', value]])
            return {name: after - before.get(name, 0) for name, after in counted().items()
                    if after != before.get(name, 0)}
        self.assertEqual(growth(LARGE), growth(b'small'))

    # Peers that die, hang, or know other limits.

    def test_a_client_that_dies_in_the_middle(self):
        wire = encode(['MSET', 'k:cut', LARGE, 'k:cut2', 'x'])
        for cut in (40, 100_000, len(wire) - 20_000, len(wire) - 1) * 5:
            with self.keyshift.connect() as client:
                client.send(encode(['SET', 'k:whole', cut]) + wire[:cut])
                self.assertEqual(client.read(), ('+', b'OK'))
            self.assertEqual(self.witness.ask('SET', 'k:next', LARGE), b'OK')
        # Not even where nothing but the last line end is missing.
        wire = encode(['SET', 'k:end', LARGE])
        for cut in (len(wire) - 2, len(wire) - 1) * 5:
            with self.keyshift.connect() as client:
                client.send(wire[:cut])
        wait_for(lambda: self.clients() == 1, 'only the witness is left')
        self.assertEqual(self.witness.ask('EXISTS', 'k:cut', 'k:cut2', 'k:end'), 0)

    def test_it_ends_with_its_last_byte(self):
        # A small argument is the last one, and the client says no more: nothing is left to be done.
        failures = self.keyshift.metric('upstream_failures_total')
        for number in range(10):
            with self.keyshift.connect() as client:
                client.ask('MSET', 'k:last%d' % number, LARGE, 'k:small%d' % number, 'x')
        for number in range(10):
            for key in ('k:last%d' % number, 'k:small%d' % number):
                wait_for(lambda name=key: self.ttl(name) > 0, 'an expiry of ' + key, 5)
        self.assertEqual(self.keyshift.metric('upstream_failures_total'), failures)

    def test_a_client_that_breaks_the_protocol_in_the_middle(self):
        wire = encode(['MSET', 'k:bad', LARGE])
        for nonsense in (b'$nonsense\r\n', b'hello\r\n', b'$-5\r\n'):
            with self.keyshift.connect() as client:
                client.send(b'*5' + wire[2:] + nonsense + b'FLUSHALL\r\n' * 10)
                self.assertRegex(client.at_end(), rb'^-ERR Protocol error[^\r]*\r\n$')
        self.assertEqual(self.witness.ask('EXISTS', 'k:bad'), 0)

    def test_an_upstream_that_dies_in_the_middle(self):
        wire = encode(['SET', 'k:mid', LARGE])
        with RedisServer() as redis, Keyshift(redis.url, config=self.config) as keyshift, \
                keyshift.connect() as client:
            for cut in (40, 150_000, len(wire) - 1):
                with self.subTest(cut):
                    wait_for(lambda: client.command('SET', 'k:up', LARGE) == ('+', b'OK'), 'service')
                    client.send(encode(['ECHO', 'before']) + wire[:cut])
                    self.assertEqual(client.read(), ('$', b'before'))
                    redis.kill()
                    client.send(wire[cut:] + encode(['ECHO', 'behind']))
                    self.assertTrue(is_error(client.read()))
                    self.assertEqual(client.read(), ('$', b'behind'))
                    redis.start()

    def test_a_reload_in_the_middle_puts_nothing_into_the_value_of_a_tracking_client(self):
        body = b'\r\nSET injected yes\r\n' * 150_000
        wire = encode(['SET', 'k:body', body])
        with FaultyUpstream(self.redis.address) as upstream, Keyshift(upstream.url, config=self.config) as keyshift, \
                keyshift.connect() as client:
            client.command('HELLO', '3')
            client.ask('CLIENT', 'TRACKING', 'ON')
            client.ask('GET', 'k:read')
            client.send(wire[:1_000_000])
            wait_for(lambda: body[:500_000] in upstream.requests, 'the first part upstream')
            keyshift.signal(signal.SIGHUP)
            wait_for(lambda: keyshift.metric('config_reloads_total', result='applied') == 1, 'the reload')
            client.send(wire[1_000_000:])
            self.assertEqual(client.read(), ('+', b'OK'))
            self.assertEqual([client.ask('ECHO', turn) for turn in range(3)], [b'0', b'1', b'2'])
            self.assertEqual(client.ask('STRLEN', 'k:body'), len(body))
        self.assertTrue(self.direct.ask('GET', physical('k:body')) == body, 'another value than was sent')
        self.assertEqual(self.direct.ask('EXISTS', 'injected'), 0)

    def test_an_upstream_that_refuses_early_executes_no_part_of_a_value(self):
        # Its limit is lower than ours: it answers before the value has arrived, and closes.
        body = b'\r\nSET injected yes\r\n' * 150_000
        wire = encode(['SET', 'k:body', body])
        with RedisServer('--proto-max-bulk-len', str(1 << 20)) as redis, redis.connect() as direct, \
                Keyshift(redis.url, config=self.config) as keyshift, keyshift.connect() as client:
            client.send(wire[:200_000])
            self.assertTrue(is_error(client.read()))
            for begin in range(200_000, len(wire), 200_000):
                client.send(wire[begin:begin + 200_000])
                with keyshift.connect() as another:
                    another.command('SET', 'k:turn', begin)
            client.send(encode(['ECHO', 'behind']))
            self.assertEqual(client.read(), ('$', b'behind'))
            wait_for(lambda: client.command('SET', 'k:next', LARGE) == ('+', b'OK'), 'service')
            self.assertEqual(direct.ask('EXISTS', 'injected'), 0)

    def test_replies_past_their_deadline(self):
        config = self.config.replace('[limits]', '[upstream]\nreply_timeout = "200ms"\n[limits]')
        with RedisServer() as redis, Keyshift(redis.url, config=config) as keyshift:
            clients = [keyshift.connect() for _ in range(6)]
            for client in clients:
                client.ask('SET', 'k:%d' % client.sock.fileno(), LARGE)
            redis.signal(signal.SIGSTOP)
            for client in clients:
                client.send(encode(['SET', 'k:late', LARGE]) + encode(['SET', 'k:late', LARGE]) +
                            encode(['ECHO', 'behind']))
            for client in clients:
                self.assertTrue(is_error(client.read()))
                client.read()
                self.assertEqual(client.read(), ('$', b'behind'))
            redis.signal(signal.SIGCONT)
            for client in clients:
                wait_for(lambda one=client: one.command('SET', 'k:on', LARGE) == ('+', b'OK'), 'service')
                client.close()

    def test_one_place_for_large_requests(self):
        config = self.config.replace('[limits]', '[upstream]\npool_size = 3\n[limits]')
        with RedisServer() as redis, Keyshift(redis.url, config=config) as keyshift, keyshift.connect() as client:
            # Each needs the place of the one before, for another protocol.
            commands = [['SET', 'k:a', LARGE], ['HELLO', 3], ['SET', 'k:b', LARGE], ['HELLO', 2],
                        ['SET', 'k:c', LARGE], ['GET', 'k:c']]
            for _ in range(5):
                self.assertEqual([reply[0] for reply in client.pipeline(commands)], ['+', '%', '+', '*', '+', '$'])
            # More senders than places: the others are collected, and nobody waits for nobody.
            wire = encode(['SET', 'k:many', LARGE])
            senders = [keyshift.connect() for _ in range(8)]
            for sender in senders:
                sender.send(wire[:-1000])
            self.assertEqual(client.ask('SET', 'k:between', LARGE), b'OK')
            for sender in reversed(senders):
                sender.send(wire[-1000:])
                self.assertEqual(sender.read(), ('+', b'OK'))
                sender.close()
            # The place's connection breaks while the next one waits for it.
            for _ in range(3):
                threading.Timer(0.01, redis.kill).start()
                replies = client.pipeline([['SET', 'k:a', LARGE]] * 30 + [['ECHO', 'behind']])
                self.assertEqual(replies[-1], ('$', b'behind'))
                wait_for(redis.exited, 'the end of redis')
                redis.start()
                wait_for(lambda: client.command('SET', 'k:a', LARGE) == ('+', b'OK'), 'service')

    def test_a_slow_sender_holds_up_nobody(self):
        wire = encode(['SET', 'k:slow', LARGE])
        with self.keyshift.connect() as slow:
            for begin in range(0, len(wire), 50_000):
                slow.send(wire[begin:begin + 50_000])
                self.same(self.witness, [['SET', 'k:1', begin], ['GET', 'k:1'], ['SET', 'k:2', LARGE]] * 5)
            self.assertEqual(slow.read(), ('+', b'OK'))

    def test_a_key_that_the_listener_refuses(self):
        config = '[[listener]]\naddress = "127.0.0.1:0"\nunmatched = "refuse"\n' + self.config
        with Keyshift(self.redis.url, config=config) as keyshift, keyshift.connect() as client:
            for value in (b'small', LARGE):
                first = client.command('SET', 'free', value)
                behind = client.command('MSET', 'k:1', value, 'free', 'x', 'k:2', value)
                self.assertEqual(first, behind)
                self.assertIn(b"key 'free' fits no rule", behind[1])
            self.assertEqual(keyshift.metric('unmatched_keys_total', action='refuse'), 4)
        self.assertEqual(self.witness.ask('EXISTS', 'k:1', 'k:2'), 0)

    def test_replies_that_a_client_does_not_want(self):
        with self.keyshift.connect() as client:
            commands = [['CLIENT', 'REPLY', 'SKIP'], ['SET', 'k:skip', LARGE], ['STRLEN', 'k:skip'],
                        ['CLIENT', 'REPLY', 'OFF'], ['SET', 'k:off', LARGE], ['GET', 'k:off'],
                        ['CLIENT', 'REPLY', 'ON'], ['STRLEN', 'k:off']]
            client.send(b''.join(map(encode, commands)))
            self.assertEqual([client.read() for _ in range(3)], [(':', len(LARGE)), ('+', b'OK'), (':', len(LARGE))])

    def test_who_subscribes_or_monitors_may_send_it_as_little_as_a_small_one(self):
        for words in (('SUBSCRIBE', 'news'), ('MONITOR',)):
            with self.subTest(words[0]), self.keyshift.connect() as client, self.other.connect() as direct:
                self.assertEqual(client.command(*words), direct.command(*words))
                for command in (('SET', 'k:refused', LARGE), ('APPEND', 'k:refused', 'x'), ('GET', LARGE)):
                    self.assertEqual(client.command(*command), direct.command(*command))
        self.assertEqual(self.direct.ask('EXISTS', physical('k:refused')), 0)

    def test_databases(self):
        with self.keyshift.connect() as client:
            self.same(client, [['SELECT', 3], ['SET', 'k:db', LARGE], ['SELECT', 0], ['GET', 'k:db'],
                               ['SET', 'k:db', LARGE + b'0'], ['SELECT', 3], ['GET', 'k:db'], ['DBSIZE'],
                               ['SELECT', 0], ['STRLEN', 'k:db']])
            self.plain.ask('SELECT', 0)

    # Memory, and the end.

    def test_a_hundred_megabytes_pass_through_little_memory(self):
        piece = os.urandom(1 << 20)
        size = 100 * len(piece)
        head = b'*3\r\n$3\r\nSET\r\n$5\r\nk:100\r\n$%d\r\n' % size
        with Keyshift(self.redis.url, config=self.config) as keyshift, keyshift.connect() as client:
            client.ask('SET', 'k:first', LARGE)
            before = status_kib(keyshift.pid, 'VmHWM')
            client.send(head)
            for _ in range(100):
                client.send(piece)
            client.send(b'\r\n')
            self.assertEqual(client.read(), ('+', b'OK'))
            sent = status_kib(keyshift.pid, 'VmHWM') - before
            expected = b'$%d\r\n' % size
            reply = bytearray(len(expected) + size + 2)
            client.send(encode(['GET', 'k:100']))
            rest = memoryview(reply)
            while rest:
                count = client.sock.recv_into(rest)
                self.assertTrue(count, 'closed in the reply')
                rest = rest[count:]
            self.assertTrue(reply == expected + piece * 100 + b'\r\n', 'another value came back')
            both = status_kib(keyshift.pid, 'VmHWM') - before
            tap.note('100 MiB: %d KiB more for SET, %d KiB more for SET and GET' % (sent, both))
            if not sanitized():
                self.assertLess(sent, 16 << 10)
                # Nothing holds back a reply: what a reader that is slower than Redis leaves is kept for it.
                self.assertLess(both, 64 << 10)
        self.direct.ask('FLUSHALL')
        self.witness.ask('SET', 'k:witness', 'fine')

    def test_sigterm_in_the_middle(self):
        with Keyshift(self.redis.url, config=self.config) as keyshift:
            clients = [keyshift.connect() for _ in range(5)]
            wire = encode(['SET', 'k:term', LARGE])
            for number, client in enumerate(clients):
                client.ask('SET', 'k:first', LARGE)
                client.send(wire[:40 + number * 60_000])
            keyshift.signal(signal.SIGTERM)
            self.assertEqual(keyshift.wait_exit(), 0)
            for client in clients:
                client.sock.settimeout(5)
                client.at_end()
                client.close()
        self.assertEqual(self.witness.ask('EXISTS', 'k:term'), 0)


if __name__ == '__main__':
    tap.main()
