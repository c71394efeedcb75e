"""The processes of a test: a private Redis and the daemon under test, on loopback and free ports, ended by
pid.

    with RedisServer() as redis, Keyshift(redis.url, config=RULES) as keyshift:
        with Connection(keyshift.address) as client:
            client.ask('SET', 'k', 'v')

A child dies with its parent, also when the test is killed. Logs go to files in the test's own directory and are shown
by the TAP runner when a test fails.
"""

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from harness.resp import Connection

# How the daemon tells its ports (port 0 means any free one, and the log says which).
LISTENING = re.compile(r'listening on (?:tcp://)?(127\.0\.0\.1|\[::1\]|localhost):(\d+)')
ADMIN = re.compile(r'admin on (?:http://)?(127\.0\.0\.1|\[::1\]|localhost):(\d+)')

START_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

running = []


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition, what, seconds=30.0):
    """Polls until condition() is true and returns its value; fails at the deadline, saying what was waited for."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError('not within %g s: %s' % (seconds, what))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_port():
    """A port that stays free while its server is down, whatever tests run beside this one: none of those from 32768 on
    that Linux gives to connections and to port 0.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_768)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


def binary():
    """The daemon under test: KEYSHIFT_BINARY, else build/keyshift of this tree."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    path = os.environ.get('KEYSHIFT_BINARY') or os.path.join(root, 'build', 'keyshift')
    if not os.access(path, os.X_OK):
        bail_out('no keyshift binary at %s; build it or set KEYSHIFT_BINARY' % path)
    return path


def sanitized():
    """Whether the daemon was built with AddressSanitizer: then its memory says nothing."""
    with open(binary(), 'rb') as file:
        return b'__asan_init' in file.read()


def short_budget():
    """Whether time is short, as in the sanitizer run, where all takes several times as long (KEYSHIFT_TEST_BUDGET)."""
    return os.environ.get('KEYSHIFT_TEST_BUDGET') == 'short'


def bail_out(reason):
    """Ends the test run in the words of TAP."""
    print('Bail out! ' + reason, flush=True)
    sys.exit(1)


def need(program):
    """The path of a program that this test cannot do without."""
    path = shutil.which(program, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if path is None:
        bail_out('%s is not installed' % program)
    return path


def status_kib(pid, field):
    """A figure of /proc/PID/status in KiB: VmRSS, VmHWM."""
    with open('/proc/%d/status' % pid, encoding='ascii', errors='replace') as status:
        for line in status:
            if line.startswith(field + ':'):
                return int(line.split()[1])
    return 0


def alive(pid):
    """Whether the process runs (a zombie does not)."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii', errors='replace') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


