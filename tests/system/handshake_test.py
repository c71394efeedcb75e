"""The commands of a connection, over raw sockets: HELLO, AUTH, CLIENT, SELECT, COMMAND, INFO and what ends one.

Where an answer can be equal to that of a plain Redis it must be; where it cannot (ids, addresses) its form
must be.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import encode, plain
from harness.servers import Keyshift, RedisServer, wait_for

RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''


def typed(text):
    """The words of a command line as bytes."""
    return [word.encode() for word in text.split()]


def ordered(value):
    """A reply with every array and map sorted, for answers whose order is that of a hash table."""
    if value[0] in '*~%' and value[1] is not None:
        return (value[0], tuple(sorted((ordered(item) if isinstance(item[0], str)
                                        else tuple(map(ordered, item))
                                        for item in value[1]), key=repr)))
    return value


def setUpModule():
    global reference, upstream, keyshift
    reference, upstream = RedisServer(), RedisServer()
    keyshift = Keyshift(upstream.url, config=RULES)


def tearDownModule():
    for process in (keyshift, upstream, reference):
        process.stop()


class Handshake(unittest.TestCase):
    def both(self, *lines, check=None):
        """Sends the lines on a fresh connection to each side; the replies must be equal, or pass `check`."""
        with reference.connect() as a, keyshift.connect() as b:
            for line in lines:
                args = typed(line) if isinstance(line, str) else line
                left, right = a.command(*args), b.command(*args)
                (check or self.assertEqual)(left, right, line)

    def test_commands_of_a_connection_are_answered_as_by_redis(self):
        for line in ('PING', 'PING hello', 'PING a b', 'ECHO x', 'ECHO', 'RESET', 'CLIENT GETNAME',
                     'CLIENT SETNAME app',
                     'CLIENT', 'CLIENT NOSUCH', 'CLIENT SETNAME', 'CLIENT NO-EVICT on',
                     'CLIENT NO-EVICT maybe', 'CLIENT REPLY ON',
                     'CLIENT REPLY maybe', 'CLIENT KILL 1.2.3.4:5', 'CLIENT KILL ID 99999999',
                     'CLIENT KILL ID x',
                     'CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none', 'SELECT 1', 'SELECT 16',
                     'SELECT -1', 'SELECT x', 'SELECT',
                     'COMMAND COUNT', 'COMMAND INFO get nosuch set', 'COMMAND GETKEYS MSET a 1 b 2',
                     'COMMAND GETKEYS PING',
                     'COMMAND GETKEYS EVAL s 2 a b c', 'COMMAND NOSUCH', 'CONFIG GET save',
                     'CONFIG GET appendonly', 'CONFIG GET databases',
                     'NOSUCH a b', 'get', 'dbsize', 'OBJECT HELP'):
            with self.subTest(line):
                self.both(line)
        for args in ([b'CLIENT', b'SETNAME', b'with space'], [b'CLIENT', b'SETNAME', b''],
                     [b'ECHO', bytes(range(256))], [b'']):
            with self.subTest(str(args)):
                self.both(args)

    def test_a_name_is_kept_and_reset(self):
        self.both('CLIENT SETNAME app', 'CLIENT GETNAME', 'SELECT 3', 'RESET', 'CLIENT GETNAME')

    def test_hello_says_what_redis_says(self):
        def same(left, right, line):
            if left[0] == '-':
                self.assertEqual(left, right, line)
                return
            self.assertEqual(left[0], right[0], line)
            sides = []
            for reply in (left, right):
                items = plain(reply)
                items = items if isinstance(items, dict) else dict(zip(items[::2], items[1::2]))
                self.assertIsInstance(items.pop(b'id'), int)
                sides.append(items)
            self.assertEqual(sides[0], sides[1], line)

        for line in ('HELLO', 'HELLO 2', 'HELLO 3', 'HELLO 1', 'HELLO 4', 'HELLO abc', 'HELLO 3 SETNAME app',
                     'HELLO 3 NOSUCH',
                     'HELLO 3 AUTH default', 'HELLO 3 AUTH default anything', 'HELLO 3 AUTH nobody secret',
                     'HELLO 3 AUTH default pw SETNAME app', 'HELLO 2 SETNAME a SETNAME b'):
            with self.subTest(line):
                self.both(line, check=same)

    def test_hello_changes_the_protocol_and_back(self):
        self.both('HGETALL none', 'GET none', check=self.assertEqual)
        with reference.connect() as a, keyshift.connect() as b:
            for protocol in (3, 2, 3):
                a.command('HELLO', protocol), b.command('HELLO', protocol)
                for line in ('GET none', 'HGETALL none', 'HSET h f 1', 'HGETALL h', 'SMEMBERS none',
                             'ZSCORE none x', 'LPOP none 1'):
                    self.assertEqual(a.command(*typed(line)), b.command(*typed(line)),
                                     '%s in RESP%d' % (line, protocol))
            a.command('RESET'), b.command('RESET')
            self.assertEqual(a.command('GET', 'none'), b.command('GET', 'none'))
            self.assertEqual(b.command('GET', 'none'), ('$', None))

    def test_hello_within_a_pipeline_holds_from_there(self):
        commands = [typed(line) for line in ('GET none', 'HELLO 3', 'GET none', 'HELLO 2', 'GET none')]
        with keyshift.connect() as client:
            replies = client.pipeline(commands)
        self.assertEqual([reply[0] for reply in replies], ['$', '%', '_', '*', '$'])

    def test_auth_without_a_password(self):
        for line in ('AUTH secret', 'AUTH default anything', 'AUTH nobody secret', 'AUTH', 'AUTH a b c'):
            with self.subTest(line):
                self.both(line, 'PING')

    def test_an_upstream_with_a_password(self):
        with RedisServer('--requirepass', 'se:cr/et') as locked, \
                Keyshift('redis://:se%%3Acr%%2Fet@127.0.0.1:%d' % locked.port,
                         config=RULES) as front, front.connect() as client:
            self.assertEqual(client.ask('SET', 'k', 'v'), b'OK')
            self.assertEqual(client.ask('GET', 'k'), b'v')

    def test_clients_that_must_give_a_password(self):
        with RedisServer('--requirepass', 'secret') as locked, RedisServer() as behind, \
                Keyshift(behind.url, config=RULES, env={'KEYSHIFT_LISTENER_PASSWORD': 'secret'}) as front:
            for lines in (('PING',), ('GET k',), ('NOSUCH',), ('HELLO 3',), ('HELLO',),
                          ('AUTH wrong', 'GET k'), ('AUTH secret', 'GET k', 'PING'),
                          ('AUTH default secret', 'GET k'), ('AUTH default wrong',), ('AUTH nobody secret',),
                          ('HELLO 3 AUTH default wrong', 'PING'),
                          ('CLIENT SETNAME x',), ('SELECT 1',), ('RESET', 'GET k'),
                          ('AUTH secret', 'RESET', 'GET k'), ('EXEC', 'MULTI', 'DISCARD', 'WATCH k'), ('QUIT',)):
                with self.subTest(lines), locked.connect() as a, front.connect() as b:
                    for line in lines:
                        self.assertEqual(a.command(*typed(line)), b.command(*typed(line)), line)
            with front.connect() as client:
                self.assertEqual(client.command('HELLO', 3, 'AUTH', 'default', 'secret', 'SETNAME', 'app')[0],
                                 '%')
                self.assertEqual(client.ask('CLIENT', 'GETNAME'), b'app')

    def test_client_id_info_and_list_name_the_clients(self):
        with keyshift.connect() as one, keyshift.connect() as two:
            one.ask('CLIENT', 'SETNAME', 'first')
            two.ask('CLIENT', 'SETNAME', 'second')
            ids = [one.ask('CLIENT', 'ID'), two.ask('CLIENT', 'ID')]
            self.assertNotEqual(ids[0], ids[1])
            info = one.ask('CLIENT', 'INFO')
            self.assertRegex(info, rb'(?s)^id=%d .*\bname=first\b' % ids[0])
            # The query buffer holds the command that is executed, and what was read behind it.
            self.assertIn(b' qbuf=%d ' % len(encode(['CLIENT', 'INFO'])), info)
            lines = one.ask('CLIENT', 'LIST').split(b'\n')
            for number, name in zip(ids, (b'first', b'second')):
                self.assertTrue(any(line.startswith(b'id=%d ' % number) and b' name=%s ' % name in line
                                    for line in lines), lines)
            self.assertEqual(two.ask('CLIENT', 'KILL', 'ID', ids[0]), 1)
            self.assertEqual(one.at_end(), b'')
            self.assertEqual(two.ask('PING'), b'PONG')

    def test_a_client_that_kills_itself_gets_its_answer_first(self):
        with keyshift.connect() as client:
            client.send(encode(['CLIENT', 'KILL', 'ID', client.ask('CLIENT', 'ID'), 'SKIPME', 'no']))
            self.assertEqual(client.at_end(), b':1\r\n')

    def test_client_reply_off_skip_and_on(self):
        wire = b''.join(encode(typed(line)) for line in (
            'SET r 1', 'CLIENT REPLY SKIP', 'INCR r', 'GET r', 'CLIENT REPLY OFF', 'INCR r', 'GET nosuch',
            'NOSUCH', 'PING', 'CLIENT REPLY ON',
            'GET r', 'QUIT'))
        answers = []
        for server in (reference, keyshift):
            with server.connect() as client:
                client.send(wire)
                answers.append(client.at_end())
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[1], b'+OK\r\n$1\r\n2\r\n+OK\r\n$1\r\n3\r\n+OK\r\n')

    def test_quit_answers_all_before_it_and_closes(self):
        with keyshift.connect() as client:
            client.send(b'PING\r\n' * 50 + b'QUIT\r\nPING\r\n')
            self.assertEqual(client.at_end(), b'+PONG\r\n' * 50 + b'+OK\r\n')

    def test_http_is_closed_without_an_answer(self):
        for request in (b'POST / HTTP/1.1\r\nHost: x\r\n\r\nSET injected 1\r\n',
                        b'Host: x\r\nSET injected 1\r\n',
                        b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET injected 1\r\n'):
            with self.subTest(request[:8]), keyshift.connect() as client:
                client.send(request)
                self.assertNotIn(b'+OK', client.at_end())
        with upstream.connect() as client:
            self.assertEqual(client.ask('EXISTS', 'compat:kv:key:injected', 'injected'), 0)

    def test_protocol_errors_in_the_words_of_redis(self):
        for request in (b'*x\r\n', b'*1\r\n+PING\r\n', b'*1\r\n$-5\r\n', b'*1\r\n$abc\r\n',
                        b'*3000000000\r\n', b'*1\r\n$99999999999\r\n',
                        b'SET "unbalanced\r\n', b'x' * 70000):
            answers = []
            for server in (reference, keyshift):
                with server.connect(timeout=10) as client:
                    client.send(request)
                    answers.append(client.at_end())
            with self.subTest(request[:20]):
                self.assertEqual(answers[0], answers[1])
                self.assertTrue(answers[1].startswith(b'-ERR Protocol error'), answers[1])

    def test_inline_commands(self):
        wire = (b'PING\r\n\r\n  \r\nPING\nset "quoted key" \'a b\'\r\nGET "quoted\\x20key"\r\nECHO "\\r\\n\\xff"\r\n'
                b'get  spaced   \r\n'
                b'*0\r\n*-1\r\nQUIT\r\n')
        answers = []
        for server in (reference, keyshift):
            with server.connect() as client:
                client.send(wire)
                answers.append(client.at_end())
        self.assertEqual(answers[0], answers[1])

    def test_command_and_its_docs_are_those_of_the_upstream(self):
        for protocol in (2, 3):
            for line in ('COMMAND', 'COMMAND DOCS', 'COMMAND DOCS get nosuch', 'COMMAND LIST',
                         'COMMAND INFO'):
                with self.subTest('%s in RESP%d' % (line, protocol)), reference.connect() as a, \
                        keyshift.connect() as b:
                    a.command('HELLO', protocol), b.command('HELLO', protocol)
                    left, right = ordered(a.command(*typed(line))), ordered(b.command(*typed(line)))
                    self.assertEqual(len(left[1]), len(right[1]))
                    if left != right:
                        wrong = [(x, y) for x, y in zip(left[1], right[1]) if x != y][0]
                        self.fail('first difference: %.400r but %.400r' % wrong)

    def test_info_is_the_upstreams_with_a_section_of_our_own(self):
        with keyshift.connect() as client, upstream.connect() as direct:
            info = client.ask('INFO')
            version = re.search(rb'redis_version:\S+', direct.ask('INFO', 'server')).group()
            self.assertIn(version, info)
            self.assertIn(b'# Keyshift\r\n', info)
            self.assertIn(version, client.ask('INFO', 'server'))
            self.assertNotIn(b'# Keyspace', client.ask('INFO', 'server'))

    def test_what_needs_a_connection_gets_an_error_or_the_true_answer(self):
        lines = ('BLPOP lease:list 1', 'BRPOP lease:none 0.01', 'BZPOPMIN lease:zset 1',
                 'XREAD BLOCK 1 STREAMS lease:none $', 'WATCH k', 'UNWATCH',
                 'MULTI', 'DISCARD', 'EXEC', 'BLMOVE lease:list lease:to LEFT LEFT 1', 'SUBSCRIBE lease',
                 'PSUBSCRIBE lease*', 'MONITOR')
        for line in lines:
            with self.subTest(line), reference.connect() as a, keyshift.connect() as b:
                for client in (a, b):
                    client.ask('RPUSH', 'lease:list', 'x')
                    client.ask('ZADD', 'lease:zset', 1, 'x')
                left, right = a.command(*typed(line)) if line not in ('MONITOR',) else ('+', b'OK'), None
                b.send(encode(typed(line)))
                right = b.read_raw()
                if right[0] == '-':
                    self.assertRegex(right[1], rb'^[A-Z]+ ')
                    self.assertEqual(b.ask('PING'), b'PONG')
                else:
                    self.assertEqual(left, right)

    def test_exec_of_a_subscriber_is_refused_as_by_redis(self):
        self.both('SUBSCRIBE news', 'EXEC', 'MULTI', 'DISCARD', 'PING')

    def test_hello_says_the_role_of_the_upstream(self):
        with RedisServer('--replicaof', '127.0.0.1 1') as replica, replica.connect() as direct, \
                Keyshift(replica.url, config=RULES, wait_ready=False) as front, front.connect() as client:
            def says(role):
                reply = plain(client.command('HELLO', '2'))
                return dict(zip(reply[::2], reply[1::2]))[b'role'] == role
            wait_for(lambda: says(b'replica'), 'the role of the upstream')
            direct.ask('REPLICAOF', 'NO', 'ONE')
            wait_for(lambda: says(b'master'), 'its new role')

    def test_dangerous_commands_are_refused(self):
        for line in ('SHUTDOWN NOSAVE', 'REPLICAOF NO ONE', 'SLAVEOF NO ONE', 'DEBUG JMAP', 'DEBUG SLEEP 0',
                     'CONFIG SET maxmemory 1', 'FAILOVER',
                     'CONFIG REWRITE', 'SYNC', 'PSYNC ? -1', 'REPLCONF x y'):
            with self.subTest(line), RedisServer() as own, Keyshift(own.url) as front, \
                    front.connect() as client:
                reply = client.command(*typed(line))
                self.assertEqual(reply[0], '-', reply)
                self.assertEqual(client.ask('PING'), b'PONG')
                self.assertFalse(own.exited())


if __name__ == '__main__':
    tap.main()
