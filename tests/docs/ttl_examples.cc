#include "ttl_examples.h"

#include <sstream>

#include "keyshift/base/buffer.h"
#include "keyshift/base/check.h"
#include "keyshift/command/table.h"
#include "keyshift/config/load.h"
#include "keyshift/resp/request_parser.h"
#include "keyshift/resp/writer.h"

namespace keyshift::docs {
namespace {

std::string encoded(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  Buffer out;
  resp::append_array(out, words.size());
  for (const std::string& word : words) resp::append_bulk(out, word);
  return std::string(out.view());
}

std::string spoken(const resp::Request& request) {
  std::string out;
  for (size_t i = 0; i < request.size(); ++i) out += (i == 0 ? "" : " ") + std::string(request[i]);
  return out;
}

// What a parser finds in the front of `bytes`, which lose it.
std::string next_command(std::string_view& bytes) {
  resp::RequestParser parser;
  KEYSHIFT_CHECK(parser.parse(bytes) == resp::RequestParser::Status::kRequest, bytes);
  std::string text = spoken(parser.request(bytes));
  bytes.remove_prefix(parser.frame_size());
  return text;
}

}  // namespace

TtlExamples::TtlExamples(std::string_view toml) {
  config::Sources sources;
  sources.toml = toml;
  sources.has_toml = true;
  sources.file = "example.toml";
  auto config = config::load(sources);
  KEYSHIFT_CHECK(config.has_value(), config ? "" : config.error().front().render());
  rules_ = config->rules;
}

void TtlExamples::add(const std::string& line) {
  const std::string bytes = encoded(line);
  resp::RequestParser parser;
  KEYSHIFT_CHECK(parser.parse(bytes) == resp::RequestParser::Status::kRequest, line);
  const resp::Request request = parser.request(bytes);
  const command::Match match =
      command::Table::built_in().find(request[0], request.size() > 1 ? request[1] : std::string_view());
  KEYSHIFT_CHECK(match.outcome == command::Match::Outcome::kFound, line);
  const plan::Context context{
      .rules = rules_, .view = view_, .protocol = resp::Protocol::kResp2, .database = 0, .now_ms = kNowMs};
  Buffer out;
  plan::Plan plan;
  planner_.make(*match.row, request, context, out, plan);
  KEYSHIFT_CHECK(plan.refusal == plan::Refusal::kNone, line);
  rows_ += "| `" + line + "` | ";
  std::string_view rest = out.view();
  for (size_t i = 0; i < plan.steps.size(); ++i) rows_ += (i == 0 ? "`" : ", `") + next_command(rest) + "`";
  rows_ += " |\n";
}

std::string TtlExamples::table() {
  std::string out = "| the application sends | Redis gets |\n|---|---|\n" + rows_;
  rows_.clear();
  return out;
}

}  // namespace keyshift::docs
