"""Random command streams, in lockstep to a plain Redis and through Keyshift to another one, must get equal
replies and leave equal keyspaces, while a rule renames every key.

    differential_test.py [--seed N] [--commands N] [--seconds N] [--plain] [TEST...]

The same seed sends the same commands. On a difference the commands that lead to it are replayed and shrunk, and the
shortest list that still shows it is printed. `--plain` puts a plain Redis in the place of Keyshift: the harness alone.
"""

import argparse
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from command_stream import EVERY_KEY, KEYS, PATTERNS, CommandStream
from harness import tap
from harness.resp import Closed, Connection, ProtocolError, encode, ragged
from harness.servers import Keyshift, RedisServer, short_budget
from reply_forms import EXACT, canonical, equal
import keyspace

RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
PREFIX = b'compat:kv:key:'
INLINE_SAFE = set(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-.{}*()')
SHRINK_SECONDS = 30.0
SHOWN = 160

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('--seed', type=int, default=int(os.environ.get('KEYSHIFT_TEST_SEED', 20250806)))
parser.add_argument('--commands', type=int, default=600_000, help='per test')
parser.add_argument('--seconds', type=float, default=6.0 if short_budget() else 28.0,
                    help='per test, whichever ends first')
parser.add_argument('--plain', action='store_true', help='a plain Redis instead of Keyshift')
options, wanted = parser.parse_known_args()


class Difference(AssertionError):
    """The first difference; `entry` is the command (database, arguments, form) that showed it."""

    def __init__(self, entry, left, right):
        super().__init__('%s\n  Redis:    %s\n  Keyshift: %s' % (show(entry[1]), show(left), show(right)))
        self.entry = entry


def show(value):
    text = ' '.join(map(repr, value)) if isinstance(value, list) else repr(value)
    return text if len(text) <= 4 * SHOWN else text[:2 * SHOWN] + ' ... ' + text[-SHOWN:] + ' (%d)' % len(text)


def inline(args):
    """The inline form of a command, or None where it needs more than plain words."""
    if all(arg and len(arg) < 100 and set(arg) <= INLINE_SAFE for arg in args):
        return b' '.join(args) + b'\r\n'
    return None


class Link:
    """The same client twice: a connection to each side, of one protocol and one database."""

    def __init__(self, left, right, protocol):
        self.a, self.b = Connection(left), Connection(right)
        self.database = 0
        self.protocol = protocol
        if protocol == 3:
            for connection in (self.a, self.b):
                assert connection.command('HELLO', 3)[0] == '%'

    def close(self):
        self.a.close()
        self.b.close()

    def lockstep(self, entries, rng):
        """Sends the entries as one pipeline to both sides and compares every reply; returns those of the left."""
        wire = [rng.random() < 0.05 and inline(args) or encode(args) for _, args, _ in entries]
        data = b''.join(wire)
        cut = rng.random() < 0.3
        left = self.a.exchange(data, len(entries))
        try:
            right = self.b.exchange(data, len(entries), ragged(data, rng, max(400, len(data) // 50)) if cut else None)
        except (OSError, Closed, ProtocolError) as error:
            raise Difference(entries[0], left[0], 'in a pipeline of %d: %r' % (len(entries),
                    error)) from error
        for entry, one, two in zip(entries, left, right):
            if not equal(one, two, entry[2]):
                raise Difference(entry, canonical(one, entry[2]), canonical(two, entry[2]))
        return left

    def select(self, database):
        self.lockstep([(self.database, [b'SELECT', b'%d' % database], EXACT)], random.Random(0))
        self.database = database

    def scan(self, args, rng):
        """A SCAN, HSCAN, SSCAN or ZSCAN to its end, on each side with its own cursors: the same elements."""
        sides = []
        for connection in (self.a, self.b):
            cursor, seen, step = b'0', set(), 2 if args[0] != b'SCAN' else 1
            while True:
                position = 1 if args[0] == b'SCAN' else 2
                reply = connection.command(*args[:position], cursor, *args[position:])
                if reply[0] == '-':
                    seen = reply
                    break
                cursor, items = reply[1][0][1], reply[1][1][1]
                step = 2 if args[0] in (b'HSCAN', b'ZSCAN') else 1
                seen.update(tuple(items[i:i + step]) for i in range(0, len(items), step))
                if cursor == b'0':
                    break
            sides.append(seen)
        if sides[0] != sides[1]:
            left, right = sides if isinstance(sides[0], tuple) or isinstance(sides[1], tuple) else (
                sides[0] - sides[1], sides[1] - sides[0])
            raise Difference((self.database, args, 'scan'), left, right)

    def random_key(self):
        """RANDOMKEY through the right side names a key that the left one knows."""
        left, right = self.a.command('RANDOMKEY'), self.b.command('RANDOMKEY')
        if (left[1] is None) != (right[1] is None) or left[0] != right[0]:
            raise Difference((self.database, [b'RANDOMKEY'], EXACT), left, right)
        if right[1] is not None and self.a.ask('EXISTS', right[1]) != 1:
            raise Difference((self.database, [b'RANDOMKEY'], EXACT), 'no such key', right)


class Differential:
    """One run: two servers, several links, one stream."""

    transaction_share = 0.04
    pieces_share = 0.04

    def __init__(self, left, right, front, seed, protocols):
        self.left, self.right, self.front = left, right, front
        self.rng = random.Random(seed)
        self.stream = CommandStream(random.Random(seed + 1))
        self.history = []
        self.links = [Link(left.address, front, protocol) for protocol in protocols]
        self.sent = 0
        self.busy = set()  # links in the middle of a transaction

    def run(self, commands, seconds):
        deadline = time.monotonic() + seconds
        try:
            while self.sent < commands and time.monotonic() < deadline:
                self.turn(self.rng.choice(self.links))
        except Difference as difference:
            raise AssertionError('%s\nafter %d commands\n%s' % (difference, self.sent,
                                                                self.shrink(difference))) from None
        finally:
            for link in self.links:
                link.close()

    def turn(self, link):
        rng = self.rng
        roll = rng.random()
        if roll < 0.06:
            return self.scan(link)
        if roll < 0.08:
            return link.random_key()
        if roll < 0.12:
            return link.select(rng.choice((0, 0, 0, 1, 3)))
        if rng.random() < self.pieces_share:
            return self.transaction_in_pieces(link)
        depth = 1 if roll < 0.4 else rng.randint(2, 60) if roll < 0.97 else rng.randint(300, 800)
        entries = []
        while len(entries) < depth:
            if rng.random() < self.transaction_share:
                entries += self.transaction(link.database)
                continue
            args, form = self.stream.next()
            entries.append((link.database, args, form))
        return self.send(link, entries)

    def send(self, link, entries):
        self.history += entries
        self.sent += len(entries)
        left = link.lockstep(entries, self.rng)
        for (_, args, _), reply in zip(entries, left):
            if args[0].upper() == b'DUMP' and reply[0] == '$' and reply[1] and len(reply[1]) < 100_000:
                self.stream.payloads = self.stream.payloads[-30:] + [reply[1]]

    def transaction_in_pieces(self, link):
        """A transaction of which a part is sent when the replies to the part before are here; others come between."""
        entries = self.transaction(link.database)
        self.busy.add(link)
        while entries:
            size = self.rng.randint(1, len(entries))
            self.send(link, entries[:size])
            entries = entries[size:]
            others = [other for other in self.links if other not in self.busy]
            if entries and others and self.rng.random() < 0.7:
                self.turn(self.rng.choice(others))
        self.busy.remove(link)

    def transaction(self, database):
        """The commands of one transaction, perhaps with keys watched before, perhaps not brought to its end."""
        rng = self.rng
        watch = [[b'WATCH', rng.choice(EVERY_KEY), rng.choice(EVERY_KEY)]] if rng.random() < 0.3 else []
        touch = [[b'SET', watch[0][1], b'touched']] if watch and rng.random() < 0.3 else []
        queued = [self.stream.next() for _ in range(rng.randint(0, 6))]
        end = [b'EXEC'] if rng.random() < 0.9 else [b'DISCARD']
        entries = [(database, args, EXACT) for args in watch + touch + [[b'MULTI']]]
        entries += [(database, args, EXACT) for args, _ in queued]
        return entries + [(database, end, [form for _, form in queued])]

    def scan(self, link):
        rng = self.rng
        count = [b'COUNT', b'%d' % rng.choice((1, 7, 10, 1000))] if rng.random() < 0.7 else []
        match = [b'MATCH', rng.choice(PATTERNS)] if rng.random() < 0.6 else []
        if rng.random() < 0.5:
            kind = [b'TYPE', rng.choice((b'string', b'hash', b'zset'))] if rng.random() < 0.3 else []
            args = [b'SCAN'] + match + count + kind
        else:
            name, kind = rng.choice(((b'HSCAN', b'hash'), (b'SSCAN', b'set'), (b'ZSCAN', b'zset')))
            args = [name, rng.choice(KEYS[kind] + EVERY_KEY[:3])] + match + count
        self.sent += 1
        link.scan(args, rng)

    # Shrinking: from the history to the shortest list of commands that still shows the difference.

    def shrink(self, difference):
        last = difference.entry
        if last[2] == 'scan' or last not in self.history[-1000:]:
            return 'not a command that replays alone; the last commands:\n' + self.tail(self.history[-20:])
        before = self.history[:len(self.history) - 1 - self.history[::-1].index(last)]
        words = {arg for arg in last[1][1:] if len(arg) > 1 and not arg.isalnum()}
        related = [entry for entry in before if words & set(entry[1][1:])
                   or entry[1][0].upper() in (b'FLUSHDB', b'SWAPDB')]
        deadline = time.monotonic() + SHRINK_SECONDS
        for candidates in ([], related[-20:], related, before):
            if self.fails(candidates + [last]):
                break
        else:
            return 'a replay does not show it; the last commands:\n' + self.tail(before[-20:] + [last])
        size = max(1, len(candidates) // 2)
        while size and candidates and time.monotonic() < deadline:
            start, smaller = 0, False
            while start < len(candidates) and time.monotonic() < deadline:
                fewer = candidates[:start] + candidates[start + size:]
                if self.fails(fewer + [last]):
                    candidates, smaller = fewer, True
                else:
                    start += size
            if not smaller or size > 1:
                size = size // 2 if size > 1 else (1 if smaller else 0)
        return 'shrunk to:\n' + self.tail(candidates + [last])

    def fails(self, entries):
        for server in (self.left, self.right):
            with server.connect() as connection:
                connection.ask('FLUSHALL')
        protocol = self.links[0].protocol
        link = Link(self.left.address, self.front, protocol)
        try:
            for entry in entries[:-1]:
                if entry[0] != link.database:
                    link.select(entry[0])
                link.a.command(*entry[1])
                link.b.command(*entry[1])
            if entries[-1][0] != link.database:
                link.select(entries[-1][0])
            link.lockstep(entries[-1:], random.Random(1))
            return False
        except (Difference, OSError, Closed, ProtocolError):
            return True
        finally:
            link.close()

    @staticmethod
    def tail(entries):
        return '\n'.join('  db %d: %s' % (database, show(args)) for database, args, _ in entries[-60:])


class DifferentialTest(unittest.TestCase):
    def differ(self, protocols, offset, plain=False, commands=None, seconds=None, spoil=None, rules=RULES,
               workers=1):
        seed = options.seed + offset
        plain = plain or options.plain
        tap.note('seed %d, protocols %s; repeat with --seed %d' % (seed, protocols, options.seed))
        with RedisServer() as left, RedisServer() as right:
            front = right if plain else Keyshift(right.url, config=rules, options=('--workers', str(workers)))
            try:
                run = Differential(left, right, front.address, seed, protocols)
                run.run(commands or options.commands, seconds or options.seconds)
                if spoil:
                    spoil(right)
                tap.note('%d commands, %d keys' % (run.sent, keyspace.size(left)))
                self.assertGreater(keyspace.size(left), 20, 'a stream that leaves no keys proves nothing')
                found = keyspace.differences(left, right, (lambda key: (key,)) if plain or not rules
                                             else physical)
                self.assertEqual(found, [], 'the keyspaces differ:\n' + '\n'.join(found))
            finally:
                if not plain:
                    front.stop()

    def test_1_two_plain_servers_do_not_differ(self):
        self.differ((2, 3), 100, plain=True, commands=20_000, seconds=20)

    def test_2_one_different_value_is_found(self):
        def spoil(server):
            with server.connect() as connection:
                connection.ask('SELECT', 1)
                connection.ask('SET', 'str:spoilt', 'x')
        with self.assertRaisesRegex(AssertionError, 'nobody knows .*str:spoilt'):
            self.differ((2,), 200, plain=True, commands=5_000, seconds=20, spoil=spoil)

    def test_3_one_different_reply_is_found_and_shrunk(self):
        with RedisServer() as left, RedisServer('--hash-max-listpack-entries', 5) as right:
            run = Differential(left, right, right.address, options.seed, (2,))
            run.transaction_share = run.pieces_share = 0  # a transaction does not shrink
            with self.assertRaisesRegex(AssertionError, r'(?is)object.*shrunk to:.*hset.*object'):
                run.run(50_000, 30)

    def test_4_resp2_streams_get_equal_replies(self):
        self.differ((2, 2, 2, 2), 0)

    def test_5_resp3_streams_get_equal_replies(self):
        self.differ((3, 3, 3), 1)

    def test_6_mixed_protocols_get_equal_replies(self):
        self.differ((2, 3, 2, 3, 2, 3, 2, 3), 2, seconds=options.seconds / 2, workers=2)

    def test_7_with_no_rule_nothing_is_changed(self):
        self.differ((2, 3), 3, seconds=options.seconds / 4, rules='')


def physical(key):
    """The names that a key can have behind the rule. `any` takes one byte or more, so the empty key has no rule."""
    return (PREFIX + key,) if key else (PREFIX, b'')


if __name__ == '__main__':
    tap.main(wanted)
