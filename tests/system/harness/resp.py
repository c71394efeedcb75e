"""A raw RESP client: exact bytes out, exactly typed replies back.

A client library hides what a proxy test must see: whether a null was `$-1` or `*-1`, where a push came in,
what an error says. So a reply is a tuple of its type byte and its value, nested as on the wire:

    +OK                      ('+', b'OK')
    -ERR no such key         ('-', b'ERR no such key')
    :42                      (':', 42)
    $3 abc                   ('$', b'abc')           a null bulk is ('$', None), a null array ('*', None)
    *2 $1 a $1 b             ('*', (('$', b'a'), ('$', b'b')))
    %1 $1 k :1               ('%', ((('$', b'k'), (':', 1)),))
    |1 ... +OK               ('|', pairs, ('+', b'OK'))     an attribute holds the reply that it decorates

Tuples compare, hash and print, which is all that a comparison of two servers needs. `plain()` gives Python values.
"""

import select
import socket
import time

READ_BYTES = 1 << 18


class ProtocolError(Exception):
    """The peer sent what is no RESP."""


class Incomplete(Exception):
    """The reply is not whole yet; `need` is the least length of the buffer with which trying again makes sense."""

    def __init__(self, need):
        super().__init__(need)
        self.need = need


class Closed(EOFError):
    """The peer closed the connection where a reply was expected."""


class Error(Exception):
    """An error reply, for callers that want Python values (see `plain`)."""


def encode(args):
    """The request of these arguments (bytes, str or int) as an array of bulks."""
    parts = [b'*%d\r\n' % len(args)]
    for arg in args:
        if isinstance(arg, str):
            arg = arg.encode()
        elif isinstance(arg, int):
            arg = b'%d' % arg
        parts.append(b'$%d\r\n%s\r\n' % (len(arg), arg))
    return b''.join(parts)


def encode_reply(value):
    """The RESP2 reply that `plain` makes this value of: bytes, or a list of such."""
    if isinstance(value, bytes):
        return b'$%d\r\n%s\r\n' % (len(value), value)
    return b'*%d\r\n' % len(value) + b''.join(map(encode_reply, value))


def parse(buf, pos):
    """Returns (value, position behind it); raises Incomplete or ProtocolError."""
    end = buf.find(b'\r\n', pos)
    if end < 0:
        raise Incomplete(len(buf) + 1)
    kind = chr(buf[pos])
    head = bytes(buf[pos + 1:end])
    pos = end + 2
    if kind in '+-,(':
        return (kind, head), pos
    if kind == ':':
        return (kind, int(head)), pos
    if kind in '$=!':
        length = int(head)
        if length == -1:
            return (kind, None), pos
        if length < 0:
            raise ProtocolError('a bulk of %d bytes' % length)
        if len(buf) < pos + length + 2:
            raise Incomplete(pos + length + 2)
        if buf[pos + length:pos + length + 2] != b'\r\n':
            raise ProtocolError('a bulk of %d bytes without CRLF behind it' % length)
        return (kind, bytes(buf[pos:pos + length])), pos + length + 2
    if kind in '*~>':
        count = int(head)
        if count == -1:
            return (kind, None), pos
        if count < 0:
            raise ProtocolError('an array of %d' % count)
        items = []
        for _ in range(count):
            item, pos = parse(buf, pos)
            items.append(item)
        return (kind, tuple(items)), pos
    if kind in '%|':
        pairs = []
        for _ in range(int(head)):
            key, pos = parse(buf, pos)
            value, pos = parse(buf, pos)
            pairs.append((key, value))
        if kind == '%':
            return (kind, tuple(pairs)), pos
        value, pos = parse(buf, pos)
        return (kind, tuple(pairs), value), pos
    if kind == '_':
        return (kind, None), pos
    if kind == '#':
        return (kind, head == b't'), pos
    raise ProtocolError('a reply begins with %r' % bytes(buf[end - len(head) - 1:end][:80]))


def plain(value):
    """Python values of a reply: bytes, int, list, dict, None; an error reply becomes an `Error` object."""
    kind, body = value[0], value[1]
    if kind in '-!':
        return Error(body.decode('utf-8', 'replace'))
    if kind in '*~>':
        return None if body is None else [plain(item) for item in body]
    if kind == '%':
        return {plain(key): plain(item) for key, item in body}
    if kind == '|':
        return plain(value[2])
    return body


