#!/usr/bin/python3
"""The command table and the name finder against COMMAND and COMMAND GETKEYSANDFLAGS of a running redis-server.

    live_table_test.py PRINT_TABLE

Where Redis 7.0 itself is wrong or says less, the difference is listed here with its reason; nothing else may differ.
"""
from live import Error, LiveTest, ROLE_KEY, calls, pairs, run, setUpModule, tearDownModule  # noqa: F401

READ, OVERWRITE, UPDATE, INSERT, DELETE = 1, 2, 3, 4, 5
FLAG_WRITES, FLAG_NEWER = 1, 256
SHARED = 0

# Arguments were added since 7.0.
GROWN_SINCE = {"zrank": 3, "zrevrank": 3}
# Where our access to what is written is not the one of COMMAND.
ACCESS = {
    "set": OVERWRITE,  # COMMAND says update because of GET; the old value does not shape the new one
    "getset": OVERWRITE,
    "sinterstore": OVERWRITE,  # RW by mistake; SUNIONSTORE is OW
    "pfcount": READ,  # RW because of its cached count, which no client sees
}
# Keys that COMMAND cannot or does not say.
BEYOND_COMMAND = {"sort", "sort_ro", "cluster|keyslot"}


def described(reply):
    """Every command and subcommand of a COMMAND reply."""
    for entry in reply:
        yield entry
        yield from described(entry[9])


def place(spec):
    begin, find = pairs(spec["begin_search"]), pairs(spec["find_keys"])
    if "unknown" in (begin["type"], find["type"]):
        return None
    b, f = pairs(begin["spec"]), pairs(find["spec"])
    keyword = begin["type"] == "keyword"
    head = (1, b["startfrom"], b["keyword"]) if keyword else (0, b["index"], "")
    if find["type"] == "range":
        return head + (0, f["lastkey"], f["keystep"], f["limit"], 0, 0)
    return head + (1, 0, f["keystep"], 0, f["keynumidx"], f["firstkey"])


def access(name, flags):
    if "RO" in flags:
        return UPDATE if name == "xreadgroup" else READ  # delivering changes the group
    if name in ACCESS:
        return ACCESS[name]
    if "delete" in flags:
        return DELETE
    if "insert" in flags:
        return INSERT
    return OVERWRITE if "OW" in flags else UPDATE


class TableAgreesWithCommand(LiveTest):
    def test_every_command_is_in_the_table(self):
        missing = [entry[0] for entry in described(self.redis.call("COMMAND")) if entry[0] not in self.rows]
        self.assertEqual(missing, [])

    def test_rows_that_redis_7_0_does_not_have_say_so(self):
        if self.version != (7, 0):
            self.skipTest("not Redis 7.0")
        theirs = {entry[0] for entry in described(self.redis.call("COMMAND"))}
        for name, row in self.rows.items():
            if not name.startswith("debug|"):
                self.assertEqual(name not in theirs, bool(row.flags & FLAG_NEWER), name)

    def test_arity_and_access(self):
        for entry in described(self.redis.call("COMMAND")):
            name, arity, flags = entry[:3]
            row = self.rows[name]
            if GROWN_SINCE.get(name) != arity:
                self.assertEqual(row.arity, arity, name)
            if "write" in flags:
                self.assertTrue(row.flags & FLAG_WRITES, name)
            if "readonly" in flags:
                self.assertFalse(row.flags & FLAG_WRITES, name)

    def test_key_specs(self):
        for entry in described(self.redis.call("COMMAND")):
            name = entry[0]
            if name in BEYOND_COMMAND:
                continue
            theirs = []
            for spec in map(pairs, entry[8]):
                if "not_key" not in spec["flags"]:
                    theirs.append((access(name, spec["flags"]), place(spec)))
            self.assertEqual(self.rows[name].keys(), theirs, name)

    def test_what_blocks_or_is_admin_is_not_simply_shared(self):
        # These only look, or touch a single key.
        harmless = {"acl|dryrun", "acl|log", "acl|users", "config|get", "module|list", "pfdebug", "pfselftest",
                    "lastsave", "role"}
        may_block = {"xread", "xreadgroup"}  # with BLOCK only, which find_names tells
        for entry in described(self.redis.call("COMMAND")):
            name, flags = entry[0], entry[2]
            if "blocking" in flags and name not in may_block:
                self.assertNotEqual(self.rows[name].scope, SHARED, name)
            passes = name in harmless or name.startswith(("latency|", "slowlog|", "cluster|"))
            if "admin" in flags and not passes:
                self.assertNotEqual(self.rows[name].scope, SHARED, name)


def with_numbers(entry, words):
    """Puts a number of keys wherever a key spec of the command expects one."""
    for spec in map(pairs, entry[8]):
        find = pairs(spec["find_keys"])
        if find["type"] == "keynum":
            at = pairs(pairs(spec["begin_search"])["spec"])["index"] + pairs(find["spec"])["keynumidx"]
            words[at] = max(1, len(words) - at - 2)
    return words


