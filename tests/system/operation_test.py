"""What an operator sees: signals, the embedded engine, metrics and health."""

import os
import re
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import RULES, WithServers, is_error
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.resp import Closed, Connection, encode
from harness.servers import Keyshift, RedisServer, alive, wait_for

BUCKETS = (0.00005, 0.1, 5.0)


class EndTest(unittest.TestCase):
    def test_sigterm_waits_for_what_is_in_flight(self):
        with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, Keyshift(faulty.url,
                config=RULES) as keyshift:
            with keyshift.connect() as client:
                client.ask('SET', 'k:flight', MARK)
                faulty.arm(faulty.stall)
                client.send(encode(['GET', 'k:flight']) + encode(['ECHO', 'behind']))
                self.assertTrue(faulty.held.wait(30))
                keyshift.signal(signal.SIGTERM)
                wait_for(lambda: self.refused(keyshift.address), 'nobody else is let in')
                self.assertFalse(keyshift.exited(), 'it did not wait')
                faulty.release()
                self.assertEqual(client.read(), ('$', MARK))
                self.assertEqual(client.read(), ('$', b'behind'))
                self.assertEqual(client.at_end(), b'')
            self.assertEqual(keyshift.wait_exit(), 0)

    @staticmethod
    def refused(address):
        """Whether a new client is refused, closed, or answered with an error."""
        try:
            with Connection(address, timeout=5) as client:
                return is_error(client.command('GET', 'k:none'))
        except (OSError, Closed):
            return True

    def test_sigterm_and_sigint_end_an_idle_daemon(self):
        with RedisServer() as redis:
            for number in (signal.SIGTERM, signal.SIGINT):
                with Keyshift(redis.url, config=RULES) as keyshift, keyshift.connect() as idle:
                    idle.ask('SET', 'k:1', 'x')
                    keyshift.signal(number)
                    self.assertEqual(keyshift.wait_exit(), 0)
                    self.assertEqual(idle.at_end(), b'')

    def test_the_embedded_engine_ends_with_the_daemon(self):
        for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
            for options, env in ((('--embedded',), {}), ((), {'REDIS_MOCK_ENABLED': 'true'})):
                with self.subTest(signal=number.name, env=env), Keyshift(None, config=RULES, options=options,
                        env=env) as keyshift:
                    with keyshift.connect() as client:
                        self.assertEqual(client.ask('SET', 'k:1', 'x'), b'OK')
                        self.assertEqual(client.ask('GET', 'bench:kv:id:1'), b'x')
                        engine = int(re.search(rb'process_id:(\d+)', client.ask('INFO', 'server')).group(1))
                        self.assertRegex(client.ask('INFO', 'server'), rb'tcp_port:0\r')
                    self.assertTrue(alive(engine))
                    keyshift.signal(number)
                    self.assertEqual(keyshift.wait_exit(), code)
                    wait_for(lambda: not alive(engine), 'the end of the embedded engine')

    def test_an_embedded_engine_that_dies_is_said_clearly(self):
        with Keyshift(None, config=RULES, options=('--embedded',)) as keyshift, keyshift.connect() as client:
            client.ask('SET', 'k:1', 'x')
            engine = int(re.search(rb'process_id:(\d+)', client.ask('INFO', 'server')).group(1))
            os.kill(engine, signal.SIGKILL)

            def ended_or_back():
                if keyshift.exited():
                    return True
                try:
                    return client.command('SET', 'k:1', 'y') == ('+', b'OK') and not alive(engine)
                except (OSError, Closed):
                    return keyshift.exited()
            wait_for(ended_or_back, 'the daemon ends, or has a new engine')


