"""The example configurations of conf/examples do what they say: every rule, every expiry, every name that must be left
alone, through the daemon and against a real Redis. The tables are in example_tables.py.
"""

import os
import re
import sys
import time
import tomllib
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import redis

from example_tables import (CELERY, DJANGO, EXAMPLES, FIVE_DATABASES, GUIDE_BEFORE, GUIDE_INVALIDATION, GUIDE_KEYS, GUIDE_TTLS,
                            SIDEKIQ, VOICE_AGENT, WRITING_ASSISTANT)
from harness import tap
from harness.servers import Keyshift, RedisServer

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'conf', 'examples')
# The key that a rule is for, behind its [[rule]] or on the line above.
RULE = re.compile(r'^(?:# (\S+)\n)?\[\[rule\]\](?: +# (\S+))?$', re.M)


def text_of(file):
    with open(os.path.join(FOLDER, file), encoding='utf-8') as stream:
        return stream.read()


class WithExample(unittest.TestCase):
    """One daemon with the legacy view and one with the consolidated view of the same Redis."""

    example = None

    @classmethod
    def setUpClass(cls):
        cls.text = text_of(cls.example.file)
        cls.scheme = tomllib.loads(cls.text)
        cls.upstream = RedisServer()
        cls.legacy = Keyshift(cls.upstream.url, config=cls.text)
        cls.consolidated = Keyshift(cls.upstream.url, config=cls.text,
                                    options=('--listener-view', 'consolidated'))
        cls.direct, cls.old, cls.new = (
            redis.Redis(port=server.port, decode_responses=True, socket_timeout=60)
            for server in (cls.upstream, cls.legacy, cls.consolidated))

    @classmethod
    def tearDownClass(cls):
        for client in (cls.old, cls.new, cls.direct):
            client.close()
        for server in (cls.legacy, cls.consolidated, cls.upstream):
            server.stop()

    def setUp(self):
        self.direct.flushall()

    def rule_counts(self):
        found = {series: value for series, value in self.legacy.metrics().items()
                 if series.startswith('keyshift_rule_keys_total{')}
        self.assertEqual(len(found), len(self.scheme['rule']))
        return {re.search(r'rule="(.*)"\}', series).group(1): value for series, value in found.items()}

    def rule_of(self, name, client=None):
        """The rules whose counters rise when a client names `name`."""
        before = self.rule_counts()
        (client or self.old).exists(name)
        after = self.rule_counts()
        return [rule for rule in after if after[rule] > before[rule]]

    def jitter(self, key):
        domain, resource = (key.split(':') + [''])[:2]
        table = self.scheme['domain'][domain]
        own = table.get('resource', {}).get(resource, {})
        return float(own.get('jitter', table.get('jitter', '0%')).rstrip('%')) / 100

    def expect_expiry(self, write, key, seconds, jitter=0.0):
        """Runs `write`; then `key` ends `seconds` after it, more or less by the jitter. None: never."""
        before = time.time()
        write()
        after = time.time()
        ends = self.direct.pexpiretime(key) / 1000
        if seconds is None:
            self.assertEqual(self.direct.pexpiretime(key), -1, '%s: -1 is none, -2 no such key' % key)
        else:
            self.assertTrue(before + seconds * (1 - jitter) - 1 <= ends <= after + seconds * (1 + jitter) + 1,
                            '%s ends in %.1f s, not %s' % (key, ends - before, seconds))

    def keys(self, client, pattern='*'):
        """What KEYS and SCAN find; both must find the same."""
        found = sorted(client.keys(pattern))
        self.assertEqual(sorted(set(client.scan_iter(pattern, count=7))), found)
        return found


