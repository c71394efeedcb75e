#!/usr/bin/env python3
"""What becomes of expiries, command by command, against real servers: every command that gives one or leaves a key
without, under every policy, in every phase, in small and in streamed requests.

Each case runs twice with the same names: on a Redis that knows no policy, and through Keyshift. The replies must be
equal byte for byte, errors too. The expiry upstream (PEXPIRETIME) must be the bare one as the policy judges it; what is
counted from "now" is compared with the clock before and after, so nothing depends on how fast the test is.
"""

import os
import random
import string
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.servers import Keyshift, RedisServer
from ttl_cases import (CONFIG, DAY, EXPIRING, FAR, HOUR, KEEPING, LENGTHS, LLONG_MAX, MINUTE, POLICIES, SECOND, TEXTS,
                       WRITES, physical)

THRESHOLD = 2048
# More than arrives in one piece, and more than Redis can make small: DUMP's payload is large as well.
BIG = ''.join(random.Random(1).choices(string.printable[:94], k=90_000))


def now_ms():
    return time.time_ns() // 1_000_000


class Side:
    """One of the two servers: a client as the application has it, and the keys as they are."""

    def __init__(self, client, direct, name_of):
        self.client, self.direct, self.name_of = client, direct, name_of

    def run(self, words):
        """The reply to a command, and the clock before and after all that belongs to it was done."""
        begin = now_ms()
        reply = self.client.command(*words)
        # What stands behind the command is done when the same client's next answer is here.
        self.client.command('EXISTS', 'a-fence')
        return reply, begin, now_ms() + 1

    def expiry(self, key):
        """-2: no key, -1: no expiry, else its point in time."""
        return self.direct.ask('PEXPIRETIME', self.name_of(key))


