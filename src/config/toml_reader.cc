#include "toml_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "table_names.h"
#include "toml_node.h"
#include "value.h"

namespace keyshift::config {
namespace {

class Reader {
 public:
  Reader(const Sources& sources, Config& config, Outside& outside, Problems& problems)
      : sources_(sources), config_(config), outside_(outside), problems_(problems) {}

  FileFacts read(std::string_view text) {
    const Document document = parse_document(sources_.file, text, problems_);
    facts_.is_whole = document.is_whole;
    text_ = text;
    const toml::table& root = document.root;
    refuse_unknown(root, "", "", {});
    read_table(root, "", config_, facts_.options);
    for (const std::string_view table : table_names()) {
      if (is_table_of_many(table)) continue;
      if (const toml::table* found = table_at(root, table, std::string(table))) {
        refuse_unknown(*found, table, shown_table(table), {});
        read_table(*found, table, config_, facts_.options);
      }
    }
    read_listeners(root);
    read_users(root);
    read_ttls(root);
    read_domains(root);
    read_rules(root);
    return std::move(facts_);
  }

 private:
  using Places = std::map<std::string, Place, std::less<>>;

  Place place(const toml::source_region& region) const {
    return {sources_.file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
  }

  // The table of that name, or nullptr where there is none or (a problem) it is something else. `path`: its full name.
  const toml::table* table_at(const toml::table& parent, std::string_view name, const std::string& path) {
    const toml::node* node = parent.get(name);
    if (node == nullptr) return nullptr;
    if (const toml::table* table = node->as_table()) return table;
    const bool is_repeated = node->is_array_of_tables();
    problems_.add(
        place(node->source()),
        is_repeated ? fmt::format("[[{0}]]: must be one table, {1}", path, shown_table(path))
                    : fmt::format("{} = {}: must be a table, {}", path, node_text(*node), shown_table(path)));
    return nullptr;
  }

  // The tables of [[name]]; a single [name] counts as one, but [name.other] is a mistake.
  std::vector<const toml::table*> tables_at(const toml::table& parent, std::string_view name) {
    std::vector<const toml::table*> tables;
    const toml::node* node = parent.get(name);
    if (node == nullptr) return tables;
    if (const toml::table* table = node->as_table()) {
      for (const auto& [key, child] : *table)
        if (child.is_table() || child.is_array_of_tables())
          problems_.add(place(key.source()),
                        fmt::format("[{0}.{1}]: a {0} has no name of its own; write [[{0}]], once for each",
                                    name, key.str()));
        else if (tables.empty())
          tables.push_back(table);
      return tables;
    }
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& item : *array)
        if (const toml::table* table = item.as_table()) tables.push_back(table);
      if (tables.size() == array->size()) return tables;
    }
    problems_.add(place(node->source()),
                  fmt::format("{0} = {1}: must be tables, [[{0}]], once for each", name, node_text(*node)));
    return {};
  }

  // `shown`: the table as it is written, "[domain.analytics]".
  void refuse_unknown(const toml::table& table, std::string_view name, const std::string& shown,
                      std::vector<std::string> known) {
    for (const Option& option : options()) {
      if (option.table() != name) continue;
      known.emplace_back(option.key());
      if (option.is_secret()) known.push_back(std::string(option.key()) + "_file");
    }
    if (name.empty())
      for (const std::string_view one : table_names()) known.emplace_back(one);
    for (const auto& [key, node] : table) {
      const std::string_view given = key.str();
      if (std::ranges::count(known, given) != 0 || is_left_out(given)) continue;
      const bool is_table = node.is_table() || node.is_array_of_tables();
      if (is_table && (name == "rule" || name == "listener")) continue;  // tables_at() has said it
      if (is_table && name.empty()) {
        refuse_table(key, node);
        continue;
      }
      std::string near =
          is_table && name == "domain" ? suggest_resource(given, shown) : suggest_key(given, known);
      std::string text = "unknown option " + quoted_text(given) +
                         (name.empty() ? " at the top of the file" : " in " + shown);
      if (near.empty()) text += "; known are " + joined(known);
      problems_.add(place(key.source()), std::move(text), std::move(near));
    }
  }

  void refuse_table(const toml::key& key, const toml::node& node) {
    const bool is_many = node.is_array();
    const toml::table& table = *(is_many ? node.as_array()->get(0) : &node)->as_table();
    const bool is_domain = std::ranges::any_of(options(), [&](const Option& option) {
      return option.table() == "domain" && table.contains(option.key());
    });
    std::string near = suggest_table(key.str(), is_domain);
    std::string text =
        "unknown table " + (is_many ? fmt::format("[[{}]]", key.str()) : fmt::format("[{}]", key.str()));
    std::vector<std::string> shown;
    for (const std::string_view one : table_names()) shown.push_back(shown_table(one));
    if (near.empty()) text += "; known are " + joined(shown);
    problems_.add(place(key.source()), std::move(text), std::move(near));
  }

