"""An application as it was before Keyshift: python3-redis, pipelines, keys of five legacy shapes, every type.

    legacy_application.py write|read PORT COUNT        under the legacy names
    legacy_application.py read-consolidated PORT COUNT under the names of the standard scheme, as new code would

It knows nothing of Keyshift. `read` and `read-consolidated` check every value and print how many they found.
"""

import json
import sys

import redis

BATCH = 1000


def shape(number):
    """(kind, legacy name, consolidated name, its value, the TTL that the application gives or None)."""
    user = 'user%d' % number
    days = (7, 30, 90)[number % 3]
    return (
        ('string', 'writing_stats:%s:%dd' % (user, days), 'analytics:writing_stats:user:%s:days:%dd' % (user,
                days),
         json.dumps({'words': number}), None),
        ('list', 'topics:%s:list' % user, 'content:topics:user:%s' % user,
         ['topic%d' % (number % 7), 'caf\u00e9'], None),
        ('hash', 'task_metrics:%d' % number, 'celery:task_metrics:id:%d' % number,
         {'runs': str(number), 'state': 'done'}, None),
        ('zset', 'conversation:%08x-0000-4000-8000-%012x' % (number, number),
         'session:conversation:id:%08x-0000-4000-8000-%012x' % (number, number),
         {'hello': 1.0, 'bye': float(number)}, 600),
        ('string', 'http_cache:%08x' % (number * 2654435761 % 2 ** 32),
         'content:http_cache:hash:%08x' % (number * 2654435761 % 2 ** 32),
         '<html>%d</html>' % number * 4, 10 ** 6),
    )[number % 5]


def write(client, count):
    for start in range(0, count, BATCH):
        with client.pipeline(transaction=False) as pipe:
            for number in range(start, min(start + BATCH, count)):
                kind, legacy, _, value, ttl = shape(number)
                if kind == 'string':
                    pipe.set(legacy, value, ex=ttl)
                elif kind == 'list':
                    pipe.rpush(legacy, *value)
                elif kind == 'hash':
                    pipe.hset(legacy, mapping=value)
                else:
                    pipe.zadd(legacy, value)
                if ttl and kind != 'string':
                    pipe.expire(legacy, ttl)
            pipe.execute()


def read(client, count, name):
    found = 0
    for start in range(0, count, BATCH):
        shapes = [shape(number) for number in range(start, min(start + BATCH, count))]
        with client.pipeline(transaction=False) as pipe:
            for entry in shapes:
                kind, key = entry[0], entry[name]
                {'string': pipe.get, 'hash': pipe.hgetall, 'list': lambda k, p=pipe: p.lrange(k, 0, -1),
                 'zset': lambda k, p=pipe: p.zrange(k, 0, -1, withscores=True)}[kind](key)
            for entry, value in zip(shapes, pipe.execute()):
                wanted = sorted(entry[3].items(),
                                key=lambda item: item[1]) if entry[0] == 'zset' else entry[3]
                if value != wanted:
                    sys.exit('%s: %r, but %r was written' % (entry[name], value, wanted))
                found += 1
    print(found)


if __name__ == '__main__':
    connection = redis.Redis(port=int(sys.argv[2]), decode_responses=True)
    if sys.argv[1] == 'write':
        write(connection, int(sys.argv[3]))
    else:
        read(connection, int(sys.argv[3]), 1 if sys.argv[1] == 'read' else 2)
