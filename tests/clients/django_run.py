"""Django with django-redis as its cache, and sessions in that cache; prints what the site saw.

    django_run.py URL
"""

import re
import sys
import threading

import django
from django.conf import settings
from django.core.cache import cache, caches
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.views.decorators.cache import cache_page

from outcome import expiry, failure, say

URL = sys.argv[1]
CLIENT = 'django_redis.client.DefaultClient'
settings.configure(
    SECRET_KEY='clients', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], USE_TZ=True,
    INSTALLED_APPS=['django.contrib.sessions'],
    MIDDLEWARE=['django.contrib.sessions.middleware.SessionMiddleware'],
    SESSION_ENGINE='django.contrib.sessions.backends.cache',
    SESSION_SERIALIZER='django.contrib.sessions.serializers.JSONSerializer',
    TEMPLATES=[{'BACKEND': 'django.template.backends.django.DjangoTemplates'}],
    CACHES={
        'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': URL + '/1',
                    'OPTIONS': {'CLIENT_CLASS': CLIENT}},
        'reports': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': URL + '/2', 'KEY_PREFIX': 'reports',
                    'TIMEOUT': 1000,
                    'OPTIONS': {'CLIENT_CLASS': CLIENT, 'PARSER_CLASS': 'redis.connection.HiredisParser',
                                'SERIALIZER': 'django_redis.serializers.json.JSONSerializer',
                                'COMPRESSOR': 'django_redis.compressors.zlib.ZlibCompressor'}},
    })
django.setup()

computed = []


def visits(request):
    request.session['visits'] = request.session.get('visits', 0) + 1
    return JsonResponse({'visits': request.session['visits'], 'items': request.session.get('items', [])})


def buy(request, item):
    request.session.setdefault('items', []).append(item)
    request.session.modified = True
    return HttpResponse('bought ' + item)


def leave(request):
    request.session.flush()
    return HttpResponse('gone')


@cache_page(600)
def slow_page(request):
    computed.append(request.get_full_path())
    return HttpResponse('computed %d times' % len(computed))


urlpatterns = [path('visits', visits), path('buy/<item>', buy), path('leave', leave), path('slow', slow_page)]


def basics():
    say('set and get', [cache.set('greeting', {'en': 'hello', 'n': [1, 2.5, None]}), cache.get('greeting'),
                        cache.get('nothing'), cache.get('nothing', 'default'), cache.set('new', 1, nx=True),
                        cache.set('new', 2, nx=True), cache.add('new', 3), 'new' in cache])
    say('many', [cache.set_many({'m%d' % number: number for number in range(5)}),
                 cache.get_many(['m1', 'm3', 'm9']), cache.delete_many(['m1', 'm2']),
                 cache.get_many(['m1', 'm3'])])
    say('numbers', [cache.incr('m3', 10), cache.decr('m3'), failure(cache.incr, 'absent'), cache.get('m3')])
    say('expiry', [cache.set('short', 'x', timeout=50), expiry(cache.ttl('short')), cache.touch('short', 500),
                   expiry(cache.ttl('short')), cache.persist('short'), expiry(cache.ttl('short')),
                   cache.expire('short', 60), expiry(cache.ttl('short')),
                   cache.set('never', 'x', timeout=None), expiry(cache.ttl('never')),
                   cache.set('dead', 1, timeout=0), cache.get('dead'), expiry(cache.ttl('dead'))])
    say('get_or_set', [cache.get_or_set('lazy', lambda: 'made'),
                       cache.get_or_set('lazy', lambda: 'made again')])
    say('versions', [cache.set('page', 'v1'), cache.set('page', 'v2', version=2), cache.get('page'),
                     cache.get('page', version=2), cache.incr_version('page'), cache.get('page'),
                     cache.get('page', version=2), cache.delete('page', version=2),
                     cache.has_key('page', version=2)])


def names():
    for number in range(30):
        cache.set('item:%d' % number, number)
    say('keys', [sorted(cache.keys('item:1*')), sorted(cache.iter_keys('item:2*')), cache.keys('nothing*')])
    say('delete_pattern', [cache.delete_pattern('item:1*'), sorted(cache.keys('item:*'))])


def second_cache():
    reports = caches['reports']
    say('compressed', [reports.set('year', {'rows': ['row'] * 500}), len(reports.get('year')['rows']),
                       expiry(reports.ttl('year')), reports.keys('*'), cache.get('year'),
                       reports.delete_pattern('*'), reports.get('year')])


def locks():
    order = []

    def work():
        for _ in range(5):
            with cache.lock('lock-stock', timeout=30, sleep=0.001):
                order.append(cache.get('stock', 0))
                cache.set('stock', order[-1] + 1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    say('lock', [order, cache.get('stock')])


def sessions():
    from django.test import Client
    visitor, other = Client(), Client()
    say('first visit', [visitor.get('/visits').json(),
                        bool(re.fullmatch('[a-z0-9]{32}', visitor.cookies['sessionid'].value))])
    say('bought', visitor.get('/buy/apple').content)
    say('second visit', [visitor.get('/visits').json(), other.get('/visits').json()])
    key = visitor.cookies['sessionid'].value
    from django.contrib.sessions.backends.cache import SessionStore
    store = SessionStore(key)
    say('store', [store.exists(key), sorted(store.load().items()), store.get_expiry_age()])
    store.cycle_key()
    say('cycled', [store.exists(key), store.session_key != key, store['visits']])
    say('left', [other.get('/leave').content, other.get('/visits').json()])


def pages():
    from django.test import Client
    visitor = Client()
    say('page', [visitor.get('/slow').content, visitor.get('/slow').content,
                 visitor.get('/slow?page=2').content, computed])
    menu = engines['django'].from_string('{% load cache %}{% cache 300 menu user %}{{ n }}{% endcache %}')
    say('fragments', [menu.render({'user': user, 'n': n}) for user, n in (('ann', 1), ('bob', 2), ('ann', 3))])


def main():
    for part in (basics, names, second_cache, locks, sessions, pages):
        part()
    connection = cache.client.get_client(write=True)
    say('raw client', [connection.ping(), connection.dbsize()])
    say('clear', [cache.clear(), cache.get('greeting'), connection.dbsize()])


if __name__ == '__main__':
    main()
