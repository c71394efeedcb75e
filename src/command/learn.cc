// How the facts of COMMAND become a row.
//
//   flag or category             row
//   write                        its keys are kUpdate: the worst. Without keys: kWrites
//   readonly                     its keys are kRead
//   neither                      kUpdate where the key spec says RW, OW or RM, else kRead
//   admin, @connection           kRefused: it changes the server or a connection that others share
//   blocking                     kBlocks
//   pubsub and noscript          kNever: it subscribes in a way that we do not know
//   movablekeys without specs    kRefused: only GETKEYS knows its keys, so they could not be mapped
//   all else                     kShared, reply kOpaque, no hit rule, no default expiry
//
// A spec with the flag not_key is a name that is no key, and skipped. One that is `unknown` or `incomplete`,
// and what does not fit a row, makes the command refused: better an error than an unmapped key.
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "keyshift/resp/number.h"
#include "keyshift/resp/reply_cursor.h"
#include "learned.h"

namespace keyshift::command {
namespace {

using resp::ReplyCursor;
using resp::Token;

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxRows = 16384;
// first, last, step and positions in specs: far more than any command has, far less than what an int16_t
// holds.
constexpr int64_t kMaxPosition = 10000;

struct Facts {
  std::string_view name;
  int64_t arity = 0;
  bool write = false, readonly = false, admin = false, blocking = false, pubsub = false, noscript = false;
  bool movable = false, connection = false, undescribable = false, container = false;
  int64_t first = 0, last = 0, step = 0;
  bool has_specs = false;
};

struct Spec {
  NameSpec name;
  bool writes = false, skip = false, usable = false;
};

class Reader {
 public:
  Reader(std::string_view reply, const std::function<const Row*(std::string_view)>& known, Learned& learned)
      : cursor_(reply), known_(known), learned_(learned) {}

  std::string run() {
    if (cursor_.done()) return "COMMAND: empty reply";
    const Token top = cursor_.next();
    if (top.is_error()) return "COMMAND: " + std::string(top.text);
    if (!is_list(top)) return "COMMAND: the reply is no array";
    for (uint64_t i = 0; i < top.count; ++i) {
      // A null stands for a command that vanished meanwhile.
      if (cursor_.peek().is_null) {
        cursor_.skip();
      } else if (!command(nullptr)) {
        return "COMMAND: an entry is no description of a command";
      }
    }
    return {};
  }

 private:
  static bool is_list(const Token& token) {
    return !token.is_null && (token.type == '*' || token.type == '~');
  }

  // One entry: ten fields since Redis 7, seven in Redis 6. `parent` is the container's row, null for a
  // command.
  bool command(const Row* parent) {
    const Token entry = cursor_.next();
    if (!is_list(entry) || entry.count < 6) return false;
    Facts facts;
    Spec specs[Row::kMaxNames];
    size_t spec_count = 0;
    facts.name = cursor_.next().text;
    if (!integer(facts.arity) || !flags(facts)) return false;
    if (!integer(facts.first) || !integer(facts.last) || !integer(facts.step)) return false;
    uint64_t field = 6;
    if (field < entry.count && ++field) categories(facts);
    if (field < entry.count && ++field) cursor_.skip();
    if (field < entry.count && ++field) key_specs(facts, specs, spec_count);
    const bool has_subcommands = field < entry.count && is_list(cursor_.peek());
    facts.container = has_subcommands && cursor_.peek().count > 0;
    const Row* row = add(facts, specs, spec_count, parent);
    if (has_subcommands) {
      ++field;
      const uint64_t count = cursor_.next().count;
      for (uint64_t i = 0; i < count; ++i) {
        // Redis has one level of subcommands; a deeper one, or one of a row that could not be added, is left
        // out.
        if (row == nullptr || parent != nullptr) {
          cursor_.skip();
        } else if (!command(row)) {
          return false;
        }
      }
    }
    for (; field < entry.count; ++field) cursor_.skip();
    return true;
  }

  bool integer(int64_t& value) {
    const Token token = cursor_.peek();
    cursor_.skip();
    return token.type == ':' && resp::parse_integer(token.text, value);
  }

  // Calls `each` with the texts of a flat list; false if it is none.
  template <class Each>
  bool texts(Each each) {
    if (!is_list(cursor_.peek())) {
      cursor_.skip();
      return false;
    }
    const uint64_t count = cursor_.next().count;
    for (uint64_t i = 0; i < count; ++i) {
      if (!cursor_.peek().is_aggregate()) each(cursor_.peek().text);
      cursor_.skip();
    }
    return true;
  }

