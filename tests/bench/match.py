#!/usr/bin/python3
"""What a key costs against 10, 100, 1,000 and 10,000 rules, in instructions; and what it costs to prove them.

    match.py [--program build/tests/scheme/match_bench] [--json FILE]

match_bench matches one key of 25 bytes so many times, then also writes its physical name. callgrind counts two runs of
different length; their difference divided by the difference in keys is the cost of a key, without start, proof and end.
Times are of a run without callgrind, the best of three.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

RULES = (10, 100, 1_000, 10_000)
KEYS = (1_000, 11_000)


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode != 0:
        sys.exit('%s: %s%s' % (' '.join(command), done.stdout, done.stderr))
    return done.stdout + done.stderr


def instructions(program, rules, keys, *more):
    with tempfile.TemporaryDirectory(prefix='keyshift-match-') as folder:
        out = os.path.join(folder, 'callgrind')
        run(['valgrind', '--tool=callgrind', '--callgrind-out-file=' + out, program, str(rules), str(keys),
             *more])
        with open(out, encoding='utf-8', errors='replace') as file:
            return int(re.findall(r'^(?:totals|summary): (\d+)', file.read(), re.M)[-1])


def per_key(program, rules, *more):
    counts = [instructions(program, rules, keys, *more) for keys in KEYS]
    return (counts[1] - counts[0]) / (KEYS[1] - KEYS[0])


def proofs(text):
    """(rules, shape, milliseconds, states) of each line that match_bench writes of a proof."""
    lines = re.findall(r'^ *(\d+) rules, (.*): proved in ([0-9.]+) ms, (\d+) states', text, re.M)
    return [(int(rules), shape, float(ms), int(states)) for rules, shape, ms, states in lines]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--program', default=os.path.join(here, '../../build/tests/scheme/match_bench'))
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    options = parser.parse_args()
    if shutil.which('valgrind') is None:
        sys.exit('bench: valgrind is not installed')
    figures = {'match': {}, 'proof': []}
    print('%7s %12s %20s %14s %9s' % ('', 'instructions', '... and the key', '', ''))
    print('%7s %12s %20s %14s %9s' % ('rules', 'per match', 'in Redis written', 'proved in', 'states'))
    for rules in RULES:
        match, name = per_key(options.program, rules), per_key(options.program, rules, 'key')
        _, _, ms, states = min((proofs(run([options.program, str(rules), '1']))[0] for _ in range(3)),
                               key=lambda row: row[2])
        figures['match'][rules] = {'instructions': match, 'with_key': name, 'proof_ms': ms, 'states': states}
        print('%7d %12.1f %20.1f %11.1f ms %9d' % (rules, match, name, ms, states), flush=True)
    print('\nschemes that are hard to prove')
    for rules, shape, ms, states in proofs(run([options.program, 'shapes'])):
        figures['proof'].append({'rules': rules, 'shape': shape, 'ms': ms, 'states': states})
        print('%7d %-22s %9.1f ms %9d' % (rules, shape, ms, states))
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(figures, file, indent=2)


if __name__ == '__main__':
    main()
