#include "mayfly/storage/affinity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "mayfly/data/batch_view.h"
#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

bool contains(const std::string& upper, std::string_view word) {
  return upper.find(word) != std::string::npos;
}

// SQLite turns a REAL into text with 15 significant digits.
bool loses_digits_as_text(double value) {
  if (!std::isfinite(value)) return true;
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return std::strtod(text, nullptr) != value;
}

// Whether the nearest double is another number.
bool loses_digits_as_real(std::int64_t value) {
  const double real = static_cast<double>(value);
  // 2^63 itself doesn't fit back.
  return real >= 9223372036854775808.0 || static_cast<std::int64_t>(real) != value;
}

bool is_numeric(ColumnAffinity affinity) { return affinity >= ColumnAffinity::kNumeric; }

}  // namespace

ColumnAffinity affinity_of(std::string_view declared_type, bool strict) {
  std::string upper(declared_type);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (contains(upper, "INT")) return ColumnAffinity::kInteger;
  if (contains(upper, "CHAR") || contains(upper, "CLOB") || contains(upper, "TEXT")) {
    return ColumnAffinity::kText;
  }
  if (upper.empty() || contains(upper, "BLOB") || (strict && upper == "ANY")) {
    return ColumnAffinity::kNone;
  }
  if (contains(upper, "REAL") || contains(upper, "FLOA") || contains(upper, "DOUB")) {
    return ColumnAffinity::kReal;
  }
  return ColumnAffinity::kNumeric;
}

std::string_view name_of(ColumnAffinity affinity) {
  switch (affinity) {
    case ColumnAffinity::kText:
      return "TEXT";
    case ColumnAffinity::kNumeric:
      return "NUMERIC";
    case ColumnAffinity::kInteger:
      return "INTEGER";
    case ColumnAffinity::kReal:
      return "REAL";
    case ColumnAffinity::kNone:
      break;
  }
  return "no";
}

std::string_view declared_type_of(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      return "INTEGER";
    case ColumnType::kFloat64:
      return "REAL";
    case ColumnType::kText:
    case ColumnType::kJson:
      return "TEXT";
    case ColumnType::kBlob:
      return "BLOB";
    case ColumnType::kAny:
      break;
  }
  return "";
}

ValueCheck check_needed(ColumnType type, ColumnAffinity affinity) {
  if (affinity == ColumnAffinity::kNone) return ValueCheck::kNone;
  const bool text_column = affinity == ColumnAffinity::kText;
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      if (text_column) return ValueCheck::kNone;
      return affinity == ColumnAffinity::kReal ? ValueCheck::kAll : ValueCheck::kExceptions;
    case ColumnType::kFloat64:
      return text_column ? ValueCheck::kAll : ValueCheck::kExceptions;
    case ColumnType::kText:
    case ColumnType::kJson:
      return text_column ? ValueCheck::kNone : ValueCheck::kAll;
    case ColumnType::kBlob:
      return text_column ? ValueCheck::kNone : ValueCheck::kExceptions;
    case ColumnType::kAny:
      break;
  }
  return ValueCheck::kAll;
}

bool would_change(std::int64_t value, ColumnAffinity affinity) {
  return affinity == ColumnAffinity::kReal && loses_digits_as_real(value);
}

bool would_change(double value, ColumnAffinity affinity) {
  return affinity == ColumnAffinity::kText && loses_digits_as_text(value);
}

bool would_change(std::string_view text, ColumnAffinity affinity) {
  return is_numeric(affinity) &&
         would_change(text,
                      affinity == ColumnAffinity::kReal ? Affinity::kReal : Affinity::kInteger);
}

bool would_change(const mayfly_batch& batch, std::uint32_t column, std::uint32_t row,
                  ColumnAffinity affinity) {
  const mayfly_column& c = batch.columns[column];
  const mayfly_cell& cell = c.cells[row];
  switch (is_exception(c, row) ? std::int32_t{MAYFLY_TEXT} : kind_of(c, row)) {
    case MAYFLY_TEXT:
    case MAYFLY_JSON:
      return would_change(text_at(batch, cell.span), affinity);
    case MAYFLY_FLOAT64:
      return would_change(cell.f64, affinity);
    case MAYFLY_BLOB:
      return false;
    default:
      return would_change(cell.i64, affinity);
  }
}

std::string shown_text(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return '\'' + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "...'" : "'");
}

std::string shown_real(double value) {
  char digits[40];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string describe_change(std::string_view column_name, ColumnAffinity affinity,
                            std::string_view shown) {
  std::string text("column ");
  text.append(column_name).append(": ").append(shown).append(" would be changed by the column's ");
  return text.append(name_of(affinity)).append(" affinity");
}

std::string describe_change(const mayfly_batch& batch, std::uint32_t column, std::uint32_t row,
                            std::string_view column_name, ColumnAffinity affinity) {
  const mayfly_column& c = batch.columns[column];
  const std::int32_t kind = is_exception(c, row) ? std::int32_t{MAYFLY_TEXT} : kind_of(c, row);
  std::string found;
  if (kind == MAYFLY_FLOAT64) {
    found = shown_real(c.cells[row].f64);
  } else if (kind == MAYFLY_TEXT || kind == MAYFLY_JSON) {
    found = shown_text(text_at(batch, c.cells[row].span));
  } else {
    found = std::to_string(c.cells[row].i64);
  }
  return describe_change(column_name, affinity, found) + "; use --types " +
         std::string(column_name) +
         "=text (types in a pipeline; or --infer all) for a new table, or let it (--coerce, or "
         "coerce in a pipeline)";
}

}  // namespace mayfly
