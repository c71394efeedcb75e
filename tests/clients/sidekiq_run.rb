# A process of Sidekiq, and a client that gives it jobs and looks after them; prints what the client saw.
#
#     ruby sidekiq_run.rb URL

ENV['CLIENTS_REDIS_URL'] = ARGV.fetch(0)

require 'json'
require 'sidekiq/api'
require_relative 'sidekiq_jobs'

DEADLINE_SECONDS = 30

def say(name, value)
  puts JSON.generate({ name => value })
  $stdout.flush
end

# Polls until the block is true, and returns what it is then.
def wait_until(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + DEADLINE_SECONDS
  loop do
    value = yield
    return value if value
    raise "not within #{DEADLINE_SECONDS} s: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

    sleep 0.005
  end
end

def report(name)
  Sidekiq.redis { |redis| redis.lrange("report:#{name}", 0, -1) }
end

def without_a_process
  queue = Sidekiq::Queue.new
  first = Add.perform_async('first', 1, 2)
  say('enqueued', [queue.size, queue.map { |job| [job.klass, job.args] }, Sidekiq::Queue.all.map(&:name)])
  Sidekiq::Client.push_bulk('class' => Add, 'args' => (1..5).map { |n| ['bulk', n, n] })
  Urgent.perform_async('urgent')
  Add.set(queue: 'critical').perform_async('moved', 1, 1)
  say('queues', Sidekiq::Queue.all.sort_by(&:name).map { |each| [each.name, each.size] })
  say('found', [queue.find_job(first).args, queue.find_job(first).delete, queue.find_job(first), queue.size])
  Add.perform_async('first', 1, 2)
  scheduled = Add.perform_in(3600, 'tomorrow', 1, 1)
  Add.perform_at(Time.now + 7200, 'never', 1, 1)
  set = Sidekiq::ScheduledSet.new
  say('scheduled', [set.size, set.map { |entry| entry.args.first }, set.find_job(scheduled).klass])
  say('unscheduled', [set.find { |entry| entry.args.first == 'never' }.delete, set.size])
  set.each { |entry| entry.reschedule(Time.now - 1) }
  stats = Sidekiq::Stats.new
  say('stats', [stats.enqueued, stats.scheduled_size, stats.retry_size, stats.processes_size, stats.queues.sort])
end

def with_a_process
  say('first', wait_until('a result') { report('first').first })
  wait_until('the bulk') { report('bulk').size == 5 }
  say('bulk', report('bulk'))
  say('critical', wait_until('both') { report('moved').any? && report('urgent') })
  say('its time had come', wait_until('the scheduler') { report('tomorrow').first })
  Add.perform_in(0.05, 'soon', 20, 22)
  say('soon', wait_until('the scheduler') { report('soon').first })
end

def failures
  Flaky.perform_async('flaky')
  retries = Sidekiq::RetrySet.new
  wait_until('a retry') { retries.size == 1 }
  entry = retries.first
  say('to be tried again', [entry.klass, entry.args, entry['error_message'], entry['retry_count']])
  entry.reschedule(Time.now - 1)
  wait_until('the second try') { Sidekiq.redis { |redis| redis.get('report:flaky') } == '2' }
  say('tried again', wait_until('the end of it') { retries.size.zero? })
  Flaky.perform_async('kicked')
  wait_until('a retry') { retries.size == 1 }
  retries.first.retry
  wait_until('the second try') { Sidekiq.redis { |redis| redis.get('report:kicked') } == '2' }
  say('tried at once', retries.size)
  Hopeless.perform_async
  dead = Sidekiq::DeadSet.new
  wait_until('a dead job') { dead.size == 1 }
  say('dead', [dead.first.klass, dead.first['error_class'], dead.first['error_message']])
  say('buried', [dead.clear && dead.size])
end

def process
  processes = Sidekiq::ProcessSet.new
  wait_until('the heartbeat') { processes.size == 1 }
  only = processes.first
  say('process', [only['concurrency'], only['queues'].sort, only['labels'], only.stopping?])
  only.stop!
end

def after_it
  wait_until('its farewell') { Sidekiq::ProcessSet.new.size.zero? }
  stats = Sidekiq::Stats.new
  say('all in all', [stats.processed, stats.failed, stats.enqueued, stats.dead_size])
  say('history', [Sidekiq::Stats::History.new(2).processed.values.sum, Sidekiq::Stats::History.new(2).failed.values.sum])
  Add.perform_async('late', 1, 1)
  say('cleared', [Sidekiq::Queue.new.clear && Sidekiq::Queue.new.size, stats.reset && Sidekiq::Stats.new.processed])
end

def main
  without_a_process
  # Ends with this process, however that ends.
  pid = spawn('setpriv', '--pdeathsig', 'KILL', 'sidekiq', '--require', File.join(__dir__, 'sidekiq_jobs.rb'),
              '--concurrency', '1', '--queue', 'critical', '--queue', 'default', '--timeout', '5', out: :err)
  begin
    with_a_process
    failures
    process
    wait_until('the end of the process') { Process.wait(pid, Process::WNOHANG) }
    say('ended', $?.exitstatus)
    pid = nil
  ensure
    Process.kill('KILL', pid) && Process.wait(pid) if pid
  end
  after_it
end

main
