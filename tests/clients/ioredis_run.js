// ioredis as applications use it; prints what it saw.
//
//     node ioredis_run.js URL
'use strict';

const Redis = require('ioredis');
const { say, expiry, failure, until, run } = require('./outcome.js');

const url = `${process.argv[2]}/1`;

function connect(options = {}) {
  const client = new Redis(url, { maxRetriesPerRequest: 2, retryStrategy: () => 5, ...options });
  client.on('error', () => {});
  return client;
}

async function values(client) {
  say('connection', [await client.ping(), await client.client('GETNAME'), await client.echo('hello')]);
  say('strings', [await client.set('chat:user:ann', 'value', 'EX', 1000), await client.get('chat:user:ann'),
                  await client.getBuffer('chat:user:ann'), expiry(await client.ttl('chat:user:ann')),
                  await client.get('chat:user:none'),
                  await client.mset(new Map([['chat:user:bob', 'b'], ['chat:user:cy', Buffer.from([0, 255])]])),
                  await client.mget('chat:user:bob', 'chat:user:none'),
                  await client.getBuffer('chat:user:cy')]);
  say('hashes', [await client.hset('chat:room:1', { topic: 'redis', size: 3 }),
                 await client.hgetall('chat:room:1'), await client.hgetall('chat:room:none'),
                 await client.hincrby('chat:room:1', 'size', 2)]);
  say('zsets', [await client.zadd('chat:rank:all', 1.5, 'ann', 2, 'bob'),
                await client.zrange('chat:rank:all', 0, -1, 'WITHSCORES'),
                await client.zscore('chat:rank:all', 'none')]);
  say('names', [(await client.keys('chat:user:*')).sort(), await client.del('chat:user:bob', 'chat:user:cy')]);
  say('errors', [await failure(client.lpush('chat:user:ann', 'x')),
                 await failure(client.call('NOSUCHCOMMAND', 'x')), await failure(client.call('GET'))]);
  say('at once', await Promise.all(Array.from({ length: 50 }, () => client.incr('chat:rank:counter'))));
}

async function pipelines(client) {
  const short = client.pipeline().set('chat:room:2', 1).incr('chat:room:2').lpush('chat:room:2', 'x');
  say('pipeline', await short.get('chat:room:2').exec());
  const long = client.pipeline();
  for (let number = 0; number < 3000; number += 1) long.set(`chat:log:${number}`, number);
  const replies = await long.exec();
  say('long pipeline', [replies.length, replies.every(([error, reply]) => error === null && reply === 'OK')]);
  const automatic = connect({ enableAutoPipelining: true });
  say('automatic pipelining', await Promise.all([automatic.set('chat:room:3', 'x'), automatic.get('chat:room:3'),
                                                 automatic.exists('chat:room:3')]));
  await automatic.quit();
}

async function transactions(client) {
  say('multi', await client.multi().set('chat:room:4', 1).incr('chat:room:4').hgetall('chat:room:1').exec());
  say('multi with a failure',
      await client.multi().set('chat:room:4', 'x').incr('chat:room:4').get('chat:room:4').exec());
  say('multi aborted', [await failure(client.multi().set('chat:room:4', 'never').call('GET').exec()),
                        await client.get('chat:room:4')]);
  const around = client.pipeline().get('chat:room:4').multi().set('chat:room:4', 'y').get('chat:room:4').exec();
  say('multi among a pipeline', await around.get('chat:room:4').exec());
  await client.multi({ pipeline: false });
  say('multi in pieces', [await client.set('chat:room:5', 1), await client.incr('chat:room:5'),
                          await client.exec(), await client.get('chat:room:5')]);
  await client.multi({ pipeline: false });
  await client.set('chat:room:5', 'never');
  say('discarded', [await client.discard(), await client.get('chat:room:5')]);
  const own = connect();
  await own.watch('chat:room:5');
  say('watched, unchanged', await own.multi().incr('chat:room:5').exec());
  await own.watch('chat:room:5');
  await client.set('chat:room:5', 'meddled');
  say('watched, changed', [await own.multi().set('chat:room:5', 'lost').exec(), await own.get('chat:room:5')]);
  own.disconnect();
}

async function streamed(scanning, ...names) {
  for await (const found of scanning) names.push(...found);
  return names.sort();
}

async function scans(client) {
  say('scanStream', [await streamed(client.scanStream({ match: 'chat:room:*', count: 5 })),
                     (await streamed(client.scanStream({ match: 'chat:log:1?5', count: 100 }))),
                     await streamed(client.scanStream({ match: 'chat:*', type: 'zset', count: 1000 }))]);
  say('hscanStream', await streamed(client.hscanStream('chat:room:1')));
  const found = await streamed(client.scanBufferStream({ match: 'chat:user:*' }));
  say('scanBufferStream', found);
  const unlinked = [];
  const stream = client.scanStream({ match: 'chat:log:*', count: 500 });
  stream.on('data', (names) => {
    if (names.length) unlinked.push(client.unlink(names));
  });
  await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
  await Promise.all(unlinked);
  say('unlinked while scanning', await client.keys('chat:log:*'));
}

