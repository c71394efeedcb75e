"""What the files of conf/examples must do, as tables: examples_test.py runs them against real servers."""

import dataclasses

MINUTE, HOUR, DAY = 60, 3600, 86400
TASK = '0f8fad5b-d9cb-469f-a165-70867728950e'
GROUP = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
ADDRESS = '0e4bba6d4c3f1fdbb4f9cbfbd9ab4e8d'
NOTHING = 'd41d8cd98f00b204e9800998ecf8427e'
SESSION = 'tr8fyo6nxlzq3jw0u5mcd2kp9vahs4be'


@dataclasses.dataclass
class Example:
    """Seconds are those that a key has left; None: it has no expiry. Jitter is read from the file."""

    file: str
    rows: list         # (legacy name, consolidated name, seconds after a SET without expiry)
    given: list        # (legacy name, seconds that the client gives, seconds that are left)
    native: list       # (name that no rule knows and a domain does, seconds after a SET without expiry)
    untouched: list    # names that nothing knows: no other name, no expiry


WRITING_ASSISTANT = Example(
    'writing-assistant.toml',
    [('writing_stats:user123:30d', 'analytics:writing_stats:user:user123:days:30d', HOUR),
     ('analytics_daily:user123:20250806', 'analytics:daily:user:user123:date:20250806', HOUR),
     ('analytics_daily:user123:20250805:summary', 'analytics:daily:user:user123:date:20250805:summary', HOUR),
     ('mood_trends:user123:7d', 'analytics:mood_trends:user:user123:range:7d', HOUR),
     ('content_stats:content456:views', 'analytics:stats:content:content456:measure:views', HOUR),
     ('psych_profile:user123', 'psychology:profile:user:user123', DAY),
     ('content_analysis:content456', 'psychology:content_analysis:content:content456', DAY),
     ('insights:user123:emotional', 'psychology:insights:user:user123:type:emotional', DAY),
     ('crisis_assessment_abc12345', 'crisis:assessment:hash:abc12345', 30 * MINUTE),
     ('user_risk:user123', 'crisis:user_risk:user:user123', 30 * MINUTE),
     ('crisis_trends:7d', 'crisis:trends:timeframe:7d', 30 * MINUTE),
     ('system_health', 'maintenance:system_health', 5 * MINUTE),
     ('component:database:status', 'maintenance:component_status:component:database', 5 * MINUTE),
     ('perf_metrics', 'maintenance:performance_metrics', 5 * MINUTE),
     ('cleanup_report:20250805', 'maintenance:cleanup:date:20250805', 5 * MINUTE),
     ('sess_session789', 'session:data:id:session789', DAY),
     ('user_activity:user123', 'session:activity:user:user123', DAY),
     ('model:bert:latest', 'ai_model:instance:name:bert:version:latest', 7 * DAY),
     ('prompt_cache:xyz789:gpt4', 'ai_model:prompt:hash:xyz789:model:gpt4', 7 * DAY),
     ('topics:7f3a:list', 'content:topics:user:7f3a', HOUR),
     ('topic:42', 'content:topic:id:42', HOUR),
     ('task_metrics:task123', 'celery:task_metrics:id:task123', DAY),
     ('worker_status:worker1', 'celery:worker_status:name:worker1', DAY),
     ('celery_recent_events:task-failed', 'celery:recent_events:type:task-failed', DAY)],
    [('writing_stats:user123:30d', 60, 60),
     ('writing_stats:user123:30d', 30 * DAY, 30 * DAY),
     ('user_risk:user123', 60, 60),
     ('user_risk:user123', DAY, 30 * MINUTE)],
    [('analytics:custom_metric:user:user123', HOUR), ('psychology:patterns:user:user123:type:sleep', DAY),
     ('content:summary:id:42', HOUR), ('celery:anything', None)],
    ['celery', 'celery\x06\x163', 'celery:3', '_kombu.binding.celery', 'unacked', 'unacked_index',
     'unacked_mutex', 'celery-task-meta-' + TASK, 'analytics', 'writing_stats:user123:sevend',
     'analytics_daily:user123:20251399', 'topics:7f3a:lists', 'crisis_assessment_xyz'])

