#!/usr/bin/env python3
"""What becomes of expiries, command by command, against real servers: every command that gives one or leaves a key without,
under every policy, in every phase, in small and in streamed requests.

Each case runs twice with the same names: on a Redis that knows no policy, and through Keyshift. The replies must be equal
byte for byte, errors too. The expiry upstream (PEXPIRETIME) must be the bare one as the policy judges it; what is counted
from "now" is compared with the clock before and after, so nothing depends on how fast the test is.
"""

import time
import unittest

from harness import tap
from harness.servers import Keyshift, RedisServer
from ttl_cases import (CONFIG, DAY, EXPIRING, FAR, HOUR, KEEPING, LENGTHS, LLONG_MAX, MINUTE, POLICIES, SECOND, TEXTS, WRITES,
                       physical)

THRESHOLD = 2048
BIG = 'x' * 5000


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
    value = 'v'

    @classmethod
    def setUpClass(cls):
        cls.bare, cls.redis = RedisServer(), RedisServer()
        cls.keyshift = Keyshift(cls.redis.url, config=cls.config, options=cls.options)
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

    def run_writes(self, policy_name):
        policy = POLICIES[policy_name]
        for before, command in WRITES:
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


if __name__ == '__main__':
    tap.main()
