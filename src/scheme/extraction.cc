#include "extraction.h"

#include <algorithm>

#include "ambiguity.h"
#include "keyshift/base/check.h"

namespace keyshift::scheme {
namespace {

bool is_prefix(std::string_view of, std::string_view prefix) {
  return of.substr(0, prefix.size()) == prefix;
}
bool is_suffix(std::string_view of, std::string_view suffix) {
  return of.size() >= suffix.size() && of.substr(of.size() - suffix.size()) == suffix;
}

}  // namespace

// Peels pieces from both ends of a template. first_ and last_ bound what is left.
class ExtractionPlanner {
 public:
  explicit ExtractionPlanner(const Template& made)
      : made_(made),
        pieces_(made.pieces()),
        captures_(made.captures()),
        last_(made.pieces().size()),
        remaining_(captures_.size()) {}

  tl::expected<Extraction, TemplateError> run() {
    while (remaining_ > 1 && peel_left()) {
    }
    while (remaining_ > 1 && peel_right()) {
    }
    if (remaining_ > 1) {
      if (auto error = ambiguity_error(made_)) return tl::make_unexpected(std::move(*error));
      table();
    }
    if (remaining_ == 1) rest();
    return std::move(plan_);
  }

 private:
  using Step = Extraction::Step;
  using Kind = Extraction::Kind;

  const Capture& capture_of(const Piece& piece) const {
    return captures_[static_cast<size_t>(piece.capture)];
  }

  bool peel_left() {
    const size_t skip = pieces_[first_].is_literal() ? 1 : 0;
    const Piece& piece = pieces_[first_ + skip];
    Step step{Kind::kFixed, true, static_cast<uint8_t>(piece.capture)};
    if (skip != 0) step.skip = static_cast<uint32_t>(pieces_[first_].literal.size());
    if (!read_left(capture_of(piece), first_ + skip + 1, step)) return false;
    plan_.steps_.push_back(step);
    first_ += skip + 1;
    --remaining_;
    return true;
  }

  // Is it certain where the capture ends that `next` follows? Sets how in `step`.
  bool read_left(const Capture& capture, size_t next, Step& step) {
    if (const uint32_t length = fixed_length(capture)) {
      step.kind = Kind::kFixed;
      step.back = length;
      return true;
    }
    const ByteSet later = later_bytes(capture);
    const std::string literal = pieces_[next].is_literal() ? pieces_[next].literal : "";
    size_t run_over = 0;
    while (run_over < literal.size() && later[static_cast<unsigned char>(literal[run_over])]) ++run_over;
    const size_t behind = literal.empty() ? next : next + 1;
    const bool certain = run_over < literal.size() ||
                         (behind < last_ && (first_bytes(capture_of(pieces_[behind])) & later).none());
    if (capture.type == CaptureType::kList) return read_word(capture, literal, step);
    if (!certain) return false;
    const bool colon = capture.type == CaptureType::kSeg && run_over < literal.size();
    step.kind = colon ? Kind::kToColon : Kind::kWhile;
    step.back = static_cast<uint32_t>(run_over);
    step.table = static_cast<uint32_t>(plan_.sets_.size());
    if (!colon) plan_.sets_.push_back(later);
    return true;
  }

  // A word is certain if no word, with what follows, begins another with what follows.
  bool read_word(const Capture& capture, const std::string& literal, Step& step) {
    for (const std::string& one : capture.words) {
      for (const std::string& two : capture.words) {
        if (one != two && is_prefix(two + literal, one + literal)) return false;
      }
    }
    step.kind = Kind::kWord;
    step.table = static_cast<uint32_t>(plan_.words_.size());
    plan_.words_.push_back({capture.words, literal});
    return true;
  }

  bool peel_right() {
    const size_t skip = pieces_[last_ - 1].is_literal() ? 1 : 0;
    const Piece& piece = pieces_[last_ - 1 - skip];
    Step step{Kind::kFixed, false, static_cast<uint8_t>(piece.capture)};
    if (skip != 0) step.skip = static_cast<uint32_t>(pieces_[last_ - 1].literal.size());
    if (!read_right(capture_of(piece), last_ - 1 - skip, step)) return false;
    plan_.steps_.push_back(step);
    last_ -= skip + 1;
    --remaining_;
    return true;
  }

