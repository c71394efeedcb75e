#!/usr/bin/python3
"""The finders against what a running redis-server does when it executes.

    live_execution_test.py PRINT_TABLE

COMMAND knows nothing of expiries and little of options, so here the commands are sent: what we call malformed must
fail, what we read as an expiry must be the key's, and no command may leave a key without expiry that its row does not
name.
"""
import random
import subprocess
import tempfile

import live
from live import Error, LiveTest, calls, encode, pairs, run, setUpModule, tearDownModule  # noqa: F401
from live_table_test import described, place

LEAVES_NOTHING, LEAVES_INLINE, LEAVES_ARGUMENT, LEAVES_BEHIND = range(4)
TTL_NONE, TTL_GIVEN, TTL_KEEP, TTL_PERSIST, TTL_UNCLEAR = range(5)
REFUSED = 8

MALFORMED = """
XREAD COUNT 1 STREAMS a b c
XREADGROUP GROUP g c STREAMS a b 3
XREAD COUNT 1 STREAM a b
XREAD COUNT 1 STREAMS
XREAD STREAMS a b c
XREAD COUNT 1 BLOCK
XREADGROUP GROUP g c COUNT 1 STREAMS
XREADGROUP GROUP g c COUNT 1 NOACK NOACK
ZUNION 0 a
ZUNION -1 a
ZUNION x a
ZUNION 3 a
ZINTER 0 a
ZDIFF 0 a
ZUNIONSTORE d 0 a
ZINTERSTORE d 0 a
ZDIFFSTORE d 0 a
ZUNIONSTORE d 9223372036854775807 a
ZUNIONSTORE d 9223372036854775808 a
ZINTERCARD 0 a
ZINTERCARD 9 a
SINTERCARD 0 a
SINTERCARD -1 a
SINTERCARD x a
SINTERCARD 4 a
LMPOP 0 a LEFT
LMPOP x a LEFT
LMPOP 4 a LEFT
ZMPOP 0 a MIN
ZMPOP 4 a MIN
BLMPOP 0 0 a LEFT
BLMPOP 0 7 a LEFT
BZMPOP 0 01 a MIN
EVAL 1 x
EVAL 1 -1
EVAL 1 5
EVAL 1 2 a
EVAL_RO 1 x
GEORADIUS a 1 1 1 m STORE
GEORADIUSBYMEMBER a m 1 m COUNT
GEORADIUSBYMEMBER a m 1 m NOSUCH
SORT a STORE
SORT a GET
SORT a LIMIT 1
SORT a NOSUCH
SORT_RO a STORE d
MIGRATE h 1 k 0 1 KEYS a
MIGRATE h 1 k 0 1 NOSUCH
MIGRATE h 1 k 0 1 AUTH2 user
SCAN 0 MATCH
SCAN 0 NOSUCH
COPY a b DB
COPY a b NOSUCH
"""

# A prefix, then words drawn at random. None of them waits: BLOCK is never followed by 0.
SOUPS = {
    "SORT list": "BY GET STORE LIMIT 0 1 ASC ALPHA w_* nosort # STORE k1 k2 by store junk",
    "SORT_RO list": "BY GET LIMIT 0 1 ASC w_* # STORE k1",
    "COPY list": "DB 0 1 REPLACE k1 k2 junk",
    "SCAN 0": "MATCH COUNT TYPE 1 * list MATCH junk",
    "XREAD": "COUNT 1 STREAMS BLOCK 1 stream 0 1 streams junk",
    "XREADGROUP": "GROUP g c COUNT 1 STREAMS NOACK stream > 0 STREAMS stream >",
    "XREADGROUP GROUP g c": "COUNT 1 STREAMS NOACK stream > STREAMS stream >",
    "GEORADIUS geo 1 1 1 m": "STORE STOREDIST COUNT 1 ANY ASC WITHDIST k1 k2 store junk STORE",
    "GEORADIUSBYMEMBER geo m 1 m": "STORE STOREDIST COUNT 1 ANY DESC k1 k2",
    "ZUNIONSTORE k1": "0 1 2 3 -1 zset k2 WEIGHTS AGGREGATE MAX 1",
    "ZINTERCARD": "0 1 2 3 zset k2 LIMIT 1",
    "LMPOP": "0 1 2 3 list k1 LEFT COUNT 1",
    "ZMPOP": "0 1 2 zset k1 MIN COUNT 1",
    "EVAL return(1)": "0 1 2 3 -1 a b c 01 +1",
    "MSET": "a b c d e",
}

