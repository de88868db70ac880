// A row's values as a JSON object: for the dead-letter table, and for other programs.
//
// Integers and reals are numbers, text is a string. What JSON can't say is an object: a blob
// {"hex":"..."}, text that isn't UTF-8 {"text_hex":"..."}, and text or a blob over the limit
// {"head":"...","bytes":n} with its beginning, as text or {"head_hex":...}. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mayfly/data/batch_view.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// How values are written that JSON has, or hasn't, other words for.
enum class JsonValues : std::uint8_t {
  // As SQLite keeps them: JSON is text, bools are 0 and 1, infinities 9e999, NaN null.
  kStored,
  // For other programs: JSON is itself, bools are true and false, infinities and NaN the strings
  // "Infinity", "-Infinity" and "NaN", as in protobuf's JSON. Always one line that any reader of
  // JSON takes. (A timestamp is a number of microseconds since 1970 in both.)
  kTyped,
};

// Appends to `out`. value_bytes_max: what a text or blob may have before it is cut.
void append_row_json(const mayfly_schema& schema, const mayfly_batch& batch, std::uint32_t row,
                     std::uint64_t value_bytes_max, JsonValues values, std::string& out);
// As kStored.
void append_row_json(const Schema& schema, const mayfly_batch& batch, std::uint32_t row,
                     std::uint64_t value_bytes_max, std::string& out);
// A JSON string with its quotes; text must be UTF-8.
void append_json_string(std::string_view text, std::string& out);
bool is_utf8(std::string_view text);
// An infinity is 9e999, NaN null, and no other real looks like an integer.
void append_json_number(std::int64_t value, std::string& out);
void append_json_number(std::uint64_t value, std::string& out);
void append_json_number(double value, std::string& out);

}  // namespace mayfly
