#include "keyshift/scheme/template.h"

#include "scheme_fixture.h"

namespace keyshift::scheme {
namespace {

// "column: text" of the error, or the pieces with captures as <name>.
std::string parsed(std::string_view text) {
  const auto made = Template::parse(text);
  if (!made) return std::to_string(made.error().column) + ": " + made.error().text;
  std::string pieces;
  for (const Piece& piece : made->pieces()) {
    if (!pieces.empty()) pieces += " ";
    pieces += piece.is_literal() ? piece.literal
                                 : "<" + made->captures()[static_cast<size_t>(piece.capture)].name + ">";
  }
  return pieces;
}

TEST(Template, LiteralsAndCapturesAlternate) {
  EXPECT_EQ(parsed("writing_stats:{user}:{days:int}d"), "writing_stats: <user> : <days> d");
  EXPECT_EQ(parsed("system_health"), "system_health");
  EXPECT_EQ(parsed("{k:any}"), "<k>");
}

TEST(Template, DoubledBracesAreLiteral) {
  EXPECT_EQ(parsed("a:{{{user}}}:x"), "a:{ <user> }:x");
  EXPECT_EQ(parsed("{{}}"), "{}");
}

TEST(Template, EveryTypeIsKnownByItsName) {
  const auto made = Template::parse("{a}:{b:seg}:{c:int}:{d:hex}:{e:uuid}:{f:date}:{g:any}:{h:x|y:z}");
  ASSERT_TRUE(made);
  std::string types;
  for (const Capture& capture : made->captures()) types += std::string(capture_type_name(capture.type)) + " ";
  EXPECT_EQ(types, "seg seg int hex uuid date any list ");
  EXPECT_FALSE(made->captures()[0].typed);
  EXPECT_TRUE(made->captures()[1].typed);
  EXPECT_EQ(made->captures()[7].words, (std::vector<std::string>{"x", "y:z"}));
  EXPECT_EQ(made->captures()[2].column, 13);
}

TEST(Template, ErrorsSayTheColumn) {
  EXPECT_EQ(parsed(""), "1: the template is empty");
  EXPECT_EQ(parsed("a:{user"), "3: `{` is never closed; a literal brace is written twice: `{{`");
  EXPECT_EQ(parsed("a:user}"), "7: `}` without `{`; a literal brace is written twice: `}}`");
  EXPECT_EQ(parsed("a:{}"), "4: `\"\"` is no name for a capture: letters, digits and `_`, no digit first");
  EXPECT_EQ(parsed("a:{1x}"), "4: `1x` is no name for a capture: letters, digits and `_`, no digit first");
  EXPECT_EQ(parsed("{x}:{x}"),
            "5: `{x}` is repeated: a template does not compare two parts of a key; call this one `{x2}` and "
            "use both on the other side");
  EXPECT_EQ(parsed("{x:integer}"),
            "4: `integer` is no type: seg, int, hex, uuid, date, any, or a list of words (a|b)");
  EXPECT_EQ(parsed("{x:a||b}"), "6: a word of a list is empty");
  EXPECT_EQ(parsed("{x:a|b|a}"), "8: the word `a` is listed twice");
  EXPECT_EQ(parsed(std::string(1025, 'x')), "1025: a template has at most 1024 bytes");
  std::string many;
  for (char name = 'a'; name <= 'q'; ++name) many += std::string("{") + name + "}:";
  EXPECT_EQ(parsed(many), "65: a template has at most 16 captures");
}

struct TypeRow {
  const char* type;
  std::vector<std::string> yes;
  std::vector<std::string> no;
};

// Each value between two literals, and at the end of the key, where it is cut out in another way.
TEST(Template, TypesTakeTheirValuesAndNoOthers) {
  const std::string uuid = "01234567-89AB-cdef-0123-456789abcdef";
  const TypeRow rows[] = {
      {"seg", {"a", "-", std::string("\0\xff\r\n", 4), "a/b", "{}"}, {"", "a:b", ":"}},
      {"int", {"0", "007", "-5", "99999999999999999999999"}, {"", "-", "1.5", "+1", "--1", "1-", "a"}},
      {"hex", {"0", "dead", "BEEF", "0aF"}, {"", "0x1", "g", "-1"}},
      {"uuid",
       {uuid},
       {"", uuid.substr(1), uuid + "0", "0123456789ABcdef0123456789abcdef0000",
        "01234567-89AB-cdef-0123_456789abcdef"}},
      {"date",
       {"20250806", "00000101", "99991231", "20240229"},
       {"", "20251301", "20250001", "20250100", "20250132", "2025080", "202508061", "2025-8-6"}},
      {"any", {"a", "a:b", ":", std::string("\0:\xff", 3)}, {""}},
      {"x|xy|y:z", {"x", "xy", "y:z"}, {"", "y", "xyz", "X"}},
  };
  for (const TypeRow& row : rows) {
    const auto rules = compiled(spec_of({{std::string("in:{v:") + row.type + "}:end", "d:in:{v}"},
                                         {std::string("out{v:") + row.type + "}", "d:out:{v}:x"}}));
    const View view = view_of(Naming::kLegacy);
    for (const std::string& value : row.yes) {
      SCOPED_TRACE(row.type + (" takes " + ::testing::PrintToString(value)));
      EXPECT_EQ(physical(*rules, "in:" + value + ":end", view), "d:in:" + value);
      EXPECT_EQ(physical(*rules, "d:in:" + value, view), "d:in:" + value);
      EXPECT_EQ(shown(*rules, "d:in:" + value, view), "in:" + value + ":end");
      EXPECT_EQ(physical(*rules, "out" + value, view), "d:out:" + value + ":x");
      EXPECT_EQ(shown(*rules, "d:out:" + value + ":x", view), "out" + value);
    }
    for (const std::string& value : row.no) {
      SCOPED_TRACE(row.type + (" refuses " + ::testing::PrintToString(value)));
      EXPECT_EQ(rules->match("in:" + value + ":end", 0, view).kind, Match::Kind::kUnmatched);
      EXPECT_EQ(rules->match("out" + value, 0, view).kind, Match::Kind::kUnmatched);
      EXPECT_EQ(rules->match("d:out:" + value + ":x", 0, view).kind, Match::Kind::kUnmatched);
    }
  }
}

}  // namespace
}  // namespace keyshift::scheme