class Process:
    """A child with a directory of its own and its log in a file."""

    name = 'process'

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='keyshift-test-')
        self.log_path = os.path.join(self.dir, 'log')
        self.child = None

    def spawn(self, argv, env=None, stdout=None):
        with open(self.log_path, 'ab') as log:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                          cwd=self.dir,
                                          env=env, preexec_fn=die_with_parent, start_new_session=True)
        if self not in running:
            running.append(self)

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as log:
            return log.read()

    def exited(self):
        return self.child.poll() is not None

    def signal(self, number):
        if not self.exited():
            os.kill(self.child.pid, number)

    def wait_exit(self, seconds=30.0):
        """Waits for the end of the process and returns its exit code (negative: the signal that ended it)."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError('%s still runs after %g s' % (self.name, seconds)) from None

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """Ends the process, by force where SIGTERM is not enough, and removes its directory."""
        if self.child is not None and not self.exited():
            self.signal(signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self in running:
            running.remove(self)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class RedisServer(Process):
    """A private Redis without persistence. `start` again after `kill` gives a fresh one on the same port."""

    name = 'redis-server'

    def __init__(self, *options, port=None, start=True, prefix=()):
        super().__init__()
        self.prefix = list(prefix)         # words before the program: taskset and its like
        self.options = [str(option) for option in options]
        self.port = port or free_port()
        self.unix = os.path.join(self.dir, 'redis.sock')
        self.fixed_port = port is not None
        if start:
            self.start()

    @property
    def address(self):
        return ('127.0.0.1', self.port)

    @property
    def url(self):
        return 'redis://127.0.0.1:%d' % self.port

    def start(self):
        for _ in range(5):
            if os.path.exists(self.unix):
                os.unlink(self.unix)
            self.spawn(self.prefix + [need('redis-server'), '--bind', '127.0.0.1', '--port', str(self.port),
                                      '--unixsocket', self.unix,
                        '--save', '', '--appendonly', 'no', '--dir', self.dir, '--enable-debug-command',
                                      'yes',
                        '--maxclients', '15000', '--loglevel', 'warning'] + self.options)
            try:
                wait_for(lambda: self.exited() or self.answers(), 'an answer of redis-server', START_SECONDS)
            except AssertionError:
                raise AssertionError('redis-server did not start:\n' + self.log()) from None
            if not self.exited():
                return
            if self.fixed_port:
                break
            self.port = free_port()
        raise AssertionError('redis-server ended at its start:\n' + self.log())

    def answers(self):
        try:
            with Connection(self.unix, timeout=5) as client:
                # Another test may have taken the port meanwhile; the unix socket is ours alone.
                return client.command('PING')[1].startswith((b'PONG', b'NOAUTH'))
        except (OSError, EOFError):
            return False

    def connect(self, timeout=30.0):
        return Connection(self.address, timeout)


class Keyshift(Process):
    """The daemon. Ready when it listens; `upstream=None` with `--embedded` among the options starts its own engine."""

    name = 'keyshift'

    def __init__(self, upstream, config='', options=(), env=None, wait_ready=True, prefix=()):
        super().__init__()
        self.config_path = os.path.join(self.dir, 'keyshift.toml')
        with open(self.config_path, 'w', encoding='utf-8') as file:
            file.write(config)
        argv = list(prefix) + [binary(), 'serve', '--config', self.config_path, '--listen', '127.0.0.1:0',
                               '--admin', '127.0.0.1:0']
        if upstream is not None:
            argv += ['--upstream', upstream]
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(('REDIS_', 'KEYSHIFT_')) and name != 'USE_CONSOLIDATED_CACHE'}
        self.spawn(argv + list(options), env={**clean, **(env or {})})
        try:
            self.address = self.found(LISTENING)
            self.admin = self.found(ADMIN)
            if wait_ready:
                wait_for(lambda: self.exited() or self.http('/readyz')[0] == 200, '/readyz of keyshift',
                         START_SECONDS)
            if self.exited():
                raise AssertionError('keyshift ended at its start')
        except AssertionError as failure:
            text = self.log()
            self.stop()
            raise AssertionError('%s\n%s' % (failure, text)) from None

    def found(self, pattern):
        match = wait_for(lambda: pattern.search(self.log()) or self.exited(),
                         'the line %r in the log' % pattern.pattern,
                         START_SECONDS)
        if match is True:
            match = pattern.search(self.log())
            if match is None:
                raise AssertionError('keyshift ended with %d before it said %r' % (self.child.returncode,
                        pattern.pattern))
        return ('127.0.0.1', int(match.group(2)))

    @property
    def port(self):
        return self.address[1]

    def connect(self, timeout=30.0):
        return Connection(self.address, timeout)

    def http(self, path):
        """GET from the admin port: (status, body); (0, reason) where nobody answers."""
        try:
            with urllib.request.urlopen('http://127.0.0.1:%d%s' % (self.admin[1], path), timeout=20) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode('utf-8', 'replace')
        except OSError as error:
            return 0, str(error)

    def metrics(self):
        """{name{labels}: value} of /metrics; fails on a line that is no Prometheus text."""
        status, body = self.http('/metrics')
        assert status == 200, 'GET /metrics: %s %s' % (status, body[:200])
        return parse_metrics(body)

    def metric(self, name, **labels):
        """The sum over all series of this name (without `keyshift_`) that have these labels."""
        total = 0.0
        for series, value in self.metrics().items():
            found = series.split('{', 1)[0]
            if found == 'keyshift_' + name and all('%s="%s"' % item in series for item in labels.items()):
                total += value
        return total


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? '
                    r'(NaN|[+-]?Inf|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)( -?[0-9]+)?$')


def parse_metrics(text):
    series = {}
    for line in text.split('\n'):
        if not line or line.startswith('#'):
            continue
        match = SAMPLE.match(line)
        assert match, 'not Prometheus text: %r' % line
        key = match.group(1) + (match.group(2) or '')
        assert key not in series, 'twice: %r' % key
        series[key] = float(match.group(4).replace('Inf', 'inf'))
    return series
