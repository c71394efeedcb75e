"""redis-py as applications use it; prints what it saw.

    redis_py_run.py python|hiredis URL

The argument chooses the parser of replies.
"""

import asyncio
import sys
import threading

import redis
import redis.asyncio
from redis.connection import HiredisParser, PythonParser

from outcome import expiry, failure, say, until

PARSER = {'python': PythonParser, 'hiredis': HiredisParser}[sys.argv[1]]
URL = sys.argv[2]


def connect(**options):
    pool = redis.ConnectionPool.from_url(URL, parser_class=PARSER, **options)
    return redis.Redis(connection_pool=pool)


def values(client):
    say('handshake', [client.ping(), client.client_getname(), client.client_setname('shop'),
                      client.client_getname(), client.info('server')['redis_version'], client.echo('æøå')])
    say('strings', [client.set('cart:1', 'a', ex=100), expiry(client.ttl('cart:1')), client.get('cart:1'),
                    client.get('cart:2'), client.set('cart:1', 'b', nx=True),
                    client.set('cart:1', 'c', get=True), client.mset({'cart:1': 'x', 'cart:2': b'\x00\xff'}),
                    client.mget('cart:1', 'cart:2', 'cart:3'), client.incrby('cart:3', 5),
                    client.getdel('cart:3'), client.exists('cart:1', 'cart:2', 'cart:3')])
    say('hashes', [client.hset('cart:4', mapping={'apple': 1, 'pear': 2}), client.hgetall('cart:4'),
                   client.hincrbyfloat('cart:4', 'apple', 0.5), dict(client.hscan_iter('cart:4'))])
    say('sets', [client.sadd('cart:5', 'a', 'b'), client.sadd('cart:6', 'b', 'c'),
                 client.sinter('cart:5', 'cart:6'), client.sunionstore('cart:7', 'cart:5', 'cart:6'),
                 set(client.sscan_iter('cart:7'))])
    say('zsets', [client.zadd('rank:2024', {'ann': 3, 'bob': 1.5, 'cy': 2}),
                  client.zrange('rank:2024', 0, -1, withscores=True), client.zrevrank('rank:2024', 'ann'),
                  client.zrangestore('rank:top', 'rank:2024', 1, 2), list(client.zscan_iter('rank:top')),
                  client.zpopmax('rank:2024'), client.zmscore('rank:2024', ['bob', 'none'])])
    say('other forms', [client.geoadd('rank:places', (13.361389, 38.115556, 'Palermo')),
                        client.geopos('rank:places', 'Palermo'), client.pfadd('hits:unique', 'a', 'b'),
                        client.pfcount('hits:unique'), client.bitfield('hits:bits').set('u8', 0, 200).execute(),
                        client.bitcount('hits:bits'), client.object('encoding', 'cart:1'),
                        client.type('cart:4')])
    say('dump', [client.restore('cart:8', 0, client.dump('cart:4')), client.hgetall('cart:8'),
                 client.rename('cart:8', 'cart:9'), client.copy('cart:9', 'cart:10'),
                 client.unlink('cart:9', 'cart:10')])
    say('sort', [client.rpush('jobs:ids', 2, 1, 3), client.mset({'hits:1': 'c', 'hits:2': 'b', 'hits:3': 'a'}),
                 client.sort('jobs:ids', by='hits:*', get=['#', 'hits:*'], alpha=True, groups=True)])
    say('errors', [failure(client.lpush, 'cart:1', 'x'), failure(client.execute_command, 'NOSUCHCOMMAND', 'a'),
                   failure(client.execute_command, 'GET'), failure(client.incr, 'cart:2')])


def names(client):
    client.mset({'hits:%d' % number: number for number in range(50)})
    say('scan_iter', set(client.scan_iter('hits:1*', count=7)))
    say('scan_iter by type', set(client.scan_iter('rank:*', _type='zset')))
    say('keys', [sorted(client.keys('cart:*')), sorted(client.keys('hits:[12]?')), client.keys('nothing*')])
    say('whole keyspace', [client.dbsize(), len(client.keys()), client.randomkey() is not None])


