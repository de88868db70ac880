#include "tools/mayfly/program_model.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/mayfly/completion.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/help_texts.h"
#include "tools/mayfly/option_adder.h"
#include "tools/mayfly/version.h"

namespace mayfly::cli {
namespace {

void collect_commands(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    names.push_back(sub->get_name());
    collect_commands(*sub, names);
  }
}

// Arguments have names alone: CLI11 would show a type beside them.
ValueModel value_of(const CLI::Option& option, const CLI::App& program) {
  const bool is_argument = option.get_positional();
  ValueModel value{.name = is_argument ? option.get_name(true) : option.get_type_name()};
  if (option.get_items_expected_max() == 0) return {};
  value.kind = ValueKind::kText;
  if (value.name == "DIR") value.kind = ValueKind::kFolder;
  for (const std::string_view file : {"DB", "FILE", "PIPELINE"}) {
    if (value.name == file) value.kind = ValueKind::kFile;
  }
  if (is_argument && value.name == "SHELL") {
    value.words.assign(kShells.begin(), kShells.end());
  } else if (is_argument && value.name == "COMMAND") {
    collect_commands(program, value.words);
  } else if (value.name.find('|') != std::string::npos) {
    for (const std::string_view word : items_of(value.name, '|')) value.words.emplace_back(word);
  }
  if (!value.words.empty()) value.kind = ValueKind::kWord;
  return value;
}

// Newer ones of CLI11 have a policy of its own for flags that count.
template <class Policy>
bool takes_all(Policy policy) {
  if constexpr (requires { Policy::Sum; }) {
    if (policy == Policy::Sum) return true;
  }
  return policy == Policy::TakeAll;
}

OptionModel option_of(const CLI::Option& option, const CLI::App& program) {
  OptionModel model{.help = option.get_description(),
                    .group = option.get_group(),
                    .value = value_of(option, program),
                    .default_value = option.get_default_str(),
                    .variable = option.get_envname(),
                    .required = option.get_required()};
  for (const std::string& name : option.get_snames()) model.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) model.names.push_back("--" + name);
  for (const CLI::Option* other : option.get_excludes()) {
    for (const std::string& name : other->get_lnames()) model.excludes.push_back("--" + name);
  }
  // CLI11 has them by where they are in memory.
  std::ranges::sort(model.excludes);
  // Flags have no values to count: one that counts itself takes them all.
  model.repeatable = option.get_expected_max() > 1 || takes_all(option.get_multi_option_policy());
  return model;
}

CommandModel command_of(const CLI::App& app, const CLI::App& program,
                        std::vector<std::string> path) {
  CommandModel model{.path = std::move(path),
                     .summary = app.get_description(),
                     .footer = app.get_footer(),
                     .requires_command = app.get_require_subcommand_min() > 0};
  for (const CLI::Option* option : app.get_options()) {
    OptionModel each = option_of(*option, program);
    if (option->get_positional()) {
      model.arguments.push_back({.value = std::move(each.value),
                                 .help = std::move(each.help),
                                 .required = each.required,
                                 .repeatable = each.repeatable});
    } else {
      model.options.push_back(std::move(each));
    }
  }
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    std::vector<std::string> names = model.path;
    names.push_back(below->get_name());
    model.commands.push_back(command_of(*below, program, std::move(names)));
  }
  return model;
}

}  // namespace

ProgramModel model_of(const CLI::App& program) {
  ProgramModel model{.command = command_of(program, program, {program.get_name()}),
                     .version = kVersion};
  for (const auto& [name, help] : kVariables) model.variables.push_back({name, help});
  for (const auto& [status, meaning] : exit_status_meanings()) {
    model.exit_statuses.push_back({std::to_string(static_cast<int>(status)), meaning});
  }
  return model;
}

}  // namespace mayfly::cli
