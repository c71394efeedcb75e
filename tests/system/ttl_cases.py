"""The tables of ttl_test.py: policies, commands with an expiry, values for it, and writes without one.

A policy is what a domain of the same name says, in milliseconds; a key of the test is called `<policy>-<number>` by its
application and has its consolidated name upstream.
"""

from collections import namedtuple

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
LLONG_MAX = 2**63 - 1
LLONG_MIN = -2**63

# FAR in a command: the expiry of what was there before, which no policy would give.
FAR = 4_000_000_000_000

Policy = namedtuple('Policy', 'default min max mode', defaults=(None, None, None, 'clamp'))

POLICIES = {
    'clamped': Policy(HOUR, MINUTE, DAY),
    'overridden': Policy(2 * HOUR, MINUTE, DAY, 'override'),
    'kept': Policy(HOUR, MINUTE, DAY, 'keep'),
    'bounded': Policy(None, MINUTE, DAY),                # bounds, and no default
    'capped': Policy(HOUR, None, HOUR),                  # the default is the bound
    'odd': Policy(90_500, 30_500, 91_200),                # no whole seconds
    'free': Policy(),                                    # a domain that says nothing
    'brief': Policy(5 * MINUTE, MINUTE, 10 * MINUTE),    # a resource that says less than its domain
}

CONFIG = '''
[ttl]
hourly = "1h"

[domain.clamped]
default_ttl = "hourly"
min_ttl     = "1m"
max_ttl     = "24h"

[domain.clamped.resource.brief]
default_ttl = "5m"
max_ttl     = "10m"

[domain.overridden]
default_ttl = "2h"
min_ttl     = "1m"
max_ttl     = "1d"
mode        = "override"

[domain.kept]
default_ttl = "1h"
min_ttl     = "60s"
max_ttl     = "1d"
mode        = "keep"

[domain.bounded]
min_ttl = "1m"
max_ttl = "1d"

[domain.capped]
default_ttl = "60m"
max_ttl     = "hourly"

[domain.odd]
default_ttl = "90500ms"
min_ttl     = "30500ms"
max_ttl     = "91200ms"

[domain.free]
''' + ''.join('''
[[rule]]
legacy = "%s-{id}"
key    = "%s:id:{id}"
''' % (name, 'clamped:brief' if name == 'brief' else name + ':keys') for name in POLICIES)


def physical(key):
    """The consolidated name of a key of the test."""
    name, number = key.split('-')
    return '%s:id:%s' % ('clamped:brief' if name == 'brief' else name + ':keys', number)


# A command that gives an expiry: its words (K the key, N the expiry, P a payload of DUMP), the milliseconds of its
# unit, and whether it counts from 1970. `before` is what is there when it comes.
Expiring = namedtuple('Expiring', 'words tick absolute before', defaults=('',))

