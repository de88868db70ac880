// FileOptions: what a file source was asked to do, checked; and the option table it comes from.
//
// Plain values. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/format.h"
#include "mayfly/data/schema.h"
#include "mayfly/sdk/options.h"

namespace mayfly::file {

enum class Infer : std::uint8_t { kSample, kAll, kNone };

struct FileOptions {
  std::string path;
  std::optional<Format> format;              // none: by name, else by content
  std::string encoding;                      // empty: UTF-8, or UTF-16 with a byte order mark
  std::optional<char> delimiter;             // none: the format's
  bool find_delimiter = false;               // by the first records
  std::optional<std::optional<char>> quote;  // none: the format's; none in it: no quoting
  bool backslash = false;                    // escapes
  std::optional<char> comment;
  std::uint64_t skip_rows = 0;  // lines at the beginning
  bool header = true;
  Infer infer = Infer::kSample;
  std::vector<std::pair<std::string, ColumnType>> types;
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, std::string>> renamed;  // from, to
  std::optional<bool> ignore_extra;                          // none: as `columns` says
  bool keep_changes = false;                                 // what a numeric column would change
  EmptyField empty = EmptyField::kAuto;
  std::vector<std::string> nulls;
  std::uint64_t limit = 0;  // of records; 0: none
  std::uint64_t max_row_bytes = 0;
};

// Rows of the table; parse_options reads them by these.
enum Option : std::uint32_t {
  kPath,
  kFormat,
  kEncoding,
  kDelimiter,
  kQuote,
  kEscape,
  kComment,
  kSkipRows,
  kHeader,
  kInfer,
  kTypes,
  kColumns,
  kRename,
  kOnExtra,
  kOnChange,
  kEmpty,
  kNull,
  kLimit,
  kMaxRowBytes,
  kOptionCount,
};

inline constexpr mayfly_option kOptions[kOptionCount] = {
    sdk::unique(sdk::required(sdk::text_option(
        "path", nullptr, "The file to read, plain, gzip or zstd; - is standard input."))),
    sdk::choice_option(
        "format", "auto", "auto|csv|tsv|ndjson|json",
        "What is in it; auto goes by the name's ending, else by its beginning. json: "
        "an array of objects, or objects over several lines."),
    sdk::text_option("encoding", nullptr,
                     "What its text is in, as iconv calls it: latin1, cp1252, utf-16le; UTF-8 by "
                     "default, or UTF-16 if it begins with that one's byte order mark."),
    sdk::text_option("delimiter", nullptr,
                     "One character between fields, tab, or auto: what splits the first records "
                     "best; a comma by default, in TSV a tab."),
    sdk::text_option("quote", nullptr,
                     "The character around fields, or none; \" by default, in TSV none."),
    sdk::choice_option("escape", "none", "none|backslash",
                       "Of fields without quotes: backslash makes \\t a tab, \\n a newline, \\\\ a "
                       "backslash and \\N NULL."),
    sdk::text_option("comment", nullptr, "Lines that begin with this character are left out."),
    sdk::int_option("skip_rows", "0", {"0", nullptr},
                    "Lines at the beginning to leave out, before the header."),
    sdk::bool_option("header", "true", "Whether the first record of CSV or TSV names the columns."),
    sdk::choice_option("infer", "sample", "sample|all|none",
                       "Types come from the first 1,000 rows (at most 1 MiB), from all rows, or "
                       "aren't looked for: then every column is text (NDJSON: any)."),
    sdk::list_option("types", nullptr, {},
                     "Types of columns, each as column=type: int64, float64, text, blob, bool, "
                     "timestamp, json or any."),
    sdk::list_option("columns", nullptr, {},
                     "The columns to read, in this order; without a header: the names of all."),
    sdk::list_option(
        "rename", nullptr, {},
        "Other names for columns, each as old=new; types, and the writer, know the new "
        "ones."),
    sdk::choice_option("on_extra", nullptr, "error|ignore",
                       "A key no column is for, or fields beyond the last one: an error row, which "
                       "is the default, or left out, which is that of keys where columns are "
                       "named."),
    sdk::choice_option("on_change", "error", "error|text",
                       "A value that a numeric column would change (007, twenty digits): an error "
                       "row, or its text, for a writer with coerce."),
    sdk::choice_option("empty", "auto", "auto|null|text",
                       "An empty field without quotes: NULL but '' in text columns, NULL, or ''."),
    sdk::list_option(
        "null", nullptr, {},
        "Fields without quotes that mean NULL, whatever their column's type is: NA, say."),
    sdk::int_option("limit", "0", {"0", nullptr}, "Records to read at most; 0: all."),
    sdk::size_option("max_row_bytes", "32MiB", {"1KiB", "1GiB"},
                     "A longer record becomes an error row that keeps its first 64 KiB."),
};

// Each mistake as "option: expected ..., found ..."; with one of them `options` isn't for use.
std::vector<std::string> parse_options(const sdk::Options& values, FileOptions& options);

}  // namespace mayfly::file