  // Every row of the table `name` whose destination is a Target, into `target`; of a domain also what is said outside
  // of the file. `path`: the table's full name where it is not `name`. Returns whether anything was said.
  template <class Target>
  bool read_table(const toml::table& table, std::string_view name, Target& target, Places& places,
                  const std::string& path = {}) {
    bool any = false;
    for (const Option& option : options()) {
      const auto* field = std::get_if<Field<Target>>(&option.field);
      if (field == nullptr || option.table() != name) continue;
      const std::string full_name = path.empty() ? std::string(option.name) : option.full_name(path);
      const toml::node* node = table.get(option.key());
      const toml::node* file = option.is_secret() ? table.get(std::string(option.key()) + "_file") : nullptr;
      if (file != nullptr && node != nullptr) {
        problems_.add(place(file->source()),
                      fmt::format("{0} and {0}_file are both set: keep one of them", full_name));
      } else if (file != nullptr) {
        if (read_secret_file(*file, full_name, field->store, target))
          places[std::string(option.name)] = place(file->source());
      } else if (node != nullptr) {
        if (read_option(option, *node, full_name, field->store, target))
          places[std::string(option.name)] = place(node->source());
      }
      const bool outside = option.is_named() && read_outside(option, full_name, field->store, target);
      any = any || node != nullptr || outside;
    }
    return any;
  }

  template <class Target>
  bool read_option(const Option& option, const toml::node& node, const std::string& full_name,
                   Store<Target> store, Target& target) {
    auto stored =
        node_value(option, node, ttls_).and_then([&](const Value& value) { return store(target, value); });
    if (stored) return true;
    // With half of the file unread, the name may be in the other half.
    if (option.type == OptionType::kTtl && node.is_string() && !facts_.is_whole) return false;
    const std::string said = option.is_secret() ? full_name : full_name + " = " + node_text(node);
    problems_.add(place(node.source()), said + ": " + stored.error().text,
                  option.is_secret() ? "" : suggest_value(option, node, ttls_));
    return false;
  }

  template <class Target>
  bool read_secret_file(const toml::node& node, const std::string& full_name, Store<Target> store,
                        Target& target) {
    const auto* path = node.as_string();
    const std::string said = full_name + "_file = " + node_text(node) + ": ";
    if (path == nullptr) {
      problems_.add(place(node.source()), said + "must be the name of a file in quotes");
      return false;
    }
    const auto stored = read_secret(sources_, path->get()).and_then([&](const std::string& secret) {
      return store(target, Value{.text = secret});
    });
    if (!stored) problems_.add(place(node.source()), said + stored.error().text);
    return stored.has_value();
  }

  // What the environment and then the flags say of a name in the file.
  template <class Target>
  bool read_outside(const Option& option, const std::string& full_name, Store<Target> store, Target& target) {
    bool any = false;
    for (const auto& said : {outside_.environment(option, full_name), outside_.flag(option, full_name)}) {
      if (!said) continue;
      const auto stored = parse_named(option, said->text, ttls_).and_then([&](const Value& value) {
        return store(target, value);
      });
      any = true;
      if (!stored)
        problems_.add(said->place, said->shown + ": " + stored.error().text,
                      suggest_text(option, said->text, ttls_));
    }
    return any;
  }

  void read_listeners(const toml::table& root) {
    const auto tables = tables_at(root, "listener");
    if (tables.empty()) return;
    config_.listeners.clear();
    for (const toml::table* table : tables) {
      refuse_unknown(*table, "listener", "[[listener]]", {});
      Config one;
      ListenerPlaces places{place(table->source()), {}};
      read_table(*table, "listener", one.listeners.front(), places.options);
      read_table(*table, "listener", one, places.options);  // the addresses: a listener of each
      for (Listener& listener : one.listeners) {
        config_.listeners.push_back(std::move(listener));
        facts_.listeners.push_back(places);
      }
    }
  }

  void read_users(const toml::table& root) {
    const toml::table* users = table_at(root, "user", "user");
    if (users == nullptr) return;
    for (const auto& [key, node] : *users) {
      const std::string name(key.str());
      const std::string path = "user." + name;
      if (refuse_nameless("user", name, key, node)) continue;
      const toml::table* table = table_at(*users, name, path);
      if (table == nullptr) continue;
      refuse_unknown(*table, "user", fmt::format("[{}]", path), {});
      User user;
      user.name = name;
      Places places;
      read_table(*table, "user", user, places, path);
      config_.users.push_back(std::move(user));
      facts_.users.push_back({place(table->source()), path});
    }
  }

  // An option that stands where a name should: [user] with password = "...". A problem.
  bool refuse_nameless(std::string_view table, const std::string& name, const toml::key& key,
                       const toml::node& node) {
    if (node.is_table() || find_option(fmt::format("{}.{}", table, name)) == nullptr) return false;
    problems_.add(place(key.source()),
                  fmt::format("{0} belongs to one {1}: write it under [{1}.NAME]", name, table));
    return true;
  }