def pipelines(client):
    pipe = client.pipeline(transaction=True)
    say('transaction',
        pipe.set('cart:20', 1).incr('cart:20').hgetall('cart:4').lrange('jobs:ids', 0, -1).execute())
    pipe = client.pipeline(transaction=False)
    say('pipeline', pipe.set('cart:20', 1).incr('cart:20').get('cart:99').execute())
    for transaction in (True, False):
        pipe = client.pipeline(transaction=transaction).set('cart:20', 'x').incr('cart:20').get('cart:20')
        say('failure inside, transaction %s' % transaction, [pipe.execute(raise_on_error=False), failure(
            client.pipeline(transaction=transaction).lpush('cart:20', 1).get('cart:20').execute)])
    pipe = client.pipeline().set('cart:20', 'never').execute_command('GET', 'too', 'many')
    say('aborted', [failure(pipe.execute), client.get('cart:20')])
    pipe = client.pipeline(transaction=False)
    for number in range(2000):
        pipe.set('cart:%d' % (1000 + number), number)
    for number in range(2000):
        pipe.get('cart:%d' % (1000 + number))
    replies = pipe.execute()
    say('long pipeline', [len(replies), sum(int(reply) for reply in replies[2000:])])
    say('large values', [client.set('cart:30', b'v' * 3_000_000), len(client.get('cart:30')),
                         client.strlen('cart:30')])


def watching(client):
    client.set('cart:40', 5)
    with client.pipeline() as pipe:
        pipe.watch('cart:40')
        seen = int(pipe.get('cart:40'))
        pipe.multi()
        say('watched, unchanged', pipe.set('cart:40', seen * 2).execute())
        pipe.watch('cart:40')
        client.set('cart:40', 'meddled')
        pipe.multi()
        pipe.set('cart:40', 'lost')
        say('watched, changed', [failure(pipe.execute), client.get('cart:40')])
        pipe.watch('cart:41', 'cart:42')
        pipe.unwatch()
        pipe.multi()
        client.set('cart:41', 'meddled')
        say('unwatched', pipe.set('cart:41', 'mine').execute())

    tries = []

    def double(pipe):
        tries.append(pipe.get('cart:43'))
        if len(tries) == 1:
            client.set('cart:43', 21)
        current = int(pipe.get('cart:43') or 0)
        pipe.multi()
        pipe.set('cart:43', current * 2)

    say('transaction()', [client.transaction(double, 'cart:43'), tries, client.get('cart:43')])


def locks(client):
    lock = client.lock('lock:stock', timeout=20)
    other = client.lock('lock:stock', timeout=20, blocking_timeout=0.02)
    say('lock', [lock.acquire(), lock.locked(), lock.owned(), other.acquire(), other.owned()])
    say('lock extended', [lock.extend(30), lock.reacquire(), 0 < client.pttl('lock:stock') <= 20000,
                          lock.release(), lock.locked(), failure(lock.release)])
    with lock:
        client.set('lock:stock', 'stolen')
        stolen = failure(lock.release)
        client.delete('lock:stock')
        lock.acquire()
    say('lock stolen', stolen)
    counter = []

    def work():
        for _ in range(5):
            with client.lock('lock:shared', timeout=30, sleep=0.001):
                seen = client.get('hits:locked')
                client.set('hits:locked', int(seen or 0) + 1)
        counter.append(1)

    in_threads(work, 4)
    say('lock among threads', [len(counter), client.get('hits:locked')])


def scripts(client):
    add = client.register_script("redis.call('RPUSH', KEYS[1], ARGV[1]) "
                                 "return redis.call('LRANGE', KEYS[1], 0, -1)")
    client.script_flush()
    say('script not loaded', add(keys=['jobs:scripted'], args=['a']))
    say('script loaded', [add(keys=['jobs:scripted'], args=['b']), client.script_exists(add.sha, '0' * 40)])
    client.script_flush()
    pipe = client.pipeline()
    add(keys=['jobs:scripted'], args=['c'], client=pipe)
    pipe.llen('jobs:scripted')
    say('script in a pipeline', pipe.execute())
    say('eval', [client.eval('return {ARGV[1], #KEYS, 3.9, false}', 1, 'jobs:scripted', 'x'),
                 failure(client.eval, "return redis.error_reply('MINE no')", 0),
                 failure(client.evalsha, '0' * 40, 0),
                 client.eval('return redis.call("TYPE", KEYS[1])', 1, 'rank:top')])
    say('functions', [client.function_load('#!lua name=shop\nredis.register_function("first", '
                                           'function(keys, args) return redis.call("LINDEX", keys[1], 0) end)'),
                      client.fcall('first', 1, 'jobs:scripted'), client.function_delete('shop')])


def streams(client):
    say('streams', [[client.xadd('events-orders', {'n': n}, id='%d-1' % n) for n in (1, 2, 3)],
                    client.xlen('events-orders'), client.xrange('events-orders', '2-1'),
                    client.xread({'events-orders': '1-1'}, count=1)])
    say('groups', [client.xgroup_create('events-orders', 'mailers', id='0'),
                   client.xreadgroup('mailers', 'one', {'events-orders': '>'}, count=2),
                   client.xack('events-orders', 'mailers', '1-1'), client.xpending('events-orders', 'mailers'),
                   client.xautoclaim('events-orders', 'mailers', 'two', 0),
                   client.xinfo_stream('events-orders')['length'],
                   [(group['name'], group['pending']) for group in client.xinfo_groups('events-orders')]])


