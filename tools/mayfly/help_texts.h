// What the help says that no option says: examples, and what follows them. A command's footer is
// its examples, and a few lines at most.
#pragma once

#include <utility>

namespace mayfly::cli {

inline constexpr char kAbout[] =
    "Mayfly ingests rows into SQLite: many sources, one writer, every row accounted for.";

inline constexpr char kTopFooter[] = R"(Examples:
  mayfly ingest orders.csv --into shop.db
  mayfly run pipeline.toml
  mayfly plugins show file

Options can be given by the environment, --batch-rows as MAYFLY_BATCH_ROWS; not those that choose
or let go letters (--all, --from, --abandon).)";

inline constexpr char kIngestFooter[] = R"(Examples:
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

inline constexpr char kRunFooter[] = R"(Examples:
  mayfly run pipeline.toml
  mayfly run pipeline.toml --output json --log-format json

Goes on from the positions in the database. SIGINT or SIGTERM drains it and ends with 0; a
second one stops it at once.)";

inline constexpr char kValidateFooter[] = R"(Examples:
  mayfly validate pipeline.toml
  mayfly validate pipelines/*.toml --output json)";

inline constexpr char kGraphFooter[] = R"(Examples:
  mayfly graph pipeline.toml | dot -Tsvg > pipeline.svg
  mayfly graph pipeline.toml --as mermaid)";

inline constexpr char kPluginsFooter[] = R"(Examples:
  mayfly plugins
  mayfly plugins show file
  mayfly plugins check ./libmine.so
  mayfly plugins schema > pipeline.schema.json)";

inline constexpr char kPluginsListFooter[] = R"(Examples:
  mayfly plugins list
  mayfly plugins list --plugin-dir ./build --output json)";

inline constexpr char kPluginsShowFooter[] = R"(Examples:
  mayfly plugins show batch
  mayfly plugins show ./libmine.so --output json)";

inline constexpr char kPluginsCheckFooter[] = R"(Examples:
  mayfly plugins check ./libmine.so
  mayfly plugins check ./libmine.so --set url=http://localhost:8080)";

inline constexpr char kPluginsSchemaFooter[] = R"(Examples:
  mayfly plugins schema > pipeline.schema.json
  mayfly plugins schema --plugin-dir ./build)";

inline constexpr char kSignalsFooter[] = R"(Examples:
  mayfly signals app.db
  mayfly signals app.db "error.*" --since 10m
  mayfly signals app.db "order.*,payment.*" --since 2026-01-31T12:00:00Z --limit 0 --output json

Reads what a persistent window has flushed, also while another process writes it. Oldest first.)";

inline constexpr char kStatsFooter[] = R"(Examples:
  mayfly stats shop.db
  mayfly stats shop.db --writer orders --output json

Each process that writes to a database stores what it has done there, once a second. Shown is what
it stored last, and how long ago that was.)";

inline constexpr char kDlqFooter[] = R"(Examples:
  mayfly dlq list shop.db --code unique --since 1h
  mayfly dlq show shop.db 7 --output json > letters.ndjson
  mayfly dlq replay shop.db --from letters.ndjson
  mayfly dlq purge shop.db --target orders

Rows that couldn't be stored are letters in mayfly_dead_letters. Correct them there or in what
show writes, or correct the table; replay writes their rows as ingest would have.)";

inline constexpr char kDlqListFooter[] = R"(Examples:
  mayfly dlq list shop.db
  mayfly dlq list shop.db --target orders --since 24h --limit 0 --output json

Oldest first; the last lines say how many there are of each kind.)";

inline constexpr char kDlqShowFooter[] = R"(Examples:
  mayfly dlq show shop.db 7 8
  mayfly dlq show shop.db 7 8 --output json > letters.ndjson

With --output json one object a line: edit "columns", or "raw", and give it to dlq replay --from.)";

inline constexpr char kDlqReplayFooter[] = R"(Examples:
  mayfly dlq replay shop.db                                   all letters, as they are by now
  mayfly dlq replay shop.db --from letters.ndjson             those of the file, corrected
  mayfly dlq replay shop.db --target orders --upsert
  mayfly dlq replay shop.db --code fields --delimiter ";"

Each row is written exactly once, also if this is killed: the same command goes on then. What is
refused again stays the letter that it was, with one attempt more (status 65). A record is read as
its file was, unless --columns, --delimiter or --quote say otherwise, and goes through --where or
--sql as it would have.)";

inline constexpr char kDlqPurgeFooter[] = R"(Examples:
  mayfly dlq purge shop.db 7 8
  mayfly dlq purge shop.db --target orders --code fields
  mayfly dlq purge shop.db --all)";

inline constexpr char kCompletionFooter[] = R"(Examples:
  mayfly completion bash > ~/.local/share/bash-completion/completions/mayfly
  mayfly completion zsh > ~/.zfunc/_mayfly
  mayfly completion fish > ~/.config/fish/completions/mayfly.fish

The folders have to be there. That of zsh has to be one of $fpath before compinit runs:
fpath+=~/.zfunc in ~/.zshrc.)";

inline constexpr char kManFooter[] = R"(Examples:
  mayfly man ingest | man -l -
  mayfly man plugins show > mayfly-plugins-show.1
  mayfly man --folder ~/.local/share/man/man1)";

// Variables that aren't an option's.
inline constexpr std::pair<const char*, const char*> kVariables[] = {
    {"MAYFLY_PLUGIN_PATH", "folders with plugins, with : between them"},
    {"NO_COLOR", "any value but an empty one: messages without colours"},
    {"TMPDIR", "where plugins check makes files; else /tmp"},
};

}  // namespace mayfly::cli
