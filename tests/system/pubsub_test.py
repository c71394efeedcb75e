"""Publish and subscribe: what subscribers are told and when, over one upstream connection for all of them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import RULES, WithServers, is_error
from harness.resp import Closed, encode
from harness.servers import wait_for


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
        client = self.client(3)
        client.send(encode(('PUBLISH', 'self', 'before')) + encode(('SUBSCRIBE', 'self')) +
                    encode(('PUBLISH', 'self', 'between')) + encode(('UNSUBSCRIBE', 'self')) +
                    encode(('PUBLISH', 'self', 'behind')) + encode(('ECHO', 'end')))
        frames = []
        while not frames or frames[-1] != bulk('end'):
            frames.append(client.read_raw())
        self.assertEqual([one for one in frames if one[0] == '>'],
                         [frame('>', 'subscribe', 'self', 1), frame('>', 'message', 'self', 'between'),
                          frame('>', 'unsubscribe', 'self', 0)])

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
