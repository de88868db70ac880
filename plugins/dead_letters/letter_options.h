// LetterOptions: what a source of dead letters was asked to do, checked; and the option table it
// comes from.
//
// Plain values. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/schema.h"
#include "mayfly/sdk/options.h"

namespace mayfly::dead_letters {

struct LetterOptions {
  enum class Records : std::uint8_t { kAuto, kCsv, kJson };  // kAuto: JSON begins with {

  std::string path;
  std::string key;              // empty: the file's path
  std::vector<Column> columns;  // with the types that their table declares
  bool typed = false;           // the columns have their types; else each value says what it is
  Records records = Records::kAuto;
  CsvDialect dialect;
  std::vector<std::uint32_t> fields;  // of a CSV record, for each column; empty: all in order
  std::uint32_t field_count = 0;      // of such a record; 0: as many as columns
  EmptyField empty = EmptyField::kAuto;
  std::vector<std::string> nulls;
  std::vector<std::string> keys;  // of a record in JSON, for each column
  bool ignore_extra = false;
  bool keep_changes = false;  // what a numeric column would change, as text
};

// Rows of the table; parse_options reads them by these.
enum Option : std::uint32_t {
  kPath,
  kColumns,
  kTypes,
  kTyped,
  kFormat,
  kDelimiter,
  kQuote,
  kEscape,
  kFields,
  kFieldCount,
  kEmpty,
  kNull,
  kKeys,
  kOnExtra,
  kOnChange,
  kKey,
  kOptionCount
};

inline constexpr mayfly_option kOptions[kOptionCount] = {
    sdk::unique(sdk::required(sdk::text_option(
        "path", nullptr, "Letters, one a line, as `mayfly dlq show --output json` writes them."))),
    sdk::required(sdk::list_option("columns", nullptr, {"1", nullptr},
                                   "The columns of the rows, in the order of a CSV record.")),
    sdk::list_option("types", nullptr, {},
                     "Types that the table declares, each as column=type: int64, float64, text, "
                     "blob, bool, timestamp, json or any, which the others are."),
    sdk::bool_option("typed", "false",
                     "Whether the columns are of these types and read by them, as those of a file "
                     "are; else each value says what it is."),
    sdk::choice_option("format", "auto", "auto|csv|json",
                       "What a record is; auto: JSON if it begins with {, else CSV."),
    sdk::text_option("delimiter", ",", "One character between the fields of a CSV record, or tab."),
    sdk::text_option("quote", "\"", "The character around such fields, or none."),
    sdk::choice_option("escape", "none", "none|backslash",
                       "Of fields without quotes: backslash makes \\t a tab, \\n a newline, \\\\ a "
                       "backslash and \\N NULL."),
    sdk::list_option("fields", nullptr, {},
                     "Which field of a CSV record each column is, from 1 [all in order]."),
    sdk::int_option("field_count", "0", {"0", "1000000"},
                    "How many fields a CSV record has; 0: as many as there are columns."),
    sdk::choice_option("empty", "auto", "auto|null|text",
                       "An empty field without quotes: NULL but '' in text columns, NULL, or ''."),
    sdk::list_option("null", nullptr, {},
                     "Fields without quotes that mean NULL, whatever their column's type is."),
    sdk::list_option("keys", nullptr, {},
                     "Which key of a record in JSON each column is [those of the columns' names]."),
    sdk::choice_option("on_extra", "error", "error|ignore",
                       "A key no column is for, or fields beyond the last column: an error row, or "
                       "left out."),
    sdk::choice_option("on_change", "error", "error|text",
                       "A value that a numeric column would change (007, twenty digits): an error "
                       "row, or its text, for a writer with coerce."),
    sdk::text_option("key", nullptr, "What the source is called in mayfly_offsets [the path]."),
};

// What is wrong, each by itself.
std::vector<std::string> parse_options(const sdk::Options& values, LetterOptions& options);

}  // namespace mayfly::dead_letters
