#include "client_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/proxy/errors.h"
#include "keyshift/resp/number.h"

namespace keyshift::proxy {
namespace {

constexpr std::array<std::pair<std::string_view, ClientType>, 5> kTypes = {{
    {"normal", ClientType::kNormal},
    {"slave", ClientType::kReplica},
    {"replica", ClientType::kReplica},
    {"pubsub", ClientType::kPubsub},
    {"master", ClientType::kMaster},
}};

}  // namespace

Result<bool> ClientFilter::set_type(std::string_view type) {
  for (const auto& [name, known] : kTypes) {
    if (!is_word(type, name)) continue;
    type_ = known;
    return true;
  }
  return fail(fmt::format("ERR Unknown client type '{}'", type));
}

Result<ClientFilter> ClientFilter::of_list(const resp::Request& request) {
  ClientFilter filter;
  if (request.size() == 2) return filter;
  if (is_word(request[2], "type") && request.size() == 4) {
    if (const auto known = filter.set_type(request[3]); !known) return tl::make_unexpected(known.error());
    return filter;
  }
  if (is_word(request[2], "id") && request.size() > 3) {
    filter.ids_.emplace();
    for (size_t i = 3; i < request.size(); ++i) {
      int64_t id = 0;
      if (!resp::parse_integer(request[i], id)) return fail("ERR Invalid client ID");
      filter.ids_->push_back(static_cast<uint64_t>(id));
    }
    return filter;
  }
  return fail(std::string(errors::kSyntax));
}

Result<ClientFilter> ClientFilter::of_kill(const resp::Request& request, uint64_t own_id,
                                           const std::function<bool(std::string_view)>& is_user) {
  ClientFilter filter;
  if (request.size() == 3) {
    filter.old_form_ = true;
    filter.address_ = request[2];
    return filter;
  }
  filter.skipped_id_ = own_id;
  for (size_t i = 2; i < request.size(); i += 2) {
    if (i + 1 == request.size()) return fail(std::string(errors::kSyntax));
    const std::string_view option = request[i];
    const std::string_view value = request[i + 1];
    if (is_word(option, "id")) {
      int64_t id = 0;
      if (!resp::parse_integer(value, id) || id <= 0) return fail("ERR client-id should be greater than 0");
      filter.ids_ = {static_cast<uint64_t>(id)};
    } else if (is_word(option, "addr")) {
      filter.address_ = value;
    } else if (is_word(option, "laddr")) {
      filter.local_address_ = value;
    } else if (is_word(option, "type")) {
      if (const auto known = filter.set_type(value); !known) return tl::make_unexpected(known.error());
    } else if (is_word(option, "user")) {
      if (!is_user(value)) return fail(fmt::format("ERR No such user '{}'", value));
      filter.user_ = value;
    } else if (is_word(option, "skipme") && is_word(value, "yes")) {
      filter.skipped_id_ = own_id;
    } else if (is_word(option, "skipme") && is_word(value, "no")) {
      filter.skipped_id_ = 0;
    } else {
      return fail(std::string(errors::kSyntax));
    }
  }
  return filter;
}

bool ClientFilter::fits(const ClientEntry& entry) const {
  if (entry.id == skipped_id_) return false;
  if (ids_ && std::find(ids_->begin(), ids_->end(), entry.id) == ids_->end()) return false;
  if (address_ && entry.address != *address_) return false;
  if (user_ && entry.user != *user_) return false;
  if (type_ && entry.type() != *type_) return false;
  return !local_address_ || entry.local_address == *local_address_;
}

}  // namespace keyshift::proxy
