#include "automaton.h"

#include <algorithm>

namespace keyshift::scheme {

uint32_t Automaton::add_state() {
  first_edge_.push_back(kNone);
  accepts_.push_back(kNone);
  return static_cast<uint32_t>(first_edge_.size() - 1);
}

void Automaton::add_edge(uint32_t from, ByteKind kind, uint32_t to, unsigned char byte) {
  edges_.push_back({kind, byte, to, first_edge_[from]});
  first_edge_[from] = static_cast<uint32_t>(edges_.size() - 1);
}

void Automaton::connect(const Front& front, ByteKind kind, uint32_t to, unsigned char byte) {
  for (const uint32_t from : front) add_edge(from, kind, to, byte);
}

void Automaton::one(Front& front, ByteKind kind, unsigned char byte) {
  const uint32_t state = add_state();
  connect(front, kind, state, byte);
  front.assign(1, state);
}

void Automaton::repeat(Front& front, ByteKind kind) {
  one(front, kind);
  add_edge(front[0], kind, front[0]);
}

void Automaton::literal(Front& front, std::string_view bytes) {
  for (const char byte : bytes) one(front, ByteKind::kByte, static_cast<unsigned char>(byte));
}

void Automaton::integer(Front& front) {
  const uint32_t minus = add_state();
  connect(front, ByteKind::kByte, minus, '-');
  front.push_back(minus);
  repeat(front, ByteKind::kDigit);
}

// YYYY, then 0[1-9] or 1[0-2], then 0[1-9], [12][0-9] or 3[01].
void Automaton::date(Front& front) {
  for (int i = 0; i < 4; ++i) one(front, ByteKind::kDigit);
  Front early = front;
  one(early, ByteKind::kByte, '0');
  one(front, ByteKind::kByte, '1');
  const uint32_t month = add_state();
  connect(early, ByteKind::kOneToNine, month);
  connect(front, ByteKind::kZeroToTwo, month);
  Front first(1, month);
  Front middle = first;
  Front last = first;
  one(first, ByteKind::kByte, '0');
  one(middle, ByteKind::kOneTwo);
  one(last, ByteKind::kByte, '3');
  const uint32_t day = add_state();
  connect(first, ByteKind::kOneToNine, day);
  connect(middle, ByteKind::kDigit, day);
  connect(last, ByteKind::kZeroOne, day);
  front.assign(1, day);
}

// Words are sorted, so what one has in common with all before it, it has in common with the last: a tree. Their last
// bytes lead to one state, so that what follows a list has one beginning, not one for each word.
void Automaton::words(Front& front, const std::vector<std::string>& words) {
  const uint32_t end = add_state();
  std::string_view before;
  std::vector<uint32_t> path;  // the state behind each byte of `before` but the last
  for (const std::string& word : words) {
    const auto [differs, _] = std::mismatch(word.begin(), word.end(), before.begin(), before.end());
    path.resize(std::min(path.size(), static_cast<size_t>(differs - word.begin())));
    const auto here = [&] { return path.empty() ? front : Front(1, path.back()); };
    while (path.size() + 1 < word.size()) {
      Front next = here();
      one(next, ByteKind::kByte, static_cast<unsigned char>(word[path.size()]));
      path.push_back(next[0]);
    }
    connect(here(), ByteKind::kByte, end, static_cast<unsigned char>(word.back()));
    before = word;
  }
  front.assign(1, end);
}

void Automaton::capture(Front& front, const Capture& capture) {
  switch (capture.type) {
    case CaptureType::kSeg:
      return repeat(front, ByteKind::kNoColon);
    case CaptureType::kAny:
      return repeat(front, ByteKind::kAll);
    case CaptureType::kHex:
      return repeat(front, ByteKind::kHex);
    case CaptureType::kInt:
      return integer(front);
    case CaptureType::kDate:
      return date(front);
    case CaptureType::kList:
      return words(front, capture.words);
    case CaptureType::kUuid:
      for (int i = 0; i < 36; ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        one(front, dash ? ByteKind::kByte : ByteKind::kHex, '-');
      }
      return;
  }
}

std::vector<uint32_t> Automaton::add(const Template& made, uint32_t id) {
  Front front(1, 0);
  std::vector<uint32_t> first_states;
  for (const Piece& piece : made.pieces()) {
    first_states.push_back(static_cast<uint32_t>(size()));
    if (piece.is_literal()) {
      literal(front, piece.literal);
    } else {
      capture(front, made.captures()[static_cast<size_t>(piece.capture)]);
    }
  }
  for (const uint32_t state : front) accepts_[state] = id;
  return first_states;
}

void Automaton::add_prefix(std::string_view prefix, bool exact, uint32_t id) {
  Front front(1, 0);
  literal(front, prefix.substr(0, prefix.size() - 1));
  if (exact) accepts_[front[0]] = id;
  literal(front, prefix.substr(prefix.size() - 1));
  accepts_[front[0]] = id;
  add_edge(front[0], ByteKind::kAll, front[0]);
}

}  // namespace keyshift::scheme
