#include "outside.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "keyshift/config/nearest.h"
#include "value.h"

namespace keyshift::config {
namespace {

constexpr const char* kEnvironment = "environment";
constexpr const char* kBoth = " are both set: keep one of them";

std::vector<std::string> names_of(const std::map<std::string, std::string, std::less<>>& asked) {
  std::vector<std::string> names;
  for (const auto& [name, option] : asked) names.push_back(name);
  return names;
}

// The front that all names share would make any of them near.
std::string nearest_behind(std::string_view prefix, std::string_view name, std::vector<std::string> known) {
  for (std::string& one : known) one.erase(0, prefix.size());
  const std::string near = nearest(name.substr(prefix.size()), known);
  return near.empty() ? near : std::string(prefix) + near;
}

// Not a stream: those throw where a directory is read.
Result<std::string> file_text(const std::string& path) {
  constexpr size_t kLongest = 16u << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) return fail(std::strerror(errno));
  std::string text;
  std::array<char, 16 * 1024> chunk;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    text.append(chunk.data(), size);
    if (text.size() > kLongest) return fail("it is larger than 16mb");
  }
  if (std::ferror(file.get()) != 0) return fail(std::strerror(errno));
  return text;
}

}  // namespace

Place Said::named_place() const {
  return {place.source.empty() ? name : place.source + ": " + name};
}

Result<std::string> read_text(const Sources& sources, const std::string& path) {
  auto text = sources.read_file ? sources.read_file(path) : file_text(path);
  if (!text) return fail("cannot be read: " + text.error().text);
  return text;
}

Result<std::string> read_secret(const Sources& sources, const std::string& path) {
  auto text = read_text(sources, path);
  if (!text) return text;
  std::string line = text->substr(0, text->find('\n'));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail("the first line of the file is empty, and that is where the secret belongs");
  return line;
}

const std::string* Outside::variable(std::string_view name) const {
  const auto found = sources_.environment.find(name);
  return found == sources_.environment.end() || found->second.empty() ? nullptr : &found->second;
}

std::optional<Outside::Given> Outside::given_variable(std::string name, std::string_view full_name) {
  const auto [asked, is_new] = variables_.emplace(name, full_name);
  const std::string* text = variable(name);
  if (text == nullptr) return std::nullopt;
  if (!is_new) {
    problems_.add({kEnvironment}, name + " could mean " + asked->second + " and " + std::string(full_name) +
                                      ": say it in the file, or give one of them another name");
    return std::nullopt;
  }
  return Given{std::move(name), *text};
}

// Of one flag given twice the last counts, of a list's all.
std::optional<Outside::Given> Outside::given_flag(const Option& option, const std::string& full_name) {
  const std::string name = flag_name(full_name);
  const auto [asked, is_new] = flags_.emplace(name, full_name);
  std::optional<Given> given;
  for (size_t i = 0; i < sources_.flags.size(); ++i) {
    const Flag& flag = sources_.flags[i];
    if (flag.option.empty() ? flag.spelling != name : flag.option != full_name) continue;
    used_.insert(i);
    const bool joins = option.type == OptionType::kList && given;
    given = Given{flag.spelling.empty() ? name : flag.spelling,
                  joins ? given->text + "," + flag.value : flag.value};
  }
  if (given && !is_new) {
    problems_.add({}, name + " could mean " + asked->second + " and " + full_name +
                          ": say it in the file, or give one of them another name");
    return std::nullopt;
  }
  return given;
}

std::optional<Said> Outside::said(const Option& option, const Place& place, std::optional<Given> text,
                                  std::optional<Given> file) {
  if (text && file) {
    problems_.add(place, text->name + " and " + file->name + kBoth);
    return std::nullopt;
  }
  if (file) {
    auto secret = read_secret(sources_, file->text);
    if (secret) return Said{std::move(*secret), file->name, file->name, place};
    problems_.add(place, file->name + "=" + shown_text(file->text) + ": " + secret.error().text);
    return std::nullopt;
  }
  if (!text) return std::nullopt;
  std::string shown = text->name;
  if (!option.is_secret()) shown += "=" + shown_text(text->text);
  return Said{std::move(text->text), std::move(text->name), std::move(shown), place};
}

std::optional<Said> Outside::environment(const Option& option, std::string_view full_name) {
  const auto read = [&](const std::string& name) {
    auto text = given_variable(name, full_name);
    auto file = option.is_secret() ? given_variable(name + "_FILE", full_name) : std::nullopt;
    return said(option, {kEnvironment}, std::move(text), std::move(file));
  };
  auto own = read(environment_name(full_name));
  if (own || option.also.empty()) return own;
  return read(std::string(option.also));
}

std::optional<Said> Outside::flag(const Option& option, std::string_view full_name) {
  const std::string name(full_name);
  auto text = given_flag(option, name);
  auto file = option.is_secret() ? given_flag(option, name + "_file") : std::nullopt;
  return said(option, {}, std::move(text), std::move(file));
}

void Outside::finish(bool is_whole, std::vector<std::string>& notices) {
  const std::vector<std::string> known = names_of(flags_);
  for (size_t i = 0; i < sources_.flags.size(); ++i) {
    const Flag& flag = sources_.flags[i];
    if (used_.contains(i)) continue;
    if (!flag.option.empty())
      problems_.add({}, flag.option + ": unknown option");
    else if (is_whole)
      problems_.add({}, flag.spelling + ": the file has no name with such an option",
                    nearest_behind("--", flag.spelling, known));
  }
  if (is_whole) notice_unknown_variables(notices);
}

void Outside::notice_unknown_variables(std::vector<std::string>& notices) const {
  constexpr std::string_view kPrefix = "KEYSHIFT_";
  std::vector<std::string> known = names_of(variables_);
  std::erase_if(known, [&](const std::string& name) { return !name.starts_with(kPrefix); });
  known.emplace_back("KEYSHIFT_CONFIG");
  for (auto it = sources_.environment.lower_bound(kPrefix);
       it != sources_.environment.end() && it->first.starts_with(kPrefix); ++it) {
    const std::string& name = it->first;
    // What Kubernetes gives each container for a service called "keyshift".
    const bool kubernetes = name.starts_with("KEYSHIFT_SERVICE_") || name.starts_with("KEYSHIFT_PORT");
    if (kubernetes || std::ranges::count(known, name) != 0) continue;
    const std::string near = nearest_behind(kPrefix, name, known);
    notices.push_back("the environment variable " + name + " is not known and was ignored" +
                      (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

}  // namespace keyshift::config
