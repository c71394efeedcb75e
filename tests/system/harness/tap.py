"""unittest in TAP, so that meson counts every test by its name.

    if __name__ == '__main__':
        tap.main()

A test that fails is followed by its traceback and the last lines of every log that its processes wrote.
"""

import os
import sys
import time
import unittest

from harness import servers

LOG_LINES = 40


def note(text):
    """Says something for the reader of the test log; not a result."""
    for line in str(text).split('\n'):
        print('# ' + line, flush=True)


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.began = 0.0
        self.failed = False
        self.shown = {}            # process -> log lines that an earlier failure showed

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.failed = False

    def line(self, test, passed, suffix=''):
        self.number += 1
        name = test.id().replace('__main__.', '').replace('#', '').strip()
        print('%s %d - %s%s' % ('ok' if passed else 'not ok', self.number, name, suffix), flush=True)

    def complain(self, test, error):
        if not self.failed:
            self.line(test, False)
        self.failed = True
        note(self._exc_info_to_string(error, test))
        for process in servers.running:
            lines = process.log().split('\n')[:-1]
            new = lines[self.shown.get(process, 0):]
            self.shown[process] = len(lines)
            if new:
                note('--- log of %s (%d)' % (process.name, process.pid))
                note('\n'.join(new[-LOG_LINES:]))

    def addSuccess(self, test):
        note('%.2f s' % (time.monotonic() - self.began))
        self.line(test, True)

    def addError(self, test, err):
        super().addError(test, err)
        self.complain(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.complain(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.failures.append((subtest, self._exc_info_to_string(err, test)))
            self.failed = False
            self.complain(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(test, True, ' # SKIP ' + reason)


def main(argv=None):
    """Runs the tests of the script, or those whose names contain an argument; exits with 0 where all passed."""
    wanted = [arg for arg in (sys.argv[1:] if argv is None else argv) if not arg.startswith('-')]
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    for group in loader.loadTestsFromModule(sys.modules['__main__']):
        tests = [test for test in group if not wanted or any(word in test.id() for word in wanted)]
        suite.addTests(tests)
    result = TapResult()
    suite.run(result)
    for process in list(servers.running):
        process.stop()
    print('1..%d' % result.number, flush=True)
    os._exit(0 if result.wasSuccessful() and result.number else 1)
