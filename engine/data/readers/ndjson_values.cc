// Values of JSON members into cells: the part of NdjsonReader that knows types.
#include <cmath>

#include "mayfly/data/readers/json_text.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

// Integers up to 2^53 are doubles; a double below it without a fraction is that integer and no
// other.
constexpr std::int64_t kWholeMax = 1ll << 53;

bool is_numeric(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64 || type == ColumnType::kBool ||
         type == ColumnType::kTimestamp;
}

bool is_textual(ColumnType type) { return type == ColumnType::kText || type == ColumnType::kBlob; }

}  // namespace

NdjsonReader::Fault NdjsonReader::put_value(RowCells& row, std::uint32_t column,
                                            const JsonMember& member) {
  switch (member.kind) {
    case JsonKind::kString:
      return put_string(row, column, member.text);
    case JsonKind::kNumber:
      return put_number(row, column, member.text);
    case JsonKind::kNull:
      break;
    case JsonKind::kFalse:
    case JsonKind::kTrue:
      put_bool(row, column, member.kind == JsonKind::kTrue);
      break;
    case JsonKind::kObject:
    case JsonKind::kArray:
      put_json(row, column, member.text);
      break;
  }
  return Fault::kNone;
}

NdjsonReader::Fault NdjsonReader::put_string(RowCells& row, std::uint32_t column,
                                             std::string_view text) {
  std::size_t size = text.size();
  if (!copy_until_backslash(row.heap_end(), text.data(), size)) {
    const auto unescaped = unescape_json(text, row.heap_end());
    if (!unescaped) return Fault::kEscape;
    size = *unescaped;
  }
  const ColumnType type = types_[column];
  if (!is_textual(type)) {
    // A string stays one: SQLite would make a number of "7".
    const bool changes = is_numeric(type) && looks_numeric({row.heap_end(), size});
    if (changes && !options_.keep_changes) return Fault::kChanges;
    if (type == ColumnType::kAny) {
      row.put_kind(column, MAYFLY_TEXT);
    } else {
      row.mark_exception(column);
    }
  }
  row.take_text(column, static_cast<std::uint32_t>(size));
  return Fault::kNone;
}

NdjsonReader::Fault NdjsonReader::put_number(RowCells& row, std::uint32_t column,
                                             std::string_view text) {
  const ColumnType type = types_[column];
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kTimestamp: {
      std::int64_t value;
      if (!parse_int64_padded(text.data(), text.size(), &value))
        return put_whole(row, column, text);
      row.put_int64(column, value);
      return Fault::kNone;
    }
    case ColumnType::kFloat64: {
      double value;
      if (!parse_real_padded(text.data(), text.size(), &value)) return put_real(row, column, text);
      row.put_float64(column, value);
      return Fault::kNone;
    }
    case ColumnType::kAny:
      return put_any_number(row, column, text);
    case ColumnType::kText:
    case ColumnType::kBlob:
    case ColumnType::kBool:
    case ColumnType::kJson:
      break;
  }
  if (!is_json_number(text)) return Fault::kNumber;
  if (type == ColumnType::kBool && (text == "0" || text == "1")) {
    put_bool(row, column, text == "1");  // as SQLite has them, and letters
    return Fault::kNone;
  }
  if (type == ColumnType::kBool && would_change(text, Affinity::kInteger)) return Fault::kChanges;
  row.put_text(column, text);
  if (!is_textual(type)) row.mark_exception(column);
  return Fault::kNone;
}

// A number that isn't written as an integer of 64 bits, for a column of integers.
NdjsonReader::Fault NdjsonReader::put_whole(RowCells& row, std::uint32_t column,
                                            std::string_view text) {
  if (!is_json_number(text)) return Fault::kNumber;
  double value = 0;
  const bool is_double = parse_json_real(text, &value);
  if (is_double && std::fabs(value) < static_cast<double>(kWholeMax) &&
      value == std::trunc(value)) {
    row.put_int64(column, static_cast<std::int64_t>(value));  // 1.0 and 1e3 are whole
    return Fault::kNone;
  }
  if (would_change(text, Affinity::kInteger)) return Fault::kChanges;
  row.put_text(column, text);
  row.mark_exception(column);
  return Fault::kNone;
}

// A number of more than 15 digits, for a column of reals.
NdjsonReader::Fault NdjsonReader::put_real(RowCells& row, std::uint32_t column,
                                           std::string_view text) {
  if (!is_json_number(text)) return Fault::kNumber;
  double value = 0;
  if (!parse_json_real(text, &value)) return Fault::kChanges;
  const bool written_whole = text.find_first_of(".eE") == std::string_view::npos;
  std::int64_t integer = 0;
  const bool exact = text == "-0" ||
                     (parse_int64(text, &integer) && integer >= -kWholeMax && integer <= kWholeMax);
  if (written_whole && !exact) return Fault::kChanges;
  row.put_float64(column, value);
  return Fault::kNone;
}

NdjsonReader::Fault NdjsonReader::put_any_number(RowCells& row, std::uint32_t column,
                                                 std::string_view text) {
  std::int64_t integer = 0;
  double real = 0;
  if (parse_int64_padded(text.data(), text.size(), &integer)) {
    row.put_int64(column, integer);
    row.put_kind(column, MAYFLY_INT64);
    return Fault::kNone;
  }
  if (!is_json_number(text)) return Fault::kNumber;
  const bool written_whole = text.find_first_of(".eE") == std::string_view::npos;
  if (!written_whole && parse_json_real(text, &real)) {
    row.put_float64(column, real);
    row.put_kind(column, MAYFLY_FLOAT64);
  } else {  // no number of SQLite's says it: its digits do
    row.put_text(column, text);
    row.put_kind(column, MAYFLY_TEXT);
  }
  return Fault::kNone;
}

void NdjsonReader::put_bool(RowCells& row, std::uint32_t column, bool value) {
  const ColumnType type = types_[column];
  if (type == ColumnType::kBool || type == ColumnType::kAny) {
    row.put_int64(column, value ? 1 : 0);
    if (type == ColumnType::kAny) row.put_kind(column, MAYFLY_BOOL);
    return;
  }
  row.put_text(column, value ? "true" : "false");
  if (!is_textual(type)) row.mark_exception(column);
}

void NdjsonReader::put_json(RowCells& row, std::uint32_t column, std::string_view text) {
  const ColumnType type = types_[column];
  row.put_text(column, text);
  if (type == ColumnType::kAny) {
    row.put_kind(column, MAYFLY_JSON);
  } else if (type != ColumnType::kJson && !is_textual(type)) {
    row.mark_exception(column);
  }
}

}  // namespace mayfly
