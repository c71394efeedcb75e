# The jobs and the configuration of an application with Sidekiq. CLIENTS_REDIS_URL says where its Redis is.

require 'sidekiq'

# Sidekiq and the redis gem of Debian 12 are a version apart.
Redis.silence_deprecations = true

options = { url: ENV.fetch('CLIENTS_REDIS_URL') }

Sidekiq.configure_client { |config| config.redis = options }

Sidekiq.configure_server do |config|
  config.redis = options
  config.options[:poll_interval_average] = 0.1
end

class Add
  include Sidekiq::Worker

  def perform(name, a, b)
    Sidekiq.redis { |redis| redis.rpush("report:#{name}", a + b) }
  end
end

class Urgent
  include Sidekiq::Worker
  sidekiq_options queue: 'critical'

  def perform(name)
    Sidekiq.redis { |redis| redis.rpush("report:#{name}", 'urgent') }
  end
end

# Fails when it is tried for the first time.
class Flaky
  include Sidekiq::Worker

  def perform(name)
    tries = Sidekiq.redis { |redis| redis.incr("report:#{name}") }
    raise 'not yet' if tries == 1
  end
end

# Fails, and is not tried again.
class Hopeless
  include Sidekiq::Worker
  sidekiq_options retry: 0

  def perform
    raise ArgumentError, 'broken on purpose'
  end
end
