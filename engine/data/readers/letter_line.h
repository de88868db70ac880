// LetterLine: one dead letter as a line of JSON, as `mayfly dlq show --output json` writes it and
// people correct it:
//
//   {"id":7,"target":"people","reason":"...","columns":{"id":1,"name":"Ada"}}
//   {"id":8,"raw":"1,Ada,extra"}      a record as text
//   {"id":9,"raw_base64":"/w=="}      a record that isn't UTF-8, or has a NUL
//
// What else stands in it is left out of account. Values only; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mayfly/base/status.h"

namespace mayfly {

struct LetterLine {
  enum class Kind : std::uint8_t {
    kColumns,  // content is a JSON object of values by columns' names, in one line
    kRaw,      // content is the bytes of one record
  };

  std::optional<std::int64_t> id;
  std::optional<std::uint64_t> rank;  // among the letters that are replayed together, from 0
  Kind kind = Kind::kColumns;
  std::string content;
};

// kBadData: the line isn't such an object; what was expected and found, without the line's place.
Result<LetterLine> parse_letter_line(std::string_view line);

}  // namespace mayfly
