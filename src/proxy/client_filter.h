// ClientFilter: which clients CLIENT LIST and CLIENT KILL are about.
//
//   CLIENT KILL 127.0.0.1:40212                     the old form: OK, or an error if there is none
//   CLIENT KILL ID 7 ADDR a:1 TYPE normal SKIPME no    every condition must hold; the number killed
//   CLIENT LIST ID 7 8 9 | TYPE normal
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/result.h"
#include "keyshift/proxy/client_registry.h"
#include "keyshift/resp/request.h"

namespace keyshift::proxy {

class ClientFilter {
 public:
  // Fails with Redis's error for a request that it would refuse.
  static Result<ClientFilter> of_list(const resp::Request& request);
  // `is_user`: whether there is such a user.
  static Result<ClientFilter> of_kill(const resp::Request& request, uint64_t own_id,
                                      const std::function<bool(std::string_view)>& is_user);

  // Requires: the registry's lock.
  bool fits(const ClientEntry& entry) const;
  bool old_form() const { return old_form_; }

 private:
  Result<bool> set_type(std::string_view type);

  std::optional<std::vector<uint64_t>> ids_;
  std::optional<std::string> address_;
  std::optional<std::string> local_address_;
  uint64_t skipped_id_ = 0;
  std::optional<std::string> user_;
  std::optional<ClientType> type_;
  bool old_form_ = false;
};

}  // namespace keyshift::proxy