EXPIRIES = {
    "SET key value": "EX PX EXAT PXAT 100 200000 4000000000 4000000000000 NX XX GET KEEPTTL junk 0 -5",
    "GETEX key": "EX PX EXAT PXAT PERSIST 100 4000000000 4000000000000 junk",
    "EXPIRE key": "100 1000 NX XX GT LT x",
    "PEXPIRE key": "100000 1000000 NX XX GT LT",
    "EXPIREAT key": "4000000000 NX XX GT LT",
    "PEXPIREAT key": "4000000000000 NX XX GT LT",
    "SETEX key": "100 200 value",
    "PSETEX key": "100000 200000 value",
}

# One call that succeeds, for every command that writes keys.
WRITES = """
APPEND new x
BITFIELD new SET u8 0 1
BITOP AND new str
BLMOVE list new LEFT RIGHT 0
BLMPOP 0 1 list LEFT
BLPOP list 0
BRPOP list 0
BRPOPLPUSH list new 0
BZMPOP 0 1 zset MIN
BZPOPMAX zset 0
BZPOPMIN zset 0
COPY str new
DECR num
DECRBY new 3
DEL str
EVAL redis.call('SET',KEYS[1],1) 1 new
EXPIRE str 100
EXPIREAT str 4000000000
GEOADD new 1 1 m
GEORADIUS geo 1 1 100 km STORE new
GEORADIUSBYMEMBER geo m 100 km STOREDIST new
GEOSEARCHSTORE new geo FROMMEMBER m BYRADIUS 100 km
GETDEL str
GETEX str PERSIST
GETEX str EX 100
GETEX str
GETSET str x
HDEL hash f
HINCRBY new f 1
HINCRBYFLOAT new f 1
HMSET new f v
HSET new f v
HSETNX new f v
INCR new
INCRBY new 2
INCRBYFLOAT new 2
LINSERT list BEFORE a b
LMOVE list new LEFT RIGHT
LMPOP 1 list LEFT
LPOP list
LPUSH new x
LPUSHX list x
LREM list 0 a
LSET list 0 x
LTRIM list 0 0
MOVE str 1
MSET new 1 new2 2
MSETNX new 1 new2 2
PERSIST str
PEXPIRE str 100000
PEXPIREAT str 4000000000000
PFADD new x
PFCOUNT hll
PFDEBUG GETREG hll
PFMERGE new hll
PSETEX new 100000 x
RENAME str new
RENAMENX str new
RPOP list
RPOPLPUSH list new
RPUSH new x
RPUSHX list x
SADD new x
SDIFFSTORE new set
SET new x
SET new x EX 100
SETBIT new 0 1
SETEX new 100 x
SETNX new x
SETRANGE new 0 x
SINTERSTORE new set
SMOVE set new a
SORT list ALPHA STORE new
SPOP set
SREM set a
SUNIONSTORE new set
UNLINK str
XACK stream g 1-1
XADD new * f v
XAUTOCLAIM stream g c 0 0
XCLAIM stream g c 0 1-1
XDEL stream 1-1
XGROUP CREATE new g2 $ MKSTREAM
XGROUP CREATECONSUMER stream g c2
XGROUP DELCONSUMER stream g c
XGROUP DESTROY stream g
XGROUP SETID stream g 0
XREADGROUP GROUP g c STREAMS stream >
XSETID stream 9-9
XTRIM stream MAXLEN 0
ZADD new 1 m
ZDIFFSTORE new 1 zset
ZINCRBY new 1 m
ZINTERSTORE new 1 zset
ZMPOP 1 zset MIN
ZPOPMAX zset
ZPOPMIN zset
ZRANGESTORE new zset 0 -1
ZREM zset m
ZREMRANGEBYLEX zset - +
ZREMRANGEBYRANK zset 0 0
ZREMRANGEBYSCORE zset 0 9
ZUNIONSTORE new 1 zset
"""
# RESTORE and its twin carry binary and have a test of their own; MIGRATE needs a second server; the others need a
# registered script or function and write as EVAL does.
WRITES_ELSEWHERE = {"restore", "restore-asking", "migrate", "evalsha", "fcall"}

