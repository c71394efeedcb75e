#!/usr/bin/python3
"""What Keyshift costs, beside a plain Redis and beside nutcracker.

    bench.py [--quick] [--rounds N] [--instructions] [--targets redis,nutcracker,keyshift] [--json FILE]

redis-benchmark runs against each target in turn (A B C A B C ...), so that a machine that slows down slows
all of them; the medians of the rounds are shown. Server and proxy share one CPU, redis-benchmark has the
other. Keyshift renames every key of redis-benchmark (`key:{n}` to `bench:kv:id:{n}`) and adds an expiry to
every SET.

    us/request  proxy: CPU time of the proxy for one request; Redis: of the server behind it (user and system)
    vs nutcracker  the same divided by nutcracker's: below 1 is cheaper (us), above 1 is faster (requests/s)

`--instructions` counts instead the user instructions of the proxy for one request with callgrind: two runs of different
length, their difference divided by the difference in requests, so that start and end do not count.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))

from harness.resp import Closed, Connection
from harness.servers import Keyshift, Process, RedisServer, free_port, status_kib, wait_for

RULES = '''
[domain.bench]
default_ttl = "1h"

[[rule]]
legacy = "key:{n}"
key    = "bench:kv:id:{n}"
'''
NUTCRACKER = '''bench:
  listen: 127.0.0.1:%d
  redis: true
  hash: fnv1a_64
  distribution: modula
  auto_eject_hosts: false
  server_connections: 1
  servers:
   - 127.0.0.1:%d:1
'''
KEYS = 10_000
VALUE_BYTES = 100
CLIENTS = 50
CASES = (('GET', 1), ('SET', 1), ('GET', 16), ('SET', 16))
SERVER_CPU, CLIENT_CPU = '0', '1'


def cpu_ns(pid):
    """Nanoseconds that all threads of a process spent on a CPU."""
    total = 0
    for task in os.listdir('/proc/%d/task' % pid):
        try:
            with open('/proc/%d/task/%s/schedstat' % (pid, task), encoding='ascii') as file:
                total += int(file.read().split()[0])
        except (OSError, IndexError):
            with open('/proc/%d/task/%s/stat' % (pid, task), encoding='ascii', errors='replace') as file:
                fields = file.read().rsplit(')', 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) * 10 ** 9 // os.sysconf('SC_CLK_TCK')
    return total


class Nutcracker(Process):
    name = 'nutcracker'

    def __init__(self, upstream_port, prefix=()):
        super().__init__()
        program = shutil.which('nutcracker', path=os.environ.get('PATH', '') + ':/usr/sbin')
        self.port = free_port()
        self.address = ('127.0.0.1', self.port)
        path = os.path.join(self.dir, 'nutcracker.yml')
        with open(path, 'w', encoding='ascii') as file:
            file.write(NUTCRACKER % (self.port, upstream_port))
        self.spawn(list(prefix) + [program, '-c', path, '-a', '127.0.0.1', '-s', str(free_port()), '-v', '4'])
        wait_for(lambda: self.exited() or self.serves(), 'an answer of nutcracker', 60)
        if self.exited():
            raise AssertionError('nutcracker ended at its start:\n' + self.log())

    def serves(self):
        try:
            with Connection(self.address, timeout=10) as client:
                return client.command('GET', 'key:0')[0] == '$'
        except (OSError, Closed):
            return False


class Target:
    """A Redis and, except for the plain one, a proxy in front of it, all on one CPU."""

    def __init__(self, name, wrap=()):
        self.name = name
        pinned = ['taskset', '-c', SERVER_CPU] if shutil.which('taskset') and os.cpu_count() > 1 else []
        self.redis = RedisServer(prefix=pinned)
        self.proxy = None
        try:
            if name == 'nutcracker':
                self.proxy = Nutcracker(self.redis.port, prefix=pinned + list(wrap))
            elif name == 'keyshift':
                self.proxy = Keyshift(self.redis.url, config=RULES, options=('--workers', '1'), prefix=pinned
                                      + list(wrap))
        except BaseException:
            self.redis.stop()
            raise
        self.front = self.proxy or self.redis

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proxy:
            self.proxy.stop()
        self.redis.stop()

    def fill(self):
        """Every key that redis-benchmark can ask for, so that each GET is a hit."""
        value = b'x' * VALUE_BYTES
        with Connection(self.front.address) as client:
            for start in range(0, KEYS, 500):
                replies = client.pipeline([['SET', 'key:%012d' % number, value]
                                           for number in range(start, start + 500)])
                assert set(replies) == {('+', b'OK')}, replies[0]
        # The figures mean nothing where the proxy does not do its work.
        with self.redis.connect() as direct:
            name, lives = (b'bench:kv:id:%012d' % 7, True) if self.name == 'keyshift' else (b'key:%012d' % 7,
                    False)
            assert direct.ask('GET', name) == value, 'no %s behind %s' % (name, self.name)
            assert (direct.ask('TTL', name) > 0) == lives, 'TTL %d of %s' % (direct.ask('TTL', name), name)

    def load(self, command, depth, requests):
        """Runs redis-benchmark and returns requests per second."""
        pinned = ['taskset', '-c', CLIENT_CPU] if shutil.which('taskset') and os.cpu_count() > 1 else []
        done = subprocess.run(pinned + ['redis-benchmark', '-p', str(self.front.port), '-t', command.lower(),
                                        '-P', str(depth),
                                        '-c', str(CLIENTS), '-n', str(requests), '-d', str(VALUE_BYTES), '-r',
                                        str(KEYS), '--csv'],
                              capture_output=True, text=True, timeout=1200, check=False)
        match = re.search(r'^"%s","([0-9.]+)"' % command, done.stdout, re.M)
        if done.returncode != 0 or not match:
            raise AssertionError('redis-benchmark against %s: %s%s' % (self.name, done.stdout, done.stderr))
        return float(match.group(1))

    def measure(self, command, depth, requests):
        before = cpu_ns(self.redis.pid), cpu_ns(self.proxy.pid) if self.proxy else 0
        rate = self.load(command, depth, requests)
        after = cpu_ns(self.redis.pid), cpu_ns(self.proxy.pid) if self.proxy else 0
        return {'rate': rate, 'redis_us': (after[0] - before[0]) / requests / 1000,
                'proxy_us': (after[1] - before[1]) / requests / 1000}


def available(wanted):
    """The targets whose programs are here; says which are not."""
    programs = {'redis': 'redis-server', 'nutcracker': 'nutcracker',
                'keyshift': os.environ.get('KEYSHIFT_BINARY')
                or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'build', 'keyshift')}
    path = os.environ.get('PATH', '') + ':/usr/sbin'
    for program in ('redis-server', 'redis-benchmark'):
        if shutil.which(program, path=path) is None:
            sys.exit('bench: %s is not installed (Debian: redis-server, redis-tools)' % program)
    found = []
    for name in wanted:
        if shutil.which(programs[name], path=path):
            found.append(name)
        else:
            print('bench: no %s at %s; %s is left out' % (name, programs[name], name), file=sys.stderr)
    return found


def ratio(value, base):
    return '%.2f' % (value / base) if value and base else '-'


def compare(names, rounds, quick):
    """Prints the table of times; returns it as data."""
    results = {}
    targets = [Target(name) for name in names]
    try:
        for target in targets:
            target.fill()
            for command, depth in CASES:
                target.load(command, depth, 5000)
        for turn in range(rounds):
            for command, depth in CASES:
                requests = (20_000 if quick else 100_000) * (1 if depth == 1 else 4)
                for target in targets:
                    results.setdefault((command, depth, target.name),
                                       []).append(target.measure(command, depth, requests))
            print('round %d of %d' % (turn + 1, rounds), file=sys.stderr)
        memory = {target.name: status_kib(target.front.pid, 'VmHWM') for target in targets}
    finally:
        for target in targets:
            target.__exit__()
    medians = {case: {what: statistics.median(one[what] for one in runs) for what in runs[0]} for case,
               runs in results.items()}
    print('%d bytes, %d clients, median of %d rounds\n' % (VALUE_BYTES, CLIENTS, rounds))
    print('%-9s %-11s %11s %10s %10s   %s' % ('', '', 'requests/s', 'proxy us', 'Redis us',
                                              'vs nutcracker: rate, proxy us, Redis us'))
    for command, depth in CASES:
        base = medians.get((command, depth, 'nutcracker'), {})
        for name in names:
            row = medians[(command, depth, name)]
            print('%-9s %-11s %11.0f %10s %10.2f   %s' % (
                '%s -P%d' % (command, depth), name, row['rate'], '%.2f' % row['proxy_us'] if name != 'redis'
                else '-', row['redis_us'],
                '  '.join(ratio(row[what], base.get(what)) for what in ('rate', 'proxy_us', 'redis_us'))))
    print('\npeak memory: ' + ', '.join('%s %.1f MiB' % (name, kib / 1024) for name, kib in memory.items()))
    return {'times': {'%s -P%d %s' % case: row for case, row in medians.items()}, 'peak_kib': memory}


def instructions(names, quick):
    """Prints the user instructions per request of each proxy; returns them."""
    if shutil.which('valgrind') is None:
        sys.exit('bench: valgrind is not installed')
    short, long = (2_000, 10_000) if quick else (4_000, 36_000)
    counted = {}
    for command, depth in CASES[2:]:
        for name in names:
            if name == 'redis':
                continue
            totals = [total_instructions(name, command, depth, requests) for requests in (short, long)]
            counted['%s -P%d %s' % (command, depth, name)] = (totals[1] - totals[0]) / (long - short)
    print('user instructions per request of the proxy (callgrind, %d requests)\n' % (long - short))
    for case, count in counted.items():
        base = counted.get(' '.join(case.split()[:2]) + ' nutcracker')
        print('%-22s %8.0f   vs nutcracker %s' % (case, count, ratio(count, base)))
    return {'instructions': counted}


def total_instructions(name, command, depth, requests):
    """All user instructions of a proxy from its start to its end, with so many requests between."""
    out = os.path.join(os.environ.get('TMPDIR', '/tmp'), 'keyshift-bench-callgrind.%d.%s' % (os.getpid(),
            name))
    wrap = ['valgrind', '--tool=callgrind', '--callgrind-out-file=' + out, '--log-file=/dev/null']
    try:
        with Target(name, wrap=wrap) as target:
            target.fill()
            target.load(command, depth, requests)
        with open(out, encoding='utf-8', errors='replace') as file:
            totals = re.findall(r'^(?:totals|summary): (\d+)', file.read(), re.M)
        if not totals:
            raise AssertionError('no totals in what callgrind wrote of ' + name)
        return int(totals[-1])
    finally:
        if os.path.exists(out):
            os.unlink(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='a short run: a hint, no measurement')
    parser.add_argument('--rounds', type=int, help='default 5, with --quick 2')
    parser.add_argument('--instructions', action='store_true',
                        help='user instructions per request instead of times')
    parser.add_argument('--targets', default='redis,nutcracker,keyshift')
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    options = parser.parse_args()
    names = available([name for name in options.targets.split(',')
                       if name in ('redis', 'nutcracker', 'keyshift')])
    if options.instructions:
        figures = instructions(names, options.quick)
    else:
        figures = compare(names, options.rounds or (2 if options.quick else 5), options.quick)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(figures, file, indent=2)


if __name__ == '__main__':
    main()