class Checks:
    """What holds for every example."""

    def test_every_key_gets_its_name_and_expiry_both_ways(self):
        for legacy, key, seconds in self.example.rows:
            for client in (self.old, self.new):
                for name in (legacy, key):
                    with self.subTest(name=name, view='legacy' if client is self.old else 'consolidated'):
                        self.direct.flushall()
                        self.expect_expiry(lambda c=client, n=name: c.set(n, 'v'), key, seconds, self.jitter(key))
                        self.assertEqual(self.direct.keys(), [key])
                        self.assertEqual([client.get(legacy), client.get(key)], ['v', 'v'])
            self.assertEqual(self.keys(self.old), [legacy])
            self.assertEqual(self.keys(self.new), [key])
            self.assertEqual(self.old.delete(legacy), 1)
            self.assertEqual(self.direct.dbsize(), 0)

    def test_all_keys_together_are_found_by_either_name(self):
        for legacy, _, _ in self.example.rows:
            self.old.set(legacy, legacy)
        self.assertEqual(self.direct.dbsize(), len(self.example.rows))
        self.assertEqual(self.keys(self.old), sorted(row[0] for row in self.example.rows))
        self.assertEqual(self.keys(self.new), sorted(row[1] for row in self.example.rows))
        self.assertEqual(self.new.mget([row[1] for row in self.example.rows]),
                         [row[0] for row in self.example.rows])

    def test_other_writes_get_the_expiry_too(self):
        writes = (lambda n: self.old.hset(n, 'f', 1), lambda n: self.old.rpush(n, 1), lambda n: self.old.incr(n),
                  lambda n: self.old.sadd(n, 1), lambda n: self.old.zadd(n, {'a': 1}))
        for number, (legacy, key, seconds) in enumerate(self.example.rows):
            with self.subTest(legacy):
                self.expect_expiry(lambda n=legacy, w=writes[number % len(writes)]: w(n), key, seconds,
                                   self.jitter(key))

    def test_an_expiry_that_the_client_gives_is_kept_within_bounds(self):
        names = {row[0]: row[1] for row in self.example.rows}
        for legacy, given, left in self.example.given:
            with self.subTest(legacy=legacy, given=given):
                key = names.get(legacy) or self.name_behind(legacy)
                self.expect_expiry(lambda n=legacy, s=given: self.old.set(n, 'v', ex=s), key, left)
                self.old.set(legacy, 'v')
                self.expect_expiry(lambda n=legacy, s=given: self.old.expire(n, s), key, left)

    def name_behind(self, legacy):
        self.direct.flushall()
        self.old.set(legacy, 'v')
        return self.direct.keys()[0]

    def test_names_of_a_domain_that_no_rule_knows_stay_and_get_its_expiry(self):
        for key, seconds in self.example.native:
            for client in (self.old, self.new):
                with self.subTest(key):
                    self.direct.flushall()
                    self.expect_expiry(lambda c=client, k=key: c.set(k, 'v'), key, seconds, self.jitter(key))
                    self.assertEqual(self.direct.keys(), [key])
                    self.assertEqual(self.keys(client), [key])

    def test_what_is_left_alone_keeps_its_name_and_gets_no_expiry(self):
        writes = (lambda c, n: c.set(n, 1), lambda c, n: c.lpush(n, 1), lambda c, n: c.sadd(n, 1),
                  lambda c, n: c.zadd(n, {'a': 1}), lambda c, n: c.hset(n, 'f', 1), lambda c, n: c.incr(n))
        for client in (self.old, self.new):
            for write in writes:
                self.direct.flushall()
                for name in self.example.untouched:
                    write(client, name)
                self.assertEqual(sorted(self.direct.keys()), sorted(self.example.untouched))
                self.assertEqual([self.direct.ttl(name) for name in self.example.untouched],
                                 [-1] * len(self.example.untouched))
            self.assertEqual(self.keys(client), sorted(self.example.untouched))

    def test_every_rule_is_in_the_table(self):
        hit = {rule for legacy, _, _ in self.example.rows for rule in self.rule_of(legacy)}
        self.assertEqual({rule['legacy'] for rule in self.scheme['rule']} - hit, set())

    def test_the_key_in_the_comment_of_a_rule_fits_it(self):
        shown = [above or behind for above, behind in RULE.findall(self.text)]
        self.assertEqual(len(shown), len(self.scheme['rule']))
        for key, rule in zip(shown, self.scheme['rule']):
            with self.subTest(rule['legacy']):
                self.assertTrue(key, 'no key is shown')
                self.assertEqual(self.rule_of(key), [rule['legacy']])

    def test_the_phase_legacy_leaves_everything_alone(self):
        with Keyshift(self.upstream.url, config=self.text, env={'USE_CONSOLIDATED_CACHE': 'false'}) as front:
            with redis.Redis(port=front.port, decode_responses=True) as client:
                for legacy, _, _ in self.example.rows:
                    client.set(legacy, 'v')
            legacy = sorted(row[0] for row in self.example.rows)
            self.assertEqual(sorted(self.direct.keys()), legacy)
            self.assertEqual({self.direct.ttl(name) for name in legacy}, {-1})


class WritingAssistant(Checks, WithExample):
    example = WRITING_ASSISTANT


class VoiceAgent(Checks, WithExample):
    example = VOICE_AGENT

    def test_a_response_is_found_by_its_tag(self):
        """A tag's set holds legacy names: values are not renamed, and the names work."""
        self.old.set('http_cache:GET:/a', 'page', ex=300)
        for tag in ('user', 'api'):
            self.old.sadd('http_tag:' + tag, 'http_cache:GET:/a')
        members = self.old.smembers('http_tag:user')
        self.assertEqual(members, {'http_cache:GET:/a'})
        self.assertEqual(self.old.mget(members), ['page'])
        self.assertEqual(self.old.delete(*members), 1)
        self.assertEqual(sorted(self.direct.keys()), ['http:tag:name:api', 'http:tag:name:user'])


