// What `keyshift check --upstream` has found, as text and as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include <fmt/format.h>

#include "check_upstream.h"
#include "keyshift/base/printable.h"

namespace keyshift::cli {
namespace {

using migrate::DatabaseCount;
using migrate::KeyCount;
using migrate::RuleCount;
using migrate::ServerFacts;
using scheme::Naming;

// Columns as wide as their widest text; the first is a text, the others are numbers.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const {
    if (rows_.size() == 1) return;
    std::vector<size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows_) {
      out << fmt::format("  {:<{}}", row[0], widths[0]);
      for (size_t i = 1; i < row.size(); ++i) out << fmt::format("  {:>{}}", row[i], widths[i]);
      out << '\n';
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

void print_server(const UpstreamReport& report, std::ostream& out) {
  const ServerFacts& facts = report.facts;
  out << fmt::format("upstream {}: {} {}, {}, {} used", report.address, facts.server, facts.version,
                     facts.role == "slave" ? "replica" : facts.role, bytes_text(facts.used_memory));
  if (facts.maxmemory != 0)
    out << fmt::format(" of {}, {}", bytes_text(facts.maxmemory), facts.maxmemory_policy);
  out << (facts.aof ? ", append-only file\n" : "\n");
}

void print_databases(const migrate::Survey& survey, std::ostream& out) {
  if (survey.databases().size() < 2) return;
  Table table({"database", "keys", "without expiry", "unmatched"});
  for (const DatabaseCount& one : survey.databases())
    table.add({std::to_string(one.number), count_text(one.all.keys), count_text(one.all.lasting),
               count_text(one.unmatched.keys)});
  table.print(out);
}

void print_rules(const migrate::Survey& survey, const DatabaseCount& total, std::ostream& out) {
  Table table({"rule", "legacy names", "new names", "without expiry", "clashes"});
  for (size_t i = 0; i < total.rules.size(); ++i) {
    const RuleCount& count = total.rules[i];
    if (count.names[0].keys + count.names[1].keys == 0) continue;
    table.add({fmt::format("{} {}", i + 1, survey.rules().rules()[i].legacy.text()),
               count_text(count.names[0].keys), count_text(count.names[1].keys),
               count_text(count.names[0].lasting + count.names[1].lasting), count_text(count.clashes)});
  }
  table.print(out);
}

void print_domains(const migrate::Survey& survey, const DatabaseCount& total, std::ostream& out) {
  Table table({"domain", "keys", "without expiry"});
  for (size_t i = 0; i < total.domains.size(); ++i)
    if (total.domains[i].keys != 0)
      table.add({printable(survey.rules().domains()[i].name), count_text(total.domains[i].keys),
                 count_text(total.domains[i].lasting)});
  if (total.unmatched.keys != 0)
    table.add({"(unmatched)", count_text(total.unmatched.keys), count_text(total.unmatched.lasting)});
  table.print(out);
}

void print_shapes(const migrate::Survey& survey, size_t top, std::ostream& out) {
  const auto shapes = survey.shapes().sorted();
  Table table({"shape of unmatched keys", "keys", "such as"});
  for (size_t i = 0; i < std::min(top, shapes.size()); ++i)
    table.add({shapes[i].text, (shapes[i].error == 0 ? "" : "<= ") + count_text(shapes[i].count),
               printable(shapes[i].example)});
  table.print(out);
  if (shapes.size() > top) out << fmt::format("  and {}\n", counted(shapes.size() - top, "more shape"));
}

Json json_count(const KeyCount& count) {
  return {{"keys", count.keys}, {"without_expiry", count.lasting}};
}

Json json_rules(const migrate::Survey& survey, const DatabaseCount& total) {
  Json list = Json::array();
  for (size_t i = 0; i < total.rules.size(); ++i) {
    const scheme::Rule& rule = survey.rules().rules()[i];
    list.push_back(
        {{"number", i + 1},
         {"location", rule.location},
         {"legacy", rule.legacy.text()},
         {"key", rule.key.text()},
         {"phase", phase_name(rule.phase)},
         {"legacy_names", json_count(total.rules[i].names[static_cast<size_t>(Naming::kLegacy)])},
         {"consolidated_names", json_count(total.rules[i].names[static_cast<size_t>(Naming::kConsolidated)])},
         {"clashes", total.rules[i].clashes}});
  }
  return list;
}

Json json_keyspace(const migrate::Survey& survey, size_t top) {
  const DatabaseCount total = survey.total();
  Json databases = Json::array();
  for (const DatabaseCount& one : survey.databases()) {
    Json database{{"db", one.number}};
    database.update(json_count(one.all));
    database["unmatched"] = one.unmatched.keys;
    database["complete"] = one.complete;
    databases.push_back(std::move(database));
  }
  Json domains = Json::array();
  for (size_t i = 0; i < total.domains.size(); ++i) {
    const scheme::Domain& domain = survey.rules().domains()[i];
    Json one{{"name", domain.name}, {"configured", domain.configured}};
    one.update(json_count(total.domains[i]));
    domains.push_back(std::move(one));
  }
  Json unmatched = json_count(total.unmatched);
  unmatched["shapes"] = Json::array();
  const auto shapes = survey.shapes().sorted();
  for (size_t i = 0; i < std::min(top, shapes.size()); ++i)
    unmatched["shapes"].push_back({{"shape", shapes[i].text},
                                   {"keys", shapes[i].count},
                                   {"error", shapes[i].error},
                                   {"example", printable(shapes[i].example)}});
  Json clashes = Json::array();
  for (const auto& clash : survey.clashes())
    clashes.push_back({{"db", clash.database},
                       {"rule", clash.rule + 1},
                       {"key", printable(clash.key)},
                       {"twin", printable(clash.twin)}});
  Json json = json_count(total.all);
  json["complete"] = total.complete;
  json["databases"] = std::move(databases);
  json["rules"] = json_rules(survey, total);
  json["domains"] = std::move(domains);
  json["unmatched"] = std::move(unmatched);
  json["clashes"] = std::move(clashes);
  return json;
}

}  // namespace

void print_upstream(const UpstreamReport& report, size_t top, std::ostream& out) {
  const migrate::Survey& survey = *report.survey;
  const DatabaseCount total = survey.total();
  print_server(report, out);
  out << fmt::format("keyspace: {} in {}, {} ({}) without expiry{}\n", counted(total.all.keys, "key"),
                     counted(survey.databases().size(), "database"), count_text(total.all.lasting),
                     share_text(total.all.lasting, total.all.keys), total.complete ? "" : "; a sample");
  print_databases(survey, out);
  print_rules(survey, total, out);
  print_domains(survey, total, out);
  print_shapes(survey, top, out);
}

Json json_upstream(const UpstreamReport& report, size_t top) {
  const ServerFacts& facts = report.facts;
  return {{"address", report.address},
          {"reachable", true},
          {"server", facts.server},
          {"version", facts.version},
          {"supported", facts.supported},
          {"role", facts.role},
          {"read_only", facts.read_only},
          {"loading", facts.loading},
          {"cluster", facts.cluster},
          {"used_memory", facts.used_memory},
          {"maxmemory", facts.maxmemory},
          {"maxmemory_policy", facts.maxmemory_policy},
          {"aof", facts.aof},
          {"keyspace", json_keyspace(*report.survey, top)}};
}

}  // namespace keyshift::cli
