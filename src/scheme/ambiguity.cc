#include "ambiguity.h"

#include <algorithm>

#include "automaton.h"
#include "witness.h"

namespace keyshift::scheme {
namespace {

constexpr uint16_t kNoByte = 256;  // two edges have no byte in common

// What two edges have in common, as ranks: a byte's place in pleasant_bytes().
class CommonBytes {
 public:
  CommonBytes() {
    for (uint16_t rank = 0; rank < 256; ++rank) rank_[pleasant_bytes()[rank]] = rank;
    for (size_t one = 0; one < kWideKinds; ++one) {
      for (size_t two = 0; two < kWideKinds; ++two) {
        const ByteSet both = bytes_of(static_cast<ByteKind>(one)) & bytes_of(static_cast<ByteKind>(two));
        uint16_t rank = 0;
        while (rank < 256 && !both[pleasant_bytes()[rank]]) ++rank;
        wide_[one][two] = rank;
      }
    }
  }

  // The rank of the most pleasant byte that both take, or kNoByte.
  uint16_t rank(const Automaton::Edge& one, const Automaton::Edge& two) const {
    if (one.kind == ByteKind::kByte) return two.takes(one.byte) ? rank_[one.byte] : kNoByte;
    if (two.kind == ByteKind::kByte) return one.takes(two.byte) ? rank_[two.byte] : kNoByte;
    return wide_[static_cast<size_t>(one.kind)][static_cast<size_t>(two.kind)];
  }

 private:
  std::array<uint16_t, 256> rank_{};
  std::array<std::array<uint16_t, kWideKinds>, kWideKinds> wide_{};
};

const CommonBytes& common_bytes() {
  static const CommonBytes common;
  return common;
}

// The search. States are found breadth first and by rank of the bytes, so the first proof is the most pleasant of the
// shortest.
class PairSearch {
 public:
  explicit PairSearch(const Template& made) : made_(made) {
    first_states_ = automaton_.add(made, 0);
    found_.assign(automaton_.size() * (automaton_.size() + 1), false);
  }

