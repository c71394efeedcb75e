#include "keyshift/command/ttl.h"

#include <utility>

#include "keyshift/resp/number.h"
#include "words.h"

namespace keyshift::command {
namespace {

constexpr Ttl kUnclear{Ttl::Kind::kUnclear};

struct ExpiryWord {
  std::string_view word;
  Unit unit;
  Base base;
};
// What these words mean in every command that has them.
constexpr ExpiryWord kExpiryWords[] = {{"EX", Unit::kSeconds, Base::kRelative},
                                       {"PX", Unit::kMilliseconds, Base::kRelative},
                                       {"EXAT", Unit::kSeconds, Base::kAbsolute},
                                       {"PXAT", Unit::kMilliseconds, Base::kAbsolute}};

Ttl given(const resp::Request& request, size_t at, Unit unit, Base base) {
  Ttl ttl{Ttl::Kind::kGiven, unit, base, static_cast<uint32_t>(at), 0};
  if (at >= request.size() || !resp::parse_integer(request[at], ttl.value)) return kUnclear;
  return ttl;
}

// What an optional word says of the expiry; its value, not read yet, would be argument `at`.
Ttl meaning_of(std::string_view word, size_t at) {
  if (word == "KEEPTTL") return {Ttl::Kind::kKeep};
  if (word == "PERSIST") return {Ttl::Kind::kPersist};
  for (const ExpiryWord& expiry : kExpiryWords) {
    if (word == expiry.word)
      return {Ttl::Kind::kGiven, expiry.unit, expiry.base, static_cast<uint32_t>(at), 0};
  }
  return {};
}

// EXPIRE and its kin; RESTORE, whose ABSTTL stands behind its argument.
Ttl positional(const Row& row, const resp::Request& request, size_t announced) {
  Ttl ttl = given(request, static_cast<size_t>(row.expiry_at), row.expiry_unit, row.expiry_base);
  if (ttl.kind == Ttl::Kind::kUnclear || row.options.words.empty()) return ttl;
  WordWalk walk(row.options, request, announced, static_cast<size_t>(row.options.from));
  for (auto step = walk.next(); step != WordWalk::Step::kEnd; step = walk.next()) {
    if (step != WordWalk::Step::kWord) return kUnclear;
    if (walk.option().word == "ABSTTL") ttl.base = Base::kAbsolute;
  }
  return ttl;
}

// Where the options begin: at a fixed argument, or behind the keys that a number counts. 0 if that cannot be
// told.
size_t first_option(const Row& row, const resp::Request& request, size_t announced) {
  if (row.options.from != Options::kBehindNames) return static_cast<size_t>(row.options.from);
  const NameSpec& spec = row.name_specs[0];
  const size_t count_at = static_cast<size_t>(spec.index + spec.count_at);
  int64_t keys = 0;
  if (count_at >= request.size() || !resp::parse_integer(request[count_at], keys)) return 0;
  if (keys < 1 || static_cast<uint64_t>(keys) > announced) return 0;
  return static_cast<size_t>(spec.index + spec.first) +
         static_cast<size_t>(keys) * static_cast<size_t>(spec.step);
}

Ttl optional(const Row& row, const resp::Request& request, size_t announced) {
  const size_t from = first_option(row, request, announced);
  if (from == announced) return {};
  if (from == 0 || from > announced) return kUnclear;
  // Redis refuses two different expiries; of one word that is repeated only the last is read.
  Ttl ttl;
  WordWalk walk(row.options, request, announced, from);
  for (auto step = walk.next(); step != WordWalk::Step::kEnd; step = walk.next()) {
    if (step != WordWalk::Step::kWord) return kUnclear;
    const Ttl found = meaning_of(walk.option().word, walk.at() + 1);
    if (found.kind == Ttl::Kind::kNone) continue;
    const bool repeated = ttl.kind == found.kind && ttl.unit == found.unit && ttl.base == found.base;
    if (ttl.kind != Ttl::Kind::kNone && !repeated) return kUnclear;
    ttl = found;
  }
  return ttl.kind == Ttl::Kind::kGiven ? given(request, ttl.at, ttl.unit, ttl.base) : ttl;
}

}  // namespace

size_t options_begin(const Row& row, const resp::Request& request, size_t announced) {
  return first_option(row, request, announced);
}

Ttl TtlWords::next(std::string_view argument, size_t at) {
  if (at < next_) return {};
  const auto stop = [this] {
    next_ = SIZE_MAX;
    return kUnclear;
  };
  for (; next_ < at; ++next_) {
    if (owed_ == 0 || pending_.kind == Ttl::Kind::kGiven) return stop();
    --owed_;
  }
  ++next_;
  if (owed_ > 0) {
    --owed_;
    Ttl ttl = std::exchange(pending_, Ttl{});
    if (ttl.kind == Ttl::Kind::kGiven && !resp::parse_integer(argument, ttl.value)) return stop();
    return ttl;
  }
  for (const Option& option : words_) {
    if (!is_word(argument, option.word)) continue;
    const Ttl meaning = meaning_of(option.word, at + 1);
    owed_ = option.arguments;
    if (meaning.kind != Ttl::Kind::kGiven) return meaning;
    pending_ = meaning;
    return {};
  }
  return stop();
}

Ttl find_ttl(const Row& row, const resp::Request& request, size_t announced) {
  switch (row.expiry) {
    case Expiry::kNone:
      return {};
    case Expiry::kPositional:
      return positional(row, request, announced);
    case Expiry::kOptions:
      return optional(row, request, announced);
  }
  return {};
}

Leaves leaves_of(const Row& row, const Ttl& ttl) {
  if (row.leaves == Leaves::kNothing || row.expiry == Expiry::kNone) return row.leaves;
  switch (ttl.kind) {
    case Ttl::Kind::kUnclear:
    case Ttl::Kind::kPersist:
      return Leaves::kBehind;
    case Ttl::Kind::kKeep:
      return Leaves::kNothing;
    case Ttl::Kind::kGiven:
      return row.leaves == Leaves::kArgument && ttl.value == 0 ? Leaves::kArgument : Leaves::kNothing;
    case Ttl::Kind::kNone:
      return row.leaves == Leaves::kPersists ? Leaves::kNothing : row.leaves;
  }
  return row.leaves;
}

}  // namespace keyshift::command
