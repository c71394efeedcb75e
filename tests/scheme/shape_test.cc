#include "keyshift/scheme/shape.h"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "keyshift/base/printable.h"
#include "keyshift/scheme/template.h"
#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

struct Row {
  std::string key;
  const char* shape;
};

// Input => output: what append_shape() promises, by kind.
const Row kTable[] = {
    // numbers
    {"orders:4711:items", "orders:{int}:items"},
    {"user123", "user{int}"},
    {"user123:profile", "user{int}:profile"},
    {"writing_stats:user123:30d", "writing_stats:user{int}:{int}d"},
    {"rate:10.0.0.5:2025-08-06", "rate:{seg}:{int}-{int}-{int}"},
    {"counter:-5", "counter:-{int}"},
    {"000", "{int}"},
    {"cache:v2:page:7", "cache:v{int}:page:{int}"},
    {"tweet:1740000000000000000", "tweet:{int}"},
    {"timer_15min", "timer_{int}min"},
    // dates
    {"report:20250806", "report:{date}"},
    {"report:20251306", "report:{int}"},
    {"report:20250800", "report:{int}"},
    {"report:47110806", "report:{int}"},
    // hexadecimal numbers
    {"sess_9b74c9897bac770f", "sess_{hex}"},
    {"http_cache:GET:9b74c9897bac770ffc029102a200c5de", "http_cache:GET:{hex}"},
    {"topics:7f3a:list", "topics:{hex}:list"},
    {"etag:DEADBEEFDEADBEEF", "etag:{hex}"},
    {"facade:decade", "facade:decade"},
    {"abc1:30d", "abc{int}:{int}d"},
    {"etag:deadbeef1", "etag:{hex}"},
    // UUIDs
    {"job-550e8400-e29b-41d4-a716-446655440000", "job-{uuid}"},
    {"celery-task-meta-550E8400-E29B-41D4-A716-446655440000", "celery-task-meta-{uuid}"},
    {"550e8400-e29b-41d4-a716-446655440000:x", "{uuid}:x"},
    {"550e8400-e29b-41d4-a716-446655440000x", "{seg}"},
    // what looks random
    {"cart:aZ3kQ9xVb2", "cart:{seg}"},
    {"t:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.Xk9", "t:{seg}"},
    {"k:bcdfghjklm", "k:{seg}"},
    {"k:averyveryverylongwordthatnobodywrites", "k:{seg}"},
    {"k:b64+/w==", "k:{seg}"},
    // words stay
    {"profile:alice", "profile:alice"},
    {"getUserById:cache", "getUserById:cache"},
    {"_kombu.binding.celery", "_kombu.binding.celery"},
    {"celery", "celery"},
    {"unacked_mutex", "unacked_mutex"},
    {"stra\xc3\x9f"
     "e:m\xc3\xbcnchen",
     "stra\xc3\x9f"
     "e:m\xc3\xbcnchen"},
    {"HTTPS:XML", "HTTPS:XML"},
    // who and which, not what
    {"mail:alice@example.com", "mail:{seg}"},
    {"page:/search?q=redis", "page:{seg}"},
    {"title:the quick fox", "title:{seg}"},
    // bytes
    {std::string("raw:\0\xff", 6), "raw:{seg}"},
    {"\xc3", "{seg}"},
    {"line\n:x", "{seg}:x"},
    // braces, empty segments
    {"{user1}:cart", "{{user{int}}}:cart"},
    {"}{", "}}{{"},
    {"", ""},
    {":", ":"},
    {"a::b:", "a::b:"},
    // bounds
    {"a:b:c:d:e:f:g:h", "a:b:c:d:e:f:g:h"},
    {"a:b:c:d:e:f:g:h:i:j", "a:b:c:d:e:f:g:h:{any}"},
    {"a:b:c:d:e:f:g:h:", "a:b:c:d:e:f:g:h:"},
    {"x:1-2-3-4", "x:{seg}"},
    {"x:aZ3kQ9_7", "x:{seg}"},  // a {seg} beside another capture could be read in two ways
    {"x:aZ3kQ9_page", "x:{seg}_page"},
    {"1-2-3:1-2-3:1-2-3:1-2-3:1-2-3:6:7:8",
     "{int}-{int}-{int}:{int}-{int}-{int}:{int}-{int}-{int}:"
     "{int}-{int}-{int}:{int}-{int}-{int}:{any}"},
    {"a:" + std::string(2000, 'b'), "a:{any}"},
    {"a:" + std::string(900, 'w'), "a:{seg}"},
};