def blocked(client):
    return client.info('clients')['blocked_clients']


def blocking(client):
    """Each call waits in a thread until the server says that somebody does, then gets what it waits for."""
    for name, call, feed in (
            ('blpop', lambda: client.blpop(['jobs:b1', 'jobs:b2'], 20),
             lambda: client.rpush('jobs:b2', 'x', 'y')),
            ('brpoplpush', lambda: client.brpoplpush('jobs:b3', 'jobs:b4', 20),
             lambda: client.rpush('jobs:b3', 'x')),
            ('blmove', lambda: client.blmove('jobs:b3', 'jobs:b4', 20, 'LEFT', 'LEFT'),
             lambda: client.rpush('jobs:b3', 'y')),
            ('bzpopmin', lambda: client.bzpopmin(['rank:b1', 'rank:b2'], 20),
             lambda: client.zadd('rank:b1', {'m': 1})),
            ('xread', lambda: client.xread({'events-b': '$'}, block=20000),
             lambda: client.xadd('events-b', {'f': 1}, id='7-7')),
            ('xreadgroup', lambda: client.xreadgroup('mailers', 'one', {'events-orders': '>'}, block=20000),
             lambda: client.xadd('events-orders', {'f': 1}, id='9-9'))):
        if name == 'xreadgroup':
            client.xreadgroup('mailers', 'one', {'events-orders': '>'})
        got = []
        thread = threading.Thread(target=lambda: got.append(call()))
        thread.start()
        until(lambda: blocked(client) == 1, 'a client that waits in ' + name)
        feed()
        thread.join(30)
        say(name, got)
    say('waited in vain', [client.blpop('jobs:none', 0.01), client.bzpopmax('rank:none', 0.01),
                           client.xread({'events-none': '$'}, block=10)])
    say('brpop with what is there', client.brpop('jobs:b2', 1))


def in_threads(work, count):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def many_threads(client):
    pool = redis.BlockingConnectionPool.from_url(URL, parser_class=PARSER, max_connections=4, timeout=30)
    shared = redis.Redis(connection_pool=pool)

    def work():
        for number in range(100):
            shared.incr('hits:threads')
            shared.hset('cart:50', number % 10, number)

    in_threads(work, 8)
    say('threads', [client.get('hits:threads'), client.hlen('cart:50')])


def databases(client):
    other = redis.Redis.from_url(URL + '/3', decode_responses=True)
    say('another database', [other.set('hits:db', 'three'), other.get('hits:db'), client.get('hits:db'),
                             sorted(other.keys()), other.move('hits:db', 0), client.get('hits:db'),
                             other.dbsize()])
    other.close()


def administration(client):
    named = connect(client_name='named')
    number = named.client_id()
    mine = [entry for entry in client.client_list() if entry['name'] == 'named']
    say('client list', [len(mine), mine[0]['id'] == str(number), mine[0]['db'], mine[0]['cmd'],
                        named.client_info()['name']])
    say('client kill', [client.client_kill_filter(_id=number),
                        until(lambda: another(named, number), 'a new connection')])
    say('config', [client.config_get('maxmemory-policy'), client.time()[0] > 0, client.lastsave() is not None,
                   client.memory_usage('cart:1') > 0, client.command_getkeys('MSET', 'cart:1', 1, 'cart:2', 2)])
    say('flush', [client.flushdb(), client.dbsize()])
    named.close()


def another(client, number):
    try:
        return client.client_id() != number
    except redis.ConnectionError:
        return False


async def in_asyncio():
    client = redis.asyncio.from_url(URL, decode_responses=True)
    say('asyncio', [await client.set('cart:60', 1),
                    await asyncio.gather(*[client.incr('cart:60') for _ in range(20)]),
                    await client.pipeline(transaction=True).get('cart:60').delete('cart:60').execute()])
    waiter = asyncio.create_task(client.blpop('jobs:asyncio', 20))
    while (await client.info('clients'))['blocked_clients'] == 0:
        await asyncio.sleep(0)
    say('asyncio blpop', [await client.rpush('jobs:asyncio', 'x'), await waiter])
    await client.close()


def main():
    client = connect(health_check_interval=1)
    for part in (values, names, pipelines, watching, locks, scripts, streams, blocking, many_threads, databases):
        part(client)
    asyncio.run(in_asyncio())
    administration(client)
    client.close()


if __name__ == '__main__':
    main()
