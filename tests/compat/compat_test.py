"""What `./dev compat` relies on, without a run of it: reading the suite's output and apt's files, and the verdict."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'system'))

from harness import tap
from redis_source import deb_src
from redis_suite import Exceptions, Outcome, judge
from suite_log import parse

OUTPUT = '''Cleanup: may take some time... OK
[ready]: 22014
Testing unit/type/string
[ok]: SET and GET (an item) (12 ms)
[ok]: twice - quicklist (0 ms)
[ok]: twice - quicklist (0 ms)
[ignore]: Tag: slow denied
[skip]: not wanted
[err]: says why in tests/unit/type/string.tcl
Expected 'a' to be equal to 'b' (context: type eval)
[err]: no assertion in tests/unit/type/string.tcl
ommand was refused
by the proxy
ERR the command was refused
by the proxy
    while executing
"[srv $level "client"] {*}$args"
[err]: name was cut
ERR the name was cut
    while executing
'''


class SuiteLog(unittest.TestCase):
    def test_counts_what_passed_and_failed(self):
        log = parse(OUTPUT + '[ok]: last (1 ms)\n\n                   The End\n\n*** [err]: again\n')
        self.assertEqual(log.passed,
                         ['SET and GET (an item)', 'twice - quicklist', 'twice - quicklist #2', 'last'])
        self.assertEqual(log.failed, [('says why', "Expected 'a' to be equal to 'b' (context: type eval)"),
                                      ('no assertion', 'ERR the command was refused by the proxy'),
                                      ('(outside of a test)', 'ERR the name was cut')])
        self.assertEqual(log.skipped, ['not wanted'])
        self.assertTrue(log.finished)
        self.assertEqual(log.ended_by, '')

    def test_names_the_test_that_hung(self):
        log = parse(OUTPUT + '[TIMEOUT]: clients state report follows.\nsock55d0 => (IN PROGRESS) BLPOP: one\n')
        self.assertEqual(log.ended_by, 'hang in: BLPOP: one')
        self.assertEqual(log.failed[-1], ('BLPOP: one', 'hangs'))

    def test_says_which_exception_ended_the_file(self):
        log = parse(OUTPUT + '[exception]: Executing test client: ERR no.\nERR no.\n    while executing\n')
        self.assertEqual(log.ended_by, 'exception: ERR no.')
        self.assertFalse(log.finished)


class AptSources(unittest.TestCase):
    WANTED = {'http://mirror.example/debian'}

    def test_lines_of_the_archive_become_deb_src(self):
        text = '''# deb http://mirror.example/debian old main
deb [signed-by=/a.gpg] http://mirror.example/debian/ bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://other.example/node bookworm main
'''
        self.assertEqual(deb_src(text, self.WANTED),
                         'deb-src [signed-by=/a.gpg] http://mirror.example/debian/ bookworm main')

    def test_stanzas_of_the_archive_become_deb_src(self):
        text = '''Types: deb deb-src
# URIs: http://other.example/debian
URIs: http://mirror.example/debian
Suites: bookworm
Signed-By: /a.gpg

Types: deb
URIs: http://other.example/node
Suites: nodistro

Types: deb
Enabled: no
URIs: http://mirror.example/debian
Suites: sid
'''
        self.assertEqual(deb_src(text, self.WANTED),
                         'Types: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nSigned-By: /a.gpg\n')


class Verdict(unittest.TestCase):
    def test_tells_lost_listed_and_stale(self):
        direct = Outcome(['a', 'b', 'c', 'd', 'f'], [['e', 'fails directly']], [], '', 1.0)
        outcome = Outcome(['a', 'e'], [['b', 'why']], ['f'], 'hang in: c', 1.0)
        verdict = judge(direct, outcome, {'a': 'listed', 'd': 'listed', 'f': 'listed, and left out'})
        self.assertEqual(verdict.missing, [('b', 'why'), ('c', 'did not run: hang in: c')])
        self.assertEqual(verdict.listed, ['d', 'f'])
        self.assertEqual(verdict.stale, ['a'])

    def test_every_exception_has_its_reason(self):
        for entry in Exceptions().entries:
            self.assertGreater(len(entry['reason']), 20, entry)
            self.assertTrue(entry['tests'], entry)
            self.assertIn(entry['mode'], ('plain', 'renamed', 'both'), entry)
            self.assertLessEqual(set(entry), {'file', 'tests', 'mode', 'reason', 'left_out'}, entry)


if __name__ == '__main__':
    tap.main()
