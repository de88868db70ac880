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
  std::optional<char> delimiter;             // none: the format's
  std::optional<std::optional<char>> quote;  // none: the format's; none in it: no quoting
  bool header = true;
  Infer infer = Infer::kSample;
  std::vector<std::pair<std::string, ColumnType>> types;
  std::vector<std::string> columns;
  bool ignore_extra = false;
  EmptyField empty = EmptyField::kAuto;
  std::uint64_t max_row_bytes = 0;
};

// Rows of the table; parse_options reads them by these.
enum Option : std::uint32_t {
  kPath,
  kFormat,
  kDelimiter,
  kQuote,
  kHeader,
  kInfer,
  kTypes,
  kColumns,
  kOnExtra,
  kEmpty,
  kMaxRowBytes,
  kOptionCount,
};

inline constexpr mayfly_option kOptions[kOptionCount] = {
    sdk::unique(sdk::required(sdk::text_option(
        "path", nullptr, "The file to read, plain, gzip or zstd; - is standard input."))),
    sdk::choice_option("format", "auto", "auto|csv|tsv|ndjson",
                       "What is in it; auto goes by the name's ending, else by its first line."),
    sdk::text_option("delimiter", nullptr,
                     "One character between fields, or tab; a comma by default, in TSV a tab."),
    sdk::text_option("quote", nullptr,
                     "The character around fields, or none; \" by default, in TSV none."),
    sdk::bool_option("header", "true", "Whether the first record of CSV or TSV names the columns."),
    sdk::choice_option("infer", "sample", "sample|all|none",
                       "Types come from the first 1,000 rows (at most 1 MiB), from all rows, or "
                       "aren't looked for: then every column is text (NDJSON: any)."),
    sdk::list_option("types", nullptr, {},
                     "Types of columns, each as column=type: int64, float64, text, blob, bool, "
                     "timestamp, json or any."),
    sdk::list_option("columns", nullptr, {},
                     "Names of the columns, in place of a header's; of NDJSON: the keys to read."),
    sdk::choice_option("on_extra", "error", "error|ignore",
                       "A key no column is for, or fields beyond the last column: an error row, or "
                       "left out."),
    sdk::choice_option("empty", "auto", "auto|null|text",
                       "An empty field without quotes: NULL but '' in text columns, NULL, or ''."),
    sdk::size_option("max_row_bytes", "32MiB", {"1KiB", "1GiB"},
                     "A longer record becomes an error row that keeps its first 64 KiB."),
};

// Each mistake as "option: expected ..., found ..."; with one of them `options` isn't for use.
std::vector<std::string> parse_options(const sdk::Options& values, FileOptions& options);

}  // namespace mayfly::file
