// The proof that a template has one reading, and what reads the keys of those that have: against every way to fill a
// template.
#include "ambiguity.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "extraction.h"
#include "random_scheme.h"
#include "readings.h"

namespace keyshift::scheme {
namespace {

Template parsed(const std::string& text) {
  auto made = Template::parse(text);
  EXPECT_TRUE(made) << text << (made ? "" : ": " + made.error().text);
  return made ? *made : Template();
}

std::string refusal(const std::string& text) {
  const auto error = ambiguity_error(parsed(text));
  return error ? std::to_string(error->column) + ": " + error->text : "unambiguous";
}

TEST(Ambiguity, TheErrorShowsBothReadingsAndWhatToWrite) {
  EXPECT_EQ(refusal("{a:any}:{b:any}"),
            "9: `{a:any}:{b:any}` can be read in two ways: `a::a` is a=`a`, b=`:a`, or a=`a:`, b=`a`; write "
            "`{a:any}:{b}` if that is true of the keys, or make `{a}` and `{b}` one capture");
  EXPECT_EQ(
      refusal("model:{name}@{version}"),
      "14: `model:{name}@{version}` can be read in two ways: `model:a@@a` is name=`a`, version=`@a`, or "
      "name=`a@`, version=`a`; write `{name}@{version:int}` if that is true of the keys, or "
      "`{name}:{version}` if the names are yours to choose");
  EXPECT_EQ(
      refusal("{x}{y}"),
      "4: `{x}{y}` can be read in two ways: `aaa` is x=`a`, y=`aa`, or x=`aa`, y=`a`; write `{x}:{y}` if "
      "the names are yours to choose, or make `{x}` and `{y}` one capture");
  EXPECT_EQ(refusal("{x}-{y:int}"),
            "5: `{x}-{y:int}` can be read in two ways: `a--0` is x=`a`, y=`-0`, or x=`a-`, y=`0`; write "
            "`{x:int}-{y:int}` if that is true of the keys, or `{x}:{y:int}` if the names are yours to "
            "choose");
  EXPECT_EQ(
      refusal("u:{{{id}}}:{a:any}{b:any}{c:any}"),
      "26: `u:{{{id}}}:{a:any}{b:any}{c:any}` can be read in two ways: `u:{a}:aaaa` is b=`a`, c=`aa`, or "
      "b=`aa`, c=`a`; make `{b}` and `{c}` one capture, or give them types and a literal between them "
      "that neither can hold");
  EXPECT_EQ(refusal("{k:a|ab}{v:b|bb}"),
            "9: `{k:a|ab}{v:b|bb}` can be read in two ways: `abb` is k=`a`, v=`bb`, or k=`ab`, v=`b`; write "
            "`{k:a|ab}:{v:b|bb}` if the names are yours to choose, or make `{k}` and `{v}` one capture");
}

TEST(Ambiguity, OneReadingIsEnoughHoweverItIsFound) {
  for (const char* text : {
           "{a}_{d:date}:{p:any}",        // the date has one length, the any its colon
           "{x}{a:x|y}{b:uuid}:{p:any}",  // a list between
           "{a:int}{b:a|b}{c:hex}:{d:any}",
           "{a:any}.{d:date}.{b:uuid}",
           "{x}{a:!|?}:{p:any}",
           "{p:any}:{a}_{d:date}",
           "{a:hex}z{b:any}:{c:date}",
           "{a:p|pp}{b:q|qp}z{c}",
       })
    EXPECT_EQ(refusal(text), "unambiguous") << text;
}

// The most states, pairs of them and words that a template can have; the slowest takes some 50 ms.
TEST(Ambiguity, TheLargestTemplatesAreProvedInTime) {
  const std::string zeros(900, '0');
  EXPECT_EQ(refusal("{x:int}" + zeros + ":{b:date}{y:any}"), "unambiguous");
  EXPECT_EQ(refusal("{x}" + std::string(1000, 'a') + ":{y:any}"), "unambiguous");
  std::string words;
  for (char c = '!'; c <= 'z'; ++c) {
    if (c != ':') words += std::string(words.empty() ? "" : "|") + c;
  }
  EXPECT_EQ(refusal("{x}{a:" + words + "}{b:" + words + "}:{y:any}"), "unambiguous");
  std::string uuids;
  for (char c = 'a'; c < 'o'; ++c) uuids += std::string("{") + c + ":uuid}";
  EXPECT_EQ(refusal("{x:any}" + uuids + ":{y:int}"), "unambiguous");
}

// ---- against everything

class RandomTemplate {
 public:
  explicit RandomTemplate(uint64_t seed) : random(seed) {}

