"""What holds up others or talks by itself: MONITOR, CLIENT PAUSE, scripts that run long, and replicas behind us."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import RULES, WithServers, is_error
from harness.resp import Closed, Connection, encode
from harness.servers import Keyshift, RedisServer, sanitized, status_kib, wait_for

LINE = re.compile(rb'^\d+\.\d{6} \[(\d+) [^\]]+\] (.*)$')
FOREVER = 'while true do end'
BUSY = b'BUSY'


def info(redis, section, field):
    with redis.connect() as client:
        for line in client.ask('INFO', section).split(b'\r\n'):
            if line.startswith(field + b':'):
                return line.split(b':', 1)[1]
    return b''


def is_busy(redis):
    with redis.connect() as client:
        return client.command('PING')[1].startswith(BUSY)


def answer_of_a_newcomer(keyshift, *words):
    """The reply to a client that has just come, nothing if it waits behind others."""
    try:
        with keyshift.connect(timeout=0.5) as client:
            return client.command(*words)
    except TimeoutError:
        return None


class Monitor:
    """A client that monitors; `until` gives the lines up to one that it makes itself."""

    def __init__(self, keyshift, *hello):
        self.client = keyshift.connect()
        if hello:
            self.client.command(*hello)
        self.other = keyshift.connect()
        self.count = 0
        assert self.client.command('MONITOR') == ('+', b'OK')

    def lines(self):
        self.count += 1
        mark = b'"PING" "mark-%d"' % self.count
        self.other.ask('PING', 'mark-%d' % self.count)
        seen = []
        while True:
            line = self.client.read()
            database, words = LINE.match(line[1]).groups()
            if words == mark:
                return seen
            seen.append((int(database), words))

    def close(self):
        self.client.close()
        self.other.close()


class MonitorTest(WithServers):
    def setUp(self):
        super().setUp()
        self.monitor = Monitor(self.keyshift)
        self.addCleanup(self.monitor.close)

    def test_keys_have_the_names_that_clients_use(self):
        self.witness.ask('SET', 'k:a', 'bench:kv:id:value')
        self.witness.ask('EVAL', "return redis.call('GET', KEYS[1])", '1', 'k:a')
        self.witness.ask('MGET', 'k:a', 'other', 'k:b')
        self.assertEqual(self.monitor.lines(), [
            (0, b'"SET" "k:a" "bench:kv:id:value" "EX" "3600"'),
            (0, b'"EVAL" "return redis.call(\'GET\', KEYS[1])" "1" "k:a"'),
            (0, b'"GET" "k:a"'),
            (0, b'"EXPIRE" "k:a" "3600" "NX"'),
            (0, b'"MGET" "k:a" "other" "k:b"')])

    def test_every_byte_of_a_name_is_quoted_as_redis_quotes_it(self):
        name = b'k:\x00\xff"\\\n\r\t\a\b] "x'
        self.witness.ask('GETRANGE', name, '0', '1')
        with self.redis.connect() as bare:
            bare.send(encode(('MONITOR',)))
            bare.read()
            self.witness.ask('GETRANGE', name, '0', '1')
            expected = LINE.match(bare.read()[1]).group(2).replace(b'"bench:kv:id:', b'"k:')
        self.assertEqual(self.monitor.lines(), [(0, expected)] * 2)

    def test_what_keyshift_does_on_its_own_account_is_not_seen(self):
        for database in ('3', '0', '5'):
            with self.keyshift.connect() as client:
                client.ask('HELLO', '3')
                client.ask('SELECT', database)
                client.ask('BLPOP', 'k:nothing', '0.01')
                client.ask('WATCH', 'k:a')
                client.ask('UNWATCH')
        with self.keyshift.connect() as client:
            client.ask('MULTI')
            self.assertTrue(is_error(client.command('NOSUCHCOMMAND')))
            self.assertTrue(is_error(client.command('EXEC')))
        seen = [words.split(b' ')[0].strip(b'"') for _, words in self.monitor.lines()]
        # The first SELECT of a database is the client's own: the upstream is asked.
        self.assertEqual(seen, [b'SELECT', b'BLPOP', b'WATCH', b'BLPOP', b'WATCH', b'SELECT', b'BLPOP', b'WATCH',
                                b'MULTI', b'exec'])

    def test_who_monitors_can_do_what_redis_lets_it_do(self):
        client = self.monitor.client
        client.send(encode(('MONITOR',)) + encode(('PING',)) + encode(('GET', 'k:a')) + encode(('SET', 'k:a', 'x'))
                    + encode(('CLIENT', 'ID')))
        replies = []
        while len(replies) < 4:
            reply = client.read()
            if not LINE.match(reply[1] if isinstance(reply[1], bytes) else b''):
                replies.append(reply)
        refusal = ('-', b"ERR Replica can't interact with the keyspace")
        self.assertEqual(replies[:3], [('+', b'PONG'), refusal, refusal])
        self.assertEqual(replies[3][0], ':')

    def test_it_ends_with_reset_quit_and_the_client(self):
        def monitors():
            with self.redis.connect() as bare:
                return bare.ask('CLIENT', 'LIST').count(b' flags=O ')
        self.assertEqual(monitors(), 1)
        self.assertEqual(self.witness.ask('CLIENT', 'LIST').count(b' flags=O '), 1)
        self.assertEqual(self.monitor.client.command('RESET'), ('+', b'RESET'))
        wait_for(lambda: monitors() == 0, 'the end of the feed')
        self.assertEqual(self.witness.ask('CLIENT', 'LIST').count(b' flags=O '), 0)
        self.assertIsNone(self.monitor.client.ask('GET', 'k:nothing'), 'an ordinary client again')
        for end in ('QUIT', 'close', 'half_close'):
            client = self.keyshift.connect()
            client.ask('MONITOR')
            wait_for(lambda: monitors() == 1, 'the feed')
            if end == 'QUIT':
                client.send(encode((end,)))
                self.assertIn(b'+OK\r\n', client.at_end())
            else:
                getattr(client, end)()
            wait_for(lambda: monitors() == 0, 'the end of the feed after ' + end)
            client.close()

    def test_resp3_clients_get_the_same_lines(self):
        third = Monitor(self.keyshift, 'HELLO', '3')
        self.witness.ask('INCR', 'k:n')
        self.assertEqual(third.lines(), [(0, b'"INCR" "k:n"'), (0, b'"EXPIRE" "k:n" "3600" "NX"')])
        third.close()

    def test_clients_of_either_view_see_its_names(self):
        config = RULES + '\n[[listener]]\nview = "consolidated"\n'
        with Keyshift(self.redis.url, config=config) as consolidated:
            other = Monitor(consolidated)
            self.witness.ask('STRLEN', 'k:a')
            self.assertIn((0, b'"STRLEN" "bench:kv:id:a"'), other.lines())
            other.close()
        self.assertIn((0, b'"STRLEN" "k:a"'), self.monitor.lines())

    def test_a_client_that_reads_too_slowly_is_dropped_alone(self):
        with Keyshift(self.redis.url, config=RULES, options=('--limits-client-output', '1mb')) as keyshift:
            slow, quick = keyshift.connect(), Monitor(keyshift)
            slow.ask('MONITOR')
            before = keyshift.metric('client_connections')
            with keyshift.connect() as writer:
                def dropped():
                    for _ in range(20):
                        writer.ask('SET', 'k:big', b'x' * 100_000)
                    self.assertEqual(len(quick.lines()), 20)
                    return keyshift.metric('client_connections') == before
                wait_for(dropped, 'the end of the slow one')
            self.assertRaises((Closed, ConnectionResetError), lambda: [slow.read() for _ in range(10 ** 6)])
            quick.close()


class LostFeedTest(unittest.TestCase):
    def test_a_lost_upstream_ends_who_monitors_it(self):
        with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift:
            monitor = Monitor(keyshift)
            redis.kill()
            self.assertRaises(Closed, lambda: [monitor.client.read() for _ in range(100)])
            refused = keyshift.connect().command('MONITOR')
            self.assertTrue(is_error(refused), refused)
            redis.start()
            wait_for(lambda: answer_of_a_newcomer(keyshift, 'MONITOR') == ('+', b'OK'), 'MONITOR again')
            monitor.close()

    def test_a_feed_needs_a_lease(self):
        options = ('--upstream-leases', '1', '--upstream-queue-timeout', '200ms')
        with RedisServer() as redis, Keyshift(redis.url, config=RULES, options=options) as keyshift:
            monitor = Monitor(keyshift)
            with keyshift.connect() as second:
                self.assertIn(b'upstream.leases', second.command('MONITOR')[1])
                monitor.client.close()
                wait_for(lambda: second.command('MONITOR') == ('+', b'OK'), 'the lease')
            monitor.close()


class PauseTest(WithServers):
    config = 'allow = ["CLIENT PAUSE", "CLIENT UNPAUSE"]\n' + RULES

    def blocked(self):
        return int(info(self.redis, 'clients', b'blocked_clients'))

    def test_writes_wait_each_on_its_own_and_reads_do_not(self):
        writers = [self.keyshift.connect() for _ in range(5)]
        self.assertEqual(self.witness.ask('CLIENT', 'PAUSE', '100000', 'WRITE'), b'OK')
        commands = (('SET', 'k:p', 'x'), ('PUBLISH', 'c', 'm'), ('PFCOUNT', 'k:hll'), ('EVAL', 'return 1', '0'),
                    ('INCR', 'k:pn'))
        for writer, words in zip(writers, commands):
            writer.send(encode(words) + encode(('GET', 'k:p')))
        wait_for(lambda: self.blocked() == 5, 'five that wait')
        for _ in range(50):
            self.assertEqual(self.witness.ask('GET', 'k:witness'), b'fine')
            self.assertIsNone(self.witness.ask('GET', 'k:p'))
        self.assertEqual(self.witness.ask('CLIENT', 'UNPAUSE'), b'OK')
        self.assertEqual([writer.read() for writer in writers],
                         [('+', b'OK'), (':', 0), (':', 0), (':', 1), (':', 1)])
        self.assertEqual({writer.read() for writer in writers}, {('$', b'x')})
        for writer in writers:
            writer.close()

    def test_transactions_wait_as_a_whole(self):
        with self.keyshift.connect() as writer, self.keyshift.connect() as reader:
            self.witness.send(b''.join(map(encode, (('MULTI',), ('SET', 'k:first', '1'),
                                                    ('CLIENT', 'PAUSE', '100000', 'WRITE'), ('SET', 'k:first', '2'),
                                                    ('EXEC',)))))
            self.assertEqual([self.witness.read() for _ in range(5)][4],
                             ('*', (('+', b'OK'), ('+', b'OK'), ('+', b'OK'))))
            writer.send(b''.join(map(encode, (('MULTI',), ('SET', 'k:t', 'x'), ('EXEC',)))))
            wait_for(lambda: self.blocked() == 1, 'the transaction')
            self.assertEqual(reader.pipeline((('MULTI',), ('GET', 'k:first'), ('EXEC',)))[2], ('*', (('$', b'2'),)))
            self.witness.ask('CLIENT', 'UNPAUSE')
            self.assertEqual([writer.read() for _ in range(3)][2], ('*', (('+', b'OK'),)))

    def test_a_pause_ends_by_itself(self):
        self.witness.ask('CLIENT', 'PAUSE', '300', 'WRITE')
        self.assertEqual(self.witness.ask('SET', 'k:after', 'x'), b'OK')
        self.assertEqual(self.witness.ask('GET', 'k:after'), b'x')
        self.assertEqual(self.blocked(), 0)

    def test_reads_go_on_in_a_pause_that_came_another_way(self):
        with self.redis.connect() as bare, self.keyshift.connect() as writer, self.keyshift.connect() as second:
            bare.ask('CLIENT', 'PAUSE', '100000', 'WRITE')
            writer.send(encode(('SET', 'k:u', 'x')))
            wait_for(lambda: answer_of_a_newcomer(self.keyshift, 'GET', 'k:witness') == ('$', b'fine'), 'a read')
            second.send(encode(('SET', 'k:u2', 'x')))
            wait_for(lambda: self.blocked() == 2, 'the second write')
            for _ in range(20):
                self.assertEqual(answer_of_a_newcomer(self.keyshift, 'GET', 'k:witness'), ('$', b'fine'))
            bare.ask('CLIENT', 'UNPAUSE')
            self.assertEqual([writer.read(), second.read()], [('+', b'OK')] * 2)

    def test_it_is_refused_where_the_operator_does_not_allow_it(self):
        with Keyshift(self.redis.url, config=RULES) as keyshift, keyshift.connect() as client:
            for words in (('CLIENT', 'PAUSE', '1'), ('CLIENT', 'UNPAUSE')):
                self.assertIn(b'allow = ', client.command(*words)[1])


class LongScriptTest(WithServers):
    """Scripts on the shared connection, as is the default."""

    def setUp(self):
        super().setUp()
        with self.redis.connect() as bare:
            bare.ask('CONFIG', 'SET', 'busy-reply-threshold', '10')

    def run_forever(self):
        client = self.keyshift.connect()
        self.addCleanup(client.close)
        client.send(encode(('EVAL', FOREVER, '0')))
        wait_for(lambda: is_busy(self.redis), 'the script')
        return client

    def wait_for_busy(self):
        """Waits until who comes to Keyshift is told what Redis says of the script."""
        wait_for(lambda: (answer_of_a_newcomer(self.keyshift, 'PING') or ('', b''))[1].startswith(BUSY), 'BUSY')

    def test_it_can_be_killed_past_it(self):
        for kill in ('kill at once', 'after an answer'):
            client = self.run_forever()
            with self.keyshift.connect() as other:
                if kill != 'kill at once':
                    self.wait_for_busy()
                self.assertEqual(other.ask('SCRIPT', 'KILL'), b'OK')
            self.assertIn(b'killed by user', client.read()[1].lower())
            self.assertEqual(client.ask('GET', 'k:witness'), b'fine')

    def test_nobody_lands_in_a_wrong_database(self):
        with self.keyshift.connect() as inside:
            inside.ask('SELECT', '7')
            client = self.run_forever()
            self.wait_for_busy()
            self.assertTrue(inside.command('SET', 'k:seven', '1')[1].startswith(BUSY))
            self.assertEqual(inside.command('MULTI'), ('+', b'OK'))
            self.assertTrue(inside.command('SET', 'k:seven', '1')[1].startswith(BUSY))
            with self.keyshift.connect() as other:
                other.ask('SCRIPT', 'KILL')
            client.read()
            wait_for(lambda: not is_busy(self.redis), 'the end of the script')
            self.assertEqual(inside.command('SET', 'k:seven', '1'), ('+', b'QUEUED'))
            self.assertTrue(inside.command('EXEC')[1].startswith(b'EXECABORT'))
            self.assertEqual(inside.ask('SET', 'k:eight', '1'), b'OK')
        with self.redis.connect() as bare:
            self.assertEqual(bare.ask('EXISTS', 'bench:kv:id:seven', 'bench:kv:id:eight'), 0)
            bare.ask('SELECT', '7')
            self.assertEqual(bare.ask('KEYS', '*'), [b'bench:kv:id:eight'])

    def test_the_order_of_a_client_holds_while_it_takes_a_detour(self):
        with self.keyshift.connect() as writer:
            client = self.run_forever()
            self.wait_for_busy()
            self.assertTrue(writer.command('SET', 'k:o', '0')[1].startswith(BUSY))
            with self.keyshift.connect() as other:
                other.ask('SCRIPT', 'KILL')
            client.read()
            wait_for(lambda: not is_busy(self.redis), 'the end of the script')
            for number in range(1, 200):
                self.assertEqual(writer.ask('INCR', 'k:o'), number)
                self.assertEqual(writer.ask('GET', 'k:o'), b'%d' % number)


class LeasedScriptTest(LongScriptTest):
    """Scripts on leases, if asked: then all the same holds from the first moment."""

    config = RULES + '\n[upstream]\nscripts_on_leases = true\n'

    def test_others_are_answered_at_once(self):
        with self.keyshift.connect() as client:
            client.send(encode(('EVAL', FOREVER, '0')) + encode(('GET', 'k:witness')))
            wait_for(lambda: self.witness.command('PING')[1].startswith(BUSY), 'BUSY')
            self.assertEqual(self.witness.ask('SCRIPT', 'KILL'), b'OK')
            self.assertTrue(is_error(client.read()))
            self.assertEqual(client.read(), ('$', b'fine'))

    def test_a_pipeline_of_scripts_is_one(self):
        with self.keyshift.connect() as client:
            before = self.keyshift.metric('upstream_connects_total')
            replies = client.pipeline([('EVAL', 'return ARGV[1]', '0', number) for number in range(500)]
                                      + [('SET', 'k:done', 'x'), ('EVAL', "return redis.call('GET', KEYS[1])", '1', 'k:done')])
            self.assertEqual(replies, [('$', b'%d' % number) for number in range(500)] + [('+', b'OK'), ('$', b'x')])
            self.assertLessEqual(self.keyshift.metric('upstream_connects_total') - before, 2)

    def test_who_waits_too_long_for_a_script_is_told_and_others_do_not_get_its_reply(self):
        config = self.config + 'reply_timeout = "300ms"\n'
        with Keyshift(self.redis.url, config=config) as keyshift, keyshift.connect() as client:
            client.send(encode(('EVAL', FOREVER, '0')))
            self.assertIn(b'no reply within', client.read()[1])
            with keyshift.connect() as other:
                other.ask('SCRIPT', 'KILL')
                wait_for(lambda: not is_busy(self.redis), 'the end of the script')
                for _ in range(20):
                    self.assertEqual(other.ask('EVAL', 'return 7', '0'), 7)
            self.assertEqual(client.ask('EVAL', 'return 8', '0'), 8)


class TunnelTest(WithServers):
    config = 'allow = ["SYNC", "PSYNC", "REPLCONF"]\n' + RULES

    def replicas(self):
        return int(info(self.redis, 'replication', b'connected_slaves'))

    def test_a_replica_follows_the_upstream_through_us(self):
        with self.redis.connect() as bare:
            bare.ask('CONFIG', 'SET', 'repl-diskless-sync-delay', '0')
            bare.ask('DEBUG', 'POPULATE', '20000', 'filler', '200')
        for number in range(100):
            self.witness.ask('SET', 'k:before-%d' % number, number)
        with RedisServer('--replicaof', '127.0.0.1 %d' % self.keyshift.port) as replica:
            wait_for(lambda: info(replica, 'replication', b'master_link_status') == b'up', 'the link')
            for number in range(100):
                self.witness.ask('SET', 'k:after-%d' % number, number)
            def follows():
                return (info(replica, 'replication', b'slave_repl_offset')
                        == info(self.redis, 'replication', b'master_repl_offset'))
            wait_for(follows, 'the last write')
            with replica.connect() as copy, self.redis.connect() as bare:
                self.assertEqual(copy.ask('DEBUG', 'DIGEST'), bare.ask('DEBUG', 'DIGEST'))
                self.assertEqual(copy.ask('GET', 'bench:kv:id:after-99'), b'99', 'names are the upstream\'s')
                # What the replica says reaches the upstream: it acknowledges.
                self.assertEqual(bare.ask('WAIT', '1', '20000'), 1)
            self.assertEqual(self.replicas(), 1)
            self.assertIn(b' flags=S ', self.witness.ask('CLIENT', 'LIST'))
            # A partial resynchronisation behind a broken link.
            with self.redis.connect() as bare:
                bare.ask('CLIENT', 'KILL', 'TYPE', 'replica')
            self.witness.ask('SET', 'k:later', 'x')
            wait_for(lambda: info(replica, 'replication', b'master_link_status') == b'up' and follows(), 'the link again')
            self.assertEqual(int(info(self.redis, 'stats', b'sync_partial_ok')), 1)
        wait_for(lambda: self.replicas() == 0, 'the end of the replica')

    @unittest.skipIf(sanitized(), 'memory says nothing')
    def test_a_slow_client_is_waited_for_with_little_memory(self):
        with RedisServer('--client-output-buffer-limit', 'replica 0 0 0') as redis, \
                Keyshift(redis.url, config=self.config) as keyshift, redis.connect() as bare:
            bare.ask('CONFIG', 'SET', 'repl-diskless-sync-delay', '0')
            bare.ask('CONFIG', 'SET', 'rdbcompression', 'no')
            bare.ask('DEBUG', 'POPULATE', '100', 'filler', '1000000')
            with keyshift.connect() as client:
                client.send(b'SYNC\r\n')
                wait_for(lambda: keyshift.metric('received_bytes_total', side='upstream') > 1_000_000, 'the data')
                with keyshift.connect() as other:
                    other.ask('SET', 'k:meanwhile', 'x')
                received, length, data = 0, None, bytearray()
                while length is None or received < length:
                    data = client.sock.recv(1 << 20) if length is not None else data + client.sock.recv(64)
                    if length is None:
                        data = bytearray(data.lstrip(b'\n'))
                        if b'\r\n' not in data:
                            continue
                        head, _, rest = bytes(data).partition(b'\r\n')
                        length, received = int(head[1:]), len(rest)
                    else:
                        received += len(data)
                self.assertGreater(length, 100_000_000)
                client.buf += data[len(data) - (received - length):] if received > length else b''
                self.assertLess(status_kib(keyshift.pid, 'VmHWM'), 60_000)
                seen = []
                while ('$', b'bench:kv:id:meanwhile') not in seen:
                    seen += [item for item in client.read()[1]]

    def test_either_end_ends_the_other(self):
        client = self.keyshift.connect()
        client.send(encode(('REPLCONF', 'capa', 'eof')) + encode(('REPLCONF', 'nonsense', 'x')))
        self.assertEqual(client.read(), ('+', b'OK'))
        self.assertTrue(is_error(client.read()), 'what Redis says passes')
        client.send(b'SYNC\r\n')
        wait_for(lambda: self.replicas() == 1, 'the replica')
        with self.redis.connect() as bare:
            bare.ask('CLIENT', 'KILL', 'TYPE', 'replica')
        client.at_end()
        for end in ('close', 'half_close'):
            client = self.keyshift.connect()
            client.send(b'SYNC\r\n')
            wait_for(lambda: self.replicas() == 1, 'the replica')
            getattr(client, end)()
            wait_for(lambda: self.replicas() == 0, 'its end')
            client.close()
        client = self.keyshift.connect()
        client.send(b'SYNC\r\n')
        wait_for(lambda: self.replicas() == 1, 'the replica')
        number = re.search(rb'id=(\d+) [^\n]*flags=S ', self.witness.ask('CLIENT', 'LIST')).group(1)
        self.witness.ask('CLIENT', 'KILL', 'ID', number)
        wait_for(lambda: self.replicas() == 0, 'its end')
        client.at_end()

    def test_client_kill_by_type_ends_it(self):
        with self.keyshift.connect() as client:
            for kind in ('replica', 'slave'):
                with self.keyshift.connect() as replica:
                    replica.send(b'SYNC\r\n')
                    wait_for(lambda: self.replicas() == 1, 'the replica')
                    self.assertEqual(client.ask('CLIENT', 'KILL', 'TYPE', kind), 1)
                    replica.at_end()
                wait_for(lambda: self.replicas() == 0, 'its end')
            self.assertEqual(client.ask('CLIENT', 'KILL', 'TYPE', 'replica'), 0)

    def test_it_is_refused_where_the_operator_does_not_allow_it(self):
        with Keyshift(self.redis.url, config=RULES) as keyshift, keyshift.connect() as client:
            for words in (('SYNC',), ('PSYNC', '?', '-1'), ('REPLCONF', 'capa', 'eof')):
                self.assertIn(b'allow = ["%s"]' % words[0].encode(), client.command(*words)[1])
            self.assertEqual(client.ask('GET', 'k:witness'), b'fine')

    def test_sigterm_does_not_wait_for_replicas(self):
        with Keyshift(self.redis.url, config=self.config, options=('--limits-drain-timeout', '60s')) as keyshift:
            client, monitor = keyshift.connect(), keyshift.connect()
            client.send(b'SYNC\r\n')
            monitor.ask('MONITOR')
            wait_for(lambda: self.replicas() == 1, 'the replica')
            keyshift.signal(15)
            self.assertEqual(keyshift.wait_exit(20), 0)
            client.at_end()
            monitor.at_end()


if __name__ == '__main__':
    tap.main()
