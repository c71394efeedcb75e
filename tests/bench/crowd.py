#!/usr/bin/python3
"""What a crowd of waiting clients costs those who work beside it.

    crowd.py [--quick] [--rounds N] [--waiting N] [--subscribers N] [--json FILE]

Two daemons, each with a Redis of its own: beside the one, a thousand clients wait in BLPOP and a thousand for
messages. redis-benchmark (50 clients, no pipelining) runs against both in turn, and the medians of the rounds are shown.
Exit code 1: the 99th percentile beside the crowd is more than twice of what it is without.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))

from harness.crowd import Crowd
from harness.servers import Keyshift, RedisServer, status_kib

RULES = '''
[[rule]]
legacy = "key:{n}"
key    = "bench:kv:id:{n}"

[[rule]]
legacy = "k:{id}"
key    = "bench:wait:id:{id}"
'''
COMMANDS = ('GET', 'SET')
FIGURES = ('rps', 'p50_latency_ms', 'p99_latency_ms')
MOST = 2.0
SERVER_CPU, CLIENT_CPU = '0', '1'
PINNED = shutil.which('taskset') is not None and os.cpu_count() > 1


def pinned(cpu):
    return ['taskset', '-c', cpu] if PINNED else []


class Target:
    """A Redis and a daemon in front of it, on one CPU."""

    def __init__(self):
        self.redis = RedisServer(prefix=pinned(SERVER_CPU))
        self.keyshift = Keyshift(self.redis.url, config=RULES, prefix=pinned(SERVER_CPU))
        self.began_with = status_kib(self.keyshift.pid, 'VmRSS')

    def measure(self, requests):
        """{command: {figure: value}} of one run of redis-benchmark."""
        load = ['redis-benchmark', '-p', str(self.keyshift.port), '-t', 'get,set', '-c', '50', '-n', str(requests),
                '-r', '10000', '-d', '100', '--csv']
        done = subprocess.run(pinned(CLIENT_CPU) + load, capture_output=True, text=True, timeout=600, check=False)
        rows = {row['test']: row for row in csv.DictReader(done.stdout.splitlines())}
        if done.returncode != 0 or not set(COMMANDS) <= set(rows):
            raise AssertionError('redis-benchmark: %s%s' % (done.stdout, done.stderr))
        return {command: {figure: float(rows[command][figure]) for figure in FIGURES} for command in COMMANDS}

    def stop(self):
        self.keyshift.stop()
        self.redis.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='a short run: a hint, no measurement')
    parser.add_argument('--rounds', type=int, help='default 9, with --quick 3')
    parser.add_argument('--waiting', type=int, default=1000, help='clients in BLPOP')
    parser.add_argument('--subscribers', type=int, default=1000)
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    options = parser.parse_args()
    requests = 20_000 if options.quick else 100_000
    alone, beside = Target(), Target()
    runs = {alone: [], beside: []}
    try:
        with Crowd(beside.keyshift, beside.redis, options.waiting, options.subscribers):
            for target in runs:
                target.measure(requests // 10)
            for _ in range(options.rounds or (3 if options.quick else 9)):
                for target, measured in runs.items():
                    measured.append(target.measure(requests))
            memory = status_kib(beside.keyshift.pid, 'VmRSS') - beside.began_with
    finally:
        alone.stop()
        beside.stop()
    figures = show(runs[alone], runs[beside])
    print('\n%d clients wait, %d listen: %.1f MiB more of memory' % (options.waiting, options.subscribers,
                                                                     memory / 1024))
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump({'commands': figures, 'memory_kib': memory}, file, indent=2)
    return 1 if any(row['p99_latency_ms'][2] > MOST for row in figures.values()) else 0


def show(alone, beside):
    """Prints medians without and beside the crowd and their ratio; returns them."""
    print('%-5s %-15s %10s %10s %7s' % ('', '', 'alone', 'beside', 'ratio'))
    figures = {}
    for command in COMMANDS:
        for figure in FIGURES:
            one, other = (statistics.median(run[command][figure] for run in runs) for runs in (alone, beside))
            figures.setdefault(command, {})[figure] = (one, other, other / one)
            print('%-5s %-15s %10.3f %10.3f %7.2f' % (command, figure, one, other, other / one))
    return figures


if __name__ == '__main__':
    sys.exit(main())