  std::optional<Ambiguity> run() {
    visit({0, 0, false, kNone, 0});
    for (uint32_t at = 0; at < pairs_.size(); ++at) {
      const Pair& here = pairs_[at];
      if (here.parted && accepts(here.one) && accepts(here.two)) return proof(at);
      expand(at);
    }
    return std::nullopt;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Pair {
    uint32_t one;
    uint32_t two;
    bool parted;
    uint32_t parent;  // in pairs_
    unsigned char by;
  };
  struct Move {
    uint16_t rank;
    uint32_t one;
    uint32_t two;
  };

  bool accepts(uint32_t state) const { return automaton_.accepts(state) != Automaton::kNone; }

  void visit(const Pair& pair) {
    const size_t place =
        pair.parted ? (size_t{pair.one} + 1) * automaton_.size() + pair.two : size_t{pair.one};
    if (found_[place]) return;
    found_[place] = true;
    pairs_.push_back(pair);
  }

  void expand(uint32_t at) {
    const Pair here = pairs_[at];
    moves_.clear();
    for (uint32_t e = automaton_.first_edge(here.one); e != Automaton::kNone; e = automaton_.edge(e).next) {
      const Automaton::Edge& one = automaton_.edge(e);
      // Before the paths part they are one; then which is called the first means nothing.
      for (uint32_t f = here.parted ? automaton_.first_edge(here.two) : e; f != Automaton::kNone;
           f = automaton_.edge(f).next) {
        const Automaton::Edge& two = automaton_.edge(f);
        const uint16_t rank = common_.rank(one, two);
        if (rank != kNoByte) moves_.push_back({rank, one.target, two.target});
      }
    }
    std::stable_sort(moves_.begin(), moves_.end(),
                     [](const Move& a, const Move& b) { return a.rank < b.rank; });
    for (const Move& move : moves_) {
      visit({move.one, move.two, here.parted || move.one != move.two, at, pleasant_bytes()[move.rank]});
    }
  }

  Ambiguity proof(uint32_t at) const {
    Ambiguity made;
    std::array<std::vector<uint32_t>, 2> paths;
    for (; pairs_[at].parent != kNone; at = pairs_[at].parent) {
      made.key.push_back(static_cast<char>(pairs_[at].by));
      paths[0].push_back(pairs_[at].one);
      paths[1].push_back(pairs_[at].two);
    }
    std::reverse(made.key.begin(), made.key.end());
    for (size_t reading = 0; reading < 2; ++reading) {
      std::reverse(paths[reading].begin(), paths[reading].end());
      made.readings[reading] = captures(paths[reading]);
    }
    // The one that cuts earlier goes first.
    if (cuts_later(made.readings[0], made.readings[1])) std::swap(made.readings[0], made.readings[1]);
    return made;
  }

  // The byte that leads to a state belongs to the state's piece.
  std::vector<Span> captures(const std::vector<uint32_t>& path) const {
    std::vector<Span> spans(made_.captures().size());
    uint32_t begin = 0;
    for (size_t piece = 0; piece < made_.pieces().size(); ++piece) {
      uint32_t end = begin;
      while (end < path.size() && (piece + 1 == first_states_.size() || path[end] < first_states_[piece + 1]))
        ++end;
      const Piece& here = made_.pieces()[piece];
      if (!here.is_literal()) spans[static_cast<size_t>(here.capture)] = {begin, end - begin};
      begin = end;
    }
    return spans;
  }

  bool cuts_later(const std::vector<Span>& one, const std::vector<Span>& two) const {
    for (const Piece& piece : made_.pieces()) {
      if (piece.is_literal()) continue;
      const auto capture = static_cast<size_t>(piece.capture);
      if (one[capture].length != two[capture].length) return one[capture].length > two[capture].length;
    }
    return false;
  }

  const Template& made_;
  Automaton automaton_;
  std::vector<uint32_t> first_states_;  // by piece
  const CommonBytes& common_ = common_bytes();
  std::vector<bool> found_;
  std::vector<Pair> pairs_;
  std::vector<Move> moves_;
};

// ---- what to say

std::string written(const Capture& capture) {
  std::string text = "{" + capture.name;
  if (capture.type == CaptureType::kList) {
    char separator = ':';
    for (const std::string& word : capture.words) {
      text += separator + word;
      separator = '|';
    }
  } else if (capture.type != CaptureType::kSeg) {
    text += ":" + std::string(capture_type_name(capture.type));
  }
  return text + "}";
}

std::string written(std::string_view literal) {
  std::string text;
  for (const char byte : literal) text.append(byte == '{' || byte == '}' ? 2 : 1, byte);
  return text;
}

// The two captures between which the readings part, and what could be written there instead.
class Advice {
 public:
  Advice(const Template& made, const Ambiguity& ambiguity) : made_(made) {
    while (!parts_at(ambiguity, one_)) ++one_;
    two_ = made.pieces()[one_ + 1].is_literal() ? one_ + 2 : one_ + 1;
    between_ = two_ == one_ + 2 ? made.pieces()[one_ + 1].literal : "";
  }

  const Capture& second() const { return capture(two_); }

  std::string text() const {
    const std::string by_type = first_that_works({between_});
    const std::string by_literal = between_.find(':') == std::string::npos
                                       ? first_that_works({":", between_ + ":", ":" + between_})
                                       : "";
    const std::string types = "write " + by_type + " if that is true of the keys, or ";
    const std::string literals = by_literal + " if the names are yours to choose";
    const std::string both = "`{" + capture(one_).name + "}` and `{" + second().name + "}`";
    if (!by_type.empty()) return types + (by_literal.empty() ? "make " + both + " one capture" : literals);
    if (!by_literal.empty()) return "write " + literals + ", or make " + both + " one capture";
    return "make " + both +
           " one capture, or give them types and a literal between them that neither can hold";
  }