class Celery(Checks, WithExample):
    example = CELERY


class Django(Checks, WithExample):
    example = DJANGO

    def test_what_never_expires_in_django_is_bounded(self):
        """cache.touch(key, None) is PERSIST."""
        self.old.set(':1:forever', 'v', ex=300)
        self.expect_expiry(lambda: self.old.persist(':1:forever'), 'cache:value:version:1:name:forever',
                           30 * 86400)

    def test_a_pattern_of_django_redis_finds_its_keys(self):
        for name in (':1:product:42', ':1:product:43', ':2:product:44', ':1:user:7'):
            self.old.set(name, 'v')
        self.assertEqual(self.keys(self.old, ':1:product:*'), [':1:product:42', ':1:product:43'])


class Sidekiq(Checks, WithExample):
    example = SIDEKIQ

    def test_statistics_count_under_their_old_names(self):
        self.assertEqual(self.old.incrby('stat:processed', 3), 3)
        self.assertEqual(self.old.incrby('stat:processed', 4), 7)
        self.assertEqual(self.old.mget('stat:processed', 'stat:failed'), ['7', None])
        self.old.mset({'stat:failed': 0, 'stat:processed': 0})
        self.assertEqual([self.direct.ttl(key) for key in sorted(self.direct.keys())], [-1, -1])


class FiveDatabases(WithExample):
    """A client of each of the services; all their keys are in one database."""

    example = FIVE_DATABASES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.direct.close()
        cls.direct = cls.database(cls.upstream, cls.example.into)
        cls.services = {database: cls.database(cls.legacy, database) for database in range(10)}

    @classmethod
    def tearDownClass(cls):
        for client in cls.services.values():
            client.close()
        super().tearDownClass()

    @staticmethod
    def database(server, number):
        return redis.Redis(port=server.port, db=number, decode_responses=True, socket_timeout=60)

    def of(self, database):
        return sorted(row[1] for row in self.example.rows if row[0] == database)

    def test_every_key_gets_its_name_and_expiry_both_ways(self):
        for database, legacy, key, seconds in self.example.rows:
            service = self.services[database]
            for name in (legacy, key):
                with self.subTest(database=database, name=name):
                    self.direct.flushall()
                    self.expect_expiry(lambda c=service, n=name: c.set(n, 'v'), key, seconds)
                    self.assertEqual(self.direct.keys(), [key])
                    self.assertEqual(service.mget(legacy, key), ['v', 'v'])
                    self.assertEqual(self.new.get(key), 'v', 'the service that replaces the five')
                    self.expect_expiry(lambda c=service, n=name: c.append(n, 'v'), key, seconds)

    def test_each_service_finds_its_own_keys_and_their_successor_finds_all(self):
        for database, legacy, key, _ in self.example.rows:
            self.services[database].set(legacy, key)
        for database, service in self.services.items():
            self.assertEqual(self.keys(service), self.of(database))
            self.assertEqual(service.dbsize(), len(self.of(database)))
        self.assertEqual(self.keys(self.new), sorted(row[2] for row in self.example.rows))
        for database, legacy, key, _ in self.example.rows:
            self.assertEqual(self.services[database].get(legacy), key)
        self.services[2].flushdb()
        self.assertEqual(self.keys(self.new), sorted(row[2] for row in self.example.rows if row[0] != 2))

    def test_an_expiry_that_the_client_gives_is_kept_within_bounds(self):
        keys = {row[:2]: row[2] for row in self.example.rows}
        for database, legacy, given, left in self.example.given:
            with self.subTest(database=database, legacy=legacy, given=given):
                self.expect_expiry(lambda c=self.services[database], n=legacy, s=given: c.set(n, 'v', ex=s),
                                   keys[database, legacy], left)

    def test_what_no_rule_knows_is_kept_apart_without_expiry(self):
        for database, name in self.example.unmatched:
            self.services[database].set(name, database)
        stored = ['db%d:%s' % (database, name) for database, name in self.example.unmatched]
        self.assertEqual(sorted(self.direct.keys()), sorted(stored))
        self.assertEqual({self.direct.ttl(key) for key in stored}, {-1})
        for database, name in self.example.unmatched:
            self.assertEqual(self.services[database].get(name), str(database))
            self.assertIn(name, self.keys(self.services[database]))

    def test_every_rule_is_in_the_table_and_fits_the_key_in_its_comment(self):
        titles = ['%s (db %d)' % (rule['legacy'], rule['db']) for rule in self.scheme['rule']]
        hit = {rule for database, legacy, _, _ in self.example.rows
               for rule in self.rule_of(legacy, self.services[database])}
        self.assertEqual(hit, set(titles))
        shown = [above or behind for above, behind in RULE.findall(self.text)]
        self.assertEqual(len(shown), len(titles))
        for key, rule, title in zip(shown, self.scheme['rule'], titles):
            self.assertEqual(self.rule_of(key, self.services[rule['db']]), [title])

    def test_the_phase_legacy_leaves_the_databases_as_they_were(self):
        with Keyshift(self.upstream.url, config=self.text, env={'USE_CONSOLIDATED_CACHE': 'false'}) as front:
            for database, legacy, _, _ in self.example.rows:
                with self.database(front, database) as client:
                    client.set(legacy, 'v')
        for database in range(10):
            with self.database(self.upstream, database) as client:
                self.assertEqual(sorted(client.keys()), self.of(database))
                self.assertEqual({client.ttl(key) for key in client.keys()} - {-1}, set())


