#include "keyshift/command/table.h"

#include <bit>
#include <cstring>

#include "keyshift/base/check.h"
#include "learned.h"
#include "rows.h"

namespace keyshift::command {
namespace {

// Longer names are not looked up.
constexpr size_t kMaxNameBytes = 128;

// Eight bytes at once: adds 32 to each byte that is 'A'..'Z' and leaves all others, so that nothing but case
// is folded.
[[gnu::always_inline]] inline uint64_t lower(uint64_t bytes) {
  constexpr uint64_t kEach = 0x0101010101010101U;
  const uint64_t low7 = bytes & (kEach * 0x7f);
  const uint64_t from_a = low7 + kEach * (0x80 - 'A');          // bit 7 set where low7 >= 'A'
  const uint64_t behind_z = low7 + kEach * (0x80 - ('Z' + 1));  // bit 7 set where low7 > 'Z'
  return bytes | ((from_a & ~behind_z & ~bytes & (kEach * 0x80)) >> 2);
}

uint64_t load(const char* bytes) {
  uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// What identifies a name of up to eight bytes together with its length. Requires: 0 < size.
[[gnu::always_inline]] inline uint64_t bytes_of(std::string_view name) {
  const char* p = name.data();
  const size_t n = name.size();
  if (n >= 4) return lower(load(p) | load(p + n - 4) << 32);
  const auto at = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
  return lower(at(0) | at(n / 2) << 8 | at(n - 1) << 16);
}

uint64_t hash_of(uint64_t bytes, uint32_t tag, uint64_t multiplier) {
  return (bytes ^ tag * 0xc2b2ae3d27d4eb4fU) * multiplier;
}

// The part of a row's name behind its container's.
std::string_view own_name(const Row& row) {
  const size_t bar = row.name.find('|');
  return bar == std::string_view::npos ? row.name : row.name.substr(bar + 1);
}

// Compares what a slot does not hold of a name of more than eight bytes. Requires: the row's own name is as
// long.
bool middle_is(std::string_view name, const Row& row) {
  const std::string_view own = row.name.substr(row.name.size() - name.size());
  for (size_t i = 4; i + 4 < name.size(); i += 4) {
    if (lower(load(name.data() + i)) != load(own.data() + i)) return false;
  }
  return true;
}

}  // namespace

// Most names are what stands where their hash says; only the others need the loop, and its registers.
[[gnu::always_inline]] inline uint32_t Table::look_up(std::string_view name, uint32_t parent) const {
  if (name.empty() || name.size() > kMaxNameBytes) return 0;
  const uint64_t bytes = bytes_of(name);
  const uint32_t tag = parent << 16 | static_cast<uint32_t>(name.size());
  const size_t at = hash_of(bytes, tag, multiplier_) >> shift_;
  const Slot& slot = slots_.data()[at];
  if (slot.bytes == bytes && slot.tag == tag && name.size() <= 8) return slot.number;
  return probe(name, {bytes, tag, 0}, at);
}

const Table& Table::built_in() {
  static const Table* table = [] {
    auto* made = new Table();
    for (const Row& row : built_in_rows()) made->add(row);
    made->index();
    return made;
  }();
  return *table;
}

Table::~Table() = default;

void Table::add(const Row& row) {
  KEYSHIFT_CHECK(rows_.size() < UINT16_MAX, "more rows than a slot can number");
  rows_.push_back(&row);
}

// Tries some multipliers and keeps the one whose names stand closest to where their hash says. Adds nothing
// at run time and makes most names stand exactly there.
void Table::index() {
  constexpr int kTries = 32;
  // At most half full, so a probe is short whatever happens.
  const size_t count = std::bit_ceil(rows_.size() * 2 + 1);
  mask_ = count - 1;
  shift_ = static_cast<uint32_t>(64 - std::countr_zero(count));
  uint64_t candidate = 0xd6e8feb86659fd93U;
  uint64_t best = candidate;
  size_t least = SIZE_MAX;
  for (int i = 0; i < kTries; ++i, candidate = candidate * 0x5851f42d4c957f2dU | 1) {
    const size_t displaced = fill(candidate);
    if (displaced < least) {
      least = displaced;
      best = candidate;
    }
  }
  fill(best);
}

// Fills the slots and returns by how many places names stand behind where their hash says.
size_t Table::fill(uint64_t multiplier) {
  multiplier_ = multiplier;
  slots_.assign(mask_ + 1, Slot());
  size_t displaced = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = *rows_[i];
    uint32_t parent = 0;
    if (const size_t bar = row.name.find('|'); bar != std::string_view::npos) {
      parent = look_up(row.name.substr(0, bar), 0);
      KEYSHIFT_CHECK(parent != 0, row.name);
    }
    const std::string_view name = own_name(row);
    const uint64_t bytes = bytes_of(name);
    const uint32_t tag = parent << 16 | static_cast<uint32_t>(name.size());
    size_t at = hash_of(bytes, tag, multiplier) >> shift_;
    for (; slots_[at].number != 0; at = (at + 1) & mask_) ++displaced;
    slots_[at] = {bytes, tag, static_cast<uint32_t>(i + 1)};
  }
  return displaced;
}

[[gnu::noinline]] uint32_t Table::probe(std::string_view name, const Slot& wanted, size_t at) const {
  for (;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.number == 0) return 0;
    if (slot.bytes != wanted.bytes || slot.tag != wanted.tag) continue;
    if (name.size() <= 8 || middle_is(name, *rows_[slot.number - 1])) return slot.number;
  }
}

Match Table::find(std::string_view name, std::string_view first_argument) const {
  const uint32_t number = look_up(name, 0);
  if (number == 0) return {nullptr, Match::Outcome::kUnknownCommand};
  const Row* row = rows_[number - 1];
  if (!row->is(Row::kContainer) || first_argument.data() == nullptr) return {row, Match::Outcome::kFound};
  return find_subcommand(number, first_argument);
}

[[gnu::noinline]] Match Table::find_subcommand(uint32_t container, std::string_view name) const {
  if (const uint32_t sub = look_up(name, container); sub != 0)
    return {rows_[sub - 1], Match::Outcome::kFound};
  const Row* row = rows_[container - 1];
  return {row, row->is(Row::kOpen) ? Match::Outcome::kFound : Match::Outcome::kUnknownSubcommand};
}

Result<std::shared_ptr<const Table>> Table::learn(std::string_view command_reply) const {
  auto learned = std::make_shared<Learned>();
  learned->base = learned_;
  const auto known = [this](std::string_view full_name) { return find_full(full_name); };
  if (auto error = learn_rows(command_reply, known, *learned); !error.empty()) return fail(std::move(error));
  std::shared_ptr<Table> made(new Table());
  made->rows_ = rows_;
  for (const Row& row : learned->rows) made->add(row);
  made->learned_ = std::move(learned);
  made->index();
  return std::shared_ptr<const Table>(std::move(made));
}

const Row* Table::find_full(std::string_view full_name) const {
  const size_t bar = full_name.find('|');
  const uint32_t number = look_up(full_name.substr(0, bar), 0);
  if (number == 0 || bar == std::string_view::npos) return number == 0 ? nullptr : rows_[number - 1];
  const uint32_t sub = look_up(full_name.substr(bar + 1), number);
  return sub == 0 ? nullptr : rows_[sub - 1];
}

}  // namespace keyshift::command
