// node-redis as applications use it; prints what it saw.
//
//     node node_redis_run.js 2|3 URL
//
// The first argument is the version of RESP.
'use strict';

const { createClient, createClientPool, defineScript } = require('redis');
const { say, expiry, failure, until, run } = require('./outcome.js');

const RESP = Number(process.argv[2]);
const url = `${process.argv[3]}/2`;

const remember = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)",
  parseCommand(parser, key, value) {
    parser.pushKey(key);
    parser.push(value);
  },
  transformReply: undefined,
});

async function connect(options = {}) {
  const client = createClient({ url, RESP, socket: { reconnectStrategy: 5 }, unstableResp3: true, scripts: { remember },
                                ...options });
  client.on('error', () => {});
  return client.connect();
}

async function values(client) {
  say('connection', [await client.ping(), await client.clientGetName(), await client.echo('hello')]);
  say('strings', [await client.set('player.ann', 'value', { EX: 1000 }), await client.get('player.ann'),
                  expiry(await client.ttl('player.ann')), await client.get('player.none'),
                  await client.mSet({ 'player.bob': 'b', 'player.cy': 'c' }),
                  await client.mGet(['player.bob', 'player.none']),
                  await client.set('player.ann', 'x', { NX: true }),
                  await client.incrByFloat('game:1:score', 1.5),
                  await client.exists(['player.ann', 'player.none'])]);
  say('hashes', [await client.hSet('game:1:state', { turn: '3', by: 'ann' }),
                 await client.hGetAll('game:1:state'), await client.hGetAll('game:1:none'),
                 await client.hmGet('game:1:state', ['turn', 'none'])]);
  say('zsets', [await client.zAdd('game:1:rank', [{ score: 1.5, value: 'ann' }, { score: 2, value: 'bob' }]),
                await client.zRangeWithScores('game:1:rank', 0, -1), await client.zScore('game:1:rank', 'ann'),
                await client.zmScore('game:1:rank', ['ann', 'none']), await client.zPopMax('game:1:rank')]);
  say('sets', [await client.sAdd('game:1:players', ['ann', 'bob']),
               (await client.sMembers('game:1:players')).sort(),
               await client.sIsMember('game:1:players', 'ann'),
               await client.smIsMember('game:1:players', ['ann', 'x'])]);
  say('names', [(await client.keys('player.*')).sort(), await client.type('game:1:rank'),
                await client.del(['player.bob', 'player.cy'])]);
  say('errors', [await failure(client.lPush('player.ann', 'x')),
                 await failure(client.sendCommand(['NOSUCHCOMMAND', 'x'])),
                 await failure(client.sendCommand(['GET']))]);
  say('at once', await Promise.all(Array.from({ length: 50 }, () => client.incr('game:1:moves'))));
  say('geo', [
      await client.geoAdd('game:1:map', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }),
      await client.geoPos('game:1:map', 'Palermo'),
  ]);
  say('streams', [await client.xAdd('game:1:log', '1-1', { move: 'e4' }),
                  await client.xRange('game:1:log', '-', '+'),
                  await client.xRead({ key: 'game:1:log', id: '0' }),
                  (await client.xInfoStream('game:1:log')).length]);
  say('config', await client.configGet('maxmemory-policy'));
}

async function transactions(client) {
  say('multi', await client.multi().set('game:2:turn', '1').incr('game:2:turn').hGetAll('game:1:state').exec());
  say('multi with a failure', [await failure(client.multi().set('game:2:turn', 'x').incr('game:2:turn').exec()),
                               await client.get('game:2:turn')]);
  say('multi aborted', [await failure(client.multi().addCommand(['GET']).exec()),
                        await client.get('game:2:turn')]);
  say('pipeline', await client.multi().set('game:2:turn', 'y').get('game:2:turn').execAsPipeline());
  const own = await connect();
  await own.watch('game:2:turn');
  say('watched, unchanged', await own.multi().set('game:2:turn', 'z').exec());
  await own.watch(['game:2:turn', 'game:2:none']);
  await client.set('game:2:none', 'meddled');
  say('watched, changed', [await failure(own.multi().set('game:2:turn', 'lost').exec()),
                           await own.get('game:2:turn')]);
  await own.close();
}