class TtlTest(unittest.TestCase):
    config = CONFIG
    options = ()
    environment = None
    value = 'v'

    @classmethod
    def setUpClass(cls):
        cls.bare, cls.redis = RedisServer(), RedisServer()
        cls.keyshift = Keyshift(cls.redis.url, config=cls.config, options=cls.options, env=cls.environment)
        cls.left = Side(cls.bare.connect(), cls.bare.connect(), str)
        cls.right = Side(cls.keyshift.connect(), cls.redis.connect(), physical)
        cls.left.direct.ask('SET', 'payload', cls.value)
        cls.payload = cls.left.direct.ask('DUMP', 'payload')
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        for process in (cls.keyshift, cls.redis, cls.bare):
            process.stop()

    def words(self, text, names, number=''):
        """The arguments of a line of ttl_cases.py."""
        spell = {'K': names['K'], 'D': names['D'], 'N': number, 'P': self.payload, 'v': self.value,
                 'FAR': FAR}
        return [spell.get(word, word) for word in text.split()]

    def names(self, policy):
        """Two fresh keys of a policy."""
        type(self).number += 1
        return {'K': '%s-%d' % (policy, self.number), 'D': '%s-%d9d' % (policy, self.number)}

    def both(self, names, before, command, number=''):
        """Runs a case on both sides, compares the replies, and returns (bare expiry, ours, begin, end)."""
        for side in (self.left, self.right):
            if before:
                # Straight to the key: this is the data that was there before Keyshift was.
                side.direct.ask(*[side.name_of(word) if word in names.values() else word
                                  for word in self.words(before, names)])
        words = self.words(command, names, number)
        theirs, begin, _ = self.left.run(words)
        ours, _, end = self.right.run(words)
        self.assertEqual(ours, theirs, words)
        said = self.right.client.ask('PEXPIRETIME', names['K'])
        expiry = self.right.expiry(names['K'])
        self.assertEqual(said, expiry, 'what the client is told is not what holds')
        self.reply = theirs
        return self.left.expiry(names['K']), expiry, begin, end

    def assert_lasts(self, expiry, low, high, begin, end, what):
        """The expiry lies `low` to `high` from some moment between begin and end."""
        self.assertGreaterEqual(expiry, begin + low, what)
        self.assertLessEqual(expiry, end + high, what)

    def assert_judged(self, policy, case, number, bare, ours, begin, end, what):
        """`bare` is the expiry that Redis gave by itself: what does the policy make of it?"""
        # Whole seconds that count from 1970 are rounded, and so is a bound between two of them.
        slack = case.tick if case.absolute or policy is POLICIES['odd'] else 0
        least = policy.min or 0
        most = policy.max or LLONG_MAX
        shortest, longest = (bare - end, bare - begin) if case.absolute else [int(number) * case.tick] * 2
        if policy.mode == 'override':
            self.assert_lasts(ours, policy.default - slack, policy.default + slack, begin, end, what)
        elif policy.mode == 'keep' or (longest <= most and shortest >= least):
            if case.absolute:
                self.assertEqual(ours, bare, what)
            else:
                self.assertLessEqual(abs(ours - bare), end - begin, what)
        elif shortest > most:
            self.assert_lasts(ours, most - slack, most, begin, end, what)
        elif longest < least:
            self.assert_lasts(ours, least, least + slack, begin, end, what)
        # Else it is a point in time so near to a bound that the clock of each run decides.

    def numbers(self, case):
        for name, length in LENGTHS.items():
            if length % case.tick == 0 or length > DAY:
                value = (length + (now_ms() if case.absolute else 0)) // case.tick
                yield name, str(value)
        for text in TEXTS:
            yield repr(text), text

    def run_expiring(self, case, policy_name):
        policy = POLICIES[policy_name]
        for name, number in self.numbers(case):
            names = self.names(policy_name)
            bare, ours, begin, end = self.both(names, case.before, case.words, number)
            what = '%s with %s (%s) under %s: bare %d, ours %d, now %d to %d, reply %s' % (
                case.words, name, number, policy_name, bare, ours, begin, end, self.reply[1])
            took = self.reply[0] != '-' and self.reply not in ((':', 0), ('$', None))
            if not took and bare == -1 and ours != -1:
                # What could have left the key without an expiry has the default behind it, whatever its reply.
                self.assertIn(case.words.split()[0].upper(), ('SET', 'GETEX', 'RESTORE'), what)
                self.assert_default(policy, ours, begin, end, what)
            elif bare == -2 or not took:
                self.assertEqual(ours, bare, what)
            elif bare == -1:
                self.assert_default(policy, ours, begin, end, what)   # RESTORE with 0: for ever
            else:
                self.assert_judged(policy, case, number, bare, ours, begin, end, what)

    def assert_default(self, policy, ours, begin, end, what):
        if policy.default is None:
            self.assertEqual(ours, -1, what)
        else:
            self.assert_lasts(ours, policy.default, policy.default, begin, end, what)

    def run_writes(self, policy_name, writes=WRITES):
        policy = POLICIES[policy_name]
        for before, command in writes:
            bare, ours, begin, end = self.both(self.names(policy_name), before, command)
            what = '%s | %s under %s: bare %d, ours %d' % (before, command, policy_name, bare, ours)
            self.assertEqual(bare, -1, 'a case that is none: ' + what)
            self.assert_default(policy, ours, begin, end, what)