VOICE_AGENT = Example(
    'voice-agent.toml',
    [('redis_cache:prices', 'cache:value:name:prices', HOUR),
     ('redis_cache:prices:mx:2025', 'cache:value:name:prices:mx:2025', HOUR),
     ('conversation:1', 'conversation:state:id:1', DAY),
     ('conversation:' + TASK, 'conversation:state:id:' + TASK, DAY),
     ('customer:4711:context', 'conversation:context:customer:4711', DAY),
     ('prediction:objection:9b74c989', 'conversation:prediction:model:objection:input:9b74c989', DAY),
     ('http_cache:GET:/api/products?page=2', 'http:response:key:GET:/api/products?page=2', 5 * MINUTE),
     ('http_tag:user', 'http:tag:name:user', HOUR),
     ('http_tag:api', 'http:tag:name:api', HOUR),
     ('precomputed:greeting', 'precomputed:response:intent:greeting', 7 * DAY),
     ('precomputed:price:es', 'precomputed:response:intent:price:language:es', 7 * DAY)],
    [('redis_cache:prices', HOUR, HOUR),              # cache.set(key, value, ttl=3600)
     ('http_cache:/prices', 300, 300),                # set_http_response(..., ttl=300, ...)
     ('http_cache:/prices', DAY, HOUR),
     ('conversation:1', 7200, 7200)],
    [('conversation:7:draft', DAY), ('http:other', 5 * MINUTE), ('http:tag:odd:one', HOUR)],
    ['rate_limit:10.0.0.1', 'lock:conversation', 'customer:4711', 'conversation', 'redis_cache:',
     'prediction:objection:unhashed'])

CELERY = Example(
    'celery.toml',
    [('celery-task-meta-' + TASK, 'celery:task:id:' + TASK, DAY),
     ('celery-task-meta-import:2025', 'celery:task:id:import:2025', DAY),
     ('celery-taskset-meta-' + GROUP, 'celery:group:id:' + GROUP, DAY),
     ('celery-taskset-meta-%s.j' % GROUP, 'celery:chord:group:%s:part:j' % GROUP, DAY),
     ('celery-taskset-meta-%s.t' % GROUP, 'celery:chord:group:%s:part:t' % GROUP, DAY),
     ('celery-taskset-meta-%s.s' % GROUP, 'celery:chord:group:%s:part:s' % GROUP, DAY),
     ('chord-unlock-' + GROUP, 'celery:chord:group:' + GROUP, DAY)],
    [('celery-task-meta-' + TASK, HOUR, HOUR),        # result_expires = 3600
     ('celery-task-meta-' + TASK, 30 * DAY, 7 * DAY)],
    [('celery:task:other', DAY), ('celery:anything', None)],
    ['celery', 'celery\x06\x163', 'celery\x06\x166', 'celery\x06\x169', 'celery:3', 'default', 'mails',
     '_kombu.binding.celery', '_kombu.binding.celery.pidbox', '_kombu.binding.celeryev',
     '_kombu.binding.reply.celery.pidbox', 'unacked', 'unacked_index', 'unacked_mutex',
     TASK + '.reply.celery.pidbox', 'celery@host.celery.pidbox', 'celeryev.' + TASK,
     'celery-taskset-meta-nightly', 'celery-taskset-meta-%s.x' % GROUP, 'celery-task-meta-'])

