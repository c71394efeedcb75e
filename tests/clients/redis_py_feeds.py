"""What redis-py is told without asking: pub/sub and MONITOR; prints what it saw.

    redis_py_feeds.py python|hiredis messages|monitor URL

The first argument chooses the parser of replies.
"""

import asyncio
import sys

import redis
import redis.asyncio
from redis.connection import HiredisParser, PythonParser

from outcome import failure, say, until

PARSER = {'python': PythonParser, 'hiredis': HiredisParser}[sys.argv[1]]
PART = sys.argv[2]
URL = sys.argv[3]


def next_message(pubsub):
    return until(lambda: pubsub.get_message(timeout=1), 'a message')


def messages(client):
    pubsub = client.pubsub()
    pubsub.subscribe('news', 'weather')
    pubsub.psubscribe('price.*')
    say('subscribed', [next_message(pubsub) for _ in range(3)])
    say('published', [client.publish('news', 'hello'), client.publish('price.apple', b'\x00\x01'),
                      client.publish('none', 'x')])
    say('received', [next_message(pubsub) for _ in range(2)])
    say('known', [sorted(client.pubsub_channels()), client.pubsub_channels('n*'),
                  client.pubsub_numsub('news', 'none'), client.pubsub_numpat()])
    pubsub.ping('still there')
    say('ping', next_message(pubsub))
    pubsub.unsubscribe('weather')
    pubsub.punsubscribe()
    say('unsubscribed', [next_message(pubsub) for _ in range(2)])
    say('published less', [client.publish('weather', 'rain'), client.publish('price.pear', '1'),
                           client.publish('news', 'last')])
    say('received less', next_message(pubsub))
    pubsub.close()
    say('closed', until(lambda: client.publish('news', 'x') == 0, 'the end of the subscriber'))


def quiet(client):
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe('news')
    until(lambda: client.pubsub_numsub('news') == [(b'news', 1)], 'a subscriber')
    pubsub.get_message()
    for text in ('one', 'two', 'end'):
        client.publish('news', text)
    heard = []
    for message in pubsub.listen():
        heard.append(message)
        if message['data'] == b'end':
            break
    say('listen', heard)
    pubsub.close()


def handlers(client):
    heard, patterns = [], client.pubsub_numpat()
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(**{'orders': heard.append})
    pubsub.psubscribe(**{'stock.*': heard.append})
    thread = pubsub.run_in_thread(sleep_time=0.01, daemon=True)
    until(lambda: client.pubsub_numsub('orders') == [(b'orders', 1)], 'a subscriber')
    until(lambda: client.pubsub_numpat() == patterns + 1, 'a subscriber to a pattern')
    for number in range(20):
        client.publish('orders', number)
    client.publish('stock.apple', 'low')
    until(lambda: len(heard) == 21, 'all messages')
    thread.stop()
    thread.join(30)
    say('run_in_thread', heard)


def renewed(client):
    """The connection of a subscriber is killed; redis-py connects and subscribes again."""
    ears = redis.Redis.from_url(URL, client_name='ears')
    pubsub = ears.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe('news')

    def connections():
        return [entry['id'] for entry in client.client_list(_type='pubsub') if entry['name'] == 'ears']

    # The channel's count tells less: it may be of a subscriber before, or be there before the connection is listed.
    numbers = until(connections, 'its connection among the subscribers')
    say('killed', [client.client_kill_filter(_id=number) for number in numbers])
    until(lambda: client.pubsub_numsub('news') == [(b'news', 0)], 'its end')

    def reconnected():
        try:
            pubsub.get_message(timeout=0.01)
        except redis.ConnectionError:
            return False
        return client.pubsub_numsub('news') == [(b'news', 1)]

    until(reconnected, 'a subscriber again')
    say('renewed', [client.publish('news', 'again'), next_message(pubsub)])
    pubsub.close()
    ears.close()


def monitor(client):
    with client.monitor() as feed:
        client.set('cart:1', 'a b\n')
        client.pipeline(transaction=True).get('cart:1').incr('hits:front').execute()
        client.delete('cart:1')
        seen = []
        while not seen or not seen[-1].startswith('DEL'):
            entry = feed.next_command()
            seen.append(entry['command'])
            assert entry['time'] > 0 and entry['db'] == 0, entry
    say('monitor', seen)



async def in_asyncio():
    client = redis.asyncio.from_url(URL, decode_responses=True)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe('news')
    while (await client.pubsub_numsub('news')) != [('news', 1)]:
        await asyncio.sleep(0)
    await client.publish('news', 'hello')
    heard = None
    while heard is None:
        heard = await pubsub.get_message(timeout=1)
    say('asyncio', heard)
    await pubsub.close()
    await client.close()


def main():
    client = redis.Redis(connection_pool=redis.ConnectionPool.from_url(URL, parser_class=PARSER))
    if PART == 'messages':
        for part in (messages, quiet, handlers, renewed):
            part(client)
        asyncio.run(in_asyncio())
        client.set('cart:1', 'done')
    else:
        monitor(client)
    client.close()


if __name__ == '__main__':
    main()
