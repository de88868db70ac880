// TypeInference: the type of each column from values that were seen, such that none of them
// changes.
//
// TEXT   All canonical integers: int64. All canonical reals or integers of at most 15 digits:
//        float64. Anything else (007, +5, 20 digits, words): text. Empty fields say nothing;
//        nothing but empty fields: text.
// JSON   One kind throughout: int64, float64 (whole numbers may be among them), bool, text, or json
//        for objects and arrays. Several kinds, only null, or a number that no int64 or double
//        says: any.
//
// Plain values; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/schema.h"

namespace mayfly {

class TypeInference {
 public:
  void add_text(std::uint32_t column, std::string_view text);
  void add_json(std::uint32_t column, JsonKind kind, std::string_view text);

  ColumnType text_type(std::uint32_t column) const;
  ColumnType json_type(std::uint32_t column) const;

 private:
  std::uint16_t& seen(std::uint32_t column);

  std::vector<std::uint16_t> seen_;  // bits, one word a column
};

// Column names that SQLite tells apart (it ignores the case of ASCII letters): an empty name
// becomes column_3 (its number from 1), a second "name" becomes name_2.
std::vector<std::string> unique_names(const std::vector<std::string>& names);

}  // namespace mayfly
