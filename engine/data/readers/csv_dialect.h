// CsvDialect: what separates, quotes and escapes in a CSV or TSV document, and what of it shows at
// its beginning.
//
// Pure functions over a document's head: as much as was read, behind a byte order mark;
// kReadPadding bytes after it must be readable. Any thread.
#pragma once

#include <optional>
#include <string_view>

namespace mayfly {

// What separates fields, and what quotes them.
struct CsvDialect {
  char delimiter = ',';
  std::optional<char> quote = '"';
  bool backslash = false;       // escapes; then `quote` is none
  std::optional<char> comment;  // a line that begins with it is left out
  char newline = '\n';          // or '\r', which no LF follows

  static CsvDialect csv() { return {}; }
  static CsvDialect tsv() { return {.delimiter = '\t', .quote = std::nullopt}; }
};

// A delimiter or comment character as options say it: one byte that ends no line, or "tab". None:
// it isn't one.
std::optional<char> separator_of(std::string_view text);

// A quote as options say it, "none" and "" being no quote; false for what is no quote's name, and
// then `quote` is as it was.
bool parse_quote(std::string_view text, std::optional<char>& quote);

// The line "sep=;" with which spreadsheets tell their delimiter.
std::optional<char> find_separator_line(std::string_view head);

// CR where lines end in that alone, as of old Macs: no LF stands outside of quotes.
char find_newline(std::string_view head, const CsvDialect& dialect);

// Comma, semicolon, tab or bar: what splits the first records into as many fields each, and into
// most. With none of them the dialect's own. is_whole: the head is all of the document.
char find_delimiter(std::string_view head, const CsvDialect& dialect, bool is_whole);

}  // namespace mayfly
