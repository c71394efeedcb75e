// store.h: how a Value gets into a Config, for the last column but one of the option table.
//
//   set<&Config::limits, &Limits::max_clients>    config.limits.max_clients = value.number
//
// The path of members names the destination, its type says what of the value is taken. Destinations that need more
// than an assignment have a function of their own.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "keyshift/config/option.h"

namespace keyshift::config {

inline void assign(bool& slot, const Value& value) {
  slot = value.boolean;
}
inline void assign(int& slot, const Value& value) {
  slot = static_cast<int>(value.number);
}
inline void assign(int64_t& slot, const Value& value) {
  slot = value.number;
}
inline void assign(size_t& slot, const Value& value) {
  slot = static_cast<size_t>(value.number);
}
inline void assign(std::string& slot, const Value& value) {
  slot = value.text;
}
void assign(scheme::Phase& slot, const Value& value);
void assign(scheme::Naming& slot, const Value& value);
void assign(scheme::Unmatched& slot, const Value& value);
void assign(scheme::TtlMode& slot, const Value& value);
void assign(double& slot, const Value& value);  // a percentage as a fraction
template <class T>
void assign(std::optional<T>& slot, const Value& value) {
  assign(slot.emplace(), value);
}

template <class Member>
struct OwnerOf;
template <class Owner, class Type>
struct OwnerOf<Type Owner::*> {
  using type = Owner;
};

template <auto First, auto... Rest>
Result<void> set(typename OwnerOf<decltype(First)>::type& target, const Value& value) {
  assign(((target.*First).*....*Rest), value);
  return {};
}

Result<void> assign_phase(scheme::Phase& phase, const Value& value);
Result<void> set_allowed(Config& config, const Value& value);
Result<void> set_upstream_host(Config& config, const Value& value);
Result<void> set_upstream_port(Config& config, const Value& value);
Result<void> set_upstream_tls(Config& config, const Value& value);
Result<void> set_upstream_url(Config& config, const Value& value);
Result<void> set_admin_address(Config& config, const Value& value);
// Makes one listener of each address, each like the first that was there in all else.
Result<void> set_listener_addresses(Config& config, const Value& value);

}  // namespace keyshift::config