class MetricsTest(WithServers):
    def test_metrics_are_prometheus_text_and_complete(self):
        self.witness.pipeline([['SET', 'k:m', 'x'], ['GET', 'k:m'], ['GET', 'k:none'], ['SET', 'other', 'y'],
                               ['HSET', 'k:mh', 'f', 'v'], ['LPUSH', 'other:list', 1]])
        wait_for(lambda: self.keyshift.metric('commands_total') >= 6, 'six commands in the metrics')
        metric = self.keyshift.metric
        self.assertGreaterEqual(metric('hits_total', domain='bench'), 1)
        self.assertGreaterEqual(metric('misses_total', domain='bench'), 1)
        self.assertGreaterEqual(metric('rule_keys_total'), 4)
        self.assertGreaterEqual(metric('unmatched_keys_total'), 2)
        self.assertGreaterEqual(metric('ttl_rewrites_total', domain='bench'), 2)
        self.assertGreaterEqual(metric('upstream_connections'), 1)
        self.assertEqual(metric('client_connections'), 1)
        self.assertGreater(metric('received_bytes_total'), 0)
        self.assertGreater(metric('sent_bytes_total'), 0)
        series = self.keyshift.metrics()
        self.assertTrue(any('family="' in name for name in series
                            if name.startswith('keyshift_commands_total{')))
        self.assertTrue(any('action="' in name for name in series
                            if name.startswith('keyshift_ttl_rewrites_total{')))
        self.assertTrue(any('rule="' in name for name in series
                            if name.startswith('keyshift_rule_keys_total{')))

    def test_the_histogram_has_its_buckets_and_counts_every_request(self):
        def buckets():
            found = {}
            for name, value in self.keyshift.metrics().items():
                if name.startswith('keyshift_request_duration_seconds_bucket{'):
                    edge = float(re.search(r'le="([^"]+)"', name).group(1).replace('Inf', 'inf'))
                    found[edge] = found.get(edge, 0) + value
            return found
        before = buckets()
        for edge in BUCKETS:
            self.assertTrue(any(abs(edge - have) < edge / 1000 for have in before),
                            '%g is no bucket: %s' % (edge, sorted(before)))
        self.witness.pipeline([['GET', 'k:m']] * 500)
        wait_for(lambda: buckets()[float('inf')] >= before[float('inf')] + 500, '500 more in the histogram')
        counts = [count for _, count in sorted(buckets().items())]
        self.assertEqual(counts, sorted(counts), 'buckets are cumulative')

    def test_names_and_labels_never_come_from_keys_or_clients(self):
        before = len(self.keyshift.metrics())
        self.witness.pipeline([['SET', 'k:%d' % number, 'x'] for number in range(500)]
                              + [['NOSUCH%d' % number] for number in range(200)])
        self.witness.pipeline([['CLIENT', 'SETNAME', 'name%d' % number] for number in range(20)])
        body = self.keyshift.http('/metrics')[1]
        self.assertNotIn('k:499', body)
        self.assertNotIn('NOSUCH1', body.upper())
        self.assertNotIn('name19', body)
        self.assertLess(len(self.keyshift.metrics()) - before, 50)

    def test_every_series_has_a_type_and_a_help(self):
        body = self.keyshift.http('/metrics')[1]
        declared = {what: set(re.findall(r'^# %s (\S+)' % what, body, re.M)) for what in ('TYPE', 'HELP')}
        self.assertEqual(declared['TYPE'], declared['HELP'])
        for name in self.keyshift.metrics():
            base = re.sub(r'_(bucket|sum|count)$', '', name.split('{')[0])
            self.assertTrue({base, name.split('{')[0]} & declared['TYPE'], name)

    def test_health_and_unknown_pages(self):
        self.assertEqual(self.keyshift.http('/healthz')[0], 200)
        self.assertEqual(self.keyshift.http('/readyz')[0], 200)
        self.assertEqual(self.keyshift.http('/nosuchpage')[0], 404)

    def test_scrapes_and_requests_at_once(self):
        failures = []

        def scrape():
            try:
                for _ in range(20):
                    self.keyshift.metrics()
            except AssertionError as failure:
                failures.append(failure)
        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(2000):
            self.assertEqual(self.witness.ask('ECHO', number), b'%d' % number)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == '__main__':
    tap.main()
