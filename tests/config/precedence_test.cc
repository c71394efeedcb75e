// Flag over environment over file over default, for every option: four values, each from a stronger source.

#include "keyshift/config/option.h"
#include "load_fixture.h"

namespace keyshift::config {
namespace {

// Four texts of the option's type, none the default, each unlike its neighbours, that go with the defaults of all else.
std::vector<std::string> values_of(const Option& option) {
  const auto count = [&option](int64_t n) {
    return number_text(option, parse_value(option, option.default_text)->number + n);
  };
  const std::string key(option.key());
  if (option.is_number()) return {count(1), count(2), count(3), count(4)};
  if (option.type == OptionType::kBool) return {"true", "false", "true", "false"};
  if (option.type == OptionType::kUrl) return {"redis://h1", "redis://h2", "redis://h3", "unix:///h4"};
  if (option.type == OptionType::kChoice) {
    std::vector<std::string> choices = option.choice_list();
    std::erase(choices, option.default_text);
    const std::string other = choices.front();
    return {other, std::string(option.default_text), other, std::string(option.default_text)};
  }
  if (key == "address") return {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"};
  return {"one", "two", "three", "four"};
}

std::string in_file(const Option& option, const std::string& text) {
  const bool bare = option.type == OptionType::kInteger || option.type == OptionType::kBool;
  const std::string table(option.table());
  const std::string header = table.empty()         ? ""
                             : table == "listener" ? "[[listener]]\n"
                                                   : "[" + table + "]\n";
  std::string users;
  if (option.name == "listener.users")
    for (const char* name : {"one", "two", "three", "four"})
      users += std::string("[user.") + name + "]\npassword = \"x\"\n";
  return users + header + std::string(option.key()) + " = " + (bare ? text : "\"" + text + "\"") + "\n";
}

// What the Config holds where the option's values go.
std::optional<Value> read(const Option& option, const Config& config) {
  if (const auto* field = std::get_if<Field<Listener>>(&option.field))
    return field->read(config.listeners.front());
  const auto* field = std::get_if<Field<Config>>(&option.field);
  if (field->read == nullptr) field = std::get_if<Field<Config>>(&find_option("upstream.url")->field);
  return field->read(config);
}

// What it holds when the option alone is set to `text`.
std::optional<Value> expected(const Option& option, const std::string& text) {
  Config config;
  const auto value = parse_value(option, text);
  EXPECT_TRUE(value) << option.name << " = " << text;
  if (const auto* field = std::get_if<Field<Listener>>(&option.field))
    EXPECT_TRUE(field->store(config.listeners.front(), *value));
  else
    EXPECT_TRUE(std::get_if<Field<Config>>(&option.field)->store(config, *value)) << option.name;
  return read(option, config);
}

class PrecedenceTest : public LoadTest {};

TEST_F(PrecedenceTest, EachSourceWinsOverTheWeakerOnesForEveryOption) {
  for (const Option& option : options()) {
    // tls has one possible value for now; the feature flag says a phase in its own way.
    if (option.flag().empty() || option.name == "upstream.tls") continue;
    const auto values = values_of(option);
    sources = {};
    // Out of the way of the upstream's own address, and what a prefix and folding need.
    if (option.name != "listener.address") flag("listener.address", "127.0.0.1:0");
    if (option.name == "fold.into") flag("listener.unmatched", "refuse");
    if (option.name == "listener.unmatched_prefix") flag("listener.unmatched", "prefix");

    auto next = values.begin();
    const auto holds = [&] {
      EXPECT_EQ(read(option, loaded()), expected(option, *next)) << option.name << " = " << *next;
      ++next;
    };
    file(in_file(option, *next));
    holds();
    const bool is_flag_of_others = option.also == "USE_CONSOLIDATED_CACHE";
    if (!option.also.empty() && !is_flag_of_others) {
      sources.environment[std::string(option.also)] = *next;
      holds();
    }
    sources.environment[option.environment()] = *next;
    holds();
    flag(std::string(option.name), *next);
    holds();
  }
}

TEST_F(PrecedenceTest, TheFeatureFlagIsAVariableLikeAnyOther) {
  using enum scheme::Phase;
  file("phase = \"legacy\"\n");
  environment({{"USE_CONSOLIDATED_CACHE", "TRUE"}});
  EXPECT_EQ(loaded().phase, kConsolidated);
  environment({{"USE_CONSOLIDATED_CACHE", "true"}, {"KEYSHIFT_PHASE", "legacy"}});
  EXPECT_EQ(loaded().phase, kLegacy);
  flag("phase", "consolidated");
  EXPECT_EQ(loaded().phase, kConsolidated);
}

}  // namespace
}  // namespace keyshift::config
