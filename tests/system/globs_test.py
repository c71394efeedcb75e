"""KEYS and SCAN through Keyshift answer what one Redis with the client's names would have answered.

A plain Redis holds the names themselves. Another one is filled through Keyshift, whose rules rename most of them,
and holds dead copies under legacy names besides, which nobody must see. Then both are asked the same.
"""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.servers import Keyshift, RedisServer, short_budget

SEED = 20251120
GLOBS = 60 if short_budget() else 250
COUNTS = (1, 2, 7, 10, 100, 1000)

# One rule of each shape: the sides of a name as the client's %-format of the captures, and what fills them.
SEG, ANY, INT, HEX, UUID, DATE, LIST = 'seg', 'any', 'int', 'hex', 'uuid', 'date', 'list'
RULES = (
    (b'k:%b:%b', b'zz:k:%b:%b', ('{a}', '{b:int}'), (SEG, INT), (1, 0), ''),
    (b'h-%b', b'zz:h:%b', ('{a:hex}',), (HEX,), (0,), ''),
    (b'u%b', b'zz:u:%b', ('{a:uuid}',), (UUID,), (0,), ''),
    (b'day:%b:%b', b'zz:day:%b:at:%b', ('{a:date}', '{b}'), (DATE, SEG), (1, 0), ''),
    (b'l:%b', b'zz:l:%b:x', ('{a:b*|c?|[d|e\\\\}',), (LIST,), (0,), ''),
    (b'any:%b', b'zz:any:%b', ('{a:any}',), (ANY,), (0,), ''),
    (b'[*]%b', b'zz:?\\[^-%b', ('{a}',), (SEG,), (0,), ''),
    (b'old:%b', b'zz:old:%b', ('{a}',), (SEG,), (0,), 'legacy'),
)
WORDS = (b'b*', b'c?', b'[d', b'e\\\\')
# Names that look like a rule's and are not.
FOREIGN = (b'', b'k:', b'k:a', b'k:a:b', b'k::1', b'h-', b'h-xyz', b'u', b'u01234567',
           b'day:20241301:x', b'day:20240101', b'l:d', b'l:', b'any:', b'[*]', b'*', b'?', b'[', b'\\',
           b'^', b'-', b'old:', b'zz', b'q:1', b'\xff\x00', b'a:b:c')
MALFORMED = (b'', b'[', b'[^', b'[a-', b'\\', b'[\\]]', b'[b-a]', b'**', b'*', b'***', b'?', b'[]', b'[^]', b'[\\',
             b'k:[', b'k:[a', b'k:*\\', b'*[', b'*]', b'[*]*', b'\\[\\*]*', b'[[]*', b'l:b\\*', b'l:*\\\\', b'l:[[]d',
             b'*[^0-9]', b'k:*[1-0]', b'h-[A-f]*', b'k:\\a:*', b'k\\', b'any:*:*', b'\xff*', b'*\x00',
             b'[\x80-\xff]*', b'u*-*-*', b'day:2024*:*')


def config():
    text = '[domain.zz]\n'
    for legacy, key, captures, _, order, phase in RULES:
        bare = [capture.split(':')[0].rstrip('}') + '}' for capture in captures]
        sides = (legacy % tuple(capture.encode() for capture in captures),
                 key % tuple(bare[i].encode() for i in order))
        text += "[[rule]]\nlegacy = '%s'\nkey = '%s'\n" % tuple(side.decode() for side in sides)
        text += 'phase = "%s"\n' % phase if phase else ''
    return text


class Names:
    """Random keys as pairs of their legacy and their consolidated name; None where a name is the same."""

    def __init__(self, rng):
        self.rng = rng

    def bytes_of(self, alphabet, most):
        return bytes(self.rng.choice(alphabet) for _ in range(self.rng.randint(1, most)))

    def value(self, kind):
        rng = self.rng
        if kind == SEG:
            return self.bytes_of(b'ab1*?[]\\^-\x00\xff', 4)
        if kind == ANY:
            return self.bytes_of(b'ab1:*?[]\\^-\xff', 6)
        if kind == INT:
            return rng.choice((b'', b'', b'-')) + self.bytes_of(b'0123', 3)
        if kind == HEX:
            return self.bytes_of(b'0aAfF', 3)
        if kind == UUID:
            return b'%08x-89ab-cdef-0123-%012x' % (rng.randint(0, 9), rng.randint(0, 99))
        if kind == DATE:
            return b'202%d%02d%02d' % (rng.randint(0, 9), rng.randint(1, 12), rng.randint(1, 28))
        return rng.choice(WORDS)

    def pair(self):
        legacy, key, _, kinds, order, _ = self.rng.choice(RULES)
        values = tuple(self.value(kind) for kind in kinds)
        return legacy % values, key % tuple(values[i] for i in order)

    def glob(self, name):
        """A glob near the name."""
        rng = self.rng
        if rng.random() < 0.15:
            return self.bytes_of(b'ak:*?[]\\^-1', 6)
        made = b''
        for byte in name:
            one, roll = bytes([byte]), rng.random()
            if roll < 0.12:
                made += rng.choice((b'*', b'?'))
            elif roll < 0.2:
                made += rng.choice((b'[', b'[', b'[^')) + rng.choice((b'a-b', b'0-9', b'')) + b'\\' + one + b']'
            elif roll < 0.6:
                made += (b'\\' if one in b'*?[\\' else b'') + one
            else:
                made += one
        if rng.random() < 0.5:
            cut = rng.randint(0, len(made))
            made = made[:cut] + b'*' + (made[rng.randint(cut, len(made)):] if rng.random() < 0.5 else b'')
        return made