  // Literals and captures of a few bytes, often side by side. `small`: only types whose values can be short.
  std::string text(bool small) {
    std::string made;
    const size_t captures = 1 + random.below(small ? 3 : 5);
    for (size_t i = 0; i < captures; ++i) {
      if (random.chance(2)) made += random.bytes(1, 2, "a:1-");
      made += "{c" + std::to_string(i) + type(small) + "}";
    }
    if (random.chance(3)) made += random.bytes(1, 2, "a:1-");
    return made;
  }

  RandomScheme random;

 private:
  std::string type(bool small) {
    static const char* const kTypes[] = {"",          ":int",  ":hex",    ":any",  ":a|b|ab",
                                         ":a|:|a:1-", ":1|11", ":-|--|1", ":date", ":uuid"};
    return kTypes[random.below(small ? 8 : 10)];
  }
};

// Every key of at most kLongest bytes from kAlphabet that some filling of a template makes, shortest first.
class Fillings {
 public:
  static constexpr size_t kLongest = 6;
  static constexpr std::string_view kAlphabet = "a:1-0";

  struct Filling {
    std::string key;
    std::vector<Span> captures;
  };

  explicit Fillings(const Template& made) : made_(made) {
    for (const Capture& capture : made.captures()) values_.push_back(values(capture));
    Filling now{"", std::vector<Span>(made.captures().size())};
    fill(0, now);
    std::stable_sort(all.begin(), all.end(),
                     [](const Filling& a, const Filling& b) { return a.key.size() < b.key.size(); });
  }

  // Length of a shortest key that is there twice; 0: none is.
  size_t shortest_twice() const {
    std::set<std::string_view> seen;
    for (const Filling& filling : all) {
      if (!seen.insert(filling.key).second) return filling.key.size();
    }
    return 0;
  }

  std::vector<Filling> all;

 private:
  static std::vector<std::string> values(const Capture& capture) {
    std::vector<std::string> made;
    const size_t longest = capture.type == CaptureType::kAny || capture.type == CaptureType::kSeg ? 4 : 5;
    std::vector<std::string> level = {""};
    for (size_t length = 1; length <= longest; ++length) {
      std::vector<std::string> next;
      for (const std::string& start : level) {
        for (const char byte : kAlphabet) next.push_back(start + byte);
      }
      for (const std::string& value : next) {
        if (is_value(capture, value)) made.push_back(value);
      }
      level = std::move(next);
    }
    return made;
  }

  void fill(size_t piece, Filling& now) {
    if (now.key.size() > kLongest) return;
    if (piece == made_.pieces().size()) {
      all.push_back(now);
      return;
    }
    const Piece& here = made_.pieces()[piece];
    const size_t before = now.key.size();
    if (here.is_literal()) {
      now.key += here.literal;
      fill(piece + 1, now);
    } else {
      const auto index = static_cast<size_t>(here.capture);
      for (const std::string& value : values_[index]) {
        if (before + value.size() > kLongest) break;  // the longer come later
        now.captures[index] = {static_cast<uint32_t>(before), static_cast<uint32_t>(value.size())};
        now.key += value;
        fill(piece + 1, now);
        now.key.resize(before);
      }
    }
    now.key.resize(before);
  }

