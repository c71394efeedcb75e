"""Many clients that do nothing but wait: some in BLPOP, each for a list of its own, some for messages.

    with Crowd(keyshift, redis, waiting=1000, subscribers=1000) as crowd:
        ...                                  # all of them wait
        crowd.feed(witness)                  # each gets what it waits for, and nothing else
"""

from harness.resp import encode
from harness.servers import wait_for

CHANNEL = 'news'


def blocked_clients(redis):
    with redis.connect() as client:
        return int(client.ask('INFO', 'clients').split(b'blocked_clients:')[1].split(b'\r')[0])


class Crowd:
    def __init__(self, front, redis, waiting=0, subscribers=0):
        """Connects them to `front`; returns when all of them wait. `redis` is the server that they wait in."""
        self.waiting = [front.connect() for _ in range(waiting)]
        self.subscribers = [front.connect() for _ in range(subscribers)]
        before = blocked_clients(redis)
        for number, client in enumerate(self.waiting):
            client.send(encode(('BLPOP', 'k:list%d' % number, '0')))
        for client in self.subscribers:
            client.send(encode(('SUBSCRIBE', CHANNEL)))
        for client in self.subscribers:
            assert client.read_raw()[1][0] == ('$', b'subscribe')
        wait_for(lambda: blocked_clients(redis) == before + waiting, '%d clients that wait' % waiting)

    def feed(self, witness, message=b'message'):
        """Gives each of them what it waits for, from another client; fails where one gets anything else."""
        for number, client in enumerate(self.waiting):
            witness.ask('RPUSH', 'k:list%d' % number, number)
            got = client.read()
            assert got == ('*', (('$', b'k:list%d' % number), ('$', b'%d' % number))), got
        if self.subscribers:
            count = witness.ask('PUBLISH', CHANNEL, message)
            assert count == len(self.subscribers), count
        for client in self.subscribers:
            got = client.read_raw()
            assert got[1] == (('$', b'message'), ('$', CHANNEL.encode()), ('$', message)), got

    def close(self):
        for client in self.waiting + self.subscribers:
            client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
