"""Commands that wait in the server: what they share, hold, give back, and leave behind."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.fixture import RULES, WithServers, given_ttl, is_error
from harness.resp import Closed, Connection, encode
from harness.servers import Keyshift, RedisServer, short_budget, wait_for

NULL = ('*', None)


def waiting(redis):
    """How many clients wait in the server."""
    with redis.connect() as client:
        return int(client.ask('INFO', 'clients').split(b'blocked_clients:')[1].split(b'\r')[0])


class LateUnblock(FaultyUpstream):
    """Requests with UNBLOCK wait for `let`; `came` says that there is one."""

    def __init__(self, behind):
        self.came, self.let = threading.Event(), threading.Event()
        super().__init__(behind)

    def passed(self, data):
        if b'UNBLOCK' in data:
            self.came.set()
            self.let.wait(60)
        return data


class BlockingTest(WithServers):
    def block(self, *words):
        client = self.keyshift.connect()
        self.addCleanup(client.close)
        before = waiting(self.redis)
        client.send(encode(words))
        wait_for(lambda: waiting(self.redis) == before + 1, 'a client that waits')
        return client

    def test_a_client_that_waits_gets_what_another_brings_by_the_clients_names(self):
        for words, push, reply in (
                (('BLPOP', 'k:l1', 'k:l2', '0'), ('RPUSH', 'k:l2', 'x'), ('*', (('$', b'k:l2'), ('$', b'x')))),
                (('BZPOPMIN', 'k:z', '0'), ('ZADD', 'k:z', '1', 'm'),
                 ('*', (('$', b'k:z'), ('$', b'm'), ('$', b'1')))),
                (('BLMOVE', 'k:from', 'k:to', 'LEFT', 'RIGHT', '0'), ('RPUSH', 'k:from', 'x'), ('$', b'x')),
                (('XREAD', 'BLOCK', '0', 'STREAMS', 'k:x', '$'), ('XADD', 'k:x', '1-1', 'f', 'v'),
                 ('*', (('*', (('$', b'k:x'), ('*', (('*', (('$', b'1-1'), ('*', (('$', b'f'), ('$', b'v'))))),)))),)))):
            with self.subTest(words[0]):
                client = self.block(*words)
                self.witness.ask(*push)
                self.assertEqual(client.read(), reply)
                self.assertEqual(client.ask('ECHO', 'next'), b'next')
        with self.redis.connect() as bare:
            self.assertEqual(given_ttl(bare, 'bench:kv:id:to'), 3600)

    def test_what_is_sent_behind_a_command_that_waits_is_done_behind_it(self):
        client = self.block('BLPOP', 'k:order', '0')
        client.send(encode(('RPUSH', 'k:order', 'mine')) + encode(('LLEN', 'k:order')) + encode(('PING',)))
        self.witness.ask('RPUSH', 'k:order', 'first')
        self.assertEqual([client.read() for _ in range(4)],
                         [('*', (('$', b'k:order'), ('$', b'first'))), (':', 1), (':', 1), ('+', b'PONG')])

    def test_xadd_and_xread_of_one_client_keep_their_order(self):
        with self.keyshift.connect() as client:
            for turn in range(20):
                client.send(encode(('XADD', 'k:seq', '%d-1' % (turn + 1), 'f', 'v')) * 1
                            + encode(('XREAD', 'BLOCK', '1', 'STREAMS', 'k:seq', '$')))
                self.assertEqual(client.read()[0], '$')
                self.assertEqual(client.read(), NULL, 'the entry came before $ was read')

    def test_a_client_that_ends_takes_no_element(self):
        for end in ('close', 'half_close'):
            client = self.block('BLPOP', 'k:dead', '0')
            getattr(client, end)()
            wait_for(lambda: waiting(self.redis) == 0, 'the end of the wait')
            self.witness.ask('RPUSH', 'k:dead', end)
            self.assertEqual(self.witness.ask('LPOP', 'k:dead'), end.encode())

    def test_a_half_closed_client_is_answered_as_by_redis_and_nothing_is_lost(self):
        with self.redis.connect() as bare:
            for lines, left in ((('BLPOP k:half 0',), [b'b', b'c']),
                                (('GET k:none', 'BLPOP k:half 0', 'LLEN k:half', 'BLPOP k:half 0', 'PING'), [b'c']),
                                (('BLPOP k:half 0', 'BLPOP k:none 0', 'LPOP k:half'), [b'b', b'c'])):
                wire = b''.join(encode(line.split()) for line in lines)
                for server in (self.redis,) + (self.keyshift,) * 10:
                    name = 'k:half' if server is self.redis else 'bench:kv:id:half'
                    bare.ask('RPUSH', name, 'a', 'b', 'c')
                    with server.connect() as client:
                        client.send(wire)
                        client.half_close()
                        got = client.at_end()
                    wanted = got if server is self.redis else wanted
                    self.assertEqual(got, wanted, lines)
                    wait_for(lambda: waiting(self.redis) == 0, 'the end of the wait')
                    self.assertEqual(bare.ask('LRANGE', name, '0', '-1'), left, lines)
                    bare.ask('DEL', name)

    def test_an_end_that_does_not_reach_the_upstream_is_not_waited_for_for_ever(self):
        class Swallows(FaultyUpstream):
            kept = []

            def forward(self, sock, behind):
                self.kept.append(behind)
                with contextlib.suppress(OSError):
                    while data := sock.recv(1 << 16):
                        behind.sendall(data)

        with Swallows(self.redis.address) as swallows, Keyshift(swallows.url, config=RULES) as keyshift, \
                keyshift.connect() as client:
            client.send(encode(('BLPOP', 'k:swallowed', '0')))
            wait_for(lambda: waiting(self.redis) == 1, 'the wait')
            client.half_close()
            self.assertEqual(client.at_end(), b'')
            wait_for(lambda: keyshift.metric('client_connections') == 0, 'the end of the client')
            for behind in swallows.kept:
                with contextlib.suppress(OSError):
                    behind.shutdown(socket.SHUT_RDWR)
            wait_for(lambda: waiting(self.redis) == 0, 'the end of the wait')

    def test_what_is_on_its_way_reaches_a_client_that_has_half_closed(self):
        with FaultyUpstream(self.redis.address) as faulty, Keyshift(faulty.url, config=RULES) as keyshift, \
                keyshift.connect() as client, keyshift.connect() as other:
            self.witness.ask('RPUSH', 'k:held', MARK)
            faulty.arm(faulty.stall)
            client.send(encode(('BLPOP', 'k:held', '0')) + encode(('ECHO', 'behind')))
            self.assertTrue(faulty.held.wait(30), 'the upstream was never asked')
            client.half_close()
            for turn in range(3):               # by then the end of the client has been read
                self.assertEqual(other.ask('ECHO', turn), b'%d' % turn)
            faulty.release()
            self.assertEqual(client.at_end(), b'*2\r\n$6\r\nk:held\r\n$4\r\nMARK\r\n$6\r\nbehind\r\n')

    def test_client_kill_and_unblock_reach_a_client_that_waits(self):
        client = self.keyshift.connect()
        number = client.ask('CLIENT', 'ID')
        for words, reply in ((('CLIENT', 'UNBLOCK', number), NULL), (('CLIENT', 'UNBLOCK', number, 'TIMEOUT'), NULL),
                             (('CLIENT', 'UNBLOCK', number, 'ERROR'),
                              ('-', b'UNBLOCKED client unblocked via CLIENT UNBLOCK'))):
            client.send(encode(('BLPOP', 'k:nothing', '0')))
            wait_for(lambda: waiting(self.redis) == 1, 'a client that waits')
            self.assertEqual(self.witness.ask(*words), 1)
            self.assertEqual(client.read(), reply)
            self.assertEqual(self.witness.ask(*words), 0)
        client.send(encode(('BLPOP', 'k:nothing', '0')))
        wait_for(lambda: waiting(self.redis) == 1, 'a client that waits')
        self.witness.ask('CLIENT', 'KILL', 'ID', number)
        self.assertRaises(Closed, client.read)
        wait_for(lambda: waiting(self.redis) == 0, 'the end of the wait')
        for wrong in (('CLIENT', 'UNBLOCK', 'x'), ('CLIENT', 'UNBLOCK', '1', 'NOW')):
            self.assertTrue(is_error(self.witness.command(*wrong)))

    def test_whoever_was_killed_or_unblocked_takes_nothing_that_comes_behind(self):
        for workers in ('1', '4'):
            with Keyshift(self.redis.url, config=RULES, options=('--workers', workers)) as keyshift:
                clients = [keyshift.connect() for _ in range(8)]      # on all workers
                killer = keyshift.connect()
                for client in clients:
                    number = client.ask('CLIENT', 'ID')
                    for end in (('CLIENT', 'UNBLOCK', number), ('CLIENT', 'KILL', 'ID', number)):
                        behind = encode(('INCR', 'k:behind')) if end[1] == 'KILL' else b''
                        client.send(encode(('BLPOP', 'k:ended', '0')) + behind)
                        wait_for(lambda: waiting(self.redis) == 1, 'a client that waits')
                        replies = killer.pipeline([end, ('RPUSH', 'k:ended', 'x'), ('LLEN', 'k:ended'),
                                                   ('DEL', 'k:ended')])
                        self.assertEqual(replies, [(':', 1)] * 4, end)
                        if end[1] == 'UNBLOCK':
                            self.assertEqual(client.read(), NULL)
                    self.assertEqual(client.at_end(), b'')
                    client.close()
                self.assertEqual(killer.ask('GET', 'k:behind'), None, 'sent by who is killed before it was')
                killer.close()

    def test_an_unblock_that_comes_late_ends_nobody_elses_wait(self):
        with LateUnblock(self.redis.address) as late, Keyshift(late.url, config=RULES) as keyshift, \
                keyshift.connect() as first, keyshift.connect() as second, keyshift.connect() as third:
            first.ask('PING'), second.ask('PING')
            number = first.ask('CLIENT', 'ID')
            first.send(encode(('BLPOP', 'k:first', '0')))
            wait_for(lambda: waiting(self.redis) == 1, 'the first that waits')
            third.send(encode(('CLIENT', 'UNBLOCK', number, 'ERROR')))
            self.assertTrue(late.came.wait(30), 'the upstream was never asked')
            self.witness.ask('RPUSH', 'k:first', 'x')
            self.assertEqual(first.read(), ('*', (('$', b'k:first'), ('$', b'x'))))
            second.send(encode(('BLPOP', 'k:second', '0')))
            wait_for(lambda: waiting(self.redis) == 1, 'the second that waits')
            late.let.set()
            self.assertEqual(third.read()[0], ':')
            self.witness.ask('RPUSH', 'k:second', 'y')
            self.assertEqual(second.read(), ('*', (('$', b'k:second'), ('$', b'y'))))

    def test_a_kill_is_done_even_if_who_said_it_is_killed_before(self):
        with LateUnblock(self.redis.address) as late, Keyshift(late.url, config=RULES) as keyshift, \
                keyshift.connect() as client, keyshift.connect() as killer, keyshift.connect() as other:
            number, of_killer = client.ask('CLIENT', 'ID'), killer.ask('CLIENT', 'ID')
            client.send(encode(('BLPOP', 'k:kill', '0')))
            wait_for(lambda: waiting(self.redis) == 1, 'a client that waits')
            killer.send(encode(('CLIENT', 'KILL', 'ID', number)))
            self.assertTrue(late.came.wait(30), 'the upstream was never asked')
            self.assertEqual(other.ask('CLIENT', 'KILL', 'ID', of_killer), 1)
            self.assertEqual(killer.at_end() + client.at_end(), b'')
            late.let.set()

    def test_many_clients_wait_and_the_connections_are_given_back(self):
        count = 100 if short_budget() else 500
        clients = [self.keyshift.connect() for _ in range(count)]
        for client in clients:
            client.send(encode(('BLPOP', 'k:many', '0')))
        wait_for(lambda: waiting(self.redis) == count, 'all of them to wait')
        self.assertLess(self.keyshift.metric('upstream_connections'), count + 20)
        self.assertEqual(self.witness.ask('GET', 'k:witness'), b'fine', 'nobody else is held up')
        for number in range(count):
            self.witness.ask('RPUSH', 'k:many', number)
        got = sorted(int(client.read()[1][1][1]) for client in clients)
        self.assertEqual(got, list(range(count)))
        wait_for(lambda: self.keyshift.metric('upstream_connections') <= 10, 'the surplus connections to close')
        for client in clients:
            client.close()

    def test_wait_counts_the_replicas_that_have_the_clients_own_writes(self):
        with RedisServer('--replicaof', '127.0.0.1 %d' % self.redis.port) as replica, self.keyshift.connect() as client:
            def linked():
                with replica.connect() as other:
                    return b'master_link_status:up' in other.ask('INFO', 'replication')
            wait_for(linked, 'the replica')
            client.send(encode(('SET', 'k:w', 'x')) + encode(('WAIT', '1', '20000')))
            self.assertEqual([client.read(), client.read()], [('+', b'OK'), (':', 1)])
            replica.signal(signal.SIGSTOP)
            try:
                client.ask('SET', 'k:w', 'y')
                self.assertEqual(client.ask('WAIT', '1', '50'), 0)
            finally:
                replica.signal(signal.SIGCONT)


class BoundTest(unittest.TestCase):
    def test_who_finds_no_lease_gets_an_error_and_the_next_one_waits_its_turn(self):
        options = ('--upstream-leases', '2', '--upstream-queue-timeout', '300ms')
        with RedisServer() as redis, Keyshift(redis.url, config=RULES, options=options) as keyshift:
            first, second, third = keyshift.connect(), keyshift.connect(), keyshift.connect()
            for client in (first, second):
                client.send(encode(('BLPOP', 'k:l', '0')))
            wait_for(lambda: waiting(redis) == 2, 'two that wait')
            for words in (('BLPOP', 'k:l', '0'), ('WATCH', 'k:l')):
                reply = third.command(*words)
                self.assertTrue(is_error(reply))
                self.assertIn(b'upstream.leases', reply[1])
            self.assertEqual(third.ask('PING'), b'PONG')
            with Keyshift(redis.url, config=RULES, options=('--upstream-leases', '1', '--upstream-queue-timeout', '60s')) as patient:
                one, two = patient.connect(), patient.connect()
                one.send(encode(('BLPOP', 'k:one', '0')))
                wait_for(lambda: waiting(redis) == 3, 'a third that waits')
                two.send(encode(('BLPOP', 'k:two', '0')))
                with redis.connect() as bare:
                    bare.ask('RPUSH', 'bench:kv:id:two', 'x')
                    bare.ask('RPUSH', 'bench:kv:id:one', 'x')
                self.assertEqual(one.read()[1][0], ('$', b'k:one'))
                self.assertEqual(two.read()[1][0], ('$', b'k:two'))

    def test_sigterm_does_not_wait_for_those_who_wait(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES,
                                              options=('--limits-drain-timeout', '60s')) as keyshift:
            client = keyshift.connect()
            client.send(encode(('BLPOP', 'k:l', '0')))
            wait_for(lambda: waiting(redis) == 1, 'a client that waits')
            keyshift.signal(signal.SIGTERM)
            self.assertEqual(keyshift.wait_exit(20), 0)
            wait_for(lambda: waiting(redis) == 0, 'the end of the wait')

    def test_a_lost_upstream_ends_the_wait_and_breaks_the_watch(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift:
            waits, watches = keyshift.connect(), keyshift.connect()
            watches.ask('SET', 'k:1', 'x')
            watches.ask('WATCH', 'k:1')
            watches.ask('MULTI')
            watches.ask('SET', 'k:1', 'y')
            waits.send(encode(('BLPOP', 'k:l', '0')))
            wait_for(lambda: waiting(redis) == 1, 'a client that waits')
            redis.kill()
            self.assertTrue(is_error(waits.read()))
            redis.start()
            wait_for(lambda: keyshift.http('/readyz')[0] == 200, 'the upstream to be back')
            self.assertEqual(watches.command('EXEC'), NULL, 'nobody knows whether the key was changed')
            self.assertIsNone(watches.ask('GET', 'k:1'))
            self.assertEqual(waits.ask('PING'), b'PONG')


if __name__ == '__main__':
    tap.main()