  bool flags(Facts& facts) {
    return texts([&](std::string_view flag) {
      if (flag == "write") facts.write = true;
      if (flag == "readonly") facts.readonly = true;
      if (flag == "admin") facts.admin = true;
      if (flag == "blocking") facts.blocking = true;
      if (flag == "pubsub") facts.pubsub = true;
      if (flag == "noscript") facts.noscript = true;
      if (flag == "movablekeys") facts.movable = true;
    });
  }

  void categories(Facts& facts) {
    texts([&](std::string_view category) { facts.connection |= category == "@connection"; });
  }

  void key_specs(Facts& facts, Spec* specs, size_t& count) {
    facts.has_specs = true;
    if (!is_list(cursor_.peek())) {
      facts.undescribable = true;
      cursor_.skip();
      return;
    }
    const uint64_t listed = cursor_.next().count;
    for (uint64_t i = 0; i < listed; ++i) {
      Spec spec;
      key_spec(spec);
      if (spec.skip) continue;
      if (!spec.usable || count == Row::kMaxNames) {
        facts.undescribable = true;
      } else {
        specs[count++] = spec;
      }
    }
  }

  // {flags: [...], begin_search: {type, spec}, find_keys: {type, spec}}, a map in RESP3 and its flat form in
  // RESP2.
  void key_spec(Spec& spec) {
    bool begins = false, finds = false, incomplete = false;
    each_field([&](std::string_view field) {
      if (field == "flags") {
        texts([&](std::string_view flag) {
          if (flag == "RW" || flag == "OW" || flag == "RM") spec.writes = true;
          if (flag == "not_key") spec.skip = true;
          if (flag == "incomplete") incomplete = true;
        });
      } else if (field == "begin_search") {
        begins = begin_search(spec.name);
      } else if (field == "find_keys") {
        finds = find_keys(spec.name);
      } else {
        cursor_.skip();
      }
    });
    spec.usable = begins && finds && !incomplete;
  }

  // Calls `each` with each field's name, the cursor before its value, which `each` must consume.
  template <class Each>
  void each_field(Each each) {
    const Token head = cursor_.peek();
    if (head.is_null || (head.type != '%' && head.type != '*')) {
      cursor_.skip();
      return;
    }
    cursor_.next();
    for (uint64_t i = 0; i + 1 < head.count; i += 2) {
      const std::string_view field = cursor_.peek().is_aggregate() ? std::string_view() : cursor_.peek().text;
      cursor_.skip();
      each(field);
    }
    if (head.count % 2 != 0) cursor_.skip();
  }

  // The type, and of the inner spec up to eight named values.
  struct Inner {
    std::string_view type, keyword;
    std::optional<int64_t> index, startfrom, lastkey, keystep, limit, keynumidx, firstkey;
  };
  Inner inner() {
    Inner read;
    each_field([&](std::string_view field) {
      if (field == "spec") {
        each_field([&](std::string_view name) { inner_value(name, read); });
      } else {
        if (field == "type") read.type = cursor_.peek().text;
        cursor_.skip();
      }
    });
    return read;
  }
  void inner_value(std::string_view name, Inner& read) {
    const Token token = cursor_.peek();
    cursor_.skip();
    if (name == "keyword") read.keyword = token.text;
    int64_t value = 0;
    if (token.type != ':' || !resp::parse_integer(token.text, value)) return;
    if (value < -kMaxPosition || value > kMaxPosition) return;
    if (name == "index") read.index = value;
    if (name == "startfrom") read.startfrom = value;
    if (name == "lastkey") read.lastkey = value;
    if (name == "keystep" || name == "step") read.keystep = value;
    if (name == "limit") read.limit = value;
    if (name == "keynumidx") read.keynumidx = value;
    if (name == "firstkey") read.firstkey = value;
  }

  bool begin_search(NameSpec& spec) {
    const Inner read = inner();
    if (read.type == "index" && read.index.value_or(0) > 0) {
      spec.index = static_cast<int16_t>(*read.index);
      return true;
    }
    if (read.type != "keyword" || read.startfrom.value_or(0) == 0) return false;
    if (read.keyword.empty() || read.keyword.size() > kMaxNameBytes) return false;
    spec.begin = NameSpec::Begin::kKeyword;
    spec.index = static_cast<int16_t>(*read.startfrom);
    std::string word(read.keyword);
    for (char& c : word) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    spec.word = learned_.texts.emplace_back(std::move(word));
    return true;
  }

