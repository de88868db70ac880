#include "mayfly/data/readers/csv_dialect.h"

#include <cstdint>

#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/readers/reader.h"

namespace mayfly {
namespace {

constexpr std::uint64_t kRecordsMax = 100;

// How well a delimiter splits records: those that have as many fields as the first one, and how
// many fields that has.
struct Split {
  std::uint64_t records = 0;
  std::uint64_t alike = 0;
  std::uint32_t fields = 0;

  bool splits() const { return fields > 1; }
  bool is_better_than(const Split& other) const {
    if (splits() != other.splits()) return splits();
    const std::uint64_t mine = alike * other.records;
    const std::uint64_t its = other.alike * records;
    return mine != its ? mine > its : fields > other.fields;
  }
};

Split split_by(std::string_view head, const CsvDialect& dialect, bool is_whole) {
  Split split;
  CsvScanner scanner(dialect, 0);
  scanner.start(head.data(), head.data() + head.size(), is_whole);
  while (split.records < kRecordsMax) {
    const Scan scan = scanner.next();
    if (scan == Scan::kMore) break;
    if (scan == Scan::kBlank || scan == Scan::kComment) continue;
    ++split.records;
    if (scan != Scan::kRecord) continue;
    if (split.fields == 0) split.fields = scanner.field_count();
    if (scanner.field_count() == split.fields) ++split.alike;
  }
  return split;
}

}  // namespace

std::optional<char> separator_of(std::string_view text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text[0] == '\n' || text[0] == '\r' || text[0] == '\0')
    return std::nullopt;
  return text[0];
}

bool parse_quote(std::string_view text, std::optional<char>& quote) {
  if (text == "none" || text.empty()) {
    quote = std::nullopt;
    return true;
  }
  // A quote has no other name.
  const std::optional<char> one = text.size() == 1 ? separator_of(text) : std::nullopt;
  if (one) quote = one;
  return one.has_value();
}

std::optional<char> find_separator_line(std::string_view head) {
  const std::size_t end = head.find_first_of("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = head.substr(0, end);
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  constexpr std::string_view kWord = "sep=";
  if (line.size() != kWord.size() + 1) return std::nullopt;
  for (std::size_t i = 0; i < kWord.size(); ++i) {
    const char c = line[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != kWord[i]) return std::nullopt;
  }
  return line.back();
}

char find_newline(std::string_view head, const CsvDialect& dialect) {
  bool quoted = false;
  bool begins_field = true;
  bool has_cr = false;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    const char next = i + 1 < head.size() ? head[i + 1] : '\0';
    if (quoted) {
      if (c != *dialect.quote) continue;
      if (next == c) {
        ++i;
      } else {
        quoted = false;
      }
    } else if (begins_field && dialect.quote && c == *dialect.quote) {
      quoted = true;
      begins_field = false;
    } else if (c == '\n') {
      return '\n';
    } else {
      // What ends the document may be half of what ends its lines.
      has_cr |= c == '\r' && next != '\n' && i + 1 < head.size();
      begins_field = c == dialect.delimiter || c == '\r';
    }
  }
  return has_cr ? '\r' : '\n';
}

char find_delimiter(std::string_view head, const CsvDialect& dialect, bool is_whole) {
  Split best;
  char found = dialect.delimiter;
  for (const char candidate : {',', ';', '\t', '|'}) {
    if (dialect.quote == candidate || dialect.comment == candidate) continue;
    CsvDialect tried = dialect;
    tried.delimiter = candidate;
    Split split = split_by(head, tried, is_whole);
    // A first record that is longer than the head: as if it ended there.
    if (split.records == 0) split = split_by(head, tried, true);
    if (!split.splits() || !split.is_better_than(best)) continue;
    best = split;
    found = candidate;
  }
  return found;
}

}  // namespace mayfly
