// ScriptShas: by which SHA Redis knows the script that a client knows by another.
//
// A mapped script has a prelude in front (script_prelude.h), and so a SHA of its own. What a client calls by EVALSHA is
// looked up here, under the fingerprint of the rules in force: after a reload nothing of the old rules is found, and the
// server's NOSCRIPT has the client send the script again, as after a restart.
//
//   shas.learn("f00d...", "6b1b...", "93c0...");      EVAL or SCRIPT LOAD has passed
//   shas.find("f00d...", "6B1B...")                   "93c0..."
//   shas.find("f00d...", "1234...")                   kUnknown, which no script has
//
// Shared by all workers: what one of them loads, clients of the others call. Thread-safe, by a lock that calls of scripts
// alone take, and only on listeners that map them. Bounded: of kMost scripts the oldest is forgotten for a new one.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace keyshift::plan {

class ScriptShas {
 public:
  static constexpr size_t kMost = 10'000;
  static constexpr std::string_view kUnknown = "0000000000000000000000000000000000000000";

  void learn(std::string_view fingerprint, std::string_view sha, std::string_view mapped);
  // `sha` in any case.
  std::string find(std::string_view fingerprint, std::string_view sha) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::string> mapped_;  // by fingerprint and sha
  std::deque<std::string> order_;                        // of their coming
};

}  // namespace keyshift::plan
