"""Transactions: whole as one burst, in pieces on a connection of their own, with watched keys, and broken off."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.fixture import RULES, WithServers, is_error
from harness.resp import Closed, encode
from harness.servers import Keyshift, RedisServer, short_budget, wait_for

NULL = ('*', None)
OK = ('+', b'OK')
QUEUED = ('+', b'QUEUED')
ABORTED = ('-', b'EXECABORT Transaction discarded because of previous errors.')


def whole(client, *commands):
    """MULTI, the commands and EXEC in one write; returns EXEC's reply behind those of the others."""
    return client.pipeline((('MULTI',),) + commands + (('EXEC',),))


def in_pieces(client, *commands):
    """The same with a round trip for each."""
    return [client.command(*words) for words in (('MULTI',),) + commands + (('EXEC',),)]


class TransactionTest(WithServers):
    config = RULES + '''
[domain.other]

[[rule]]
legacy = "o:{id}"
key    = "other:kv:id:{id}"
'''

    def setUp(self):
        super().setUp()
        self.client = self.keyshift.connect()
        self.bare = self.redis.connect()
        self.bare.ask('CONFIG', 'RESETSTAT')

    def tearDown(self):
        self.client.close()
        self.bare.close()
        super().tearDown()

    def both(self, *commands):
        """EXEC's reply and those before it, which are the same in one write and in pieces."""
        replies = whole(self.client, *commands)
        self.bare.ask('FLUSHALL')
        self.witness.ask('SET', 'k:witness', 'fine')
        self.assertEqual(in_pieces(self.client, *commands), replies)
        self.bare.ask('FLUSHALL')
        self.witness.ask('SET', 'k:witness', 'fine')
        return replies

    def monitored(self, send):
        """What the server is sent while `send` runs, up to EXEC or DISCARD; of it, who sent it and what."""
        with self.redis.connect() as monitor:
            monitor.command('MONITOR')
            send()
            seen = []
            while not seen or seen[-1][1] not in (b'"EXEC"', b'"DISCARD"'):
                head, words = monitor.read()[1].split(b'] ', 1)
                if not words.startswith(b'"CLIENT"'):  # of a connection that is being made
                    seen.append((head.split(b' ')[-1], words))
            return seen

    def test_added_steps_are_executed_and_seen_by_nobody(self):
        replies = self.both(('SADD', 'k:set', 'a'), ('PING',), ('GET', 'k:none'), ('CLIENT', 'GETNAME'), ('TTL', 'k:set'))
        self.assertEqual(replies[:-1], [OK] + [QUEUED] * 5)
        self.assertEqual(replies[-1], ('*', ((':', 1), ('+', b'PONG'), ('$', None), ('$', None), (':', 3600))))

    def test_names_and_errors_in_its_replies_are_the_clients(self):
        replies = self.both(('RPUSH', 'k:l', 'x'), ('LMPOP', '2', 'k:none', 'k:l', 'LEFT'), ('LPUSH', 'k:l', 'y'),
                            ('KEYS', 'k:[lx]'), ('INCR', 'k:l'), ('FLUSHDB',), ('RANDOMKEY',), ('EVAL', 'return 1', 'many', 'k:l'),
                            ('XADD', 'k:x', '1-1', 'f', 'v'), ('XREAD', 'COUNT', '1', 'BLOCK', '0', 'STREAMS', 'k:x', '0'))
        values = replies[-1][1]
        self.assertEqual(values[:4], ((':', 1), ('*', (('$', b'k:l'), ('*', (('$', b'x'),)))), (':', 1),
                                      ('*', (('$', b'k:l'),))))
        self.assertTrue(values[4][1].startswith(b'WRONGTYPE'))
        self.assertEqual(values[5:8], (OK, ('$', None), ('-', b'ERR value is not an integer or out of range')))
        self.assertEqual(values[9][1][0][1][0], ('$', b'k:x'))

    def test_large_and_many_replies_arrive_in_pieces_and_are_the_same(self):
        commands = [('SET', 'k:%d' % number, b'%d' % number * 200_000) for number in range(3)]
        commands += [words for number in range(3) for words in (
            ('GET', 'k:%d' % number), ('SADD', 'k:s%d' % number, 'x'), ('KEYS', 'k:s%d' % number))]
        values = self.both(*commands)[-1][1]
        for number in range(3):
            self.assertEqual(values[3 + 3 * number:6 + 3 * number],
                             (('$', b'%d' % number * 200_000), (':', 1), ('*', (('$', b'k:s%d' % number),))))

    def test_whole_it_is_one_burst_on_the_shared_connection(self):
        seen = self.monitored(lambda: (self.client.ask('GET', 'k:1'),
                                       whole(self.client, ('SADD', 'k:set', 'a'), ('GET', 'k:none'))))
        self.assertEqual([words for _, words in seen], [
            b'"GET" "bench:kv:id:1"', b'"MULTI"', b'"SADD" "bench:kv:id:set" "a"',
            b'"EXPIRE" "bench:kv:id:set" "3600" "NX"', b'"GET" "bench:kv:id:none"', b'"EXEC"'])
        self.assertEqual(len({connection for connection, _ in seen}), 1)

    def test_in_pieces_others_come_between_on_other_connections(self):
        seen = self.monitored(lambda: (self.client.ask('MULTI'), self.client.ask('GET', 'k:mine'),
                                       self.witness.ask('GET', 'k:theirs'), self.client.command('EXEC')))
        self.assertEqual([words for _, words in seen], [
            b'"MULTI"', b'"GET" "bench:kv:id:theirs"', b'"GET" "bench:kv:id:mine"', b'"EXEC"'])
        self.assertEqual(len({connection for connection, _ in seen}), 2)

    def test_a_transaction_cut_anywhere_is_the_same(self):
        data = b''.join(map(encode, (('SET', 'k:n', '1'), ('MULTI',), ('INCR', 'k:n'), ('CLIENT', 'GETNAME'),
                                     ('SADD', 'k:s', 'x'), ('EXEC',), ('DEL', 'k:s'))))
        expected = [OK, OK, QUEUED, QUEUED, QUEUED, ('*', ((':', 2), ('$', None), (':', 1))), (':', 1)]
        for cut in range(1, len(data), 11):
            self.assertEqual(self.client.exchange(data, len(expected), (data[:cut], data[cut:])), expected, cut)

    def test_what_is_refused_aborts(self):
        for send in (whole, in_pieces):
            for wrong in (('NOSUCH',), ('SET', 'k:1'), ('DEBUG', 'SLEEP', '0'), ('DISCARD', 'x'), ('CLIENT', 'NOSUCH'),
                          ('SYNC',)):
                replies = send(self.client, ('SET', 'k:aborted', 'x'), wrong, ('SET', 'k:aborted', 'y'))
                self.assertEqual(replies[:2] + replies[3:], [OK, QUEUED, QUEUED, ABORTED], wrong)
                self.assertTrue(is_error(replies[2]), wrong)
            self.assertIsNone(self.client.ask('GET', 'k:aborted'))
        for words, error in ((('EXEC',), b'ERR EXEC without MULTI'), (('DISCARD',), b'ERR DISCARD without MULTI')):
            self.assertEqual(self.client.command(*words), ('-', error))
        self.client.ask('MULTI')
        self.assertEqual(self.client.command('EXEC', 'now'), (
            '-', b"EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"))
        self.assertEqual(self.client.command('EXEC'), ('-', b'ERR EXEC without MULTI'))

    def test_nested_multi_and_watch_are_no_part_of_it(self):
        replies = self.both(('SET', 'k:1', 'x'), ('MULTI',), ('WATCH', 'k:1'), ('UNWATCH',), ('GET', 'k:1'))
        self.assertEqual(replies, [OK, QUEUED, ('-', b'ERR MULTI calls can not be nested'),
                                   ('-', b'ERR WATCH inside MULTI is not allowed'), QUEUED, QUEUED,
                                   ('*', (OK, OK, ('$', b'x')))])

    def test_errors_that_only_the_server_knows_come_when_the_command_is_queued(self):
        self.client.ask('MULTI')
        self.client.ask('SET', 'k:oom', 'x')
        self.bare.ask('CONFIG', 'SET', 'maxmemory', '1')
        try:
            self.assertTrue(self.client.command('SET', 'k:oom', 'y')[1].startswith(b'OOM'))
        finally:
            self.bare.ask('CONFIG', 'SET', 'maxmemory', '0')
        self.assertEqual(self.client.command('EXEC'), ABORTED)

        self.client.ask('MULTI')
        self.client.ask('SET', 'k:oom', 'x')
        self.bare.ask('CONFIG', 'SET', 'maxmemory', '1')
        try:
            reply = self.client.command('EXEC')
        finally:
            self.bare.ask('CONFIG', 'SET', 'maxmemory', '0')
        self.assertTrue(reply[1].startswith(b'EXECABORT Transaction discarded because of: OOM'), reply)

        self.bare.ask('REPLICAOF', '127.0.0.1', '1')
        try:
            for send in (whole, in_pieces):
                replies = send(self.client, ('GET', 'k:1'), ('SET', 'k:1', 'x'))
                self.assertEqual(replies[:2] + replies[3:], [OK, QUEUED, ABORTED])
                self.assertTrue(replies[2][1].startswith(b'READONLY'), replies[2])
        finally:
            self.bare.ask('REPLICAOF', 'NO', 'ONE')

    def test_its_database_is_selected_within_it(self):
        self.client.ask('SELECT', 7)
        for send in (whole, in_pieces):
            self.assertEqual(send(self.client, ('SET', 'k:7', 'x'), ('GET', 'k:7'))[-1], ('*', (OK, ('$', b'x'))))
            self.assertIsNone(self.witness.ask('GET', 'k:7'))
            self.assertEqual(send(self.client)[-1], ('*', ()))

    def test_while_a_script_runs_nothing_of_it_is_executed(self):
        self.bare.ask('CONFIG', 'SET', 'busy-reply-threshold', '1')
        self.client.ask('SELECT', 7)
        with self.redis.connect() as scripts, self.keyshift.connect() as begun:
            begun.ask('MULTI')
            begun.ask('SET', 'k:begun', 'x')
            scripts.send(encode(('EVAL', 'while true do end', '0')))
            wait_for(lambda: self.bare.command('PING')[1].startswith(b'BUSY'), 'the script to be noticed')
            self.assertEqual(self.client.command('MULTI'), OK)
            self.assertTrue(begun.command('SET', 'k:begun', 'y')[1].startswith(b'BUSY'))
            self.bare.ask('SCRIPT', 'KILL')
            self.assertTrue(is_error(scripts.read()))
            self.assertEqual(begun.command('EXEC'), ABORTED)
            self.assertEqual(self.client.command('SET', 'k:busy', 'x'), QUEUED)
            self.assertEqual(self.client.command('EXEC'), ABORTED, 'its database was not selected')
            for client in (self.client, begun, self.witness):
                self.assertEqual(client.ask('EXISTS', 'k:begun', 'k:busy'), 0)

    def test_what_prepared_its_connection_in_the_meantime_is_no_part_of_it(self):
        self.bare.ask('CONFIG', 'SET', 'busy-reply-threshold', '1')
        # Its connections are made while the script runs, and can be prepared only behind it.
        with self.redis.connect() as scripts, Keyshift(self.redis.url, config=RULES) as keyshift:
            scripts.send(encode(('EVAL', 'while true do end', '0')))
            wait_for(lambda: self.bare.command('PING')[1].startswith(b'BUSY'), 'the script to be noticed')
            clients = [keyshift.connect() for _ in range(6)]
            self.assertEqual([client.command('MULTI') for client in clients], [OK] * 6)
            wait_for(lambda: keyshift.http('/readyz')[0] != 200, 'the script to be seen')
            self.bare.ask('SCRIPT', 'KILL')
            self.assertTrue(is_error(scripts.read()))
            self.assertEqual([client.command('INCR', 'k:prepared') for client in clients], [QUEUED] * 6)
            wait_for(lambda: keyshift.http('/readyz')[0] == 200, 'its end to be seen')
            self.assertEqual([client.command('EXEC') for client in clients],
                             [('*', ((':', number),)) for number in range(1, 7)])
            for client in clients:
                client.close()

    def test_what_the_upstream_forbids_its_user(self):
        self.bare.ask('ACL', 'SETUSER', 'some', 'on', '>pass', '~*', '&*', '+@all', '-flushall')
        url = 'redis://some:pass@127.0.0.1:%d' % self.redis.port
        with Keyshift(url, config=RULES) as keyshift, keyshift.connect() as client:
            for send in (whole, in_pieces):
                replies = send(client, ('SET', 'k:acl', 'x'), ('FLUSHALL',))
                self.assertEqual(replies[:2] + replies[3:], [OK, QUEUED, ABORTED])
                self.assertTrue(replies[2][1].startswith(b'NOPERM'), replies[2])
                self.assertEqual(client.ask('PING'), b'PONG')
        self.bare.ask('ACL', 'SETUSER', 'some', '-multi')
        with Keyshift(url, config=RULES) as keyshift, keyshift.connect() as client:
            # As with Redis itself, who goes on after that is in no transaction.
            replies = in_pieces(client, ('GET', 'k:none'))
            self.assertTrue(replies[0][1].startswith(b'NOPERM'))
            self.assertEqual(replies[1:], [('$', None), ('-', b'ERR EXEC without MULTI')])
            replies = whole(client, ('KEYS', '*'))
            self.assertTrue(all(map(is_error, replies)), replies)
            self.assertEqual(client.ask('PING'), b'PONG')

    def test_discard_and_reset_leave_nothing(self):
        for leave, reply in (('DISCARD', b'OK'), ('RESET', b'RESET')):
            for commands in ([('MULTI',), ('SET', 'k:left', 'x'), (leave,)], [('MULTI',), ('NOSUCH',), (leave,)]):
                self.assertEqual(self.client.pipeline(commands)[-1], ('+', reply))
                self.assertEqual([self.client.command(*words) for words in commands][-1], ('+', reply))
                self.assertEqual(self.client.command('EXEC'), ('-', b'ERR EXEC without MULTI'))
                self.assertIsNone(self.client.ask('GET', 'k:left'))
        self.assertEqual(self.client.pipeline([('WATCH', 'k:1'), ('GET', 'k:1'), ('RESET',), ('PING',)])[2:],
                         [('+', b'RESET'), ('+', b'PONG')])

    def test_who_leaves_in_the_middle_has_done_nothing(self):
        for leave in ('close', 'half_close', 'quit'):
            client = self.keyshift.connect()
            client.ask('MULTI')
            client.ask('SET', 'k:left', 'x')
            if leave == 'quit':
                self.assertEqual(client.command('QUIT'), OK)
                self.assertRaises(Closed, client.read)
            else:
                getattr(client, leave)()
            wait_for(lambda: b'multi=1' not in self.bare.ask('CLIENT', 'LIST'), 'the end of the transaction')
            client.close()
        self.assertIsNone(self.client.ask('GET', 'k:left'))

    def test_watch_sees_the_changes_of_others_and_its_connection_is_given_back(self):
        for send in (whole, in_pieces):
            for change in (True, False):
                self.client.ask('WATCH', 'k:watched')
                if change:
                    self.witness.ask('SET', 'k:watched', 'theirs')
                self.assertEqual(send(self.client, ('SET', 'k:watched', 'mine'))[-1], NULL if change else ('*', (OK,)))
            for end in (('UNWATCH',), ('DISCARD',), ('RESET',), ('EXEC',)):
                self.client.ask('WATCH', 'k:watched')
                if end in (('DISCARD',), ('EXEC',)):
                    self.client.ask('MULTI')
                if end == ('EXEC',):
                    self.client.command('NOSUCH')
                self.client.command(*end)
                self.witness.ask('SET', 'k:watched', end[0])
                self.assertEqual(send(self.client, ('GET', 'k:watched'))[-1], ('*', (('$', end[0].encode()),)))

    def test_select_while_a_key_is_watched_keeps_its_place(self):
        self.client.ask('SET', 'k:large', b'x' * 5_000_000)
        for database in (9, 10, 11, 12):
            commands = [('SELECT', '0'), ('WATCH', 'k:other'), ('GET', 'k:large'), ('SELECT', database),
                        ('EXISTS', 'k:large'), ('UNWATCH',)]
            replies = self.client.pipeline(commands)
            self.assertEqual([reply[0] for reply in replies], ['+', '+', '$', '+', ':', '+'])
            self.assertEqual((len(replies[2][1]), replies[4][1]), (5_000_000, 0))

    def test_a_change_of_protocol_keeps_the_watch(self):
        for protocol, changed, answer in (('3', False, ('*', ())), ('2', True, ('*', None)), ('3', True, ('_', None))):
            self.client.ask('WATCH', 'k:p')
            self.client.ask('HELLO', protocol)
            if changed:
                self.witness.ask('SET', 'k:p', protocol)
            self.assertEqual(whole(self.client)[-1], answer)

    def test_select_is_the_clients_alone_and_holds_for_what_follows(self):
        for send in (whole, in_pieces):
            self.assertEqual(send(self.client, ('SELECT', '5'), ('SET', 'k:five', 'x'))[-1], ('*', (OK, OK)))
            self.assertEqual(self.client.ask('GET', 'k:five'), b'x')
            self.assertIsNone(self.witness.ask('GET', 'k:five'))
            self.client.ask('MULTI')
            self.client.ask('SELECT', '0')
            self.client.ask('DISCARD')
            self.assertEqual(self.client.ask('GET', 'k:five'), b'x')
            replies = self.client.pipeline([('MULTI',), ('SELECT', '0'), ('EXEC',), ('GET', 'k:five'), ('MULTI',),
                                            ('SELECT', '99'), ('EXEC',), ('EXISTS', 'k:witness')])
            self.assertEqual(replies[3], ('$', None))
            self.assertEqual(replies[6:], [('*', (('-', b'ERR DB index is out of range'),)), (':', 1)])

    def test_commands_of_the_proxys_own_are_executed_by_exec_alone(self):
        name = ('CLIENT', 'SETNAME', 'mine')
        for end in ('DISCARD', 'EXEC'):
            self.client.ask('WATCH', 'k:own')
            self.witness.ask('SET', 'k:own', end)
            self.client.pipeline([('MULTI',), name, (end,)])
            self.assertIsNone(self.client.ask('CLIENT', 'GETNAME'))
        for send in (whole, in_pieces):
            values = send(self.client, ('ECHO', 'a'), name, ('SET', 'k:1', 'x'), ('CLIENT', 'GETNAME'), ('HELLO', '3'))[-1][1]
            self.assertEqual(values[:4], (('$', b'a'), OK, OK, ('$', b'mine')))
            self.assertTrue(is_error(values[4]), 'the protocol cannot change in the middle of a reply')
            self.client.ask('CLIENT', 'SETNAME', '')

    def test_replies_that_are_turned_off(self):
        quiet = b''.join(map(encode, (('CLIENT', 'REPLY', 'OFF'), ('MULTI',), ('SET', 'k:quiet', 'x'), ('EXEC',),
                                      ('CLIENT', 'REPLY', 'ON'))))
        self.client.send(quiet)
        self.assertEqual(self.client.read(), OK)
        self.assertEqual(self.client.ask('GET', 'k:quiet'), b'x')
        replies = self.client.exchange(b''.join(map(encode, (
            ('CLIENT', 'REPLY', 'SKIP'), ('MULTI',), ('GET', 'k:quiet'), ('EXEC',)))), 2)
        self.assertEqual(replies, [QUEUED, ('*', (('$', b'x'),))])

    def test_a_push_inside_its_reply_is_passed_on_and_nobodys_reply_is_another_ones(self):
        wire = b''.join(map(encode, (('MULTI',), ('DEBUG', 'PROTOCOL', 'push'), ('EXEC',), ('PING',), ('QUIT',))))
        with Keyshift(self.redis.url, config='allow = ["DEBUG"]\n' + RULES) as keyshift, \
                keyshift.connect() as other:
            other.command('HELLO', '3')
            for _ in range(3):
                found = []
                for server in (self.redis, keyshift):
                    with server.connect(timeout=10) as client:
                        client.command('HELLO', '3')
                        client.send(wire)
                        other.send(encode(('ECHO', 'theirs')))
                        found.append(client.at_end())
                    self.assertEqual(other.read(), ('$', b'theirs'))
                self.assertEqual(found[0], found[1])

    def test_client_list_tells_of_it(self):
        number = self.client.ask('CLIENT', 'ID')
        line = lambda: self.witness.ask('CLIENT', 'LIST', 'ID', number)
        self.assertIn(b' multi=-1 ', line())
        for words, count in ((('MULTI',), 0), (('PING',), 1), (('ECHO', 'a'), 2), (('EXEC',), -1)):
            self.client.command(*words)
            self.assertIn(b' multi=%d ' % count, line())

    def test_hits_and_commands_in_it_are_counted(self):
        def counted():
            return [self.keyshift.metric('%s_total' % name, domain=domain) for domain in ('bench', 'other')
                    for name in ('hits', 'misses')] + [self.keyshift.metric('commands_total', family='string')]
        self.witness.ask('SET', 'k:hit', 'x')
        self.witness.ask('SET', 'o:hit', 'x')
        before = counted()
        for send in (whole, in_pieces):
            send(self.client, ('GET', 'k:hit'), ('GET', 'k:none'), ('MGET', 'k:hit', 'o:none', 'o:hit', 'o:nothing'))
        self.assertEqual([now - then for now, then in zip(counted(), before)], [4, 2, 2, 4, 6])

    def test_what_is_kept_of_it_is_bounded(self):
        options = ('--limits-max-request', '64kb', '--limits-stream-threshold', '32kb')
        with Keyshift(self.redis.url, config=RULES, options=options) as keyshift, keyshift.connect() as client:
            client.ask('MULTI')
            replies = client.pipeline([('PING',)] * 5_000)
            self.assertEqual(replies[0], QUEUED)
            self.assertTrue(is_error(replies[-1]))
            self.assertIn(b'limits.max_request', replies[-1][1])
            self.assertEqual(client.command('EXEC'), ABORTED)
            client.ask('MULTI')
            replies = client.pipeline([('ECHO', b'x' * 30_000)] * 4)
            self.assertEqual([reply[0] for reply in replies], ['+', '+', '-', '-'])
            self.assertEqual(client.command('EXEC'), ABORTED)
            client.ask('MULTI')
            replies = client.pipeline([('LMPOP', 500) + tuple('k:%d' % key for key in range(500)) + ('LEFT',)] * 4)
            self.assertEqual([reply[0] for reply in replies], ['+', '+', '-', '-'])
            self.assertEqual(client.command('EXEC'), ABORTED)
            self.assertEqual(client.ask('PING'), b'PONG')

    def test_a_large_transaction_and_large_requests_in_one(self):
        many = [('INCR', 'k:many')] * 5_000
        for send in (whole,) if short_budget() else (whole, in_pieces):
            values = send(self.client, *many)[-1][1]
            self.assertEqual(values[-1][1] - values[0][1], 4_999)
        values = in_pieces(self.client, ('SET', 'k:large', b'x' * 5_000_000), ('STRLEN', 'k:large'))[-1][1]
        self.assertEqual(values, (OK, (':', 5_000_000)))


