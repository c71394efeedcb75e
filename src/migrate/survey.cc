#include "keyshift/migrate/survey.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "keyshift/base/printable.h"
#include "keyshift/scheme/shape.h"

namespace keyshift::migrate {

using net::Reply;
using scheme::Match;
using scheme::Naming;

// ---- counting

DatabaseCount& DatabaseCount::operator+=(const DatabaseCount& other) {
  all += other.all;
  unmatched += other.unmatched;
  for (size_t i = 0; i < rules.size(); ++i) rules[i] += other.rules[i];
  for (size_t i = 0; i < domains.size(); ++i) domains[i] += other.domains[i];
  complete = complete && other.complete;
  return *this;
}

Survey::Survey(std::shared_ptr<const scheme::Ruleset> rules, scheme::View view, size_t shapes)
    : rules_(std::move(rules)), view_(std::move(view)), shapes_(shapes) {}

DatabaseCount& Survey::of(int database) {
  // The one that is being walked is the last.
  const auto found = std::find_if(databases_.rbegin(), databases_.rend(),
                                  [&](const DatabaseCount& one) { return one.number == database; });
  if (found != databases_.rend()) return *found;
  DatabaseCount made;
  made.number = database;
  made.rules.resize(rules_->rules().size());
  made.domains.resize(rules_->domains().size());
  return databases_.emplace_back(std::move(made));
}

DatabaseCount Survey::total() const {
  DatabaseCount sum;
  sum.rules.resize(rules_->rules().size());
  sum.domains.resize(rules_->domains().size());
  for (const DatabaseCount& database : databases_) sum += database;
  return sum;
}

// The two views try the two kinds of names in opposite orders; the one that finds a physical name is right.
Match Survey::owner_of(int database, std::string_view key) const {
  static const scheme::View kByConsolidated{Naming::kConsolidated, scheme::Unmatched::kPass, ""};
  static const scheme::View kByLegacy{Naming::kLegacy, scheme::Unmatched::kPass, ""};
  const auto is_physical = [this](const Match& match) {
    return match.kind == Match::Kind::kRule && rules_->rules()[match.rule].physical_side() == match.side;
  };
  const Match first = rules_->match(key, database, kByConsolidated);
  if (first.kind != Match::Kind::kRule || is_physical(first)) return first;
  const Match second = rules_->match(key, database, kByLegacy);
  return is_physical(second) ? second : first;
}

Survey::Seen Survey::add(int database, std::string_view key, bool lasts) {
  DatabaseCount& counts = of(database);
  counts.all.add(lasts);
  const Match match = owner_of(database, key);
  if (match.domain != Match::kNone) counts.domains[match.domain].add(lasts);
  if (match.kind == Match::Kind::kNative) return {};
  if (match.kind == Match::Kind::kUnmatched) {
    counts.unmatched.add(lasts);
    count_shape(key);
    return {};
  }
  counts.rules[match.rule].names[static_cast<size_t>(match.side)].add(lasts);
  Seen seen{match.rule, {}};
  if (rules_->rules()[match.rule].physical_side() == match.side) return seen;
  // Asked only from this side, so that no clash is found twice.
  twin_.clear();
  if (rules_->convert(key, database, other(match.side), twin_) == scheme::Ruleset::Conversion::kConverted)
    seen.twin = twin_.view();
  return seen;
}

void Survey::count_shape(std::string_view key) {
  std::string_view name = key;
  if (view_.unmatched == scheme::Unmatched::kPrefix && name.starts_with(view_.prefix))
    name.remove_prefix(view_.prefix.size());
  shape_.clear();
  scheme::append_shape(name, shape_);
  // An example of a megabyte would not be one.
  constexpr size_t kLongestExample = 256;
  shapes_.add(shape_, key.substr(0, kLongestExample));
}

void Survey::add_clash(int database, uint32_t rule, std::string_view key, std::string_view twin) {
  ++of(database).rules[rule].clashes;
  if (clashes_.size() < kKeptClashes)
    clashes_.push_back({database, rule, std::string(key), std::string(twin)});
}

// ---- walking

namespace {

// What SCAN is asked for: about a third of a millisecond of the server's time.
constexpr std::string_view kBatch = "1000";
constexpr int64_t kNoExpiry = -1;
constexpr int64_t kGone = -2;

// Keeps to a number of keys in a second, measured over the whole walk.
class Pace {
 public:
  explicit Pace(uint64_t keys_per_second) : rate_(keys_per_second) {}

