#include "tools/mayfly/command_line.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/plugin/options.h"
#include "tools/mayfly/completion.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/version.h"

namespace mayfly::cli {
namespace {

constexpr char kAbout[] =
    "Mayfly ingests rows into SQLite: many sources, one writer, every row accounted for.";

constexpr char kTopFooter[] = R"(Examples:
  mayfly ingest orders.csv --into shop.db
  mayfly run pipeline.toml
  mayfly plugins show file

Every option can be given by the environment: --batch-rows as MAYFLY_BATCH_ROWS.)";

constexpr char kIngestFooter[] = R"(Examples:
  mayfly ingest orders.csv --into shop.db                     table orders, types inferred
  mayfly ingest day1.csv day2.csv --into shop.db --table orders --pk id --upsert
  mayfly ingest events.ndjson.gz --into log.db --resume       goes on after an interruption
  zcat big.csv.gz | mayfly ingest - --into big.db --table big
  mayfly ingest zips.csv --into geo.db --types zip=text       007 stays 007
  mayfly ingest old.csv --into a.db --encoding latin1 --delimiter auto --null NA
  mayfly ingest log.csv --into a.db --columns at,user --where "user <> ''" --index user

Types are inferred from the first 1,000 rows. A value that a numeric column would change
(007, +5, 20 digits) is never stored changed: its row becomes a dead letter, and --types
or --infer all helps. Rows that can't be stored go to mayfly_dead_letters (status 65).)";

constexpr char kRunFooter[] = R"(Examples:
  mayfly run pipeline.toml
  mayfly run pipeline.toml --output json --log-format json

Goes on from the positions in the database. SIGINT or SIGTERM drains it and ends with 0; a
second one stops it at once.)";

