#include "toml_reader.h"

#include <algorithm>
#include <array>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include "value.h"

namespace keyshift::config {
namespace {

// Tables that are read by name: the file's own structure, which no row of the option table describes.
constexpr std::array<std::string_view, 4> kTablesOfMany{"listener", "ttl", "domain", "rule"};

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

// The value as the operator wrote it, or nearly so.
std::string node_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return quoted(text->get());
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  if (node.is_table()) return "{...}";
  if (node.is_array()) return "[...]";
  if (node.is_floating_point()) return "a decimal number";
  return "a date or time";
}

const char* expected_kind(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "must be true or false, without quotes";
    case OptionType::kInteger:
      return "must be a whole number, without quotes";
    case OptionType::kDuration:
      return "must be a duration in quotes, with a unit (ms, s, m, h, d, w), such as \"90s\"";
    case OptionType::kTtl:
      return "must be a duration in quotes, such as \"90s\", or a name from [ttl]";
    case OptionType::kSize:
      return "must be a number of bytes, or a size in quotes such as \"512mb\"";
    case OptionType::kPercent:
      return "must be a percentage in quotes, such as \"5%\"";
    case OptionType::kList:
      return "must be a text in quotes, or a list of such texts";
    default:
      return "must be a text in quotes";
  }
}

class Reader {
 public:
  Reader(const std::string& file, Config& config, Problems& problems)
      : file_(file), config_(config), problems_(problems) {}

  FileFacts read(std::string_view text) {
    const toml::parse_result result = toml::parse(text, file_);
    if (!result) {
      problems_.add(place(result.error().source()), std::string(result.error().description()));
      return std::move(facts_);
    }
    const toml::table& root = result.table();
    refuse_unknown(root, "", {});
    read_table(root, "", config_);
    for (const std::string_view table : plain_tables())
      if (const toml::table* found = table_at(root, table)) {
        refuse_unknown(*found, table, {});
        read_table(*found, table, config_);
      }
    read_listeners(root);
    read_ttls(root);
    read_domains(root);
    read_rules(root);
    return std::move(facts_);
  }

