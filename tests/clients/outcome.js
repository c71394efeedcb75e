// What the scripted runs in JavaScript print, and how they wait.
'use strict';

const DEADLINE_MS = 30000;
const RUN_MS = 90000;

// The value as JSON can hold it: buffers as text, maps as objects, errors by their words.
function plain(value) {
  if (Buffer.isBuffer(value)) return `buffer ${value.toString('latin1')}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(plain(key)), plain(item)]));
  }
  if (value instanceof Set) return [...value].map(plain).sort();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'bigint') return `${value}n`;
  if (value === undefined) return 'undefined';
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
  }
  return value;
}

// One line of the outcome.
function say(name, value) {
  process.stdout.write(`${JSON.stringify({ [name]: plain(value) })}\n`);
}

// The expiry that was given, of what is left of it in seconds: the next multiple of ten.
function expiry(left) {
  return left > 0 ? Math.ceil(left / 10) * 10 : left;
}

// The error that the promise ends with.
function failure(promise) {
  return promise.then((value) => `no failure, but ${JSON.stringify(value)}`, (error) => error);
}

// Polls until condition() is true, and returns what it is then.
async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

// Ends the process with what the work ended with, or when it has no end: clients try to connect for ever.
function run(work) {
  setTimeout(() => {
    console.error(`no end within ${RUN_MS} ms`);
    process.exit(1);
  }, RUN_MS);
  work().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { say, expiry, failure, until, run };