KEYSPACE = """
SET str x
SET num 1
RPUSH list a b
SADD set a b
ZADD zset 1 m
HSET hash f v
GEOADD geo 1 1 m
PFADD hll x
XADD stream 1-1 f v
XGROUP CREATE stream g 0
"""


class Execution(LiveTest):
    def fresh(self):
        """Every key of KEYSPACE, with an expiry."""
        self.redis.call("FLUSHALL")
        for words in calls(KEYSPACE):
            self.redis.call(*words)
        for key in self.redis.call("KEYS", "*"):
            self.redis.call("EXPIRE", key, 1000)

    def soup(self, soups, seed, rounds):
        choice = random.Random(seed)
        for _ in range(rounds):
            for prefix, words in soups.items():
                drawn = [choice.choice(words.split()) for _ in range(choice.randrange(8))]
                call = prefix.split() + drawn
                if not ("BLOCK", "0") in zip(call, call[1:]):
                    yield call


class Malformed(Execution):
    def test_redis_refuses_in_the_same_words(self):
        for words in calls(MALFORMED):
            ours = self.finder.find(words)
            self.assertEqual(ours.what, "malformed", words)
            self.assertEqual(ours.error, self.redis.call(*words), words)

    def test_what_we_refuse_redis_refuses_and_what_is_executed_touches_our_keys_only(self):
        self.fresh()
        before = set(self.redis.call("KEYS", "*"))
        executed = refused = 0
        for words in self.soup(SOUPS, "soup", 300):
            ours, theirs = self.finder.find(words), self.redis.call(*words)
            if ours.what != "complete":
                self.assertIsInstance(theirs, Error, words)
                refused += 1
                continue
            if isinstance(theirs, Error):
                continue
            executed += 1
            new = set(self.redis.call("KEYS", "*")) - before
            written = {key for key, access in ours.keys if access > 1}
            self.assertTrue(new <= written, "%s wrote %s, not %s" % (words, new, written))
            if theirs and words[0] in ("XREAD", "XREADGROUP"):
                self.assertTrue({stream for stream, _ in theirs} <= {key for key, _ in ours.keys}, words)
            self.fresh()
        self.assertGreater(executed, 300)
        self.assertGreater(refused, 300)


class Expiry(Execution):
    def test_the_expiry_we_find_is_the_one_the_key_gets(self):
        seen = set()
        for words in self.soup(EXPIRIES, "expiry", 600):
            for existing in (False, True):
                self.redis.call("DEL", "key")
                if existing:
                    self.redis.call("SET", "key", "old", "EX", 77)
                ours, theirs = self.finder.find(words), self.redis.call(*words)
                if ours.what == "arity" or isinstance(theirs, Error):
                    continue
                if not (words[0] in ("SET", "GETEX") and theirs is not None or theirs in (1, "OK")):
                    continue  # not done: NX, XX, GT, LT, or GETEX without a key, which does not read its options
                self.assertNotEqual(ours.ttl_kind, TTL_UNCLEAR, words)
                seen.add((words[0], ours.ttl_kind))
                left, now = self.redis.call("PTTL", "key"), self.redis.call("TIME")
                if ours.ttl_kind == TTL_GIVEN:
                    expected = ours.ttl_ms - (int(now[0]) * 1000 if ours.base == 1 else 0)
                    self.assertAlmostEqual(left, expected if expected > 0 else -2, delta=3000, msg=words)
                elif ours.ttl_kind == TTL_KEEP or (ours.ttl_kind == TTL_NONE and words[0] == "GETEX"):
                    self.assertEqual(left > 0, existing, words)
                elif words[0] == "SET" and "GET" in words and not {"NX", "XX"}.isdisjoint(words):
                    continue  # the reply does not tell whether it was set
                else:
                    self.assertEqual(left, -1, words)
        wanted = {("SET", kind) for kind in (TTL_NONE, TTL_GIVEN, TTL_KEEP)}
        wanted |= {("GETEX", kind) for kind in (TTL_NONE, TTL_GIVEN, TTL_PERSIST)}
        wanted |= {(word.split()[0], TTL_GIVEN) for word in EXPIRIES}
        self.assertEqual(wanted - seen, set())

    def test_no_command_leaves_a_key_without_expiry_that_its_row_does_not_name(self):
        tried = set()
        for words in calls(WRITES):
            self.fresh()
            before = set(self.redis.call("KEYS", "*"))
            ours, theirs = self.finder.find(words), self.redis.call(*words)
            self.assertNotIsInstance(theirs, Error, words)
            bare = {key for key in self.redis.call("KEYS", "*") if self.redis.call("TTL", key) == -1}
            allowed = ours.lasting if ours.leaves != LEAVES_NOTHING else set()
            self.assertTrue(bare <= allowed, "%s leaves %s" % (words, bare))
            # And what was created without expiry is what the row says, so the test itself sees something.
            created = set(self.redis.call("KEYS", "*")) - before
            if created and words[0] not in ("COPY", "RENAME", "RENAMENX", "SETEX", "PSETEX") and "EX" not in words:
                self.assertEqual(created, bare, words)
            tried.add(words[0].lower())
            tried.add("|".join(words[:2]).lower())
        writing = {name for name, row in self.rows.items()
                   if row.flags & 1 and not row.flags & 256 and any(spec[1] > 1 for spec in row.specs)}
        self.assertEqual(writing - tried - WRITES_ELSEWHERE, set())

    def test_restore(self):
        self.redis.call("SET", "str", "x")
        self.redis.socket.sendall(encode(["DUMP", "str"]))
        dumped = self.redis.read().encode("latin1")
        for options, ttl, kind_ms, leaves in (
            ([], 0, 0, LEAVES_ARGUMENT),
            ([], 50000, 50000, LEAVES_NOTHING),
            (["ABSTTL"], 4000000000000, 4000000000000, LEAVES_NOTHING),
            (["IDLETIME", 1, "ABSTTL"], 4000000000000, 4000000000000, LEAVES_NOTHING),
        ):
            words = ["RESTORE", "new", ttl, dumped, *options, "REPLACE"]
            self.assertEqual(self.redis.call(*words), "OK")
            ours = self.finder.find(words[:3] + ["payload"] + words[4:])
            self.assertEqual((ours.ttl_kind, ours.ttl_ms, ours.leaves), (TTL_GIVEN, kind_ms, leaves))
            self.assertEqual(ours.base == 1, "ABSTTL" in options)
            self.assertEqual(self.redis.call("TTL", "new") == -1, leaves == LEAVES_ARGUMENT)