# Calls whose shape no generator finds.
ODD_CALLS = """
SORT k BY w_* LIMIT 0 5 GET o_* GET # ASC ALPHA STORE dst
SORT k BY nosort STORE a STORE b
SORT k STORE BY
SORT STORE GET BY BY STORE STORE STORE
SORT_RO k BY w_* GET o_*
GEORADIUS k 1 1 1 m WITHDIST COUNT 3 ANY ASC STORE dst
GEORADIUS store 1 1 1 m
GEORADIUSBYMEMBER k STORE 1 m STOREDIST dst
MIGRATE 127.0.0.1 1 k 0 10 COPY REPLACE
MIGRATE 127.0.0.1 1 '' 0 10 COPY AUTH p KEYS k1 k2 k3
MIGRATE 127.0.0.1 1 '' 0 10 AUTH2 user KEYS KEYS keys
XREAD STREAMS a 0
XREAD COUNT 2 STREAMS a b c 0 0 0
XREAD BLOCK 1 COUNT 2 STREAMS streams b 0 0
XREADGROUP GROUP g c COUNT 2 NOACK STREAMS a b > >
XREADGROUP GROUP g STREAMS STREAMS a b > >
EVAL s 0
EVAL s 0 a b
EVAL s 2 a b c d
EVALSHA s 1 a b
EVAL_RO s 3 a b c d
FCALL f 2 a b c
ZUNIONSTORE dst 2 a b WEIGHTS 1 2 AGGREGATE MAX
ZDIFFSTORE dst 1 a
ZINTER 3 a b c WITHSCORES
ZINTERCARD 2 a b LIMIT 1
SINTERCARD 2 a b LIMIT 1
LMPOP 2 a b LEFT COUNT 3
ZMPOP 1 a MIN
BLMPOP 0 2 a b LEFT
BZMPOP 0 1 a MAX COUNT 2
MEMORY USAGE k SAMPLES 5
OBJECT ENCODING k
OBJECT HELP
XINFO STREAM k FULL
XGROUP CREATE k g $ MKSTREAM
BITOP NOT dst a
BITOP AND dst a b c
COPY a b DB 1 REPLACE
RESTORE-ASKING k 0 payload
LCS a b IDX
PFDEBUG GETREG k
BLPOP a b c 0
MSET a 1 b 2 c 3
"""
# GETKEYS takes them for invalid because a range is empty; they are executed.
GETKEYS_REFUSES = [["pfmerge", "arg0"]]


class FinderAgreesWithGetkeys(LiveTest):
    def compare(self, words):
        theirs = self.redis.call("COMMAND", "GETKEYSANDFLAGS", *words)
        ours = self.finder.find([str(word) for word in words])
        if isinstance(theirs, Error):
            if words not in GETKEYS_REFUSES:
                no_keys = ours.what in ("malformed", "arity") or not ours.keys
                self.assertTrue(no_keys, "%s: %s, but ours %s" % (words, theirs, ours.keys))
            return 0
        if ours.what == "malformed":
            # GETKEYS does not read options; the command itself must then fail.
            self.assertIsInstance(self.redis.call(*words), Error, words)
            return 1
        self.assertEqual(ours.what, "complete", words)
        self.assertEqual([key for key, _ in ours.keys], [key for key, _ in theirs], words)
        # BITFIELD without SET and INCRBY only reads; its row says the worst. For the others see access().
        if words[0].lower() not in ("pfcount", "xreadgroup", "bitfield"):
            for (key, how), (_, flags) in zip(ours.keys, theirs):
                self.assertEqual(how == READ, "RO" in flags, "%s %s" % (words, key))
        return 1

    def test_generated_calls_of_every_command_with_keys(self):
        tried = {}
        for entry in described(self.redis.call("COMMAND")):
            name, arity = entry[:2]
            if not entry[8] or name in ("sort", "sort_ro", "xread", "xreadgroup", "migrate"):
                continue
            head = name.split("|")
            for extra in range(0, 6 if arity < 0 else 1):
                words = head + ["arg%d" % i for i in range(abs(arity) + extra - len(head))]
                tried[name] = tried.get(name, 0) + self.compare(with_numbers(entry, words))
        pubsub = {"spublish", "ssubscribe", "sunsubscribe"}
        self.assertEqual([name for name, count in tried.items() if count == 0 and name not in pubsub], [])

    def test_odd_calls(self):
        for words in calls(ODD_CALLS):
            self.compare(words)

    def test_where_getkeys_is_wrong_the_execution_says_so(self):
        self.redis.call("FLUSHALL")
        self.redis.call("XGROUP", "CREATE", "k", "STREAMS", "$", "MKSTREAM")
        words = "XREADGROUP COUNT 1 GROUP STREAMS c STREAMS k 0".split()
        self.assertEqual(self.redis.call("COMMAND", "GETKEYS", *words), ["c", "STREAMS"])
        self.assertEqual(self.redis.call(*words)[0][0], "k")
        self.assertEqual(self.finder.find(words).keys, [("k", UPDATE)])

        self.redis.call("FLUSHALL")
        self.redis.call("GEOADD", "k", 1, 1, "m")
        words = "GEORADIUS k 1 1 1 m STORE a STOREDIST b".split()
        self.assertEqual(self.redis.call("COMMAND", "GETKEYS", *words), ["k", "a", "b"])
        self.assertEqual(self.redis.call(*words), 1)
        self.assertEqual(sorted(self.redis.call("KEYS", "*")), ["b", "k"])
        self.assertEqual(self.finder.find(words).keys, [("k", READ), ("b", OVERWRITE)])


if __name__ == "__main__":
    run()
