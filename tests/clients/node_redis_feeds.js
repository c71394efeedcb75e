// What node-redis hears without asking: messages, MONITOR, and, with RESP3, invalidations of its cache; prints it.
//
//     node node_redis_feeds.js 2|3 messages|monitor|cache URL
//
// The first argument is the version of RESP; a cache needs 3.
'use strict';

const { createClient } = require('redis');
const { say, until, run } = require('./outcome.js');

const RESP = Number(process.argv[2]);
const parts = { messages: [subscribers, renewed], monitor: [monitored], cache: [cached] }[process.argv[3]];
const url = `${process.argv[4]}/2`;

async function connect(options = {}) {
  const client = createClient({ url, RESP, socket: { reconnectStrategy: 5 }, ...options });
  client.on('error', () => {});
  return client.connect();
}

async function subscribers(client) {
  const subscriber = await connect();
  const heard = [];
  const hear = (message, channel) => heard.push([channel, message]);
  await subscriber.subscribe(['news', 'weather'], hear);
  await subscriber.subscribe('news', (message, channel) => heard.push(['buffer', channel, message]), true);
  await subscriber.pSubscribe('price.*', hear);
  say('published', [await client.publish('news', 'hello'), await client.publish('price.apple', '\u0000ä'),
                    await client.publish('none', 'x')]);
  await until(() => heard.length === 3, 'three messages');
  say('heard', heard);
  say('known', [(await client.pubSubChannels()).sort(), await client.pubSubNumSub(['news', 'none']),
                await client.pubSubNumPat()]);
  if (RESP === 3) say('beside', [await subscriber.set('player.ann', 'x'), await subscriber.get('player.ann')]);
  await subscriber.unsubscribe('weather');
  await subscriber.pUnsubscribe('price.*');
  say('unsubscribed', [await client.publish('weather', 'rain'), await client.publish('price.pear', 'x'),
                       await client.publish('news', 'last')]);
  await subscriber.unsubscribe();
  say('normal again', [await subscriber.ping(), await subscriber.get('player.none')]);
  await subscriber.sSubscribe('shard', hear);
  say('sharded', [await client.sPublish('shard', 'x'), await client.pubSubShardChannels()]);
  await until(() => heard.length >= 6, 'the sharded message');
  say('heard at last', heard.slice(3));
  await subscriber.close();
}

// The connection of a subscriber is lost: node-redis connects again and renews its subscriptions.
async function renewed(client) {
  const subscriber = await connect({ name: 'ears' });
  const heard = [];
  await subscriber.subscribe('news', (message) => heard.push(message));
  const { id } = (await client.clientList({ TYPE: 'PUBSUB' })).find(({ name }) => name === 'ears');
  say('killed', await client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]));
  await until(async () => (await client.publish('news', 'again')) === 1, 'a subscriber again');
  await until(() => heard.length, 'a message');
  say('renewed', heard.at(-1));
  subscriber.destroy();
  await until(async () => (await client.publish('news', 'x')) === 0, 'the end of the subscriber');
}

async function monitored(client) {
  const watching = await connect();
  const seen = [];
  await watching.monitor((line) => seen.push(line.replace(/^[\d.]+ \[(\d+) [^\]]*\]/, '$1')));
  await client.set('player.bob', 'a b');
  await client.multi().incr('game:1:moves').exec();
  await client.del('player.bob');
  await until(() => seen.some((line) => line.includes('"DEL"')), 'the last command');
  say('monitor', seen);
  watching.destroy();
}

// Client-side caching: CLIENT TRACKING, and invalidations as pushes.
async function cached(client) {
  const caching = await connect({ clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' } });
  await client.set('player.ann', 'one');
  const first = [await caching.get('player.ann'), await caching.get('player.ann')];
  await client.set('player.ann', 'two');
  await until(async () => (await caching.get('player.ann')) === 'two', 'the invalidation');
  say('cached', [first, await caching.get('player.ann'), await caching.hGetAll('game:1:state'),
                 await caching.hGetAll('game:1:state')]);
  await client.hSet('game:1:state', { turn: '4' });
  await until(async () => (await caching.hGetAll('game:1:state')).turn === '4', 'the invalidation');
  await client.flushDb();
  await until(async () => (await caching.get('player.ann')) === null, 'the invalidation of everything');
  say('flushed', await caching.get('player.ann'));
  await caching.close();
}

run(async () => {
  const client = await connect();
  await client.hSet('game:1:state', { turn: '3' });
  await client.lPush('inbox.ann', 'x');
  for (const part of parts) await part(client);
  await client.close();
});
