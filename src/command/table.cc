#include "keyshift/command/table.h"

#include <bit>
#include <cstring>

#include "keyshift/base/check.h"
#include "learned.h"
#include "rows.h"

namespace keyshift::command {
namespace {

// Four bytes at once: adds 32 to each byte that is 'A'..'Z' and leaves all others, so that nothing but case is folded.
uint32_t lower(uint32_t bytes) {
  const uint32_t low7 = bytes & 0x7f7f7f7fU;
  const uint32_t from_a = low7 + 0x3f3f3f3fU;    // bit 7 set where low7 >= 'A'
  const uint32_t behind_z = low7 + 0x25252525U;  // bit 7 set where low7 > 'Z'
  return bytes | ((from_a & ~behind_z & ~bytes & 0x80808080U) >> 2);
}

uint32_t load(const char* bytes) {
  uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// What identifies a name in a slot. Up to three bytes are spread so that all of them count.
struct Key {
  uint32_t head;
  uint32_t tail;
  uint32_t length;
};

Key key_of(std::string_view name) {
  const char* p = name.data();
  const size_t n = name.size();
  if (n >= 4) return {lower(load(p)), lower(load(p + n - 4)), static_cast<uint32_t>(n)};
  uint32_t bytes = 0;
  if (n > 0) {
    const auto at = [p](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
    bytes = at(0) | at(n / 2) << 8 | at(n - 1) << 16;
  }
  return {lower(bytes), 0, static_cast<uint32_t>(n)};
}

uint64_t hash_of(const Key& key, uint16_t parent) {
  const uint64_t bytes = (uint64_t{key.tail} << 32 | key.head) + uint64_t{key.length} * 0x9e3779b97f4a7c15U;
  return (bytes ^ uint64_t{parent} * 0xc2b2ae3d27d4eb4fU) * 0xd6e8feb86659fd93U;
}

// The part of a row's name behind its container's.
std::string_view own_name(const Row& row) {
  const size_t bar = row.name.find('|');
  return bar == std::string_view::npos ? row.name : row.name.substr(bar + 1);
}

}  // namespace

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

void Table::index() {
  // At most half full, so a probe is short.
  const size_t count = std::bit_ceil(rows_.size() * 2 + 1);
  slots_.assign(count, Slot());
  shift_ = static_cast<uint32_t>(64 - std::countr_zero(count));
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = *rows_[i];
    uint16_t parent = 0;
    if (const size_t bar = row.name.find('|'); bar != std::string_view::npos) {
      parent = look_up(row.name.substr(0, bar), 0);
      KEYSHIFT_CHECK(parent != 0, row.name);
    }
    const Key key = key_of(own_name(row));
    size_t at = hash_of(key, parent) >> shift_;
    while (slots_[at].row != 0) at = (at + 1) & (count - 1);
    slots_[at] = {key.head, key.tail, static_cast<uint16_t>(i + 1), parent, key.length};
  }
}

uint16_t Table::look_up(std::string_view name, uint16_t parent) const {
  const Key key = key_of(name);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash_of(key, parent) >> shift_;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.row == 0) return 0;
    if (slot.head != key.head || slot.tail != key.tail || slot.length != key.length) continue;
    if (slot.parent != parent) continue;
    // Of a name of more than eight bytes the slot does not hold the middle.
    bool same = true;
    if (name.size() > 8) {
      const std::string_view own = own_name(*rows_[slot.row - 1u]);
      for (size_t i = 4; same && i + 4 < name.size(); i += 4) {
        same = lower(load(name.data() + i)) == load(own.data() + i);
      }
    }
    if (same) return slot.row;
  }
}

Match Table::find(std::string_view name, std::string_view first_argument) const {
  const uint16_t number = look_up(name, 0);
  if (number == 0) return {nullptr, Match::Outcome::kUnknownCommand};
  const Row* row = rows_[number - 1u];
  if (!row->is(Row::kContainer) || first_argument.data() == nullptr) return {row, Match::Outcome::kFound};
  if (const uint16_t sub = look_up(first_argument, number); sub != 0) {
    return {rows_[sub - 1u], Match::Outcome::kFound};
  }
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
  const uint16_t number = look_up(full_name.substr(0, bar), 0);
  if (number == 0 || bar == std::string_view::npos) return number == 0 ? nullptr : rows_[number - 1u];
  const uint16_t sub = look_up(full_name.substr(bar + 1), number);
  return sub == 0 ? nullptr : rows_[sub - 1u];
}

}  // namespace keyshift::command
