#include "mayfly/plugin/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "mayfly/plugin/options.h"

namespace mayfly {
namespace {

constexpr std::pair<std::uint32_t, std::string_view> kFlags[] = {
    {MAYFLY_KEEPS_ORDER, "keeps_order"},         {MAYFLY_HOLDS, "holds"},
    {MAYFLY_KEEPS_KEY_ORDER, "keeps_key_order"}, {MAYFLY_WANTS_COMPLETIONS, "wants_completions"},
    {MAYFLY_TRANSFORMS, "transforms"},           {MAYFLY_DELAYS, "delays"},
    {MAYFLY_REPLAYABLE, "replayable"},           {MAYFLY_SPLITS, "splits"},
    {MAYFLY_PARSES_TEXT, "parses_text"},         {MAYFLY_OPTIONAL_PORTS, "optional_ports"},
    {MAYFLY_FAILS_ATTEMPTS, "fails_attempts"},   {MAYFLY_ASKED_ONCE, "asked_once"},
    {MAYFLY_KEEPS_SIGNALS, "keeps_signals"},
};

constexpr std::string_view kKinds[] = {"", "source", "node", "sink"};

std::vector<std::string_view> flags_of(const PluginLibrary& library) {
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kFlags) {
    if (library.has(flag)) names.push_back(name);
  }
  return names;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string quoted_or_null(const char* text) { return text == nullptr ? "null" : quoted(text); }

std::string json_list(const std::vector<std::string_view>& texts) {
  std::vector<std::string> parts;
  for (const std::string_view text : texts) parts.push_back(quoted(text));
  return fmt::format("[{}]", fmt::join(parts, ","));
}

std::string json_table(const mayfly_table& table) {
  std::vector<std::string> parts;
  for (const mayfly_named& row : NamedTable(table)) {
    parts.push_back(fmt::format("{{\"name\":{},\"help\":{}}}", quoted(row.name), quoted(row.help)));
  }
  return fmt::format("[{}]", fmt::join(parts, ","));
}

std::string json_option(const mayfly_option& option) {
  return fmt::format(
      "{{\"name\":{},\"type\":{},\"required\":{},\"unique\":{},\"signals\":{},\"runtime\":{},"
      "\"default\":{},\"minimum\":{},"
      "\"maximum\":{},\"choices\":{},\"help\":{}}}",
      quoted(option.name), quoted(option_type_name(option.type)),
      (option.flags & MAYFLY_OPTION_REQUIRED) != 0, (option.flags & MAYFLY_OPTION_UNIQUE) != 0,
      (option.flags & MAYFLY_OPTION_SIGNALS) != 0, (option.flags & MAYFLY_OPTION_RUNTIME) != 0,
      quoted_or_null(option.default_value), quoted_or_null(option.minimum),
      quoted_or_null(option.maximum), json_list(split_choices(option.choices)),
      quoted(option.help));
}

// "duration, 1ms to 24h, default 1s"
std::string option_facts(const mayfly_option& option) {
  std::string facts(option_type_name(option.type));
  if (option.type == MAYFLY_OPTION_CHOICE) {
    facts += fmt::format(" of {}", fmt::join(split_choices(option.choices), ", "));
  }
  if (option.minimum != nullptr && option.maximum != nullptr) {
    facts += fmt::format(", {} to {}", option.minimum, option.maximum);
  } else if (option.minimum != nullptr) {
    facts += fmt::format(", at least {}", option.minimum);
  } else if (option.maximum != nullptr) {
    facts += fmt::format(", at most {}", option.maximum);
  }
  if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) facts += ", required";
  if ((option.flags & MAYFLY_OPTION_UNIQUE) != 0) facts += ", another in every source";
  if ((option.flags & MAYFLY_OPTION_SIGNALS) != 0) facts += ", globs of signals";
  if ((option.flags & MAYFLY_OPTION_RUNTIME) != 0) facts += ", may change at run time";
  if (option.default_value != nullptr) facts += fmt::format(", default {}", option.default_value);
  return facts;
}

void append_table(std::string& out, std::string_view title, const mayfly_table& table) {
  if (table.count == 0) return;
  std::size_t width = 0;
  for (const mayfly_named& row : NamedTable(table)) {
    width = std::max(width, std::string_view(row.name).size());
  }
  out += fmt::format("\n{}\n", title);
  for (const mayfly_named& row : NamedTable(table)) {
    out += fmt::format("  {:{}}  {}\n", row.name, width, row.help);
  }
}

// A limit or a default as JSON writes numbers, however the table writes it.
std::string json_number(const mayfly_option& option, const char* text) {
  if (option.type == MAYFLY_OPTION_FLOAT) {
    const auto number = parse_float(text);
    return number.ok() ? fmt::format("{}", *number) : "0";
  }
  const auto number = parse_int(text);
  return number.ok() ? fmt::format("{}", *number) : "0";
}

// Limits of durations and sizes aren't numbers in the file; they are in the description.
std::string schema_limits(const mayfly_option& option) {
  std::string limits;
  const auto add = [&](const char* name, const char* bound) {
    if (bound != nullptr) limits += fmt::format(",\"{}\":{}", name, json_number(option, bound));
  };
  switch (option.type) {
    case MAYFLY_OPTION_INT:
    case MAYFLY_OPTION_FLOAT:
      add("minimum", option.minimum);
      add("maximum", option.maximum);
      break;
    case MAYFLY_OPTION_LIST:
      add("minItems", option.minimum);
      add("maxItems", option.maximum);
      break;
    case MAYFLY_OPTION_TEXT:
      // Ours are in bytes, the schema's in characters, of which there are as many or fewer.
      if (option.minimum != nullptr && std::string_view(option.minimum) == "1") {
        add("minLength", option.minimum);
      }
      add("maxLength", option.maximum);
      break;
    default:
      break;
  }
  return limits;
}

std::string_view schema_type(const mayfly_option& option) {
  const bool globs = (option.flags & MAYFLY_OPTION_SIGNALS) != 0;
  switch (option.type) {
    case MAYFLY_OPTION_BOOL:
      return "\"type\":\"boolean\"";
    case MAYFLY_OPTION_INT:
      return "\"type\":\"integer\"";
    case MAYFLY_OPTION_FLOAT:
      return "\"type\":\"number\"";
    case MAYFLY_OPTION_DURATION:
      // Of numbers, without a unit, only zero.
      return "\"type\":[\"string\",\"integer\"],\"minimum\":0,\"maximum\":0,\"pattern\":"
             "\"^(0|([0-9]+(\\\\.[0-9]+)?(ns|us|\u00b5s|ms|s|m|h|d))+)$\"";
    case MAYFLY_OPTION_SIZE:
      return "\"type\":[\"string\",\"integer\"],\"pattern\":"
             "\"^[0-9]+(\\\\.[0-9]+)?([KkMmGgTt][Ii]?[Bb]|[Bb])?$\"";
    case MAYFLY_OPTION_LIST:
      // In one text, entries have commas between them.
      return globs ? "\"type\":[\"array\",\"string\"],"
                     "\"items\":{\"type\":\"string\",\"pattern\":\"^[^ \\\\t\\\\n]+$\"}"
                   : "\"type\":[\"array\",\"string\"],\"items\":{\"type\":\"string\"}";
    default:
      return globs ? "\"type\":\"string\",\"pattern\":\"^[^ \\\\t\\\\n]*$\""
                   : "\"type\":\"string\"";
  }
}

}  // namespace