DJANGO = Example(
    'django.toml',
    [(':1:views.decorators.cache.cache_header..%s.en-us.UTC' % ADDRESS,
      'page:headers:url:%s:version:1:variant:en-us.UTC' % ADDRESS, 10 * MINUTE),
     (':1:views.decorators.cache.cache_page..GET.%s.%s.en-us.America/Mexico_City' % (ADDRESS, NOTHING),
      'page:response:url:%s:version:1:method:GET:vary:%s:variant:en-us.America/Mexico_City'
      % (ADDRESS, NOTHING), 10 * MINUTE),
     (':2:views.decorators.cache.cache_page..HEAD.%s.%s.es' % (ADDRESS, NOTHING),
      'page:response:url:%s:version:2:method:HEAD:vary:%s:variant:es' % (ADDRESS, NOTHING), 10 * MINUTE),
     (':1:template.cache.sidebar.' + NOTHING, 'fragment:template:name:sidebar:version:1:vary:' + NOTHING,
      10 * MINUTE),
     (':1:template.cache.user.menu.' + NOTHING, 'fragment:template:name:user.menu:version:1:vary:' + NOTHING,
      10 * MINUTE),
     (':1:django.contrib.sessions.cache' + SESSION, 'session:cache:id:%s:version:1' % SESSION, 14 * DAY),
     (':1:django.contrib.sessions.cached_db' + SESSION, 'session:cached_db:id:%s:version:1' % SESSION,
      14 * DAY),
     (':1:product:42', 'cache:value:version:1:name:product:42', 30 * DAY),
     (':12:a', 'cache:value:version:12:name:a', 30 * DAY),
     (':1:views.decorators.cache.cache_page.shop.GET.%s.%s.es.UTC' % (ADDRESS, NOTHING),
      'cache:value:version:1:name:views.decorators.cache.cache_page.shop.GET.%s.%s.es.UTC'
      % (ADDRESS, NOTHING), 30 * DAY)],
    [(':1:product:42', 300, 300),                     # TIMEOUT
     (':1:django.contrib.sessions.cache' + SESSION, 14 * DAY, 14 * DAY),
     (':1:views.decorators.cache.cache_header..%s.es' % ADDRESS, 365 * DAY, DAY)],
    [('session:other', 14 * DAY), ('cache:other', 30 * DAY)],
    ['asgi:group:chat', 'asgi:specific.abc!def', 'celery', '_kombu.binding.celery', 'shop:1:product:42',
     ':product:42', ':1:', '1:product', 'django.contrib.sessions.cache' + SESSION])

SIDEKIQ = Example(
    'sidekiq.toml',
    [('shop:views/products/index:1f2d8a0c/products/42', 'cache:view:name:products/index:1f2d8a0c/products/42',
      HOUR),
     ('shop:exchange_rate:mxn', 'cache:value:name:exchange_rate:mxn', HOUR),
     ('stat:processed', 'jobs:total:result:processed', None),
     ('stat:failed', 'jobs:total:result:failed', None),
     ('stat:processed:2025-08-06', 'jobs:day:result:processed:date:2025-08-06', 1825 * DAY),
     ('stat:failed:2025-08-06', 'jobs:day:result:failed:date:2025-08-06', 1825 * DAY)],
    [('shop:exchange_rate:mxn', 60, 60),
     ('shop:exchange_rate:mxn', 30 * DAY, 7 * DAY),
     ('stat:processed:2025-08-06', 5 * 365 * DAY, 5 * 365 * DAY)],
    [('cache:other', HOUR), ('jobs:other', None)],
    ['queue:default', 'queue:mailers', 'queues', 'processes', 'schedule', 'retry', 'dead', 'app-1:4242:9f8e7d6c5b4a',
     'app-1:4242:9f8e7d6c5b4a:work', 'app-1:4242:9f8e7d6c5b4a-signals', 'cron_jobs', 'cron_job:nightly',
     'unique:5d41402abc4b2a76', 'uniquejobs:5d41402abc4b2a76:LOCKED', 'b-x1Yz', 'b-x1Yz-jids', 'batches',
     'j|20250806|12:30', '20250806-marks', 'process_cleanup', 'dear-leader', 'stat:enqueued'])



@dataclasses.dataclass
class FoldedExample:
    """As Example, of databases that fold."""

    file: str
    into: int
    rows: list         # (database, legacy name, consolidated name, seconds after a SET without expiry)
    given: list        # (database, legacy name, seconds that the client gives, seconds that are left)
    unmatched: list    # (database, name that no rule knows there)


