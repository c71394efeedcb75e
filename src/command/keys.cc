#include "keyshift/command/keys.h"

#include <algorithm>

#include "keyshift/resp/number.h"
#include "words.h"

namespace keyshift::command {
namespace {

constexpr std::string_view kSyntaxError = "ERR syntax error";
constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
constexpr std::string_view kNumkeysNotPositive = "ERR numkeys should be greater than 0";
constexpr std::string_view kTooManyKeys = "ERR Number of keys can't be greater than number of args";
constexpr std::string_view kBadNumberOfKeys = "ERR Bad number of keys provided";
constexpr std::string_view kNegativeKeys = "ERR Number of keys can't be negative";
constexpr std::string_view kUnbalanced =
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.";
constexpr std::string_view kMigrateKeyGiven =
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
constexpr std::string_view kInvalidNumkeys = "ERR invalid numkeys value";

// The algebra of sorted sets names itself in this error.
struct NoKeys {
  std::string_view command;
  std::string_view error;
};
constexpr NoKeys kNoKeys[] = {
    {"zunion", "ERR at least 1 input key is needed for 'zunion' command"},
    {"zinter", "ERR at least 1 input key is needed for 'zinter' command"},
    {"zdiff", "ERR at least 1 input key is needed for 'zdiff' command"},
    {"zunionstore", "ERR at least 1 input key is needed for 'zunionstore' command"},
    {"zinterstore", "ERR at least 1 input key is needed for 'zinterstore' command"},
    {"zdiffstore", "ERR at least 1 input key is needed for 'zdiffstore' command"},
    {"zintercard", "ERR at least 1 input key is needed for 'zintercard' command"},
};

enum class Flaw { kNotANumber, kNegative, kZero, kTooMany };

// What Redis 7.0 says of a number of keys, which differs by command.
std::string_view numkeys_error(const Row& row, Flaw flaw) {
  if (row.family == Family::kScripting) {
    if (flaw == Flaw::kNegative) return kNegativeKeys;
    if (flaw == Flaw::kTooMany) return kTooManyKeys;
    return row.name.starts_with("fcall") ? kBadNumberOfKeys : kNotInteger;
  }
  for (const NoKeys& entry : kNoKeys) {
    if (entry.command != row.name) continue;
    if (flaw == Flaw::kNotANumber) return kNotInteger;
    return flaw == Flaw::kTooMany ? kSyntaxError : entry.error;
  }
  if (row.name == "msetex") return kInvalidNumkeys;
  if (flaw != Flaw::kTooMany) return kNumkeysNotPositive;
  return row.name == "sintercard" ? kTooManyKeys : kSyntaxError;
}

// One search. `argc` counts the arguments announced, of which request.size() are here.
class Search {
 public:
  Search(const Row& row, const resp::Request& request, size_t argc, Names& names)
      : row_(row), request_(request), argc_(static_cast<int64_t>(argc)), names_(names) {}

  Found run() {
    names_.database_at = static_cast<uint32_t>(row_.database_at);
    for (const NameSpec& spec : row_.names()) {
      if (spec.begin == NameSpec::Begin::kKeyword && row_.is(Row::kWalks)) continue;
      int64_t begin = spec.index;
      if (spec.begin == NameSpec::Begin::kKeyword && !search_word(spec, begin)) continue;
      const bool ok = spec.find == NameSpec::Find::kKeynum ? keynum(spec, begin) : range(spec, begin);
      if (!ok) return Found::kMalformed;
    }
    if (row_.is(Row::kWalks) && !walk()) return Found::kMalformed;
    if (row_.is(Row::kLearned) && row_.name_count > 1) drop_doubles();
    return finished_ ? Found::kComplete : Found::kUnfinished;
  }

 private:
  bool here(int64_t at) const { return at < static_cast<int64_t>(request_.size()); }

  bool malformed(std::string_view error) {
    names_.clear();
    names_.error = error;
    return false;
  }

  void push(const NameSpec& spec, int64_t at) {
    names_.list.push_back({static_cast<uint32_t>(at), spec.role, spec.access, spec.lasting});
  }

  // A word as COMMAND specifies it, for learned rows: the first from spec.index on, never the last argument;
  // below zero backwards from the end. On success `begin` is the argument behind it. getKeysUsingKeySpecs of
  // Redis 7.
  bool search_word(const NameSpec& spec, int64_t& begin) {
    const bool forward = spec.index > 0;
    const int64_t end = forward ? argc_ - 1 : 1;
    int64_t at = forward ? spec.index : argc_ + spec.index;
    for (; forward ? at < end : at > end; at += forward ? 1 : -1) {
      if (!here(at)) {
        finished_ = false;
        if (forward) return false;
        continue;
      }
      if (!is_word(request_[static_cast<size_t>(at)], spec.word)) continue;
      begin = at + 1;
      return true;
    }
    return false;
  }

  bool range(const NameSpec& spec, int64_t begin) {
    if (row_.is(Row::kEmptyIsNoKey) && here(begin) && request_[static_cast<size_t>(begin)].empty())
      return true;
    int64_t last = begin + spec.last;
    if (spec.last < 0)
      last = spec.limit > 1 ? begin + (argc_ - begin) / spec.limit + spec.last : argc_ + spec.last;
    last = std::min(last, argc_ - 1);
    for (int64_t at = begin; at <= last; at += spec.step) push(spec, at);
    return true;
  }

