// Fold: which databases of clients are views of one upstream database.
//
// Five services that each had a database of one Redis end up in one: what a client calls database 3 is what the rules of
// database 3 show of the upstream's database `into`. The number stays the client's own: SELECT, CLIENT LIST and the
// rules speak of it.
//
//   fold into 0, databases 16        rule: cart:{id} -> shop:cart:id:{id}, db 3
//
//   client in database 3   GET cart:7        upstream, database 0   GET shop:cart:id:7
//   client in database 4   GET cart:7        another key, or refused: a legacy name is a name in its database
//
// A database number is a part of a legacy name. A consolidated name has none: where names are consolidated (a
// listener's view), the folded databases are one, and all of them show every key.
//
// A database folds as a whole, when its rules are in phase consolidated: in phase legacy its data is where it always
// was. So databases can be brought over one after another, and phase legacy is the way back.
//
// Made by Ruleset::compile() out of a FoldSpec (scheme_spec.h), immutable. Any thread.
#pragma once

#include <cstddef>
#include <vector>

namespace keyshift::scheme {

struct Fold {
  int into = -1;             // the upstream database; -1: nothing folds
  int databases = 0;         // that clients can select; 0: the upstream says
  std::vector<bool> folded;  // by the client's database; none of them behind its end is

  // Whether a client's database is a view of `into`.
  bool holds(int db) const {
    return static_cast<size_t>(db) < folded.size() && folded[static_cast<size_t>(db)];
  }
  // The upstream database with the keys of a client's database.
  int upstream(int db) const { return holds(db) ? into : db; }
  // Whether a client can select `db` as far as this can tell.
  bool has(int db) const { return databases == 0 || db < databases; }
  // Whether any database folds now.
  bool active() const { return into >= 0 && holds(into); }
};

}  // namespace keyshift::scheme
