// store.h: how a Value gets into a Config and out of it, for the option table's column `field`.
//
//   field<&Config::limits, &Limits::max_clients>    store: config.limits.max_clients = value.number
//                                                   read:  value.number = config.limits.max_clients
//
// The path of members names the place, its type says what of the value is taken. Places that need more than an
// assignment have functions of their own.
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
inline void assign(std::vector<std::string>& slot, const Value& value) {
  slot = value.list;
}
void assign(Auth& slot, const Value& value);
void assign(scheme::Phase& slot, const Value& value);
void assign(scheme::Naming& slot, const Value& value);
void assign(scheme::Unmatched& slot, const Value& value);
void assign(scheme::TtlMode& slot, const Value& value);
void assign(Scripts& slot, const Value& value);
void assign(double& slot, const Value& value);  // a percentage as a fraction
template <class T>
void assign(std::optional<T>& slot, const Value& value) {
  assign(slot.emplace(), value);
}

inline std::optional<Value> value_of(bool slot) {
  return Value{.boolean = slot};
}
inline std::optional<Value> value_of(int slot) {
  return Value{.number = slot};
}
inline std::optional<Value> value_of(int64_t slot) {
  return Value{.number = slot};
}
inline std::optional<Value> value_of(size_t slot) {
  return Value{.number = static_cast<int64_t>(slot)};
}
inline std::optional<Value> value_of(const std::string& slot) {
  return Value{.text = slot};
}
inline std::optional<Value> value_of(const std::vector<std::string>& slot) {
  return Value{.list = slot};
}
std::optional<Value> value_of(Auth slot);
std::optional<Value> value_of(scheme::Phase slot);
std::optional<Value> value_of(scheme::Naming slot);
std::optional<Value> value_of(scheme::Unmatched slot);
std::optional<Value> value_of(scheme::TtlMode slot);
std::optional<Value> value_of(Scripts slot);
std::optional<Value> value_of(double slot);
template <class T>
std::optional<Value> value_of(const std::optional<T>& slot) {
  return slot ? value_of(*slot) : std::nullopt;
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

template <auto First, auto... Rest>
std::optional<Value> get(const typename OwnerOf<decltype(First)>::type& target) {
  return value_of(((target.*First).*....*Rest));
}

template <auto First, auto... Rest>
inline constexpr Field<typename OwnerOf<decltype(First)>::type> field{set<First, Rest...>,
                                                                      get<First, Rest...>};

Result<void> store_phase(scheme::Phase& phase, const Value& value);
std::optional<Value> read_phase(const scheme::Phase& phase);
inline constexpr Field<scheme::Phase> kDomainPhase{store_phase, read_phase};

Result<void> store_allowed(Config& config, const Value& value);
std::optional<Value> read_allowed(const Config& config);
inline constexpr Field<Config> kAllowed{store_allowed, read_allowed};

// Three rows write the upstream's address, the URL's reads it.
Result<void> store_upstream_host(Config& config, const Value& value);
Result<void> store_upstream_port(Config& config, const Value& value);
Result<void> store_upstream_url(Config& config, const Value& value);
std::optional<Value> read_upstream_address(const Config& config);
inline constexpr Field<Config> kUpstreamHost{store_upstream_host, nullptr};
inline constexpr Field<Config> kUpstreamPort{store_upstream_port, nullptr};
inline constexpr Field<Config> kUpstreamUrl{store_upstream_url, read_upstream_address};

Result<void> store_upstream_tls(Config& config, const Value& value);
inline constexpr Field<Config> kUpstreamTls{store_upstream_tls, get<&Config::upstream, &Upstream::tls>};

Result<void> store_admin_address(Config& config, const Value& value);
std::optional<Value> read_admin_address(const Config& config);
inline constexpr Field<Config> kAdminAddress{store_admin_address, read_admin_address};

// Makes one listener of each address, each like the first that was there in all else. Reads the addresses in order of
// their texts: the order in which they were given means nothing.
Result<void> store_listener_addresses(Config& config, const Value& value);
std::optional<Value> read_listener_addresses(const Config& config);
inline constexpr Field<Config> kListenerAddresses{store_listener_addresses, read_listener_addresses};

}  // namespace keyshift::config
