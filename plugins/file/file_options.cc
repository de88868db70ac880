#include "mayfly/file/file_options.h"

#include <algorithm>
#include <string_view>

#include "mayfly/data/readers/csv_dialect.h"
#include "mayfly/data/readers/text_decoder.h"
#include "mayfly/sdk/mistakes.h"

namespace mayfly::file {
namespace {

// What is wrong, each by itself.
using Mistakes = std::vector<std::string>;

using sdk::add_mistake;

void parse_delimiter(std::string_view text, FileOptions& options, Mistakes& mistakes) {
  options.find_delimiter = text == "auto";
  if (options.find_delimiter) return;
  options.delimiter = separator_of(text);
  if (!options.delimiter) {
    add_mistake(mistakes, "delimiter", "one byte that isn't a newline, tab, or auto", text);
  }
}

void parse_quote(std::string_view text, FileOptions& options, Mistakes& mistakes) {
  std::optional<char> quote;
  if (mayfly::parse_quote(text, quote)) {
    options.quote = quote;
  } else {
    add_mistake(mistakes, "quote", "one byte that isn't a newline, or none", text);
  }
}

void parse_dialect(const sdk::Options& values, FileOptions& options, Mistakes& mistakes) {
  if (values.is_set(kDelimiter)) parse_delimiter(values.text(kDelimiter), options, mistakes);
  if (values.is_set(kQuote)) parse_quote(values.text(kQuote), options, mistakes);
  // What a format has by itself is known once its first line is read.
  if (options.delimiter && options.quote && *options.quote == *options.delimiter) {
    add_mistake(mistakes, "quote", "another character than the delimiter", values.text(kQuote));
  }
  options.backslash = values.choice(kEscape) == 1;
  if (options.backslash && options.delimiter == '\\') {
    add_mistake(mistakes, "delimiter", "another character than the one that escapes", "\\");
  }
  if (values.is_set(kComment)) {
    const std::string_view text = values.text(kComment);
    options.comment = separator_of(text);
    if (!options.comment) {
      add_mistake(mistakes, "comment", "one byte that isn't a newline", text);
    } else if (options.comment == options.delimiter ||
               (options.quote && options.comment == *options.quote)) {
      add_mistake(mistakes, "comment", "another character than delimiter and quote", text);
    }
  }
}

void parse_rename(std::string_view entry, FileOptions& options, Mistakes& mistakes) {
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == entry.size()) {
    return add_mistake(mistakes, "rename", "old=new", entry);
  }
  const std::string_view from = entry.substr(0, equals);
  const auto same = [from](const auto& other) { return is_same_column(other.first, from); };
  if (std::ranges::any_of(options.renamed, same)) {
    return add_mistake(mistakes, "rename", "each column once (upper and lower case are the same)",
                       entry);
  }
  options.renamed.emplace_back(from, entry.substr(equals + 1));
}

void parse_names(const sdk::Options& values, FileOptions& options, Mistakes& mistakes) {
  for (std::uint64_t i = 0; values.is_set(kColumns) && i < values.list_size(kColumns); ++i) {
    const std::string_view name = values.list_at(kColumns, i);
    if (std::ranges::find(options.columns, name) != options.columns.end()) {
      add_mistake(mistakes, "columns", "each column once", name);
    }
    options.columns.emplace_back(name);
  }
  for (std::uint64_t i = 0; values.is_set(kRename) && i < values.list_size(kRename); ++i) {
    parse_rename(values.list_at(kRename, i), options, mistakes);
  }
}

void parse_type(std::string_view entry, FileOptions& options, Mistakes& mistakes) {
  const std::size_t equals = entry.rfind('=');  // a column's name may hold one
  if (equals == std::string_view::npos || equals == 0) {
    return add_mistake(mistakes, "types", "column=type", entry);
  }
  const auto type = column_type_from(entry.substr(equals + 1));
  if (!type) {
    return add_mistake(
        mistakes, "types",
        "int64, float64, text, blob, bool, timestamp, json or any after the =", entry);
  }
  const std::string_view column = entry.substr(0, equals);
  const auto same = [column](const auto& other) { return is_same_column(other.first, column); };
  if (std::ranges::any_of(options.types, same)) {
    return add_mistake(mistakes, "types", "each column once (upper and lower case are the same)",
                       entry);
  }
  options.types.emplace_back(std::string(column), *type);
}

}  // namespace

std::vector<std::string> parse_options(const sdk::Options& values, FileOptions& options) {
  Mistakes mistakes;
  options.path = values.text(kPath);
  if (options.path.empty()) {
    add_mistake(mistakes, "path", "a file, or - for standard input", options.path);
  }
  if (const std::uint32_t format = values.choice(kFormat); format > 0) {
    options.format = static_cast<Format>(format - 1);
  }
  if (values.is_set(kEncoding)) {
    options.encoding = values.text(kEncoding);
    if (!is_text_encoding(options.encoding)) {
      add_mistake(mistakes, "encoding", "an encoding that iconv knows (iconv -l lists them)",
                  options.encoding);
    }
  }
  parse_dialect(values, options, mistakes);
  options.skip_rows = static_cast<std::uint64_t>(values.integer(kSkipRows));
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
  parse_names(values, options, mistakes);
  if (values.is_set(kOnExtra)) options.ignore_extra = values.choice(kOnExtra) == 1;
  options.keep_changes = values.choice(kOnChange) == 1;
  options.empty = static_cast<EmptyField>(values.choice(kEmpty));
  for (std::uint64_t i = 0; values.is_set(kNull) && i < values.list_size(kNull); ++i) {
    options.nulls.emplace_back(values.list_at(kNull, i));
  }
  options.limit = static_cast<std::uint64_t>(values.integer(kLimit));
  options.max_row_bytes = static_cast<std::uint64_t>(values.bytes(kMaxRowBytes));
  return mistakes;
}

}  // namespace mayfly::file
