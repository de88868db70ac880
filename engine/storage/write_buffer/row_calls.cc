#include "mayfly/storage/write_buffer/row_calls.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/write_buffer/flush_plan.h"

namespace mayfly {
namespace {

// One column of what rows are merged into.
struct Merged {
  std::uint32_t column;
  ColumnValue value;
};

// Where the records go, and by which key.
struct Records {
  RecordKey key;
  std::string& out;
};

bool append_call(const PendingRows& rows, const PendingRow& row, BufferedOp op, Records records,
                 FunctionRef<bool(const RowCell&)> chooses) {
  const RowShape& shape = *row.shape;
  const auto cells = rows.cells(row);
  std::vector<ColumnValue> data;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i < shape.keys() || chooses(cells[i])) {
      data.push_back({shape.names[i], rows.value(cells[i])});
    }
  }
  const std::vector<std::string_view> keys(
      shape.names.begin(), shape.names.begin() + static_cast<std::ptrdiff_t>(shape.keys()));
  return append_record(records.out, records.key, row.last_call, op, shape.space->table->name, data,
                       keys);
}

bool append_row(const PendingRows& rows, const PendingRow& row, Records records) {
  const auto all = [](const RowCell&) { return true; };
  const auto none = [](const RowCell&) { return false; };
  const auto updates = [](const RowCell& cell) { return cell.updates_only; };
  const auto upserts = [](const RowCell& cell) { return !cell.updates_only; };
  switch (row.op) {
    case RowOp::kUpsert:
      return append_call(rows, row, BufferedOp::kUpsert, records, all);
    case RowOp::kUpdate:
      return append_call(rows, row, BufferedOp::kUpdate, records, all);
    case RowOp::kDelete:
      return append_call(rows, row, BufferedOp::kDelete, records, none);
    case RowOp::kReplace:
      return append_call(rows, row, BufferedOp::kDelete, records, none) &&
             append_call(rows, row, BufferedOp::kUpsert, records, all);
    case RowOp::kUpdateUpsert:
      return append_call(rows, row, BufferedOp::kUpdate, records, updates) &&
             append_call(rows, row, BufferedOp::kUpsert, records, upserts);
  }
  return true;
}

}  // namespace

bool merge_rows(std::span<const std::pair<const PendingRows*, RowRef>> rows, BufferedRow& out) {
  std::vector<Merged> merged;
  bool deleted = false;
  for (const auto& [pending, ref] : rows) {
    const PendingRow& row = pending->row(ref);
    if (row.op == RowOp::kDelete || row.op == RowOp::kReplace) merged.clear();
    if (row.op == RowOp::kUpdate && deleted) continue;
    deleted = row.op == RowOp::kDelete;
    if (deleted) continue;
    const auto cells = pending->cells(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::uint32_t column = row.shape->columns[i];
      const ColumnValue value = {row.shape->names[i], pending->value(cells[i])};
      const auto found = std::find_if(merged.begin(), merged.end(),
                                      [&](const Merged& one) { return one.column == column; });
      if (found == merged.end()) {
        merged.push_back({column, value});
      } else {
        found->value = value;
      }
    }
  }
  if (deleted || merged.empty()) return false;
  for (const Merged& one : merged) out.columns.add(one.value.column, one.value.value);
  return true;
}

BufferedRow row_values(const PendingRows& rows, const PendingRow& row) {
  BufferedRow values;
  const auto cells = rows.cells(row);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    values.columns.add(row.shape->names[i], rows.value(cells[i]));
  }
  return values;
}

bool append_rows(const PendingRows& rows, RecordKey key, std::string& out) {
  std::vector<RowRef> all;
  for (std::uint32_t space = 0; space < rows.space_count(); ++space) {
    const auto count = static_cast<std::uint32_t>(rows.rows(space).size());
    for (std::uint32_t row = 1; row <= count; ++row) {
      if (!rows.is_gone({space, row})) all.push_back({space, row});
    }
  }
  // A row that goes meanwhile is written, with what is older, or both aren't.
  const std::vector<RowRef> outdated = rows.outdated();
  std::erase_if(
      all, [&](RowRef ref) { return std::binary_search(outdated.begin(), outdated.end(), ref); });
  sort_by_order(rows, all);
  return std::all_of(all.begin(), all.end(), [&](RowRef ref) {
    return append_row(rows, rows.row(ref), {key, out});
  });
}

}  // namespace mayfly