class ByPolicy(TtlTest):
    def test_an_expiry_that_the_client_gives_is_judged(self):
        for policy in POLICIES:
            for case in EXPIRING:
                with self.subTest(policy=policy, command=case.words):
                    self.run_expiring(case, policy)

    def test_a_write_without_expiry_leaves_the_default(self):
        for policy in POLICIES:
            with self.subTest(policy=policy):
                self.run_writes(policy)

    def test_what_is_there_is_kept_and_what_is_not_is_not_added(self):
        for policy in POLICIES:
            for before, command in KEEPING:
                with self.subTest(policy=policy, command=command):
                    bare, ours, _, _ = self.both(self.names(policy), before, command)
                    self.assertEqual(ours, bare)


    def test_gt_and_lt_compare_with_what_the_policy_makes_of_it(self):
        key = physical('clamped-gt')
        client, direct = self.right.client, self.right.direct
        client.ask('SET', 'clamped-gt', 'v', 'EX', 86_000)
        first = direct.ask('PEXPIRETIME', key)
        self.assertEqual(client.ask('EXPIRE', 'clamped-gt', 10**9, 'LT'), 0, 'a day is more than there is')
        self.assertEqual(direct.ask('PEXPIRETIME', key), first)
        begin = now_ms()
        self.assertEqual(client.ask('EXPIRE', 'clamped-gt', 10**9, 'GT'), 1)
        self.assert_lasts(direct.ask('PEXPIRETIME', key), DAY, DAY, begin, now_ms() + 1, 'GT')

    def test_each_key_of_a_command_has_the_default_of_its_own_domain(self):
        begin = now_ms()
        self.right.client.ask('MSET', 'clamped-m1', 1, 'overridden-m2', 2, 'free-m3', 3, 'brief-m4', 4, 'unknown', 5)
        self.right.client.ask('EXISTS', 'a-fence')
        end = now_ms() + 1
        for key in ('clamped-m1', 'overridden-m2', 'free-m3', 'brief-m4'):
            self.assert_default(POLICIES[key.split('-')[0]], self.right.expiry(key), begin, end, key)
        self.assertEqual(self.right.direct.ask('PEXPIRETIME', 'unknown'), -1)

    def test_a_default_is_given_in_the_database_of_the_key(self):
        self.right.client.ask('SET', 'free-copied', 'v')
        begin = now_ms()
        self.right.client.ask('COPY', 'free-copied', 'clamped-copied', 'DB', 3)
        self.right.client.ask('EXISTS', 'a-fence')
        with self.redis.connect() as other:
            other.ask('SELECT', 3)
            self.assert_lasts(other.ask('PEXPIRETIME', physical('clamped-copied')), HOUR, HOUR, begin,
                              now_ms() + 1, 'COPY')

    def test_what_is_done_is_counted(self):
        def count(action):
            return self.keyshift.metric('ttl_rewrites_total', domain='clamped', action=action)
        for words, action in ((['SET', 'clamped-c', 'v'], 'default'), (['SADD', 'clamped-d', 'v'], 'default'),
                              (['SETEX', 'clamped-c', 10**7, 'v'], 'clamp'), (['SETEX', 'clamped-c', 3600, 'v'], None)):
            before = {each: count(each) for each in ('default', 'clamp', 'override')}
            self.right.client.ask(*words)
            for each, number in before.items():
                self.assertEqual(count(each) - number, each == action, (words, each))
        self.assertEqual(self.keyshift.metric('ttl_observed_total'), 0)


class Streamed(TtlTest):
    """The same where the value is relayed while it arrives: what stands behind it is judged as it passes."""

    config = CONFIG + '\n[limits]\nstream_threshold = "%d"\n' % THRESHOLD
    value = BIG

    def test_an_expiry_that_the_client_gives_is_judged(self):
        for policy in POLICIES:
            for case in EXPIRING:
                if {'v', 'P'} & set(case.words.split()):
                    with self.subTest(policy=policy, command=case.words):
                        self.run_expiring(case, policy)

    def test_a_write_without_expiry_leaves_the_default(self):
        for policy in POLICIES:
            with self.subTest(policy=policy):
                self.run_writes(policy, [write for write in WRITES if {'v', 'P'} & set(write[1].split())
                                         and write[1].split()[0] not in ('SETRANGE',)])

    def test_values_are_in_fact_relayed(self):
        """Else this class would test nothing: a default behind the command, where a small SET carries it."""
        def calls(name):
            stats = self.right.direct.ask('INFO', 'commandstats').decode()
            return int(stats.partition('cmdstat_%s:calls=' % name)[2].partition(',')[0] or 0)
        before = calls('pexpire')
        self.right.run(['SET', 'clamped-relayed', 'v'])
        self.assertEqual(calls('pexpire'), before)
        self.right.run(['SET', 'clamped-relayed', BIG])
        self.assertEqual(calls('pexpire'), before + 1)

    def test_what_is_there_is_kept(self):
        for policy in POLICIES:
            for before, command in KEEPING:
                if 'v' in command.split():
                    with self.subTest(policy=policy, command=command):
                        bare, ours, _, _ = self.both(self.names(policy), before, command)
                        self.assertEqual(ours, bare)

    def test_what_is_done_is_counted(self):
        def count(action):
            return self.keyshift.metric('ttl_rewrites_total', domain='clamped', action=action)
        for options, action in (([], 'default'), (['NX'], 'default'), (['XX', 'EX', 10**7], 'clamp'),
                                (['EX', 3600], None), (['KEEPTTL'], None)):
            before = {each: count(each) for each in ('default', 'clamp', 'override')}
            self.right.client.ask('SET', 'clamped-c' + str(len(options)), BIG, *options)
            self.right.client.ask('EXISTS', 'a-fence')
            for each, number in before.items():
                self.assertEqual(count(each) - number, each == action, (options, each))