def ragged(data, rng, longest=400):
    """Cuts data into fragments of random sizes; every third one is a single byte."""
    pos = 0
    while pos < len(data):
        size = 1 if rng.random() < 0.33 else rng.randint(1, longest)
        yield data[pos:pos + size]
        pos += size


class Connection:
    """One socket to a server. Every wait ends at `timeout` seconds with an exception that says what was missing."""

    def __init__(self, address, timeout=30.0):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buf = bytearray()
        self.pushes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def half_close(self):
        """Says that nothing more will be sent; replies can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.sock.sendall(data)

    def send_ragged(self, data, rng):
        for fragment in ragged(data, rng):
            self.sock.sendall(fragment)

    def read_raw(self):
        """The next frame, a push too."""
        while True:
            need = 1
            if self.buf:
                try:
                    value, used = parse(self.buf, 0)
                    del self.buf[:used]
                    return value
                except Incomplete as missing:
                    need = missing.need
            while len(self.buf) < need:
                data = self.sock.recv(READ_BYTES)
                if not data:
                    raise Closed('closed with %d bytes of a reply: %r' % (len(self.buf),
                            bytes(self.buf[:80])))
                self.buf += data

    def read(self):
        """The next reply; pushes that come before it are kept in `pushes`."""
        while True:
            value = self.read_raw()
            if value[0] != '>':
                return value
            self.pushes.append(value)

    def receive(self, size):
        """The next bytes, whatever they are part of."""
        while len(self.buf) < size:
            data = self.sock.recv(READ_BYTES)
            if not data:
                raise Closed('closed after %d of %d bytes' % (len(self.buf), size))
            self.buf += data
        data = bytes(self.buf[:size])
        del self.buf[:size]
        return data

    def at_end(self):
        """Waits until the peer closes; returns what it sent until then."""
        while True:
            try:
                data = self.sock.recv(READ_BYTES)
            except ConnectionResetError:
                data = b''
            if not data:
                rest, self.buf = bytes(self.buf), bytearray()
                return rest
            self.buf += data

    def command(self, *args):
        """Sends one command and returns its reply as typed tuples."""
        self.send(encode(args))
        return self.read()

    def ask(self, *args):
        """Sends one command and returns its reply as Python values; raises `Error` for an error reply."""
        value = plain(self.command(*args))
        if isinstance(value, Error):
            raise value
        return value

    def exchange(self, data, count, fragments=None):
        """Sends data and reads `count` replies at the same time, so that neither side can block the other.

        With `fragments` (an iterable of bytes that make up data) each one leaves in a write of its own.
        """
        out = list(fragments) if fragments is not None else [data]
        out.reverse()
        replies, parsed, need = [], 0, 1
        deadline = time.monotonic() + self.timeout
        self.sock.setblocking(False)
        try:
            while len(replies) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError('%d of %d replies after %g s' % (len(replies), count, self.timeout))
                readable, writable, _ = select.select([self.sock], [self.sock] if out else [], [], left)
                if writable:
                    fragment = out.pop()
                    sent = self.sock.send(fragment)
                    if sent < len(fragment):
                        out.append(memoryview(fragment)[sent:])
                if readable:
                    got = self.sock.recv(READ_BYTES)
                    if not got:
                        raise Closed('closed after %d of %d replies' % (len(replies), count))
                    self.buf += got
                try:
                    while len(replies) < count and len(self.buf) >= need and parsed < len(self.buf):
                        value, parsed = parse(self.buf, parsed)
                        need = 1
                        (self.pushes if value[0] == '>' else replies).append(value)
                except Incomplete as missing:
                    need = missing.need
                if parsed:
                    del self.buf[:parsed]
                    need, parsed = max(1, need - parsed), 0
        finally:
            self.sock.settimeout(self.timeout)
        return replies

    def pipeline(self, commands, rng=None):
        """Sends all commands at once (ragged where an rng is given) and returns their replies."""
        data = b''.join(encode(args) for args in commands)
        return self.exchange(data, len(commands), ragged(data, rng) if rng else None)
