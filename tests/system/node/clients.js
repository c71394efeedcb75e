// Connects as real Node.js applications do, works a little, and prints what it saw as one line of JSON.
//
//     node clients.js ioredis|redis2|redis3 PORT
'use strict';

const [library, port] = process.argv.slice(2);
const host = '127.0.0.1';

async function withIoredis() {
  const Redis = require('ioredis');
  const client = new Redis({ host, port: Number(port), connectionName: 'app', db: 1, maxRetriesPerRequest: 0,
                             retryStrategy: () => null });
  await client.ping();
  const seen = {
    name: await client.client('GETNAME'),
    set: await client.set('io:key', 'value', 'EX', 1000),
    get: await client.get('io:key'),
    buffer: (await client.getBuffer('io:key')).toString('hex'),
    keys: await client.keys('io:*'),
    pipeline: await client.pipeline().hset('io:hash', 'f', 1, 'g', 2).hgetall('io:hash').type('io:hash').exec(),
    error: await client.lpush('io:key', 'x').catch((error) => error.message),
    scan: [],
  };
  for await (const names of client.scanStream({ match: 'io:*' })) seen.scan.push(...names);
  seen.scan.sort();
  seen.del = await client.del('io:key', 'io:hash');
  seen.quit = await client.quit();
  return seen;
}

async function withRedis(RESP) {
  const { createClient } = require('redis');
  const client = createClient({ url: `redis://${host}:${port}/2`, RESP, name: 'app', socket: { reconnectStrategy: false } });
  client.on('error', (error) => { throw error; });
  await client.connect();
  const seen = {
    name: await client.clientGetName(),
    set: await client.set('node:key', 'value', { EX: 1000 }),
    get: await client.get('node:key'),
    keys: await client.keys('node:*'),
    batch: await Promise.all([client.hSet('node:hash', { f: '1', g: '2' }), client.hGetAll('node:hash'),
                              client.zAdd('node:zset', [{ score: 1.5, value: 'a' }]), client.zRangeWithScores('node:zset', 0, -1)]),
    error: await client.lPush('node:key', 'x').catch((error) => error.message),
    nothing: await client.get('node:none'),
    scan: [],
  };
  for await (const names of client.scanIterator({ MATCH: 'node:*' })) seen.scan.push(...names);
  seen.scan.sort();
  seen.del = await client.del(['node:key', 'node:hash', 'node:zset']);
  await client.close();
  return seen;
}

const work = { ioredis: withIoredis, redis2: () => withRedis(2), redis3: () => withRedis(3) }[library];
work().then((seen) => console.log(JSON.stringify(seen)), (error) => {
  console.error(error);
  process.exit(1);
});
