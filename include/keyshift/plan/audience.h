// Audience: how many listen behind us that the upstream cannot count.
//
// To the upstream all subscribers of a worker are one connection. So the numbers in the replies to PUBLISH and PUBSUB are
// corrected: our own clients are added, our own connections taken off.
//
//   PUBLISH news hi     upstream :1 (the worker's connection)    two clients listen on it    :2
//
// Given to the planner by whoever keeps the clients; asked when the command is planned.
#pragma once

#include <cstdint>
#include <string_view>

namespace keyshift::plan {

class Audience {
 public:
  virtual ~Audience() = default;
  // Nobody behind us is subscribed to anything: the upstream's numbers are right.
  virtual bool empty() const = 0;

  // What is to be added to the upstream's number; may be below zero. `name` is the client's name of a channel, `physical`
  // the upstream's, `counted` that by which it is told from others (scheme::counted_channel).
  // Receivers of a message, by the channel and by patterns.
  virtual int64_t more_receivers(bool shard, std::string_view name, std::string_view counted,
                                 std::string_view physical) const = 0;
  // Subscribers of the channel itself.
  virtual int64_t more_subscribers(bool shard, std::string_view counted, std::string_view physical) const = 0;
  // Different patterns.
  virtual int64_t more_patterns() const = 0;
  // Whether a client, or a connection of ours, is subscribed to the channel itself.
  virtual bool has_subscribers(std::string_view counted) const = 0;
  virtual bool has_connections(std::string_view physical) const = 0;
};

}  // namespace keyshift::plan