std::string option_schema(const mayfly_option& option) {
  std::string schema = option.type == MAYFLY_OPTION_CHOICE
                           ? fmt::format("\"enum\":{}", json_list(split_choices(option.choices)))
                           : std::string(schema_type(option));
  schema += schema_limits(option);
  if (option.default_value != nullptr) {
    const bool is_number = option.type == MAYFLY_OPTION_INT || option.type == MAYFLY_OPTION_FLOAT;
    schema += fmt::format(",\"default\":{}", is_number ? json_number(option, option.default_value)
                                             : option.type == MAYFLY_OPTION_BOOL
                                                 ? std::string(option.default_value)
                                                 : quoted(option.default_value));
  }
  return fmt::format("{{{},\"description\":{}}}", schema,
                     quoted(fmt::format("{} ({})", option.help, option_facts(option))));
}

std::string describe(const PluginLibrary& library) {
  const mayfly_plugin& plugin = library.plugin();
  std::string out = fmt::format("{} {} ({})\n{}\n{}\n", plugin.name, plugin.version,
                                kKinds[plugin.kind], plugin.summary, library.path());
  if (const auto flags = flags_of(library); !flags.empty()) {
    out += fmt::format("\nflags\n  {}\n", fmt::join(flags, ", "));
  }
  const OptionTable options(plugin.options);
  if (!options.empty()) out += "\noptions\n";
  for (const mayfly_option& option : options) {
    out += fmt::format("  {}: {}\n      {}\n", option.name, option_facts(option), option.help);
  }
  append_table(out, "ports", plugin.ports);
  append_table(out, "counters", plugin.counters);
  append_table(out, "reasons", plugin.reasons);
  append_table(out, "raises", plugin.raises);
  append_table(out, "listens", plugin.listens);
  return out;
}

std::string describe_json(const PluginLibrary& library) {
  const mayfly_plugin& plugin = library.plugin();
  std::vector<std::string> options;
  for (const mayfly_option& option : OptionTable(plugin.options)) {
    options.push_back(json_option(option));
  }
  return fmt::format(
      "{{\"name\":{},\"version\":{},\"summary\":{},\"kind\":{},\"abi\":\"{}.{}\",\"path\":{},"
      "\"flags\":{},\"options\":[{}],\"ports\":{},\"counters\":{},\"reasons\":{},\"raises\":{},"
      "\"listens\":{}}}",
      quoted(plugin.name), quoted(plugin.version), quoted(plugin.summary),
      quoted(kKinds[plugin.kind]), plugin.abi_major, plugin.abi_minor, quoted(library.path()),
      json_list(flags_of(library)), fmt::join(options, ","), json_table(plugin.ports),
      json_table(plugin.counters), json_table(plugin.reasons), json_table(plugin.raises),
      json_table(plugin.listens));
}

std::string options_schema(std::string_view title, OptionTable options) {
  std::vector<std::string> properties;
  std::vector<std::string_view> required;
  for (const mayfly_option& option : options) {
    properties.push_back(fmt::format("{}:{}", quoted(option.name), option_schema(option)));
    if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) required.push_back(option.name);
  }
  return fmt::format(
      "{{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":{},"
      "\"type\":\"object\",\"properties\":{{{}}},\"required\":{},\"additionalProperties\":false}}",
      quoted(title), fmt::join(properties, ","), json_list(required));
}

std::string options_schema(const PluginLibrary& library) {
  return options_schema(library.name(), OptionTable(library.plugin().options));
}

}  // namespace mayfly
