#include "mayfly/file/file_options.h"

#include <algorithm>
#include <string_view>

namespace mayfly::file {
namespace {

// What is wrong, each by itself.
using Mistakes = std::vector<std::string>;

void add(Mistakes& mistakes, std::string_view option, std::string_view expected,
         std::string_view found) {
  mistakes.push_back(std::string(option) + ": expected " + std::string(expected) + ", found \"" +
                     std::string(found) + "\"");
}

bool is_separator(char c) { return c != '\n' && c != '\r' && c != '\0'; }

void parse_dialect(const sdk::Options& values, FileOptions& options, Mistakes& mistakes) {
  if (values.is_set(kDelimiter)) {
    std::string_view text = values.text(kDelimiter);
    if (text == "tab" || text == "\\t") text = "\t";
    if (text.size() == 1 && is_separator(text[0])) {
      options.delimiter = text[0];
    } else {
      add(mistakes, "delimiter", "one byte that isn't a newline, or tab", text);
    }
  }
  if (values.is_set(kQuote)) {
    const std::string_view text = values.text(kQuote);
    if (text == "none" || text.empty()) {
      options.quote = std::optional<char>();
    } else if (text.size() == 1 && is_separator(text[0])) {
      options.quote = text[0];
    } else {
      add(mistakes, "quote", "one byte that isn't a newline, or none", text);
    }
  }
  // What a format has by itself is known once its first line is read.
  if (options.delimiter && options.quote && *options.quote == *options.delimiter) {
    add(mistakes, "quote", "another character than the delimiter", values.text(kQuote));
  }
}

void parse_type(std::string_view entry, FileOptions& options, Mistakes& mistakes) {
  const std::size_t equals = entry.rfind('=');  // a column's name may hold one
  if (equals == std::string_view::npos || equals == 0) {
    return add(mistakes, "types", "column=type", entry);
  }
  const auto type = column_type_from(entry.substr(equals + 1));
  if (!type) {
    return add(mistakes, "types",
               "int64, float64, text, blob, bool, timestamp, json or any after the =", entry);
  }
  const std::string_view column = entry.substr(0, equals);
  const auto same = [column](const auto& other) { return is_same_column(other.first, column); };
  if (std::ranges::any_of(options.types, same)) {
    return add(mistakes, "types", "each column once (upper and lower case are the same)", entry);
  }
  options.types.emplace_back(std::string(column), *type);
}

}  // namespace

std::vector<std::string> parse_options(const sdk::Options& values, FileOptions& options) {
  Mistakes mistakes;
  options.path = values.text(kPath);
  if (options.path.empty()) {
    add(mistakes, "path", "a file, or - for standard input", options.path);
  }
  if (const std::uint32_t format = values.choice(kFormat); format > 0) {
    options.format = static_cast<Format>(format - 1);
  }
  parse_dialect(values, options, mistakes);
  options.header = values.flag(kHeader);
  options.infer = static_cast<Infer>(values.choice(kInfer));
  if (options.infer == Infer::kAll && options.path == "-") {
    mistakes.push_back(
        "infer: \"all\" reads the input twice, and standard input can't be; use \"sample\", or "
        "give types");
  }
  for (std::uint64_t i = 0; values.is_set(kTypes) && i < values.list_size(kTypes); ++i) {
    parse_type(values.list_at(kTypes, i), options, mistakes);
  }
  for (std::uint64_t i = 0; values.is_set(kColumns) && i < values.list_size(kColumns); ++i) {
    options.columns.emplace_back(values.list_at(kColumns, i));
  }
  options.ignore_extra = values.choice(kOnExtra) == 1;
  options.empty = static_cast<EmptyField>(values.choice(kEmpty));
  options.max_row_bytes = static_cast<std::uint64_t>(values.bytes(kMaxRowBytes));
  return mistakes;
}

}  // namespace mayfly::file
