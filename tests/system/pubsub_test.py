"""Publish and subscribe: what subscribers are told and when, over one upstream connection for all of them."""

import os
import select
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.faulty_upstream import MARK, FaultyUpstream
from harness.fixture import RULES, WithServers, is_error
from harness.resp import encode
from harness.servers import Keyshift, sanitized, short_budget, status_kib, wait_for


def bulk(text):
    return ('$', text if text is None or isinstance(text, bytes) else text.encode())


def frame(kind, *items):
    return (kind, tuple((':', item) if isinstance(item, int) else bulk(item) for item in items))


class PubsubTest(WithServers):
    def client(self, protocol=2, server=None):
        client = (server or self.keyshift).connect()
        self.addCleanup(client.close)
        if protocol == 3:
            client.ask('HELLO', '3')
        return client

    def ask(self, client, *words):
        """Sends a command about subscriptions and returns the next frame, pushed or not."""
        client.send(encode(words))
        return client.read_raw()


class SubscribersTest(PubsubTest):
    def test_subscribers_get_what_is_published_in_the_frames_of_their_protocol(self):
        for protocol, kind in ((2, '*'), (3, '>')):
            with self.subTest(protocol=protocol):
                client = self.client(protocol)
                client.send(encode(('SUBSCRIBE', 'news', 'more', 'news')) + encode(('PSUBSCRIBE', 'ne*')))
                self.assertEqual([client.read_raw() for _ in range(4)],
                                 [frame(kind, 'subscribe', 'news', 1), frame(kind, 'subscribe', 'more', 2),
                                  frame(kind, 'subscribe', 'news', 2), frame(kind, 'psubscribe', 'ne*', 3)])
                self.witness.ask('PUBLISH', 'news', 'hello')
                self.assertEqual([client.read_raw() for _ in range(2)],
                                 [frame(kind, 'message', 'news', 'hello'),
                                  frame(kind, 'pmessage', 'ne*', 'news', 'hello')])
                client.send(encode(('UNSUBSCRIBE',)) + encode(('PUNSUBSCRIBE', 'ne*', 'x')) + encode(('UNSUBSCRIBE',)))
                self.assertEqual([client.read_raw() for _ in range(5)],
                                 [frame(kind, 'unsubscribe', 'news', 2), frame(kind, 'unsubscribe', 'more', 1),
                                  frame(kind, 'punsubscribe', 'ne*', 0), frame(kind, 'punsubscribe', 'x', 0),
                                  (kind, (bulk('unsubscribe'), ('_' if protocol == 3 else '$', None), (':', 0)))])
                self.assertEqual(client.ask('GET', 'k:witness'), b'fine')

    def test_shard_channels_are_counted_by_themselves(self):
        client = self.client()
        self.assertEqual(self.ask(client, 'SUBSCRIBE', 'a'), frame('*', 'subscribe', 'a', 1))
        self.assertEqual(self.ask(client, 'SSUBSCRIBE', 'a'), frame('*', 'ssubscribe', 'a', 1))
        self.witness.ask('SPUBLISH', 'a', 'x')
        self.assertEqual(client.read(), frame('*', 'smessage', 'a', 'x'))
        self.assertEqual(self.ask(client, 'UNSUBSCRIBE', 'a'), frame('*', 'unsubscribe', 'a', 0))
        self.assertTrue(is_error(client.command('GET', 'k:witness')), 'it is still subscribed')
        self.assertEqual(self.ask(client, 'SUNSUBSCRIBE'), frame('*', 'sunsubscribe', 'a', 0))
        self.assertEqual(client.ask('GET', 'k:witness'), b'fine')

    def test_a_resp2_subscriber_may_do_little_else(self):
        client = self.client()
        self.ask(client, 'SUBSCRIBE', 'news')
        self.assertEqual(client.command('GET', 'k:witness'),
                         ('-', b"ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
                          b'are allowed in this context'))
        self.assertEqual(client.command('PING'), frame('*', 'pong', ''))
        self.assertEqual(client.command('PING', 'x'), frame('*', 'pong', 'x'))
        self.assertTrue(is_error(client.command('PING', 'x', 'y')))
        self.assertEqual(client.command('RESET'), ('+', b'RESET'))
        self.assertEqual(client.ask('GET', 'k:witness'), b'fine')
        self.witness.ask('PUBLISH', 'news', 'unheard')
        self.assertEqual(client.command('PING'), ('+', b'PONG'))

    def test_a_clients_own_messages_are_in_the_order_of_its_requests(self):
        """A RESP3 client that is subscribed and publishes: frame for frame what Redis says."""
        requests = [('PUBLISH', 'self', 'before'), ('SUBSCRIBE', 'self'), ('PUBLISH', 'self', 'between'),
                    ('PSUBSCRIBE', 's*', '__keyspace@*__:k:*'), ('PUBLISH', 'self', 'twice'), ('GET', 'k:order'),
                    ('EVAL', "redis.call('PUBLISH', 'self', 'scripted') return {1, 'x'}", '0'), ('SET', 'k:order', 'y'),
                    ('DEL', 'k:order'), ('UNSUBSCRIBE', 'self'), ('PUBLISH', 'self', 'behind'), ('PUNSUBSCRIBE',),
                    ('SET', 'k:order', 'z'), ('ECHO', 'end')]
        with self.redis.connect() as bare:
            bare.ask('CONFIG', 'SET', 'notify-keyspace-events', 'K$')
            got = []
            for server in (self.redis, self.keyshift):
                client = self.client(3, server)
                client.send(b''.join(encode(words) for words in requests))
                got.append([])
                while not got[-1] or got[-1][-1] != bulk('end'):
                    got[-1].append(client.read_raw())
            bare.ask('CONFIG', 'SET', 'notify-keyspace-events', '')
        self.assertEqual(got[0], got[1])

    def test_messages_that_a_transaction_brings_its_own_client_come_before_execs_reply(self):
        """Redis 7.0 writes them into the array of EXEC's reply, where they take the places of its elements."""
        client = self.client(3)
        self.ask(client, 'SUBSCRIBE', 'self')
        client.send(b''.join(encode(words) for words in (('GET', 'k:witness'), ('MULTI',), ('PUBLISH', 'self', 'x'),
                                                         ('GET', 'k:witness'), ('EXEC',), ('ECHO', 'end'))))
        self.assertEqual([client.read_raw() for _ in range(7)],
                         [bulk('fine'), ('+', b'OK'), ('+', b'QUEUED'), ('+', b'QUEUED'),
                          frame('>', 'message', 'self', 'x'), ('*', ((':', 1), bulk('fine'))), bulk('end')])

    def test_what_was_published_before_a_ping_comes_before_its_pong(self):
        client = self.client()
        self.ask(client, 'SUBSCRIBE', 'fence')
        for turn in range(200):
            self.witness.ask('PUBLISH', 'fence', turn)
            client.send(encode(('PING',)))
            self.assertEqual(client.read(), frame('*', 'message', 'fence', str(turn)))
            self.assertEqual(client.read(), frame('*', 'pong', ''))

    def test_nobody_gets_what_was_published_before_it_subscribed_or_after_it_ended(self):
        other = self.client()
        self.ask(other, 'SUBSCRIBE', 'edge')
        for turn in range(100):
            client = self.client()
            self.witness.ask('PUBLISH', 'edge', 'early')
            self.assertEqual(self.ask(client, 'SUBSCRIBE', 'edge'), frame('*', 'subscribe', 'edge', 1))
            self.witness.ask('PUBLISH', 'edge', 'heard')
            self.assertEqual(self.ask(client, 'UNSUBSCRIBE', 'edge'), frame('*', 'message', 'edge', 'heard'))
            self.assertEqual(client.read(), frame('*', 'unsubscribe', 'edge', 0))
            self.witness.ask('PUBLISH', 'edge', 'late')
            self.assertEqual(client.command('ECHO', 'end'), bulk('end'))
            client.close()

    def test_confirmations_and_messages_come_whatever_client_reply_says(self):
        client = self.client()
        client.send(encode(('CLIENT', 'REPLY', 'OFF')) + encode(('SUBSCRIBE', 'quiet')) + encode(('PING',)))
        self.assertEqual(client.read(), frame('*', 'subscribe', 'quiet', 1))
        self.witness.ask('PUBLISH', 'quiet', 'x')
        self.assertEqual(client.read(), frame('*', 'message', 'quiet', 'x'))

    def test_reset_is_answered_when_the_upstream_has_ended_its_subscriptions(self):
        with FaultyUpstream(self.redis.address) as faulty, Keyshift(faulty.url, config=RULES) as keyshift:
            client = self.client(server=keyshift)
            for words in (('SUBSCRIBE', MARK), ('PSUBSCRIBE', MARK + b'*')):
                self.ask(client, *words)
            faulty.arm(faulty.stall)
            client.send(encode(('RESET',)) + encode(('PUBLISH', MARK, 'x')))
            self.assertTrue(faulty.held.wait(30), 'the upstream never said that it has ended them')
            self.assertEqual(select.select([client.sock], [], [], 0)[0], [], 'an answer before')
            faulty.release()
            self.assertEqual([client.read(), client.read()], [('+', b'RESET'), (':', 0)])

    def test_client_list_says_what_is_held(self):
        client = self.client()
        number = client.ask('CLIENT', 'ID')
        for words in (('SUBSCRIBE', 'a'), ('PSUBSCRIBE', 'a*'), ('PSUBSCRIBE', 'b*')):
            self.ask(client, *words)
        line = self.witness.ask('CLIENT', 'LIST', 'ID', number)
        for field in (b' flags=P ', b' sub=1 ', b' psub=2 ', b' ssub=0 '):
            self.assertIn(field, line)


