// InvalidationMapper: the keys that the upstream calls changed (CLIENT TRACKING), in the names that a client has them by.
//
// The way back of what ReplyMapper does for replies, but unasked: an invalidation comes whenever a key changes, and says
// its physical name. It belongs to no request, so the names are made from the key.
//
//   invalidate  *1..$45..analytics:writing_stats:user:u1:days:30d..   =>   *1..$20..writing_stats:u1:30d..
//
// A client that is told too much reads once more; one that is told too little shows old data. So wherever a client could
// have read a key by several names, all of them are told: the one of the other naming once anybody has used such names,
// those of all databases that the client was in (the upstream does not say in which one the key has changed). A key that
// the view does not show is left out: no name of the client's leads to it.
//
// With prefixes (BCAST) a key is told by the names that begin with one of them, in one message for each prefix, as Redis
// does.
//
// Keeps the ruleset and the view that it was made with; a reload makes a new one. Owned by the session.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "keyshift/base/buffer.h"
#include "keyshift/scheme/ruleset.h"

namespace keyshift::plan {

class InvalidationMapper {
 public:
  // In the order of Redis's radix tree. Without any, keys are told whatever their names begin with.
  using Prefixes = std::set<std::string, std::less<>>;
  // Gets the keys of one message, as an array.
  using Tell = std::function<void(std::string_view keys)>;

  InvalidationMapper(std::shared_ptr<const scheme::Ruleset> rules, scheme::View view,
                     const Prefixes& prefixes);

  // Keys may have been read in this database.
  void add_database(int database);
  // In any of which the rules say something.
  void add_all_databases();

  // The prefixes of physical names that hold all that must be heard of.
  std::vector<std::string> physical_prefixes() const;

  // `keys`: an array of physical names. `both`: names of both namings are in use.
  void map(std::string_view keys, bool both, const Tell& tell);

 private:
  void collect_names(std::string_view physical, bool both);

  std::shared_ptr<const scheme::Ruleset> rules_;
  scheme::View view_;
  Prefixes prefixes_;
  bool by_database_ = false;                      // what a name means depends on the database
  std::vector<int> databases_;                    // if it does not, one
  Buffer bytes_;                                  // of names_
  std::vector<std::pair<size_t, size_t>> names_;  // where they begin and end
  Buffer array_;
};

}  // namespace keyshift::plan
