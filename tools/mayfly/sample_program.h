// A program with one of each: what tests of what is made of a ProgramModel share.
#pragma once

#include "tools/mayfly/command_model.h"

namespace mayfly::cli {

// tool, with `tool load` and, below a command that does nothing by itself, `tool key show`.
inline ProgramModel sample_program() {
  const OptionModel quiet{.names = {"-q", "--quiet"}, .help = "Say less", .group = "Everywhere"};
  const OptionModel format{
      .names = {"--format"},
      .help = "What it holds: text's [form]",
      .group = "Input",
      .value = {.kind = ValueKind::kWord, .name = "csv|tsv", .words = {"csv", "tsv"}},
      .default_value = "csv",
      .variable = "TOOL_FORMAT"};
  const OptionModel into{.names = {"--into"},
                         .help = "The database",
                         .group = "Input",
                         .value = {.kind = ValueKind::kFile, .name = "DB"},
                         .required = true};
  const OptionModel rows{.names = {"--rows"},
                         .help = "Rows a batch",
                         .group = "Input",
                         .value = {.kind = ValueKind::kText, .name = "N"}};
  const OptionModel folder{.names = {"--dir"},
                           .help = "Folder; repeatable",
                           .group = "Everywhere",
                           .value = {.kind = ValueKind::kFolder, .name = "DIR"},
                           .repeatable = true};
  const OptionModel keep{
      .names = {"--keep"}, .help = "Keep it", .group = "Input", .excludes = {"--drop"}};
  const CommandModel load{
      .path = {"tool", "load"},
      .summary = "Load files",
      .footer =
          "Examples:\n  tool load 'a b.csv' --into c:\\d.db\n  .tool\n\n.Starts with a dot.\n\n"
          "'Quoted'.",
      .options = {quiet, format, into, rows, folder, keep},
      .arguments = {{.value = {.kind = ValueKind::kFile, .name = "FILE"},
                     .help = "Files",
                     .required = true,
                     .repeatable = true}}};
  const CommandModel show{
      .path = {"tool", "key", "show"},
      .summary = "Show one's key",
      .options = {quiet},
      .arguments = {{.value = {.kind = ValueKind::kText, .name = "NAME"}, .help = "Whose"},
                    {.value = {.kind = ValueKind::kWord, .name = "AS", .words = {"hex", "base64"}},
                     .help = "How"}}};
  const CommandModel key{.path = {"tool", "key"},
                         .summary = "Keys",
                         .options = {quiet},
                         .commands = {show},
                         .requires_command = true};
  return {.command = {.path = {"tool"},
                      .summary = "A tool",
                      .options = {quiet},
                      .commands = {load, key},
                      .requires_command = true},
          .version = "1.2",
          .variables = {{"NO_COLOR", "without colours"}},
          .exit_statuses = {{"0", "done"}, {"64", "a mistake"}}};
}

}  // namespace mayfly::cli
