// A site with BullMQ: its queues, workers, schedulers and flows; prints what it saw.
//
//     node bullmq_run.js URL
'use strict';

const { FlowProducer, Job, Queue, QueueEvents, UnrecoverableError, Worker } = require('bullmq');
const Redis = require('ioredis');
const { say, failure, until, run } = require('./outcome.js');

const url = process.argv[2];
const connection = { ...parsed(url), maxRetriesPerRequest: null };
const done = [];             // what workers did, in order

function parsed(address) {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}

async function work(job) {
  done.push(`${job.queueName}/${job.name}`);
  switch (job.name) {
    case 'add': return job.data.a + job.data.b;
    case 'broken': throw new Error('broken on purpose');
    case 'hopeless': throw new UnrecoverableError('not worth trying again');
    case 'flaky':
      if (job.attemptsMade < 2) throw new Error('not yet');
      return job.attemptsMade;
    case 'progress':
      await job.updateProgress({ half: true });
      await job.log('half of it');
      await job.updateData({ ...job.data, seen: true });
      return (await Job.fromId(job.queue ?? mails, job.id)).data;
    case 'sum': return Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0);
    default: return job.name;
  }
}

const mails = new Queue('mails', { connection });
const reports = new Queue('reports', { connection });
let events;
const told = [];              // what QueueEvents told, in order

async function ended(job) {
  const result = await job.waitUntilFinished(events, 20000);
  return result;
}

async function beforeWorkers() {
  const first = await mails.add('add', { a: 1, b: 2 });
  say('added', [first.id, await first.getState(), await mails.count(), await mails.getJobCounts()]);
  const bulk = await mails.addBulk([1, 2, 3].map((n) => ({ name: 'add', data: { a: n, b: n } })));
  say('bulk', bulk.map((job) => job.id));
  const [late, early] = [await mails.add('late', {}, { priority: 10 }), await mails.add('early', {}, { priority: 1 })];
  say('priorities', [(await mails.getPrioritized()).map((job) => job.name), await late.getState(),
                     await early.getState()]);
  say('own id', [(await mails.add('own', { n: 1 }, { jobId: 'own-1' })).id,
                 (await mails.add('own', { n: 2 }, { jobId: 'own-1' })).id,
                 (await mails.getJob('own-1')).data]);
  const gone = await mails.add('gone', {});
  await gone.remove();
  say('removed', [await mails.getJob(gone.id), await mails.getWaitingCount()]);
  const delayed = await mails.add('tomorrow', {}, { delay: 86400000 });
  say('delayed', [await delayed.getState(), await mails.getDelayedCount(), await delayed.promote(),
                  await delayed.getState()]);
  await mails.pause();
  say('paused', [await mails.isPaused(), (await mails.getJobCounts('paused', 'wait', 'prioritized'))]);
  await mails.resume();
  say('resumed', [await mails.isPaused(), (await mails.getWaiting()).map((job) => job.name)]);
}

async function ordinary() {
  await until(async () => done.includes('mails/late'), 'the last of the queue');
  say('in order', done.splice(0));
  await until(async () => (await mails.getCompletedCount()) === 8, 'all results');
  say('results', (await mails.getCompleted()).map((job) => [job.name, job.returnvalue]).sort());
  say('result', await ended(await mails.add('add', { a: 20, b: 22 })));
  const broken = await mails.add('broken', {});
  say('failure', [await failure(ended(broken)), await broken.isFailed(),
                  (await mails.getFailed()).map((job) => job.failedReason)]);
  const flaky = await mails.add('flaky', {}, { attempts: 5, backoff: { type: 'fixed', delay: 10 } });
  say('tried again', [await ended(flaky), (await mails.getJob(flaky.id)).attemptsMade]);
  const hopeless = await mails.add('hopeless', {}, { attempts: 5 });
  say('not tried again', [await failure(ended(hopeless)), (await mails.getJob(hopeless.id)).attemptsMade]);
  const progress = await mails.add('progress', { n: 1 });
  say('progress', [await ended(progress), (await mails.getJob(progress.id)).progress,
                   await mails.getJobLogs(progress.id)]);
  await broken.retry();
  say('retried', await failure(ended(broken)));
  const tidy = await mails.add('tidy', {}, { removeOnComplete: true });
  say('removed on completion', [await ended(tidy), await mails.getJob(tidy.id)]);
}

