"""A new configuration without a restart: what it changes, when, and what it must not disturb."""

import os
import signal
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.fixture import given_ttl, is_error
from harness.resp import Connection, encode, plain
from harness.servers import Keyshift, RedisServer, short_budget, wait_for

RELOADS = 200 if short_budget() else 1000

DOMAIN = '''
[domain.bench]
default_ttl = "%s"
'''
RULE = '''
[[rule]]
legacy = "%s:{id}"
key    = "bench:%s:id:{id}"
'''


def config(ttl='1h', rules=(('k', 'kv'),), head='', listener=''):
    """A configuration whose rules are (legacy prefix, resource)."""
    listener = '[[listener]]\n' + listener + '\n' if listener else ''
    return head + '\n' + listener + DOMAIN % ttl + ''.join(RULE % rule for rule in rules)


def reload(keyshift, text):
    """Writes the configuration and returns the reply to KEYSHIFT RELOAD."""
    with open(keyshift.config_path, 'w', encoding='utf-8') as file:
        file.write(text)
    with keyshift.connect() as client:
        return client.command('KEYSHIFT', 'RELOAD')


def status(client):
    flat = plain(client.command('KEYSHIFT', 'STATUS'))
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2])}


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)

    def keyshift(self, text=None, **more):
        started = Keyshift(self.redis.url, config=text or config(), **more)
        self.addCleanup(started.stop)
        return started

    def test_rules_and_expiries_are_switched_between_two_requests_of_a_client(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client, self.redis.connect() as bare:
            client.ask('SET', 'k:1', 'old')
            self.assertEqual(given_ttl(bare, 'bench:kv:id:1'), 3600)
            self.assertEqual(reload(keyshift, config('2h', (('k', 'moved'),))), ('+', b'OK'))
            client.ask('SET', 'k:1', 'new')
            self.assertEqual(given_ttl(bare, 'bench:moved:id:1'), 7200)
            self.assertEqual(client.ask('GET', 'k:1'), b'new')
            self.assertEqual(bare.ask('GET', 'bench:kv:id:1'), b'old')

    def test_sighup_reloads(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client, self.redis.connect() as bare:
            with open(keyshift.config_path, 'w', encoding='utf-8') as file:
                file.write(config('2h'))
            keyshift.signal(signal.SIGHUP)
            wait_for(lambda: keyshift.metric('config_reloads_total', result='applied') == 1, 'the reload')
            client.ask('SET', 'k:1', 'x')
            self.assertEqual(given_ttl(bare, 'bench:kv:id:1'), 7200)

    def test_a_bad_file_changes_nothing_and_says_so_everywhere(self):
        keyshift = self.keyshift()
        self.assertEqual(keyshift.metric('config_last_reload_successful'), 1)
        overlapping = config('2h', (('k', 'kv'), ('k', 'other')))
        for bad in (config('2x'), overlapping, 'not toml', config('2h', head='wrokers = 2')):
            reply = reload(keyshift, bad)
            self.assertTrue(is_error(reply), reply)
            self.assertIn(b'was not reloaded', reply[1])
            self.assertIn(b'keyshift.toml:', reply[1])
        os.unlink(keyshift.config_path)
        with keyshift.connect() as client, self.redis.connect() as bare:
            self.assertTrue(is_error(client.command('KEYSHIFT', 'RELOAD')))
            client.ask('SET', 'k:1', 'x')
            self.assertEqual(given_ttl(bare, 'bench:kv:id:1'), 3600)
            self.assertIn(b'failed', status(client)['config_state'])
            self.assertEqual(status(client)['config_failed_reloads'], 5)
        self.assertEqual(keyshift.metric('config_reloads_total', result='failed'), 5)
        self.assertEqual(keyshift.metric('config_last_reload_successful'), 0)
        self.assertIn('did you mean "workers"', keyshift.log())
        self.assertEqual(reload(keyshift, config('2h')), ('+', b'OK'))
        self.assertEqual(keyshift.metric('config_last_reload_successful'), 1)

    def test_what_needs_a_restart_is_said_by_name(self):
        keyshift = self.keyshift()
        reply = reload(keyshift, config('2h', head='workers = 2\n[limits]\nmax_bulk = "1mb"\n'))
        self.assertEqual(reply, ('+', b'OK; a restart is needed for workers, limits.max_bulk'))
        self.assertEqual(keyshift.metric('config_restart_needed'), 1)
        with keyshift.connect() as client, self.redis.connect() as bare:
            self.assertEqual(status(client)['config_needs_restart'], b'workers, limits.max_bulk')
            client.ask('SET', 'k:1', 'x')
            self.assertEqual(given_ttl(bare, 'bench:kv:id:1'), 7200, 'the rest is in force')
        self.assertEqual(reload(keyshift, config()), ('+', b'OK'))
        self.assertEqual(keyshift.metric('config_restart_needed'), 0)

    def test_what_needs_a_decision_is_logged(self):
        keyshift = self.keyshift()
        self.assertEqual(reload(keyshift, config(head='allow = ["CONFG"]')), ('+', b'OK'))
        self.assertIn('allow names "CONFG", and there is no such command; did you mean config?', keyshift.log())

    def test_listener_options_change_for_clients_that_are_connected(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client:
            client.ask('SET', 'k:1', 'x')
            client.ask('SET', 'stray', 'x')
            self.assertEqual(sorted(client.ask('KEYS', '*')), [b'k:1', b'stray'])
            reload(keyshift, config(listener='view = "consolidated"\nunmatched = "refuse"\npassword = "pw"'))
            self.assertEqual(sorted(client.ask('KEYS', '*')), [b'bench:kv:id:1'])
            self.assertTrue(is_error(client.command('GET', 'stray')))
            with keyshift.connect() as late:
                self.assertEqual(late.command('GET', 'k:1'), ('-', b'NOAUTH Authentication required.'))
                self.assertEqual(late.ask('AUTH', 'pw'), b'OK')
                self.assertEqual(late.ask('GET', 'k:1'), b'x')

    def test_dangerous_commands_and_limits_follow_the_file(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client:
            self.assertTrue(is_error(client.command('DEBUG', 'SLEEP', '0')))
            head = 'allow = ["DEBUG"]\n[limits]\nmax_clients = 1\n[log]\nlevel = "debug"\n'
            with open(keyshift.config_path, 'w', encoding='utf-8') as file:
                file.write(config(head=head))
            self.assertEqual(client.command('KEYSHIFT', 'RELOAD'), ('+', b'OK'))
            self.assertEqual(client.command('DEBUG', 'SLEEP', '0'), ('+', b'OK'))
            with keyshift.connect() as another:
                self.assertEqual(another.read(), ('-', b'ERR max number of clients reached'))

    def test_the_reply_to_reload_keeps_its_place_in_a_pipeline(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client:
            with open(keyshift.config_path, 'w', encoding='utf-8') as file:
                file.write(config('2h'))
            commands = [('SET', 'k:1', 'a'), ('ECHO', 'b'), ('KEYSHIFT', 'RELOAD'), ('SET', 'k:1', 'c'),
                        ('TTL', 'k:1'), ('PING',)]
            client.send(b''.join(encode(command) for command in commands))
            client.half_close()
            replies = [client.read() for _ in commands]
            self.assertEqual(replies, [('+', b'OK'), ('$', b'b'), ('+', b'OK'), ('+', b'OK'), (':', 7200),
                                       ('+', b'PONG')])

    def test_many_who_ask_at_once_all_get_an_answer(self):
        keyshift = self.keyshift()
        clients = [keyshift.connect() for _ in range(50)]
        for client in clients:
            client.send(encode(('KEYSHIFT', 'RELOAD')))
        for client in clients:
            self.assertEqual(client.read(), ('+', b'OK'))
            client.close()

    def test_a_reply_is_mapped_by_the_rules_that_mapped_its_request(self):
        with FaultyUpstream(self.redis.address) as faulty, Keyshift(faulty.url, config=config()) as keyshift:
            with keyshift.connect() as client:
                client.ask('SET', 'k:' + MARK.decode(), 'x')
                client.ask('XADD', 'k:s', '1-1', 'f', MARK)
                faulty.arm(faulty.stall)
                client.send(encode(('KEYS', 'k:*')) + encode(('XREAD', 'STREAMS', 'k:s', '0')))
                self.assertTrue(faulty.held.wait(30))
                text = config('1h', (('other', 'kv'),), listener='view = "consolidated"')
                self.assertEqual(reload(keyshift, text), ('+', b'OK'))
                faulty.release()
                self.assertEqual(sorted(plain(client.read())), sorted([b'k:' + MARK, b'k:s']))
                self.assertEqual(plain(client.read())[0][0], b'k:s')
                self.assertIn(b'bench:kv:id:s', client.ask('KEYS', '*'))
                self.assertIn(b'other:s', self.in_legacy_view(keyshift))

    @staticmethod
    def in_legacy_view(keyshift):
        reload(keyshift, config('1h', (('other', 'kv'),)))
        with keyshift.connect() as client:
            return client.ask('KEYS', 'other:*')

    def test_a_large_request_keeps_the_rules_it_began_with(self):
        head = '[limits]\nstream_threshold = "1kb"\n'
        keyshift = self.keyshift(config(head=head))
        large = b'v' * 100_000
        with keyshift.connect() as client, self.redis.connect() as bare:
            request = encode(('MSET', 'k:1', large, 'k:2', large))
            client.send(request[:50_000])
            wait_for(lambda: keyshift.metric('rule_keys_total', rule='k:{id}') == 1, 'the first key')
            self.assertEqual(reload(keyshift, config('2h', (('other', 'kv'), ('k', 'late')), head=head)),
                             ('+', b'OK'))
            client.send(request[50_000:])
            self.assertEqual(client.read(), ('+', b'OK'))
            for key in ('bench:kv:id:1', 'bench:kv:id:2'):
                self.assertEqual(bare.ask('GET', key), large)
                self.assertEqual(given_ttl(bare, key), 3600)
            client.ask('SET', 'k:1', large)
            self.assertEqual(given_ttl(bare, 'bench:late:id:1'), 7200)
        self.assertEqual(keyshift.metric('rule_keys_total', rule='k:{id}'), 3)

    def test_a_watched_key_that_gets_another_name_counts_as_changed(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client:
            client.ask('WATCH', 'k:1')
            self.assertEqual(reload(keyshift, config('1h', (('k', 'moved'),))), ('+', b'OK'))
            for reply in (('*', None), ('*', (('+', b'OK'),))):
                self.assertEqual(client.pipeline([('MULTI',), ('SET', 'k:1', 'x'), ('EXEC',)])[-1], reply)
                client.ask('WATCH', 'k:1')

    def test_counters_never_fall(self):
        keyshift = self.keyshift()
        with keyshift.connect() as client:
            client.ask('SET', 'k:1', 'x')
            client.ask('GET', 'k:1')
            before = {name: value for name, value in keyshift.metrics().items() if '_total' in name}
            for rules in ((), (('other', 'kv'),), (('other', 'o'), ('k', 'kv'))):
                reload(keyshift, config('1h', rules))
                after = keyshift.metrics()
                fallen = {name for name, value in before.items() if after.get(name, 0) < value}
                self.assertFalse(fallen)
            client.ask('GET', 'k:1')
            self.assertEqual(keyshift.metric('rule_keys_total', rule='k:{id}'), 3)
            self.assertEqual(keyshift.metric('hits_total', domain='bench'), 2)

    def test_a_thousand_reloads_under_load_fail_no_request(self):
        texts = [config('1h', (('k', 'kv'), ('a', 'a'))),
                 config('2h', (('b', 'b'), ('k', 'kv'), ('a', 'moved')), listener='unmatched = "pass"')]
        keyshift = self.keyshift(texts[0], options=('--workers', '2'))
        ends = threading.Event()
        failures, asked = [], [0] * 6
        threads = [threading.Thread(target=self.load, args=(keyshift, number, ends, failures, asked))
                   for number in range(len(asked))]
        for thread in threads:
            thread.start()
        try:
            with keyshift.connect() as client:
                for turn in range(RELOADS):
                    # A new file in the place of the old one: a reload never reads half of it.
                    with open(keyshift.config_path + '.new', 'w', encoding='utf-8') as file:
                        file.write(texts[(turn + 1) % 2])
                    os.rename(keyshift.config_path + '.new', keyshift.config_path)
                    reply = client.command('KEYSHIFT', 'RELOAD')
                    self.assertEqual(reply, ('+', b'OK'))
        finally:
            ends.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(keyshift.metric('config_reloads_total', result='applied'), RELOADS)
        self.assertEqual(keyshift.metric('error_replies_total'), 0)
        self.assertGreater(min(asked), 0)
        print('# %d requests beside %d reloads' % (sum(asked), RELOADS))

    @staticmethod
    def load(keyshift, number, ends, failures, asked):
        """Requests whose replies are known whatever rules are in force."""
        try:
            with keyshift.connect() as client:
                turn = 0
                while not ends.is_set():
                    turn += 1
                    value = b'%d-%d' % (number, turn)
                    key, list_key = 'k:%d' % number, 'k:l%d' % number
                    commands = [('SET', key, value), ('GET', key), ('MGET', key, key, 'stray%d' % number),
                                ('RPUSH', list_key, value), ('LPOP', list_key), ('EXISTS', key, key),
                                ('SET', 'a:%d' % number, value), ('TYPE', 'b:%d' % number)]
                    wanted = [b'OK', value, [value, value, None], 1, value, 2, b'OK', b'none']
                    replies = [plain(reply) for reply in client.pipeline(commands)]
                    if replies != wanted:
                        failures.append((commands, replies))
                        return
                    asked[number] += len(commands)
        except Exception as failure:  # a broken connection is a failure of the test, not of the thread
            failures.append(repr(failure))


if __name__ == '__main__':
    tap.main()
