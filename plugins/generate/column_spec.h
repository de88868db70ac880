// ColumnSpec: what a generated column holds, from text such as "city:choice:Rome|Paris".
//
// Plain values. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/base/status.h"
#include "mayfly/data/batch_view.h"

namespace mayfly::generate {

struct ColumnSpec {
  enum class Kind : std::uint8_t { kSequence, kInt, kFloat, kText, kBool, kChoice };

  std::string name;
  Kind kind = Kind::kSequence;
  std::int64_t minimum = 0;  // sequence: of the first row; float: in hundredths
  std::int64_t maximum = 0;  // inclusive
  std::uint32_t length = 0;  // text
  std::vector<std::string> choices;

  std::int32_t type() const;             // MAYFLY_INT64 ...
  std::uint32_t heap_bytes_max() const;  // of one value
};

// name:sequence[:first]  name:int[:min:max]  name:float[:min:max]  name:text[:length]  name:bool
// name:choice:A|B|C. An error says what was expected.
Result<ColumnSpec> parse_column(std::string_view text);

// One value of the row that is being put; the heap has room. What is drawn depends on rng alone.
void put_value(const ColumnSpec& column, std::uint32_t index, std::uint64_t ordinal, Rng& rng,
               mayfly_batch& batch);

}  // namespace mayfly::generate
