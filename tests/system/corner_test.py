"""Corners of the protocol, byte for byte: what a plain Redis sends for the same bytes, from the first to the last before it
closes, Keyshift sends too, with every key renamed.

Pipelines with CLIENT REPLY OFF and SKIP, QUIT and RESET in their middle, half-closed sockets, inline commands, empty
requests, HELLO on the way, errors everywhere; and pipelines larger than any buffer.
"""

import os
import random
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import encode
from harness.servers import Keyshift, RedisServer, short_budget, status_kib

RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''


def typed(text):
    return encode([word.encode() for word in text.split()])


def lines(*texts):
    return b''.join(typed(text) for text in texts)


def setUpModule():
    global reference, upstream, keyshift
    reference, upstream = RedisServer(), RedisServer()
    keyshift = Keyshift(upstream.url, config=RULES)


def tearDownModule():
    for process in (keyshift, upstream, reference):
        process.stop()


class Corners(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        for redis in (reference, upstream):
            with redis.connect() as client:
                client.command('FLUSHALL')

    def answers(self, wire, rng=None):
        """What each side sends for these bytes until it closes the connection."""
        found = []
        for server in (reference, keyshift):
            with server.connect() as client:
                if rng is None:
                    client.send(wire)
                else:
                    client.send_ragged(wire, random.Random(rng))
                found.append(client.at_end())
        return found

    def same(self, wire, rng=None):
        left, right = self.answers(wire, rng)
        self.assertEqual(left, right, '%.300r' % wire)
        return right

    # CLIENT REPLY

    def test_reply_off_and_skip_in_every_mixture(self):
        for texts in (('CLIENT REPLY OFF', 'SET a 1', 'GET a', 'CLIENT REPLY ON', 'GET a'),
                      ('CLIENT REPLY SKIP', 'SET a 1', 'GET a'),
                      ('CLIENT REPLY SKIP', 'CLIENT REPLY SKIP', 'SET a 1', 'GET a'),
                      ('CLIENT REPLY SKIP', 'CLIENT REPLY OFF', 'GET a', 'CLIENT REPLY ON', 'GET a'),
                      ('CLIENT REPLY OFF', 'CLIENT REPLY SKIP', 'GET a', 'GET a', 'CLIENT REPLY ON', 'GET a'),
                      ('CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'GET a'),
                      ('CLIENT REPLY SKIP', 'NOSUCH', 'GET a'),
                      ('CLIENT REPLY SKIP', 'GET', 'GET a'),
                      ('CLIENT REPLY SKIP', 'CLIENT ID x', 'GET a'),
                      ('CLIENT REPLY SKIP', 'MULTI', 'SET a 1', 'EXEC', 'GET a'),
                      ('CLIENT REPLY OFF', 'MULTI', 'SET a 1', 'GET a', 'EXEC', 'CLIENT REPLY ON', 'GET a'),
                      ('CLIENT REPLY OFF', 'MULTI', 'NOSUCH', 'EXEC', 'CLIENT REPLY ON', 'PING'),
                      ('CLIENT REPLY OFF', 'RPUSH l x', 'BLPOP l 0', 'CLIENT REPLY ON', 'LLEN l'),
                      ('CLIENT REPLY SKIP', 'BLPOP none 0.01', 'PING'),
                      ('CLIENT REPLY OFF', 'KEYS *', 'SCAN 0', 'INFO server', 'CLIENT LIST', 'CLIENT REPLY ON', 'PING'),
                      ('CLIENT REPLY OFF', 'HELLO 3', 'GET none', 'CLIENT REPLY ON', 'GET none'),
                      ('CLIENT REPLY OFF', 'RESET', 'PING'), ('CLIENT REPLY SKIP', 'RESET', 'PING'),
                      ('CLIENT REPLY OFF', 'SELECT 3', 'SET in3 x', 'CLIENT REPLY ON', 'GET in3', 'SELECT 0'),
                      ('CLIENT REPLY OFF', 'CLIENT REPLY maybe', 'CLIENT REPLY ON'),
                      ('CLIENT REPLY SKIP', 'ECHO a', 'ECHO b')):
            with self.subTest(texts):
                # With replies off a plain Redis forgets to close at QUIT.
                ending = ('QUIT',) if 'CLIENT REPLY OFF' not in texts else ('CLIENT REPLY ON', 'QUIT')
                self.same(lines(*texts, *ending))

    def test_a_protocol_error_is_a_reply_like_any_other(self):
        for mode in ('ON', 'OFF', 'SKIP'):
            with self.subTest(mode):
                self.same(lines('GET a', 'CLIENT REPLY ' + mode) + b'*x\r\n')

    def test_reply_modes_at_random(self):
        commands = ['CLIENT REPLY OFF', 'CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'CLIENT REPLY ON', 'PING', 'ECHO x',
                    'SET a 1', 'GET a', 'INCR a', 'MGET a b', 'NOSUCH', 'GET', 'MULTI', 'EXEC', 'DISCARD', 'SELECT 2',
                    'SELECT 0', 'SELECT x', 'CLIENT GETNAME', 'CLIENT SETNAME n', 'WATCH a', 'UNWATCH', 'CLIENT GETREDIR',
                    'LPUSH a x', 'BLPOP none 0.001', 'RANDOMKEY', 'KEYS a*', 'DEL a', 'RESET', 'STRLEN a', 'HGETALL none']
        for seed in range(40 if short_budget() else 200):
            rng = random.Random(seed)
            texts, queueing = [], False
            for _ in range(rng.randint(3, 60)):
                text = rng.choice(commands)
                # Inside MULTI a plain Redis leaves holes in EXEC's array for it.
                if queueing and text.startswith('CLIENT REPLY'):
                    continue
                queueing = text == 'MULTI' or queueing and text not in ('EXEC', 'DISCARD', 'RESET')
                texts.append(text)
            with self.subTest(seed):
                self.setUp()
                self.same(lines(*texts, 'DISCARD', 'CLIENT REPLY ON', 'QUIT'), rng=seed)

    # The end of a connection

    def test_quit_in_the_middle(self):
        for texts in (('SET a 1', 'GET a', 'QUIT', 'SET a 2', 'GET a'), ('QUIT',), ('QUIT now', 'PING'),
                      ('MULTI', 'SET a 3', 'QUIT', 'EXEC'), ('WATCH a', 'QUIT'),
                      ('GET a', 'ECHO x', 'NOSUCH', 'QUIT', 'PING')):
            with self.subTest(texts):
                self.same(lines(*texts))
        with upstream.connect() as direct:
            self.assertEqual(direct.ask('GET', 'compat:kv:key:a'), b'1')

    def test_quit_behind_large_replies_lets_them_all_arrive(self):
        value = b'v' * (1 << 20)
        with keyshift.connect() as client:
            client.ask('SET', 'big', value)
            client.send(lines(*['GET big'] * 20, 'ECHO end', 'QUIT', 'GET big'))
            got = client.at_end()
        reply = b'$%d\r\n%s\r\n' % (len(value), value)
        self.assertTrue(got == reply * 20 + b'$3\r\nend\r\n+OK\r\n', '%d bytes' % len(got))

    def test_a_half_closed_client_gets_ten_thousand_replies(self):
        value = b'v' * (1 << 20)
        with keyshift.connect() as client:
            client.ask('SET', 'big', value)
            client.ask('SET', 'small', 'x')
            wire = b''.join(typed('GET big') if i % 500 == 499 else typed('ECHO %d' % i) if i % 3 == 0
                            else typed('GET small') for i in range(10_000))
            writer = threading.Thread(target=lambda: (client.send(wire), client.half_close()))
            writer.start()
            got = client.at_end()
            writer.join()
        expected = b''.join(b'$%d\r\n%s\r\n' % (len(value), value) if i % 500 == 499
                            else b'$%d\r\n%d\r\n' % (len(str(i)), i) if i % 3 == 0 else b'$1\r\nx\r\n'
                            for i in range(10_000))
        self.assertTrue(got == expected, '%d bytes of %d' % (len(got), len(expected)))

    def test_half_a_request_at_the_end_is_not_executed(self):
        for tail in (b'*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n', b'SET b 1', b'*3\r\n', b'*', b'*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r'):
            with keyshift.connect() as client:
                client.send(lines('SET a 1', 'GET a') + tail)
                client.half_close()
                self.assertEqual(client.at_end(), b'+OK\r\n$1\r\n1\r\n')
        with keyshift.connect() as client:
            self.assertEqual(client.ask('GET', 'b'), None)

    # Requests of other forms

    def test_empty_requests_say_nothing(self):
        self.same(b'\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\n' + typed('PING') + b'*0\r\n\r\n' * 1000 + b'PING\r\n*0\r\nQUIT\r\n')
        self.same(b'*1\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nQUIT\r\n')
        self.same(b'*00\r\n*01\r\n$4\r\nPING\r\nQUIT\r\n')
        self.same(b'""\r\n"" x\r\nQUIT\r\n')

    def test_inline_and_multibulk_may_be_mixed(self):
        self.same(b'SET a "x y"\r\n' + typed('GET a') + b"SET b 'it\\'s'\n" + typed('GET b') +
                  b'GET a\nECHO "\\x00\\xff\\n\\r\\t\\b\\a\\"\\\\"\r\nECHO \'\\n\'\r\nSET   c\t1\r\n' + typed('GET c') + b'MULTI\r\n' +
                  typed('INCR c') + b'INCR c\r\nEXEC\r\nECHO ""\r\nECHO \'\'\r\nquit\r\n')

    def test_broken_inline_lines_end_it_as_in_redis(self):
        for line in (b'ECHO "a', b"ECHO 'a", b'ECHO "a"b', b"ECHO 'a'b", b'ECHO "\\', b'"', b"'"):
            with self.subTest(line):
                self.same(typed('SET a 1') + line + b'\r\nGET a\r\n')

    def test_malformed_requests_end_it_as_in_redis(self):
        for bad in (b'*1\r\n\r\n', b'*2\r\n$3\r\nGET\r\n\r\n', b'*1\r\n*1\r\n', b'*1\r\n$\r\n', b'*1\r\n$-1\r\n', b'*1 \r\n',
                    b'* 1\r\n', b'*1\r\n$ 4\r\nPING\r\n', b'*2147483648\r\n', b'*-2147483649\r\n',
                    b'*9223372036854775808\r\n', b'*1\r\n$536870913\r\n', b'*1\r\n$9223372036854775808\r\n', b'*+1\r\n',
                    b'*1\r\n$+4\r\nPING\r\n', b'*1\r\n$04\r\nPING\r\n'):
            with self.subTest(bad):
                self.same(lines('SET a 1', 'GET a') + bad + lines('GET a', 'QUIT'))

    def test_lines_of_the_longest_length(self):
        # Beyond 64 kB a plain Redis takes as much as happens to come in one read.
        for length in (1, 64 * 1024 - 8, 64 * 1024 - 7):
            with self.subTest(length):
                self.same(b'ECHO ' + b'x' * length + b'\r\n' + b'QUIT\r\n')
        self.same(b'*' + b'1' * 70_000)
        self.same(b'*1\r\n$' + b'1' * 70_000)

    def test_the_protocol_may_change_on_the_way(self):
        def without_ids(stream):
            parts = stream.split(b'\r\n')
            for i, part in enumerate(parts):
                if part == b'id':
                    parts[i + 1] = b':?'
            return parts

        for texts in (('GET none', 'HELLO 3', 'GET none', 'HGETALL none', 'HELLO 2', 'GET none', 'HGETALL none'),
                      ('HELLO 3', 'RESET', 'GET none'), ('HELLO 3 SETNAME x', 'CLIENT GETNAME', 'HELLO', 'ZADD z 1.5 m',
                                                         'ZSCORE z m', 'HELLO 2', 'ZSCORE z m'),
                      ('WATCH a', 'HELLO 3', 'MULTI', 'GET a', 'EXEC'), ('HELLO 5', 'HELLO 2 x', 'HELLO x', 'PING')):
            with self.subTest(texts):
                left, right = self.answers(lines(*texts, 'QUIT'))
                self.assertEqual(without_ids(left), without_ids(right))

    def test_reset_behind_what_is_still_owed(self):
        self.same(lines('SET a 1', 'WATCH a', 'GET a', 'MULTI', 'GET a', 'RESET', 'GET a', 'EXEC', 'SELECT 2', 'SET a 2',
                        'RESET', 'GET a', 'QUIT'))
        self.same(lines('WATCH a', *['GET a'] * 50, 'RESET', 'PING', 'WATCH a', 'MULTI', 'INCR a', 'EXEC', 'QUIT'))

    # Size

    def test_a_pipeline_of_a_million_requests(self):
        count = 100_000 if short_budget() else 1_000_000
        wire = typed('INCR n') * (count // 10)
        before = status_kib(keyshift.pid, 'VmRSS')
        with keyshift.connect(timeout=120) as client:
            def write():
                for _ in range(10):
                    client.send(wire)
                client.half_close()
            writer = threading.Thread(target=write)
            writer.start()
            got = client.at_end()
            writer.join()
        self.assertEqual(hash(got), hash(b''.join(b':%d\r\n' % (i + 1) for i in range(count))))
        self.assertLess(status_kib(keyshift.pid, 'VmHWM') - before, 40 * 1024)

    def test_requests_of_many_arguments(self):
        self.same(encode([b'MSET'] + [b'k%d' % (i // 2) for i in range(20_000)]) +
                  encode([b'MGET'] + [b'k%d' % i for i in range(10_000)]) +
                  encode([b'DEL'] + [b'k%d' % i for i in range(10_000)]) + typed('QUIT'))


if __name__ == '__main__':
    tap.main()
