// What goes into a write buffer, and what is told of it: columns with values, pending rows,
// rejected rows.
//
// OWNERSHIP  A ColumnValue points to its caller's texts; the others own theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mayfly/data/value.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_params.h"

namespace mayfly {

// One column of a row that is written: {"status", "complete"}.
struct ColumnValue {
  std::string_view column;
  Value value;
};

// What a call asks for.
enum class BufferedOp : std::uint8_t { kUpsert, kUpdate, kDelete };

// What a buffer would write for a key: its columns, and those that calls have set.
struct BufferedRow {
  SqlParams columns;  // with names

  // Case doesn't matter, as in SQL. nullopt: not among them. Lent as long as the row lives.
  std::optional<Value> value(std::string_view column) const;
};

// A row that the database refused: it left the buffer without being written.
struct RejectedRow {
  std::string table;
  BufferedOp op = BufferedOp::kUpsert;  // the last that was asked for it
  BufferedRow row;
  DbError error;
};

}  // namespace mayfly
