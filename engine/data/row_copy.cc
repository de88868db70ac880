#include "mayfly/data/row_copy.h"

#include <cstring>

namespace mayfly {
namespace {

bool holds_span(const mayfly_column& column, std::uint32_t row) {
  if (is_null(column, row)) return false;
  if (is_exception(column, row)) return true;
  const std::int32_t kind = kind_of(column, row);
  return kind == MAYFLY_TEXT || kind == MAYFLY_BLOB || kind == MAYFLY_JSON;
}

mayfly_span copy_span(const mayfly_batch& from, mayfly_span span, mayfly_batch& to) {
  const mayfly_span copy{to.heap_used, span.size};
  if (span.size > 0) std::memcpy(to.heap + copy.offset, from.heap + span.offset, span.size);
  to.heap_used += span.size;
  return copy;
}

void copy_meta(const mayfly_batch& from, std::uint32_t row, mayfly_batch& to,
               std::uint32_t target) {
  to.ordinal[target] = from.ordinal[row];
  to.byte_end[target] = from.byte_end[row];
  to.line[target] = from.line[row];
  to.key_hash[target] = from.key_hash[row];
  to.enqueued_ns[target] = from.enqueued_ns[row];
  to.priority[target] = from.priority[row];
  to.reason[target] = from.reason[row];
  to.due_ns[target] = from.due_ns[row];
  to.hold_tag[target] = from.hold_tag[row];
  to.source[target] = from.source[row];
  to.attempt[target] = from.attempt[row];
  to.outcome[target] = from.outcome[row];
  to.holds[target] = from.holds[row];
  to.judge[target] = from.judge[row];
  to.ticket[target] = from.ticket[row];
  to.owed[target] = from.owed[row];
  to.passed[target] = from.passed[row];
  to.hold_next[target] = from.hold_next[row];
  to.parent[target] = from.parent[row];
  to.parent_next[target] = from.parent_next[row];
  to.children[target] = from.children[row];
}

std::uint64_t span_bytes(const mayfly_batch& batch, std::uint32_t row) {
  std::uint64_t bytes = std::uint64_t{batch.raw[row].size} + batch.message[row].size;
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    const mayfly_column& column = batch.columns[c];
    if (holds_span(column, row)) bytes += column.cells[row].span.size;
  }
  return bytes;
}

void copy_fitting_row(const mayfly_batch& from, std::uint32_t row, mayfly_batch& to) {
  const std::uint32_t target = to.rows;
  for (std::uint32_t c = 0; c < from.column_count; ++c) {
    const mayfly_column& source = from.columns[c];
    mayfly_column& column = to.columns[c];
    if (is_null(source, row)) continue;
    set_bit(column.valid, target);
    if (is_exception(source, row)) set_bit(column.exceptions, target);
    if (source.type == MAYFLY_ANY) column.kinds[target] = source.kinds[row];
    column.cells[target] = source.cells[row];
    if (holds_span(source, row)) {
      column.cells[target].span = copy_span(from, source.cells[row].span, to);
    }
  }
  // Of an error row: what was read, and what is wrong with it.
  to.raw[target] = copy_span(from, from.raw[row], to);
  to.message[target] = copy_span(from, from.message[row], to);
  copy_meta(from, row, to, target);
  ++to.rows;
}

}  // namespace

bool copy_row(const mayfly_batch& from, std::uint16_t row, mayfly_batch& to) {
  if (!has_room_for_row(to) || span_bytes(from, row) > heap_left(to)) return false;
  copy_fitting_row(from, row, to);
  return true;
}

bool append_rows(const mayfly_batch& from, mayfly_batch& to) {
  if (to.rows + from.rows > to.capacity) return false;
  std::uint64_t bytes = 0;
  for (std::uint32_t row = 0; row < from.rows; ++row) bytes += span_bytes(from, row);
  if (bytes > heap_left(to)) return false;
  for (std::uint32_t row = 0; row < from.rows; ++row) {
    to.next[to.rows - 1] = static_cast<std::uint16_t>(to.rows);
    copy_fitting_row(from, row, to);
  }
  to.next[to.rows - 1] = MAYFLY_ROW_NONE;
  to.extent[0] = to.rows | MAYFLY_EXTENT_DENSE;
  return true;
}

}  // namespace mayfly
