"""Scripts: those that build names of keys are found, and with scripts = "map" they run as if nothing were renamed."""

import hashlib
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.fixture import is_error
from harness.resp import encode, plain
from harness.servers import Keyshift, RedisServer, wait_for

RULES = '''
[[rule]]
legacy = "bull:{queue}:{id:any}"
key    = "work:jobs:{queue}:{id}"

[[rule]]
legacy = "{number:int}"
key    = "work:number:{number}"
'''


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def values(row):
    fields = row[1]
    return {plain(name).decode(): plain(value) for name, value in zip(fields[::2], fields[1::2])}


class DetectionTest(unittest.TestCase):
    """An argument that a rule would rename, if it were a key."""

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()

    def setUp(self):
        self.keyshift = Keyshift(self.redis.url, config=RULES, options=('--workers', '2'))
        self.addCleanup(self.keyshift.stop)
        self.client = self.keyshift.connect()
        self.addCleanup(self.client.close)

    def found(self):
        return [values(row) for row in self.client.command('KEYSHIFT', 'SCRIPTS')[1]]

    def test_a_script_given_a_key_as_an_argument_is_found_by_its_sha(self):
        body = 'return redis.call("get", ARGV[1])'
        self.client.ask('EVAL', body, '1', 'bull:mail:1', 'bull:mail:7')
        self.client.ask('EVALSHA', sha1(body).upper(), '0', 'bull:mail:8')
        self.client.ask('EVALSHA', sha1(body), '0', 'harmless')
        self.client.ask('EVAL', body, '0', 'harmless')
        self.assertEqual(self.found(), [{'script': sha1(body).encode(), 'calls': 4, 'suspicious': 2,
                                         'example': b'bull:mail:7', 'rule': b'bull:{queue}:{id:any}'}])

    def test_what_is_declared_or_says_nothing_is_not_found(self):
        body = 'return #ARGV'
        self.client.ask('EVAL', body, '1', 'bull:mail:1', 'x', '17', 'work:jobs:mail:7', 'bull:mail:' + 'x' * 2000)
        self.client.ask('EVAL', body, '0')
        for numkeys in ('-1', '9', 'x'):
            self.assertTrue(is_error(self.client.command('EVAL', body, numkeys, 'bull:mail:1')))
        self.assertEqual(self.found(), [])

    def test_transactions_and_functions_count_and_workers_are_summed(self):
        self.client.ask('FUNCTION', 'LOAD', 'REPLACE',
                        "#!lua name=detected\nredis.register_function('detected', function() return 1 end)")
        for _ in range(20):
            with self.keyshift.connect() as client:
                client.ask('FCALL', 'detected', '0', 'bull:mail:7')
        self.client.ask('MULTI')
        self.client.ask('EVAL', 'return 2', '0', 'bull:mail:9', 'bull:mail:10')
        self.client.ask('EXEC')
        rows = self.found()
        self.assertEqual([(row['script'], row['suspicious']) for row in rows],
                         [(b'function detected', 20), (sha1('return 2').encode(), 1)])
        self.assertEqual(self.keyshift.metric('script_undeclared_keys_total'), 22)

    def test_the_log_names_each_script_once(self):
        for _ in range(20):
            with self.keyshift.connect() as client:
                client.ask('EVAL', 'return 3', '0', 'bull:mail:7')
        lines = [line for line in self.keyshift.log().splitlines() if sha1('return 3') in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r'bull:mail:7.*bull:\{queue\}:\{id:any\}.*KEYS')

    def test_script_debug_is_refused_whatever_is_allowed(self):
        with Keyshift(self.redis.url, config='allow = ["SCRIPT DEBUG", "SCRIPT"]\n' + RULES) as keyshift, \
                keyshift.connect() as client, keyshift.connect() as other:
            for mode in ('YES', 'SYNC', 'NO'):
                self.assertIn(b'SCRIPT DEBUG', client.command('SCRIPT', 'DEBUG', mode)[1])
            client.ask('MULTI')
            self.assertTrue(is_error(client.command('SCRIPT', 'DEBUG', 'YES')))
            self.assertRegex(client.command('EXEC')[1], b'^EXECABORT')
            self.assertEqual(other.ask('EVAL', 'return 1', '0'), 1)
            self.assertEqual(other.ask('SET', 'stray', '1'), b'OK')

    def test_the_list_is_bounded(self):
        for number in range(600):
            self.client.ask('EVAL', 'return %d' % number, '0', 'bull:mail:7')
        self.assertLessEqual(len(self.found()), 2 * 128)