class LossTest(unittest.TestCase):
    def test_a_transaction_whose_connection_is_lost_is_not_executed(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift:
            def restart():
                redis.kill()
                wait_for(lambda: keyshift.http('/readyz')[0] != 200, 'the loss to be seen')
                redis.start()
                wait_for(lambda: keyshift.http('/readyz')[0] == 200, 'the upstream to be back')
            with keyshift.connect() as told, keyshift.connect() as asked, keyshift.connect() as watches, \
                    keyshift.connect() as gives_up:
                watches.ask('WATCH', 'k:1')
                for client in (told, asked, watches, gives_up):
                    self.assertEqual(client.command('MULTI'), OK)
                    self.assertEqual(client.command('SET', 'k:1', 'y'), QUEUED)
                restart()
                self.assertTrue(is_error(told.command('SET', 'k:2', 'y')))
                self.assertEqual(told.command('EXEC'), ABORTED)
                self.assertTrue(asked.command('EXEC')[1].startswith(b'EXECABORT Transaction discarded because of: ERR Keyshift'))
                self.assertEqual(watches.command('EXEC'), NULL, 'nobody knows whether the key was changed')
                self.assertEqual(gives_up.command('DISCARD'), OK)
                for client in (told, asked, watches, gives_up):
                    self.assertEqual(client.ask('EXISTS', 'k:1', 'k:2'), 0)

    def test_of_a_reply_that_is_lost_in_its_middle_a_subscriber_is_told_nothing_but_the_loss(self):
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, \
                Keyshift(faulty.url, config=RULES) as keyshift, keyshift.connect() as client:
            client.command('HELLO', '3')
            client.send(encode(('SUBSCRIBE', 'news')))
            self.assertEqual(client.read_raw()[0], '>')
            client.ask('SET', 'k:1', b'x' * 100 + MARK + b'x' * 100)
            faulty.arm(faulty.reset)
            replies = whole(client, ('GET', 'k:none'), ('GET', 'k:1'))
            self.assertEqual(replies[:-1], [OK, QUEUED, QUEUED])
            self.assertTrue(is_error(replies[-1]), replies)
            faulty.release()
            client.sock.settimeout(10)
            wait_for(lambda: client.command('PING', 'next') == ('$', b'next'), 'the upstream again')

    def test_without_an_upstream_every_command_is_refused_and_none_executed_later(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift, keyshift.connect() as client:
            redis.kill()
            wait_for(lambda: is_error(client.command('PING')), 'the loss to be seen')
            replies = whole(client, ('SET', 'k:1', 'x'))
            self.assertTrue(is_error(replies[1]) and is_error(replies[2]), replies)
            client.ask('MULTI')
            redis.start()
            wait_for(lambda: keyshift.http('/readyz')[0] == 200, 'the upstream to be back')
            reply = client.command('SET', 'k:1', 'x')
            executed = client.command('EXEC')
            self.assertIn((reply[0], executed[0]), (('-', '-'), ('+', '*')), 'as MULTI found its connection')
            wait_for(lambda: whole(client, ('SET', 'k:1', 'x'))[-1] == ('*', (OK,)), 'transactions to be possible again')


class BoundTest(unittest.TestCase):
    def test_of_many_transactions_in_pieces_those_without_a_lease_are_told(self):
        options = ('--upstream-leases', '3', '--upstream-queue-timeout', '200ms')
        count = 100 if short_budget() else 1000
        with RedisServer() as redis, Keyshift(redis.url, config=RULES, options=options) as keyshift:
            clients = [keyshift.connect() for _ in range(count)]
            for client in clients:
                client.send(encode(('MULTI',)))
            self.assertEqual({client.read() for client in clients}, {OK})
            replies = [client.command('INCR', 'k:n') for client in clients]
            refused = [client for client, reply in zip(clients, replies) if is_error(reply)]
            self.assertEqual(len(refused), count - 3)
            self.assertTrue(all(b'upstream.leases' in reply[1] for reply in replies if is_error(reply)))
            self.assertEqual({client.command('EXEC') for client in refused}, {ABORTED})
            self.assertLess(keyshift.metric('upstream_connections'), 20)
            # A whole one needs none.
            self.assertEqual(whole(refused[0], ('GET', 'k:n'))[-1], ('*', (('$', None),)))
            done = [client.command('EXEC')[0] for client in clients if client not in refused]
            self.assertEqual(done, ['*'] * 3)
            # Now there are some again, and they go from hand to hand.
            for client in clients:
                client.send(encode(('MULTI',)))
                self.assertEqual(client.read(), OK)
                client.send(encode(('INCR', 'k:n')) + encode(('EXEC',)))
                self.assertEqual([client.read(), client.read()[0]], [QUEUED, '*'])
            self.assertEqual(clients[0].ask('GET', 'k:n'), b'%d' % (count + 3))
            for client in clients:
                client.close()


if __name__ == '__main__':
    tap.main()
