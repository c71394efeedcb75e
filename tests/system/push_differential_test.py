"""What clients are told unasked: several clients subscribe, track, write and publish at random, in lockstep at a plain
Redis and through Keyshift to another one, while a rule renames every key. Each must be told the same on both sides.

    push_differential_test.py [--seed N] [--rounds N] [--seconds N] [--plain] [TEST...]

No wait depends on time. After each action a publisher sends a numbered message on a channel that every subscriber holds,
and whoever tracks keys asks for a PING: all that was to be told before has then come. Compared are the replies, the
numbers of receivers that PUBLISH and PUBSUB say, and for each client what it was told: in order for each channel, each
pattern and each shard channel, as a set of keys for invalidations. `--plain` puts a plain Redis in Keyshift's place.
"""

import argparse
import collections
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import Connection, encode
from harness.servers import Keyshift, RedisServer, short_budget

RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
BARRIER = b'barrier'
KEYS = [b'k%d' % i for i in range(6)] + [b'user:1', b'user:2', b'a*b', b'bin\x00\r\n']
CHANNELS = [b'news', b'a', b'b', b'user:1', b'__keyspace@0__:k1', b'__keyspace@0__:user:1', b'__keyspace@1__:k1',
            b'__keyevent@0__:set', b'__keyevent@0__:del', b'__keyevent@1__:set', b'__keyspace@0__:bin\x00\r\n']
PATTERNS = [b'*', b'new?', b'[ab]', b'user:*', b'__key*__:*', b'__keyspace@*__:*', b'__keyspace@0__:k*',
            b'__keyspace@0__:*', b'__keyspace@0__:[!k]*', b'__keyspace@0*', b'__keyevent@*__:*', b'__keyevent@0__:s*',
            b'*:k1', b'*k1*', b'__keyspace@0__:a\\*b', b'compat:*']
SHARD_CHANNELS = [b'shard:1', b'shard:2']
KINDS = {'subscribe': CHANNELS, 'psubscribe': PATTERNS, 'ssubscribe': SHARD_CHANNELS}
CONFIRMATIONS = {b'subscribe', b'unsubscribe', b'psubscribe', b'punsubscribe', b'ssubscribe', b'sunsubscribe'}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('--seed', type=int, default=int(os.environ.get('KEYSHIFT_TEST_SEED', 20261121)))
parser.add_argument('--rounds', type=int, default=100_000, help='per test')
parser.add_argument('--seconds', type=float, default=5.0 if short_budget() else 15.0,
                    help='per test, whichever ends first')
parser.add_argument('--plain', action='store_true', help='a plain Redis instead of Keyshift')
options, wanted = parser.parse_known_args()


class Side:
    """One client's connection to one of the two servers, and what it was told and not compared yet."""

    def __init__(self, address, protocol):
        self.connection = Connection(address)
        self.told = []
        if protocol == 3:
            assert self.connection.command('HELLO', 3)[0] == '%'

    def reply(self):
        """The next frame that answers a command; what is told before it is kept."""
        value = self.connection.read()
        self.told += self.connection.pushes
        self.connection.pushes = []
        return value

    def told_until(self, is_last):
        """Reads frames that are no answers, up to one for which `is_last` holds."""
        while True:
            frame = self.connection.read_raw()
            self.told.append(frame)
            if is_last(frame):
                return

    def take_told(self):
        """What was told since the last call: {channel or pattern: [frame]}, and the keys that were invalidated."""
        streams, invalidated = collections.defaultdict(list), set()
        for kind, body in self.told:
            word = body[0][1]
            if word == b'invalidate':
                invalidated.update((None,) if body[1][1] is None else [key[1] for key in body[1][1]])
            elif word in CONFIRMATIONS:
                # Without arguments they come in the order of a hash table.
                streams[(word, 'names')] = sorted(streams[(word, 'names')] + [body[1]], key=repr)
                streams[(word, 'counts')].append((kind, body[2]))
            elif BARRIER not in [part[1] for part in body[1:3]]:
                streams[(word, body[1][1])].append((kind, body))
        self.told = []
        return dict(streams), invalidated