 private:
  Place place(const toml::source_region& region) const {
    return {file_, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
  }

  static std::vector<std::string_view> plain_tables() {
    std::vector<std::string_view> tables;
    for (const Option& option : options()) {
      const std::string_view table = option.table();
      if (!table.empty() && !is_table_of_many(table) && std::ranges::count(tables, table) == 0)
        tables.push_back(table);
    }
    return tables;
  }

  // The table of that name, or nullptr where there is none or (a problem) it is something else.
  const toml::table* table_at(const toml::table& parent, std::string_view name) {
    const toml::node* node = parent.get(name);
    if (node == nullptr) return nullptr;
    if (const toml::table* table = node->as_table()) return table;
    problems_.add(place(node->source()), fmt::format("\"{0}\" must be a table, [{0}]", name));
    return nullptr;
  }

  // The tables of [[name]]; a single [name] counts as one.
  std::vector<const toml::table*> tables_at(const toml::table& parent, std::string_view name) {
    std::vector<const toml::table*> tables;
    const toml::node* node = parent.get(name);
    if (node == nullptr) return tables;
    if (const toml::table* table = node->as_table()) return {table};
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& item : *array)
        if (const toml::table* table = item.as_table()) tables.push_back(table);
      if (tables.size() == array->size()) return tables;
    }
    problems_.add(place(node->source()), fmt::format("\"{0}\" must be tables, [[{0}]]", name));
    return {};
  }

  void refuse_unknown(const toml::table& table, std::string_view name, std::vector<std::string> more) {
    std::vector<std::string> known = std::move(more);
    for (const Option& option : options())
      if (option.table() == name) known.emplace_back(option.key());
    if (name.empty()) {
      for (const std::string_view plain : plain_tables()) known.emplace_back(plain);
      known.insert(known.end(), kTablesOfMany.begin(), kTablesOfMany.end());
    }
    for (const auto& [key, node] : table) {
      const std::string_view given = key.str();
      if (std::ranges::count(known, given) != 0) continue;
      const std::string where = name.empty() ? " at the top of the file" : " in [" + std::string(name) + "]";
      problems_.add(place(key.source()), "unknown option " + quoted(given) + where,
                    suggest_key(given, known));
    }
  }

  // A near name of the same table, else the table in which this very name would be known.
  static std::string suggest_key(std::string_view given, const std::vector<std::string>& known) {
    for (const Option& option : options())
      if (option.key() == given && !option.table().empty())
        return quoted(given) + " in [" + std::string(option.table()) + "]";
    for (const Option& option : options())
      if (option.key() == given) return quoted(given) + " at the top of the file, above the first table";
    const std::string near = nearest(given, known);
    return near.empty() ? near : quoted(near);
  }

  // Every row of the table `name` whose destination is a Target, into `target`.
  template <class Target>
  void read_table(const toml::table& table, std::string_view name, Target& target,
                  const std::string& path = {}) {
    for (const Option& option : options()) {
      const auto* field = std::get_if<Field<Target>>(&option.field);
      if (field == nullptr || option.table() != name) continue;
      const toml::node* node = table.get(option.key());
      if (node == nullptr) continue;
      const std::string shown =
          path.empty() ? std::string(option.name) : path + "." + std::string(option.key());
      read_option(option, *node, shown, field->store, target);
    }
  }

  template <class Target>
  void read_option(const Option& option, const toml::node& node, const std::string& shown,
                   Store<Target> store, Target& target) {
    const Place where = place(node.source());
    const std::string said = option.is_secret() ? shown : shown + " = " + node_text(node);
    std::string given;
    const auto value = node_value(option, node, given);
    Result<void> stored;
    if (value) stored = store(target, *value);
    const std::string* reason = !value ? &value.error().text : !stored ? &stored.error().text : nullptr;
    if (reason == nullptr) {
      facts_.options[std::string(option.name)] = where;
    } else if (option.type == OptionType::kTtl && node.is_string() && !given.empty() &&
               !std::isdigit(static_cast<unsigned char>(given[0]))) {
      problems_.add(where, said + ": neither a duration such as \"90s\" nor a name from [ttl]",
                    near_ttl(given));
    } else {
      problems_.add_bad_value(where, option, said, given, *reason);
    }
  }

  // `given` is the text that was understood, for suggestions.
  Result<Value> node_value(const Option& option, const toml::node& node, std::string& given) {
    if (const auto* text = node.as_string()) {
      given = text->get();
      if (option.type == OptionType::kBool || option.type == OptionType::kInteger)
        return fail(expected_kind(option.type));
      if (option.type == OptionType::kTtl) {
        if (const auto ttl = ttls_.find(given); ttl != ttls_.end())
          return parse_value(option, std::to_string(ttl->second) + "ms");
      }
      if (option.type == OptionType::kList) {
        Value value;
        value.list.push_back(given);
        return value;
      }
      return parse_value(option, given);
    }
    if (const auto* number = node.as_integer()) {
      given = std::to_string(number->get());
      if (option.is_number() && option.type != OptionType::kPercent) {
        if (auto value = parse_value(option, given)) return value;
        if (option.type == OptionType::kInteger || option.type == OptionType::kSize)
          return parse_value(option, given);
      }
      return fail(expected_kind(option.type));
    }
    if (const auto* boolean = node.as_boolean(); boolean != nullptr && option.type == OptionType::kBool)
      return parse_value(option, boolean->get() ? "true" : "false");
    if (const auto* array = node.as_array(); array != nullptr && option.type == OptionType::kList) {
      Value value;
      for (const toml::node& item : *array) {
        const auto* text = item.as_string();
        if (text == nullptr) return fail(expected_kind(option.type));
        value.list.push_back(text->get());
      }
      return value;
    }
    return fail(expected_kind(option.type));
  }

  std::string near_ttl(std::string_view given) const {
    std::vector<std::string> names;
    for (const auto& [name, ms] : ttls_) names.push_back(name);
    const std::string near = nearest(given, names);
    return near.empty() ? near : quoted(near);
  }

  void read_listeners(const toml::table& root) {
    const auto tables = tables_at(root, "listener");
    if (tables.empty()) return;
    config_.listeners.clear();
    for (const toml::table* table : tables) {
      refuse_unknown(*table, "listener", {});
      Config one;
      read_table(*table, "listener", one.listeners.front());
      read_table(*table, "listener", one);  // the addresses: a listener of each
      for (Listener& listener : one.listeners) {
        config_.listeners.push_back(std::move(listener));
        facts_.listeners.push_back(place(table->source()));
      }
    }
  }

  void read_ttls(const toml::table& root) {
    const toml::table* table = table_at(root, "ttl");
    if (table == nullptr) return;
    const Option& ttl = *find_option("domain.default_ttl");
    for (const auto& [key, node] : *table) {
      const std::string name(key.str());
      int64_t ms = 0;
      const Store<int64_t> store = [](int64_t& slot, const Value& value) -> Result<void> {
        slot = value.number;
        return {};
      };
      if (!name.empty() && name[0] >= '0' && name[0] <= '9')
        problems_.add(place(key.source()),
                      "ttl." + name + ": a name must not begin with a digit, as durations do");
      read_option(ttl, node, "ttl." + name, store, ms);
      new_ttls_[name] = ms;
    }
    ttls_ = std::move(new_ttls_);
  }

  void read_domains(const toml::table& root) {
    const toml::table* domains = table_at(root, "domain");
    if (domains == nullptr) return;
    for (const auto& [key, node] : *domains) {
      const std::string name(key.str());
      const std::string path = "domain." + name;
      const toml::table* table = table_at(*domains, name);
      if (table == nullptr) continue;
      refuse_unknown(*table, "domain", {"resource"});
      facts_.domains.push_back({place(table->source()), path});
      scheme::DomainSpec domain;
      domain.name = name;
      domain.location = place(table->source()).text();
      read_table(*table, "domain", domain.policy, path);
      scheme::Phase phase = config_.phase;
      read_table(*table, "domain", phase, path);
      if (table->contains("phase")) facts_.domain_phases[name] = phase;
      if (const toml::table* resources = table_at(*table, "resource"))
        read_resources(*resources, path, domain);
      config_.scheme.domains.push_back(std::move(domain));
    }
  }

  void read_resources(const toml::table& resources, const std::string& path, scheme::DomainSpec& domain) {
    for (const auto& [key, node] : resources) {
      const std::string name(key.str());
      const toml::table* table = table_at(resources, name);
      if (table == nullptr) continue;
      if (const toml::node* phase = table->get("phase"))
        problems_.add(place(phase->source()), "phase is for a domain or a rule, not for a resource");
      refuse_unknown(*table, "domain", {});
      facts_.domains.push_back({place(table->source()), path + ".resource." + name});
      scheme::ResourceSpec resource{name, {}, place(table->source()).text()};
      read_table(*table, "domain", resource.policy, path + ".resource." + name);
      domain.resources.push_back(std::move(resource));
    }
  }

  void read_rules(const toml::table& root) {
    for (const toml::table* table : tables_at(root, "rule")) {
      refuse_unknown(*table, "rule", {});
      RulePlaces places{place(table->source()), text_place(*table, "legacy"), text_place(*table, "key"), {}};
      scheme::RuleSpec rule;
      rule.location = places.rule.text();
      read_table(*table, "rule", rule);
      for (const char* needed : {"legacy", "key"})
        if (!table->contains(needed)) problems_.add(places.rule, std::string("a [[rule]] needs ") + needed);
      if (table->contains("phase")) places.phase = rule.phase;
      config_.scheme.rules.push_back(std::move(rule));
      facts_.rules.push_back(std::move(places));
    }
  }

  Place text_place(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return place(table.source());
    Place where = place(node->source());
    if (node->is_string()) ++where.column;
    return where;
  }

  const std::string& file_;
  Config& config_;
  Problems& problems_;
  FileFacts facts_;
  std::map<std::string, int64_t, std::less<>> ttls_;
  std::map<std::string, int64_t, std::less<>> new_ttls_;
};

}  // namespace

FileFacts read_toml(const std::string& file, std::string_view toml, Config& config, Problems& problems) {
  return Reader(file, config, problems).read(toml);
}

}  // namespace keyshift::config
