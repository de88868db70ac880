#include "tools/mayfly/command_line.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "mayfly/abi/mayfly_abi.h"
#include "tools/mayfly/argument_mistakes.h"
#include "tools/mayfly/completion.h"
#include "tools/mayfly/dlq_arguments.h"
#include "tools/mayfly/help_formatter.h"
#include "tools/mayfly/help_texts.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/ingest_arguments.h"
#include "tools/mayfly/option_adder.h"
#include "tools/mayfly/program_model.h"
#include "tools/mayfly/version.h"

namespace mayfly::cli {
namespace {

void add_global(CLI::App& app, GlobalOptions& global) {
  OptionAdder options(app, "Everywhere");
  options.choice("--output", global.output, "Results as text or JSON", {"text", "json"});
  // Not with the variable itself: newer ones of CLI11 set it to 0 where the flag isn't given, and
  // it may have been given to the program and not to the command.
  const auto say_more = [&global](std::int64_t times) {
    global.verbose = static_cast<int>(std::max<std::int64_t>(0, times));  // false is -1
  };
  options.finish(app.add_flag_function("-v,--verbose", say_more, "Say more; twice: even more")
                     ->check(OptionAdder::is_count()));
  options.flag("-q,--quiet", global.quiet, "Say only what is wrong");
  options.choice("--log-format", global.log_format, "Messages as text or JSON", {"text", "json"});
  options.choice("--color", global.color, "Colours, else by terminal and NO_COLOR",
                 {"auto", "always", "never"});
  options
      .finish(app.add_option("--plugin-dir", global.plugin_dirs, "Folder with plugins; repeatable")
                  ->allow_extra_args(false))
      ->type_name("DIR");
}

std::string version_text() {
  return fmt::format("mayfly {} (plugin ABI {}.{}, SQLite {})\n", kVersion, MAYFLY_ABI_MAJOR,
                     MAYFLY_ABI_MINOR, sqlite3_libversion());
}

CLI::Validator known_shell() {
  return {[](const std::string& given) {
            if (std::ranges::find(kShells, given) != kShells.end()) return std::string();
            return fmt::format("expected bash, zsh or fish, found \"{}\"", on_one_line(given));
          },
          ""};
}

// The application with everything that it fills in.
struct Parser {
  CLI::App app{kAbout, "mayfly"};
  GlobalOptions global;
  IngestOptions ingest_options;
  RunOptions run_options;
  ValidateOptions validate_options;
  PictureOptions graph_options;
  SignalsOptions signals_options;
  StatsOptions stats_options;
  CompletionOptions completion_options;
  ManOptions man_options;
  DlqOptions dlq_options;
  std::vector<std::string> shown, checked, settings;
  CLI::App *ingest, *run, *validate, *graph, *plugins, *list, *show, *check, *schema, *signals,
      *stats, *completion, *man, *dlq, *dlq_list, *dlq_show, *dlq_replay, *dlq_purge;

