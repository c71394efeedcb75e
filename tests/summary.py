#!/usr/bin/env python3
"""Sums up what `./dev test` ran and closes with the line `N passed, N failed`.

    summary.py CHECKS [LABEL=BUILD_DIRECTORY]...

CHECKS holds a line for each step that is not a test program: `ok NAME` or `not ok NAME`. From each build directory come
the cases of GoogleTest and TAP programs (testlog.junit.xml). A program that failed without a failed case (it crashed,
leaked, ran out of time, or wrote no report) counts as one failed case of its own: testlog.json says so. Exit code 0:
something passed and nothing failed.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as xml

GOOD_RESULTS = {"OK", "SKIP", "EXPECTEDFAIL"}


class Tally:
    def __init__(self):
        self.passed, self.skipped, self.failed = 0, [], []

    def add(self, name, outcome):
        if outcome == "passed":
            self.passed += 1
        else:
            getattr(self, outcome).append(name)


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped") is not None or case.get("status") == "notrun"
    return "skipped" if skipped else "passed"


def short(name):
    """`keyshift.keyshift:suite / base.Buffer` -> `base.Buffer`: the project and the Meson suite say nothing here."""
    return name.rsplit(" / ", 1)[-1]


def add_build(tally, label, logs):
    """Adds the cases of one `meson test` run. A run without logs is one failed case."""
    junit, lines = logs / "testlog.junit.xml", logs / "testlog.json"
    if not junit.exists() or not lines.exists():
        tally.add(f"{label}: no tests ran", "failed")
        return
    with_cases, with_failed_case = set(), set()
    for suite in xml.parse(junit).getroot().iter("testsuite"):
        # The one suite that is named after the project alone holds the programs that report no cases; of them
        # testlog.json knows more, e.g. that time ran out.
        if " / " not in suite.get("name", ""):
            continue
        program = short(suite.get("name"))
        with_cases.add(program.split(".")[0])
        for case in suite.iter("testcase"):
            outcome = outcome_of(case)
            tally.add(f"{label}: {program}.{case.get('name')}", outcome)
            if outcome == "failed":
                with_failed_case.add(program.split(".")[0])
    for line in lines.read_text().splitlines():
        run = json.loads(line)
        program, result = short(run["name"]), run["result"]
        if result not in GOOD_RESULTS and program not in with_failed_case:
            tally.add(f"{label}: {program} ended with {result} (exit code {run.get('returncode')})", "failed")
        elif program not in with_cases:
            tally.add(f"{label}: {program}", "skipped" if result == "SKIP" else "passed")


def main():
    tally = Tally()
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        failed = line.startswith("not ok ")
        tally.add(line.removeprefix("not ok ").removeprefix("ok "), "failed" if failed else "passed")
    for build in sys.argv[2:]:
        label, _, directory = build.partition("=")
        add_build(tally, label, pathlib.Path(directory) / "meson-logs")

    print()
    for name in tally.skipped:
        print(f"skipped: {name}")
    for name in tally.failed:
        print(f"FAILED: {name}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
