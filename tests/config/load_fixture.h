// A small language for tests of load(): sources in, the Config or the rendered problems out.
//
//   LoadTest: file("[upstream]\npool_size = 0\n"); environment({{"REDIS_PORT", "1"}}); flag("workers", "2");
//             EXPECT_EQ(problems(), "conf.toml:2:13: upstream.pool_size = 0: must be 1 to 10000\n");
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "keyshift/config/load.h"

namespace keyshift::config {

class LoadTest : public testing::Test {
 protected:
  void file(std::string toml) {
    sources.file = "conf.toml";
    sources.toml = std::move(toml);
    sources.has_toml = true;
  }
  void environment(std::map<std::string, std::string, std::less<>> variables) {
    sources.environment = std::move(variables);
  }
  void flag(std::string option, std::string value) {
    sources.flags.push_back({std::move(option), std::move(value), ""});
  }

  // The Config; the test fails where there is none.
  Config loaded() {
    auto config = load(sources);
    EXPECT_TRUE(config) << rendered(config);
    if (!config) return {};
    return std::move(*config);
  }
  // One line a problem; empty where there is none.
  std::string problems() { return rendered(load(sources)); }

  static std::string rendered(const tl::expected<Config, std::vector<Problem>>& config) {
    std::string out;
    if (!config)
      for (const Problem& problem : config.error()) out += problem.render() + "\n";
    return out;
  }

  Sources sources;
};

}  // namespace keyshift::config
