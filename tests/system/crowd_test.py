"""A thousand clients that wait in the server and a thousand subscribers at once: how many upstream connections and
how much memory they cost, and that everybody else is served. What they cost in time is `./dev bench --crowd`."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.crowd import Crowd, blocked_clients
from harness.fixture import RULES, WithServers
from harness.servers import sanitized, status_kib, wait_for

WAITING, SUBSCRIBERS = 1000, 1000
POOL_SIZE, LEASES = 10, 1000
MEMORY_KIB = 40 << 10
MESSAGE = b'm' * 1000


class CrowdTest(WithServers):
    config = RULES + '''
[upstream]
pool_size = %d
leases    = %d
''' % (POOL_SIZE, LEASES)

    def upstream_connections(self):
        """As the server counts them: the clients that it has, without the one that asks."""
        with self.redis.connect() as bare:
            return int(bare.ask('INFO', 'clients').split(b'connected_clients:')[1].split(b'\r')[0]) - 1

    def test_it_costs_no_more_connections_and_memory_than_was_said(self):
        before = status_kib(self.keyshift.pid, 'VmRSS')
        with Crowd(self.keyshift, self.redis, WAITING, SUBSCRIBERS) as crowd:
            self.assertEqual(self.clients(), WAITING + SUBSCRIBERS + 1)
            # One more: the connection on which the daemon asks the server about itself.
            self.assertLessEqual(self.upstream_connections(), POOL_SIZE + LEASES + 1)
            self.assertEqual(self.keyshift.metric('client_connections_dropped_total'), 0)
            for number in range(100):
                self.assertEqual(self.witness.ask('INCR', 'k:beside'), number + 1)
            crowd.feed(self.witness, MESSAGE)
            grown = status_kib(self.keyshift.pid, 'VmHWM') - before
            tap.note('%.1f MiB more for %d clients' % (grown / 1024, WAITING + SUBSCRIBERS))
            if not sanitized():
                self.assertLess(grown, MEMORY_KIB + SUBSCRIBERS * len(MESSAGE) // 1024)
        wait_for(lambda: self.clients() == 1, 'the end of the crowd')

    def test_it_may_leave_at_once(self):
        with Crowd(self.keyshift, self.redis, WAITING, SUBSCRIBERS):
            pass
        wait_for(lambda: self.clients() == 1 and blocked_clients(self.redis) == 0, 'the end of the crowd')
        self.assertLessEqual(self.upstream_connections(), POOL_SIZE + LEASES + 1)
        with Crowd(self.keyshift, self.redis, WAITING, SUBSCRIBERS) as crowd:
            crowd.feed(self.witness)


if __name__ == '__main__':
    tap.main()
