"""CLIENT TRACKING: what a client is told of the keys that it has read, as it ends that and as the upstream dies."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import RULES, is_error
from harness.resp import encode
from harness.servers import Keyshift, RedisServer, wait_for

OK = ('+', b'OK')


def tracking(server):
    """A new client that tracks what it reads."""
    client = server.connect()
    client.command('HELLO', '3')
    assert client.command('CLIENT', 'TRACKING', 'ON') == OK
    return client


class TrackingTest(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        self.keyshift = Keyshift(self.redis.url, config=RULES)
        self.addCleanup(self.keyshift.stop)

    def restart(self):
        self.redis.kill()
        wait_for(lambda: self.keyshift.http('/readyz')[0] != 200, 'the loss to be seen')
        self.redis.start()
        wait_for(lambda: self.keyshift.http('/readyz')[0] == 200, 'the upstream to be back')

    def told(self, server, *lines):
        """What a client is told, in the order of pushes and replies, which does all this; `!` is said by another."""
        with tracking(server) as client, server.connect() as other:
            seen = []
            for line in lines:
                one = other if line[0] == '!' else client
                one.send(encode(line.strip('! ').split()))
                if one is other:
                    other.read()
                    client.send(encode(('PING',)))
                seen.append(client.read_raw())
                while seen[-1][0] == '>':
                    seen.append(client.read_raw())
            return seen

    def test_what_was_read_before_it_was_off_is_told_when_it_is_on_again_as_by_redis(self):
        with RedisServer() as plain:
            for between in ((), ('! SET k:2 x',), ('GET k:3',), ('SELECT 1',), ('MULTI', 'GET k:4', 'EXEC')):
                lines = ('GET k:1', 'GET k:2', 'CLIENT TRACKING OFF') + between + (
                    'CLIENT TRACKING ON', '! SET k:1 x', '! SET k:2 x', '! SET k:3 x', 'GET k:1', '! SET k:1 y')
                with self.subTest(between):
                    self.assertEqual(self.told(self.keyshift, *lines), self.told(plain, *lines))
                for server in (self.redis, plain):
                    with server.connect() as client:
                        client.ask('FLUSHALL')

    def test_transactions_work_again_when_the_upstream_is_back(self):
        with tracking(self.keyshift) as client:
            for turn in range(2):
                if turn:
                    self.restart()
                    wait_for(lambda: not is_error(client.command('GET', 'k:1')), 'the connection again')
                for _ in range(2):
                    self.assertEqual(client.command('WATCH', 'k:1'), OK)
                    client.command('GET', 'k:1')
                    self.assertEqual(client.pipeline([('MULTI',), ('SET', 'k:1', 'x'), ('EXEC',)])[-1], ('*', (OK,)))

    def test_the_end_of_it_may_meet_the_end_of_the_upstream(self):
        def asked():
            return self.keyshift.metric('commands_total')
        for last in (('RESET',), ('CLIENT', 'TRACKING', 'OFF')):
            with tracking(self.keyshift) as client:
                client.ask('GET', 'k:1')
                self.redis.signal(signal.SIGSTOP)
                before = asked()
                client.send(encode(('GET', 'k:1')) + encode(last) + encode(('PING',)))
                wait_for(lambda: asked() > before, 'the requests')
                reloads = self.keyshift.metric('config_reloads_total')
                self.keyshift.signal(signal.SIGHUP)
                wait_for(lambda: self.keyshift.metric('config_reloads_total') > reloads, 'the reload')
                self.redis.kill()
                self.assertTrue(is_error(client.read()))
                client.read(), client.read()
                self.assertFalse(self.keyshift.exited())
                self.redis.start()
                wait_for(lambda: client.command('SET', 'k:1', 'x') == OK, 'the upstream to be back')


if __name__ == '__main__':
    tap.main()