class SecondGuide(WithExample):
    """The tables of the cache pattern migration guide, line by line."""

    example = WRITING_ASSISTANT

    def test_every_line_of_its_cache_key_patterns(self):
        names = {key: legacy for legacy, key, _ in self.example.rows}
        lines = re.findall(r'^"(.*)"$', GUIDE_KEYS, re.M)
        self.assertEqual(len(lines), 18)
        for key in lines:
            with self.subTest(key):
                self.direct.flushall()
                self.old.set(names[key], 'by its legacy name')
                self.assertEqual(self.direct.keys(), [key])
                self.assertEqual(self.new.get(key), 'by its legacy name')
                self.new.set(key, 'by its own')
                self.assertEqual(self.direct.keys(), [key])
                self.assertEqual(self.old.get(names[key]), 'by its own')

    def test_every_row_of_its_ttl_table(self):
        units = {'minutes': 60, 'hour': 3600, 'hours': 3600, 'days': 86400}
        rows = re.findall(r'^\| ([\w ]+) \| (\d+) (\w+) \|', GUIDE_TTLS, re.M)
        self.assertEqual(len(rows), 7)
        for name, number, unit in rows:
            domain = name.lower().replace(' ', '_') + ':'
            seconds = int(number) * units[unit]
            of_domain = [row for row in self.example.rows if row[1].startswith(domain)]
            self.assertTrue(of_domain, domain)
            for legacy, key, _ in of_domain + [(None, domain + 'made:by:new:code', None)]:
                with self.subTest(key):
                    self.expect_expiry(lambda n=legacy or key: self.old.set(n, 'v'), key, seconds, self.jitter(key))

    def test_the_keys_before_with_their_seconds(self):
        values = {'user_id': 'user123', 'days': 30, 'user_uuid': '7f3a', 'task_id': 'task123'}
        names = {legacy: key for legacy, key, _ in self.example.rows}
        found = re.findall(r'cache_key = f"(.*)".*\n.*ttl=(\d+)\)', GUIDE_BEFORE)
        self.assertEqual(len(found), 3)
        for template, seconds in found:
            legacy = template.format(**values)
            with self.subTest(legacy):
                self.expect_expiry(lambda n=legacy, s=int(seconds): self.old.set(n, 'v', ex=s), names[legacy],
                                   int(seconds))
                self.expect_expiry(lambda n=legacy, s=int(seconds): self.old.setex(n, s, 'v'), names[legacy],
                                   int(seconds))

    def test_its_invalidation_patterns_find_what_they_name(self):
        names = {legacy: key for legacy, key, _ in self.example.rows}
        for what, patterns, gone in GUIDE_INVALIDATION:
            with self.subTest(what):
                self.direct.flushall()
                for legacy in names:
                    self.old.set(legacy, 'v')
                self.old.set('writing_stats:user999:30d', 'of somebody else')
                found = [key for pattern in patterns for key in self.keys(self.new, pattern)]
                self.assertEqual(sorted(found), sorted(names[legacy] for legacy in gone))
                behind = [key for pattern in patterns for key in self.direct.keys(pattern)]
                self.assertEqual(sorted(found), sorted(behind))
                self.assertEqual(self.new.delete(*found), len(gone))
                self.assertEqual(self.old.exists(*gone), 0)
                self.assertEqual(self.old.get('writing_stats:user999:30d'), 'of somebody else')


class Files(unittest.TestCase):
    def test_every_example_has_a_table(self):
        self.assertEqual(sorted(os.listdir(FOLDER)), sorted(example.file for example in EXAMPLES))

    def test_every_example_says_what_it_is_and_how_to_run_it(self):
        for example in EXAMPLES:
            with self.subTest(example.file):
                head = text_of(example.file).split('\n\n', 1)[0]
                self.assertTrue(all(line.startswith('#') for line in head.split('\n')), head)
                self.assertIn('keyshift serve', head)
                self.assertIn('--config conf/examples/' + example.file, head)


if __name__ == '__main__':
    tap.main()
