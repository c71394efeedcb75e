// Scripts as they go upstream. What the prelude then does, tests/system/scripts_test.py sees in Redis.
#include "keyshift/base/ascii.h"
#include "keyshift/base/sha1.h"
#include "keyshift/plan/undeclared_keys.h"
#include "plan_fixture.h"

namespace keyshift::plan {
namespace {

class ScriptsTest : public PlanTest {
 protected:
  void map_scripts() { prelude_ = std::make_unique<ScriptPrelude>(*rules_, view_); }

  // The arguments of the upstream's one command.
  std::vector<std::string> upstream(const std::vector<std::string>& arguments) {
    const std::string sent = bytes(encoded(arguments));
    EXPECT_EQ(plan_.refusal, Refusal::kNone);
    resp::RequestParser parser;
    EXPECT_EQ(parser.parse(sent), resp::RequestParser::Status::kRequest) << sent;
    const resp::Request request = parser.request(sent);
    std::vector<std::string> list;
    for (size_t i = 0; i < request.size(); ++i) list.emplace_back(request[i]);
    return list;
  }
  std::string tail(const std::string& database = "0") const {
    return "keyshift:" + prelude_->fingerprint() + ":" + database;
  }
  static std::string mapped_text(const ScriptPrelude& prelude, const std::string& text,
                                 ScriptPrelude::Kind kind = ScriptPrelude::Kind::kScript) {
    Buffer out;
    prelude.append_mapped(kind, text, out);
    const std::string bulk(out.view());
    const size_t header = bulk.find("\r\n") + 2;
    EXPECT_EQ(bulk.substr(0, header - 2), "$" + std::to_string(bulk.size() - header - 2));
    return bulk.substr(header, bulk.size() - header - 2);
  }

