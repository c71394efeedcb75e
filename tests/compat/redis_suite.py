"""Runs Redis's own test suite against Redis and through Keyshift, and puts the results next to each other.

    redis_suite.py [--file unit/type/string]... [--mode direct|plain|renamed]... [--quick]
                   [--only TEST]... [--skip TEST]... [--report | --tap]

    file                    direct        plain              renamed            seconds
                              ok fail       ok fail  rest      ok fail  rest
    unit/type/string          74    0       74    0     0      74    0     0        21
    ...

Modes: `direct` is Redis alone, `plain` is Keyshift without rules, `renamed` is Keyshift with a rule that renames every
key. `rest` is what ran directly and did not run here, because something ended the file. Every file gets a fresh Redis
and a fresh Keyshift, since files leak configuration. `--quick` is a choice of files that takes five minutes at most;
`--only` and `--skip` choose tests by name or `/regular expression`; `--report` runs nothing and shows what earlier runs
left in build/compat/results.json; `--tap` prints a line for each file and mode, as `./dev test` counts them. Where a run
leaves `direct` out, its last result is compared with, if there is one.

A test that passes directly must pass in the other modes, unless exceptions.toml lists it with a reason; one that is
listed and passes is named too, so that the list stays true. One that would leave the server so that those behind it fail
is listed to be left out. A file in which no test ends for STALL_SECONDS is ended, and the test that hung counts as
failed. Exit code: 0 if nothing but listed exceptions failed, 1 otherwise.

The output of every run, and the logs of its servers, stay in build/compat/logs/FILE.MODE.*. The suite itself comes from
Debian's source package (redis_source.py).
"""

import argparse
import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'system'))

from harness import tap
from harness.servers import Keyshift, RedisServer, die_with_parent
import redis_source
import suite_log

MODES = ('direct', 'plain', 'renamed')
CACHE = os.path.join(ROOT, 'build', 'compat')
LOGS = os.path.join(CACHE, 'logs')
RESULTS = os.path.join(CACHE, 'results.json')

STALL_SECONDS = 60
FILE_SECONDS = 900

# What the suite needs of an external server; and Redis's own defaults, where those of our tests differ.
SERVER = ['--enable-protected-configs', 'yes', '--enable-debug-command', 'yes', '--enable-module-command', 'yes',
          '--maxclients', '10000', '--loglevel', 'notice']

# The tag is the suite's word for what takes minutes. The test depends on a check that Debian's security fix moved, and
# fails on Debian's own server.
SUITE = ['--tags', '-slow', '--skiptest', 'RESTORE fail with invalid payload size', '--durable']