class Legacy(TtlTest):
    """In phase legacy nothing changes, whatever the policy: what would have been done is counted."""

    options = ('--phase', 'legacy')
    wanted = {'default': 'clamped', 'clamp': 'clamped', 'override': 'overridden'}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.right.name_of = str

    def test_nothing_changes_and_all_is_counted(self):
        for policy in POLICIES:
            for case in EXPIRING:
                for name, number in self.numbers(case):
                    bare, ours, begin, end = self.both(self.names(policy), case.before, case.words, number)
                    if case.absolute or bare < 0:
                        self.assertEqual(ours, bare, (policy, case.words, number))
                    else:
                        self.assertLessEqual(abs(ours - bare), end - begin, (policy, case.words, number))
            for before, command in WRITES:
                bare, ours, _, _ = self.both(self.names(policy), before, command)
                self.assertEqual((bare, ours), (-1, -1), (policy, command))
        for action, domain in self.wanted.items():
            self.assertGreater(self.keyshift.metric('ttl_observed_total', domain=domain, action=action), 0, action)
        self.assertEqual(self.keyshift.metric('ttl_rewrites_total'), 0)


class LegacyStreamed(Legacy):
    config = Streamed.config
    value = BIG


class LegacyByFlag(Legacy):
    """The flag of the emergency holds for what the file says otherwise, too."""

    config = CONFIG.replace('[domain.kept]', '[domain.kept]\nphase = "consolidated"')
    options = ()
    environment = {'USE_CONSOLIDATED_CACHE': 'false'}


class Jitter(unittest.TestCase):
    KEYS = 2000
    CONFIG = '''
[domain.spread]
default_ttl = "10h"
jitter      = "10%"
mode        = "override"

[domain.bounded]
default_ttl = "10h"
min_ttl     = "595m"
max_ttl     = "10h"
jitter      = "50%"

[domain.legacy]
default_ttl = "10h"
jitter      = "10%"
phase       = "legacy"
'''

    def expiries(self, client, direct, commands):
        """How long each of the keys lasts, from the moments before and after: the widest that can be said."""
        begin = now_ms()
        client.pipeline([words for _, words in commands] + [['EXISTS', 'a-fence']])
        end = now_ms() + 1
        found = [plain for _, plain in direct.pipeline([['PEXPIRETIME', key] for key, _ in commands])]
        return [(expiry - end, expiry - begin) for expiry in found]

    def test_expiries_spread_within_the_bounds(self):
        with RedisServer() as redis, Keyshift(redis.url, config=self.CONFIG) as keyshift, \
                keyshift.connect() as client, redis.connect() as direct:
            for name, low, high, words in (
                    ('spread', 9 * HOUR, 11 * HOUR, ['SET', 'KEY', 'v']),
                    ('spread', 9 * HOUR, 11 * HOUR, ['SADD', 'KEY', 'v']),
                    ('spread', 9 * HOUR, 11 * HOUR, ['SETEX', 'KEY', 5, 'v']),
                    ('bounded', 595 * MINUTE, 10 * HOUR, ['SET', 'KEY', 'v']),
                    ('bounded', 595 * MINUTE, 10 * HOUR, ['HSET', 'KEY', 'f', 'v'])):
                keys = ['%s:%s:%d' % (name, words[0].lower(), i) for i in range(self.KEYS)]
                found = self.expiries(client, direct, [(key, [key if word == 'KEY' else word for word in words])
                                                       for key in keys])
                for least, most in found:
                    self.assertLessEqual(least, high, words)
                    self.assertGreaterEqual(most, low, words)
                # All of the room is used, and no part of it by most: in each tenth there are about a tenth of the keys.
                tenths = [0] * 10
                for least, _ in found:
                    tenths[min(9, max(0, (least - low) * 10 // (high - low)))] += 1
                self.assertGreater(min(tenths), self.KEYS // 30, (words, tenths))
                self.assertLess(max(tenths), self.KEYS // 5, (words, tenths))
                self.assertGreater(len({expiry // SECOND for expiry, _ in found}), self.KEYS // 20)
            client.ask('SET', 'legacy:key', 'v')
            self.assertEqual(direct.ask('PEXPIRETIME', 'legacy:key'), -1)
            self.assertEqual(keyshift.metric('ttl_observed_total', domain='legacy', action='default'), 1)


if __name__ == '__main__':
    tap.main()
