#include "mayfly/data/readers/cell_text.h"

#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

constexpr std::size_t kExcerpt = 64;

bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

void append_quoted(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  *out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      *out += "\\x";
      *out += kHex[byte >> 4];
      *out += kHex[byte & 15];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void put_any(RowCells& row, std::uint32_t column, std::string_view text) {
  std::int64_t integer = 0;
  double real = 0;
  if (parse_int64(text, &integer)) {
    row.put_int64(column, integer);
    row.put_kind(column, MAYFLY_INT64);
  } else if (parse_real(text, &real)) {
    row.put_float64(column, real);
    row.put_kind(column, MAYFLY_FLOAT64);
  } else {
    row.put_text(column, text);
    row.put_kind(column, MAYFLY_TEXT);
  }
}

bool put_bool(RowCells& row, std::uint32_t column, std::string_view text) {
  if (text == "1" || equals_lower(text, "true")) {
    row.put_int64(column, 1);
  } else if (text == "0" || equals_lower(text, "false")) {
    row.put_int64(column, 0);
  } else if (would_change(text, Affinity::kInteger)) {
    return false;
  } else {
    put_exception_text(row, column, text);
  }
  return true;
}

}  // namespace

void put_exception_text(RowCells& row, std::uint32_t column, std::string_view text) {
  row.put_text(column, text);
  row.mark_exception(column);
}

bool put_text_as(RowCells& row, std::uint32_t column, ColumnType type, std::string_view text) {
  std::int64_t integer = 0;
  double real = 0;
  switch (type) {
    case ColumnType::kText:
    case ColumnType::kBlob:
    case ColumnType::kJson:
      row.put_text(column, text);
      return true;
    case ColumnType::kAny:
      put_any(row, column, text);
      return true;
    case ColumnType::kBool:
      return put_bool(row, column, text);
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      if (parse_int64(text, &integer)) {
        row.put_int64(column, integer);
        return true;
      }
      if (would_change(text, Affinity::kInteger)) return false;
      break;
    case ColumnType::kFloat64:
      if (parse_real(text, &real)) {
        row.put_float64(column, real);
        return true;
      }
      if (looks_numeric(text)) return false;
      break;
  }
  put_exception_text(row, column, text);
  return true;
}

void append_excerpt(std::string_view text, std::string* out) {
  append_quoted(text.substr(0, kExcerpt), out);
  if (text.size() > kExcerpt) *out += "...";
}

void append_excerpt_of_end(std::string_view text, std::string* out) {
  if (text.size() <= kExcerpt) return append_quoted(text, out);
  text.remove_prefix(text.size() - kExcerpt);
  // Not in the middle of a character.
  while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) {
    text.remove_prefix(1);
  }
  *out += "...";
  append_quoted(text, out);
}

void describe_change(const Column& column, std::string_view text, std::string* message) {
  *message += "column \"";
  *message += column.name;
  *message += column.type == ColumnType::kFloat64 ? "\" expected a real number of at most 15 digits"
                                                  : "\" expected an integer of 64 bits";
  *message += ", found ";
  append_excerpt(text, message);
  *message += ", which SQLite would store as another value; give the column's type (--types ";
  *message += column.name;
  *message +=
      "=text, or types in a pipeline) or look at every row before types are chosen (--infer all)";
}

}  // namespace mayfly