  void read_ttls(const toml::table& root) {
    const toml::table* table = table_at(root, "ttl", "ttl");
    if (table == nullptr) return;
    Option ttl = *find_option("domain.default_ttl");
    ttl.type = OptionType::kDuration;  // a name for a name is none
    const Store<int64_t> store = [](int64_t& slot, const Value& value) -> Result<void> {
      slot = value.number;
      return {};
    };
    Ttls ttls;
    for (const auto& [key, node] : *table) {
      const std::string name(key.str());
      if (is_left_out(name)) continue;
      const std::string full_name = "ttl." + name;
      if (!name.empty() && name[0] >= '0' && name[0] <= '9')
        problems_.add(place(key.source()),
                      full_name + ": a name must not begin with a digit, as durations do");
      int64_t& ms =
          ttls.emplace(name, 1).first->second;  // whoever uses a name with a bad value is not to blame
      read_option(ttl, node, full_name, store, ms);
      read_outside(ttl, full_name, store, ms);
    }
    ttls_ = std::move(ttls);
  }

  void read_domains(const toml::table& root) {
    const toml::table* domains = table_at(root, "domain", "domain");
    if (domains == nullptr) return;
    for (const auto& [key, node] : *domains) {
      const std::string name(key.str());
      const std::string path = "domain." + name;
      if (refuse_nameless("domain", name, key, node)) continue;
      const toml::table* table = table_at(*domains, name, path);
      if (table == nullptr) continue;
      refuse_unknown(*table, "domain", fmt::format("[{}]", path), {"resource"});
      facts_.domains.push_back({place(table->source()), path});
      scheme::DomainSpec domain;
      domain.name = name;
      domain.location = place(table->source()).text();
      Places places;
      read_table(*table, "domain", domain.policy, places, path);
      scheme::Phase phase = config_.phase;
      if (read_table(*table, "domain", phase, places, path)) facts_.domain_phases[name] = phase;
      if (const toml::table* resources = table_at(*table, "resource", path + ".resource"))
        read_resources(*resources, path + ".resource.", domain);
      config_.scheme.domains.push_back(std::move(domain));
    }
  }

  void read_resources(const toml::table& resources, const std::string& parent, scheme::DomainSpec& domain) {
    for (const auto& [key, node] : resources) {
      const std::string name(key.str());
      const std::string path = parent + name;
      const toml::table* table = table_at(resources, name, path);
      if (table == nullptr) continue;
      if (const toml::node* phase = table->get("phase"))
        problems_.add(place(phase->source()),
                      path + ".phase: phase is for a domain or a rule, not for a resource");
      refuse_unknown(*table, "domain", fmt::format("[{}]", path), {});
      facts_.domains.push_back({place(table->source()), path});
      scheme::ResourceSpec resource{name, {}, place(table->source()).text()};
      Places places;
      read_table(*table, "domain", resource.policy, places, path);
      domain.resources.push_back(std::move(resource));
    }
  }

  void read_rules(const toml::table& root) {
    for (const toml::table* table : tables_at(root, "rule")) {
      refuse_unknown(*table, "rule", "[[rule]]", {});
      RulePlaces places{place(table->source()), text_place(*table, "legacy"), text_place(*table, "key"), {}};
      scheme::RuleSpec rule;
      rule.location = places.rule.text();
      Places options;
      read_table(*table, "rule", rule, options);
      for (const char* needed : {"legacy", "key"})
        if (const toml::node* node = table->get(needed); node == nullptr && facts_.is_whole)
          problems_.add(places.rule, std::string("a [[rule]] needs ") + needed);
        else if (node != nullptr && node->value_or(std::string_view("x")).empty())
          problems_.add(place(node->source()), fmt::format("rule.{} = \"\": must be a template", needed));
      if (options.contains("rule.phase")) places.phase = rule.phase;
      config_.scheme.rules.push_back(std::move(rule));
      facts_.rules.push_back(std::move(places));
    }
  }

  TextPlace text_place(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {place(table.source()), ""};
    return text_at(text_, place(node->source()));
  }

  const Sources& sources_;
  Config& config_;
  Outside& outside_;
  Problems& problems_;
  FileFacts facts_;
  Ttls ttls_;
  std::string_view text_;
};

}  // namespace

Place FileFacts::place_of(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? Place{} : found->second;
}

Place FileFacts::place_of(std::string_view option, size_t listener) const {
  if (listener >= listeners.size()) return place_of(option);
  const ListenerPlaces& places = listeners[listener];
  const auto found = places.options.find(option);
  return found == places.options.end() ? places.table : found->second;
}

FileFacts read_toml(const Sources& sources, std::string_view toml, Config& config, Outside& outside,
                    Problems& problems) {
  return Reader(sources, config, outside, problems).read(toml);
}

}  // namespace keyshift::config
