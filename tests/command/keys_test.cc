#include "keyshift/command/keys.h"

#include <gtest/gtest.h>

#include "call.h"

namespace keyshift::command {
namespace {

// "1r 3w*": argument and what is done to it (r o u i d; P B G C S H for patterns and channels), * if it may
// last.
std::string found(const std::string& words, size_t here = 0) {
  Call call(words);
  Names names;
  const size_t count = here == 0 ? call.size() : here;
  const Found outcome = find_names(call.row(), call.first(count), call.size(), names);
  if (outcome == Found::kMalformed) {
    EXPECT_TRUE(names.list.empty());
    return "malformed: " + std::string(names.error);
  }
  EXPECT_TRUE(here != 0 || outcome == Found::kComplete);
  std::string text;
  for (const Name& name : names.list) {
    if (!text.empty()) text += ' ';
    text += std::to_string(name.at);
    text += name.role == Role::kKey ? "-rouid"[static_cast<int>(name.access)]
                                    : "-PBGCSH"[static_cast<int>(name.role)];
    if (name.lasting) text += '*';
  }
  if (names.blocks) text += " blocks";
  if (names.database_at != 0) text += " db" + std::to_string(names.database_at);
  if (outcome == Found::kUnfinished) text += " ...";
  return text;
}

TEST(FindNames, OneKeyAtOne) {
  EXPECT_EQ(found("GET k"), "1r");
  EXPECT_EQ(found("set k v ex 10"), "1o*");
  EXPECT_EQ(found("HSET h f v f v"), "1u*");
  EXPECT_EQ(found("LPOP l"), "1d");
  EXPECT_EQ(found("PING"), "");
}

TEST(FindNames, RangesAndSteps) {
  EXPECT_EQ(found("MGET a b c"), "1r 2r 3r");
  EXPECT_EQ(found("MSET a 1 b 2"), "1o* 3o*");
  // Redis refuses it, with all keys mapped.
  EXPECT_EQ(found("MSET a 1 b"), "1o* 3o*");
  EXPECT_EQ(found("BLPOP a b 0"), "1d 2d");
  EXPECT_EQ(found("LCS a b LEN"), "1r 2r");
  EXPECT_EQ(found("JSON.MSET a $ 1 b $ 2"), "1u* 4u*");
  EXPECT_EQ(found("JSON.MGET a b $"), "1r 2r");
}

TEST(FindNames, TwoPlacesWithTwoMeanings) {
  EXPECT_EQ(found("RENAME a b"), "1d 2o*");
  EXPECT_EQ(found("LMOVE a b LEFT RIGHT"), "1d 2i*");
  EXPECT_EQ(found("BITOP NOT d s"), "2o* 3r");
  EXPECT_EQ(found("SINTERSTORE d a b"), "1o* 2r 3r");
  EXPECT_EQ(found("PFMERGE d"), "1i*");
}

TEST(FindNames, Subcommands) {
  EXPECT_EQ(found("OBJECT ENCODING k"), "2r");
  EXPECT_EQ(found("XGROUP CREATE k g $ MKSTREAM"), "2i*");
  EXPECT_EQ(found("MEMORY USAGE k SAMPLES 5"), "2r");
  EXPECT_EQ(found("DEBUG OBJECT k"), "2r");
  EXPECT_EQ(found("DEBUG SLEEP 0"), "");
}

TEST(FindNames, NumberOfKeys) {
  EXPECT_EQ(found("EVAL s 2 a b c"), "3u* 4u*");
  EXPECT_EQ(found("EVAL s 0 a"), "");
  EXPECT_EQ(found("ZUNIONSTORE d 2 a b WEIGHTS 1 2"), "1o* 3r 4r");
  EXPECT_EQ(found("LMPOP 2 a b LEFT"), "2d 3d");
  EXPECT_EQ(found("MSETEX 2 a 1 b 2 EX 10"), "2o* 4o*");
}

TEST(FindNames, NumberOfKeysThatDoesNotFitIsMalformed) {
  EXPECT_EQ(found("EVAL s x"), "malformed: ERR value is not an integer or out of range");
  EXPECT_EQ(found("FCALL f x"), "malformed: ERR Bad number of keys provided");
  EXPECT_EQ(found("EVAL s -1"), "malformed: ERR Number of keys can't be negative");
  EXPECT_EQ(found("EVAL s 3 a b"), "malformed: ERR Number of keys can't be greater than number of args");
  EXPECT_EQ(found("ZUNION 0 a"), "malformed: ERR at least 1 input key is needed for 'zunion' command");
  EXPECT_EQ(found("LMPOP 9223372036854775807 a LEFT"), "malformed: ERR syntax error");
  EXPECT_EQ(found("MSETEX 9223372036854775807 a 1"), "malformed: ERR invalid numkeys value");
  EXPECT_EQ(found("MSETEX 2 a 1 b"), "2o* 4o*");
}

TEST(FindNames, SortNamesPatternsAndTheLastStore) {
  EXPECT_EQ(found("SORT k BY w_* LIMIT 0 5 GET o_*->f GET # ASC STORE d"), "1r 3B 8G 13o*");
  EXPECT_EQ(found("SORT k BY nosort GET x"), "1r");
  EXPECT_EQ(found("SORT k STORE a STORE b"), "1r 5o*");
  EXPECT_EQ(found("SORT k BY STORE store GET"), "1r 5o*");
  EXPECT_EQ(found("SORT_RO k STORE d"), "malformed: ERR syntax error");
}

TEST(FindNames, GeoradiusTakesTheLastStore) {
  EXPECT_EQ(found("GEORADIUS k 1 2 3 m WITHDIST COUNT 5 ANY STORE d"), "1r 11o*");
  EXPECT_EQ(found("GEORADIUS k 1 2 3 m STORE a STOREDIST b"), "1r 9o*");
  EXPECT_EQ(found("GEORADIUSBYMEMBER store store 3 m"), "1r");
  EXPECT_EQ(found("GEORADIUS k 1 2 3 m STORE"), "malformed: ERR syntax error");
}

TEST(FindNames, StreamsAreHalves) {
  EXPECT_EQ(found("XREAD STREAMS a 0"), "2r");
  EXPECT_EQ(found("XREAD COUNT 1 BLOCK 0 STREAMS a b 0 $"), "6r 7r blocks");
  EXPECT_EQ(found("xreadgroup group g c streams a >"), "5u");
  // COMMAND GETKEYS takes the group for the word.
  EXPECT_EQ(found("XREADGROUP COUNT 1 GROUP STREAMS c STREAMS k 0"), "7u");
  EXPECT_EQ(found("XREADGROUP GROUP BLOCK 0 STREAMS k 0"), "5u");
  EXPECT_EQ(
      found("XREAD STREAMS a b 0"),
      "malformed: ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
  EXPECT_EQ(found("XREAD COUNT 1 BLOCK 2"), "malformed: ERR syntax error");
}

TEST(FindNames, MigrateHasOneKeyOrMany) {
  EXPECT_EQ(found("MIGRATE h 1 k 0 10 COPY"), "3d");
  EXPECT_EQ(found("MIGRATE h 1 '' 0 10 AUTH2 KEYS KEYS KEYS a b"), "10d 11d");
  EXPECT_EQ(found("MIGRATE h 1 '' 0 10"), "");
  EXPECT_EQ(
      found("MIGRATE h 1 k 0 10 KEYS a"),
      "malformed: ERR When using MIGRATE KEYS option, the key argument must be set to the empty string");
}

TEST(FindNames, PatternsAndChannels) {
  EXPECT_EQ(found("KEYS user:*"), "1P");
  EXPECT_EQ(found("SCAN 0 COUNT 10 MATCH a* TYPE string"), "5P");
  EXPECT_EQ(found("SCAN 0"), "");
  EXPECT_EQ(found("SSCAN k 0 MATCH a*"), "1r");
  EXPECT_EQ(found("SUBSCRIBE a b"), "1C 2C");
  EXPECT_EQ(found("PSUBSCRIBE a*"), "1H");
  EXPECT_EQ(found("SPUBLISH c m"), "1S");
  EXPECT_EQ(found("PUBLISH c m"), "1C");
  EXPECT_EQ(found("UNSUBSCRIBE"), "");
  EXPECT_EQ(found("PUBSUB NUMSUB"), "");
  EXPECT_EQ(found("PUBSUB CHANNELS n*"), "2H");
}

TEST(FindNames, OtherDatabases) {
  EXPECT_EQ(found("MOVE k 1"), "1u db2");
  EXPECT_EQ(found("COPY a b REPLACE DB 3"), "1r 2o* db5");
  EXPECT_EQ(found("COPY a b"), "1r 2o*");
}

TEST(FindNames, KeysOfInnerCommandsAreNotOurs) {
  EXPECT_EQ(found("COMMAND GETKEYS SET k v"), "");
}

TEST(FindNames, StreamedRequestNamesWhatIsKnown) {
  EXPECT_EQ(found("SET k big", 2), "1o*");
  EXPECT_EQ(found("MSET a big b 2", 2), "1o* 3o*");
  EXPECT_EQ(found("EVAL big 1 k", 1), " ...");
  EXPECT_EQ(found("EVAL s 1 k big", 4), "3u*");
  EXPECT_EQ(found("COPY a b REPLACE DB 3", 3), "1r 2o* ...");
  EXPECT_EQ(found("XREAD COUNT 1 STREAMS a 0", 2), " ...");
  EXPECT_EQ(found("XREAD STREAMS a b 0 0", 3), "2r 3r");
}

TEST(FindNames, NoPrefixOfAnyCallIsMisread) {
  // Whatever is here, what is found is part of what is found in the end, and nothing is read beyond it
  // (ASan).
  for (const char* words :
       {"SORT k BY w_* LIMIT 0 5 GET o_* STORE d", "XREADGROUP GROUP g c COUNT 1 STREAMS a b > >",
        "MIGRATE h 1 k 0 10 COPY", "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "EVAL s 2 a b c"}) {
    Call call{std::string(words)};
    Names all, part;
    ASSERT_EQ(find_names(call.row(), call.request(), all), Found::kComplete);
    for (size_t here = 1; here < call.size(); ++here) {
      ASSERT_NE(find_names(call.row(), call.first(here), call.size(), part), Found::kMalformed) << words;
      EXPECT_LE(part.list.size(), all.list.size());
    }
  }
}

TEST(FindNames, NothingIsLeftOfThePreviousRequest) {
  Names names;
  Call blocking("XREAD BLOCK 1 STREAMS a b 0 0"), get("GET k");
  find_names(blocking.row(), blocking.request(), names);
  find_names(get.row(), get.request(), names);
  EXPECT_EQ(names.list.size(), 1u);
  EXPECT_FALSE(names.blocks);
}

}  // namespace
}  // namespace keyshift::command