TEST(Shape, EveryKindOfKeyHasItsShape) {
  for (const Row& row : kTable) EXPECT_EQ(shape_of(row.key), row.shape) << printable(row.key);
}

TEST(Shape, AppendsAndKeepsWhatIsThere) {
  std::string out = "unmatched ";
  append_shape("orders:1", out);
  EXPECT_EQ(out, "unmatched orders:{int}");
}

// A shape whose captures got names, "{int}" => "{c1:int}".
std::string as_template(const std::string& shape) {
  std::string made;
  int number = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    made += shape[i];
    if (shape[i] != '{') continue;
    if (shape[i + 1] == '{') {
      made += shape[++i];
    } else {
      made += "c" + std::to_string(number++) + ":";
    }
  }
  return made;
}

// The promise behind the table: a shape is a template that a rule takes, and its own key fits it.
void expect_rule_fits(const std::string& key) {
  const std::string shape = shape_of(key);
  EXPECT_TRUE(is_printable(shape)) << printable(key);
  EXPECT_LE(shape.size(), kMaxShape);
  if (shape.empty()) return;
  const std::string made = as_template(shape);
  auto rules = Ruleset::compile(spec_of({{made, "moved:" + made}}));
  ASSERT_TRUE(rules.has_value()) << printable(key) << " " << made << " " << text_of(rules.error());
  const Match match = (*rules)->match(key, 0, View{});
  EXPECT_EQ(match.kind, Match::Kind::kRule) << printable(key) << " does not fit " << made;
}

TEST(Shape, IsATemplateThatTheKeyFits) {
  for (const Row& row : kTable) expect_rule_fits(row.key);
}

TEST(Shape, OfAnyBytesIsATemplateThatTheKeyFits) {
  const auto byte = rc::gen::weightedOneOf<char>({{20, rc::gen::element(':', '-', '_', '{', '}', '.')},
                                                  {30, rc::gen::inRange<char>('0', ':')},
                                                  {30, rc::gen::inRange<char>('a', 'h')},
                                                  {15, rc::gen::inRange<char>('A', '[')},
                                                  {5, rc::gen::arbitrary<char>()}});
  EXPECT_TRUE(rc::check([&] { expect_rule_fits(*rc::gen::container<std::string>(byte)); }));
}

TEST(Shape, GeneratedNamesCollapse) {
  uint64_t random = 7;
  const auto next = [&](uint64_t below) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % below;
  };
  const auto shapes = [&](const std::string& alphabet, size_t size) {
    std::set<std::string> found;
    for (int i = 0; i < 10'000; ++i) {
      std::string id;
      while (id.size() < size) id += alphabet[next(alphabet.size())];
      found.insert(shape_of("session:" + id + ":data"));
    }
    return found.size();
  };
  const std::string digits = "0123456789";
  const std::string hex = digits + "abcdef";
  const std::string lower = "abcdefghijklmnopqrstuvwxyz";
  std::string all = digits + lower;
  for (const char c : lower) all += static_cast<char>(c - 'a' + 'A');
  EXPECT_LE(shapes(digits, 10), 1u);
  EXPECT_LE(shapes(hex, 16), 2u);
  EXPECT_LE(shapes(hex, 40), 1u);
  EXPECT_LE(shapes(all, 22),
            400u);  // few have no digit or only one kind of run, and some of those look like words
}

}  // namespace
}  // namespace keyshift::scheme
