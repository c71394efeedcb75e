"""Random commands over all types of Redis, each with the way in which its reply may differ between two
servers.

    stream = CommandStream(random.Random(7))
    args, form = stream.next()         # [b'SADD', b'set:2', b'm1', b'm7'], EXACT
    equal(left, right, form)           # of reply_forms.py

Ranges by name in sorted sets of several scores depend on the skip list, so there only the kind of reply counts.
A command whose reply depends on chance (SPOP, SRANDMEMBER, HRANDFIELD) is sent only with arguments that leave no
chance; expiries lie far in the future, or in the past. The names of keys carry their type, and one time in twelve a
command gets a key of another type: so most commands do something, and WRONGTYPE comes often enough.
"""

from reply_forms import DUMPED, ENTRIES, EXACT, KIND, MASKED, NEAR, PAIRS, PENDING, SORTED

FAR = 4_102_444_800    # 2100-01-01, for EXPIREAT
ALL_BYTES = bytes(range(256))


def keys_of_type(kind):
    """The names of one type: plain ones, and some of the shapes that a proxy could stumble over."""
    return [b'%s:%d' % (kind, number) for number in range(8)] + [
        b'compat:kv:key:%s:0' % kind,                # looks consolidated
        b'{%s}:tag' % kind,
        b'%s\r\n+OK\r\n$-1\r\n' % kind,              # looks like replies
        kind + b'\xff\xfe\x00\x80',
    ]


TYPES = [b'str', b'int', b'bits', b'hash', b'list', b'set', b'zset', b'stream', b'hll', b'geo']
ODD_KEYS = [ALL_BYTES, b'L' * 10240, b'*', b'k?[a-c]\\', b' ', b'\x00', b'compat:kv:key:',
            b'compat:kv:key:compat:kv:key:x',
            b'{k:any}', b'%s%d', b'"quoted \'key\'"', '\u20ac:caf\u00e9'.encode(), b'a:b:c:d:e:f:g:h:i:j:k',
            b'']
KEYS = {kind: keys_of_type(kind) for kind in TYPES}
EVERY_KEY = [key for keys in KEYS.values() for key in keys] + ODD_KEYS
PATTERNS = [b'*', b'str:*', b'*:1', b'[sh]*', b'[^s]*', b'?nt:[0-3]', b'set:2', b'compat:*',
            b'compat:kv:key:*', b'\\*', b'*\xff*',
            b'', b'**', b'[a-l]*:?', b'{*}*', b'nothing:*', b'*[', b'[^', b'\\', b'*\r\n*', b'str:[1\\-3]',
            b'LLL*', b'h*s*:*1']
FIELDS = [b'f%d' % number for number in range(12)] + [b'field with space', b'\x00\x01', b'']
MEMBERS = [b'm%d' % number for number in range(10)] + [b'1', b'2', b'-7', b'compat:kv:key:m', b'\r\n',
                                                       b'\xf0\x9f']
GROUPS = [b'g1', b'g2', b'compat:kv:key:g']
CONSUMERS = [b'alice', b'bob']
SCRIPTS = [
    b"return redis.call('SET', KEYS[1], ARGV[1])",
    b"return redis.call('GET', KEYS[1])",
    b"return {#KEYS, #ARGV, ARGV[1], 1.9, true, false}",
    b"return redis.pcall('INCR', KEYS[1])",
    b"return redis.call('RPUSH', KEYS[1], ARGV[1], ARGV[1])",
    b"return redis.status_reply('FINE')",
    b"return redis.error_reply('MY error')",
    b"local n = 0 for i = 1, #KEYS do n = n + redis.call('EXISTS', KEYS[i]) end return n",
    b"return redis.call('TYPE', KEYS[1])",
    b"this is no lua",
]


class CommandStream:
    """Draws commands from an rng; the same rng gives the same commands, whatever the servers answer."""

    def __init__(self, rng):
        self.rng = rng
        self.payloads = []         # what DUMP returned, for RESTORE
        self.makers = []
        for weight, name in ((10, 'strings'), (5, 'counters'), (4, 'bitmaps'), (8, 'hashes'), (8, 'lists'),
                             (8, 'sets'),
                             (9, 'zsets'), (10, 'streams'), (3, 'hlls'), (4, 'geos'), (14, 'generic'),
                             (4, 'sorts'),
                             (3, 'scripts'), (3, 'mistakes'), (1, 'keyspace'), (1, 'blocking')):
            self.makers += [getattr(self, name)] * weight

    def next(self):
        """One command: (arguments, form of its reply)."""
        rng = self.rng
        made = rng.choice(self.makers)()
        args, form = made if isinstance(made, tuple) else (made, EXACT)
        args = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        if rng.random() < 0.1:
            args[0] = rng.choice((args[0].lower(), args[0].title()))
        return args, form

    # What commands are made of.

    def key(self, kind=None):
        roll = self.rng.random()
        if kind is None or roll < 0.04:
            return self.rng.choice(EVERY_KEY)
        if roll < 0.08:
            return self.rng.choice(ODD_KEYS)
        return self.rng.choice(KEYS[kind])

    def keys(self, kind, most=4):
        return [self.key(kind) for _ in range(self.rng.randint(1, most))]

    def some(self, pool, most=4):
        return [self.rng.choice(pool) for _ in range(self.rng.randint(1, most))]

    def integer(self):
        return self.rng.choice((0, 1, -1, 2, 5, 10, 100, -100, 1 << 31, (1 << 63) - 1, -(1 << 63)))

    def index(self):
        return self.rng.choice((0, 1, 2, 3, 7, -1, -2, -5, 100, -100))

    def score(self):
        return self.rng.choice((0, 1, 2, 2.5, -3, 10, 1e10, b'inf', b'-inf', b'3.0e-4'))

    def value(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.3:
            return b'%d' % rng.randint(-1000, 100000)
        if roll < 0.9:
            return bytes(rng.choice(b'abcdefgh \r\n\x00\xff$*:') for _ in range(rng.randint(0, 40)))
        if roll < 0.9985:
            return rng.choice((b'', ALL_BYTES, b'x' * 100, b'y' * rng.randint(1000, 20000)))
        return rng.choice((b'big', b'\r\n$4', b'\x00')) * rng.randint(1 << 18, 1 << 20)

    def maybe(self, *args, chance=0.5):
        return list(args) if self.rng.random() < chance else []

    def one(self, *choices):
        """One of several commands, each a list or a function that makes one; only the chosen function is called."""
        made = self.rng.choice(choices)
        return made() if callable(made) else made

    # One function per family.

    def strings(self):
        rng, k, v = self.rng, self.key(b'str'), self.value
        return self.one(
            lambda: ['SET', k, v()] + self.maybe(rng.choice(('NX', 'XX', 'GET', 'KEEPTTL')), chance=0.4),
            lambda: ['SET', k, v(), rng.choice(('EXAT', 'exat')), FAR],
            lambda: ['SET', k, v(), 'PXAT', FAR * 1000, 'GET'],
            lambda: ['SET', k, v(), rng.choice(('EX', 'PX')), 10 ** 7],
            ['GET', k], ['GET', k], ['GETDEL', k], ['STRLEN', k],
            lambda: ['GETSET', k, v()], lambda: ['SETNX', k, v()], lambda: ['APPEND', k, v()],
            lambda: ['SETEX', k, 10 ** 6, v()], lambda: ['PSETEX', k, 10 ** 9, v()],
            ['GETEX', k] + rng.choice(([], ['PERSIST'], ['EXAT', FAR], ['EX', 10 ** 6], ['EX', 0], ['EX'])),
            lambda: ['MGET'] + self.keys(b'str', 6),
            lambda: ['MSET'] + [part for key in self.keys(b'str') for part in (key, v())],
            lambda: ['MSETNX'] + [part for key in self.keys(b'str', 2) for part in (key, v())],
            ['GETRANGE', k, self.index(), self.index()], ['SUBSTR', k, 0, 3],
            lambda: ['SETRANGE', k, rng.choice((0, 3, 50, 70000 if rng.random() < 0.05 else 9)), v()[:50]],
            ['LCS', k if len(k) < 300 else b'str:1', self.key(b'int')]
            + rng.choice(([], ['LEN'], ['IDX'], ['IDX', 'WITHMATCHLEN'],
                                                                                  ['IDX', 'MINMATCHLEN', 2],
                          ['NONE'])),
        )

    def counters(self):
        k = self.key(b'int')
        return self.one(['INCR', k], ['DECR', k], ['INCRBY', k, self.integer()],
                        ['DECRBY', k, self.integer()],
                        ['INCRBYFLOAT', k, self.rng.choice((1, 0.5, -2.25, b'x', 3e5))],
                        ['SET', k, self.integer()],
                        ['GET', k], ['INCRBY', k, b'abc'], ['SET', k, b'0'])

    def bitmaps(self):
        rng, k = self.rng, self.key(b'bits')
        return self.one(
            ['SETBIT', k, rng.choice((0, 1, 7, 8, 100, 5000, -1)), rng.choice((0, 1, 1, 2))],
            ['GETBIT', k, rng.randint(0, 200)],
            ['BITCOUNT', k] + rng.choice(([], [0, -1], [1, 5, 'BIT'], [0])),
            ['BITPOS', k, rng.choice((0, 1))] + rng.choice(([], [2], [0, -1], [3, 90, 'BIT'])),
            ['BITOP', rng.choice(('AND', 'OR', 'XOR')), k] + self.keys(b'bits'),
            ['BITOP', 'NOT', k, self.key(b'bits')],
            ['BITOP', 'NOT', k, self.key(b'bits'), self.key(b'bits')],
            ['BITFIELD', k, 'INCRBY', 'u8', '#1', 200, 'OVERFLOW', rng.choice(('SAT', 'FAIL', 'WRAP')),
             'INCRBY', 'u4', 3, 9,
             'GET', 'i5', 0],
            ['BITFIELD_RO', k, 'GET', 'u16', 4], ['BITFIELD', k, 'SET', 'u99', 0, 1])

    def hashes(self):
        rng, k = self.rng, self.key(b'hash')
        field = rng.choice(FIELDS)
        return self.one(
            lambda: ['HSET', k] + [part for name in self.some(FIELDS)
                                   for part in (name, self.value()[:3000])],
            lambda: ['HMSET', k, field, self.value()[:100]], lambda: ['HSETNX', k, field, self.value()[:100]],
            ['HGET', k, field], ['HMGET', k] + self.some(FIELDS), (['HGETALL', k], PAIRS),
            (['HKEYS', k], SORTED),
            (['HVALS', k], SORTED), ['HLEN', k], ['HEXISTS', k, field], ['HSTRLEN', k, field], ['HDEL', k]
            + self.some(FIELDS),
            ['HINCRBY', k, field, self.integer()], ['HINCRBYFLOAT', k, field, 1.5], ['HSET', k, field],
            (['HRANDFIELD', k, 1000], SORTED),
            (['HRANDFIELD', k, 1000, 'WITHVALUES'], PAIRS), ['HRANDFIELD', k, 0],
            lambda: ['HSET', k] + [part for number in range(rng.choice((20, 200)))
                                   for part in (b'n%d' % number, b'%d' % number)])

    def lists(self):
        rng, k = self.rng, self.key(b'list')
        member = rng.choice(MEMBERS)
        return self.one(
            ['LPUSH', k] + self.some(MEMBERS), ['RPUSH', k] + self.some(MEMBERS),
            lambda: ['RPUSH', k, self.value()[:9000]],
            ['LPUSHX', k, member], ['RPUSHX', k, member], ['LPOP', k], ['RPOP', k],
            ['LPOP', k, rng.choice((0, 2, 50, -1))],
            ['RPOP', k, 2], ['LLEN', k], ['LRANGE', k, self.index(), self.index()], ['LRANGE', k, 0, -1],
            ['LINDEX', k, self.index()],
            ['LSET', k, self.index(), member], ['LINSERT', k, rng.choice(('BEFORE', 'AFTER', 'UNDER')),
                                                member, b'in'],
            ['LREM', k, rng.choice((0, 1, -2)), member], ['LTRIM', k, 0, rng.choice((3, 20, -2))],
            ['LMOVE', k, self.key(b'list'), rng.choice(('LEFT', 'RIGHT')),
             rng.choice(('LEFT', 'RIGHT', 'MID'))],
            ['RPOPLPUSH', k, self.key(b'list')], ['LPOS', k, member]
            + rng.choice(([], ['COUNT', 0], ['RANK', -1], ['RANK', 0])),
            self.mpop('LMPOP', b'list', ('LEFT', 'RIGHT')))

    def mpop(self, name, kind, ends):
        keys = self.keys(kind)
        count = self.rng.choice((len(keys), len(keys), len(keys), len(keys), 0, len(keys) + 1, b'x', -1))
        return [name, count] + keys + [self.rng.choice(ends)] + self.rng.choice(([], ['COUNT', 3],
                ['COUNT', 0]))

    def sets(self):
        rng, k = self.rng, self.key(b'set')
        return self.one(
            ['SADD', k] + self.some(MEMBERS), ['SADD', k] + self.some(MEMBERS, 12), ['SADD', k]
            + [rng.randint(0, 50) for _ in range(5)],
            lambda: ['SADD', k] + list(range(rng.choice((10, 600)))), ['SREM', k] + self.some(MEMBERS),
            ['SCARD', k],
            (['SMEMBERS', k], SORTED), ['SISMEMBER', k, rng.choice(MEMBERS)], ['SMISMEMBER', k]
            + self.some(MEMBERS),
            ['SMOVE', k, self.key(b'set'), rng.choice(MEMBERS)], (['SPOP', k, 100000], SORTED)
            if rng.random() < 0.2 else ['SCARD', k],
            ['SPOP', k, 0], (['SRANDMEMBER', k, 100000], SORTED), (['SRANDMEMBER', k, -3], ENTRIES),
            (['SINTER'] + self.keys(b'set'), SORTED), (['SUNION'] + self.keys(b'set'), SORTED),
            (['SDIFF'] + self.keys(b'set'), SORTED),
            [rng.choice(('SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE')), k] + self.keys(b'set'),
            lambda: self.numkeys(['SINTERCARD'], b'set', self.maybe('LIMIT', rng.choice((0, 2, -1)))))

    def numkeys(self, head, kind, tail):
        """A command with a count of keys that is right most of the time."""
        keys = self.keys(kind)
        count = len(keys) if self.rng.random() < 0.92 else self.rng.choice((0, -1, len(keys) + 1, b'two',
                1 << 40))
        return head + [count] + keys + tail

    def zsets(self):
        rng, k = self.rng, self.key(b'zset')
        member = rng.choice(MEMBERS)
        pairs = [part for name in self.some(MEMBERS) for part in (self.score(), name)]
        with_scores = self.maybe('WITHSCORES')
        combine = rng.choice(([], ['AGGREGATE', 'MAX'], ['AGGREGATE', 'AVG'], ['WEIGHTS', 2], ['WEIGHTS']))
        return self.one(
            ['ZADD', k] + rng.choice(([], [], ['NX'], ['XX'], ['GT', 'CH'], ['NX', 'GT'])) + pairs,
            ['ZADD', k] + pairs,
            ['ZADD', k, 'INCR', self.score(), member], ['ZINCRBY', k, self.score(), member], ['ZREM', k]
            + self.some(MEMBERS),
            ['ZCARD', k], ['ZSCORE', k, member], ['ZMSCORE', k] + self.some(MEMBERS), ['ZRANK', k, member],
            ['ZREVRANK', k, member],
            ['ZRANGE', k, 0, -1] + with_scores, ['ZRANGE', k, self.index(), self.index(), 'REV']
            + with_scores,
            ['ZRANGE', k, '-inf', '(5', 'BYSCORE', 'LIMIT', 0, 3], (['ZRANGE', k, '[a', '+', 'BYLEX'], KIND),
            ['ZREVRANGE', k, 0, 2] + with_scores,
            ['ZRANGEBYSCORE', k, 0, '+inf'] + with_scores, ['ZREVRANGEBYSCORE', k, 10, '(0'],
            ['ZRANGEBYLEX', k, '-', '+'], (['ZRANGEBYLEX', k, '[m1', '(m5'], KIND),
            ['ZREVRANGEBYLEX', k, '+', '-', 'LIMIT', 1, 2], ['ZCOUNT', k, '-inf', 3],
            (['ZLEXCOUNT', k, '-', '(m3'], KIND), ['ZLEXCOUNT', k, '-', '+'], ['ZCOUNT', k, 'a', 'b'],
            ['ZREMRANGEBYSCORE', k, 5, 6], ['ZREMRANGEBYRANK', k, 8, 9], ['ZREMRANGEBYLEX', k, '-', '+']
            if rng.random() < 0.1 else ['ZREMRANGEBYLEX', k, '+', '-'],
            ['ZPOPMIN', k], ['ZPOPMAX', k, 2], self.mpop('ZMPOP', b'zset', ('MIN', 'MAX')),
            (['ZRANDMEMBER', k, 1000], SORTED),
            (['ZRANDMEMBER', k, 1000, 'WITHSCORES'], PAIRS), ['ZRANGESTORE', k, self.key(b'zset'), 0, 5],
            lambda: self.numkeys([rng.choice(('ZUNION', 'ZINTER'))], b'zset', combine + with_scores),
            lambda: self.numkeys(['ZDIFF'], b'zset', with_scores),
            lambda: self.numkeys(['ZDIFFSTORE', k], b'zset', []),
            lambda: self.numkeys([rng.choice(('ZUNIONSTORE', 'ZINTERSTORE')), k], b'zset', combine),
            lambda: self.numkeys(['ZINTERCARD'], b'zset', self.maybe('LIMIT', 2)),
            lambda: ['ZADD', k] + [part for number in range(200) for part in (number, b'n%d' % number)])

    def streams(self):
        rng, k = self.rng, self.key(b'stream')
        group, consumer = rng.choice(GROUPS), rng.choice(CONSUMERS)
        entry = b'%d-%d' % (rng.randint(1, 40), rng.randint(0, 5))
        keys = self.keys(b'stream', 3)
        ids = [rng.choice((b'0', b'0-0', b'5-1', b'$', b'bad')) for _ in keys]
        return self.one(
            ['XADD', k] + rng.choice(([], [], ['NOMKSTREAM'], ['MAXLEN', 20], ['MAXLEN', '~', 10],
                                      ['MINID', '3-0']))
            + [rng.choice((entry, b'%d-*' % rng.randint(1, 60))), b'f', b'v', b'g', b'compat:kv:key:v'],
            ['XADD', k, b'%d-*' % rng.randint(10, 90), b'field', b'value'], ['XLEN', k],
            ['XRANGE', k, '-', '+'],
            ['XRANGE', k, '(3-0', '20', 'COUNT', 3], ['XREVRANGE', k, '+', '-', 'COUNT', 2],
            ['XDEL', k, entry, b'7-0'],
            ['XTRIM', k, 'MAXLEN', 30], ['XTRIM', k, 'MINID', '=', '2-0'], ['XSETID', k, b'100-0'],
            ['XREAD'] + self.maybe('COUNT', 2) + ['STREAMS'] + keys + ids, ['XREAD', 'STREAMS'] + keys,
            ['XREAD', 'COUNT', 1, 'streams', k, 0], ['XREAD', 'COUNT', 5, 'STREAMS', self.key(b'stream'), k,
                                                     0, '3-0'],
            ['XGROUP', 'CREATE', k, group, rng.choice((b'0', b'$', b'5'))] + self.maybe('MKSTREAM'),
            ['XGROUP', 'CREATE', k, group, b'0', 'MKSTREAM'], ['XGROUP', 'SETID', k, group, b'0'],
            ['XGROUP', 'CREATECONSUMER', k, group, consumer], ['XGROUP', 'DELCONSUMER', k, group, consumer],
            ['XGROUP', 'DESTROY', k, group] if rng.random() < 0.2 else ['XLEN', k],
            ['XREADGROUP', 'GROUP', group, consumer] + self.maybe('COUNT', 2)
            + self.maybe('NOACK', chance=0.2)
            + ['STREAMS'] + keys + [rng.choice((b'>', b'>', b'0')) for _ in keys],
            ['XREADGROUP', 'GROUP', group, consumer, 'STREAMS', k, '>'],
            ['XACK', k, group, entry, b'5-0'], ['XPENDING', k, group],
            (['XPENDING', k, group, '-', '+', 10], PENDING),
            (['XPENDING', k, group, '-', '+', 10, consumer], PENDING),
            ['XCLAIM', k, group, consumer, 0, entry],
            ['XCLAIM', k, group, consumer, 0, entry, 'JUSTID'],
            ['XAUTOCLAIM', k, group, consumer, 0, '0', 'COUNT', 3],
            (['XINFO', 'STREAM', k], MASKED), (['XINFO', 'STREAM', k, 'FULL'], MASKED),
            (['XINFO', 'GROUPS', k], MASKED),
            (['XINFO', 'CONSUMERS', k, group], MASKED))

    def hlls(self):
        k = self.key(b'hll')
        return self.one(['PFADD', k] + self.some(MEMBERS, 8), lambda: ['PFADD', k]
                        + [self.rng.randint(0, 10 ** 6) for _ in range(30)],
                        ['PFCOUNT', k], ['PFCOUNT'] + self.keys(b'hll'), ['PFMERGE', k] + self.keys(b'hll'),
                        ['PFMERGE', k],
                        ['PFADD', k])

    def geos(self):
        rng, k = self.rng, self.key(b'geo')
        place = rng.choice(MEMBERS)
        by = rng.choice((['BYRADIUS', 500, 'km'], ['BYBOX', 900, 700, 'km'], ['BYRADIUS', 5000, 'mi']))
        order = rng.choice((['ASC'], ['DESC'], ['ASC', 'COUNT', 3]))
        return self.one(
            ['GEOADD', k] + [part for name in self.some(MEMBERS)
                             for part in (rng.randint(-1700, 1700) / 10, rng.randint(-800, 800) / 10, name)],
            ['GEOADD', k, 'NX', 'CH', 13.361389, 38.115556, place], ['GEOADD', k, 500, 500, place],
            ['GEOPOS', k] + self.some(MEMBERS),
            ['GEODIST', k, place, rng.choice(MEMBERS), 'km'], ['GEOHASH', k] + self.some(MEMBERS),
            ['GEOSEARCH', k, 'FROMLONLAT', 15, 37] + by + order + self.maybe('WITHDIST', 'WITHCOORD'),
            ['GEOSEARCH', k, 'FROMMEMBER', place] + by + order,
            ['GEOSEARCHSTORE', k, self.key(b'geo'), 'FROMLONLAT', 15, 37] + by + order,
            ['GEORADIUS', k, 15, 37, 3000, 'km', 'ASC', 'WITHHASH'],
            ['GEORADIUS', k, 15, 37, 4000, 'km', 'STORE', self.key(b'geo')],
            ['GEORADIUS', k, 15, 37, 4000, 'km', 'STOREDIST', self.key(b'zset')],
            ['GEORADIUS_RO', k, 15, 37, 3000, 'km', 'DESC'],
            ['GEORADIUSBYMEMBER', k, place, 3000, 'km', 'ASC'],
            ['GEORADIUSBYMEMBER', k, place, 2000, 'km', 'STORE', self.key(b'geo')],
            ['GEORADIUSBYMEMBER_RO', k, place, 1000, 'km', 'ASC', 'COUNT', 2])

    def generic(self):
        rng, k = self.rng, self.key()
        when = self.maybe(rng.choice(('NX', 'XX', 'GT', 'LT', 'ZZ')), chance=0.3)
        other = self.key(rng.choice(TYPES))
        return self.one(
            ['EXPIREAT', k, FAR + rng.randint(0, 99)] + when,
            ['PEXPIREAT', k, FAR * 1000 + rng.randint(0, 999)] + when,
            ['EXPIRE', k, 10 ** 7] + self.maybe('NX'), ['PEXPIRE', k, 10 ** 10] + self.maybe('XX'),
            ['EXPIRE', k, rng.choice((-1, 0, b'x'))] if rng.random() < 0.3 else ['PERSIST', k],
            (['TTL', k], NEAR), (['PTTL', k], NEAR), (['EXPIRETIME', k], NEAR), (['PEXPIRETIME', k], NEAR),
            ['PERSIST', k],
            ['TYPE', k], ['TYPE', k], ['EXISTS'] + self.keys(None, 5), ['TOUCH'] + self.keys(None),
            ['DEL', k], ['UNLINK'] + self.keys(None, 2),
            ['RENAME', k, other] if rng.random() < 0.4 else ['RENAMENX', k, other], ['COPY', k, other]
            + rng.choice(([], ['REPLACE'], ['DB', 1], ['DB', 3, 'REPLACE'], ['DB', 99])),
            ['OBJECT', 'ENCODING', k], ['OBJECT', 'ENCODING', k], ['OBJECT', 'REFCOUNT', k],
            (['OBJECT', 'IDLETIME', k], KIND), ['OBJECT', 'FREQ', k],
            (['MEMORY', 'USAGE', k], KIND), (['DUMP', k], DUMPED), (['DUMP', k], DUMPED), self.restore,
            self.restore, ['MOVE', k, rng.choice((1, 2, 15, 77))],
            ['TYPE', k])

    def restore(self):
        rng = self.rng
        payload = rng.choice(self.payloads) if self.payloads and rng.random() < 0.9 else b'bad payload'
        return ['RESTORE', self.key(), rng.choice((0, 0, 10 ** 9)),
                payload] + rng.choice((['REPLACE'], ['REPLACE'], [])) + self.maybe('IDLETIME', 5, chance=0.1)

    def sorts(self):
        rng, k = self.rng, rng_key(self)
        return self.one(
            ['SORT', k], ['SORT', k, 'ALPHA', 'DESC'], ['SORT', k, 'ALPHA', 'LIMIT', 1, 3],
            ['SORT_RO', k, 'ALPHA'],
            ['SORT', self.key(b'list'), 'BY', 'int:*', 'GET', '#', 'GET', 'str:*'],
            (['SORT', self.key(b'list'), 'BY', 'nosort', 'GET', 'int:*'], SORTED),
            (['SORT', self.key(b'list'), 'BY', 'hash:*->f1', 'ALPHA', 'GET', 'hash:*->f2', 'GET', '#'],
             SORTED),
            ['SORT', k, 'ALPHA', 'STORE', self.key(b'list')],
            ['SORT', self.key(b'list'), 'BY', 'int:*', 'STORE', self.key(b'list')],
            ['SORT', self.key(b'list'), 'GET', 'compat:kv:key:*', 'ALPHA'], ['SORT', k, 'LIMIT', 'x', 1],
            ['SORT', self.key(b'list'), 'ALPHA', 'GET', 'nostar'],
            ['MSET'] + [part for number in rng.sample(range(10), 4)
                        for part in (b'int:m%d' % number, rng.randint(0, 9))])

    def blocking(self):
        """Commands that wait where there is nothing, but not for long."""
        key, other = self.key, self.key(b'list')
        return self.one(
            lambda: [self.rng.choice(('BLPOP', 'BRPOP'))] + self.keys(b'list') + ['0.002'],
            lambda: [self.rng.choice(('BZPOPMIN', 'BZPOPMAX'))] + self.keys(b'zset') + ['0.002'],
            lambda: ['BLMOVE', key(b'list'), other, 'LEFT', self.rng.choice(('LEFT', 'RIGHT')), '0.002'],
            lambda: ['BRPOPLPUSH', key(b'list'), other, '0.002'],
            lambda: ['BLMPOP', '0.002', '1', key(b'list'), 'LEFT', 'COUNT', '2'],
            lambda: ['BZMPOP', '0.002', '1', key(b'zset'), 'MIN'],
            lambda: ['XREAD', 'COUNT', '2', 'BLOCK', '2', 'STREAMS', key(b'stream'), self.rng.choice(('0', '$'))],
            lambda: ['BLPOP', other, self.rng.choice(('-1', 'x', '0.001'))],
            lambda: ['WAIT', '0', '1'],
        )

    def scripts(self):
        rng = self.rng
        script = rng.choice(SCRIPTS)
        name = rng.choice(('EVAL', 'EVAL', 'EVAL_RO'))
        return self.one(
            lambda: self.numkeys([name, script], rng.choice((b'str', b'int', b'list')),
                                 [rng.choice(MEMBERS)]),
            [name, script, 1, self.key(b'str'), b'argument'], ['EVAL', b'return ARGV[1]', 0, b'str:1'],
            ['EVALSHA', b'f' * 40, 1, self.key(b'str')],
            ['SCRIPT', 'LOAD', script], ['SCRIPT', 'EXISTS', b'0' * 40],
            ['FCALL', b'nofunction', 1, self.key(b'str')], ['EVAL', script],
            ['EVALSHA', b'4e6d8fc8bb01276962cce5371fa795a7763657ae', 1, self.key(b'str'), b'a'])

    def mistakes(self):
        k = self.key()
        return self.one(
            ['NOSUCHCOMMAND'], ['nosuchcommand', k, self.value()[:200], b'a' * 200], ['GET'], ['GET', k, k],
            ['SET', k], ['SET', k, b'v', 'EX'],
            ['SET', k, b'v', 'EX', b'abc'], ['SET', k, b'v', 'PX', 0], ['SET', k, b'v', 'EX', -5],
            ['SET', k, b'v', 'NX', 'XX'], ['SET', k, b'v', 'BAD'],
            ['MSET', k], ['MSET', k, b'v', k], ['HSET', k], ['OBJECT', 'NOSUCH', k], ['OBJECT'],
            ['XGROUP', 'NOSUCH', k, b'g'], ['SELECT', b'x'], ['SELECT', 99],
            ['EXPIRE', k], ['EXPIRE', k, b'1.5'], ['EXPIRE', k, 1 << 62], ['ZADD', k, b'notfloat', b'm'],
            ['LMPOP', 2, k, 'LEFT'], ['ZUNION', b'x', k],
            ['BITOP', 'NAND', k, k], ['XREAD', 'STREAMS', k], ['XREAD', 'COUNT', b'x', 'STREAMS', k, 0],
            ['XADD', k, b'bad-id', b'f', b'v'], ['XADD', k, b'1-1', b'f'],
            ['COPY', k, k], ['RENAME', k, k], ['SINTERCARD', 1], ['EVAL', b'return 1', b'x'],
            ['EVAL', b'return 1', -1], ['SCAN', b'x'], ['SCAN', 0, 'MATCH'],
            ['SCAN', 0, 'COUNT', 0], ['SORT', k, 'BY'], ['MEMORY', 'USAGE'], ['RESTORE', k, -1, b'x'],
            ['GETEX', k, 'EX', 'PERSIST'], ['\r\n', k], [b'', k], [b''])

    def keyspace(self):
        rng = self.rng
        return self.one(['DBSIZE'], ['COMMAND', 'GETKEYS', 'MSET', self.key(), b'v', self.key(b'str'), b'w'],
                        ['COMMAND', 'GETKEYS', 'EVAL', b'return 1', 2, self.key(), self.key(b'set'), b'a'],
                        (['KEYS', rng.choice(PATTERNS)], SORTED),
                        (['KEYS', rng.choice(PATTERNS)], SORTED), ['PING'],
                        ['ECHO', self.value()[:100]], (['TIME'], ENTRIES), ['PING', b'text'],
                        ['SWAPDB', 1, 2] if rng.random() < 0.2 else ['DBSIZE'], ['FLUSHDB']
                        if rng.random() < 0.05 else ['DBSIZE'])


def rng_key(stream):
    """A key that SORT can take."""
    return stream.key(stream.rng.choice((b'list', b'set', b'zset')))