async function scanned(scanning, ...found) {
  for await (const names of scanning) found.push(...names);
  return found;
}

async function scans(client) {
  await Promise.all(Array.from({ length: 300 }, (_, number) => client.set(`game:${number}:scan`, '')));
  say('scanIterator', [
      (await scanned(client.scanIterator({ MATCH: 'game:1?:scan', COUNT: 50 }))).sort(),
      (await scanned(client.scanIterator({ MATCH: 'game:*', TYPE: 'hash', COUNT: 100 }))).sort(),
      await scanned(client.hScanIterator('game:1:state')),
  ]);
  say('keys', [(await client.keys('game:2?:scan')).sort(),
               await client.unlink(await client.keys('game:*:scan'))]);
}

async function scripts(client) {
  await client.scriptFlush();
  say('script', [await client.remember('inbox.ann', 'one'), await client.remember('inbox.ann', 'two')]);
  await client.scriptFlush();
  say('after SCRIPT FLUSH', await client.remember('inbox.ann', 'three'));
  say('in a transaction', await client.multi().remember('inbox.ann', 'four').lLen('inbox.ann').exec());
  say('eval', [await client.eval("return redis.call('TYPE', KEYS[1])", { keys: ['inbox.ann'] }),
               await failure(client.eval("return redis.error_reply('MINE no')")),
               await failure(client.evalSha('0'.repeat(40)))]);
}

async function waiting(client) {
  const waiter = await connect();
  const blocked = (count) => until(async () => (await client.info('clients')).includes(`blocked_clients:${count}\r`),
                                   `${count} clients that wait`);
  for (const [name, call, feed] of [
    ['brPop', () => waiter.brPop(['inbox.b1', 'inbox.b2'], 20), () => client.lPush('inbox.b2', 'x')],
    ['blMove', () => waiter.blMove('inbox.b1', 'inbox.b3', 'LEFT', 'RIGHT', 20),
     () => client.lPush('inbox.b1', 'y')],
    ['bzPopMin', () => waiter.bzPopMin('game:1:b', 20), () => client.zAdd('game:1:b', { score: 3, value: 'm' })],
    ['xRead', () => waiter.xRead({ key: 'game:3:log', id: '$' }, { BLOCK: 20000 }),
     () => client.xAdd('game:3:log', '5-5', { f: 'v' })],
  ]) {
    const got = call();
    await blocked(1);
    await feed();
    say(name, await got);
  }
  say('waited in vain', await waiter.brPop('inbox.none', 0.01));
  waiter.brPop('inbox.dead', 20).catch(() => {});
  await blocked(1);
  waiter.destroy();
  await blocked(0);
  say('disconnected while it waited', [await client.lPush('inbox.dead', 'kept'),
                                       await client.lRange('inbox.dead', 0, -1)]);
}

async function pooled() {
  const pool = createClientPool({ url, RESP }, { minimum: 2, maximum: 4 });
  pool.on('error', () => {});
  await pool.connect();
  const seen = await Promise.all(Array.from({ length: 20 }, () => pool.incr('game:4:pool')));
  say('pool', seen.sort((a, b) => a - b));
  await pool.close();
}

async function disconnects(client) {
  const lossy = await connect({ name: 'lossy' });
  const events = [];
  for (const event of ['connect', 'ready', 'reconnecting', 'end']) lossy.on(event, () => events.push(event));
  const number = await lossy.clientId();
  await client.sendCommand(['CLIENT', 'KILL', 'ID', String(number)]);
  say('killed and back', [
      await until(async () => (await lossy.clientId().catch(() => number)) !== number, 'a new connection'),
      await lossy.clientGetName(), await lossy.lRange('inbox.dead', 0, -1),
  ]);
  await lossy.close();
  say('events', events);
  say('after the end', await failure(lossy.get('player.ann')));
}

run(async () => {
  const client = await connect({ name: 'app' });
  for (const part of [values, transactions, scans, scripts, waiting, pooled, disconnects]) await part(client);
  say('flush', [await client.flushDb(), await client.dbSize()]);
  await client.close();
});
