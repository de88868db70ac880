#include "tools/mayfly/dlq_arguments.h"

#include "tools/mayfly/ingest_arguments.h"
#include "tools/mayfly/option_adder.h"

namespace mayfly::cli {

void add_letter_filter(CLI::App& app, LetterFilter& filter) {
  OptionAdder options(app, "Which letters");
  options.text("--target", filter.target, "For this table")->type_name("T");
  options.text("--code", filter.code, "With this code, as dlq list shows it")->type_name("C");
  options.text("--source", filter.source, "Of this file: its path, or the last parts of it")
      ->type_name("S");
  options.text("--since", filter.since, "How long ago (10m, 24h), or from which time on")
      ->type_name("TIME");
}

void add_letter_ids(CLI::App& app, LetterFilter& filter) {
  app.add_option("ID", filter.ids, "Letters' numbers")
      ->check(OptionAdder::is_decimal())
      ->type_name("");
}

void add_replay_options(CLI::App& app, DlqOptions& dlq) {
  OptionAdder records(app, "Reading letters");
  records
      .list("--columns", dlq.writing.columns, "Columns of CSV records, in order [their source's]")
      ->type_name("NAME,...");
  records
      .text("--delimiter", dlq.writing.delimiter,
            "Between fields: one character, or tab [their source's]")
      ->type_name("CHAR");
  records
      .text("--quote", dlq.writing.quote, "Around fields: one character, or none [their source's]")
      ->type_name("CHAR");
  add_on_extra(records, dlq.writing);
  OptionAdder options(app, "Writing");
  add_write_modes(options, dlq.writing, "Key of --upsert");
  options.flag("--coerce", dlq.writing.coerce,
               "Let the types of the table's columns change values");
  options.choice("--on-error", dlq.writing.on_error,
                 "Rows that are refused again: letters still, or stop", {"dead-letter", "fail"});
  options.choice("--synchronous", dlq.writing.synchronous,
                 "Durable at the end, or with every transaction", {"normal", "full"});
  add_deadline(app, options, dlq.writing);
}

}  // namespace mayfly::cli
