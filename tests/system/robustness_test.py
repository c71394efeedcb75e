"""What peers do wrong, and what becomes of it: garbage, announcements, disconnects, an upstream that dies,
stalls or lies, slow readers, many clients, and the end of the daemon.

No assertion depends on timing: states are waited for with a deadline, and faults are released by the test.
"""

import os
import random
import resource
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import RULES, WithServers, is_error
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.resp import Closed, encode, encode_reply, plain
from harness.servers import Keyshift, RedisServer, free_port, sanitized, short_budget, status_kib, wait_for

CONNECTIONS = 3_000 if short_budget() else 10_000
KIB_PER_CONNECTION = 32            # what a connection that announces much and sends little may cost


class Peers(WithServers):
    config = RULES + '\n[limits]\nmax_clients = 12000\nclient_output = "8mb"\n'

    def test_garbage_ends_no_more_than_its_connection(self):
        rng = random.Random(1)
        pieces = [encode(['GET', 'k:1']), encode(['SET', 'k:g', 'x' * 50]), b'*', b'$', b'\r\n',
                  b'*1000000\r\n', b'$-1\r\n', b'*3\r\n$3\r\nSET',
                  b'PING\r\n', b':1\r\n', b'+OK\r\n', b'\x00', b'"', b'*-1\r\n', b'*0\r\n',
                  b'$5\r\nhello\r\n', b'%1\r\n', b'*1\r\n*1\r\n*1\r\n']
        for _ in range(300):
            data = bytearray(b''.join(rng.choice(pieces) for _ in range(rng.randint(1, 12))))
            for _ in range(rng.randint(0, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            with self.keyshift.connect() as client:
                try:
                    client.send(bytes(data))
                    client.half_close()
                except OSError:
                    pass
                client.at_end()
        self.assertEqual(self.witness.ask('GET', 'k:witness'), b'fine')

    def test_announcements_cost_what_was_sent(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(CONNECTIONS, hard - 1000)
        sent = (b'*1048576\r\n', b'*3\r\n$3\r\nSET\r\n$536870912\r\n' + b'x' * 512,
                b'*2\r\n$3\r\nGET\r\n$536870912\r\n')
        with Keyshift(self.redis.url, config=self.config) as front:
            with front.connect() as client:
                client.ask('SET', 'k:first', 'x')
            before = status_kib(front.pid, 'VmRSS')
            clients = []
            try:
                for number in range(count):
                    client = front.connect()
                    client.send(sent[number % len(sent)])
                    clients.append(client)
                wait_for(lambda: front.metric('client_connections') >= count,
                         '%d clients in the metrics' % count, 120)
                with front.connect() as client:
                    self.assertEqual(client.ask('GET', 'k:first'), b'x')
                peak = status_kib(front.pid, 'VmHWM')
                tap.note('%d connections: %d KiB more, %.1f KiB each' % (count, peak - before,
                        (peak - before) / count))
                if not sanitized():
                    self.assertLess((peak - before) / count, KIB_PER_CONNECTION)
            finally:
                for client in clients:
                    client.close()
            wait_for(lambda: front.metric('client_connections') == 0, 'no clients in the metrics', 60)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_disconnects_in_requests_and_replies(self):
        rng = random.Random(2)
        self.witness.ask('SET', 'k:big', b'b' * 300_000)
        wire = encode(['SET', 'k:cut', b'v' * 3000]) + encode(['GET', 'k:big']) * 5 + encode(['HSET', 'k:h',
                'f', 'v'])
        for number in range(200):
            client = self.keyshift.connect()
            cut = rng.randrange(1, len(wire) + 1)
            client.send(wire[:cut])
            if number % 2:
                client.sock.settimeout(0.001)
                try:
                    client.sock.recv(rng.randrange(1, 5000))
                except OSError:
                    pass
            if number % 3 == 0:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
            client.close()
            if number % 10 == 0:
                self.assertEqual(self.witness.ask('ECHO', number), b'%d' % number)
        wait_for(lambda: self.clients() == 1, 'only the witness is left')

    def test_a_half_closed_client_gets_all_its_replies(self):
        with self.keyshift.connect() as client:
            client.send(encode(['SET', 'k:half', 'h' * 1000]) + encode(['GET', 'k:half']) * 2000)
            client.half_close()
            self.assertEqual(client.at_end(), b'+OK\r\n' + (b'$1000\r\n' + b'h' * 1000 + b'\r\n') * 2000)

    def test_a_slow_reader_is_dropped_and_slows_nobody(self):
        self.witness.ask('SET', 'k:slow', b's' * (1 << 20))
        before = status_kib(self.keyshift.pid, 'VmRSS')
        # It reads nothing at all. (With a small SO_RCVBUF the kernel would hand over the rest in minutes.)
        slow = self.keyshift.connect()
        slow.ask('PING')
        clients = self.clients()
        # One reply alone is four times what may wait for a client.
        slow.send(encode(['MGET'] + ['k:slow'] * 32) * 6)
        for number in range(500):
            self.assertEqual(self.witness.ask('ECHO', number), b'%d' % number)
        wait_for(lambda: self.clients() < clients, 'the slow reader is dropped')
        if not sanitized():
            self.assertLess(status_kib(self.keyshift.pid, 'VmRSS') - before, 64 << 10)
        self.assertLess(len(slow.at_end()), 192 << 20)
        slow.close()

    def test_a_thousand_clients(self):
        clients = [self.keyshift.connect() for _ in range(1000)]
        for turn in range(3):
            for number, client in enumerate(clients):
                client.send(encode(['SET', 'k:c%d' % number, turn]) + encode(['GET', 'k:c%d' % number])
                            + encode(['INCR', 'k:n%d' % number]))
            for client in clients:
                replies = [plain(client.read()) for _ in range(3)]
                self.assertEqual(replies, [b'OK', b'%d' % turn, turn + 1])
        self.assertGreaterEqual(self.clients(), 1000)
        # They share the pool: that is what a sidecar is for.
        self.assertLessEqual(self.keyshift.metric('upstream_connections'), 10)
        for client in clients:
            client.close()
        wait_for(lambda: self.clients() == 1, 'only the witness is left')

    def test_replies_leave_in_order_however_large_they_are(self):
        rng = random.Random(3)
        values = {b'k:o%d' % number: bytes([65 + number % 26]) * rng.choice((0, 1, 100, 70_000, 2_000_000))
                  for number in range(40)}
        with self.keyshift.connect() as client:
            self.assertEqual(set(client.pipeline([['SET', key, value] for key, value in values.items()])),
                             {('+', b'OK')})
            keys = [rng.choice(list(values)) for _ in range(300)]
            commands, wanted = [], []
            for number, key in enumerate(keys):
                commands += [['GET', key], ['ECHO', number], ['NOSUCH'], ['STRLEN', key]]
                wanted += [('$', values[key]), ('$', b'%d' % number), ('-', None), (':', len(values[key]))]
            got = [(kind, None if kind == '-' else body) for kind, body in client.pipeline(commands)]
            self.assertTrue(got == wanted, 'replies out of order')


class LargeReplyTest(unittest.TestCase):
    """Replies in which names must be mapped, or that are made of several."""

    RULES = '''
[limits]
client_output = "%s"

[[rule]]
legacy = "a:{id}"
key    = "one:kv:id:{id}"

[[rule]]
legacy = "b:{id}"
key    = "two:kv:id:{id}"
'''
    VALUE = b'v' * (1 << 20)

    def test_what_can_pass_is_not_held(self):
        value, last = self.VALUE, b'v' * (1 << 20) + MARK
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, redis.connect() as direct, \
                Keyshift(faulty.url, config=self.RULES % '256mb') as keyshift, keyshift.connect() as client:
            for domain in ('one', 'two'):
                direct.ask('MSET', domain + ':kv:id:0', value, domain + ':kv:id:1', last)
            for _ in range(4):
                direct.ask('RPUSH', 'one:kv:id:list', last)
            direct.pipeline([['XADD', 'one:kv:id:stream', '1-%d' % (number + 1), 'f', entry]
                             for number, entry in enumerate((value, last))])
            entries = [[b'1-%d' % (number + 1), [b'f', text]] for number, text in enumerate((value, last))]
            for requests, wanted in (
                    ([['MGET', 'a:0', 'b:0', 'a:1']], [value, value, last]),
                    ([['XREAD', 'STREAMS', 'a:stream', '0']], [[b'a:stream', entries]]),
                    ([['BLPOP', 'a:list', 0]], [b'a:list', last]),
                    ([['LMPOP', 1, 'a:list', 'LEFT']], [b'a:list', [last]]),
                    ([['MULTI'], ['LMPOP', 2, 'b:list', 'a:list', 'LEFT'], ['LPOP', 'a:list'], ['EXEC']],
                     [[b'a:list', [last]], last])):
                with self.subTest(requests[-1][0] + ' ' + requests[0][0]):
                    whole = encode_reply(wanted)
                    before = b''.join(b'+OK\r\n' if request == ['MULTI'] else b'+QUEUED\r\n' for request in requests[:-1])
                    # The piece with the first MARK in it is held back, of at most 64 KiB.
                    faulty.arm(faulty.stall)
                    client.send(b''.join(map(encode, requests)))
                    early = client.receive(len(before) + whole.index(MARK) - (65 << 10))
                    faulty.release()
                    self.assertTrue(early + client.receive(len(before + whole) - len(early)) == before + whole)

    def test_values_of_two_domains_pass_through_little_memory(self):
        value = MARK * (1 << 18)                                      # every piece of it is held back until its turn
        sent = got = 0
        turn = threading.Condition()

        def in_step(sock, data):
            """No more than a megabyte ahead of the client."""
            nonlocal sent
            with turn:
                turn.wait_for(lambda: sent - got < 1 << 20, 60)
                sent += len(data)
            sock.sendall(data)
            return True

        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, redis.connect() as direct, \
                Keyshift(faulty.url, config=self.RULES % '8mb') as keyshift, keyshift.connect() as client:
            for number in range(50):
                direct.ask('MSET', 'one:kv:id:%d' % number, value, 'two:kv:id:%d' % number, value)
            client.ask('MGET', 'a:none', 'b:none')
            before = status_kib(keyshift.pid, 'VmHWM')
            faulty.arm(in_step)
            client.send(encode(['MGET'] + ['%s:%d' % (domain, number) for number in range(50) for domain in 'ab']))
            left = len(b'*100\r\n') + 100 * len(b'$1048576\r\n' + value + b'\r\n')
            while left:
                data = client.receive(min(left, 1 << 16))
                left -= len(data)
                with turn:
                    got += len(data)
                    turn.notify()
            faulty.release()
            self.assertEqual(client.ask('PING'), b'PONG')
            more = 0 if sanitized() else status_kib(keyshift.pid, 'VmHWM') - before
            tap.note('100 MiB: %d KiB more' % more)
            self.assertLess(more, 32 << 10)

    def test_one_that_must_be_whole_and_is_too_large_is_an_error(self):
        with RedisServer() as redis, redis.connect() as direct, \
                Keyshift(redis.url, config=self.RULES % '8mb') as keyshift, keyshift.connect() as client:
            for number in range(40):
                direct.ask('SET', b'one:kv:id:%d' % number + self.VALUE[:1 << 18], 'x')
            client.ask('KEYS', 'b:*')
            before = status_kib(keyshift.pid, 'VmHWM')
            reply = client.command('KEYS', '*')
            self.assertTrue(is_error(reply), reply[0])
            self.assertIn(b'limits.client_output', reply[1])
            self.assertEqual(client.ask('DBSIZE'), 40)
            more = 0 if sanitized() else status_kib(keyshift.pid, 'VmHWM') - before
            tap.note('10 MiB: %d KiB more' % more)
            self.assertLess(more, 32 << 10)


class UpstreamTest(unittest.TestCase):
    """The upstream is lost, late, or wrong."""

    def served(self, client, commands, wanted):
        """Waits until this connection gets all these replies; on the way each is right, or an error."""
        def all_right():
            replies = client.pipeline(commands)
            for reply, right in zip(replies, wanted):
                self.assertTrue(is_error(reply) or plain(reply) == right, '%r instead of %r' % (reply, right))
            return not any(map(is_error, replies))
        wait_for(all_right, 'service on the same connection')

    def answers(self, client):
        self.served(client, [['SET', 'k:back', 'again'], ['GET', 'k:back']], [b'OK', b'again'])

    def test_an_upstream_that_dies_and_comes_back(self):
        with RedisServer() as redis, Keyshift(redis.url,
                                              config=RULES) as keyshift, keyshift.connect() as client:
            client.ask('SET', 'k:1', 'x')
            for _ in range(3):
                redis.kill()
                reply = client.command('GET', 'k:1')
                self.assertTrue(is_error(reply), reply)
                self.assertRegex(reply[1], rb'^[A-Z]+ .{10}')
                wait_for(lambda: keyshift.http('/readyz')[0] == 503, '/readyz says 503')
                self.assertEqual(keyshift.http('/healthz')[0], 200)
                replies = client.pipeline([['GET', 'k:%d' % number] for number in range(100)])
                self.assertTrue(all(map(is_error, replies)))
                # Who pings wants to know whether Redis is there.
                self.assertTrue(is_error(client.command('PING')))
                redis.start()
                self.answers(client)
                wait_for(lambda: keyshift.http('/readyz')[0] == 200, '/readyz says 200')

    def test_an_upstream_that_is_down_at_the_start(self):
        port = free_port()
        with Keyshift('redis://127.0.0.1:%d' % port, config=RULES,
                      wait_ready=False) as keyshift, keyshift.connect() as client:
            self.assertEqual(keyshift.http('/readyz')[0], 503)
            self.assertEqual(keyshift.http('/healthz')[0], 200)
            reply = client.command('GET', 'k:1')
            self.assertTrue(is_error(reply), reply)
            with RedisServer(port=port):
                self.answers(client)

    def test_select_of_a_database_while_it_is_down_is_one_error(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift, keyshift.connect() as client:
            redis.kill()
            wait_for(lambda: is_error(client.command('PING')), 'the loss to be seen')
            client.send(encode(['SELECT', 5]) + encode(['ECHO', 'behind']) + encode(['QUIT']))
            self.assertRegex(client.at_end(), rb'^-ERR [^\r]+\r\n\$6\r\nbehind\r\n\+OK\r\n$')

    def test_an_upstream_that_sends_a_byte_at_a_time(self):
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty:
            faulty.fault = faulty.trickle
            with Keyshift(faulty.url, config=RULES) as keyshift:
                for protocol in (2, 3):
                    with keyshift.connect() as client:
                        client.command('HELLO', protocol)
                        commands = [['SET', 'k:t', b't\r\n$5\r\n' * 50], ['GET', 'k:t'],
                                    ['HSET', 'k:th', 'f', 'v'], ['HGETALL', 'k:th'], ['GET', 'k:none'],
                                    ['NOSUCH'], ['KEYS', 'k:t*'], ['DEL', 'k:th'], ['LRANGE', 'k:t', 0, -1],
                                    ['XREAD', 'STREAMS', 'k:x', 0]]
                        replies = client.pipeline(commands)
                        self.assertEqual([reply[0] for reply in replies],
                                         ['+', '$', ':', '*' if protocol == 2 else '%', '$' if protocol == 2
                                          else '_', '-', '*', ':', '-', '*' if protocol == 2 else '_'])
                        self.assertEqual(replies[1][1], b't\r\n$5\r\n' * 50)
                        self.assertEqual(set(plain(replies[6])), {b'k:t', b'k:th'})

    def test_a_late_reply_reaches_nobody(self):
        config = RULES + '\n[upstream]\nreply_timeout = "300ms"\n'
        echoes = [['ECHO', turn] for turn in range(50)]
        echoed = [b'%d' % turn for turn in range(50)]
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, \
                Keyshift(faulty.url, config=config) as keyshift, \
                keyshift.connect() as client, keyshift.connect() as other:
            for number in range(5):
                late, mine = b'%s late %d' % (MARK, number), b'mine %d' % number
                self.served(client, [['SET', 'k:late', late], ['SET', 'k:mine', mine]], [b'OK', b'OK'])
                faulty.arm(faulty.stall)
                client.send(encode(['GET', 'k:late']))
                self.assertTrue(faulty.held.wait(30), 'the upstream was never asked')
                other.send(encode(['GET', 'k:mine']))
                reply = client.read()
                self.assertTrue(is_error(reply), reply)
                # The other is behind the stalled reply or on another connection: its value, or an error.
                reply = other.read()
                self.assertTrue(is_error(reply) or reply == ('$', mine), reply)
                faulty.release()
                for one in (client, other):
                    self.served(one, echoes + [['GET', 'k:mine'], ['STRLEN', 'k:mine']], echoed + [mine, 6])

    def never_wrong(self, fault_of):
        """With a fault in the reply to GET k:mark a client gets an error or is closed; the next is served."""
        # What only looks unfinished ends with the time that a reply may take.
        config = RULES + '\n[upstream]\nreply_timeout = "500ms"\n'
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, \
                Keyshift(faulty.url, config=config) as keyshift:
            with redis.connect() as direct:
                direct.ask('SET', 'bench:kv:id:mark', MARK + b'x' * 200)
            for _ in range(5):
                with keyshift.connect() as client:
                    self.answers(client)
                    faulty.arm(fault_of(faulty))
                    client.send(encode(['GET', 'k:mark']))
                    try:
                        reply = client.read()
                        # Where the daemon closes the upstream only behind the reply, the reply itself is whole.
                        self.assertTrue(is_error(reply) or reply == ('$', MARK + b'x' * 200), reply)
                        faulty.release()
                        self.answers(client)
                    except (Closed, OSError):
                        faulty.release()
                with keyshift.connect() as client:
                    self.answers(client)
                    replies = client.pipeline([['ECHO', turn] for turn in range(50)])
                    self.assertEqual([plain(reply) for reply in replies],
                                     [b'%d' % turn for turn in range(50)])

    def test_an_upstream_that_resets_in_a_reply(self):
        self.never_wrong(lambda faulty: faulty.reset)

    def test_an_upstream_that_sends_no_resp(self):
        for nonsense in (b'?what\r\n', b'$abc\r\n', b'$5\r\nhelloXX', b'*-7\r\n', b'$-3\r\n', b':12x\r\n',
                         b'HTTP/1.1 400 Bad Request\r\n\r\n', b'$99999999999999999999\r\n',
                         b'*4294967296\r\n'):
            with self.subTest(nonsense):
                self.never_wrong(lambda faulty, bytes_=nonsense: faulty.answer(bytes_))

    def test_an_upstream_whose_reply_is_none_to_this_command(self):
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, \
                Keyshift(faulty.url, config=RULES) as keyshift, keyshift.connect() as client, redis.connect() as direct:
            direct.ask('XADD', 'bench:kv:id:MARK', '1-1', 'f', 'v')
            direct.ask('RPUSH', 'bench:kv:id:list', *[MARK] * 9)
            pop = ['LMPOP', 1, 'k:list', 'LEFT']
            others = (b'+QUEUED\r\n', b':1\r\n', b'$1\r\nx\r\n')
            for command, replies in ((['SCAN', 0], others), (['KEYS', '*'], others),
                                     (['XREAD', 'STREAMS', 'k:MARK', 0], others), (pop, others + (b'*1\r\n:1\r\n',))):
                for nonsense in replies:
                    with self.subTest(command=command, nonsense=nonsense):
                        self.answers(client)
                        before = keyshift.metric('upstream_connects_total')
                        faulty.arm(faulty.answer(nonsense))
                        reply = client.command(*command)
                        self.assertTrue(is_error(reply), reply)
                        faulty.release()
                        self.answers(client)
                        self.assertGreater(keyshift.metric('upstream_connects_total'), before)
                        self.assertFalse(keyshift.exited())

            # Where a part has left before that is seen, no error can be told from the rest.
            seen = threading.Event()

            def fault(sock, _):
                sock.sendall(b'*1\r\n')
                seen.wait(30)
                sock.sendall(b':1\r\n')
                return True
            faulty.arm(fault)
            client.send(encode(pop))
            self.assertEqual(client.receive(4), b'*1\r\n')
            seen.set()
            self.assertEqual(client.at_end(), b'')
            self.assertFalse(keyshift.exited())

    def test_an_upstream_that_answers_what_nobody_asked(self):
        self.never_wrong(lambda faulty: faulty.add(b'+EXTRA\r\n' * 3))


if __name__ == '__main__':
    tap.main()
