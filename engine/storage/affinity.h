// Affinity: which values a column of SQLite would change when it stores them.
//
// A value is never silently changed: what affinity would change is a row error unless the options
// say coerce. Pure functions; see "Datatypes In SQLite", section 3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// A column's type affinity, as SQLite has it.
enum class ColumnAffinity : std::uint8_t { kNone, kText, kNumeric, kInteger, kReal };

// By the declared type, as sqlite3AffinityType decides; "ANY" counts as none in a STRICT table.
ColumnAffinity affinity_of(std::string_view declared_type, bool strict);
std::string_view name_of(ColumnAffinity affinity);
// What CREATE TABLE declares for a column of the schema; empty: no type.
std::string_view declared_type_of(ColumnType type);

// Whether a column needs a look at its values, and at which.
enum class ValueCheck : std::uint8_t {
  kNone,
  kExceptions,  // only at values that aren't of the column's type
  kAll,
};
ValueCheck check_needed(ColumnType type, ColumnAffinity affinity);

// A value in such a column: whether it would be stored as another one.
bool would_change(std::int64_t value, ColumnAffinity affinity);
bool would_change(double value, ColumnAffinity affinity);
bool would_change(std::string_view text, ColumnAffinity affinity);

// The value of one row, which isn't NULL.
bool would_change(const mayfly_batch& batch, std::uint32_t column, std::uint32_t row,
                  ColumnAffinity affinity);

// "column zip: '007' would be changed by the column's INTEGER affinity": a text as it is shown, in
// quotes and cut.
std::string describe_change(std::string_view column_name, ColumnAffinity affinity,
                            std::string_view shown);
std::string shown_text(std::string_view text);
std::string shown_real(double value);

// The column's whole story for a dead letter, with what to do about it.
std::string describe_change(const mayfly_batch& batch, std::uint32_t column, std::uint32_t row,
                            std::string_view column_name, ColumnAffinity affinity);

}  // namespace mayfly
