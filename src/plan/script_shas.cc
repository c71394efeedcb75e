#include "keyshift/plan/script_shas.h"

#include "keyshift/base/ascii.h"

namespace keyshift::plan {
namespace {

std::string place_of(std::string_view fingerprint, std::string_view sha) {
  return std::string(fingerprint) + to_lower(sha);
}

}  // namespace

void ScriptShas::learn(std::string_view fingerprint, std::string_view sha, std::string_view mapped) {
  const std::scoped_lock lock(mutex_);
  const auto [place, is_new] = mapped_.try_emplace(place_of(fingerprint, sha), mapped);
  if (!is_new) return;
  order_.push_back(place->first);
  if (order_.size() <= kMost) return;
  mapped_.erase(order_.front());
  order_.pop_front();
}

std::string ScriptShas::find(std::string_view fingerprint, std::string_view sha) const {
  const std::scoped_lock lock(mutex_);
  const auto found = mapped_.find(place_of(fingerprint, sha));
  return found == mapped_.end() ? std::string(kUnknown) : found->second;
}

}  // namespace keyshift::plan
