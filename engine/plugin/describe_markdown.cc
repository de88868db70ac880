// The part of a plugin's page that its descriptor says.
#include <fmt/format.h>

#include "mayfly/plugin/describe.h"
#include "mayfly/plugin/options.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// What order rows leave in, and what else whoever wires it has to know.
std::string order_text(const PluginLibrary& library) {
  std::string text;
  const auto say = [&text](std::string_view sentence) {
    if (!text.empty()) text += ' ';
    text += sentence;
  };
  if (library.plugin().kind == MAYFLY_SOURCE) {
    say(library.has(MAYFLY_REPLAYABLE) ? "A run that was stopped goes on where it was."
                                       : "It can't be read again from a mark.");
    return text;
  }
  if (library.plugin().kind == MAYFLY_SINK) say("A sink: it has threads of its own.");
  if (library.has(MAYFLY_KEEPS_ORDER)) {
    say("Rows leave in the order in which they came.");
  } else if (library.has(MAYFLY_KEEPS_KEY_ORDER)) {
    say("Rows may wait here; none overtakes another of its key.");
  } else if (library.has(MAYFLY_HOLDS)) {
    say("Rows may wait here, and others overtake them meanwhile.");
  }
  if (library.has(MAYFLY_TRANSFORMS)) say("It makes new rows from those that it takes.");
  if (library.has(MAYFLY_SPLITS)) say("One row may become several.");
  if (library.has(MAYFLY_WANTS_COMPLETIONS)) say("It is told what became of each row.");
  if (library.has(MAYFLY_OPTIONAL_PORTS)) {
    say(library.plugin().kind == MAYFLY_SINK
            ? "No port needs to be joined: where nobody takes them, rows end here."
            : "Ports behind the first need not be joined.");
  }
  if (library.has(MAYFLY_FAILS_ATTEMPTS)) {
    say("Its last port is for rows that couldn't be delivered: where nobody takes it, they are "
        "dead "
        "letters.");
  }
  if (library.has(MAYFLY_ASKED_ONCE)) {
    say("What it sent on and comes again, since an attempt behind it failed, goes the same way "
        "again.");
  }
  if (library.has(MAYFLY_DELAYS)) say("What goes round a cycle waits here.");
  return text;
}

// A cell of a table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string range_of(const mayfly_option& option) {
  std::string range(option_type_name(option.type));
  if (option.type == MAYFLY_OPTION_CHOICE) {
    range.clear();
    for (const std::string_view choice : split_choices(option.choices)) {
      range += fmt::format("{}`{}`", range.empty() ? "" : ", ", choice);
    }
  }
  if ((option.flags & MAYFLY_OPTION_SIGNALS) != 0) range += " of signals' globs";
  if (option.minimum != nullptr && option.maximum != nullptr) {
    range += fmt::format(", {} to {}", option.minimum, option.maximum);
  } else if (option.minimum != nullptr) {
    range += fmt::format(", from {}", option.minimum);
  } else if (option.maximum != nullptr) {
    range += fmt::format(", to {}", option.maximum);
  }
  if ((option.flags & MAYFLY_OPTION_RUNTIME) != 0) range += "; may change while rows flow";
  return range;
}

std::string default_of(const mayfly_option& option) {
  if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) return "required";
  if (option.default_value == nullptr) return "";
  return *option.default_value == 0 ? "empty" : fmt::format("`{}`", cell(option.default_value));
}

void append_options(std::string& out, OptionTable options) {
  if (options.empty()) return;
  out += "\n| option | value | default | |\n|---|---|---|---|\n";
  for (const mayfly_option& option : options) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", option.name, cell(range_of(option)),
                       default_of(option), cell(option.help));
  }
}

void append_named(std::string& out, std::string_view title, const mayfly_table& table) {
  if (table.count == 0) return;
  out += fmt::format("\n| {} | |\n|---|---|\n", title);
  for (const mayfly_named& row : NamedTable(table)) {
    out += fmt::format("| `{}` | {} |\n", cell(row.name), cell(row.help));
  }
}

}  // namespace

std::string describe_markdown(const PluginLibrary& library) {
  const mayfly_plugin& plugin = library.plugin();
  std::string out = order_text(library) + "\n";
  append_options(out, OptionTable(plugin.options));
  append_named(out, "port", plugin.ports);
  append_named(out, "counter", plugin.counters);
  append_named(out, "reason", plugin.reasons);
  append_named(out, "raises", plugin.raises);
  append_named(out, "listens to", plugin.listens);
  return out;
}

}  // namespace mayfly
