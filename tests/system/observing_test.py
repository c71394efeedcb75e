"""What tells of the server and its clients: OBJECT, MEMORY, DEBUG, LATENCY, CLIENT, ACL and INFO, with every key renamed.

Answers equal a plain Redis's word for word; where they hold addresses, sizes or times, their form does.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap
from harness.resp import plain
from harness.servers import Keyshift, RedisServer, wait_for

RULES = '''
allow = ["DEBUG", "CONFIG", "ACL"]
[[rule]]
legacy = "{k:any}"
key    = "compat:kv:key:{k}"
'''
DATA = ('SET s hello', 'SET n 12', 'RPUSH l a b c', 'HSET h f v', 'SADD st 1 2', 'ZADD z 1 a', 'XADD x 1-1 f v')
EQUAL = '''
OBJECT ENCODING s | OBJECT ENCODING none | OBJECT FREQ s | OBJECT REFCOUNT n | OBJECT HELP | OBJECT
OBJECT NOSUCH s | OBJECT ENCODING | OBJECT ENCODING a b
MEMORY USAGE none | MEMORY USAGE l SAMPLES -1 | MEMORY USAGE s SAMPLES | MEMORY DOCTOR | MEMORY HELP | MEMORY PURGE
MEMORY NOSUCH | MEMORY USAGE
DEBUG OBJECT none | DEBUG OBJECT a b c | DEBUG SDSLEN l | DEBUG LISTPACK h | DEBUG QUICKLIST l
DEBUG QUICKLIST l 1 | DEBUG HTSTATS-KEY st | DEBUG DIGEST-VALUE s l h | DEBUG DIGEST-VALUE none
DEBUG SLEEP 0 | DEBUG SET-ACTIVE-EXPIRE 1 | DEBUG HELP | DEBUG NOSUCH | DEBUG STRINGMATCH-LEN 5 a* | DEBUG STRUCTSIZE
DEBUG RELOAD | DEBUG LOG hello | DEBUG ERROR xyz | DEBUG QUICKLIST-PACKED-THRESHOLD 100b | DEBUG | GET s
LATENCY LATEST | LATENCY HISTORY command | LATENCY GRAPH command | LATENCY RESET | LATENCY HELP | LATENCY DOCTOR
LATENCY NOSUCH | LATENCY HISTOGRAM nosuch
CLIENT NO-EVICT on | CLIENT INFO x | CLIENT LIST TYPE normal x | CLIENT LIST TYPE nosuch | CLIENT LIST ID x
CLIENT LIST ID | CLIENT LIST TYPE | CLIENT LIST TYPE master | CLIENT LIST TYPE pubsub | CLIENT LIST ID 0
CLIENT KILL USER nosuch | CLIENT KILL USER | CLIENT KILL TYPE pubsub | CLIENT KILL ID 0 | CLIENT KILL MAXAGE 10
CLIENT KILL LADDR 1.1.1.1:1 | CLIENT KILL id str foo | CLIENT UNBLOCK 0 | CLIENT UNBLOCK x | CLIENT UNBLOCK 1 maybe
CLIENT NOSUCH | CLIENT GETREDIR | CLIENT TRACKINGINFO | CLIENT HELP
ACL WHOAMI | ACL CAT | ACL DRYRUN nobody GET s | ACL DRYRUN default NOSUCH | ACL LOG | ACL GETUSER nosuch | ACL USERS
ACL GENPASS x | ACL HELP | ACL NOSUCH | ACL WHOAMI x
'''
# And these but for numbers.
SIMILAR = ('OBJECT IDLETIME s', 'MEMORY USAGE s', 'MEMORY USAGE l SAMPLES 5', 'DEBUG OBJECT s', 'DEBUG SDSLEN s', 'LATENCY HISTOGRAM get',
           'LATENCY HISTOGRAM client|id', 'CLIENT INFO', 'CLIENT LIST')


def words(text):
    return [word.encode() for word in text.split()]


def shape(value):
    """A reply without what differs from run to run."""
    if isinstance(value, (list, tuple)):
        return [shape(item) for item in value]
    if isinstance(value, bytes):
        text = re.sub(rb' (lib-name|lib-ver|tot-net-in|tot-net-out)=\S*', b'', value)
        return re.sub(rb':?0x[0-9a-f]+|[0-9.:]*[0-9]+', b'#', text)
    return '#' if isinstance(value, (int, float)) else value


class Observing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reference, cls.redis = RedisServer(), RedisServer()
        cls.keyshift = Keyshift(cls.redis.url, config=RULES)

    @classmethod
    def tearDownClass(cls):
        for process in (cls.keyshift, cls.redis, cls.reference):
            process.stop()

    def setUp(self):
        self.direct, self.client = self.reference.connect(), self.keyshift.connect()
        for line in ('FLUSHALL',) + DATA:
            self.direct.command(*words(line)), self.client.command(*words(line))

    def tearDown(self):
        self.direct.close()
        self.client.close()

    def entry(self, name):
        """The line of CLIENT LIST about the client of this name, as a dict."""
        for line in self.client.ask('CLIENT', 'LIST').decode().splitlines():
            fields = dict(field.split('=', 1) for field in line.split())
            if fields['name'] == name:
                return fields
        return None

    def test_answers_are_those_of_redis(self):
        for protocol in (2, 3):
            for client in (self.direct, self.client):
                client.command('HELLO', protocol)
            for line in EQUAL.replace('\n', '|').split('|'):
                if line.strip():
                    with self.subTest('%s in RESP%d' % (line.strip(), protocol)):
                        self.assertEqual(self.direct.command(*words(line)), self.client.command(*words(line)))

    def test_answers_with_numbers_have_the_form_of_redis(self):
        for client in (self.direct, self.client):
            client.ask('CLIENT', 'ID')
            client.ask('GET', 's')
        for line in SIMILAR:
            with self.subTest(line):
                left, right = self.direct.command(*words(line)), self.client.command(*words(line))
                self.assertEqual(left[0], right[0])
                if line == 'CLIENT LIST':
                    left, right = ((kind, text.splitlines()[-1]) for kind, text in (left, right))
                histogram = re.sub(r"'#', '#'(, '#', '#')*", '...', repr(shape(plain(left))))
                self.assertEqual(histogram, re.sub(r"'#', '#'(, '#', '#')*", '...', repr(shape(plain(right)))))

    def test_flags_and_numbers_say_what_a_client_does(self):
        with self.keyshift.connect() as other:
            def shown(*fields):
                found = self.entry('other')
                return tuple(found[field] for field in fields)

            other.ask('CLIENT', 'SETNAME', 'other')
            self.assertEqual(shown('flags', 'multi', 'sub', 'db', 'resp', 'user'), ('N', '-1', '0', '0', '2', 'default'))
            other.ask('MULTI'), other.ask('SET', 'k', '1'), other.ask('SET', 'k', '2')
            self.assertEqual(shown('flags', 'multi', 'cmd'), ('x', '2', 'set'))
            other.ask('EXEC'), other.ask('SELECT', '5'), other.ask('CLIENT', 'NO-EVICT', 'on')
            self.assertEqual(shown('flags', 'multi', 'db'), ('e', '-1', '5'))
            other.command('HELLO', '3')
            other.send(b'SUBSCRIBE a b\r\nPSUBSCRIBE c*\r\n')
            wait_for(lambda: shown('sub', 'psub', 'resp', 'flags') == ('2', '1', '3', 'Pe'), 'the subscriptions')
            self.assertEqual(self.client.ask('CLIENT', 'LIST', 'TYPE', 'pubsub').count(b'\n'), 1)
            self.assertEqual(self.client.ask('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1)
        with self.keyshift.connect() as waiting:
            waiting.ask('CLIENT', 'SETNAME', 'waiting')
            waiting.send(b'BLPOP none 0\r\n')
            wait_for(lambda: self.entry('waiting')['flags'] == 'b', 'the wait')

    def test_info_counts_the_proxys_clients(self):
        with self.keyshift.connect():
            for line in (('INFO',), ('INFO', 'clients'), ('INFO', 'everything')):
                info = self.client.ask(*line).decode()
                self.assertEqual(re.search(r'\nconnected_clients:(\d+)\r\n', info).group(1),
                                 str(self.client.ask('CLIENT', 'LIST').count(b'\n')))
            self.assertNotIn(b'connected_clients', self.client.ask('INFO', 'server'))

    def test_the_upstreams_slowlog_names_the_client_where_the_operator_wants_it(self):
        lines = ('GET s', 'CLIENT SETNAME %s', 'STRLEN s', 'MULTI', 'LLEN l', 'EXEC', 'WATCH s', 'APPEND s x',
                 'UNWATCH', 'RPUSH l x', 'BLPOP l 0', 'EVAL return(1) 0', 'SELECT 1', 'INCR n', 'HELLO 3', 'GETDEL n',
                 'RESET', 'TYPE s')
        for wanted in (False, True):
            config = RULES + '\n[upstream]\nclient_names = %s\n' % str(wanted).lower()
            with Keyshift(self.redis.url, config=config) as keyshift, self.redis.connect() as bare, \
                    keyshift.connect() as one, keyshift.connect() as two:
                bare.ask('SLOWLOG', 'RESET')
                bare.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
                try:
                    for line in lines:
                        for client, name in ((one, 'one'), (two, 'two')):
                            client.command(*words(line % name if '%' in line else line))
                finally:
                    bare.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1')
                seen = {}
                for entry in bare.ask('SLOWLOG', 'GET', '200'):
                    seen.setdefault(entry[3][0].decode().upper(), []).append(entry[5].decode())
                anonymous, named = ['keyshift'] * 2, ['two', 'one'] if wanted else ['keyshift'] * 2
                for word in ('GET', 'TYPE'):
                    self.assertEqual(seen[word], anonymous, word)
                for word in ('STRLEN', 'LLEN', 'WATCH', 'APPEND', 'RPUSH', 'BLPOP', 'EVAL', 'INCR', 'GETDEL'):
                    self.assertEqual(seen[word], named, word)

    def test_latencies_tell_of_what_the_client_did(self):
        self.client.ask('CONFIG', 'RESETSTAT')
        self.assertEqual(self.client.ask('LATENCY', 'HISTOGRAM', 'client', 'echo'), [])
        for _ in range(3):
            self.client.ask('CLIENT', 'ID')
        self.client.ask('ECHO', 'x'), self.client.ask('GET', 's')
        asked = self.client.ask('LATENCY', 'HISTOGRAM', 'client', 'ECHO', 'nosuch')
        self.assertEqual(asked[::2], [b'client|id', b'echo'])
        self.assertEqual(asked[1][:3], [b'calls', 3, b'histogram_usec'])
        self.client.command('HELLO', '3')
        every = self.client.ask('LATENCY', 'HISTOGRAM')
        self.assertEqual((every[b'client|id'][b'calls'], every[b'get'][b'calls']), (3, 1))


if __name__ == '__main__':
    tap.main()