  bool find_keys(NameSpec& spec) {
    const Inner read = inner();
    if (read.keystep.value_or(0) < 1) return false;
    spec.step = static_cast<int16_t>(*read.keystep);
    if (read.type == "range" && read.lastkey) {
      if (read.limit.value_or(0) < 0) return false;
      spec.last = static_cast<int16_t>(*read.lastkey);
      spec.limit = static_cast<int16_t>(read.limit.value_or(0));
      return true;
    }
    if (read.type != "keynum" || read.keynumidx.value_or(-1) < 0 || read.firstkey.value_or(0) < 1)
      return false;
    spec.find = NameSpec::Find::kKeynum;
    spec.count_at = static_cast<int16_t>(*read.keynumidx);
    spec.first = static_cast<int16_t>(*read.firstkey);
    return true;
  }

  // Returns the row, known or new; null if the entry cannot have one (a name too long, too many rows).
  const Row* add(Facts& facts, const Spec* specs, size_t spec_count, const Row* parent) {
    std::string name = parent != nullptr ? full_name(*parent, facts.name) : std::string(facts.name);
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    const size_t bars = name.find('|') == std::string::npos ? 0 : 1;
    if (name.empty() || name.size() > kMaxNameBytes || bars != (parent != nullptr ? 1U : 0U)) return nullptr;
    if (const Row* row = known_(name)) return row;
    if (const Row* row = added(name)) return row;
    if (learned_.rows.size() == kMaxRows || facts.arity == 0) return nullptr;
    if (facts.arity < -kMaxPosition || facts.arity > kMaxPosition) return nullptr;
    // A container of ours that has no subcommands in our table (a plain row) cannot get any.
    if (parent != nullptr && !parent->is(Row::kContainer)) return nullptr;

    Row row;
    row.name = learned_.texts.emplace_back(std::move(name));
    row.arity = static_cast<int16_t>(facts.arity);
    row.family = Family::kModule;
    row.flags = Row::kLearned | (facts.write ? Row::kWrites : 0) | (facts.container ? Row::kContainer : 0);
    if (facts.has_specs) {
      for (size_t i = 0; i < spec_count; ++i) name_spec(row, facts, specs[i]);
    } else {
      legacy_range(row, facts);
    }
    row.scope = scope_of(facts, parent);
    row.derive();
    return added_[row.name] = &learned_.rows.emplace_back(row);
  }

  static std::string full_name(const Row& parent, std::string_view name) {
    // Redis gives "client|id"; a bare "id" is understood as well.
    if (name.find('|') != std::string_view::npos) return std::string(name);
    return std::string(parent.name) + "|" + std::string(name);
  }

  const Row* added(std::string_view name) const {
    const auto found = added_.find(name);
    return found == added_.end() ? nullptr : found->second;
  }

  static void name_spec(Row& row, const Facts& facts, const Spec& spec) {
    NameSpec& made = row.name_specs[row.name_count++] = spec.name;
    made.role = Role::kKey;
    const bool writes = facts.write || (spec.writes && !facts.readonly);
    made.access = writes ? Access::kUpdate : Access::kRead;
  }

  // Redis before 7: first, last and step, and the flag movablekeys for all else.
  static void legacy_range(Row& row, Facts& facts) {
    if (facts.movable) facts.undescribable = true;
    if (facts.first <= 0 || facts.undescribable) return;
    if (facts.step < 1 || facts.first > kMaxPosition || facts.step > kMaxPosition ||
        facts.last > kMaxPosition || facts.last < -kMaxPosition) {
      facts.undescribable = true;
      return;
    }
    NameSpec& made = row.name_specs[row.name_count++];
    made.access = facts.readonly ? Access::kRead : Access::kUpdate;
    made.index = static_cast<int16_t>(facts.first);
    made.last = static_cast<int16_t>(facts.last < 0 ? facts.last : facts.last - facts.first);
    made.step = static_cast<int16_t>(facts.step);
  }

  static Scope scope_of(const Facts& facts, const Row* parent) {
    if (facts.undescribable || (facts.movable && !facts.has_specs)) return Scope::kRefused;
    if (facts.admin || facts.connection) return Scope::kRefused;
    // A new word of CLIENT or CLUSTER is as dangerous as its container.
    if (parent != nullptr && (parent->scope == Scope::kLocal || parent->scope == Scope::kRefused)) {
      return Scope::kRefused;
    }
    if (facts.blocking) return Scope::kBlocks;
    if (facts.pubsub && facts.noscript) return Scope::kNever;
    return Scope::kShared;
  }

  ReplyCursor cursor_;
  const std::function<const Row*(std::string_view)>& known_;
  Learned& learned_;
  std::unordered_map<std::string_view, const Row*> added_;
};

}  // namespace

std::string learn_rows(std::string_view reply, const std::function<const Row*(std::string_view)>& known,
                       Learned& learned) {
  return Reader(reply, known, learned).run();
}

}  // namespace keyshift::command
