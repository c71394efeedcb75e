// A fixture that runs the command line within the test: keyshift({"convert", "a"}), then look at code, out and err.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keyshift/cli/app.h"
#include "keyshift/config/load.h"

namespace keyshift::cli {

inline const std::string kExample = std::string(KEYSHIFT_CONF) + "/examples/writing-assistant.toml";

class CommandLine : public testing::Test {
 protected:
  // What the person who runs the tests has in the environment is none of their business.
  void SetUp() override {
    ::unsetenv("USE_CONSOLIDATED_CACHE");
    for (const auto& [name, value] : config::process_environment())
      if (name.starts_with("KEYSHIFT_") || name.starts_with("REDIS_")) ::unsetenv(name.c_str());
  }
  void TearDown() override {
    if (!file_.empty()) std::remove(file_.c_str());
  }

  int keyshift(std::vector<std::string> arguments, const std::string& input = "") {
    std::vector<const char*> argv{"keyshift"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::istringstream in(input);
    std::ostringstream out_stream, err_stream;
    const int code = run(static_cast<int>(argv.size()), argv.data(), in, out_stream, err_stream);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  // The path of a file with this text, removed after the test.
  const std::string& file_of(const std::string& toml) {
    if (file_.empty()) {
      file_ = testing::TempDir() + "keyshift-cli-XXXXXX";
      const int made = ::mkstemp(file_.data());
      EXPECT_GE(made, 0);
    }
    std::ofstream(file_) << toml;
    return file_;
  }

  nlohmann::json json() const { return nlohmann::json::parse(out); }
  bool says(const std::string& text) const { return out.find(text) != std::string::npos; }

  std::string out;
  std::string err;

 private:
  std::string file_;
};

}  // namespace keyshift::cli
