#include "tools/mayfly/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mayfly::cli {
namespace {

constexpr std::string_view kExamples = "Examples:\n";

// Characters that roff reads, or typesets as others: a shell has to read what is copied from a
// page.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool starts_line = out.empty() || out.back() == '\n';
    if (starts_line && c == '.') out += "\\&";
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '"':
        out += "\\(dq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string section(std::string_view name) { return fmt::format(".SH {}\n", name); }

// A heading as an argument of a macro.
std::string subsection(std::string_view name) { return fmt::format(".SS \"{}\"\n", escaped(name)); }

// `tag`: roff.
std::string item(std::string_view tag, std::string_view text) {
  return fmt::format(".TP\n{}\n{}\n", tag, text);
}

// The words of help become a sentence.
std::string sentence(std::string_view text) {
  const bool ended = text.empty() || text.ends_with('.') || text.ends_with(':');
  return escaped(text) + (ended ? "" : ".");
}

// A footer's paragraphs. What follows "Examples:" is shown as it stands.
struct Footer {
  std::string examples;
  std::vector<std::string> paragraphs;
};

Footer split(std::string_view text) {
  Footer footer;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (paragraph.starts_with(kExamples)) {
      paragraph.remove_prefix(kExamples.size());
      footer.examples = paragraph;
    } else {
      footer.paragraphs.emplace_back(paragraph);
    }
  }
  return footer;
}

std::string synopsis(const CommandModel& command) {
  std::string text = bold(full_name(command, ' ')) + " [" + italic("OPTION") + "]...";
  for (const OptionModel& option : command.options) {
    if (!option.required) continue;
    text += fmt::format(" {} {}", bold(option.names.back()), italic(option.value.name));
  }
  for (const ArgumentModel& argument : command.arguments) {
    const std::string name = italic(argument.value.name);
    text += argument.required ? " " + name : " [" + name + "]";
    if (argument.repeatable) text += "...";
  }
  if (!command.commands.empty()) {
    const std::string below = italic("COMMAND") + " ...";
    text += command.requires_command ? " " + below : " [" + below + "]";
  }
  return section("SYNOPSIS") + text + "\n";
}

std::string description(const CommandModel& command, const std::vector<std::string>& paragraphs) {
  std::string text = section("DESCRIPTION") + sentence(command.summary) + "\n";
  for (const std::string& paragraph : paragraphs) text += ".PP\n" + escaped(paragraph) + "\n";
  return text;
}

std::string arguments(const CommandModel& command) {
  if (command.arguments.empty()) return {};
  std::string text = section("ARGUMENTS");
  for (const ArgumentModel& argument : command.arguments) {
    text += item(italic(argument.value.name) + (argument.repeatable ? "..." : ""),
                 sentence(argument.help));
  }
  return text;
}

std::string describe(const OptionModel& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + bold(name);
  if (option.value.kind == ValueKind::kWord) {
    std::string words;
    for (const std::string& word : option.value.words)
      words += (words.empty() ? "" : "|") + bold(word);
    tag += " " + words;
  } else if (option.value.kind != ValueKind::kNone) {
    tag += " " + italic(option.value.name);
  }
  std::string text = sentence(option.help);
  if (option.required) text += "\nRequired.";
  if (!option.default_value.empty()) text += "\nDefault: " + bold(option.default_value) + ".";
  if (!option.excludes.empty()) {
    text += "\nNot together with " + escaped(joined(option.excludes, ", ")) + ".";
  }
  if (!option.variable.empty()) text += "\nEnvironment: " + escaped(option.variable) + ".";
  return item(tag, text);
}

bool has_option(const CommandModel& command, const OptionModel& option) {
  return std::ranges::any_of(command.options, [&option](const OptionModel& each) {
    return each.names == option.names && each.group == option.group;
  });
}

// The headings, those first under which a command has something of its own.
std::vector<std::string> groups_of(const CommandModel& program, const CommandModel& command) {
  std::vector<std::string> groups;
  for (const bool of_all : {false, true}) {
    for (const OptionModel& option : command.options) {
      if (has_option(program, option) != of_all) continue;
      if (std::ranges::find(groups, option.group) == groups.end()) groups.push_back(option.group);
    }
  }
  return groups;
}

std::string options(const CommandModel& program, const CommandModel& command) {
  std::string text = section("OPTIONS");
  for (const std::string& group : groups_of(program, command)) {
    text += subsection(group);
    for (const OptionModel& option : command.options) {
      if (option.group == group) text += describe(option);
    }
  }
  return text;
}

std::string page_name(const CommandModel& command) { return bold(full_name(command, '-')) + "(1)"; }

std::string commands(const CommandModel& command) {
  if (command.commands.empty()) return {};
  std::string text = section("COMMANDS");
  for (const CommandModel& below : command.commands) {
    text +=
        item(bold(below.path.back()), sentence(below.summary) + "\nSee " + page_name(below) + ".");
  }
  return text;
}

std::string environment(const ProgramModel& program) {
  std::string text = section("ENVIRONMENT");
  text += "The variable of an option stands with it above; the command line wins.\n";
  for (const NamedHelp& variable : program.variables) {
    text += item(escaped(variable.name), sentence(variable.help));
  }
  return text;
}

std::string exit_status(const ProgramModel& program) {
  std::string text = section("EXIT STATUS");
  for (const NamedHelp& status : program.exit_statuses) {
    text += item(escaped(status.name), sentence(status.help));
  }
  return text;
}

std::string examples(const std::string& lines) {
  return lines.empty() ? "" : section("EXAMPLES") + ".nf\n" + escaped(lines) + "\n.fi\n";
}

std::string see_also(const ProgramModel& program, const CommandModel& command) {
  std::vector<std::string> pages;
  for (std::size_t depth = 1; depth < command.path.size(); ++depth) {
    const std::span<const std::string> names(command.path.data() + 1, depth - 1);
    pages.push_back(page_name(*find_command(program.command, names)));
  }
  for (const CommandModel& below : command.commands) pages.push_back(page_name(below));
  pages.push_back(bold("sysexits") + "(3)");
  return section("SEE ALSO") + joined(pages, ",\n") + "\n";
}

}  // namespace

std::string man_page(const ProgramModel& program, const CommandModel& command) {
  const std::string name = full_name(command, '-');
  std::string title = escaped(name);
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::string& made_by = program.command.path.front();
  // No date: the same program makes the same page on any day.
  std::string text = fmt::format(".\\\" Made by `{} man`.\n.TH {} 1 \"\" \"{} {}\"\n", made_by,
                                 title, escaped(made_by), escaped(program.version));
  // Names of options and variables aren't torn apart.
  text += ".nh\n.ad l\n";
  const Footer footer = split(command.footer);
  text += section("NAME") + escaped(name) + " \\- " + escaped(command.summary) + "\n";
  text += synopsis(command);
  text += description(command, footer.paragraphs);
  text += commands(command);
  text += arguments(command);
  text += options(program.command, command);
  text += exit_status(program);
  text += environment(program);
  text += examples(footer.examples);
  text += see_also(program, command);
  return text;
}

}  // namespace mayfly::cli
