"""A relay in front of a real Redis that spoils replies: an upstream that is slow, stalls, breaks or talks
nonsense.

    with RedisServer() as redis, FaultyUpstream(redis.address) as faulty, Keyshift(faulty.url) as keyshift:
        faulty.fault = faulty.stall          # from now on, for replies that hold MARK
        ...
        faulty.release()                     # what was held goes out, and replies pass again

Only what holds MARK is spoilt (`trickle` applies to all), so that handshakes and health checks of the daemon pass. A
fault is a method that gets the socket to the daemon and the bytes, and returns whether the connection goes on.
"""

import socket
import struct
import threading

MARK = b'MARK'


class FaultyUpstream:
    def __init__(self, behind):
        self.behind = behind
        self.fault = None
        self.requests = bytearray()        # all that the daemon sent
        self.held = threading.Event()      # a stall has begun
        self.released = threading.Event()
        self.closed = False
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return 'redis://127.0.0.1:%d' % self.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.released.set()
        self.listener.close()

    # The faults.

    def trickle(self, sock, data):
        """A byte at a time."""
        for position in range(len(data)):
            sock.sendall(data[position:position + 1])
        return True

    def stall(self, sock, data):
        """Nothing, until release()."""
        self.held.set()
        self.released.wait(120)
        sock.sendall(data)
        return True

    def reset(self, sock, data):
        """Half of the reply, then a reset."""
        sock.sendall(data[:data.index(MARK) + 2])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return False

    def answer(self, nonsense):
        """A fault that sends other bytes in the place of the reply."""
        def fault(sock, _):
            sock.sendall(nonsense)
            return True
        return fault

    def add(self, more):
        """A fault that sends bytes that nobody asked for behind the reply."""
        def fault(sock, data):
            sock.sendall(data + more)
            return True
        return fault

    def passed(self, data):
        """What of a request goes on to the server, and when; for who inherits."""
        return data

    def release(self):
        self.fault = None
        self.released.set()

    def arm(self, fault):
        self.held.clear()
        self.released.clear()
        self.fault = fault

    # The relay.

    def accept(self):
        while not self.closed:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.relay, args=(sock,), daemon=True).start()

    def relay(self, sock):
        try:
            behind = socket.create_connection(self.behind)
        except OSError:
            sock.close()
            return
        threading.Thread(target=self.forward, args=(sock, behind), daemon=True).start()
        try:
            while True:
                data = behind.recv(1 << 16)
                if not data:
                    break
                fault = self.fault
                if fault is not None and (MARK in data or fault == self.trickle):
                    if not fault(sock, data):
                        break
                else:
                    sock.sendall(data)
        except OSError:
            pass
        # shutdown wakes the other thread; close alone would leave it in recv, and the reset unsent.
        behind.close()
        linger = struct.unpack('ii', sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        if not linger[0]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        else:
            try:
                sock.shutdown(socket.SHUT_RD)
            except OSError:
                pass
        sock.close()

    def forward(self, sock, behind):
        try:
            while True:
                data = sock.recv(1 << 16)
                if not data:
                    break
                self.requests += data
                behind.sendall(self.passed(data))
        except OSError:
            pass
        try:
            behind.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