class CountsTest(PubsubTest):
    """Numbers are those of one Redis with all these clients, whichever worker serves them."""

    config = 'workers = 3\n' + RULES

    def subscribers(self):
        made = []
        for number, words in enumerate((('SUBSCRIBE', 'a', 'b'), ('SUBSCRIBE', 'a'), ('SUBSCRIBE', 'a'),
                                        ('PSUBSCRIBE', '*'), ('PSUBSCRIBE', '*', 'a*'), ('PSUBSCRIBE', '[ab]'),
                                        ('SSUBSCRIBE', 'a'), ('SSUBSCRIBE', 'a'),
                                        ('SUBSCRIBE', '__keyspace@0__:k:1', '__keyspace@0__:plain'),
                                        ('PSUBSCRIBE', '__keyspace@0__:k:*', '*:k:1', '__keyspace@*'))):
            client = self.client(2 + number % 2)
            client.send(encode(words))
            for _ in words[1:]:
                client.read_raw()
            made.append(client)
        return made

    def numbers(self, client):
        asked = [('PUBLISH', channel, 'x') for channel in ('a', 'b', 'ab', 'none', '__keyspace@0__:k:1')]
        asked += [('SPUBLISH', 'a', 'x'), ('PUBSUB', 'NUMSUB', 'a', 'b', 'none', '__keyspace@0__:k:1', '__keyspace@0__:x'),
                  ('PUBSUB', 'NUMSUB'), ('PUBSUB', 'NUMPAT'), ('PUBSUB', 'SHARDNUMSUB', 'a', 'b')]
        got = [client.ask(*words) for words in asked]
        client.pipeline([('MULTI',)] + asked[:3] + asked[6:7])
        got.append(client.ask('EXEC'))
        for pattern in ((), ('*',), ('a*',), ('__key*',), ('__keyspace@0__:k:*',), ('*:k:1',)):
            got.append(sorted(client.ask('PUBSUB', 'CHANNELS', *pattern)))
        got.append(client.ask('PUBSUB', 'SHARDCHANNELS'))
        return got

    def test_publish_and_pubsub_count_as_one_redis_would(self):
        bare = self.redis.connect()
        self.addCleanup(bare.close)
        subscribers = self.subscribers()
        through = self.numbers(self.witness)
        for client in subscribers:
            client.close()
        wait_for(lambda: bare.ask('PUBSUB', 'NUMPAT') == 0 and bare.ask('PUBSUB', 'CHANNELS') == [], 'the end of all')
        self.assertEqual(self.witness.ask('PUBLISH', 'a', 'x'), 0)
        self.keyshift, keyshift = self.redis, self.keyshift
        try:
            self.subscribers()
            self.assertEqual(through, self.numbers(bare))
        finally:
            self.keyshift = keyshift

    def test_subscribers_of_the_server_itself_are_counted_with_ours(self):
        direct, here, there = self.redis.connect(), self.client(), self.client()
        self.addCleanup(direct.close)
        for client in (direct, here, there):
            self.ask(client, 'SUBSCRIBE', 'both')
        self.assertEqual(self.witness.ask('PUBLISH', 'both', 'x'), 3)
        self.assertEqual(self.witness.ask('PUBSUB', 'NUMSUB', 'both'), [b'both', 3])
        self.assertEqual(self.ask(here, 'UNSUBSCRIBE'), frame('*', 'message', 'both', 'x'))
        self.assertEqual(here.read(), frame('*', 'unsubscribe', 'both', 0))
        self.assertEqual(self.witness.ask('PUBLISH', 'both', 'x'), 2)