def write(number, key):
    """The command that makes the key, of a type that depends on the number."""
    return ([b'SET', key, b'v'], [b'RPUSH', key, b'v'], [b'HSET', key, b'f', b'v'], [b'SADD', key, b'v'],
            [b'ZADD', key, b'1', b'v'])[number % 5]


TYPES = (b'string', b'list', b'hash', b'set', b'zset')


class GlobsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = random.Random(SEED)
        names = Names(cls.rng)
        pairs = {}
        while len(pairs) < 900:
            legacy, consolidated = names.pair()
            pairs[legacy] = consolidated
        foreign = list(FOREIGN)
        cls.names = names
        cls.pairs = pairs
        cls.old, cls.new, cls.behind = RedisServer(), RedisServer(), RedisServer()
        cls.legacy = Keyshift(cls.behind.url, config=config())
        cls.consolidated = Keyshift(cls.behind.url, config=config(),
                                    options=('--listener-view', 'consolidated'))
        servers = (cls.old, cls.legacy)
        written = [write(number, key) for number, key in enumerate(list(pairs) + foreign)]
        for server in servers:
            with server.connect() as connection:
                replies = connection.pipeline(written)
                assert not [reply for reply in replies if reply[0] == '-'], replies
        with cls.new.connect() as connection:
            connection.pipeline([write(number, key)
                                 for number, key in enumerate(list(pairs.values()) + foreign)])
        # Dead copies: of keys that are there, and of keys that are not.
        dead = [key for key in list(pairs)[:100] if not key.startswith(b'old:')]
        while len(dead) < 200:
            legacy = names.pair()[0]
            if legacy not in pairs and not legacy.startswith(b'old:'):
                dead.append(legacy)
        with cls.behind.connect() as connection:
            connection.pipeline([[b'SET', key, b'dead'] for key in dead])

    @classmethod
    def tearDownClass(cls):
        for server in (cls.legacy, cls.consolidated, cls.old, cls.new, cls.behind):
            server.stop()

    def globs(self, which):
        """Malformed ones and random ones, for a client with these names."""
        names = [pair[which] for pair in self.pairs.items()] + list(FOREIGN)
        made = list(MALFORMED) + [self.names.glob(self.rng.choice(names)) for _ in range(GLOBS)]
        # On a consolidated listener a glob that only legacy names fit means those.
        return made if which == 0 else [glob for glob in made if glob.startswith((b'*', b'zz:'))] + [
            b'zz:*', b'zz:[a-k]*', b'zz:k:*:a', b'zz:?\\\\*', b'zz:?\\\\\\[*', b'zz:l:b\\*:x',
            b'zz:day:*:at:202[0-4]*', b'z']

    def sides(self):
        """For both views and both protocols: a client of the plain Redis, and one of Keyshift."""
        for which, (plain, front) in enumerate(((self.old, self.legacy), (self.new, self.consolidated))):
            for protocol in (2, 3):
                with plain.connect() as left, front.connect() as right:
                    left.ask('HELLO', protocol)
                    right.ask('HELLO', protocol)
                    yield which, left, right

    def test_1_keys_are_the_same(self):
        several = 0
        for which, left, right in self.sides():
            for glob in self.globs(which):
                expected = left.command('KEYS', glob)
                got = right.command('KEYS', glob)
                self.assertEqual(got[0], expected[0], glob)
                self.assertEqual(sorted(got[1]), sorted(expected[1]), 'KEYS %r, view %d' % (glob, which))
                several += len(expected[1]) > 1
        self.assertGreater(several, GLOBS, 'globs that fit nothing prove nothing')

    @staticmethod
    def iterate(connection, glob, count, kind=None):
        """All elements of an iteration, as they came."""
        cursor, elements = b'0', []
        while True:
            match = () if glob is None else ('MATCH', glob)
            reply = connection.ask('SCAN', cursor, *match, 'COUNT', count, *(('TYPE', kind) if kind else ()))
            cursor = reply[0]
            elements += reply[1]
            if cursor == b'0':
                return elements

    def test_2_iterations_bring_the_same(self):
        rng = self.rng
        for which, left, right in self.sides():
            for glob in rng.sample(self.globs(which), 25) + [b'*', b'**', b'', b'[', None]:
                expected = set(left.ask('KEYS', b'*' if glob is None else glob))
                count = rng.choice(COUNTS)
                got = self.iterate(right, glob, count)
                self.assertEqual(set(got), expected, 'SCAN MATCH %r COUNT %d, view %d' % (glob, count, which))
                kind = rng.choice(TYPES)
                types = left.pipeline([[b'TYPE', key] for key in sorted(expected)])
                of_kind = {key for key, reply in zip(sorted(expected), types) if reply[1] == kind}
                got = self.iterate(right, glob, rng.choice(COUNTS[2:]), kind)
                self.assertEqual(set(got), of_kind, 'SCAN MATCH %r TYPE %s' % (glob, kind))

    def test_3_cursors_and_counts_are_the_servers(self):
        with self.behind.connect() as direct, self.legacy.connect() as front:
            for glob, count in ((b'*', 1), (b'k:*', 7), (b'nothing', 100), (b'', 1000)):
                cursor = b'0'
                for _ in range(20):
                    own = direct.ask('SCAN', cursor, 'COUNT', count)[0]
                    self.assertEqual(front.ask('SCAN', cursor, 'MATCH', glob, 'COUNT', count)[0], own)
                    cursor = own
                    if cursor == b'0':
                        break
            for wrong in (('SCAN', 'x'), ('SCAN', '0', 'COUNT', '0'), ('SCAN', '0', 'COUNT', 'x'),
                          ('SCAN', '0', 'MATCH'), ('SCAN', '0', 'NOVALUES'), ('KEYS',), ('KEYS', 'a', 'b'),
                          ('SCAN', '0', 'COUNT', '-1', 'MATCH', 'k:*')):
                self.assertEqual(front.command(*wrong), direct.command(*wrong), wrong)

    def test_4_stable_keys_are_found_while_others_come_and_go(self):
        with RedisServer() as server, Keyshift(server.url, config=config()) as front, \
                front.connect() as client, front.connect() as other:
            stable = {b'k:s%d:%d' % (i, i) for i in range(300)} | {b'free:%d' % i for i in range(100)}
            client.pipeline([[b'SET', key, b'v'] for key in sorted(stable)])
            for glob, count in ((b'*', 10), (b'k:s*', 3), (b'*:1*', 50)):
                expected = set(client.ask('KEYS', glob)) & stable
                found, cursor, turn = set(), b'0', 0
                while True:
                    cursor, elements = client.ask('SCAN', cursor, 'MATCH', glob, 'COUNT', count)
                    found.update(elements)
                    if cursor == b'0':
                        break
                    # The table grows for a while, then shrinks: the cursor must survive both.
                    turn += 1
                    first = turn * 100
                    if turn < 30:
                        other.pipeline([[b'SET', b'k:t%d:%d' % (i, i), b'v']
                                        for i in range(first, first + 100)])
                    else:
                        first -= 30 * 100
                        other.pipeline([[b'DEL', b'k:t%d:%d' % (i, i)] for i in range(first, first + 100)])
                self.assertEqual(expected - found, set(), 'SCAN MATCH %r lost' % glob)
                self.assertGreater(len(expected), 50)
                other.pipeline([[b'DEL', b'k:t%d:%d' % (i, i)] for i in range(4000)])

    def test_5_patterns_of_members_are_no_patterns_of_keys(self):
        members = [b'k:a:1', b'k:b:2', b'h-ff', b'zz:k:1:a', b'x']
        with RedisServer() as plain, RedisServer() as server, \
                Keyshift(server.url, config=config()) as front, plain.connect() as left, front.connect() as right:
            for connection in (left, right):
                for i, member in enumerate(members):
                    connection.ask('HSET', 'k:h:1', member, 'v')
                    connection.ask('SADD', 'k:s:1', member)
                    connection.ask('ZADD', 'k:z:1', i, member)
            for scan, key in (('HSCAN', 'k:h:1'), ('SSCAN', 'k:s:1'), ('ZSCAN', 'k:z:1')):
                for rest in (('MATCH', 'k:*'), ('MATCH', 'h-*', 'COUNT', '100'), ('MATCH', '['), ('MATCH', 'k:a:1'),
                             (), ('NOVALUES',), ('MATCH', 'k:*', 'NOVALUES')):
                    one, two = left.command(scan, key, '0', *rest), right.command(scan, key, '0', *rest)
                    if one[0] == '*':
                        one, two = sorted(one[1][1][1]), sorted(two[1][1][1])
                    self.assertEqual(two, one, (scan, rest))


if __name__ == '__main__':
    tap.main()