  const std::string body_ = "return redis.call('get', KEYS[1])";
};

TEST_F(ScriptsTest, WithoutAPreludeAScriptGoesAsItIs) {
  EXPECT_EQ(plan("EVALSHA " + std::string(40, 'a') + " 1 job:7 x"),
            "EVALSHA " + std::string(40, 'a') + " 1 work:jobs:id:7 x -> relay");
  EXPECT_EQ(plan("SCRIPT EXISTS a b"), "SCRIPT EXISTS a b -> relay");
}

TEST_F(ScriptsTest, AMappedScriptIsToldHowTheClientCallsItsKeys) {
  map_scripts();
  const std::vector<std::string> sent = upstream({"EVAL", body_, "2", "job:7", "stray", "x"});
  ASSERT_EQ(sent.size(), 9U);
  EXPECT_EQ(sent[1], mapped_text(*prelude_, body_));
  EXPECT_EQ(std::vector<std::string>(sent.begin() + 2, sent.end()),
            (std::vector<std::string>{"2", "work:jobs:id:7", "stray", "x", "job:7", "stray", tail()}));
}

TEST_F(ScriptsTest, APreludeIsOneLineInFrontOfTheFirst) {
  map_scripts();
  const std::string text = mapped_text(*prelude_, "one\ntwo");
  EXPECT_EQ(text.find('\n'), text.size() - 4);
  EXPECT_TRUE(text.ends_with(" one\ntwo"));
  const std::string flagged = mapped_text(*prelude_, "#!lua flags=no-writes\none\ntwo");
  EXPECT_TRUE(flagged.starts_with("#!lua flags=no-writes\n--[[keyshift]]local redis=("));
  EXPECT_TRUE(flagged.ends_with(" one\ntwo"));
  EXPECT_EQ(mapped_text(*prelude_, "#!lua"), "#!lua");
}

TEST_F(ScriptsTest, APreludeNamesValkeysApiOnlyWhereItIsWanted) {
  map_scripts();
  EXPECT_TRUE(mapped_text(*prelude_, "server.call('get')").starts_with("--[[keyshift]]local redis,server=("));
  const auto library = ScriptPrelude::Kind::kLibrary;
  EXPECT_TRUE(mapped_text(*prelude_, "#!lua name=l\nx", library)
                  .starts_with("#!lua name=l\n--[[keyshift]]local redis=redis;redis=("));
}

TEST_F(ScriptsTest, StrippedOfItsPreludeAScriptIsItself) {
  map_scripts();
  for (const std::string text : {"", "x\ny", "#!lua name=l\nx\ny"}) {
    for (const auto kind : {ScriptPrelude::Kind::kScript, ScriptPrelude::Kind::kLibrary}) {
      Buffer out;
      EXPECT_TRUE(ScriptPrelude::strip(mapped_text(*prelude_, text, kind), out));
      EXPECT_EQ(out.view(), text);
      EXPECT_FALSE(ScriptPrelude::strip(text, out));
    }
  }
}

TEST_F(ScriptsTest, AScriptIsFoundByTheClientsSha) {
  map_scripts();
  const std::string sha = sha1_hex(body_);
  EXPECT_EQ(upstream({"EVALSHA", sha, "0"})[1], ScriptShas::kUnknown);
  EXPECT_EQ(upstream({"SCRIPT", "LOAD", body_})[2], mapped_text(*prelude_, body_));
  EXPECT_EQ(mapped("$40\r\n" + sha1_hex(mapped_text(*prelude_, body_)) + "\r\n"), "$40\r\n" + sha + "\r\n");
  for (const std::string& spelling : {sha, to_upper(sha)})
    EXPECT_EQ(upstream({"EVALSHA", spelling, "0"}),
              (std::vector<std::string>{"EVALSHA", sha1_hex(mapped_text(*prelude_, body_)), "0", tail()}));
  EXPECT_EQ(upstream({"SCRIPT", "EXISTS", sha, "short", std::string(40, 'b')}),
            (std::vector<std::string>{"SCRIPT", "EXISTS", sha1_hex(mapped_text(*prelude_, body_)), "short",
                                      std::string(ScriptShas::kUnknown)}));
}

TEST_F(ScriptsTest, ErrorsNameTheScriptByTheClientsSha) {
  map_scripts();
  upstream({"EVAL", body_, "0"});
  const std::string upstream_sha = sha1_hex(mapped_text(*prelude_, body_));
  Buffer out;
  plan_.mapper->map_error("-ERR mine script: " + upstream_sha + ", on @user_script:1.\r\n", out);
  EXPECT_EQ(out.view(), "-ERR mine script: " + sha1_hex(body_) + ", on @user_script:1.\r\n");
}

TEST_F(ScriptsTest, OtherRulesAndOtherViewsHaveOtherPreludes) {
  map_scripts();
  const std::string before = prelude_->fingerprint();
  upstream({"EVAL", body_, "0"});
  view_.naming = scheme::Naming::kConsolidated;
  map_scripts();
  EXPECT_NE(prelude_->fingerprint(), before);
  EXPECT_EQ(upstream({"EVALSHA", sha1_hex(body_), "0"})[1], ScriptShas::kUnknown);
  use(spec(scheme::Phase::kLegacy));
  view_.naming = scheme::Naming::kLegacy;
  map_scripts();
  EXPECT_NE(prelude_->fingerprint(), before);
  use(spec());
  map_scripts();
  EXPECT_EQ(prelude_->fingerprint(), before);
}

TEST_F(ScriptsTest, LibrariesAreShownAsTheyWereLoaded) {
  map_scripts();
  const std::string library = "#!lua name=l\nredis.register_function('f', f)";
  const std::string text = upstream({"FUNCTION", "LOAD", "REPLACE", library})[3];
  EXPECT_EQ(text, mapped_text(*prelude_, library, ScriptPrelude::Kind::kLibrary));
  EXPECT_EQ(plan("FUNCTION LIST WITHCODE"), "FUNCTION LIST WITHCODE -> map");
  EXPECT_EQ(
      mapped("*1\r\n*2\r\n$12\r\nlibrary_code\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"),
      "*1\r\n*2\r\n$12\r\nlibrary_code\r\n$" + std::to_string(library.size()) + "\r\n" + library + "\r\n");
}

TEST(ScriptShas, TheOldestIsForgottenForANewOne) {
  ScriptShas shas;
  for (size_t i = 0; i <= ScriptShas::kMost; ++i)
    shas.learn("f", "s" + std::to_string(i), "m" + std::to_string(i));
  EXPECT_EQ(shas.find("f", "s0"), ScriptShas::kUnknown);
  EXPECT_EQ(shas.find("f", "s1"), "m1");
  EXPECT_EQ(shas.find("f", "S" + std::to_string(ScriptShas::kMost)), "m" + std::to_string(ScriptShas::kMost));
  EXPECT_EQ(shas.find("g", "s1"), ScriptShas::kUnknown);
}

// "COUNT at FIRST by RULE", of a call of EVAL.
class UndeclaredKeysTest : public ScriptsTest {
 protected:
  std::string found(const std::vector<std::string>& arguments) {
    const std::string sent = encoded(arguments);
    parser_ = resp::RequestParser();
    EXPECT_EQ(parser_.parse(sent), resp::RequestParser::Status::kRequest);
    const resp::Request request = parser_.request(sent);
    const command::Row& row = *command::Table::built_in().find_full("eval");
    const UndeclaredKeys keys = find_undeclared_keys(row, request, *rules_, 0, view_);
    if (keys.count == 0) return "none";
    return std::to_string(keys.count) + " at " + std::to_string(keys.first) + " by " +
           rules_->rules()[keys.rule].title();
  }
};

TEST_F(UndeclaredKeysTest, AreArgumentsThatARuleRenames) {
  EXPECT_EQ(found({"EVAL", "x", "1", "job:1", "a", "job:2", "mood:u", "job:3"}), "3 at 5 by job:{id}");
  EXPECT_EQ(found({"EVAL", "x", "0", "job:2"}), "1 at 3 by job:{id}");
}

TEST_F(UndeclaredKeysTest, AreNeitherDeclaredNorConsolidatedNorEndless) {
  EXPECT_EQ(found({"EVAL", "x", "2", "job:1", "job:2"}), "none");
  EXPECT_EQ(found({"EVAL", "x", "0", "work:jobs:id:1", "analytics:x", "", "job:" + std::string(2000, 'x')}),
            "none");
  std::vector<std::string> many{"EVAL", "x", "0"};
  many.insert(many.end(), UndeclaredKeys::kMost, "data");
  many.push_back("job:1");
  EXPECT_EQ(found(many), "none");
}

TEST_F(UndeclaredKeysTest, AreNotToldFromACallThatRedisRefuses) {
  for (const char* const keys : {"-1", "2", "x", "99999999999999999999"})
    EXPECT_EQ(found({"EVAL", "x", keys, "job:1"}), "none") << keys;
}

TEST_F(UndeclaredKeysTest, AreNotToldByRulesThatFitEverything) {
  scheme::SchemeSpec every;
  every.rules.push_back({.legacy = "{k:any}", .key = "compat:kv:key:{k}", .location = ""});
  use(every);
  EXPECT_EQ(found({"EVAL", "x", "0", "anything", "17"}), "none");
  every.rules.push_back({.legacy = "q{k:any}", .key = "compat:q:key:{k}", .location = ""});
  use(every);
  EXPECT_EQ(found({"EVAL", "x", "0", "anything", "quite"}), "1 at 4 by q{k:any}");
}

}  // namespace
}  // namespace keyshift::plan