class LimitsTest(PubsubTest):
    config = RULES + '''
[limits]
subscriber_output = "1mb"
'''

    def upstream_subscribers(self):
        with self.redis.connect() as bare:
            return bare.ask('CLIENT', 'LIST', 'TYPE', 'pubsub').count(b'\n')

    def test_a_thousand_subscribers_share_one_upstream_connection(self):
        count = 200 if short_budget() else 1000
        before = status_kib(self.keyshift.pid, 'VmRSS')
        clients = [self.client() for _ in range(count)]
        for number, client in enumerate(clients):
            client.send(encode(('SUBSCRIBE', 'all', 'own:%d' % number)))
        for number, client in enumerate(clients):
            self.assertEqual(client.read(), frame('*', 'subscribe', 'all', 1))
            self.assertEqual(client.read(), frame('*', 'subscribe', 'own:%d' % number, 2))
        self.assertEqual(self.upstream_subscribers(), 1)
        self.assertEqual(self.keyshift.metric('subscribers'), count)
        self.assertEqual(self.keyshift.metric('subscriptions', kind='channel'), count + 1)
        self.assertEqual(self.witness.ask('PUBLISH', 'all', 'hello'), count)
        self.assertEqual(self.witness.ask('PUBLISH', 'own:7', 'you'), 1)
        for number, client in enumerate(clients):
            self.assertEqual(client.read(), frame('*', 'message', 'all', 'hello'))
        self.assertEqual(clients[7].read(), frame('*', 'message', 'own:7', 'you'))
        if not sanitized():
            self.assertLess(status_kib(self.keyshift.pid, 'VmRSS') - before, 40 * 1024)
        for client in clients:
            client.close()
        with self.redis.connect() as bare:
            wait_for(lambda: bare.ask('PUBSUB', 'CHANNELS') == [], 'the end of all subscriptions')
        wait_for(lambda: self.keyshift.metric('subscriptions') == 0, 'no subscription to be left')
        self.assertEqual(self.keyshift.metric('subscribers'), 0)

    def test_a_slow_subscriber_is_dropped_alone(self):
        slow, quick = self.client(), self.client()
        for client in (slow, quick):
            self.ask(client, 'SUBSCRIBE', 'flood')
        message = 'x' * 65536
        sent = 0
        while not self.keyshift.metric('subscribers_dropped_total'):
            for _ in range(20):
                self.assertGreaterEqual(self.witness.ask('PUBLISH', 'flood', message), 1)
                self.assertEqual(quick.read(), frame('*', 'message', 'flood', message))
                sent += 1
            self.assertLess(sent, 10000, 'nobody was dropped')
        slow.at_end()
        self.assertIn('limits.subscriber_output', self.keyshift.log())
        self.assertEqual(self.witness.ask('PUBLISH', 'flood', 'end'), 1)
        self.assertEqual(quick.read(), frame('*', 'message', 'flood', 'end'))


