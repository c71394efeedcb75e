#include "checks.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "keyshift/config/nearest.h"
#include "keyshift/config/option.h"
#include "value.h"

namespace keyshift::config {
namespace {

class Checks {
 public:
  Checks(const Config& config, const FileFacts& facts, Problems& problems)
      : config_(config), facts_(facts), problems_(problems) {}

  void check() {
    for (size_t i = 0; i < config_.listeners.size(); ++i) check_listener(i);
    check_users();
    check_fold();
    check_admin();
    check_numbers();
  }

 private:
  void check_listener(size_t i) {
    const Listener& listener = config_.listeners[i];
    const bool wants_prefix = listener.view.unmatched == scheme::Unmatched::kPrefix;
    if (wants_prefix && listener.view.prefix.empty())
      problems_.add(place_of("listener.unmatched", i),
                    "listener.unmatched = \"prefix\" needs unmatched_prefix, the text that is put in front");
    if (!wants_prefix && !listener.view.prefix.empty())
      problems_.add(place_of("listener.unmatched_prefix", i),
                    "listener.unmatched_prefix has an effect only with unmatched = \"prefix\"");
    check_logins(i);
    if (config_.fold.into < 0 && listener.view.prefix.find("{db}") != std::string::npos)
      problems_.add(place_of("listener.unmatched_prefix", i),
                    "{db} in listener.unmatched_prefix is the number of a database that folds: it needs "
                    "fold.into");
    const Address& address = listener.address;
    if (!address.is_unix() && address.port == 0) return;  // any free one
    const std::string said = "listener.address = " + quoted_text(address.text());
    const auto [first, is_new] = taken_.emplace(address.text(), i);
    if (!is_new) problems_.add(place_of("listener.address", i), said + " is taken by another listener");
    if (!config_.embedded.enabled && address == config_.upstream.address)
      problems_.add(first_place({place_of("listener.address", i), place_of("upstream.url"),
                                 place_of("upstream.port"), place_of("upstream.host")}),
                    said + " is the upstream's own address: Keyshift would talk to itself");
  }

  // What of logging in has no effect, or no meaning.
  void check_logins(size_t i) {
    const Listener& listener = config_.listeners[i];
    if (listener.auth == Auth::kUpstream && !listener.password.empty())
      problems_.add(
          place_of("listener.password", i),
          "listener.password has no effect with auth = \"upstream\": the upstream knows the passwords");
    if (listener.auth == Auth::kUpstream && !listener.users.empty())
      problems_.add(place_of("listener.users", i),
                    "listener.users has no effect with auth = \"upstream\": the upstream knows the users");
    std::vector<std::string> known;
    for (const User& user : config_.users) known.push_back(user.name);
    for (const std::string& name : listener.users)
      if (std::ranges::count(known, name) == 0)
        problems_.add(place_of("listener.users", i),
                      "listener.users: there is no [user." + shown_text(name) + "]", nearest(name, known));
  }

  void check_users() {
    for (size_t i = 0; i < config_.users.size(); ++i) {
      const User& user = config_.users[i];
      const std::string& path = facts_.users[i].path;
      const auto add = [&](const std::string& text) { problems_.add(facts_.users[i].place, path + text); };
      if (user.name == "default")
        add(": the user default has the listener's password: set listener.password");
      else if (user.name.empty() ||
               std::ranges::any_of(user.name, [](char c) { return c <= ' ' || c == 127; }))
        add(": the name of a user has no spaces and no control characters");
      else if (user.password.empty())
        add(" needs a password");
    }
  }

  void check_fold() {
    const Fold& fold = config_.fold;
    if (fold.into < 0 || config_.upstream.database < fold.databases) return;
    problems_.add(first_place({place_of("upstream.database"), place_of("upstream.url"),
                               place_of("fold.databases"), place_of("fold.into")}),
                  "upstream.database = " + std::to_string(config_.upstream.database) +
                      ", in which clients begin, is none that they can select: fold.databases = " +
                      std::to_string(fold.databases));
  }

  void check_admin() {
    const std::string address = config_.admin.address.text();
    if (!config_.admin.enabled || config_.admin.address.port == 0) return;
    const auto taken = taken_.find(address);
    if (taken == taken_.end()) return;
    problems_.add(first_place({place_of("admin.address"), place_of("listener.address", taken->second)}),
                  "admin.address = " + quoted_text(address) + " is taken by a listener");
  }

  void check_numbers() {
    const Upstream& upstream = config_.upstream;
    const Limits& limits = config_.limits;
    const auto bytes = [](size_t size) { return static_cast<int64_t>(size); };
    check_order("upstream.reconnect_min", upstream.reconnect_min_ms, "upstream.reconnect_max",
                upstream.reconnect_max_ms);
    check_order("limits.client_output_soft", bytes(limits.client_output_soft_bytes), "limits.client_output",
                bytes(limits.client_output_limit_bytes));
    check_order("limits.max_inline", bytes(limits.max_inline_bytes), "limits.max_request",
                bytes(limits.max_request_bytes));
    // Each worker has its shared connections for RESP2 and for RESP3 clients.
    const int64_t shared = int64_t{2} * config_.workers * upstream.shared_connections;
    if (shared <= upstream.pool_size) return;
    problems_.add(first_place({place_of("upstream.pool_size"), place_of("workers"),
                               place_of("upstream.shared_connections")}),
                  "upstream.pool_size = " + std::to_string(upstream.pool_size) +
                      " is too few for workers = " + std::to_string(config_.workers) +
                      " and upstream.shared_connections = " + std::to_string(upstream.shared_connections) +
                      ": each worker keeps so many for RESP2 and as many for RESP3 clients; set it to " +
                      std::to_string(shared) + " or more");
  }

  void check_order(std::string_view least, int64_t low, std::string_view most, int64_t high) {
    if (low <= high) return;
    const auto said = [this](std::string_view name, int64_t value) {
      return std::string(name) + " = " + quoted_text(number_text(*find_option(name), value)) +
             (place_of(name).source.empty() ? " (the default)" : "");
    };
    problems_.add(first_place({place_of(least), place_of(most)}),
                  said(least, low) + " must not be above " + said(most, high));
  }

  Place place_of(std::string_view option) const { return facts_.place_of(option); }
  Place place_of(std::string_view option, size_t listener) const { return facts_.place_of(option, listener); }

  // What is said by default has no place: the first that has one is what the operator can change.
  static Place first_place(std::initializer_list<Place> places) {
    for (const Place& place : places)
      if (!place.source.empty()) return place;
    return {};
  }

  const Config& config_;
  const FileFacts& facts_;
  Problems& problems_;
  std::map<std::string, size_t> taken_;  // addresses, and the listener that has each
};

}  // namespace

void note_unused_users(Config& config) {
  for (const User& user : config.users) {
    const bool is_used = std::ranges::any_of(config.listeners, [&](const Listener& listener) {
      return std::ranges::count(listener.users, user.name) != 0;
    });
    if (!is_used)
      config.notices.push_back("nobody can log in as user." + shown_text(user.name) +
                               ": no listener has it in its users");
  }
}

void check_relations(const Config& config, const FileFacts& facts, Problems& problems) {
  Checks(config, facts, problems).check();
}

}  // namespace keyshift::config