MAP_RULES = '''
[[listener]]
scripts = "map"
%s

[domain.work]

[[rule]]
legacy = "bull:{queue}:meta"
key    = "work:meta:{queue}"

[[rule]]
legacy = "bull:{queue}:{id:any}"
key    = "work:jobs:{queue}:{id}"

[[rule]]
legacy = "n{number:int}"
key    = "types:int:{number}"

[[rule]]
legacy = "h-{digest:hex}"
key    = "types:hex:{digest}"

[[rule]]
legacy = "u/{id:uuid}"
key    = "types:uuid:{id}"

[[rule]]
legacy = "day{day:date}.log"
key    = "types:date:{day}"

[[rule]]
legacy = "{kind:cart|basket}_{owner}"
key    = "types:list:{kind}:{owner}"

[[rule]]
legacy = "{a}_{day:date}:{rest:any}"
key    = "types:table:{day}:{a}:{rest}"

[[rule]]
legacy = "three:{k}"
key    = "types:three:{k}"
db     = 3

[[rule]]
legacy = "old:{k}"
key    = "types:old:{k}"
phase  = "legacy"
'''

UUID = '550e8400-e29b-41d4-a716-446655440000'


def some_names(rng):
    """Names that fit the rules, nearly fit them, or are made of their pieces."""
    names = ['bull:mail:meta', 'bull:mail:7', 'bull:mail:7:lock', 'bull:mail:', 'bull::7', 'n7', 'n-7', 'n-', 'n', 'n007',
             'h-0aF', 'h-', 'h-g', 'u/' + UUID, 'u/' + UUID.upper(), 'u/' + UUID[:-1], 'u/' + UUID + '0', 'day20250806.log',
             'day20251306.log', 'day20250832.log', 'day20250230.log', 'day2025080.log', 'cart_me', 'basket_me', 'carts_me',
             'cart_', 'x_20250102:y', 'x_1_20250102:y:z', 'x_20251399:y_20250101:z', '_20250102:y', 'x_20250102:', 'three:a',
             'old:a', 'types:old:a', 'types:int:7', 'types:int:x', 'types:list:cart:me', 'types:list:sack:me', 'work:jobs:a:b',
             'work:meta:a', 'work:other', 'work', 'work:', 'stray', '', ':', 'p/stray', 'types:three:a',
             b'bull:\x00\xff:\r\n%d*', b"n'\\7", b'bull:%s:]\x00']
    pieces = ['bull', ':', 'meta', '_', '-', '/', 'n', '7', 'h-', 'cart', '20250806', 'day', '.log', 'types', 'list', 'work',
              'old:', 'x', '', 'table']
    for _ in range(300):
        names.append(''.join(rng.choice(pieces) for _ in range(rng.randint(1, 8))))
    return names