class LossTest(PubsubTest):
    config = 'workers = 2\n' + RULES

    def kill_upstream(self, bare):
        self.assertGreaterEqual(bare.ask('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1)

    def test_subscriptions_are_renewed_after_a_loss(self):
        clients = [self.client(2 + number % 2) for number in range(20)]
        for number, client in enumerate(clients):
            self.ask(client, *(('SUBSCRIBE', 'news'), ('PSUBSCRIBE', 'ne*'), ('SSUBSCRIBE', 'news'),
                               ('SUBSCRIBE', '__keyspace@0__:k:1'))[number % 4])
        with self.redis.connect() as bare:
            for turn in range(3):
                self.kill_upstream(bare)
                wait_for(lambda: self.witness.ask('PUBLISH', 'news', 'probe') == 10, 'all to be subscribed again')
                wait_for(lambda: self.witness.ask('SPUBLISH', 'news', 'probe') == 5, 'all to be subscribed again')
                wait_for(lambda: self.witness.ask('PUBLISH', '__keyspace@0__:k:1', 'probe') == 5,
                         'all to be subscribed again')
                end = 'end %d' % turn
                for words in (('PUBLISH', 'news', end), ('SPUBLISH', 'news', end), ('PUBLISH', '__keyspace@0__:k:1', end)):
                    self.witness.ask(*words)
                for client in clients:
                    while client.read_raw()[1][-1] != bulk(end):
                        pass
        self.assertGreaterEqual(self.keyshift.metric('subscriptions_renewed_total'), 4)
        self.assertEqual(self.keyshift.metric('clients_dropped_total'), 0)

    def test_while_the_upstream_is_away_subscribers_stay_and_are_told_so(self):
        client = self.client()
        self.ask(client, 'SUBSCRIBE', 'away')
        connected = self.keyshift.metric('upstream_connections')
        self.redis.kill()
        try:
            wait_for(lambda: is_error(self.ask(client, 'SUBSCRIBE', 'other')), 'an error')
            wait_for(lambda: is_error(self.ask(client, 'PING')), 'an error')
            self.assertEqual(self.ask(client, 'UNSUBSCRIBE', 'other'), frame('*', 'unsubscribe', 'other', 1))
        finally:
            self.redis.start()
        wait_for(lambda: not is_error(self.witness.command('GET', 'k:witness')), 'the upstream to be back')
        # For the other worker, too: each tries again by itself.
        wait_for(lambda: self.keyshift.metric('upstream_connections') >= connected, 'all connections to be back')
        self.witness.ask('SET', 'k:witness', 'fine')
        wait_for(lambda: self.witness.ask('PUBLISH', 'away', 'back') == 1, 'the subscription to be renewed')
        self.assertEqual(client.read(), frame('*', 'message', 'away', 'back'))
        self.assertEqual(self.ask(client, 'UNSUBSCRIBE', 'away'), frame('*', 'unsubscribe', 'away', 0))

    def test_a_loss_while_some_begin_and_others_end_the_same_subscriptions(self):
        pairs = [('topic:%d' % number, self.client(), self.client()) for number in range(6)]
        for topic, leaving, _ in pairs:
            self.ask(leaving, 'SUBSCRIBE', topic)
        received = lambda: self.keyshift.metric('received_bytes_total', side='client')
        connected = self.keyshift.metric('upstream_connections')
        self.redis.signal(signal.SIGSTOP)
        for topic, leaving, coming in pairs:
            for client, word in ((coming, 'SUBSCRIBE'), (leaving, 'UNSUBSCRIBE')):
                before = received()
                client.send(encode((word, topic)))
                wait_for(lambda: received() > before, word)
        self.redis.kill()
        self.redis.start()
        wait_for(lambda: not is_error(self.witness.command('SET', 'k:witness', 'fine')), 'the upstream to be back')
        # For the other worker, too: each tries again by itself.
        wait_for(lambda: self.keyshift.metric('upstream_connections') >= connected, 'all connections to be back')
        late = self.client()
        confirmed = frame('*', 'subscribe', 'topic:0', 1)
        wait_for(lambda: self.ask(late, 'SUBSCRIBE', 'topic:0') == confirmed, 'a subscription')
        self.assertGreaterEqual(self.witness.ask('PUBLISH', 'topic:0', 'x'), 1)
        self.assertEqual(late.read(), frame('*', 'message', 'topic:0', 'x'))

    def test_who_may_not_subscribe_is_told_by_the_upstream(self):
        with self.redis.connect() as bare:
            bare.ask('ACL', 'SETUSER', 'default', 'resetchannels', '&open*')
            try:
                client = self.client()
                self.assertEqual(self.ask(client, 'SUBSCRIBE', 'closed')[1][:6], b'NOPERM')
                self.assertEqual(self.ask(client, 'SUBSCRIBE', 'open', 'closed')[1][:6], b'NOPERM')
                self.assertEqual(self.ask(client, 'SUBSCRIBE', 'open'), frame('*', 'subscribe', 'open', 1))
                self.assertEqual(self.ask(client, 'PSUBSCRIBE', '*')[1][:6], b'NOPERM')
                self.assertEqual(self.ask(client, 'UNSUBSCRIBE', 'closed'), frame('*', 'unsubscribe', 'closed', 1))
            finally:
                bare.ask('ACL', 'SETUSER', 'default', 'allchannels')

    def test_a_client_that_ends_or_is_killed_ends_its_subscriptions(self):
        with self.redis.connect() as bare:
            for end in (lambda one: one.close(), lambda one: one.half_close(),
                        lambda one: self.witness.ask('CLIENT', 'KILL', 'ID', one.number)):
                client = self.client(3)
                client.number = client.ask('CLIENT', 'ID')
                for words in (('SUBSCRIBE', 'ends'), ('PSUBSCRIBE', 'end*')):
                    self.ask(client, *words)
                self.assertEqual(self.witness.ask('PUBLISH', 'ends', 'x'), 2)
                end(client)
                wait_for(lambda: b'ends' not in bare.ask('PUBSUB', 'CHANNELS'), 'the end of the subscription')
                wait_for(lambda: self.witness.ask('PUBLISH', 'ends', 'x') == 0, 'the end of the subscription')
            wait_for(lambda: bare.ask('PUBSUB', 'NUMPAT') == 0, 'the end of the patterns')


class KeyChannelsTest(PubsubTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.redis.connect() as bare:
            bare.ask('CONFIG', 'SET', 'notify-keyspace-events', 'KEA')

    def heard(self, client):
        """What a subscriber has been told by now."""
        client.send(encode(('PING', 'end')))
        got = []
        while not got or got[-1] != frame('*', 'pong', 'end'):
            got.append(client.read())
        return [tuple(item[1].decode() for item in one[1]) for one in got[:-1]]

    def test_keyspace_channels_and_patterns_speak_the_clients_names(self):
        for words, told in (
                (('SUBSCRIBE', '__keyspace@0__:k:1'), [('message', '__keyspace@0__:k:1', 'sadd'),
                                                       ('message', '__keyspace@0__:k:1', 'expire')]),
                (('SUBSCRIBE', '__keyevent@0__:sadd'), [('message', '__keyevent@0__:sadd', 'k:1'),
                                                        ('message', '__keyevent@0__:sadd', 'plain')]),
                (('PSUBSCRIBE', '__keyspace@0__:k:*'),
                 [('pmessage', '__keyspace@0__:k:*', '__keyspace@0__:k:1', 'sadd'),
                  ('pmessage', '__keyspace@0__:k:*', '__keyspace@0__:k:1', 'expire')]),
                (('PSUBSCRIBE', '__keyevent@*__:sadd'),
                 [('pmessage', '__keyevent@*__:sadd', '__keyevent@0__:sadd', 'k:1'),
                  ('pmessage', '__keyevent@*__:sadd', '__keyevent@0__:sadd', 'plain')]),
                (('PSUBSCRIBE', '__keyspace@*:k:[0-9]'),
                 [('pmessage', '__keyspace@*:k:[0-9]', '__keyspace@0__:k:1', 'sadd'),
                  ('pmessage', '__keyspace@*:k:[0-9]', '__keyspace@0__:k:1', 'expire')]),
                (('PSUBSCRIBE', '__keyspace@*__:bench:*'), []),
                (('PSUBSCRIBE', '*:k:1'), [('pmessage', '*:k:1', '__keyspace@0__:k:1', 'sadd'),
                                           ('pmessage', '*:k:1', '__keyspace@0__:k:1', 'expire')]),
                (('PSUBSCRIBE', '*plain*'), [('pmessage', '*plain*', '__keyspace@0__:plain', 'sadd'),
                                             ('pmessage', '*plain*', 'a plain channel', 'x')])):
            with self.subTest(words):
                client = self.client()
                self.ask(client, *words)
                self.witness.ask('DEL', 'k:1', 'plain')
                self.heard(client)
                self.witness.ask('SADD', 'k:1', 'x')
                self.witness.ask('SADD', 'plain', 'x')
                self.witness.ask('PUBLISH', 'a plain channel', 'x')
                self.assertEqual(self.heard(client), told)
                client.close()


if __name__ == '__main__':
    tap.main()