class Client:
    """The same client on both sides."""

    def __init__(self, name, left, right, protocol, subscribes):
        self.name, self.protocol, self.subscribes = name, protocol, subscribes
        self.sides = [Side(left, protocol), Side(right, protocol)]
        self.held = {kind: set() for kind in KINDS}
        self.tracks = False
        self.read_tracked = False      # was told, or is, of keys that it read
        if subscribes:
            self.subscription('subscribe', [BARRIER])

    def close(self):
        for side in self.sides:
            side.connection.close()

    def ask(self, *args):
        """One command on both sides, and both replies."""
        for side in self.sides:
            side.connection.send(encode(args))
        return [side.reply() for side in self.sides]

    def subscription(self, command, names):
        """Sends a command of the SUBSCRIBE family and waits for as many confirmations as it has."""
        kind = command.replace('un', '', 1) if 'un' in command[:4] else command
        held = self.held[kind]
        if 'un' in command[:4]:
            count = len(names) or max(1, len(held))
            held -= set(names or held)
        else:
            count = len(names)
            held |= set(names)
        word = command.encode()
        for side in self.sides:
            side.connection.send(encode([command] + names))
            for _ in range(count):
                side.told_until(lambda frame: frame[1][0][1] == word)

    def settle(self, number):
        """Reads all that the client is told of what happened before barrier `number`."""
        for side in self.sides:
            if self.subscribes:
                side.told_until(lambda frame: [part[1] for part in frame[1]] == [b'message', BARRIER, number])
        if self.tracks:
            assert self.ask('PING') == [('+', b'PONG')] * 2