class MapTest(unittest.TestCase):
    """scripts = "map": the same as on a Redis where nothing is renamed."""

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()
        cls.direct_redis = RedisServer()

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()
        cls.direct_redis.stop()

    def start(self, listener='', options=('--workers', '2')):
        self.keyshift = Keyshift(self.redis.url, config=MAP_RULES % listener, options=options)
        self.addCleanup(self.keyshift.stop)
        return self.connected(self.keyshift)

    def connected(self, server):
        client = server.connect()
        self.addCleanup(client.close)
        return client

    def setUp(self):
        self.upstream = self.connected(self.redis)
        self.direct = self.connected(self.direct_redis)
        for server in (self.upstream, self.direct):
            server.ask('FLUSHALL')
            server.ask('SCRIPT', 'FLUSH')
            server.ask('FUNCTION', 'FLUSH')

    def keys(self):
        return sorted(self.upstream.ask('KEYS', '*'))

    def test_names_are_read_in_scripts_as_outside_of_them(self):
        body = 'return redis.call("set", ARGV[1], "x")'
        for listener in ('', 'view = "consolidated"', 'unmatched = "prefix"\nunmatched_prefix = "p/"',
                         'unmatched = "refuse"', 'view = "consolidated"\nunmatched = "prefix"\nunmatched_prefix = "p/"'):
            client = self.start(listener)
            rng = random.Random(listener)
            for database in ('0', '3'):
                for name in some_names(rng):
                    with self.subTest(listener=listener, database=database, name=name):
                        found = []
                        for command in (('SET', name, 'x'), ('EVAL', body, '0', name)):
                            for server in (self.upstream, client):
                                server.ask('SELECT', database)
                            refused = is_error(client.command(*command))
                            found.append((refused, self.keys()))
                            self.upstream.ask('FLUSHALL')
                        self.assertEqual(found[0], found[1])

    def test_what_scripts_see_of_the_keyspace_is_what_clients_see(self):
        for listener in ('', 'view = "consolidated"', 'unmatched = "prefix"\nunmatched_prefix = "p/"'):
            client = self.start(listener)
            rng = random.Random(1)
            for name in some_names(rng):
                client.command('SET', name, 'x')
            for glob in ('*', 'bull:*', 'bull:mail:?', '*[0-9]*', '*[^a-z]', 'n\\*', 'n[6-8]', 'cart*', 'x_*:[y-z]', '[]*', 'ol?:a'):
                with self.subTest(listener=listener, glob=glob):
                    seen = sorted(client.ask('KEYS', glob))
                    self.assertEqual(sorted(client.ask('EVAL', 'return redis.call("keys", ARGV[1])', '0', glob)), seen)
                    scan = '''local cursor, all = "0", {}
                              repeat
                                local r = redis.call("scan", cursor, "match", ARGV[1], "count", 100)
                                cursor = r[1]
                                for _, k in ipairs(r[2]) do all[#all + 1] = k end
                              until cursor == "0"
                              return all'''
                    self.assertEqual(sorted(client.ask('EVAL', scan, '0', glob)), seen)
            one = client.ask('EVAL', 'return redis.call("randomkey")', '0')
            self.assertIn(one, client.ask('KEYS', '*'))
            self.upstream.ask('FLUSHALL')

    def same(self, client, *command):
        """The same command through Keyshift and on a Redis of its own gives the same reply."""
        mapped, direct = client.command(*command), self.direct.command(*command)
        self.assertEqual(mapped, direct, command)
        return mapped

    def test_replies_and_errors_are_those_of_redis(self):
        client = self.start()
        scripts = (
            'return redis.call("set", "bull:mail:1", "v")',
            'return redis.call("get", "bull:mail:1")',
            'return {KEYS[1], KEYS[2], #KEYS, ARGV[1], ARGV[2], #ARGV}',
            'redis.call("set", KEYS[1] .. ":lock", ARGV[1]) return redis.call("get", "bull:mail:7:lock")',
            'return redis.call("mset", "n1", "a", "cart_me", "b", "stray", "c")',
            'return redis.call("MGET", "n1", "cart_me", "stray", "nothing")',
            'return redis.call("exists", "n1", "cart_me", "n1", "h-00")',
            'return redis.call("rename", "n1", "n2")',
            'return redis.call("copy", "n2", "n3")',
            'return redis.call("copy", "n2", "three:x", "db", 3)',
            'redis.call("select", 3) return {redis.call("get", "three:x"), redis.call("get", "three:y")}',
            'redis.call("select", "3") redis.call("set", "stray", 1) redis.call("move", "stray", 0) return redis.call("dbsize")',
            'return redis.call("del", "n1", "n2", "n3")',
            'return redis.call("rpush", "bull:mail:list", 3, 1, 2)',
            'for i = 1, 3 do redis.call("set", "n" .. i, 10 - i) redis.call("hset", "bull:h:" .. i, "f", i) end',
            'return redis.call("sort", "bull:mail:list", "by", "n*")',
            'return redis.call("sort", "bull:mail:list", "by", "bull:h:*->f", "get", "#", "get", "n*", "desc")',
            'return redis.call("sort", "bull:mail:list", "store", "cart_sorted")',
            'return redis.call("lrange", "cart_sorted", 0, -1)',
            'return redis.call("lmpop", 2, "nothing", "bull:mail:list", "LEFT")',
            'return redis.call("blpop", "nothing", "bull:mail:list", 0)',
            'redis.call("zadd", "n10", 1, "a") redis.call("zadd", "n11", 2, "a", 3, "b")',
            'return redis.call("zunionstore", "n12", 2, "n10", "n11", "weights", 1, 2)',
            'return redis.call("zrange", "n12", 0, -1, "withscores")',
            'return redis.call("zunion", 9, "n10", "n11")',
            'return redis.call("xadd", "day20250806.log", "1-1", "a", "b")',
            'return redis.call("xread", "count", 2, "streams", "day20250806.log", "n99", 0, 0)',
            'return redis.call("xgroup", "create", "nothing", "g", 0)',
            'return redis.call("xreadgroup", "group", "g", "c", "streams", "day20250806.log", ">")',
            'return redis.call("object", "encoding", "n1")',
            'return redis.call("bitop", "and", "n20", "n1", "n2")',
            'return redis.call("get", 17)',
            'return redis.call("set", "n7", 1.5)',
            'return redis.pcall("lpush", "n1", 1)',
            'local r = redis.pcall("lpush", "n1", 1) return r.err',
            'return redis.call("lpush", "n1", 1)',
            '\n\nlocal function f()\n return redis.call("lpush", "n1", 1)\nend\nreturn f()',
            '\n\nlocal r = redis.call("lpush", "n1", 1)\nreturn r',
            'local ok, e = pcall(redis.call, "lpush", "n1", 1) return {tostring(ok), e}',
            'local call = redis.call pcall(call, "lpush", "n1", 1) return call("get", "n1")',
            'return redis.call("nosuch", "n1")',
            'return redis.call("get")',
            'return redis.call("get", "n1", "n2")',
            'return redis.call()',
            'return redis.call(nil)',
            'return redis.call("get", nil)',
            'return redis.call("get", {})',
            'return redis.call("get", true)',
            'return redis.call(17, "n1")',
            'return redis.call("mget")',
            'return redis.call("sort")',
            'return redis.call("object")',
            'return redis.call("zunion", "x", "n10")',
            'redis.call = 1',
            'redis.other = 1',
            'return redis.sha1hex("")',
            'return redis.error_reply("MY error")',
            'return redis.status_reply("fine")',
            'return redis.LOG_WARNING',
            'redis.setresp(3) return redis.call("hgetall", "bull:h:1")',
            'redis.setresp(3) redis.call("sadd", "n30", 1) return redis.call("smembers", "n30")',
            'redis.setresp(3) return redis.call("zscore", "n12", "a")',
            'redis.setresp(3) return redis.call("xread", "streams", "day20250806.log", "n99", 0, 0)',
            'redis.setresp(3) return redis.call("get", "nothing")',
            'return redis.acl_check_cmd("get", "n1")',
            'return nosuchglobal',
            'error("mine")',
            'error({err = "MINE here"})',
            'return syntax error',
            '(function() end)()',
            'return unpack({1, 2, 3})',
            'local t = {} for i = 1, 7999 do t[i] = "n" .. i end redis.call("lpush", "cart_many", unpack(t)) '
            'return redis.call("del", unpack(t))',
            '#!lua flags=no-writes\nreturn redis.call("set", "n1", 1)',
            '#!lua flags=no-writes\n\nreturn redis.call("get", "n1")',
            '#!lua flags=nonsense\nreturn 1',
            '#!lua',
            '',
            'return 1 -- a comment at the end',
            '--[[ a comment ]] return KEYS[1]',
            'local redis = redis return redis.call("get", "n1")',
            'local co = coroutine.wrap(function() coroutine.yield(redis.call("get", "n1")) end) return co()',
        )
        for protocol in ('2', '3'):
            for server in (client, self.direct):
                server.command('HELLO', protocol)
            for script in scripts:
                with self.subTest(protocol=protocol, script=script):
                    self.same(client, 'EVAL', script, '2', 'bull:mail:7', 'stray', 'one', 'two')
                    self.same(client, 'EVALSHA', sha1(script), '2', 'bull:mail:7', 'stray', 'one', 'two')
            self.assertTrue(all(key.startswith((b'work:', b'types:', b'stray')) for key in self.keys()), self.keys())
            self.upstream.ask('FLUSHALL')
            self.direct.ask('FLUSHALL')

    def test_a_key_that_two_databases_call_differently_does_not_move(self):
        client = self.start()
        for command in (('EVAL', 'redis.call("select", 3) return redis.call("move", "three:y", 0)', '0'),
                        ('EVAL', 'return redis.call("move", "three:y", 3)', '0')):
            self.assertRegex(str(plain(client.command(*command))), "key 'three:y' has different names")
        client.ask('EVAL', 'redis.call("set", "three:y", 1) return redis.call("copy", "three:y", "three:z", "DB", 3)', '0')
        self.assertEqual(self.keys(), [b'three:y'])
        self.upstream.ask('SELECT', '3')
        self.assertEqual(self.keys(), [b'types:three:z'])

    def test_mistakes_in_the_call_are_those_of_redis(self):
        client = self.start()
        for command in (('EVAL', 'return 1', '-1'), ('EVAL', 'return 1', '2', 'a'), ('EVAL', 'return 1', 'x'),
                        ('EVAL', 'return 1'), ('EVALSHA', 'short', '0'), ('EVALSHA', 'f' * 40, '0'),
                        ('EVALSHA', 'f' * 40, '-1'), ('SCRIPT', 'EXISTS'), ('SCRIPT', 'EXISTS', 'x', 'f' * 40),
                        ('SCRIPT', 'LOAD', 'syntax error'), ('SCRIPT', 'LOAD'), ('FCALL', 'nothing', '0'),
                        ('FUNCTION', 'LOAD', 'no shebang'), ('FUNCTION', 'LOAD', '#!lua'),
                        ('FUNCTION', 'LOAD', '#!lua name=l\nnonsense'), ('FUNCTION', 'LOAD', '#!lua name=l\nreturn 1'),
                        ('FUNCTION', 'LOAD', '#!lua name=l\nredis.register_function("f", 1)')):
            with self.subTest(command=command):
                mapped, direct = client.command(*command), self.direct.command(*command)
                if command[-1].endswith('("f", 1)'):
                    self.assertIn('second argument to redis.register_function must be a function', str(plain(mapped)))
                else:
                    self.assertEqual(mapped, direct)

    def test_a_script_is_known_by_the_clients_sha_on_every_worker(self):
        client = self.start()
        body = 'return redis.call("incr", "n1")'
        self.upstream.ask('SCRIPT', 'LOAD', body)
        # Redis has it, but not mapped: it must not run.
        self.assertRegex(str(plain(client.command('EVALSHA', sha1(body), '0'))), '^NOSCRIPT')
        self.assertEqual(client.ask('SCRIPT', 'EXISTS', sha1(body)), [0])
        self.assertEqual(client.ask('SCRIPT', 'LOAD', body), sha1(body).encode())
        for number in range(1, 21):
            with self.keyshift.connect() as other:
                self.assertEqual(other.ask('EVALSHA', sha1(body).upper(), '0'), number)
        self.assertEqual(client.ask('SCRIPT', 'EXISTS', sha1(body), 'f' * 40, sha1(body).upper()), [1, 0, 1])
        self.assertEqual(self.keys(), [b'types:int:1'])
        # Somebody has emptied the cache.
        self.upstream.ask('SCRIPT', 'FLUSH')
        self.assertRegex(str(plain(client.command('EVALSHA', sha1(body), '0'))), '^NOSCRIPT')
        self.assertEqual(client.ask('SCRIPT', 'EXISTS', sha1(body)), [0])
        self.assertEqual(client.ask('EVAL', body, '0'), 21)
        self.assertEqual(client.ask('EVALSHA', sha1(body), '0'), 22)

    def test_transactions_map_their_scripts_in_the_database_that_they_select(self):
        client = self.start()
        body = 'return {redis.call("set", "three:a", ARGV[1]), KEYS[1], #ARGV}'
        for words in (('MULTI',), ('EVAL', body, '1', 'n1', 'x'), ('SELECT', '3'), ('EVALSHA', sha1(body), '1', 'n1', 'y'),
                      ('SCRIPT', 'LOAD', 'return 7'), ('EVALSHA', 'f' * 40, '0')):
            client.ask(*words)
        replies = plain(client.command('EXEC'))
        self.assertEqual(replies[:4], [[b'OK', b'n1', 1], b'OK', [b'OK', b'n1', 1], sha1('return 7').encode()])
        self.assertRegex(str(replies[4]), '^NOSCRIPT')
        self.assertEqual(self.keys(), [b'three:a'])
        self.upstream.ask('SELECT', '3')
        self.assertEqual(self.keys(), [b'types:three:a'])

    def test_large_scripts_and_large_arguments_are_mapped(self):
        client = self.start()
        big = 'x' * 3000000
        self.assertEqual(client.ask('EVAL', 'redis.call("set", "n1", ARGV[1]) return {KEYS[1], #ARGV}', '1', 'n2', big), [b'n2', 1])
        self.assertEqual(client.ask('STRLEN', 'n1'), len(big))
        body = '-- %s\nreturn redis.call("strlen", "n1")' % big
        self.assertEqual(client.ask('EVAL', body, '0'), len(big))
        self.assertEqual(client.ask('EVALSHA', sha1(body), '0'), len(big))
        self.assertEqual(self.keys(), [b'types:int:1'])

    LIBRARY = '''#!lua name=lib
local count = 0
local function get(name)
  return redis.call("get", name)
end
redis.register_function("echo", function(keys, args)
  count = count + 1
  return {keys[1], #keys, args[1], #args, get("n1"), get(keys[1] .. ":x"), count}
end)
redis.register_function{function_name = "fails", description = "it does", flags = {"no-writes"}, callback = function()
  return redis.call("lpush", "n1", 1)
end}
redis.register_function("wrong", function(keys)
  return redis.pcall("lpush", keys[1], 1).err
end)'''

    def test_functions_are_those_of_redis(self):
        client = self.start()
        for protocol in ('2', '3'):
            for server in (client, self.direct):
                server.command('HELLO', protocol)
                server.ask('MSET', 'n1', 'one', 'bull:mail:1:x', 'two')
            for command in (('FUNCTION', 'LOAD', self.LIBRARY), ('FUNCTION', 'LOAD', self.LIBRARY),
                            ('FUNCTION', 'LOAD', 'REPLACE', self.LIBRARY), ('FCALL', 'echo', '1', 'bull:mail:1', 'a'),
                            ('FCALL', 'echo', '2', 'bull:mail:1', 'n1'), ('FCALL', 'fails', '0'),
                            ('FCALL_RO', 'fails', '1', 'n1'), ('FCALL', 'wrong', '1', 'n1'), ('FCALL_RO', 'wrong', '1', 'n1'),
                            ('FCALL', 'gone', '0'), ('FUNCTION', 'STATS'), ('FUNCTION', 'DELETE', 'lib'),
                            ('FCALL', 'echo', '1', 'x')):
                with self.subTest(protocol=protocol, command=command[:2]):
                    self.same(client, *command)
        client.ask('FUNCTION', 'LOAD', self.LIBRARY)
        listed = str(plain(client.command('FUNCTION', 'LIST', 'LIBRARYNAME', 'lib', 'WITHCODE')))
        self.assertIn(str(self.LIBRARY.encode())[2:-1].replace("'", "\\'")[:40], listed.replace("'", "\\'"))
        self.assertNotIn('keyshift', listed)
        dump = client.ask('FUNCTION', 'DUMP')
        client.ask('FUNCTION', 'FLUSH')
        client.ask('FUNCTION', 'RESTORE', dump)
        self.assertEqual(client.ask('FCALL', 'echo', '1', 'bull:mail:1', 'a'),
                         [b'bull:mail:1', 1, b'a', 1, b'one', b'two', 1])
        # Who calls it past Keyshift says, and means, what the keys are called in Redis.
        self.upstream.ask('SET', 'n1', 'foreign')
        self.assertEqual(self.upstream.ask('FCALL', 'echo', '1', 'k', 'a'), [b'k', 1, b'a', 1, b'foreign', None, 2])

    def test_other_rules_need_the_scripts_and_libraries_again(self):
        client = self.start()
        body = 'return redis.call("set", "n1", "x")'
        client.ask('EVAL', body, '0')
        client.ask('FUNCTION', 'LOAD', self.LIBRARY)
        with open(self.keyshift.config_path, encoding='utf-8') as file:
            text = file.read()
        with open(self.keyshift.config_path, 'w', encoding='utf-8') as file:
            file.write(text.replace('types:int:{number}', 'types:integer:{number}'))
        client.ask('KEYSHIFT', 'RELOAD')
        self.assertRegex(str(plain(client.command('EVALSHA', sha1(body), '0'))), '^NOSCRIPT')
        client.ask('EVAL', body, '0')
        client.ask('EVALSHA', sha1(body), '0')
        self.assertEqual(self.keys(), [b'types:int:1', b'types:integer:1'])
        self.assertRegex(str(plain(client.command('FCALL', 'echo', '1', 'bull:mail:1'))), 'load it again')
        client.ask('FUNCTION', 'LOAD', 'REPLACE', self.LIBRARY)
        self.assertEqual(client.ask('FCALL', 'echo', '1', 'bull:mail:1', 'a')[4], b'x')
        # The old rules are there again, and so are their scripts.
        with open(self.keyshift.config_path, 'w', encoding='utf-8') as file:
            file.write(text)
        client.ask('KEYSHIFT', 'RELOAD')
        self.assertEqual(client.ask('EVALSHA', sha1(body), '0'), b'OK')

    def test_monitor_and_slowlog_show_what_the_client_said(self):
        client = self.start('', options=())
        body = 'return {redis.call("get", KEYS[1]), ARGV[1]}'
        shas = re.compile(rb'[0-9a-f]{40}')
        seen = []
        for server, redis, asks in ((self.keyshift, self.upstream, client),
                                    (self.direct_redis, self.direct, self.direct)):
            redis.ask('SLOWLOG', 'RESET')
            redis.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
            with server.connect() as monitor:
                monitor.ask('MONITOR')
                for command in (('EVAL', body, '1', 'n1', 'x'), ('EVALSHA', sha1(body), '1', 'n1', 'y'),
                                ('EVAL_RO', body, '1', 'n1', 'x'),
                                ('SCRIPT', 'LOAD', body), ('SCRIPT', 'EXISTS', sha1(body)), ('EVALSHA', 'f' * 40, '0'),
                                ('FUNCTION', 'LOAD', self.LIBRARY), ('FCALL', 'echo', '1', 'n1', 'x'),
                                ('FCALL_RO', 'fails', '0'),
                                ('MULTI',), ('EVAL', body, '1', 'n1', 'x'), ('FCALL', 'wrong', '1', 'n1'), ('EXEC',),
                                ('PING', 'end')):
                    asks.command(*command)
                seen.append([])
                while not seen[-1] or seen[-1][-1] != b'"PING" "end"':
                    seen[-1].append(shas.sub(b'SHA', monitor.read()[1].split(b'] ', 1)[1]))
            redis.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1')
            slow = [entry[3] for entry in asks.ask('SLOWLOG', 'GET', '100')]
            # What it shows of a script's text is what Redis ran.
            seen.append([words[2:] for words in slow if words[0].startswith((b'EVAL', b'FCALL'))])
        self.assertEqual(seen[0], seen[2])
        self.assertEqual(seen[1], seen[3])

    def test_function_stats_shows_the_call_as_the_client_said_it(self):
        client, other = self.start('', options=()), self.connected(self.keyshift)
        self.upstream.ask('CONFIG', 'SET', 'busy-reply-threshold', '1')
        client.ask('FUNCTION', 'LOAD', '#!lua name=forever\n'
                   "redis.register_function('forever', function() while true do end end)")
        client.send(encode(('FCALL', 'forever', '1', 'n1', 'x')))
        wait_for(lambda: is_error(self.upstream.command('PING')), 'the function')
        stats = other.ask('FUNCTION', 'STATS')
        self.upstream.ask('FUNCTION', 'KILL')
        self.assertTrue(is_error(client.read()))
        running = dict(zip(stats[1][::2], stats[1][1::2]))
        self.assertEqual(running[b'command'], [b'FCALL', b'forever', b'1', b'n1', b'x'])

    def test_mapped_scripts_are_no_suspects(self):
        client = self.start()
        client.ask('EVAL', 'return redis.call("get", ARGV[1])', '0', 'bull:mail:7')
        self.assertEqual(client.ask('KEYSHIFT', 'SCRIPTS'), [])


if __name__ == '__main__':
    tap.main()