# The suite administers its server, so what Keyshift refuses by default is let through in both configurations. Its long
# scripts have to be alone from their first moment, and it looks for the names of its clients in SLOWLOG.
ALLOW = '''
allow = ["ACL", "BGREWRITEAOF", "BGSAVE", "CLIENT PAUSE", "CLIENT UNPAUSE", "CLUSTER", "CONFIG", "DEBUG", "FAILOVER",
         "LATENCY", "MIGRATE", "MODULE", "REPLICAOF", "PSYNC", "REPLCONF", "RESTORE-ASKING", "SAVE", "SCRIPT",
         "SHUTDOWN", "SLAVEOF", "SYNC"]
[upstream]
scripts_on_leases = true
client_names = true
'''
# A test logs in as ACL users that it has made: the server judges that, as it does directly.
LISTENER = '''
[[listener]]
auth = "upstream"
'''
RENAME = '''
scripts = "map"

[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
CONFIGURATION = {'plain': ALLOW + LISTENER, 'renamed': ALLOW + LISTENER + RENAME}

# Most of the suite's tests for a fraction of its time: left out are files that wait or repeat themselves a lot (dump,
# list-3, geo, hyperloglog, scan, sort, expire, latency-monitor, redis-cli). 90 s directly on two busy cores.
QUICK = ('unit/protocol', 'unit/keyspace', 'unit/info-command', 'unit/type/string', 'unit/type/incr', 'unit/type/list',
         'unit/type/set', 'unit/type/zset', 'unit/type/hash', 'unit/type/stream', 'unit/type/stream-cgroups',
         'unit/other', 'unit/multi', 'unit/quit', 'unit/pubsub', 'unit/slowlog', 'unit/scripting', 'unit/functions',
         'unit/introspection', 'unit/introspection-2', 'unit/bitops', 'unit/bitfield', 'unit/lazyfree', 'unit/pause',
         'unit/tracking', 'unit/violations', 'unit/replybufsize')


@dataclasses.dataclass
class Outcome:
    """One file in one mode."""

    passed: list
    failed: list          # [name, reason]
    skipped: list         # names that --only or --skip left out
    ended_by: str         # what ended the file early, or nothing
    seconds: float

    @property
    def ran(self):
        return len(self.passed) + len(self.failed)


# Running one file.

def end_group(child):
    """Ends the runner, the clients that it started and the programs that they started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def run_suite(suite, unit, port, choice, log_path):
    """Runs one file of the suite against a port; returns what ended it from outside, or nothing."""
    # The runner takes the first free port from here on for itself; runs beside this one begin elsewhere.
    base = 20_000 + os.getpid() % 100 * 100
    argv = [os.path.join(suite, 'runtest'), '--host', '127.0.0.1', '--port', str(port), '--single', unit,
            '--baseport', str(base), '--portcount', '100', '--timeout', str(STALL_SECONDS)] + SUITE + choice
    with open(log_path, 'wb') as log:
        child = subprocess.Popen(argv, cwd=suite, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env={**os.environ, 'TERM': 'dumb', 'LC_ALL': 'C.UTF-8'},
                                 preexec_fn=die_with_parent, start_new_session=True)
        try:
            child.wait(FILE_SECONDS)
        except subprocess.TimeoutExpired:
            return 'no end within %d s' % FILE_SECONDS
        finally:
            end_group(child)
    return ''


def keep_log(process, path):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(process.log())


def run_file(suite, unit, mode, choice, exceptions):
    choice = choice + [word for name in exceptions.left_out(unit, mode) for word in ('--skiptest', name)]
    base = os.path.join(LOGS, '%s.%s' % (unit.replace('/', '-'), mode))
    began = time.monotonic()
    ended_by = ''
    with RedisServer(*SERVER) as redis:
        if mode == 'direct':
            ended_by = run_suite(suite, unit, redis.port, choice, base + '.log')
        else:
            with Keyshift(redis.url, config=CONFIGURATION[mode]) as keyshift:
                ended_by = run_suite(suite, unit, keyshift.port, choice, base + '.log')
                if keyshift.exited():
                    ended_by = 'keyshift ended with %d' % keyshift.child.returncode
                keep_log(keyshift, base + '.keyshift.log')
        if redis.exited() and not ended_by:
            ended_by = 'redis-server ended with %d' % redis.child.returncode
        keep_log(redis, base + '.redis.log')
    with open(base + '.log', encoding='utf-8', errors='replace') as file:
        log = suite_log.parse(file.read())
    if not ended_by and not log.ended_by and not log.finished:
        ended_by = 'the runner ended early'
    return Outcome(log.passed, [list(pair) for pair in log.failed], log.skipped, ended_by or log.ended_by,
                   round(time.monotonic() - began, 1))


# Judging.

class Exceptions:
    """What exceptions.toml lists."""

    def __init__(self):
        with open(os.path.join(HERE, 'exceptions.toml'), 'rb') as file:
            self.entries = tomllib.load(file).get('exception', [])

    def of(self, unit, mode):
        """{test: reason}"""
        return {test: entry['reason'] for entry in self.entries for test in entry['tests']
                if entry['file'] == unit and entry['mode'] in (mode, 'both')}

    def left_out(self, unit, mode):
        return [test for entry in self.entries if entry.get('left_out') for test in entry['tests']
                if entry['file'] == unit and entry['mode'] in (mode, 'both')]


@dataclasses.dataclass
class Verdict:
    """What is to be said of a file in a mode, beside its figures."""

    missing: list         # (name, reason): passed directly, does not pass here, is not listed
    listed: list          # names that are listed and fail
    stale: list           # names that are listed and pass


def judge(direct, outcome, exceptions):
    passed, reasons = set(outcome.passed), dict(map(tuple, outcome.failed))
    lost = [name for name in direct.passed if name not in passed and name not in outcome.skipped]
    left_out = [name for name in outcome.skipped if name in exceptions]
    return Verdict([(name, reasons.get(name, 'did not run: ' + outcome.ended_by)) for name in lost
                    if name not in exceptions],
                   [name for name in lost if name in exceptions] + left_out,
                   [name for name in exceptions if name in passed])


# Telling.

def headline(modes):
    first, second = '%-28s' % 'file', ' ' * 28
    for mode in modes:
        wide = mode != 'direct'
        first += '  %-*s' % (18 if wide else 11, mode)
        second += '  %5s %5s' % ('ok', 'fail') + (' %6s' % 'rest' if wide else '')
    return first + '  seconds\n' + second


def row(name, figures, seconds):
    text = '%-28s' % name
    for mode, (passed, failed, rest) in figures.items():
        text += '  %5d %5d' % (passed, failed) + ('' if mode == 'direct' else ' %6d' % rest)
    return text + '  %7.0f' % seconds


class Report:
    """The table, its sums, and what is wrong."""

    def __init__(self, modes, exceptions):
        self.modes = modes
        self.exceptions = exceptions
        self.sums = {mode: [0, 0, 0] for mode in modes}
        self.seconds = 0.0
        self.wrong = []
        self.stale = []
        self.listed = 0
        self.begin()

    def begin(self):
        print(headline(self.modes), flush=True)

    def add(self, unit, outcomes):
        direct = outcomes.get('direct')
        figures = {}
        for mode in self.modes:
            outcome = outcomes.get(mode)
            if outcome is None:
                continue
            rest = max(0, direct.ran - outcome.ran - len(outcome.skipped)) if direct and mode != 'direct' else 0
            figures[mode] = (len(outcome.passed), len(outcome.failed), rest)
            self.sums[mode] = [a + b for a, b in zip(self.sums[mode], figures[mode])]
            self.seconds += outcome.seconds
            self.note(unit, mode, direct, outcome)
        self.tell(unit, figures, outcomes)

    def tell(self, unit, figures, outcomes):
        print(row(unit, figures, sum(outcomes[mode].seconds for mode in figures)), flush=True)

    def note(self, unit, mode, direct, outcome):
        if outcome.ended_by:
            self.wrong.append((unit, mode, outcome.ended_by, ''))
        # Where there is no direct run to compare with, everything that ran must pass.
        directly = direct or Outcome(outcome.passed + [name for name, _ in outcome.failed], [], [], '', 0)
        if mode == 'direct':
            self.wrong += [(unit, mode, name, why) for name, why in outcome.failed]
            return
        verdict = judge(directly, outcome, self.exceptions.of(unit, mode))
        self.wrong += [(unit, mode, name, why) for name, why in verdict.missing]
        self.stale += [(unit, mode, name) for name in verdict.stale]
        self.listed += len(verdict.listed)

    def close(self):
        print(row('sum', self.sums, self.seconds))
        for unit, mode, name, why in self.wrong:
            print('\n%s %s: %s' % (mode, unit, name) + ('\n    %s' % why[:300] if why else ''))
        for unit, mode, name in self.stale:
            print('\n%s %s: listed as an exception, but passes: %s' % (mode, unit, name))
        print('\n%d failed, %d listed exceptions' % (len(self.wrong), self.listed), flush=True)
        return 1 if self.wrong or self.stale else 0


class TapReport(Report):
    """The same for a machine: each file in each mode is a test, which fails if one of its own does."""

    def begin(self):
        self.number = 0

    def tell(self, unit, figures, outcomes):
        for mode, (passed, failed, rest) in figures.items():
            self.number += 1
            wrong = [(name, why) for at, how, name, why in self.wrong if (at, how) == (unit, mode)]
            wrong += [(name, 'is listed as an exception, but passes')
                      for at, how, name in self.stale if (at, how) == (unit, mode)]
            for name, why in wrong:
                tap.note('%s %s: %s\n    %s' % (mode, unit, name, why[:300]))
            print('%s %d - %s %s (%d passed, %d failed, %d did not run, %.0f s)' % (
                'not ok' if wrong else 'ok', self.number, unit, mode, passed, failed, rest, outcomes[mode].seconds),
                  flush=True)

    def close(self):
        print('1..%d' % self.number, flush=True)
        return 1 if self.wrong or self.stale or not self.number else 0


# Results of earlier runs.

def load_results():
    try:
        with open(RESULTS, encoding='utf-8') as file:
            saved = json.load(file)
    except OSError:
        return {}
    return {unit: {mode: Outcome(**outcome) for mode, outcome in modes.items()} for unit, modes in saved.items()}


def save_results(results):
    scratch = RESULTS + '.new'
    with open(scratch, 'w', encoding='utf-8') as file:
        json.dump({unit: {mode: dataclasses.asdict(outcome) for mode, outcome in modes.items()}
                   for unit, modes in results.items()}, file, indent=1)
    os.replace(scratch, RESULTS)


# All together.

def units_of(suite, wanted):
    known = redis_source.run([os.path.join(suite, 'runtest'), '--list-tests'], cwd=suite).split()
    unknown = [unit for unit in wanted if unit not in known]
    if unknown:
        sys.exit('no such file in the suite: %s' % ' '.join(unknown))
    return [unit for unit in known if not wanted or unit in wanted]


def run_all(suite, units, modes, choice, make_report):
    """Runs the files in all modes. A run of chosen tests is compared with the last whole direct run, and not kept."""
    saved = load_results()
    exceptions = Exceptions()
    report = make_report(modes, exceptions)
    for unit in units:
        outcomes = {}
        direct = saved.get(unit, {}).get('direct')
        for mode in modes:
            if mode != 'direct' and direct and not direct.ran:
                continue       # it has nothing for an external server
            outcomes[mode] = run_file(suite, unit, mode, choice, exceptions)
            if mode == 'direct':
                direct = outcomes[mode]
            if not choice:
                saved.setdefault(unit, {})[mode] = outcomes[mode]
                save_results(saved)
        if direct:
            outcomes.setdefault('direct', direct)
        if any(outcome.ran or outcome.ended_by for outcome in outcomes.values()):
            report.add(unit, outcomes)
    return report.close()


def show_saved(units, modes):
    saved = load_results()
    report = Report(modes, Exceptions())
    for unit in units:
        if any(outcome.ran or outcome.ended_by for outcome in saved.get(unit, {}).values()):
            report.add(unit, saved[unit])
    return report.close()


def main():
    parser = argparse.ArgumentParser(prog='./dev compat', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--file', action='append', default=[], metavar='UNIT')
    parser.add_argument('--mode', action='append', default=[], choices=MODES)
    parser.add_argument('--only', action='append', default=[], metavar='TEST')
    parser.add_argument('--skip', action='append', default=[], metavar='TEST')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--report', action='store_true')
    parser.add_argument('--tap', action='store_true')
    options = parser.parse_args()
    modes = [mode for mode in MODES if mode in options.mode or not options.mode]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    os.makedirs(LOGS, exist_ok=True)
    with open(os.path.join(CACHE, 'lock'), 'w', encoding='ascii') as lock:
        if not options.report:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                sys.exit('another run is going on in %s' % CACHE)
        try:
            suite = redis_source.unpack(CACHE)
        except redis_source.SourceError as error:
            sys.exit('could not get the suite: %s' % error)
        wanted = options.file + (list(QUICK) if options.quick else [])
        units = units_of(suite, wanted)
        choice = [word for test in options.only for word in ('--only', test)]
        choice += [word for test in options.skip for word in ('--skiptest', test)]
        if options.report:
            return show_saved(units, modes)
        return run_all(suite, units, modes, choice, TapReport if options.tap else Report)


if __name__ == '__main__':
    sys.exit(main())