  const Template& made_;
  std::vector<std::vector<std::string>> values_;
};

bool same(const std::vector<Span>& wanted, const Span* got) {
  return std::equal(wanted.begin(), wanted.end(), got, [](const Span& a, const Span& b) {
    return a.offset == b.offset && a.length == b.length;
  });
}

// The plan and the table alone both cut the key so.
void check_extraction(const Template& made, const Extraction& plan, const std::string& key,
                      const std::vector<Span>& wanted) {
  Span got[Template::kMaxCaptures];
  plan.run(key, got);
  RC_ASSERT(same(wanted, got));
  Span by_table[Template::kMaxCaptures];
  TableReading(made, 0, made.pieces().size()).run(key, 0, by_table);
  RC_ASSERT(same(wanted, by_table));
}

RC_GTEST_PROP(Ambiguity, TheProofAgreesWithTryingEverything, ()) {
  RandomTemplate random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const std::string text = random.text(true);
  RC_LOG() << text << "\n";
  const Template made = parsed(text);
  const auto ambiguity = find_ambiguity(made);
  const Fillings fillings(made);
  const size_t twice = fillings.shortest_twice();
  const auto plan = Extraction::plan(made);
  RC_ASSERT(plan.has_value() == !ambiguity);
  RC_TAG(ambiguity ? "ambiguous" : "one reading");
  if (!ambiguity) {
    RC_ASSERT(twice == 0U);
    const size_t stride = 1 + fillings.all.size() / 200;
    for (size_t i = 0; i < fillings.all.size(); i += stride)
      check_extraction(made, *plan, fillings.all[i].key, fillings.all[i].captures);
    return;
  }
  RC_LOG() << "witness " << ambiguity->key << "\n";
  RC_ASSERT(readings(made, ambiguity->key).size() >= 2U);
  RC_ASSERT(!same(ambiguity->readings[0], ambiguity->readings[1].data()));
  for (const std::vector<Span>& reading : ambiguity->readings) {
    CapturedValues values;
    for (size_t i = 0; i < reading.size(); ++i)
      values[static_cast<int>(i)] = ambiguity->key.substr(reading[i].offset, reading[i].length);
    const std::vector<CapturedValues> all = readings(made, ambiguity->key);
    RC_ASSERT(std::find(all.begin(), all.end(), values) != all.end());
  }
  // No shorter key has two readings; one of that length may need a byte that is not tried.
  if (twice != 0) RC_ASSERT(ambiguity->key.size() <= twice);
  const bool tried = ambiguity->key.size() <= 5 &&
                     ambiguity->key.find_first_not_of(Fillings::kAlphabet) == std::string::npos;
  if (tried) RC_ASSERT(ambiguity->key.size() == twice);
}

// The longer types too: what fills the template is what is read.
RC_GTEST_PROP(Ambiguity, WhatHasOneReadingIsRead, ()) {
  RandomTemplate random(*rc::gen::noShrink(rc::gen::inRange<uint64_t>(0, UINT64_MAX)));
  const std::string text = random.text(false);
  RC_LOG() << text << "\n";
  const Template made = parsed(text);
  const auto plan = Extraction::plan(made);
  RC_ASSERT(plan.has_value() == !find_ambiguity(made));
  for (int i = 0; i < 20; ++i) {
    std::string key;
    std::vector<Span> wanted(made.captures().size());
    for (const Piece& piece : made.pieces()) {
      const size_t begin = key.size();
      key += piece.is_literal() ? piece.literal
                                : random.random.value(made.captures()[static_cast<size_t>(piece.capture)]);
      if (!piece.is_literal()) {
        wanted[static_cast<size_t>(piece.capture)] = {static_cast<uint32_t>(begin),
                                                      static_cast<uint32_t>(key.size() - begin)};
      }
    }
    RC_LOG() << ::testing::PrintToString(key) << "\n";
    if (plan) check_extraction(made, *plan, key, wanted);
  }
}

TEST(TableReading, KeysOfManyBlocksAreReadWhereverTheCapturesEnd) {
  const auto plan = Extraction::plan(parsed("{a}_{d:date}:{n:int}-{l:x|xyz}:{p:any}"));
  ASSERT_TRUE(plan);
  const size_t block = TableReading::kBlock;
  for (const size_t blocks : {size_t{1}, size_t{2}, size_t{3}}) {
    for (size_t before_border = 0; before_border < 28; ++before_border) {
      // `before_border` bytes behind `a` lie before the border.
      const std::string a(blocks * block - before_border, before_border % 2 == 0 ? '_' : '1');
      const std::string n = "-" + std::string(before_border % 3 == 0 ? 3 : block, '7');
      const std::string p(before_border % 2 == 0 ? 1 : block, ':');
      const std::string key = a + "_20250102:" + n + "-xyz:" + p;
      Span got[Template::kMaxCaptures];
      plan->run(key, got);
      const auto value = [&](size_t capture) {
        return std::string_view(key).substr(got[capture].offset, got[capture].length);
      };
      ASSERT_EQ(got[0].length, a.size());
      ASSERT_EQ(value(1), "20250102");
      ASSERT_EQ(value(2), n);
      ASSERT_EQ(value(3), "xyz");
      ASSERT_EQ(got[4].length, p.size());
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme
