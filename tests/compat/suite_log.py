"""What the output of Redis's test runner says.

    [ok]: SET and GET an item (1 ms)
    [err]: Very big payload in GET/SET in tests/unit/type/string.tcl
    Expected 'a' to be equal to 'b' (context: type eval line 3 cmd {...} proc ::test)
    [ignore]: DEL all keys: Tag: slow denied
    [exception]: Executing test client: ERR no such thing.
    [TIMEOUT]: clients state report follows.
    sock55d0 => (IN PROGRESS) BLPOP: single existing list

    log = suite_log.parse(text)
    log.passed      ['SET and GET an item']
    log.skipped     []
    log.failed      [('Very big payload in GET/SET', "Expected 'a' to be equal to 'b' (context: ...")]
    log.ended_by    'hang in: BLPOP: single existing list'

A test name that comes again in a file gets "#2", "#3" behind it, so that a name stands for one test. The exception ends
the run of a file, and what would have followed it is in no list: only the run of another server can tell how much.
"""

import re
from dataclasses import dataclass, field

RESULT = re.compile(r'^\[(\w+)\]: ?(.*)$')
ELAPSED = re.compile(r' \(\d+ ms\)$')
PLACE = re.compile(r'^(.*) in tests/\S+\.tcl$')
IN_PROGRESS = re.compile(r'^sock\S+ => \(IN PROGRESS\) (.*)$')
OUTSIDE = '(outside of a test)'
FRAME = '    while executing'


@dataclass
class SuiteLog:
    passed: list = field(default_factory=list)   # names
    failed: list = field(default_factory=list)   # (name, what was wrong)
    skipped: list = field(default_factory=list)  # names that the caller left out
    ended_by: str = ''                           # what ended the file before its end; empty where nothing did
    finished: bool = False                       # the runner came to its own end


def reason(lines):
    """What was wrong, out of an error's text, as one line."""
    # Of an error that is no assertion the suite cuts off the beginning; Tcl's trace behind it repeats it whole.
    for number, line in enumerate(lines):
        if line.startswith(FRAME):
            return ' '.join(lines[number // 2:number]).strip()
    return next((line for line in lines if line.strip()), '')


def parse(text):
    log = SuiteLog()
    times = {}

    def unique(name):
        times[name] = times.get(name, 0) + 1
        return name if times[name] == 1 else '%s #%d' % (name, times[name])

    lines = text.split('\n')
    for number, line in enumerate(lines):
        if line.strip() == 'The End':
            log.finished = True
            break
        match = RESULT.match(line)
        if match is None:
            progress = IN_PROGRESS.match(line)
            if progress and log.ended_by == 'hang':
                log.ended_by = 'hang in: ' + progress.group(1)
                log.failed.append((unique(progress.group(1)), 'hangs'))
            continue
        kind, rest = match.groups()
        following = []
        if kind in ('err', 'exception'):
            for more in lines[number + 1:]:
                if RESULT.match(more) or more.strip() == 'The End':
                    break
                following.append(more)
        if kind == 'ok':
            log.passed.append(unique(ELAPSED.sub('', rest)))
        elif kind == 'skip':
            log.skipped.append(unique(rest))
        elif kind == 'err':
            place = PLACE.match(rest)
            if place:
                log.failed.append((unique(place.group(1)), reason(following)))
            else:
                log.failed.append((unique(OUTSIDE), reason([rest] + following)))
        elif kind == 'exception':
            log.ended_by = 'exception: ' + rest.removeprefix('Executing test client: ')
        elif kind == 'TIMEOUT':
            log.ended_by = 'hang'
    return log