  std::string whole() const { return template_with(capture(one_), between_, capture(two_)); }

 private:
  static constexpr size_t kMaxAdvised = 256;

  const Capture& capture(size_t piece) const {
    return made_.captures()[static_cast<size_t>(made_.pieces()[piece].capture)];
  }

  bool parts_at(const Ambiguity& ambiguity, size_t piece) const {
    const Piece& here = made_.pieces()[piece];
    if (here.is_literal()) return false;
    const auto index = static_cast<size_t>(here.capture);
    return ambiguity.readings[0][index].length != ambiguity.readings[1][index].length;
  }

  std::string template_with(const Capture& one, const std::string& between, const Capture& two) const {
    std::string text;
    for (size_t piece = 0; piece < made_.pieces().size(); ++piece) {
      if (piece == one_) {
        text += written(one) + written(between) + written(two);
        piece = two_;
      } else {
        const Piece& here = made_.pieces()[piece];
        text += here.is_literal() ? written(here.literal) : written(capture(piece));
      }
    }
    return text;
  }

  // Only what is proved is advised; for a very long template that would take long.
  std::string first_that_works(const std::vector<std::string>& literals) const {
    if (made_.text().size() > kMaxAdvised) return "";
    const Capture& one = capture(one_);
    const Capture& two = capture(two_);
    for (const std::string& literal : literals) {
      std::vector<std::pair<Capture, Capture>> choices;
      if (literal != between_) choices.emplace_back(one, two);
      for (const CaptureType type : {CaptureType::kSeg, CaptureType::kInt}) {
        if (Capture narrow = two; narrower(narrow, type)) choices.emplace_back(one, narrow);
        if (Capture narrow = one; narrower(narrow, type)) choices.emplace_back(narrow, two);
      }
      for (const auto& [left, right] : choices) {
        const auto made = Template::parse(template_with(left, literal, right));
        if (made && !find_ambiguity(*made))
          return "`" + written(left) + written(literal) + written(right) + "`";
      }
    }
    return "";
  }

  static bool narrower(Capture& capture, CaptureType type) {
    const bool wide =
        capture.type == CaptureType::kAny || (capture.type == CaptureType::kSeg && type != CaptureType::kSeg);
    capture.type = type;
    return wide;
  }

  const Template& made_;
  size_t one_ = 0;  // pieces
  size_t two_ = 0;
  std::string between_;
};

// The captures that the two readings see differently, as one of them sees them.
std::string values(const Template& made, const Ambiguity& ambiguity, size_t reading) {
  std::string text;
  for (const Piece& piece : made.pieces()) {
    if (piece.is_literal()) continue;
    const auto index = static_cast<size_t>(piece.capture);
    const auto value = [&](size_t which) {
      const Span span = ambiguity.readings[which][index];
      return ambiguity.key.substr(span.offset, span.length);
    };
    if (value(0) == value(1)) continue;
    text += (text.empty() ? "" : ", ") + made.captures()[index].name + "=" + quoted(value(reading));
  }
  return text;
}

}  // namespace

std::optional<Ambiguity> find_ambiguity(const Template& made) {
  return PairSearch(made).run();
}

std::optional<TemplateError> ambiguity_error(const Template& made) {
  const std::optional<Ambiguity> ambiguity = find_ambiguity(made);
  if (!ambiguity) return std::nullopt;
  const Advice advice(made, *ambiguity);
  return TemplateError{advice.second().column,
                       "`" + advice.whole() + "` can be read in two ways: " + quoted(ambiguity->key) +
                           " is " + values(made, *ambiguity, 0) + ", or " + values(made, *ambiguity, 1) +
                           "; " + advice.text(),
                       {ambiguity->key}};
}

}  // namespace keyshift::scheme
