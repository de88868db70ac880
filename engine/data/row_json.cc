#include "mayfly/data/row_json.h"

#include <charconv>
#include <cmath>

#include "mayfly/base/json_text.h"

namespace mayfly {
namespace {

void append_hex(std::string_view bytes, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  out += '"';
}

template <class T>
void append_digits(T value, std::string& out) {
  char digits[40];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_bytes(std::string_view bytes, bool is_text, std::uint64_t bytes_max, std::string& out) {
  if (bytes.size() <= bytes_max) {
    if (is_text && is_utf8(bytes)) return append_json_string(bytes, out);
    out += is_text ? "{\"text_hex\":" : "{\"hex\":";
    append_hex(bytes, out);
    out += '}';
    return;
  }
  std::string_view head = bytes.substr(0, bytes_max);
  if (is_text) {
    // Not in the middle of a character.
    while (!head.empty() && (static_cast<unsigned char>(bytes[head.size()]) & 0xC0) == 0x80) {
      head.remove_suffix(1);
    }
  }
  if (is_text && is_utf8(head)) {
    out += "{\"head\":";
    append_json_string(head, out);
  } else {
    out += "{\"head_hex\":";
    append_hex(head, out);
  }
  out += ",\"bytes\":";
  append_json_number(std::uint64_t{bytes.size()}, out);
  out += '}';
}

// JSON as it is, in one line: line breaks stand only between its tokens. What only says that it is
// JSON is a text.
void append_json_value(std::string_view text, std::uint64_t bytes_max, std::string& out) {
  if (text.size() > bytes_max || !is_json(text)) return append_bytes(text, true, bytes_max, out);
  const std::size_t start = out.size();
  out += text;
  for (std::size_t i = start; i < out.size(); ++i) {
    if (out[i] == '\n' || out[i] == '\r') out[i] = ' ';
  }
}

void append_typed_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    append_json_number(value, out);
  }
}

void append_value(const mayfly_batch& batch, const mayfly_column& column, std::uint32_t row,
                  std::uint64_t bytes_max, bool typed, std::string& out) {
  if (is_null(column, row)) {
    out += "null";
    return;
  }
  const mayfly_cell& cell = column.cells[row];
  switch (is_exception(column, row) ? std::int32_t{MAYFLY_TEXT} : kind_of(column, row)) {
    case MAYFLY_BOOL:
      if (typed) {
        out += cell.i64 != 0 ? "true" : "false";
        return;
      }
      [[fallthrough]];
    case MAYFLY_INT64:
    case MAYFLY_TIMESTAMP:
      return append_json_number(std::int64_t{cell.i64}, out);
    case MAYFLY_FLOAT64:
      return typed ? append_typed_number(cell.f64, out) : append_json_number(cell.f64, out);
    case MAYFLY_BLOB:
      return append_bytes(text_at(batch, cell.span), false, bytes_max, out);
    case MAYFLY_JSON:
      if (typed) return append_json_value(text_at(batch, cell.span), bytes_max, out);
      [[fallthrough]];
    default:
      return append_bytes(text_at(batch, cell.span), true, bytes_max, out);
  }
}

}  // namespace

void append_json_number(std::int64_t value, std::string& out) { append_digits(value, out); }
void append_json_number(std::uint64_t value, std::string& out) { append_digits(value, out); }

void append_json_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "null";
  } else if (std::isinf(value)) {
    out += value > 0 ? "9e999" : "-9e999";
  } else {
    const std::size_t start = out.size();
    append_digits(value, out);
    // Without point or exponent it would be read as an integer.
    if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
  }
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const int more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : 1;
    if (*p < 0xC2 || *p > 0xF4 || end - p <= more) return false;
    // Overlong forms, surrogates, and beyond U+10FFFF: the second byte tells.
    if ((*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) || (*p == 0xF0 && p[1] < 0x90) ||
        (*p == 0xF4 && p[1] > 0x8F)) {
      return false;
    }
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }
    p += more + 1;
  }
  return true;
}

void append_json_string(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_row_json(const mayfly_schema& schema, const mayfly_batch& batch, std::uint32_t row,
                     std::uint64_t value_bytes_max, JsonValues values, std::string& out) {
  out += '{';
  for (std::uint32_t i = 0; i < schema.count; ++i) {
    if (i > 0) out += ',';
    const mayfly_text name = schema.columns[i].name;
    out += json_quoted({name.data, static_cast<std::size_t>(name.size)});
    out += ':';
    append_value(batch, batch.columns[i], row, value_bytes_max, values == JsonValues::kTyped, out);
  }
  out += '}';
}

void append_row_json(const Schema& schema, const mayfly_batch& batch, std::uint32_t row,
                     std::uint64_t value_bytes_max, std::string& out) {
  append_row_json(schema.c(), batch, row, value_bytes_max, JsonValues::kStored, out);
}

}  // namespace mayfly