  void keep(Dialogue& dialogue, uint64_t done) const {
    if (rate_ == 0) return;
    const auto due = std::chrono::milliseconds(done * 1000 / rate_);
    const auto spent =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
    dialogue.pause((due - spent).count());
  }

 private:
  uint64_t rate_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Walk {
 public:
  Walk(Dialogue& dialogue, const SurveyOptions& options, Survey& survey)
      : dialogue_(dialogue), options_(options), survey_(survey), pace_(options.keys_per_second) {}

  Result<void> database(int number) {
    if (auto selected = asked({"SELECT", std::to_string(number)}); !selected)
      return tl::make_unexpected(selected.error());
    std::string cursor = "0";
    const uint64_t before = done_;
    do {
      const auto reply = asked({"SCAN", cursor, "COUNT", kBatch});
      if (!reply) return tl::make_unexpected(reply.error());
      if (reply->elements.size() != 2) return fail("SCAN answered something else than a cursor and keys");
      cursor = reply->elements[0].text;
      if (auto counted = batch(number, reply->elements[1].elements); !counted) return counted;
      options_.progress(done_);
      if (options_.sample != 0 && done_ - before >= options_.sample && cursor != "0") {
        survey_.set_sampled(number);
        break;
      }
      pace_.keep(dialogue_, done_);
    } while (cursor != "0");
    return {};
  }

 private:
  // An error reply is a failure here: without the answer there is nothing to count.
  Result<Reply> asked(std::initializer_list<std::string_view> words) {
    auto reply = dialogue_.ask(words);
    if (reply && reply->is_error()) return fail(fmt::format("{}: {}", *words.begin(), reply->text));
    return reply;
  }

  Result<void> batch(int database, const std::vector<Reply>& keys) {
    expiries_.clear();
    refused_.clear();
    for (const Reply& key : keys) {
      dialogue_.send({"PTTL", key.text}, [this](const Reply& reply) {
        if (reply.is_error()) refused_ = "PTTL: " + reply.text;
        expiries_.push_back(reply.integer);
      });
    }
    if (auto waited = dialogue_.wait(); !waited) return waited;
    for (size_t i = 0; i < keys.size() && refused_.empty(); ++i) {
      if (expiries_[i] == kGone) continue;
      ++done_;
      const std::string& key = keys[i].text;
      const Survey::Seen seen = survey_.add(database, key, expiries_[i] == kNoExpiry);
      if (seen.twin.empty()) continue;
      dialogue_.send({"EXISTS", seen.twin}, [this, database, rule = seen.rule, &key,
                                             twin = std::string(seen.twin)](const Reply& reply) {
        if (reply.is_error()) refused_ = "EXISTS: " + reply.text;
        if (reply.integer == 1) survey_.add_clash(database, rule, key, twin);
      });
    }
    if (auto waited = dialogue_.wait(); !waited) return waited;
    return refused_.empty() ? Result<void>() : fail(refused_);
  }

  Dialogue& dialogue_;
  const SurveyOptions& options_;
  Survey& survey_;
  Pace pace_;
  uint64_t done_ = 0;
  std::vector<int64_t> expiries_;
  std::string refused_;
};

}  // namespace

Result<void> survey_server(Dialogue& dialogue, const ServerFacts& facts, const SurveyOptions& options,
                           Survey& survey) {
  Walk walk(dialogue, options, survey);
  for (const ServerFacts::Database& database : facts.databases) {
    if (auto walked = walk.database(database.number); !walked) return walked;
  }
  return {};
}

}  // namespace keyshift::migrate