async function scripts(client) {
  await client.script('FLUSH');
  client.defineCommand('remember', {
    numberOfKeys: 2,
    lua: `redis.call('RPUSH', KEYS[1], ARGV[1])
          redis.call('INCR', KEYS[2])
          return {redis.call('LRANGE', KEYS[1], 0, -1), redis.call('GET', KEYS[2]), 1.9, false}`,
  });
  say('defineCommand', [await client.remember('chat:inbox:ann', 'chat:rank:mails', 'one'),
                        await client.remember('chat:inbox:ann', 'chat:rank:mails', 'two'),
                        await client.rememberBuffer('chat:inbox:ann', 'chat:rank:mails', 'three')]);
  await client.script('FLUSH');
  say('after SCRIPT FLUSH', await client.remember('chat:inbox:ann', 'chat:rank:mails', 'four'));
  await client.script('FLUSH');
  say('in a pipeline',
      await client.pipeline().remember('chat:inbox:bob', 'chat:rank:mails', 'x').get('chat:rank:mails').exec());
  client.defineCommand('newest', { lua: "return redis.call('LINDEX', KEYS[1], -1)", readOnly: true });
  say('number of keys at the call', await client.newest(1, 'chat:inbox:ann'));
  say('eval', [await client.eval("return redis.call('TYPE', KEYS[1])", 1, 'chat:inbox:ann'),
               await failure(client.eval("return redis.error_reply('MINE no')", 0)),
               await failure(client.evalsha('0'.repeat(40), 0))]);
  const bot = connect({ keyPrefix: 'bot/' });
  bot.defineCommand('mark', { numberOfKeys: 1, lua: "return redis.call('SET', KEYS[1], ARGV[1])" });
  say('keyPrefix', [await bot.set('state', 'up'), await bot.get('state'), await bot.mark('marked', 'yes'),
                    await bot.mget('state', 'marked'), (await client.keys('bot/*')).sort()]);
  await bot.quit();
}

async function waiting(client) {
  const waiter = client.duplicate();
  const blocked = (count) => until(async () => (await client.info('clients')).includes(`blocked_clients:${count}\r`),
                                   `${count} clients that wait`);
  for (const [name, call, feed] of [
    ['brpop', () => waiter.brpop('chat:inbox:b1', 'chat:inbox:b2', 20),
     () => client.lpush('chat:inbox:b2', 'x')],
    ['blmove', () => waiter.blmove('chat:inbox:b1', 'chat:inbox:b3', 'LEFT', 'RIGHT', 20),
     () => client.lpush('chat:inbox:b1', 'y')],
    ['bzpopmax', () => waiter.bzpopmax('chat:rank:b', 20), () => client.zadd('chat:rank:b', 3, 'm')],
    ['xread', () => waiter.xread('BLOCK', 20000, 'STREAMS', 'chat:log:x', '$'),
     () => client.xadd('chat:log:x', '5-5', 'f', 'v')],
  ]) {
    const got = call();
    await blocked(1);
    await feed();
    say(name, await got);
  }
  say('waited in vain', [await waiter.brpop('chat:inbox:none', 0.01), await waiter.get('chat:inbox:none')]);
  waiter.brpop('chat:inbox:dead', 20).catch(() => {});
  await blocked(1);
  waiter.disconnect();
  await blocked(0);
  say('disconnected while it waited', [await client.lpush('chat:inbox:dead', 'kept'),
                                       await client.lrange('chat:inbox:dead', 0, -1)]);
}

async function disconnects(client) {
  const lossy = connect({ connectionName: 'lossy' });
  const events = [];
  for (const event of ['connect', 'ready', 'close', 'reconnecting', 'end']) lossy.on(event, () => events.push(event));
  const number = await lossy.client('ID');
  await client.client('KILL', 'ID', number);
  say('killed and back', [await until(async () => (await lossy.client('ID')) !== number, 'a new connection'),
                          await lossy.client('GETNAME'),
                          await lossy.get('chat:inbox:dead').catch((error) => error.message),
                          (await lossy.info()).includes('db1:')]);
  say('quit', await lossy.quit());
  await until(() => events.includes('end'), 'the end');
  say('events', events);
  say('after the end', await failure(lossy.get('chat:room:1')));
}

run(async () => {
  const client = connect({ connectionName: 'app' });
  for (const part of [values, pipelines, transactions, scans, scripts, waiting, disconnects]) await part(client);
  say('flush', [await client.flushdb(), await client.dbsize(), await client.quit()]);
});