async function delayed() {
  const before = Date.now();
  const job = await mails.add('delayed', {}, { delay: 60 });
  say('delayed result', [await ended(job), Date.now() - before >= 60]);
  const later = await mails.add('later', {}, { delay: 3600000 });
  await later.changeDelay(10);
  say('delay changed', await ended(later));
}

async function repeated() {
  done.splice(0);
  await mails.upsertJobScheduler('every', { every: 40, limit: 3 }, { name: 'tick', data: { n: 1 } });
  say('scheduler',
      (await mails.getJobSchedulers()).map(({ key, name, every, limit }) => ({ key, name, every, limit })));
  await until(() => done.filter((name) => name === 'mails/tick').length === 3, 'three ticks');
  await mails.upsertJobScheduler('cron', { pattern: '0 3 * * *', tz: 'UTC' }, { name: 'nightly' });
  say('cron', [(await mails.getJobSchedulers()).map(({ key }) => key),
               (await mails.getDelayed()).map((job) => job.name), await mails.removeJobScheduler('cron'),
               await mails.getJobSchedulersCount()]);
  done.splice(0);
  await mails.add('old', {}, { repeat: { every: 40, limit: 2 } });
  await until(() => done.filter((name) => name === 'mails/old').length === 2, 'two jobs of the older kind');
  say('repeated', done.splice(0));
}

async function flows() {
  const producer = new FlowProducer({ connection });
  const tree = await producer.add({
    name: 'sum', queueName: 'mails', data: {},
    children: [1, 2, 3].map((n) => ({
      name: 'add', queueName: 'reports', data: { a: n, b: n },
      ...(n === 3 ? { children: [{ name: 'leaf', queueName: 'reports', data: {} }] } : {}),
    })),
  });
  say('flow', [await ended(tree.job), await tree.job.getDependenciesCount(),
               Object.values(await tree.job.getChildrenValues()).sort()]);
  const seen = await producer.getFlow({ id: tree.job.id, queueName: 'mails' });
  say('flow seen', [seen.job.name, seen.children.map((child) => child.job.name),
                    seen.children.map((child) => (child.children ?? []).length).sort()]);
  const doomed = await producer.add({
    name: 'sum', queueName: 'mails', data: {},
    children: [{ name: 'broken', queueName: 'reports', data: {}, opts: { failParentOnFailure: true } }],
  });
  say('flow that fails',
      await failure(ended(doomed.job)).then((error) => error.message.replace(/reports:\S+/, 'reports:ID')));
  await producer.close();
}

async function administration() {
  say('counts', await mails.getJobCounts());
  say('workers', (await mails.getWorkers()).length);
  say('cleaned', [(await mails.clean(0, 100, 'completed')).length > 5, await mails.getCompletedCount()]);
  await mails.setGlobalConcurrency(2);
  say('global concurrency', await mails.getGlobalConcurrency());
  const same = await Promise.all([1, 2].map((n) => reports.add('once', { n }, { deduplication: { id: 'once' } })));
  say('deduplicated', same[0].id === same[1].id);
}

run(async () => {
  await beforeWorkers();
  events = new QueueEvents('mails', { connection });
  for (const event of ['completed', 'failed', 'delayed', 'waiting-children', 'paused', 'drained']) {
    events.on(event, () => told.push(event));
  }
  await events.waitUntilReady();
  const workers = ['mails', 'reports'].map((name) => new Worker(name, work, { connection, concurrency: 1 }));
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  for (const part of [ordinary, delayed, repeated, flows, administration]) await part();
  say('events', [...new Set(told)].sort());
  await Promise.all([...workers, events].map((part) => part.close()));
  await mails.drain(true);
  say('drained', await mails.getJobCounts());
  await Promise.all([mails.obliterate({ force: true }), reports.obliterate({ force: true })]);
  const client = new Redis(url);
  say('obliterated', await client.keys('*'));
  await client.quit();
  await Promise.all([mails.close(), reports.close()]);
});