  bool keynum(const NameSpec& spec, int64_t begin) {
    const int64_t count_at = begin + spec.count_at;
    if (!here(count_at)) {
      if (count_at >= argc_) return malformed(numkeys_error(row_, Flaw::kNotANumber));
      finished_ = false;
      return true;
    }
    int64_t count = 0;
    if (!resp::parse_integer(request_[static_cast<size_t>(count_at)], count)) {
      return malformed(numkeys_error(row_, Flaw::kNotANumber));
    }
    const int64_t first = begin + spec.first;
    if (count < 0) return malformed(numkeys_error(row_, Flaw::kNegative));
    if (count == 0) return zero_is_fine() || malformed(numkeys_error(row_, Flaw::kZero));
    // Compared by division: `count` may be near the largest integer.
    if (first >= argc_ || count - 1 > (argc_ - 1 - first) / spec.step) {
      return malformed(numkeys_error(row_, Flaw::kTooMany));
    }
    for (int64_t i = 0; i < count; ++i) push(spec, first + i * spec.step);
    return true;
  }

  bool zero_is_fine() const { return row_.family == Family::kScripting || row_.is(Row::kLearned); }

  // The optional words. Only the last STORE is a key: the walk remembers it, and it goes to the end.
  bool walk() {
    const NameSpec* store = nullptr;
    int64_t store_at = 0;
    WordWalk words(row_.options, request_, static_cast<size_t>(argc_),
                   static_cast<size_t>(row_.options.from));
    bool streams = false;
    for (auto step = words.next(); step != WordWalk::Step::kEnd; step = words.next()) {
      if (step == WordWalk::Step::kUnfinished) {
        finished_ = false;
        break;
      }
      if (step == WordWalk::Step::kUnknown) return malformed(kSyntaxError);
      const Option& option = words.option();
      const int64_t at = static_cast<int64_t>(words.at()) + 1;
      if (option.word == "BLOCK") names_.blocks = true;
      if (option.word == "DB") names_.database_at = static_cast<uint32_t>(at);
      const NameSpec* spec = spec_of(option.word);
      if (spec == nullptr) continue;
      if (option.arguments == Option::kRest) {
        if (!rest(*spec, at)) return false;
        streams = true;
      } else if (spec->role == Role::kKey) {
        store = spec;
        store_at = at;
      } else if (!here(at)) {
        push(*spec, at);
      } else if (spec->role == Role::kSortBy || spec->role == Role::kSortGet) {
        // Without a * it is no name: SORT BY nosort, SORT GET #.
        if (request_[static_cast<size_t>(at)].find('*') != std::string_view::npos) push(*spec, at);
      } else {
        push(*spec, at);
      }
    }
    if (store != nullptr) push(*store, store_at);
    if (!streams && finished_ && needs_streams()) return malformed(kSyntaxError);
    return true;
  }

  const NameSpec* spec_of(std::string_view word) const {
    for (const NameSpec& spec : row_.names()) {
      if (spec.word == word) return &spec;
    }
    return nullptr;
  }

  // XREAD and XREADGROUP have no keys but behind STREAMS.
  bool needs_streams() const { return row_.name_count == 1 && row_.name_specs[0].limit > 1; }

  // STREAMS and KEYS: all arguments from `begin` on.
  bool rest(const NameSpec& spec, int64_t begin) {
    if (spec.limit > 1) {
      if (begin == argc_) return malformed(kSyntaxError);
      if ((argc_ - begin) % spec.limit != 0) return malformed(kUnbalanced);
    }
    if (row_.is(Row::kEmptyIsNoKey)) {
      if (!names_.list.empty()) return malformed(kMigrateKeyGiven);
      for (int64_t at = begin; at < argc_; ++at) push(spec, at);
      return true;
    }
    return range(spec, begin);
  }

  void drop_doubles() {
    auto& list = names_.list;
    std::sort(list.begin(), list.end(),
              [](const Name& a, const Name& b) { return a.at != b.at ? a.at < b.at : a.access > b.access; });
    list.erase(
        std::unique(list.begin(), list.end(), [](const Name& a, const Name& b) { return a.at == b.at; }),
        list.end());
  }

  const Row& row_;
  const resp::Request& request_;
  const int64_t argc_;
  Names& names_;
  bool finished_ = true;
};

}  // namespace

Found find_names(const Row& row, const resp::Request& request, size_t announced, Names& names) {
  names.clear();
  if (!row.is(Row::kPlain)) return Search(row, request, announced, names).run();
  if (row.name_count == 0) return Found::kComplete;
  // The short way, which most requests take: one range.
  const NameSpec& spec = row.name_specs[0];
  const int64_t argc = static_cast<int64_t>(announced);
  const int64_t last = std::min<int64_t>(spec.last < 0 ? argc + spec.last : spec.index + spec.last, argc - 1);
  for (int64_t at = spec.index; at <= last; at += spec.step) {
    names.list.push_back({static_cast<uint32_t>(at), spec.role, spec.access, spec.lasting});
  }
  return Found::kComplete;
}

}  // namespace keyshift::command
