#include "glob_translation.h"

#include "byte_set.h"
#include "keyshift/scheme/glob.h"

namespace keyshift::scheme {
namespace {

// What is known of one capture's value.
struct Fragment {
  std::string left;
  std::string right;
  bool whole = false;  // `left` or `right` is all of it

  std::string text() const { return whole ? left + right : left + "*" + right; }
};

class Alignment {
 public:
  Alignment(const GlobTokens& glob, const Template& names)
      : glob_(glob), pieces_(names.pieces()), captures_(names.captures()), fragments_(captures_.size()) {}

  std::vector<Fragment> run() {
    while (stop_ < pieces_.size() && from_left(pieces_[stop_])) ++stop_;
    size_t right = pieces_.size();
    while (right > stop_ + 1 && from_right(right - 1)) --right;
    // The capture in which the left came to a stop is reached from the right too: the tokens that neither side has used
    // are its value's.
    if (right == stop_ + 1 && stop_ < pieces_.size() && !pieces_[stop_].is_literal()) {
      Fragment& fragment = fragment_of(pieces_[stop_]);
      for (; token_ + end_ < glob_.size(); ++token_) fragment.left += glob_[token_].text;
      fragment.whole = true;
    }
    return std::move(fragments_);
  }

 private:
  const Capture& capture_of(const Piece& piece) const {
    return captures_[static_cast<size_t>(piece.capture)];
  }
  Fragment& fragment_of(const Piece& piece) { return fragments_[static_cast<size_t>(piece.capture)]; }

  // May the capture at `index` not take the byte that its right neighbour begins with?
  bool ends_clearly(size_t index, const ByteSet& later) const {
    const Piece& next = pieces_[index + 1];
    if (next.is_literal()) return !later[static_cast<unsigned char>(next.literal.front())];
    return (first_bytes(capture_of(next)) & later).none();
  }
  bool begins_clearly(size_t index, const ByteSet& bytes) const {
    if (index == 0) return false;
    const Piece& before = pieces_[index - 1];
    if (before.is_literal()) return !bytes[static_cast<unsigned char>(before.literal.back())];
    return (last_bytes(capture_of(before)) & bytes).none();
  }

  // Lays tokens along one piece; false where it must stop.
  bool from_left(const Piece& piece) {
    if (piece.is_literal()) {
      for (size_t i = 0; i < piece.literal.size(); ++i, ++token_) {
        if (token_ == glob_.size() || glob_[token_].star) return false;
      }
      return true;
    }
    Fragment& fragment = fragment_of(piece);
    if (stop_ + 1 == pieces_.size()) {
      for (; token_ < glob_.size(); ++token_) fragment.left += glob_[token_].text;
      return fragment.whole = true;
    }
    const Capture& capture = capture_of(piece);
    const uint32_t fixed = fixed_length(capture);
    const ByteSet later = later_bytes(capture);
    const bool clear = ends_clearly(stop_, later);
    for (uint32_t taken = 0; fixed == 0 || taken < fixed; ++taken, ++token_) {
      if (token_ == glob_.size() || glob_[token_].star) return false;
      const ByteSet& bytes = glob_[token_].bytes;
      if (fixed == 0 && taken > 0) {
        if ((bytes & later).none()) break;
        if (!clear || (bytes & ~later).any()) return false;
      }
      fragment.left += glob_[token_].text;
    }
    return fragment.whole = true;
  }

  // The same from the right, over tokens that the left has not used. `end_` counts tokens that the right has used.
  bool from_right(size_t index) {
    const auto used_up = [this] {
      return glob_.size() - end_ == token_ || glob_[glob_.size() - end_ - 1].star;
    };
    const Piece& piece = pieces_[index];
    if (piece.is_literal()) {
      for (size_t i = 0; i < piece.literal.size(); ++i, ++end_) {
        if (used_up()) return false;
      }
      return true;
    }
    Fragment& fragment = fragment_of(piece);
    const Capture& capture = capture_of(piece);
    const uint32_t fixed = fixed_length(capture);
    const ByteSet bytes = alphabet(capture);
    const bool clear = begins_clearly(index, bytes);
    for (uint32_t taken = 0; fixed == 0 || taken < fixed; ++taken, ++end_) {
      if (used_up()) return false;
      const GlobToken& token = glob_[glob_.size() - end_ - 1];
      if (fixed == 0 && taken > 0) {
        if ((token.bytes & bytes).none()) break;
        if (!clear || (token.bytes & ~bytes).any()) return false;
      }
      fragment.right = token.text + fragment.right;
    }
    return fragment.whole = true;
  }

  const GlobTokens& glob_;
  const std::vector<Piece>& pieces_;
  const std::vector<Capture>& captures_;
  std::vector<Fragment> fragments_;
  size_t token_ = 0;  // the left has used those before
  size_t end_ = 0;
  size_t stop_ = 0;  // the piece in which the left stopped
};

}  // namespace

std::string translate_glob(const GlobTokens& glob, const Template& from, const Template& to) {
  const std::vector<Fragment> fragments = Alignment(glob, from).run();
  std::string text;
  for (const Piece& piece : to.pieces()) {
    if (piece.is_literal()) {
      append_glob_escaped(text, piece.literal);
    } else {
      text += fragments[static_cast<size_t>(piece.capture)].text();
    }
  }
  return text;
}

}  // namespace keyshift::scheme
