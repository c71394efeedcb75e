"""A daemon with one rule, its Redis, and a client that does nothing wrong, for tests of what happens beside it."""

import unittest

from harness.servers import Keyshift, RedisServer

RULES = '''
[domain.bench]
default_ttl = "1h"

[[rule]]
legacy = "k:{id}"
key    = "bench:kv:id:{id}"
'''


def is_error(reply):
    return reply[0] == '-'


def given_ttl(connection, key):
    """The expiry that the key was given, in seconds: what is left of it, as the next whole minute."""
    left = connection.ask('TTL', key)
    return left if left < 0 else -(-left // 60) * 60


class WithServers(unittest.TestCase):
    """A Redis and a daemon for all tests of the class."""

    config = RULES

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()
        cls.keyshift = Keyshift(cls.redis.url, config=cls.config)

    @classmethod
    def tearDownClass(cls):
        cls.keyshift.stop()
        cls.redis.stop()

    def setUp(self):
        self.witness = self.keyshift.connect()
        self.witness.ask('SET', 'k:witness', 'fine')

    def tearDown(self):
        """Whatever happened to others: a client that did nothing wrong is served as before."""
        self.assertFalse(self.keyshift.exited(), 'the daemon ended')
        self.assertEqual(self.witness.ask('GET', 'k:witness'), b'fine')
        self.witness.close()

    def clients(self):
        return self.keyshift.metric('client_connections')
