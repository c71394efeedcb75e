// Subscriber connections and MONITOR with ioredis; prints what they heard.
//
//     node ioredis_feeds.js messages|monitor URL
'use strict';

const Redis = require('ioredis');
const { say, failure, until, run } = require('./outcome.js');

const parts = { messages: [subscribers, renewed], monitor: [monitored] }[process.argv[2]];
const url = `${process.argv[3]}/1`;

function connect(options = {}) {
  const client = new Redis(url, { retryStrategy: () => 5, ...options });
  client.on('error', () => {});
  return client;
}

async function subscribers(client) {
  const subscriber = connect();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push([channel, message]));
  subscriber.on('messageBuffer', (channel, message) => heard.push([channel, message]));
  subscriber.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  say('subscribed', [await subscriber.subscribe('news', 'weather'), await subscriber.psubscribe('price.*')]);
  say('in subscriber mode', [await failure(subscriber.get('chat:room:1')), await subscriber.ping()]);
  say('published', [await client.publish('news', 'hello'),
                    await client.publish('price.apple', Buffer.from([0, 255])),
                    await client.publish('none', 'x')]);
  await until(() => heard.length === 3, 'three messages');
  say('heard', heard);
  say('known', [(await client.pubsub('CHANNELS')).sort(), await client.pubsub('NUMSUB', 'news', 'none'),
                await client.pubsub('NUMPAT')]);
  say('unsubscribed', [await subscriber.unsubscribe('news'), await client.publish('news', 'nobody'),
                       await subscriber.punsubscribe('price.*'), await subscriber.unsubscribe()]);
  say('normal again', [await subscriber.set('chat:room:1', 'x'), await subscriber.get('chat:room:1'),
                       await client.publish('weather', 'rain')]);
  await subscriber.quit();
}

// The connection of a subscriber is lost: ioredis connects again and renews its subscriptions.
async function renewed(client) {
  const patterns = await client.pubsub('NUMPAT');
  const subscriber = connect({ connectionName: 'ears' });
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push([channel, message]));
  subscriber.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  await subscriber.subscribe('news');
  await subscriber.psubscribe('price.*');
  const [, number] = (await client.client('LIST', 'TYPE', 'pubsub')).match(/^id=(\d+) .*name=ears /m);
  say('killed', await client.client('KILL', 'ID', number));
  await until(async () => (await client.publish('news', 'again')) === 1, 'a subscriber again');
  await until(async () => (await client.publish('price.pear', 'again')) === 1, 'its pattern again');
  await until(() => heard.some((message) => message.length === 3), 'a message');
  say('renewed', heard.slice(-2));
  subscriber.disconnect();
  await until(async () => (await client.pubsub('NUMPAT')) === patterns, 'the end of the subscriber');
  say('gone', await client.publish('news', 'x'));
}

async function monitored(client) {
  const monitor = await connect().monitor();
  const seen = [];
  monitor.on('monitor', (time, args, source, database) => seen.push([args, database]));
  await client.set('chat:room:2', 'a b');
  await client.multi().incr('chat:rank:1').exec();
  await client.del('chat:room:2');
  await until(() => seen.some(([args]) => args[0] === 'del'), 'the last command');
  say('monitor', seen);
  monitor.disconnect();
}

run(async () => {
  const client = connect();
  for (const part of parts) await part(client);
  await client.quit();
});
