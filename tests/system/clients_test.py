"""Real clients: the bytes that libraries send when they connect, and the real tools at work. The libraries themselves,
and applications built on them, are run in tests/clients."""

import fcntl
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
from harness.servers import Keyshift, RedisServer, need, wait_for

RULES = '''
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
ANSI = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r')


def setUpModule():
    global upstream, keyshift
    upstream = RedisServer()
    keyshift = Keyshift(upstream.url, config=RULES)


def tearDownModule():
    for process in (keyshift, upstream):
        process.stop()


class Clients(unittest.TestCase):
    # The first bytes of client libraries, as they send them.

    def connects(self, first, replies, last=b'*1\r\n$4\r\nPING\r\n'):
        """Sends what a library sends at connect, in one write; all of it is answered, and the connection stays."""
        with keyshift.connect() as client:
            got = client.exchange(first, replies)
            client.send(last)
            self.assertEqual(client.read(), ('+', b'PONG'))
            return got

    def accepts_setinfo(self, reply):
        """Redis 7.2 says OK; 7.0 does not know it, and libraries take that."""
        self.assertTrue(reply == ('+', b'OK') or reply[0] == '-'
                        and b'unknown subcommand' in reply[1].lower(), reply)

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
        first = (b'*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$3\r\napp\r\n'
                 + b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n5.8.2\r\n'
                 + b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$10\r\nnode-redis\r\n'
                 + b'*5\r\n$6\r\nCLIENT\r\n$19\r\nMAINT_NOTIFICATIONS\r\n$2\r\nON\r\n'
                 + b'$20\r\nmoving-endpoint-type\r\n$4\r\nnone\r\n')
        hello, version, name, notifications = self.connects(first, 4)
        self.assertEqual((hello[0], notifications[0]), ('%', '-'))
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)

    def test_ioredis(self):
        first = (b'*4\r\n$6\r\nclient\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n5.4.1\r\n'
                 b'*4\r\n$6\r\nclient\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$7\r\nioredis\r\n'
                  b'*1\r\n$4\r\ninfo\r\n')
        version, name, info = self.connects(first, 3)
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)
        self.assertIn(b'loading:0', info[1])

    def test_lettuce(self):
        first = (b'*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n'
                 b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nlib-name\r\n$7\r\nLettuce\r\n'
                 b'*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nlib-ver\r\n$5\r\n6.3.2\r\n')
        hello, name, version = self.connects(first, 3)
        if hello[0] == '-':
            self.assertRegex(hello[1], rb'^(NOPROTO|ERR unknown command)')
        self.accepts_setinfo(name)
        self.accepts_setinfo(version)
        with keyshift.connect() as client:
            self.assertRegex(client.command('HELLO', 9)[1], rb'^NOPROTO ')

    def test_go_redis_and_jedis(self):
        first = (b'*2\r\n$5\r\nhello\r\n$1\r\n3\r\n'
                 b'*4\r\n$6\r\nclient\r\n$7\r\nsetinfo\r\n$8\r\nLIB-NAME\r\n$19\r\ngo-redis(,go1.22.0)\r\n'
                 b'*4\r\n$6\r\nclient\r\n$7\r\nsetinfo\r\n$7\r\nLIB-VER\r\n$5\r\n9.5.1\r\n'
                 b'*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$3\r\napp\r\n')
        self.assertEqual(self.connects(first, 4)[3], ('+', b'OK'))

    # The real tools.

    def run_tool(self, *argv, text=None, seconds=120):
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=seconds, check=False)
        self.assertEqual(done.returncode, 0, '%s\n%s\n%s' % (argv, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout, done.stderr

    def test_redis_cli_interactive(self):
        out = self.interact(keyshift.port, ['set tty:key "some value"', 'get tty:key', 'keys tty:*',
                                            'help get', 'select 4', 'dbsize', 'hello 3', 'hgetall tty:none'])
        for expected in ('OK', '"some value"', '1) "tty:key"', 'summary: Get the value of a key', '[4]>',
                         '(integer) 0', '"proto"', '(empty hash)'):
            self.assertIn(expected, out)
        self.assertNotIn('Error', out)

    def interact(self, port, lines):
        """Types the lines into a redis-cli on a terminal, each after a prompt; returns all that it showed."""
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
            if pending and re.search(r'127\.0\.0\.1:\d+(\[\d+\])?> $',
                                     ANSI.sub('', shown)) and shown.count('\n') >= prompts:
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
        self.assertRegex(self.run_tool(*cli, '--pipe', text='SET p 1\r\nSET q 2\r\n')[0],
                         'errors: 0, replies: 2')
        self.assertIn('redis_version', self.run_tool(*cli, 'info')[0])

    def test_redis_benchmark(self):
        for options in (['-P', '1'], ['-P', '16'], ['-3', '-t', 'set,get,hset']):
            out, err = self.run_tool(need('redis-benchmark'), '-p', str(keyshift.port), '-q', '-n', '1000',
                                     '-c', '20', *options)
            self.assertIn('requests per second', out)
            self.assertNotIn('WARNING', out + err)
            self.assertNotIn('Error', out + err)


if __name__ == '__main__':
    tap.main()
