// Inline access to a mayfly_batch: cells, bitmaps, text, row references, and the protocol by which
// rows are appended. Header-only over the ABI, so that plugins and readers share it with the
// engine.
//
// A batch belongs to one thread while it is filled. Appending a row: put_* each column of row
// batch.rows, then commit_row. put_text returns false when the heap is full; then abandon_row
// clears what was put, and the batch is to be sent first.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"

// In line in plugins, which export their entry alone.
#pragma GCC visibility push(hidden)

namespace mayfly {

using RowRef = std::uint32_t;

constexpr RowRef make_ref(std::uint32_t batch, std::uint32_t row) { return batch << 16 | row; }
constexpr std::uint32_t batch_of(RowRef ref) { return ref >> 16; }
constexpr std::uint16_t row_of(RowRef ref) { return static_cast<std::uint16_t>(ref); }

inline bool test_bit(const std::uint64_t* bits, std::uint32_t i) {
  return (bits[i >> 6] >> (i & 63)) & 1;
}
inline void set_bit(std::uint64_t* bits, std::uint32_t i) { bits[i >> 6] |= 1ull << (i & 63); }
inline void clear_bit(std::uint64_t* bits, std::uint32_t i) { bits[i >> 6] &= ~(1ull << (i & 63)); }

inline std::string_view text_at(const mayfly_batch& batch, mayfly_span span) {
  return {batch.heap + span.offset, span.size};
}

inline bool is_null(const mayfly_column& column, std::uint32_t row) {
  return !test_bit(column.valid, row);
}
// A value that isn't of the column's type; its cell is a span of text.
inline bool is_exception(const mayfly_column& column, std::uint32_t row) {
  return test_bit(column.exceptions, row);
}

inline std::uint32_t heap_left(const mayfly_batch& batch) {
  return batch.heap_capacity - batch.heap_used;
}
inline bool has_room_for_row(const mayfly_batch& batch) { return batch.rows < batch.capacity; }

inline void put_int64(mayfly_batch& batch, std::uint32_t column, std::int64_t value) {
  mayfly_column& c = batch.columns[column];
  c.cells[batch.rows].i64 = value;
  set_bit(c.valid, batch.rows);
}

inline void put_float64(mayfly_batch& batch, std::uint32_t column, double value) {
  mayfly_column& c = batch.columns[column];
  c.cells[batch.rows].f64 = value;
  set_bit(c.valid, batch.rows);
}

// False, and nothing put, when the heap lacks the room.
inline bool put_text(mayfly_batch& batch, std::uint32_t column, std::string_view text) {
  if (text.size() > heap_left(batch)) return false;
  mayfly_column& c = batch.columns[column];
  if (!text.empty()) std::memcpy(batch.heap + batch.heap_used, text.data(), text.size());
  c.cells[batch.rows].span = {batch.heap_used, static_cast<std::uint32_t>(text.size())};
  batch.heap_used += static_cast<std::uint32_t>(text.size());
  set_bit(c.valid, batch.rows);
  return true;
}

// What kind of value was put into a MAYFLY_ANY column.
inline void put_kind(mayfly_batch& batch, std::uint32_t column, std::uint8_t kind) {
  batch.columns[column].kinds[batch.rows] = kind;
}
// The type of one value: the column's, or its own in a MAYFLY_ANY column.
inline std::int32_t kind_of(const mayfly_column& column, std::uint32_t row) {
  return column.type == MAYFLY_ANY ? column.kinds[row] : column.type;
}

// Text in a column of another type.
inline bool put_exception(mayfly_batch& batch, std::uint32_t column, std::string_view text) {
  if (!put_text(batch, column, text)) return false;
  set_bit(batch.columns[column].exceptions, batch.rows);
  return true;
}

// Columns that aren't put are NULL already.

// Where in its source a row came from.
struct RowOrigin {
  std::uint64_t ordinal = 0;
  std::uint64_t byte_end = 0;
  std::uint64_t line = 0;
};

inline void commit_row(mayfly_batch& batch, const RowOrigin& origin) {
  const std::uint32_t row = batch.rows++;
  batch.ordinal[row] = origin.ordinal;
  batch.byte_end[row] = origin.byte_end;
  batch.line[row] = origin.line;
}

// Takes back what was put into the row that is not committed; heap_used is from before its first
// put.
inline void abandon_row(mayfly_batch& batch, std::uint32_t heap_used) {
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    clear_bit(batch.columns[c].valid, batch.rows);
    clear_bit(batch.columns[c].exceptions, batch.rows);
  }
  batch.heap_used = heap_used;
}

// An error row: no values; raw and message for the dead-letter table. False when the heap is full.
inline bool put_error_row(mayfly_batch& batch, const RowOrigin& origin, std::uint16_t reason,
                          std::string_view message, std::string_view raw) {
  if (message.size() + raw.size() > heap_left(batch)) return false;
  const auto keep = [&batch](std::string_view text) {
    const mayfly_span span{batch.heap_used, static_cast<std::uint32_t>(text.size())};
    if (!text.empty()) std::memcpy(batch.heap + span.offset, text.data(), text.size());
    batch.heap_used += span.size;
    return span;
  };
  const std::uint32_t row = batch.rows;
  batch.message[row] = keep(message);
  batch.raw[row] = keep(raw);
  batch.outcome[row] = MAYFLY_DEAD_LETTERED;
  batch.reason[row] = reason;
  commit_row(batch, origin);
  return true;
}

// A slice's head row holds its extent: the number of rows in the low 16 bits, the receiver's input
// in the next 8, and whether the rows are head, head + 1, ... in the top bit.
inline std::uint32_t slice_rows(const mayfly_batch& batch, std::uint16_t head) {
  return batch.extent[head] & 0xFFFF;
}
inline std::uint32_t slice_input(const mayfly_batch& batch, std::uint16_t head) {
  return (batch.extent[head] >> 16) & 0xFF;
}
inline bool slice_is_dense(const mayfly_batch& batch, std::uint16_t head) {
  return (batch.extent[head] & MAYFLY_EXTENT_DENSE) != 0;
}

// The rows of a slice, one by one. f may link the row elsewhere.
template <class F>
void for_each_row(const mayfly_batch& batch, std::uint16_t head, F&& f) {
  std::uint32_t count = slice_rows(batch, head);
  if (slice_is_dense(batch, head)) {
    for (std::uint32_t row = head, end = head + count; row < end; ++row) {
      f(static_cast<std::uint16_t>(row));
    }
    return;
  }
  for (std::uint16_t row = head; count > 0; --count) {
    const std::uint16_t next = batch.next[row];
    f(row);
    row = next;
  }
}

// The runs of a slice, rows that stand side by side, by f(first, count); stops where f returns
// false, and returns whether it never did; leaves the links alone. A slice that lost some rows on
// its way has few runs.
template <class F>
bool all_of_runs(const mayfly_batch& batch, std::uint16_t head, F&& f) {
  std::uint32_t left = slice_rows(batch, head);
  if (slice_is_dense(batch, head)) return f(head, left);
  for (std::uint32_t row = head; left > 0;) {
    const std::uint32_t first = row;
    while (--left > 0 && batch.next[row] == row + 1) ++row;
    if (!f(static_cast<std::uint16_t>(first), row + 1 - first)) return false;
    row = batch.next[row];
  }
  return true;
}

}  // namespace mayfly

#pragma GCC visibility pop