class Learning(LiveTest):
    def learned(self, reply):
        with tempfile.NamedTemporaryFile() as file:
            file.write(reply)
            file.flush()
            lines = subprocess.run([live.PRINT_TABLE, "learn", file.name], check=True, capture_output=True, text=True)
        return {row.name: row for row in map(live.Row, lines.stdout.splitlines())}

    def raw(self, hello):
        """The bytes of COMMAND's reply."""
        client = live.Client(live.path)
        client.socket.sendall(encode(["HELLO", hello]) + encode(["COMMAND"]) + encode(["ECHO", "end-of-reply"]))
        data = b""
        while not data.endswith(b"$12\r\nend-of-reply\r\n"):
            data += client.socket.recv(1 << 20)
        client.close()
        return data[data.index(b"*%d\r\n" % self.redis.call("COMMAND", "COUNT")):-len(b"$12\r\nend-of-reply\r\n")]

    def test_nothing_is_new_to_the_table(self):
        self.assertEqual(self.learned(self.raw(2)), {})
        self.assertEqual(self.learned(self.raw(3)), {})

    def test_a_renamed_server_is_learned_as_command_describes_it(self):
        reply = self.redis.call("COMMAND")
        for entry in described(reply):
            entry[0] = "mod." + entry[0]
        learned = self.learned(to_resp(reply))
        for entry in described(reply):
            row = learned[entry[0]]
            self.assertEqual(row.arity, entry[1])
            theirs = [spec for spec in map(pairs, entry[8]) if "not_key" not in spec["flags"]]
            usable = [spec for spec in theirs if place(spec) and "incomplete" not in spec["flags"]]
            self.assertEqual([where for _, where in row.keys()], [place(spec) for spec in usable], entry[0])
            if len(usable) < len(theirs) or "admin" in entry[2]:
                self.assertEqual(row.scope, REFUSED, entry[0])
            if "write" in entry[2]:
                self.assertTrue(all(spec[1] > 1 for spec in row.specs), entry[0])


def to_resp(value):
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(map(to_resp, value))
    if isinstance(value, int):
        return b":%d\r\n" % value
    data = value.encode("latin1")
    return b"$%d\r\n%s\r\n" % (len(data), data)


if __name__ == "__main__":
    run()
