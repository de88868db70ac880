#include "tools/mayfly/ingest_arguments.h"

#include <cstdint>
#include <string>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/plugin/options.h"

namespace mayfly::cli {

void add_on_extra(OptionAdder& options, IngestOptions& ingest) {
  options
      .choice("--on-extra", ingest.on_extra,
              "Unknown keys, fields beyond the last column: reject the row, or leave them out",
              {"error", "ignore"})
      ->default_str("");
}

void add_input_options(CLI::App& app, IngestOptions& ingest) {
  OptionAdder options(app, "Input");
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
  options.text("--max-row-bytes", ingest.max_row_bytes, "Longer records are dead letters [32MiB]")
      ->type_name("SIZE");
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

void add_write_modes(OptionAdder& options, IngestOptions& ingest, const char* key_help) {
  options.list("--pk", ingest.primary_key, key_help)->type_name("COL,...");
  CLI::Option* upsert = options.flag("--upsert", ingest.upsert, "A known key updates the row");
  CLI::Option* ignore = options.flag("--ignore", ingest.ignore, "A known key keeps the old row");
  CLI::Option* replace = options.flag("--replace", ingest.replace, "A known key replaces the row");
  upsert->excludes(ignore)->excludes(replace);
  ignore->excludes(replace);
}

void add_table_options(CLI::App& app, IngestOptions& ingest) {
  OptionAdder options(app, "Table");
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
              ->check(OptionAdder::no_empty_items()))
      ->type_name("COL,...");
  options.flag("--truncate", ingest.truncate, "Take out the table's rows first");
  options.flag("--alter", ingest.alter,
               "Add columns that the table lacks; JSON files are read twice for that");
  options.flag("--coerce", ingest.coerce, "Let the types of the table's columns change values");
  options.choice("--on-error", ingest.on_error,
                 "Rows that can't be stored: to mayfly_dead_letters, or stop",
                 {"dead-letter", "fail"});
}

void add_deadline(CLI::App& app, const OptionAdder& options, IngestOptions& ingest) {
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
  OptionAdder options(app, "Run");
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

}  // namespace mayfly::cli