class Pushes:
    """One run."""

    def __init__(self, left, right, seed, protocols):
        self.rng = random.Random(seed)
        self.publisher = Client('publisher', left, right, 2, False)
        self.clients = []
        for i, (protocol, subscribes) in enumerate(protocols):
            self.clients.append(Client('client %d (RESP%d)' % (i, protocol), left, right, protocol, subscribes))
        self.workers = [client for client in self.clients if client.protocol == 3 or not client.subscribes]
        self.history = []
        self.told = 0

    def run(self, rounds, seconds):
        deadline = time.monotonic() + seconds
        try:
            number = 0
            while number < rounds and time.monotonic() < deadline:
                number += 1
                self.act()
                self.barrier(b'%d' % number)
        except AssertionError as error:
            raise AssertionError('%s\nthe last actions:\n%s' % (error, '\n'.join(self.history[-25:]))) from None
        finally:
            for client in self.clients + [self.publisher]:
                client.close()
        return number

    def barrier(self, number):
        replies = self.publisher.ask('PUBLISH', BARRIER, number)
        assert replies[0] == replies[1], 'receivers: %s, %s' % tuple(replies)
        for client in self.clients:
            client.settle(number)
            left, right = (side.take_told() for side in client.sides)
            self.told += sum(map(len, left[0].values())) + len(left[1])
            assert left == right, '%s was told\n  by Redis:    %s\n  by Keyshift: %s' % (client.name, left, right)

    def act(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.25:
            return self.subscribe(rng.choice([client for client in self.clients if client.subscribes]))
        client = rng.choice(self.workers)
        if roll < 0.33:
            return self.track(client)
        if roll < 0.40:
            return self.compare(self.publisher, rng.choice((
                ('PUBSUB', 'NUMSUB') + tuple(rng.sample(CHANNELS, 3)), ('PUBSUB', 'NUMPAT'),
                ('PUBSUB', 'SHARDNUMSUB') + tuple(SHARD_CHANNELS))))
        if roll < 0.45:
            return self.compare(client, ('SELECT', rng.choice((0, 0, 1))))
        if roll < 0.55 and not client.subscribes:
            # Redis 7.0 writes what a RESP3 client publishes to itself in a transaction into the array of EXEC's reply.
            return self.transaction(client)
        return self.compare(client, self.command())

    def compare(self, client, args):
        self.history.append('%s: %r' % (client.name, args))
        left, right = client.ask(*args)
        assert left == right, '%s: %r\n  Redis:    %r\n  Keyshift: %r' % (client.name, args, left, right)

    def command(self):
        rng = self.rng
        key, value = rng.choice(KEYS), b'%d' % rng.randint(0, 9)
        channel = rng.choice([name for name in CHANNELS if not name.startswith(b'__')])
        return rng.choice((
            ('SET', key, value), ('SET', key, value), ('DEL', key, rng.choice(KEYS)), ('EXPIRE', key, 1000),
            ('RENAME', key, rng.choice(KEYS)), ('LPUSH', b'l' + key, value), ('LPOP', b'l' + key), ('GET', key),
            ('MGET',) + tuple(rng.sample(KEYS, 3)), ('MSET', key, value, rng.choice(KEYS), value), ('FLUSHDB',),
            ('PUBLISH', channel, value), ('PUBLISH', channel, value), ('SPUBLISH', rng.choice(SHARD_CHANNELS), value),
            ('EVAL', "return redis.call('set', KEYS[1], ARGV[1])", 1, key, value),
            ('EVAL', "redis.call('publish', ARGV[1], ARGV[2]); return 1", 0, channel, value)))

    def transaction(self, client):
        commands = [self.command() for _ in range(self.rng.randint(1, 4))]
        self.history.append('%s: MULTI %r EXEC' % (client.name, commands))
        wire = b''.join(encode(args) for args in [('MULTI',)] + commands + [('EXEC',)])
        replies = []
        for side in client.sides:
            side.connection.send(wire)
            replies.append([side.reply() for _ in range(len(commands) + 2)])
        assert replies[0] == replies[1], '%r\n  Redis:    %r\n  Keyshift: %r' % (commands, replies[0], replies[1])

    def subscribe(self, client):
        rng = self.rng
        kind = rng.choice(list(KINDS))
        if rng.random() < 0.55:
            command, names = kind, rng.sample(KINDS[kind], rng.randint(1, 2))
        else:
            command = {'subscribe': 'unsubscribe', 'psubscribe': 'punsubscribe', 'ssubscribe': 'sunsubscribe'}[kind]
            names = rng.sample(KINDS[kind], rng.randint(1, 2))
            if kind != 'subscribe' and rng.random() < 0.3:
                names = []
        self.history.append('%s: %s %r' % (client.name, command, names))
        client.subscription(command, names)

    def track(self, client):
        if client.protocol != 3:
            return
        rng = self.rng
        if client.tracks:
            self.compare(client, ('CLIENT', 'TRACKING', 'OFF'))
        else:
            how = [('BCAST',), ('BCAST', 'PREFIX', 'k', 'PREFIX', 'user:'), ('BCAST', 'PREFIX', 'k1', 'NOLOOP')]
            # Redis remembers what a client read before it turned tracking off, and tells it again when it is on.
            if not client.read_tracked:
                how += [(), ('NOLOOP',), ('OPTOUT',)]
            chosen = rng.choice(how)
            client.read_tracked = client.read_tracked or 'BCAST' not in chosen
            self.compare(client, ('CLIENT', 'TRACKING', 'ON') + chosen)
        client.tracks = not client.tracks


class PushDifferentialTest(unittest.TestCase):
    def differ(self, protocols, offset, workers=1, plain=False, rules=RULES):
        seed = options.seed + offset
        tap.note('seed %d; repeat with --seed %d' % (seed, options.seed))
        events = ('--notify-keyspace-events', 'KEA')
        with RedisServer(*events) as left, RedisServer(*events) as right:
            plain = plain or options.plain
            front = right if plain else Keyshift(right.url, config=rules, options=('--workers', str(workers)))
            try:
                run = Pushes(left.address, front.address, seed, protocols)
                rounds = run.run(options.rounds, options.seconds)
                tap.note('%d rounds, %d frames told' % (rounds, run.told))
                self.assertGreater(run.told, rounds, 'a run in which nobody is told anything proves nothing')
            finally:
                if not plain:
                    front.stop()

    def test_1_two_plain_servers_do_not_differ(self):
        self.differ(((2, True), (3, True), (2, False)), 0, plain=True)

    def test_2_resp2_subscribers(self):
        self.differ(((2, True), (2, True), (2, True), (2, False)), 1)

    def test_3_resp3_subscribers_that_do_everything(self):
        self.differ(((3, True), (3, True), (3, False), (3, False)), 2)

    def test_4_mixed_protocols_and_two_workers(self):
        self.differ(((2, True), (3, True), (2, True), (3, True), (2, False), (3, False)), 3, workers=2)

    def test_5_with_no_rule_nothing_is_changed(self):
        self.differ(((2, True), (3, True), (2, False)), 4, rules='')


if __name__ == '__main__':
    tap.main(wanted)
