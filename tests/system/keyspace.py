"""Compares the keyspaces of two servers, where the second one holds every key under another name.

    differences(redis_a, redis_b, lambda key: (b'compat:kv:key:' + key,))

Equal means: the same databases hold the same keys under their other names and nothing else, each with the same type,
encoding, expiry and value. Values are compared by DUMP; where a hash table has its own order, by content.
"""

from reply_forms import EXACT, MASKED, NEAR, PAIRS, SORTED, canonical, equal

DATABASES = 16
AT_ONCE = 500
CONTENT = {b'hash': (lambda key: [b'HGETALL', key], PAIRS), b'set': (lambda key: [b'SMEMBERS', key], SORTED),
           b'stream': (lambda key: [b'XINFO', b'STREAM', key, b'FULL', b'COUNT', b'0'], MASKED)}
FACTS = (('type', b'TYPE', EXACT), ('encoding', b'OBJECT ENCODING', EXACT), ('expiry', b'PEXPIRETIME', NEAR))


def facts(connection, keys):
    """For each key its type, encoding, expiry, and DUMP."""
    commands = [[*name.split(), key] for key in keys for _, name, _ in FACTS] + [[b'DUMP', key]
            for key in keys]
    replies = connection.pipeline(commands)
    width = len(FACTS)
    return [(replies[i * width:(i + 1) * width], replies[len(keys) * width + i]) for i in range(len(keys))]


def names_of(connection, database):
    connection.ask('SELECT', database)
    return set(connection.ask('KEYS', '*'))


def differences(left, right, names, most=20):
    """What differs, as sentences, at most `most`; `names(key)` gives the possible other names of a key, best first."""
    found = []
    with left.connect() as a, right.connect() as b:
        for database in range(DATABASES):
            ours, theirs = names_of(a, database), names_of(b, database)
            pairs = []
            for key in sorted(ours):
                other = next((name for name in names(key) if name in theirs), None)
                if other is None:
                    found.append('db %d: %r is missing as %r' % (database, key[:200], names(key)[0][:200]))
                else:
                    theirs.remove(other)
                    pairs.append((key, other))
            found += ['db %d: nobody knows %r' % (database, name[:200]) for name in sorted(theirs)]
            for start in range(0, len(pairs), AT_ONCE):
                found += compare(a, b, database, pairs[start:start + AT_ONCE])
            if len(found) > most:
                return found[:most]
    return found


def compare(a, b, database, pairs):
    found = []
    for (key, other), (one, dump_a), (two, dump_b) in zip(pairs, facts(a, [key for key, _ in pairs]),
                                                         facts(b, [other for _, other in pairs])):
        for (what, _, form), left, right in zip(FACTS, one, two):
            if not equal(left, right, form):
                found.append('db %d: %s of %r: %r, but %r' % (database, what, key[:200], left, right))
        if dump_a != dump_b:
            kind = one[0][1]
            if kind in CONTENT:
                ask, form = CONTENT[kind]
                left, right = a.command(*ask(key)), b.command(*ask(other))
                if canonical(left, form) != canonical(right, form):
                    found.append('db %d: content of %r: %.300r, but %.300r' % (database, key[:200], left,
                            right))
            else:
                found.append('db %d: DUMP of %r (%r) differs' % (database, key[:200], kind))
    return found


def size(server):
    """The number of keys in all databases."""
    with server.connect() as connection:
        return sum(len(names_of(connection, database)) for database in range(DATABASES))
