"""What real clients send when they connect, replayed over raw sockets and by the real tools.

Where an answer can be equal to that of a plain Redis it must be; where it cannot (ids, addresses) its form must be.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import Connection, encode, plain
from harness.servers import Keyshift, RedisServer, need, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
ANSI = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r')


def typed(text):
    """The words of a command line as bytes."""
    return [word.encode() for word in text.split()]


def ordered(value):
    """A reply with every array and map sorted, for answers whose order is that of a hash table."""
    if value[0] in '*~%' and value[1] is not None:
        return (value[0], tuple(sorted((ordered(item) if isinstance(item[0], str) else tuple(map(ordered, item))
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
        """Sends the lines on a fresh connection to each side, one by one; the replies must be equal, or pass `check`."""
        with reference.connect() as a, keyshift.connect() as b:
            for line in lines:
                args = typed(line) if isinstance(line, str) else line
                left, right = a.command(*args), b.command(*args)
                (check or self.assertEqual)(left, right, line)

    def test_commands_of_a_connection_are_answered_as_by_redis(self):
        for line in ('PING', 'PING hello', 'PING a b', 'ECHO x', 'ECHO', 'RESET', 'CLIENT GETNAME', 'CLIENT SETNAME app',
                     'CLIENT', 'CLIENT NOSUCH', 'CLIENT SETNAME', 'CLIENT NO-EVICT on', 'CLIENT NO-EVICT maybe', 'CLIENT REPLY ON',
                     'CLIENT REPLY maybe', 'CLIENT KILL 1.2.3.4:5', 'CLIENT KILL ID 99999999', 'CLIENT KILL ID x',
                     'CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none', 'SELECT 1', 'SELECT 16', 'SELECT -1', 'SELECT x', 'SELECT',
                     'COMMAND COUNT', 'COMMAND INFO get nosuch set', 'COMMAND GETKEYS MSET a 1 b 2', 'COMMAND GETKEYS PING',
                     'COMMAND GETKEYS EVAL s 2 a b c', 'COMMAND NOSUCH', 'CONFIG GET save', 'CONFIG GET appendonly', 'CONFIG GET databases',
                     'NOSUCH a b', 'get', 'dbsize', 'OBJECT HELP'):
            with self.subTest(line):
                self.both(line)
        for args in ([b'CLIENT', b'SETNAME', b'with space'], [b'CLIENT', b'SETNAME', b''], [b'ECHO', bytes(range(256))], [b'']):
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

        for line in ('HELLO', 'HELLO 2', 'HELLO 3', 'HELLO 1', 'HELLO 4', 'HELLO abc', 'HELLO 3 SETNAME app', 'HELLO 3 NOSUCH',
                     'HELLO 3 AUTH default', 'HELLO 3 AUTH default anything', 'HELLO 3 AUTH nobody secret',
                     'HELLO 3 AUTH default pw SETNAME app', 'HELLO 2 SETNAME a SETNAME b'):
            with self.subTest(line):
                self.both(line, check=same)

    def test_hello_changes_the_protocol_and_back(self):
        self.both('HGETALL none', 'GET none', check=self.assertEqual)
        with reference.connect() as a, keyshift.connect() as b:
            for protocol in (3, 2, 3):
                a.command('HELLO', protocol), b.command('HELLO', protocol)
                for line in ('GET none', 'HGETALL none', 'HSET h f 1', 'HGETALL h', 'SMEMBERS none', 'ZSCORE none x', 'LPOP none 1'):
                    self.assertEqual(a.command(*typed(line)), b.command(*typed(line)), '%s in RESP%d' % (line, protocol))
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
                Keyshift('redis://:se%%3Acr%%2Fet@127.0.0.1:%d' % locked.port, config=RULES) as front, front.connect() as client:
            self.assertEqual(client.ask('SET', 'k', 'v'), b'OK')
            self.assertEqual(client.ask('GET', 'k'), b'v')

    def test_client_id_info_and_list_name_the_clients(self):
        with keyshift.connect() as one, keyshift.connect() as two:
            one.ask('CLIENT', 'SETNAME', 'first')
            two.ask('CLIENT', 'SETNAME', 'second')
            ids = [one.ask('CLIENT', 'ID'), two.ask('CLIENT', 'ID')]
            self.assertNotEqual(ids[0], ids[1])
            info = one.ask('CLIENT', 'INFO')
            self.assertRegex(info, rb'(?s)^id=%d .*\bname=first\b' % ids[0])
            lines = one.ask('CLIENT', 'LIST').split(b'\n')
            for number, name in zip(ids, (b'first', b'second')):
                self.assertTrue(any(line.startswith(b'id=%d ' % number) and b' name=%s ' % name in line for line in lines), lines)
            self.assertEqual(two.ask('CLIENT', 'KILL', 'ID', ids[0]), 1)
            self.assertEqual(one.at_end(), b'')
            self.assertEqual(two.ask('PING'), b'PONG')

    def test_a_client_that_kills_itself_gets_its_answer_first(self):
        with keyshift.connect() as client:
            client.send(encode(['CLIENT', 'KILL', 'ID', client.ask('CLIENT', 'ID'), 'SKIPME', 'no']))
            self.assertEqual(client.at_end(), b':1\r\n')

    def test_client_reply_off_skip_and_on(self):
        wire = b''.join(encode(typed(line)) for line in (
            'SET r 1', 'CLIENT REPLY SKIP', 'INCR r', 'GET r', 'CLIENT REPLY OFF', 'INCR r', 'GET nosuch', 'NOSUCH', 'PING', 'CLIENT REPLY ON',
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
        for request in (b'POST / HTTP/1.1\r\nHost: x\r\n\r\nSET injected 1\r\n', b'Host: x\r\nSET injected 1\r\n',
                        b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET injected 1\r\n'):
            with self.subTest(request[:8]), keyshift.connect() as client:
                client.send(request)
                self.assertNotIn(b'+OK', client.at_end())
        with upstream.connect() as client:
            self.assertEqual(client.ask('EXISTS', 'compat:kv:key:injected', 'injected'), 0)

    def test_protocol_errors_in_the_words_of_redis(self):
        for request in (b'*x\r\n', b'*1\r\n+PING\r\n', b'*1\r\n$-5\r\n', b'*1\r\n$abc\r\n', b'*3000000000\r\n', b'*1\r\n$99999999999\r\n',
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
        wire = (b'PING\r\n\r\n  \r\nPING\nset "quoted key" \'a b\'\r\nGET "quoted\\x20key"\r\nECHO "\\r\\n\\xff"\r\nget  spaced   \r\n'
                b'*0\r\n*-1\r\nQUIT\r\n')
        answers = []
        for server in (reference, keyshift):
            with server.connect() as client:
                client.send(wire)
                answers.append(client.at_end())
        self.assertEqual(answers[0], answers[1])

    def test_command_and_its_docs_are_those_of_the_upstream(self):
        for protocol in (2, 3):
            for line in ('COMMAND', 'COMMAND DOCS', 'COMMAND DOCS get nosuch', 'COMMAND LIST', 'COMMAND INFO'):
                with self.subTest('%s in RESP%d' % (line, protocol)), reference.connect() as a, keyshift.connect() as b:
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

    def test_what_needs_a_lease_gets_an_error_or_the_true_answer(self):
        lines = ('BLPOP lease:list 1', 'BRPOP lease:none 0.01', 'BZPOPMIN lease:zset 1', 'XREAD BLOCK 1 STREAMS lease:none $', 'WATCH k', 'UNWATCH',
                 'MULTI', 'DISCARD', 'EXEC', 'BLMOVE lease:list lease:to LEFT LEFT 1', 'SUBSCRIBE lease', 'PSUBSCRIBE lease*', 'MONITOR')
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

    def test_dangerous_commands_are_refused(self):
        for line in ('SHUTDOWN NOSAVE', 'REPLICAOF NO ONE', 'SLAVEOF NO ONE', 'DEBUG JMAP', 'DEBUG SLEEP 0', 'CONFIG SET maxmemory 1', 'FAILOVER',
                     'CONFIG REWRITE', 'SYNC', 'PSYNC ? -1', 'REPLCONF x y'):
            with self.subTest(line), RedisServer() as own, Keyshift(own.url) as front, front.connect() as client:
                reply = client.command(*typed(line))
                self.assertEqual(reply[0], '-', reply)
                self.assertEqual(client.ask('PING'), b'PONG')
                self.assertFalse(own.exited())

    # The first bytes of client libraries, as they send them.

    def connects(self, first, replies, last=b'*1\r\n$4\r\nPING\r\n'):
        """Sends what a library sends at connect, in one write; the connection must answer all of it and stay."""
        with keyshift.connect() as client:
            got = client.exchange(first, replies)
            client.send(last)
            self.assertEqual(client.read(), ('+', b'PONG'))
            return got

    def accepts_setinfo(self, reply):
        """Redis 7.2 says OK; 7.0 does not know it, and libraries take that."""
        self.assertTrue(reply == ('+', b'OK') or reply[0] == '-' and b'unknown subcommand' in reply[1].lower(), reply)

    def test_redis_py(self):
        first = (b'*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n'
                 b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$8\r\nredis-py\r\n'
                 b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n5.0.1\r\n'
                 b'*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n')
        hello, name, version, select_reply = self.connects(first, 4)
        self.assertEqual((hello[0], select_reply), ('%', ('+', b'OK')))
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)

    def test_node_redis(self):
        first = (b'*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$3\r\napp\r\n'.replace(b'*5', b'*4')
                 + b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n5.8.2\r\n'
                 + b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$10\r\nnode-redis\r\n'
                 + b'*5\r\n$6\r\nCLIENT\r\n$19\r\nMAINT_NOTIFICATIONS\r\n$2\r\nON\r\n$20\r\nmoving-endpoint-type\r\n$4\r\nnone\r\n')
        hello, version, name, notifications = self.connects(first, 4)
        self.assertEqual((hello[0], notifications[0]), ('%', '-'))
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)

    def test_ioredis(self):
        first = (b'*4\r\n$6\r\nclient\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n5.4.1\r\n'
                 b'*4\r\n$6\r\nclient\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$7\r\nioredis\r\n*1\r\n$4\r\ninfo\r\n')
        version, name, info = self.connects(first, 3)
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)
        self.assertIn(b'loading:0', info[1])

    def test_lettuce(self):
        first = (b'*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nlib-name\r\n$7\r\nLettuce\r\n'
                 b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nlib-ver\r\n$5\r\n6.3.2\r\n')
        hello, name, version = self.connects(first, 3)
        if hello[0] == '-':
            self.assertRegex(hello[1], rb'^(NOPROTO|ERR unknown command)')
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)
        with keyshift.connect() as client:
            self.assertRegex(client.command('HELLO', 9)[1], rb'^NOPROTO ')

    def test_go_redis_and_jedis(self):
        first = (b'*2\r\n$5\r\nhello\r\n$1\r\n3\r\n*4\r\n$6\r\nclient\r\n$7\r\nsetinfo\r\n$8\r\nLIB-NAME\r\n$19\r\ngo-redis(,go1.22.0)\r\n'
                 b'*4\r\n$6\r\nclient\r\n$7\r\nsetinfo\r\n$7\r\nLIB-VER\r\n$5\r\n9.5.1\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$3\r\napp\r\n')
        self.assertEqual(self.connects(first, 4)[3], ('+', b'OK'))

    # The real tools.

    def run_tool(self, *argv, text=None, seconds=120):
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=seconds, check=False)
        self.assertEqual(done.returncode, 0, '%s\n%s\n%s' % (argv, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout, done.stderr

    def test_redis_cli_interactive(self):
        out = self.interact(keyshift.port, ['set tty:key "some value"', 'get tty:key', 'keys tty:*', 'help get', 'select 4', 'dbsize', 'hello 3', 'hgetall tty:none'])
        for expected in ('OK', '"some value"', '1) "tty:key"', 'summary: Get the value of a key', '[4]>', '(integer) 0', '"proto"', '(empty hash)'):
            self.assertIn(expected, out)
        self.assertNotIn('Error', out)

    def interact(self, port, lines):
        """Types the lines into a redis-cli on a terminal, each after a prompt, and returns all that it showed."""
        cli = need('redis-cli')
        pid, terminal = pty.fork()
        if pid == 0:
            # Without a size redis-cli asks the terminal for one.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 200, 0, 0))
            os.environ.update(TERM='xterm', HOME='/nonexistent')
            os.execv(cli, [cli, '-p', str(port)])
        shown, prompts = '', 0
        deadline = time.monotonic() + 60
        pending = list(lines) + ['quit']
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.5)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data.decode('utf-8', 'replace')
            # A prompt stands at the end of what is shown, after the answer to the line before.
            if pending and re.search(r'127\.0\.0\.1:\d+(\[\d+\])?> $', ANSI.sub('', shown)) and shown.count('\n') >= prompts:
                os.write(terminal, pending.pop(0).encode() + b'\r')
                prompts = shown.count('\n') + 1
        os.close(terminal)
        wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 'the end of redis-cli')
        self.assertEqual(pending, [], shown)
        return ANSI.sub('', shown)

    def test_redis_cli_in_resp3_and_from_a_pipe(self):
        cli = [need('redis-cli'), '-p', str(keyshift.port)]
        out, _ = self.run_tool(*cli, '-3', 'HSET', 'cli:hash', 'f', '1')
        self.assertEqual(out, '1\n')
        self.assertEqual(self.run_tool(*cli, '-3', '--no-raw', 'HGETALL', 'cli:hash')[0], '1# "f" => "1"\n')
        self.assertEqual(self.run_tool(*cli, '-n', '5', text='set a 1\nincr a\nget a\n')[0], 'OK\n2\n2\n')
        self.assertEqual(self.run_tool(*cli, '-n', '5', '--scan')[0], 'a\n')
        self.assertRegex(self.run_tool(*cli, '--pipe', text='SET p 1\r\nSET q 2\r\n')[0], 'errors: 0, replies: 2')
        self.assertIn('redis_version', self.run_tool(*cli, 'info')[0])

    def test_redis_benchmark(self):
        for options in (['-P', '1'], ['-P', '16'], ['-3', '-t', 'set,get,hset']):
            out, err = self.run_tool(need('redis-benchmark'), '-p', str(keyshift.port), '-q', '-n', '1000', '-c', '20', *options)
            self.assertIn('requests per second', out)
            self.assertNotIn('WARNING', out + err)
            self.assertNotIn('Error', out + err)

    def test_ioredis_and_node_redis_work_as_with_redis(self):
        modules = os.path.join(HERE, 'node', 'node_modules')
        self.assertTrue(os.path.isdir(modules), 'run npm ci in tests/system/node')
        for library in ('ioredis', 'redis2', 'redis3'):
            with self.subTest(library):
                seen = [json.loads(self.run_tool(need('node'), os.path.join(HERE, 'node', 'clients.js'), library, str(server.port))[0])
                        for server in (reference, keyshift)]
                self.assertEqual(seen[0], seen[1])

    def test_python3_redis(self):
        import redis
        for server in (reference, keyshift):
            client = redis.Redis(port=server.port, db=3, client_name='py', health_check_interval=1)
            self.assertTrue(client.ping())
            self.assertEqual(client.client_getname(), 'py')
            self.assertEqual(client.info()['loading'], 0)
            with client.pipeline(transaction=False) as pipe:
                self.assertEqual(pipe.set('k', 1).incr('k').get('k').execute(), [True, 2, b'2'])
            self.assertEqual(list(client.scan_iter('k*')), [b'k'])
            client.close()


if __name__ == '__main__':
    tap.main()