  // Is it certain where the capture at `own` begins?
  bool read_right(const Capture& capture, size_t own, Step& step) {
    if (const uint32_t length = fixed_length(capture)) {
      step.kind = Kind::kFixed;
      step.back = length;
      return true;
    }
    const std::string literal = pieces_[own - 1].is_literal() ? pieces_[own - 1].literal : "";
    if (capture.type == CaptureType::kList) return read_word_right(capture, literal, step);
    const ByteSet bytes = alphabet(capture);
    size_t run_over = 0;
    while (run_over < literal.size() &&
           bytes[static_cast<unsigned char>(literal[literal.size() - 1 - run_over])]) {
      ++run_over;
    }
    const size_t before = literal.empty() ? own : own - 1;  // the piece before the literal is at before - 1
    const bool certain = run_over < literal.size() ||
                         (before > first_ && (last_bytes(capture_of(pieces_[before - 1])) & bytes).none());
    if (!certain) return false;
    step.kind = Kind::kWhile;
    step.back = static_cast<uint32_t>(run_over);
    step.table = static_cast<uint32_t>(plan_.sets_.size());
    plan_.sets_.push_back(bytes);
    return true;
  }

  bool read_word_right(const Capture& capture, const std::string& literal, Step& step) {
    for (const std::string& one : capture.words) {
      for (const std::string& two : capture.words) {
        if (one != two && is_suffix(literal + two, literal + one)) return false;
      }
    }
    step.kind = Kind::kWord;
    step.table = static_cast<uint32_t>(plan_.words_.size());
    plan_.words_.push_back({capture.words, literal});
    return true;
  }

  // One capture, perhaps with a literal on either side.
  void rest() {
    Step step{Kind::kRest, true};
    if (pieces_[first_].is_literal()) step.skip = static_cast<uint32_t>(pieces_[first_++].literal.size());
    if (pieces_[last_ - 1].is_literal()) step.back = static_cast<uint32_t>(pieces_[last_ - 1].literal.size());
    step.capture = static_cast<uint8_t>(pieces_[first_].capture);
    plan_.steps_.push_back(step);
  }

  // Several captures, none certain from a side.
  void table() {
    Step step{Kind::kTable, true};
    plan_.steps_.push_back(step);
    plan_.tables_.emplace_back(made_, first_, last_);
  }

  const Template& made_;
  const std::vector<Piece>& pieces_;
  const std::vector<Capture>& captures_;
  size_t first_ = 0;
  size_t last_;
  size_t remaining_;
  Extraction plan_;
};

tl::expected<Extraction, TemplateError> Extraction::plan(const Template& made) {
  return ExtractionPlanner(made).run();
}

uint32_t Extraction::word_length(const Step& step, std::string_view key, uint32_t left,
                                 uint32_t right) const {
  const Words& choice = words_[step.table];
  const std::string_view here = key.substr(left, right - left);
  for (const std::string& word : choice.words) {
    const size_t both = word.size() + choice.neighbour.size();
    if (here.size() < both) continue;
    if (step.from_left) {
      if (is_prefix(here, word) && is_prefix(here.substr(word.size()), choice.neighbour)) {
        return static_cast<uint32_t>(word.size());
      }
    } else if (is_suffix(here, word) &&
               is_suffix(here.substr(0, here.size() - word.size()), choice.neighbour)) {
      return static_cast<uint32_t>(word.size());
    }
  }
  KEYSHIFT_CHECK(false, "a key that fits its template has none of its words");
  return 0;
}

void Extraction::rare(const Step& step, std::string_view key, Span* captures, uint32_t& left,
                      uint32_t& right) const {
  if (step.kind == Kind::kTable) return tables_[step.table].run(key.substr(0, right), left, captures);
  uint32_t length = step.back;  // kFixed
  if (step.kind == Kind::kWord) {
    length = word_length(step, key, left, right);
  } else if (step.kind == Kind::kWhile && step.from_left) {
    const ByteSet& later = sets_[step.table];
    uint32_t end = left + 1;
    while (end < right && later[static_cast<unsigned char>(key[end])]) ++end;
    length = end - step.back - left;
  } else if (step.kind == Kind::kWhile) {
    const ByteSet& bytes = sets_[step.table];
    uint32_t begin = right;
    while (begin > left && bytes[static_cast<unsigned char>(key[begin - 1])]) --begin;
    length = right - (begin + step.back);
  }
  if (step.from_left) {
    captures[step.capture] = {left, length};
    left += length;
  } else {
    right -= length;
    captures[step.capture] = {right, length};
  }
}

}  // namespace keyshift::scheme
