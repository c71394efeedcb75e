#include "table_reading.h"

#include <algorithm>
#include <bit>

#include "byte_set.h"
#include "keyshift/base/check.h"

namespace keyshift::scheme {
namespace {

constexpr uint64_t bit(size_t piece) {
  return uint64_t{1} << piece;
}

bool is_uuid(std::string_view text) {
  for (size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !in_kind(ByteKind::kHex, static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

bool is_date(std::string_view text) {
  for (const char byte : text.substr(0, 8)) {
    if (byte < '0' || byte > '9') return false;
  }
  const int month = (text[4] - '0') * 10 + (text[5] - '0');
  const int day = (text[6] - '0') * 10 + (text[7] - '0');
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

}  // namespace

TableReading::TableReading(const Template& made, size_t first, size_t last) {
  for (size_t piece = first; piece < last; ++piece) {
    const Piece& here = made.pieces()[piece];
    const uint64_t own = bit(piece - first);
    if (here.is_literal()) {
      steps_.push_back({Kind::kLiteral, 0, {here.literal}});
      begins_[static_cast<unsigned char>(here.literal[0])] |= own;
      reach_ = std::max(reach_, here.literal.size());
      continue;
    }
    const Capture& capture = made.captures()[static_cast<size_t>(here.capture)];
    Step step{Kind::kRepeat, static_cast<uint8_t>(here.capture), {}};
    switch (capture.type) {
      case CaptureType::kInt:
        step.kind = Kind::kInt;
        ints_ |= own;
        break;
      case CaptureType::kUuid:
        step.kind = Kind::kUuid;
        reach_ = std::max(reach_, size_t{36});
        break;
      case CaptureType::kDate:
        step.kind = Kind::kDate;
        reach_ = std::max(reach_, size_t{8});
        break;
      case CaptureType::kList:
        step.kind = Kind::kList;
        step.words = capture.words;
        for (const std::string& word : capture.words) reach_ = std::max(reach_, word.size());
        break;
      default:
        break;
    }
    const bool repeats = step.kind == Kind::kRepeat || step.kind == Kind::kInt;
    const ByteSet bytes = repeats ? later_bytes(capture) : first_bytes(capture);
    for (size_t byte = 0; byte < 256; ++byte) {
      if (bytes[byte]) (repeats ? repeats_ : begins_)[byte] |= own;
    }
    steps_.push_back(std::move(step));
  }
}

// One key's table. Places are counted from the front of `rest`; words_[0] is that of begin_.
class ReadingTable {
 public:
  ReadingTable(const TableReading& reading, std::string_view rest)
      : reading_(reading), rest_(rest), words_(scratch()) {
    const size_t room = std::min(rest.size(), kBlock) + reading.reach_ + 1;
    if (words_.size() < room) words_.resize(room);
    const size_t blocks = std::max<size_t>(1, (rest.size() + kBlock - 1) / kBlock);
    borders_.resize(blocks - 1);
    for (size_t block = blocks - 1;; --block) {
      load(block);
      if (block == 0) break;
      Border& border = borders_[block - 1];
      border.run = run_;
      border.words.assign(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(reading.reach_));
    }
  }

  // Can `piece` and all behind it match from `place` on? Places are asked for in order, no more than reach_ back.
  bool can(size_t piece, size_t place) {
    if (place >= end_ + reading_.reach_) load(place / kBlock);
    return (words_[place - begin_] & bit(piece)) != 0;
  }
  // Bytes of the value of a piece of certain lengths at `place` behind which the rest can match; 0: there is none.
  size_t fixed(size_t piece, size_t place) const {
    const TableReading::Step& step = reading_.steps_[piece];
    const auto goes_on = [&](size_t length) {
      return place + length <= rest_.size() && (words_[place + length - begin_] & bit(piece + 1)) != 0;
    };
    switch (step.kind) {
      case TableReading::Kind::kUuid:
        return goes_on(36) && is_uuid(rest_.substr(place)) ? 36 : 0;
      case TableReading::Kind::kDate:
        return goes_on(8) && is_date(rest_.substr(place)) ? 8 : 0;
      default:
        for (const std::string& word : step.words) {
          if (goes_on(word.size()) && rest_.compare(place, word.size(), word) == 0) return word.size();
        }
        return 0;
    }
  }

  // Nothing before `place` will be asked for any more.
  void pass(size_t place) {
    if (place >= end_ && place < rest_.size()) load(place / kBlock);
  }

 private:
  static constexpr size_t kBlock = TableReading::kBlock;

  struct Border {
    std::vector<uint64_t> words;  // of the first places of the block behind it
    uint64_t run;
  };

  static std::vector<uint64_t>& scratch() {
    thread_local std::vector<uint64_t> words;
    return words;
  }

  void load(size_t block) {
    begin_ = block * kBlock;
    end_ = std::min(begin_ + kBlock, rest_.size());
    const auto behind = words_.begin() + static_cast<std::ptrdiff_t>(end_ - begin_);
    if (block < borders_.size()) {
      std::copy(borders_[block].words.begin(), borders_[block].words.end(), behind);
      run_ = borders_[block].run;
    } else {
      std::fill_n(behind, reading_.reach_ + 1, 0);
      *behind = bit(reading_.steps_.size());
      run_ = 0;
    }
    fill();
  }

  // run_: the pieces of any length whose value, begun earlier, may continue at the place behind.
  void fill() {
    uint64_t run = run_;
    for (size_t place = end_; place-- > begin_;) {
      const auto byte = static_cast<unsigned char>(rest_[place]);
      const uint64_t run_behind = run;
      run = reading_.repeats_[byte] & ((words_[place + 1 - begin_] >> 1) | run_behind);
      uint64_t now = run;
      if (byte == '-') now |= run_behind & reading_.ints_;
      for (uint64_t open = reading_.begins_[byte]; open != 0; open &= open - 1) {
        const auto piece = static_cast<size_t>(std::countr_zero(open));
        if (fixed(piece, place) != 0) now |= bit(piece);
      }
      words_[place - begin_] = now;
    }
    run_ = run;
  }

  const TableReading& reading_;
  const std::string_view rest_;
  std::vector<uint64_t>& words_;
  std::vector<Border> borders_;  // by block, but the last
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t run_ = 0;
};

void TableReading::run(std::string_view key, uint32_t from, Span* captures) const {
  const std::string_view rest = key.substr(from);
  ReadingTable table(*this, rest);
  size_t place = 0;
  for (size_t piece = 0; piece < steps_.size(); ++piece) {
    const Step& step = steps_[piece];
    const size_t begin = place;
    KEYSHIFT_CHECK(table.can(piece, place), "a key that fits its template has a reading");
    if (step.kind == Kind::kRepeat || step.kind == Kind::kInt) {
      place += step.kind == Kind::kInt && rest[place] == '-' ? 2 : 1;
      while (!table.can(piece + 1, place)) ++place;
    } else {
      place += table.fixed(piece, place);
    }
    table.pass(place);
    if (step.kind != Kind::kLiteral) {
      captures[step.capture] = {from + static_cast<uint32_t>(begin), static_cast<uint32_t>(place - begin)};
    }
  }
}

}  // namespace keyshift::scheme