  Parser();
  void add_signals();
  void add_stats();
  void add_dlq();
  void add_documentation();
  CLI::App* dlq_command(const char* name, const char* about, const char* footer);
  CLI::App* command(CLI::App& parent, const char* name, const char* about, const char* footer);
  Command chosen() const;
};

CLI::App* Parser::command(CLI::App& parent, const char* name, const char* about,
                          const char* footer) {
  CLI::App* sub = parent.add_subcommand(name, about);
  add_global(*sub, global);
  sub->footer(footer);
  return sub;
}

Parser::Parser() {
  app.formatter(std::make_shared<HelpFormatter>());  // subcommands inherit it
  app.require_subcommand(1);
  app.footer(kTopFooter);
  app.set_version_flag("--version", version_text());
  add_global(app, global);

  ingest =
      command(app, "ingest", "Load CSV, TSV, NDJSON or JSON files into a table", kIngestFooter);
  ingest
      ->add_option("FILE", ingest_options.files, "Files, plain, gzip or zstd; - is standard input")
      ->required()
      ->type_name("");
  add_table_options(*ingest, ingest_options);
  add_input_options(*ingest, ingest_options);
  add_run_options(*ingest, ingest_options);

  run = command(app, "run", "Run a pipeline until its sources end or a signal", kRunFooter);
  run->add_option("PIPELINE", run_options.file, "A pipeline file (TOML)")
      ->required()
      ->type_name("");

  validate = command(app, "validate", "Check pipelines without running them", kValidateFooter);
  validate->add_option("PIPELINE", validate_options.files, "Pipeline files (TOML)")
      ->required()
      ->type_name("");

  graph = command(app, "graph", "A pipeline's graph as text for a picture", kGraphFooter);
  graph->add_option("PIPELINE", graph_options.file, "A pipeline file (TOML)")
      ->required()
      ->type_name("");
  OptionAdder(*graph, "Options")
      .choice("--as", graph_options.as, "Which language", {"dot", "mermaid"});

  plugins = command(app, "plugins", "What plugins there are, and what they take", kPluginsFooter);
  list = command(*plugins, "list", "All plugins that are found", kPluginsListFooter);
  show = command(*plugins, "show", "Options, ports, signals and counters", kPluginsShowFooter);
  show->add_option("NAME", shown, "Names, or paths with a slash")->required()->type_name("");
  check = command(*plugins, "check", "Whether a plugin keeps the rules", kPluginsCheckFooter);
  check->add_option("FILE", checked, "Shared libraries")->required()->type_name("");
  OptionAdder(*check, "Options")
      .finish(check->add_option("--set", settings, "An option that the plugin requires; repeatable")
                  ->allow_extra_args(false))
      ->type_name("OPTION=VALUE");
  schema = command(*plugins, "schema", "JSON Schema of a pipeline file with these plugins",
                   kPluginsSchemaFooter);
  plugins->require_subcommand(0, 1);
  add_signals();
  add_stats();
  add_dlq();
  add_documentation();
}

void Parser::add_signals() {
  signals = command(app, "signals", "Show what a persistent window has stored", kSignalsFooter);
  signals->add_option("DB", signals_options.database, "The window's database")
      ->required()
      ->type_name("");
  signals->add_option("PATTERN", signals_options.pattern, "Globs with commas between them [*]")
      ->type_name("");
  OptionAdder options(*signals, "Options");
  options.text("--since", signals_options.since, "How long ago (10m, 24h), or from which time on")
      ->type_name("TIME");
  options.add("--limit", signals_options.limit, "Only the newest; 0: all")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
}

void Parser::add_stats() {
  stats = command(app, "stats", "What those who write to a database last said", kStatsFooter);
  stats->add_option("DB", stats_options.database, "The SQLite database")->required()->type_name("");
  OptionAdder(*stats, "Options")
      .text("--writer", stats_options.writer, "Of this one alone")
      ->type_name("NAME");
}

void Parser::add_documentation() {
  completion = command(app, "completion", "Print a script that completes mayfly's words in a shell",
                       kCompletionFooter);
  completion->add_option("SHELL", completion_options.shell, "bash, zsh or fish")
      ->required()
      ->check(known_shell())
      ->type_name("");
  man = command(app, "man", "Print the man page of mayfly or of a command", kManFooter);
  CLI::Option* named = man->add_option("COMMAND", man_options.command,
                                       "Its words: ingest, or plugins show; none: mayfly itself")
                           ->type_name("");
  OptionAdder(*man, "Options")
      .text("--folder", man_options.folder,
            "Write the pages of all commands into this folder, made if it isn't there")
      ->type_name("DIR")
      ->excludes(named);
}

CLI::App* Parser::dlq_command(const char* name, const char* about, const char* footer) {
  CLI::App* sub = command(*dlq, name, about, footer);
  sub->add_option("DB", dlq_options.database, "The SQLite database")->required()->type_name("");
  return sub;
}

void Parser::add_dlq() {
  dlq = command(app, "dlq", "Rows that couldn't be stored: list, show, replay, purge", kDlqFooter);
  dlq->require_subcommand(1);
  dlq_list = dlq_command("list", "Which letters there are, one a line", kDlqListFooter);
  add_letter_filter(*dlq_list, dlq_options.filter);
  OptionAdder(*dlq_list, "Options")
      .add("--limit", dlq_options.limit, "Only the newest; 0: all")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
  dlq_show = dlq_command("show", "All there is of some letters", kDlqShowFooter);
  add_letter_ids(*dlq_show, dlq_options.filter);
  dlq_show->get_option("ID")->required();
  dlq_replay = dlq_command("replay", "Write letters' rows, as ingest would", kDlqReplayFooter);
  add_letter_ids(*dlq_replay, dlq_options.filter);
  add_letter_filter(*dlq_replay, dlq_options.filter);
  // Of one call: the environment doesn't say them.
  dlq_replay
      ->add_option("--from", dlq_options.from,
                   "Corrected letters, as dlq show writes them; - is standard input")
      ->check(OptionAdder::not_empty())
      ->group("Options")
      ->type_name("FILE");
  dlq_replay
      ->add_flag("--abandon", dlq_options.abandon,
                 "Let a replay go that was cut off; no row is lost")
      ->group("Options");
  add_replay_options(*dlq_replay, dlq_options);
  dlq_purge = dlq_command("purge", "Delete letters", kDlqPurgeFooter);
  add_letter_ids(*dlq_purge, dlq_options.filter);
  add_letter_filter(*dlq_purge, dlq_options.filter);
  dlq_purge->add_flag("--all", dlq_options.all, "All of them")->group("Which letters");
  add_deadline(*dlq_purge, OptionAdder(*dlq_purge, "Options"), dlq_options.writing);
}

Command Parser::chosen() const {
  if (ingest->parsed()) return ingest_options;
  if (run->parsed()) return run_options;
  if (validate->parsed()) return validate_options;
  if (graph->parsed()) return graph_options;
  if (signals->parsed()) return signals_options;
  if (stats->parsed()) return stats_options;
  if (completion->parsed()) return completion_options;
  if (man->parsed()) return man_options;
  if (dlq->parsed()) {
    DlqOptions chosen = dlq_options;
    chosen.action = dlq_list->parsed()     ? DlqOptions::Action::kList
                    : dlq_show->parsed()   ? DlqOptions::Action::kShow
                    : dlq_replay->parsed() ? DlqOptions::Action::kReplay
                                           : DlqOptions::Action::kPurge;
    return chosen;
  }
  PluginsOptions options;
  if (show->parsed()) {
    options.action = PluginsOptions::Action::kShow;
    options.names = shown;
  } else if (check->parsed()) {
    options.action = PluginsOptions::Action::kCheck;
    options.names = checked;
    options.settings = settings;
  } else if (schema->parsed()) {
    options.action = PluginsOptions::Action::kSchema;
  }
  return options;
}

}  // namespace

ProgramModel program_model() { return model_of(Parser().app); }

std::variant<ParsedLine, Reply> parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  if (argc < 2) return Reply{ExitStatus::kUsage, {}, parser.app.help()};
  const std::span<const char* const> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  if (std::string message = find_empty_value(arguments); !message.empty()) {
    return Reply{ExitStatus::kUsage, {}, std::move(message)};
  }
  forget_unneeded_variables(parser.app, arguments);
  try {
    parser.app.parse(argc, argv);
    refuse_variables_passed_over(parser.app);
  } catch (const CLI::CallForVersion&) {
    return Reply{ExitStatus::kSuccess, version_text(), {}};
  } catch (const CLI::CallForHelp&) {
    // Of the innermost command that was named.
    return Reply{ExitStatus::kSuccess, parser.app.help(), {}};
  } catch (const CLI::ParseError& error) {
    return Reply{ExitStatus::kUsage, {}, explain(parser.app, error)};
  }
  parser.global.variables = variables_taken(parser.app);
  return ParsedLine{parser.global, parser.chosen()};
}

}  // namespace mayfly::cli