EXPIRING = [
    Expiring('SET K v EX N', SECOND, False),
    Expiring('SET K v PX N', 1, False),
    Expiring('SET K v EXAT N', SECOND, True),
    Expiring('SET K v PXAT N', 1, True),
    Expiring('sEt K v ex N', SECOND, False),
    Expiring('SET K v NX px N', 1, False),
    Expiring('SET K v XX GET EX N', SECOND, False, 'SET K old'),
    Expiring('SET K v NX EX N', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('SET K EX EX N', SECOND, False),
    Expiring('SET K v EX 7 EX N', SECOND, False),
    Expiring('SETEX K N v', SECOND, False),
    Expiring('PSETEX K N v', 1, False),
    Expiring('psetex K N v', 1, False, 'RPUSH K old'),
    Expiring('EXPIRE K N', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('PEXPIRE K N', 1, False, 'SET K old PXAT FAR'),
    Expiring('EXPIREAT K N', SECOND, True, 'SET K old PXAT FAR'),
    Expiring('PEXPIREAT K N', 1, True, 'HSET K f old'),
    Expiring('EXPIRE K N', SECOND, False),
    Expiring('EXPIRE K N NX', SECOND, False, 'SADD K old'),
    Expiring('pexpire K N xx', 1, False, 'SET K old PXAT FAR'),
    Expiring('EXPIRE K N LT', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('EXPIRE K N NX XX', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('EXPIRE K N SOON', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('GETEX K EX N', SECOND, False, 'SET K old PXAT FAR'),
    Expiring('GETEX K px N', 1, False, 'SET K old PXAT FAR'),
    Expiring('GETEX K EXAT N', SECOND, True, 'SET K old PXAT FAR'),
    Expiring('GETEX K PXAT N', 1, True, 'SET K old PXAT FAR'),
    Expiring('GETEX K EX N', SECOND, False),
    Expiring('GETEX K EX N', SECOND, False, 'LPUSH K old'),
    Expiring('RESTORE K N P', 1, False),
    Expiring('RESTORE K N P REPLACE', 1, False, 'SET K old PXAT FAR'),
    Expiring('RESTORE K N P ABSTTL', 1, True),
    Expiring('RESTORE K N P IDLETIME 5 absttl', 1, True),
]

# Lengths in milliseconds; those of absolute expiries count from now. Where seconds cannot say it, it is left out.
LENGTHS = {
    'short': 20 * SECOND, 'inside': 2 * HOUR, 'ninety seconds': 90 * SECOND, 'long': 30 * DAY,
    'the maximum': DAY, 'above the maximum': DAY + SECOND, 'past': -HOUR, 'ten years': 3650 * DAY,
}
# Values as they are written, whatever the unit: Redis accepts some and refuses others. None is so short that it ends
# before the test has looked.
TEXTS = ['0', '-1', str(LLONG_MAX), str(LLONG_MAX // 1000), str(LLONG_MAX // 1000 + 1), str(LLONG_MIN),
         str(LLONG_MAX + 1),
         '-9223372036854775', '-9223372036854776', '20000', 'soon', '1.5', '+5', ' 5', '5 ', '007', '', '0x10']

# Writes that can leave K without an expiry, each behind what must be there before; D is another key of the same policy
# and has an expiry already where it says so.
WRITES = [
    ('', 'SET K v'), ('', 'set K v get'), ('', 'SET K v NX'), ('SET K old', 'SET K v XX'),
    ('SET K old PXAT FAR', 'SET K v'), ('SET K old PXAT FAR', 'GETSET K v'),
    ('', 'SETNX K v'), ('', 'MSET K v D w'), ('', 'MSETNX K v D w'), ('', 'APPEND K v'), ('', 'SETRANGE K 2 v'),
    ('', 'INCR K'), ('', 'INCRBY K 5'), ('', 'INCRBYFLOAT K 1.5'), ('', 'DECR K'), ('', 'DECRBY K 5'),
    ('', 'SETBIT K 7 1'), ('', 'BITFIELD K SET u8 0 5'), ('SET D old', 'BITOP NOT K D'),
    ('', 'HSET K f v'), ('', 'HMSET K f v'), ('', 'HSETNX K f v'), ('', 'HINCRBY K f 1'), ('', 'HINCRBYFLOAT K f 1.5'),
    ('', 'LPUSH K v'), ('', 'RPUSH K v w'), ('RPUSH K a', 'LPUSHX K v'), ('RPUSH K a', 'RPUSHX K v'),
    ('RPUSH K a', 'LSET K 0 b'), ('RPUSH K a', 'LINSERT K BEFORE a b'),
    ('RPUSH D a b', 'LMOVE D K LEFT RIGHT'), ('RPUSH D a b', 'RPOPLPUSH D K'),
    ('', 'SADD K a b'), ('SADD D a b', 'SMOVE D K a'), ('SADD D a b', 'SUNIONSTORE K D'),
    ('SADD D a', 'SINTERSTORE K D'),
    ('SADD D a b', 'SDIFFSTORE K D'),
    ('', 'ZADD K 1 a'), ('', 'ZINCRBY K 1 a'), ('ZADD D 1 a', 'ZUNIONSTORE K 1 D'), ('ZADD D 1 a', 'ZINTERSTORE K 1 D'),
    ('ZADD D 1 a', 'ZDIFFSTORE K 1 D'), ('ZADD D 1 a', 'ZRANGESTORE K D 0 -1'),
    ('', 'GEOADD K 13.36 38.11 a'), ('GEOADD D 13.36 38.11 a', 'GEOSEARCHSTORE K D FROMLONLAT 13 38 BYRADIUS 99 km'),
    ('GEOADD D 13.36 38.11 a', 'GEORADIUS D 13 38 99 km STORE K'),
    ('', 'PFADD K a'), ('PFADD D a', 'PFMERGE K D'),
    ('', 'XADD K 1-1 f v'), ('', 'XGROUP CREATE K g $ MKSTREAM'),
    ('RPUSH D 2 1', 'SORT D STORE K'), ('SET D old', 'COPY D K'), ('SET D old', 'RENAME D K'),
    ('SET D old', 'RENAMENX D K'),
    ('SET K old PXAT FAR', 'PERSIST K'), ('SET K old PXAT FAR', 'GETEX K PERSIST'),
    ('', "EVAL return(redis.call('set',KEYS[1],ARGV[1])) 1 K v"), ('', 'RESTORE K 0 P'), ('', 'RESTORE K 0 P ABSTTL'),
    ('SET K old PXAT FAR', 'RESTORE K 0 P REPLACE'),
]

# Commands that must not change an expiry that is there, nor give one where the client's wish is to have none.
KEEPING = [
    ('SET K old PXAT FAR', 'SET K v KEEPTTL'), ('SET K 1 PXAT FAR', 'INCR K'), ('SET K old PXAT FAR', 'APPEND K v'),
    ('SET K old PXAT FAR', 'SETRANGE K 0 v'), ('SET K old PXAT FAR', 'GETEX K'), ('SET K old PXAT FAR', 'GET K'),
    ('SET K old PXAT FAR', 'SETNX K v'), ('SET K old', 'GETEX K'), ('SET K old', 'SET K v KEEPTTL'),
    ('SET K old', 'GET K'),
    ('SET K old', 'TOUCH K'), ('RPUSH K a b', 'LPOP K'), ('RPUSH K a b', 'LTRIM K 0 0'), ('SADD K a b', 'SREM K a'),
    ('HSET K a 1 b 2', 'HDEL K a'), ('ZADD K 1 a 2 b', 'ZPOPMIN K'), ('SET D old PXAT FAR', 'RENAME D K'),
    ('SET D old PXAT FAR', 'COPY D K'), ('XADD K 1-1 f v', 'XTRIM K MAXLEN 5'), ('SET K old', 'EXPIRE K 99 XX'),
    ('SET K old', 'OBJECT ENCODING K'), ('SET K old', 'DUMP K'), ('', 'GETEX K'), ('', 'SET K v XX'), ('', 'PERSIST K'),
]