constexpr char kValidateFooter[] = R"(Examples:
  mayfly validate pipeline.toml
  mayfly validate pipelines/*.toml --output json)";

constexpr char kGraphFooter[] = R"(Examples:
  mayfly graph pipeline.toml | dot -Tsvg > pipeline.svg
  mayfly graph pipeline.toml --as mermaid)";

constexpr char kPluginsFooter[] = R"(Examples:
  mayfly plugins
  mayfly plugins show file
  mayfly plugins check ./libmine.so
  mayfly plugins schema > pipeline.schema.json)";

constexpr char kPluginsListFooter[] = R"(Examples:
  mayfly plugins list
  mayfly plugins list --plugin-dir ./build --output json)";

constexpr char kPluginsShowFooter[] = R"(Examples:
  mayfly plugins show batch
  mayfly plugins show ./libmine.so --output json)";

constexpr char kPluginsCheckFooter[] = R"(Examples:
  mayfly plugins check ./libmine.so
  mayfly plugins check ./libmine.so --set url=http://localhost:8080)";

constexpr char kPluginsSchemaFooter[] = R"(Examples:
  mayfly plugins schema > pipeline.schema.json
  mayfly plugins schema --plugin-dir ./build)";

constexpr char kSignalsFooter[] = R"(Examples:
  mayfly signals app.db
  mayfly signals app.db "error.*" --since 10m
  mayfly signals app.db "order.*,payment.*" --since 2026-01-31T12:00:00Z --limit 0 --output json

Reads what a persistent window has flushed, also while another process writes it. Oldest first.)";

constexpr char kStatsFooter[] = R"(Examples:
  mayfly stats shop.db
  mayfly stats shop.db --writer orders --output json

Each process that writes to a database stores what it has done there, once a second. Shown is what
it stored last, and how long ago that was.)";

constexpr char kDlqFooter[] = R"(Examples:
  mayfly dlq list shop.db --code unique --since 1h
  mayfly dlq show shop.db 7 --output json > letters.ndjson
  mayfly dlq replay shop.db --from letters.ndjson
  mayfly dlq purge shop.db --target orders

Rows that couldn't be stored are letters in mayfly_dead_letters. Correct them there or in what
show writes, or correct the table; replay writes their rows as ingest would have.)";

constexpr char kDlqListFooter[] = R"(Examples:
  mayfly dlq list shop.db
  mayfly dlq list shop.db --target orders --since 24h --limit 0 --output json

Oldest first; the last lines say how many there are of each kind.)";

constexpr char kDlqShowFooter[] = R"(Examples:
  mayfly dlq show shop.db 7 8
  mayfly dlq show shop.db 7 8 --output json > letters.ndjson

With --output json one object a line: edit "columns", or "raw", and give it to dlq replay --from.)";

constexpr char kDlqReplayFooter[] = R"(Examples:
  mayfly dlq replay shop.db                                   all letters, as they are by now
  mayfly dlq replay shop.db --from letters.ndjson             those of the file, corrected
  mayfly dlq replay shop.db --target orders --upsert
  mayfly dlq replay shop.db --code fields --delimiter ";"

Each row is written exactly once, also if this is killed: the same command goes on then. What is
refused again stays the letter that it was, with one attempt more (status 65). A record that isn't
JSON is read as CSV, with the table's columns in order, or --columns.)";

constexpr char kDlqPurgeFooter[] = R"(Examples:
  mayfly dlq purge shop.db 7 8
  mayfly dlq purge shop.db --target orders --code fields
  mayfly dlq purge shop.db --all)";

constexpr char kCompletionFooter[] = R"(Examples:
  mayfly completion bash > ~/.local/share/bash-completion/completions/mayfly
  mayfly completion zsh > ~/.zfunc/_mayfly
  mayfly completion fish > ~/.config/fish/completions/mayfly.fish

The folders have to be there. That of zsh has to be one of $fpath before compinit runs:
fpath+=~/.zfunc in ~/.zshrc.)";

constexpr char kManFooter[] = R"(Examples:
  mayfly man ingest | man -l -
  mayfly man plugins show > mayfly-plugins-show.1
  mayfly man --folder ~/.local/share/man/man1)";

// Variables that aren't an option's.
constexpr std::pair<const char*, const char*> kVariables[] = {
    {"MAYFLY_PLUGIN_PATH", "folders with plugins, with : between them"},
    {"NO_COLOR", "any value but an empty one: messages without colours"},
    {"TMPDIR", "where plugins check makes files; else /tmp"},
};

std::string facts_of_program() {
  std::string text = "\nEnvironment:\n";
  for (const auto& [name, help] : kVariables) text += fmt::format("  {:<18}  {}\n", name, help);
  text += "\nExit status:\n";
  for (const auto& [status, meaning] : exit_status_meanings()) {
    text += fmt::format("  {:2}  {}\n", static_cast<int>(status), meaning);
  }
  return text;
}

// The environment variable and "excludes" of every option would hide what it does.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(28); }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (!option->get_type_name().empty()) text += " " + option->get_type_name();
    if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
    if (option->get_required() && !option->get_positional()) text += " (required)";
    return text;
  }
  std::string make_footer(const CLI::App* app) const override {
    std::string text = "\n" + app->get_footer() + "\n";
    text += app->get_parent() == nullptr
                ? facts_of_program()
                : "\nExit statuses and environment: mayfly --help. As man pages: mayfly man.\n";
    return text;
  }
};

std::vector<std::string_view> items_of(std::string_view list, char between = ',') {
  std::vector<std::string_view> items;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = list.find(between);
    items.push_back(list.substr(0, comma));
    if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  }
  return items;
}

// Adds options together with their environment variables.
class Options {
 public:
  Options(CLI::App& app, std::string group) : app_(app), group_(std::move(group)) {}

  template <class T>
  CLI::Option* add(const char* names, T& value, const char* help) {
    return finish(app_.add_option(names, value, help)->capture_default_str());
  }
  CLI::Option* text(const char* names, std::string& value, const char* help) {
    return finish(app_.add_option(names, value, help)->check(not_empty()));
  }
  // a,b,c, and any number of times.
  CLI::Option* list(const char* names, std::vector<std::string>& value, const char* help) {
    // CLI11's delimiter() drops the empty items without a word.
    const auto take = [&value](const std::vector<std::string>& given) {
      for (const std::string& list : given) {
        for (const std::string_view item : items_of(list)) value.emplace_back(item);
      }
    };
    return finish(app_.add_option_function<std::vector<std::string>>(names, take, help)
                      ->allow_extra_args(false)
                      ->check(no_empty_items()));
  }
  CLI::Option* flag(const char* names, bool& value, const char* help) {
    return finish(app_.add_flag(names, value, help));
  }
  CLI::Option* choice(const char* names, std::string& value, const char* help,
                      std::vector<std::string> choices) {
    std::string shown;
    for (const std::string& each : choices) shown += (shown.empty() ? "" : "|") + each;
    return add(names, value, help)
        ->check(CLI::IsMember(std::move(choices)).description(""))
        ->type_name(shown);
  }
  static CLI::Validator not_empty() {
    return {[](const std::string& given) {
              return given.empty() ? std::string("expected a value, found an empty one")
                                   : std::string();
            },
            ""};
  }
  static CLI::Validator no_empty_items() {
    return {[](const std::string& given) {
              const std::vector<std::string_view> items = items_of(given);
              if (std::ranges::none_of(items, &std::string_view::empty)) return std::string();
              return items.size() == 1 ? std::string("expected a value, found an empty one")
                                       : fmt::format(
                                             "expected items with commas between them, "
                                             "found an empty one in \"{}\"",
                                             given);
            },
            ""};
  }
  CLI::Option* finish(CLI::Option* option) const {
    std::string variable = "MAYFLY_";
    for (const char c : option->get_lnames().front()) {
      variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return option->envname(variable)->group(group_);
  }

 private:
  CLI::App& app_;
  std::string group_;
};

void add_global(CLI::App& app, GlobalOptions& global) {
  Options options(app, "Everywhere");
  options.choice("--output", global.output, "Results as text or JSON", {"text", "json"});
  options.finish(app.add_flag("-v,--verbose", global.verbose, "Say more; twice: even more"));
  options.flag("-q,--quiet", global.quiet, "Say only what is wrong");
  options.choice("--log-format", global.log_format, "Messages as text or JSON", {"text", "json"});
  options.choice("--color", global.color, "Colours, else by terminal and NO_COLOR",
                 {"auto", "always", "never"});
  options
      .finish(app.add_option("--plugin-dir", global.plugin_dirs, "Folder with plugins; repeatable")
                  ->allow_extra_args(false))
      ->type_name("DIR");
}

void add_on_extra(Options& options, IngestOptions& ingest) {
  options
      .choice("--on-extra", ingest.on_extra,
              "Unknown keys, fields beyond the last column: reject the row, or leave them out",
              {"error", "ignore"})
      ->default_str("");
}

void add_input_options(CLI::App& app, IngestOptions& ingest) {
  Options options(app, "Input");
  options.choice("--format", ingest.format, "What the files hold; auto: by name, then content",
                 {"auto", "csv", "tsv", "ndjson", "json"});
  options
      .text("--encoding", ingest.encoding,
            "What text is in: latin1, cp1252, ... (iconv -l) [UTF-8; UTF-16 by its mark]")
      ->type_name("NAME");
  options.text("--delimiter", ingest.delimiter, "Between fields: one character, tab, or auto")
      ->type_name("CHAR");
  options.text("--quote", ingest.quote, "Around fields: one character, or none")->type_name("CHAR");
  options.choice("--escape", ingest.escape,
                 "backslash: \\t, \\n, \\\\ and, for NULL, \\N in fields without quotes",
                 {"none", "backslash"});
  options.text("--comment", ingest.comment, "Leave out lines that begin with this character")
      ->type_name("CHAR");
  options.add("--skip-rows", ingest.skip_rows, "Lines to leave out before the header")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
  options.flag("--no-header", ingest.no_header, "The first record is data");
  options
      .list("--columns", ingest.columns,
            "The columns to read, in this order; without a header: the names of all")
      ->type_name("NAME,...");
  options.list("--rename", ingest.renamed, "Other names for columns")->type_name("OLD=NEW,...");
  options
      .finish(app.add_option("--null", ingest.nulls,
                             "A field without quotes that means NULL in every column; repeatable")
                  ->allow_extra_args(false))
      ->type_name("TEXT");
  options.add("--limit", ingest.limit, "Records to read of each file; 0: all")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
  options.choice("--empty", ingest.empty,
                 "An empty field without quotes: NULL but '' in text columns, NULL, or ''",
                 {"auto", "null", "text"});
  add_on_extra(options, ingest);
  options.choice("--infer", ingest.infer, "Types from the first 1,000 rows, from all, or none",
                 {"sample", "all", "none"});
  options
      .list("--types", ingest.types,
            "Types of columns: int64, float64, text, blob, bool, timestamp, json, any")
      ->type_name("COL=TYPE,...");
  CLI::Option* where =
      options.text("--where", ingest.where, "Only rows for which this SQL expression is true")
          ->type_name("SQL");
  options.text("--sql", ingest.sql, "A SELECT over mayfly_batch: what is written instead")
      ->type_name("SQL")
      ->excludes(where);
}

void add_write_modes(Options& options, IngestOptions& ingest, const char* key_help) {
  options.list("--pk", ingest.primary_key, key_help)->type_name("COL,...");
  CLI::Option* upsert = options.flag("--upsert", ingest.upsert, "A known key updates the row");
  CLI::Option* ignore = options.flag("--ignore", ingest.ignore, "A known key keeps the old row");
  CLI::Option* replace = options.flag("--replace", ingest.replace, "A known key replaces the row");
  upsert->excludes(ignore)->excludes(replace);
  ignore->excludes(replace);
}

void add_table_options(CLI::App& app, IngestOptions& ingest) {
  Options options(app, "Table");
  options.text("--into", ingest.database, "The SQLite database; made if it isn't there")
      ->required()
      ->type_name("DB");
  options
      .text("--table", ingest.table, "The table; made if it isn't there [the first file's name]")
      ->type_name("T");
  options.text("--schema", ingest.schema_file, "SQL that makes the table if it isn't there")
      ->type_name("FILE");
  add_write_modes(options, ingest, "Primary key of a new table; key of --upsert");
  options.list("--not-null", ingest.not_null, "Columns of a new table that take no NULL")
      ->type_name("COL,...");
  options
      .finish(app.add_option("--default", ingest.defaults,
                             "What a column of a new table has by default; repeatable")
                  ->allow_extra_args(false))
      ->type_name("COL=VALUE");
  options.flag("--strict", ingest.strict, "A new table is STRICT: columns keep their type");
  options
      .finish(
          app.add_option("--index", ingest.indexes, "Make an index once all is loaded; repeatable")
              ->allow_extra_args(false)
              ->check(Options::no_empty_items()))
      ->type_name("COL,...");
  options.flag("--truncate", ingest.truncate, "Take out the table's rows first");
  options.flag("--alter", ingest.alter, "Add columns that the table lacks; JSON files are read twice for that");
  options.flag("--coerce", ingest.coerce, "Let the types of the table's columns change values");
  options.choice("--on-error", ingest.on_error,
                 "Rows that can't be stored: to mayfly_dead_letters, or stop",
                 {"dead-letter", "fail"});
}

void add_deadline(CLI::App& app, const Options& options, IngestOptions& ingest) {
  options
      .finish(app.add_option_function<std::string>(
          "--deadline",
          [&ingest](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed.ok()) throw CLI::ValidationError("--deadline", parsed.status().message());
            if (*parsed < 0 || *parsed > 24 * 3600 * kSecond) {
              throw CLI::ValidationError("--deadline", "expected 0s to 24h, found " + text);
            }
            ingest.deadline_ns = *parsed;
          },
          "How long to wait for a locked database [60s]"))
      ->type_name("TIME");
}

void add_run_options(CLI::App& app, IngestOptions& ingest) {
  Options options(app, "Run");
  options
      .flag("--resume", ingest.resume,
            "Go on where the last run of these files stopped; not of a pipe")
      ->excludes("--truncate");
  options.choice("--synchronous", ingest.synchronous,
                 "Durable at the end, or with every transaction", {"normal", "full"});
  options.add("--batch-rows", ingest.batch_rows, "Rows a batch")
      ->check(CLI::Range(1u, MAYFLY_BATCH_ROWS_MAX).description(""))
      ->type_name("N");
  options.add("--batches", ingest.batches, "Batches in flight at most; bounds memory")
      ->check(CLI::Range(3u, 65535u).description(""))
      ->type_name("N");
  add_deadline(app, options, ingest);
}

// Which letters are meant.
void add_letter_filter(CLI::App& app, LetterFilter& filter) {
  Options options(app, "Which letters");
  options.text("--target", filter.target, "For this table")->type_name("T");
  options.text("--code", filter.code, "With this code, as dlq list shows it")->type_name("C");
  options.text("--source", filter.source, "Of this file: its path, or the end of it")
      ->type_name("S");
  options.text("--since", filter.since, "How long ago (10m, 24h), or from which time on")
      ->type_name("TIME");
}

void add_letter_ids(CLI::App& app, LetterFilter& filter) {
  app.add_option("ID", filter.ids, "Letters' numbers")->type_name("");
}

void add_replay_options(CLI::App& app, DlqOptions& dlq) {
  Options records(app, "Reading letters");
  records.list("--columns", dlq.writing.columns, "Columns of CSV records, in order [the table's]")
      ->type_name("NAME,...");
  records.text("--delimiter", dlq.writing.delimiter, "Between fields: one character, or tab [,]")
      ->type_name("CHAR");
  records.text("--quote", dlq.writing.quote, "Around fields: one character, or none [\"]")
      ->type_name("CHAR");
  add_on_extra(records, dlq.writing);
  Options options(app, "Writing");
  add_write_modes(options, dlq.writing, "Key of --upsert");
  options.flag("--coerce", dlq.writing.coerce,
               "Let the types of the table's columns change values");
  options.choice("--on-error", dlq.writing.on_error,
                 "Rows that are refused again: letters still, or stop", {"dead-letter", "fail"});
  options.choice("--synchronous", dlq.writing.synchronous,
                 "Durable at the end, or with every transaction", {"normal", "full"});
  add_deadline(app, options, dlq.writing);
}

void collect_names(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
}

void collect_commands(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    names.push_back(sub->get_name());
    collect_commands(*sub, names);
  }
}

bool is_named(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return false;
  const std::size_t end = at + name.size();
  const char next = end < text.size() ? text[end] : ' ';
  return next != '-' && std::isalnum(static_cast<unsigned char>(next)) == 0;
}

bool is_typed(const CLI::Option& option, std::span<const char* const> arguments) {
  return std::ranges::any_of(arguments, [&option](std::string_view argument) {
    const std::string_view name = argument.substr(0, argument.find('='));
    if (name.starts_with("--")) return option.check_lname(std::string(name.substr(2)));
    return name.starts_with("-") && std::ranges::any_of(name.substr(1), [&option](char letter) {
             return option.check_sname(std::string(1, letter));
           });
  });
}

// The line wins over the environment, also where an option is one of the program and of a command,
// and each of the two would ask the environment for itself.
void forget_variables_of_typed(CLI::App& app, std::span<const char* const> arguments) {
  for (CLI::Option* option : app.get_options()) {
    if (is_typed(*option, arguments)) option->envname("");
  }
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    forget_variables_of_typed(*sub, arguments);
  }
}

// The variable that gave an option the value that `text` is about; empty: the command line did.
std::string variable_to_blame(const CLI::App& app, std::string_view text) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    if (variable.empty() || std::getenv(variable.c_str()) == nullptr) continue;
    if (is_named(text, "--" + option->get_lnames().front())) return variable;
  }
  return {};
}

// `mayfly ingest: --no-haeder is unknown (did you mean "--no-header"?)`
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string path = "mayfly";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  std::string text = error.what();
  if (const std::string variable = variable_to_blame(*at, text); !variable.empty()) {
    text += fmt::format(" (from the environment variable {})", variable);
  }
  // Before what CLI11 says: a command that is misspelt isn't a missing one.
  if (!at->remaining(true).empty()) {
    std::vector<std::string> names;
    collect_names(*at, names);
    const std::vector<std::string_view> views(names.begin(), names.end());
    text.clear();
    for (const std::string& extra : at->remaining(true)) {
      const std::string_view name = std::string_view(extra).substr(0, extra.find('='));
      const std::string_view near = nearest(name, views);
      text += fmt::format("{}\"{}\" is not known here", text.empty() ? "" : "; ", name);
      if (!near.empty()) text += fmt::format(" (did you mean \"{}\"?)", near);
    }
  }
  return fmt::format("mayfly: error: {}\nmayfly: try: {} --help\n", text, path);
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
  Options(*graph, "Options").choice("--as", graph_options.as, "Which language", {"dot", "mermaid"});

  plugins = command(app, "plugins", "What plugins there are, and what they take", kPluginsFooter);
  list = command(*plugins, "list", "All plugins that are found", kPluginsListFooter);
  show = command(*plugins, "show", "Options, ports, signals and counters", kPluginsShowFooter);
  show->add_option("NAME", shown, "Names, or paths with a slash")->required()->type_name("");
  check = command(*plugins, "check", "Whether a plugin keeps the rules", kPluginsCheckFooter);
  check->add_option("FILE", checked, "Shared libraries")->required()->type_name("");
  Options(*check, "Options")
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
  Options options(*signals, "Options");
  options.text("--since", signals_options.since, "How long ago (10m, 24h), or from which time on")
      ->type_name("TIME");
  options.add("--limit", signals_options.limit, "Only the newest; 0: all")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
}

void Parser::add_stats() {
  stats = command(app, "stats", "What those who write to a database last said", kStatsFooter);
  stats->add_option("DB", stats_options.database, "The SQLite database")->required()->type_name("");
  Options(*stats, "Options")
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
  Options(*man, "Options")
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
  Options(*dlq_list, "Options")
      .add("--limit", dlq_options.limit, "Only the newest; 0: all")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX).description(""));
  dlq_show = dlq_command("show", "All there is of some letters", kDlqShowFooter);
  dlq_show->add_option("ID", dlq_options.filter.ids, "Letters' numbers")->required()->type_name("");
  dlq_replay = dlq_command("replay", "Write letters' rows, as ingest would", kDlqReplayFooter);
  add_letter_ids(*dlq_replay, dlq_options.filter);
  add_letter_filter(*dlq_replay, dlq_options.filter);
  // Of one call: the environment doesn't say them.
  dlq_replay
      ->add_option("--from", dlq_options.from,
                   "Corrected letters, as dlq show writes them; - is standard input")
      ->check(Options::not_empty())
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
  add_deadline(*dlq_purge, Options(*dlq_purge, "Options"), dlq_options.writing);
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

OptionModel model_of(const CLI::Option& option, const CLI::App& program) {
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
  model.repeatable = option.get_expected_max() > 1 ||
                     option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  return model;
}

CommandModel model_of(const CLI::App& app, const CLI::App& program, std::vector<std::string> path) {
  CommandModel model{.path = std::move(path),
                     .summary = app.get_description(),
                     .footer = app.get_footer(),
                     .requires_command = app.get_require_subcommand_min() > 0};
  for (const CLI::Option* option : app.get_options()) {
    OptionModel each = model_of(*option, program);
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
    model.commands.push_back(model_of(*below, program, std::move(names)));
  }
  return model;
}

}  // namespace

ProgramModel program_model() {
  const Parser parser;
  ProgramModel model{.command = model_of(parser.app, parser.app, {parser.app.get_name()}),
                     .version = kVersion};
  for (const auto& [name, help] : kVariables) model.variables.push_back({name, help});
  for (const auto& [status, meaning] : exit_status_meanings()) {
    model.exit_statuses.push_back({std::to_string(static_cast<int>(status)), meaning});
  }
  return model;
}

// "--table=" with nothing behind it, as scripts with an empty variable write it: CLI11 would take
// the next argument for the value, whatever that is.
std::string find_empty_value(std::span<const char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--") || argument.find('=') != argument.size() - 1) continue;
    return fmt::format("mayfly: {}: expected a value behind it, found none\n", argument);
  }
  return {};
}

std::variant<ParsedLine, Reply> parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  if (argc < 2) return Reply{ExitStatus::kUsage, {}, parser.app.help()};
  const std::span<const char* const> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  if (std::string message = find_empty_value(arguments); !message.empty()) {
    return Reply{ExitStatus::kUsage, {}, std::move(message)};
  }
  forget_variables_of_typed(parser.app, arguments);
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return Reply{ExitStatus::kSuccess, version_text(), {}};
  } catch (const CLI::CallForHelp&) {
    // Of the innermost command that was named.
    return Reply{ExitStatus::kSuccess, parser.app.help(), {}};
  } catch (const CLI::ParseError& error) {
    return Reply{ExitStatus::kUsage, {}, explain(parser.app, error)};
  }
  return ParsedLine{parser.global, parser.chosen()};
}

}  // namespace mayfly::cli
