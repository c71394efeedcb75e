"""What the tests against a running redis-server share: the server, a client, the table and its finders.

A test module imports all of it (setUpModule starts the server), derives from LiveTest and ends with run(). Its first
argument is the program print_table. Without a redis-server the test is skipped (exit 77).
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PRINT_TABLE = ""
ROLE_KEY = 0

class Error(str):
    pass


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def call(self, *words):
        self.socket.sendall(encode(words))
        return self.read()

    def read(self):
        line = self.file.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Error(rest.decode("latin1"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode("latin1")
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise AssertionError(line)


def encode(words):
    words = [w if isinstance(w, bytes) else str(w).encode("latin1") for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


class Row:
    def __init__(self, line):
        head, *specs = line.split(" [")
        self.name, *numbers = head.split()
        self.arity, self.flags, self.scope, self.leaves = map(int, numbers)
        self.specs = []
        for spec in specs:
            f = spec.split()
            word = "" if f[5] == "-" else f[5]
            self.specs.append([int(x) for x in f[:5]] + [word] + [int(x) for x in f[6:]])

    def keys(self):
        """Access and place of each key spec, as COMMAND would give them."""
        return [(s[1], tuple(s[3:])) for s in self.specs if s[0] == ROLE_KEY]


class Finder:
    """The finders behind print_table calls."""

    def __init__(self):
        self.process = subprocess.Popen([PRINT_TABLE, "calls"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def find(self, words):
        self.process.stdin.write(encode(words))
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode("latin1").rstrip("\n")
        what, _, rest = line.partition(" ")
        answer = Answer()
        answer.what, answer.error = what, rest
        if what == "complete":
            leaves, kind, ttl_ms, base, blocks, *names = rest.split()
            answer.leaves, answer.ttl_kind, answer.ttl_ms, answer.base = map(int, (leaves, kind, ttl_ms, base))
            answer.blocks = blocks == "1"
            answer.names = [tuple(map(int, name.split(":"))) for name in names]
            answer.keys = [(words[at], access) for at, role, access, _ in answer.names if role == ROLE_KEY]
            answer.lasting = {words[at] for at, role, _, lasting in answer.names if lasting}
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Answer:
    names = ()
    keys = ()


def setUpModule():
    global server, folder, path
    folder = tempfile.mkdtemp(prefix="keyshift-")
    path = os.path.join(folder, "redis.sock")
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder,
         "--enable-debug-command", "yes", "--maxmemory-policy", "allkeys-lfu", "--logfile", "/dev/null"])
    for _ in range(500):
        try:
            Client(path).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("redis-server does not start")


def tearDownModule():
    server.kill()
    server.wait()
    shutil.rmtree(folder)


class LiveTest(unittest.TestCase):
    def setUp(self):
        self.redis = Client(path)
        self.finder = Finder()
        lines = subprocess.run([PRINT_TABLE, "rows"], check=True, capture_output=True, text=True).stdout.splitlines()
        self.rows = {row.name: row for row in map(Row, lines)}
        self.version = tuple(int(x) for x in pairs_of_info(self.redis)["redis_version"].split(".")[:2])

    def tearDown(self):
        self.finder.close()
        self.redis.close()


def pairs_of_info(redis):
    lines = [line for line in redis.call("INFO", "server").splitlines() if ":" in line]
    return dict(line.split(":", 1) for line in lines)


def calls(text):
    for line in text.strip().splitlines():
        yield ["" if word == "''" else word for word in line.split()]


def run():
    global PRINT_TABLE
    PRINT_TABLE = sys.argv.pop(1)
    if shutil.which("redis-server") is None:
        sys.exit(77)
    unittest.main()