FIVE_DATABASES = FoldedExample(
    'five-databases.toml', 5,
    [(0, 'cache:prices', 'basic:value:name:prices', HOUR),
     (0, 'cache:greeting', 'basic:value:name:greeting', HOUR),
     (0, 'cache:prices:mx:2025', 'basic:value:name:prices:mx:2025', HOUR),
     (1, 'conversation:' + TASK, 'conversation:state:id:' + TASK, DAY),
     (1, 'customer:4711:context', 'conversation:context:customer:4711', DAY),
     (2, 'cache:GET:/api/products?page=2', 'http:response:key:GET:/api/products?page=2', 5 * MINUTE),
     (2, 'cache:greeting', 'http:response:key:greeting', 5 * MINUTE),
     (2, 'tag:user', 'http:tag:name:user', HOUR),
     (3, 'cache:greeting', 'precomputed:response:intent:greeting', 7 * DAY),
     (3, 'cache:price:es', 'precomputed:response:intent:price:language:es', 7 * DAY),
     (4, 'objection:9b74c989', 'prediction:result:model:objection:input:9b74c989', DAY),
     (4, 'needs:9b74c989', 'prediction:result:model:needs:input:9b74c989', DAY)],
    [(0, 'cache:prices', 60, 60),
     (2, 'cache:greeting', 300, 300),                 # set_http_response(..., ttl=300, ...)
     (2, 'cache:greeting', DAY, HOUR),
     (3, 'cache:greeting', 30 * DAY, 30 * DAY)],
    [(0, 'lock:sync'), (1, 'lock:sync'), (1, 'cache:greeting'), (2, 'conversation:1'), (3, 'cache:a:b:c'), (4, 'cache:x'),
     (4, 'objection:unhashed'), (0, 'http:response:key:x'), (9, 'lock:sync')])

EXAMPLES = [WRITING_ASSISTANT, VOICE_AGENT, CELERY, DJANGO, SIDEKIQ, FIVE_DATABASES]

# The cache pattern migration guide, as it stands there.

GUIDE_BEFORE = '''
cache_key = f"writing_stats:{user_id}:{days}d"
await redis_service.set(cache_key, stats, ttl=900)

cache_key = f"topics:{user_uuid}:list"
await redis_service.set(cache_key, topics, ttl=3600)

cache_key = f"task_metrics:{task_id}"
await redis_service.set(cache_key, metrics, ttl=86400)
'''

GUIDE_TTLS = '''
| Domain | Default TTL | Rationale |
|--------|-------------|-----------|
| Analytics | 1 hour | Data changes hourly, balance freshness vs performance |
| Psychology | 24 hours | Profiles are stable, expensive to regenerate |
| Crisis | 30 minutes | Safety-critical, needs frequent updates |
| Maintenance | 5 minutes | System status changes rapidly |
| Session | 24 hours | User sessions last up to a day |
| AI Model | 7 days | Models rarely change, expensive to load |
| Content | 1 hour | Content analysis results |
'''

GUIDE_KEYS = '''
# Analytics
"analytics:daily:user:user123:date:20250806"
"analytics:mood_trends:user:user123:range:7d"
"analytics:writing_stats:user:user123:days:30d"

# Psychology
"psychology:profile:user:user123"
"psychology:content_analysis:content:content456"
"psychology:insights:user:user123:type:emotional"

# Crisis
"crisis:assessment:hash:abc12345"
"crisis:user_risk:user:user123"
"crisis:trends:timeframe:7d"

# Maintenance
"maintenance:system_health"
"maintenance:component_status:component:database"
"maintenance:performance_metrics"

# Session
"session:data:id:session789"
"session:activity:user:user123"

# AI Model
"ai_model:instance:name:bert:version:latest"
"ai_model:prompt:hash:xyz789:model:gpt4"

# Celery
"celery:task_metrics:id:task123"
"celery:worker_status:name:worker1"
'''

# "Removes: ...": what is to go, and the rows of WRITING_ASSISTANT that go with it, by legacy name. "for that user" is
# written out as the user's part of the key.
GUIDE_INVALIDATION = [
    ('invalidate_user_cache(user_id)',
     ['analytics:*:user:user123*', 'psychology:*:user:user123*', 'crisis:*:user:user123*',
      'session:*:user:user123*'],
     ['writing_stats:user123:30d', 'analytics_daily:user123:20250806',
      'analytics_daily:user123:20250805:summary', 'mood_trends:user123:7d', 'psych_profile:user123',
      'insights:user123:emotional', 'user_risk:user123', 'user_activity:user123']),
    ('invalidate_content_cache(content_id)',
     ['psychology:content_analysis:*', 'analytics:*:content:*'],
     ['content_analysis:content456', 'content_stats:content456:views']),
    ('invalidate_daily_cache("20250805")',
     ['analytics:daily:*:date:20250805:*', 'maintenance:*:date:*'],
     ['analytics_daily:user123:20250805:summary', 'cleanup_report:20250805']),
]
