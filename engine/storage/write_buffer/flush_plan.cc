#include "mayfly/storage/write_buffer/flush_plan.h"

#include <algorithm>
#include <cstdint>
#include <map>

namespace mayfly {
namespace {

// Beyond, a column of floating-point numbers takes two integers for one.
constexpr std::int64_t kExactMax = std::int64_t{1} << 53;

struct SortedRow {
  std::uint64_t group;  // column set and op
  std::int64_t key;
  RowRef ref;
};

// Nothing: some key isn't of integers, or a row has an older one.
bool by_integer_key(const PendingRows& pending, std::span<const RowRef> refs,
                    std::vector<SortedRow>& sorted) {
  sorted.reserve(refs.size());
  for (const RowRef ref : refs) {
    const PendingRow& row = pending.row(ref);
    const auto cells = pending.cells(row);
    for (const RowCell& cell : cells.first(row.shape->keys())) {
      if (cell.kind != Value::Kind::kInt64) return false;
      if (cell.int64 > kExactMax || cell.int64 < -kExactMax) return false;
    }
    sorted.push_back({(std::uint64_t{row.shape->id} << 8) | static_cast<std::uint64_t>(row.op),
                      cells.front().int64, ref});
  }
  const auto is_before = [](const SortedRow& a, const SortedRow& b) {
    return a.group != b.group ? a.group < b.group : a.key < b.key;
  };
  if (!std::is_sorted(sorted.begin(), sorted.end(), is_before)) {
    std::sort(sorted.begin(), sorted.end(), is_before);
  }
  return true;
}

}  // namespace

void sort_by_order(const PendingRows& pending, std::span<RowRef> rows) {
  std::sort(rows.begin(), rows.end(),
            [&](RowRef a, RowRef b) { return pending.row(a).order < pending.row(b).order; });
}

std::vector<TableRows> plan_flush(const PendingRows& pending) {
  struct Rows {
    TableRows all;
    bool one_key = true;
  };
  std::map<std::pair<int, std::uint32_t>, Rows> by_priority;
  for (std::uint32_t space = 0; space < pending.space_count(); ++space) {
    const auto rows = pending.rows(space);
    if (rows.empty()) continue;
    const BufferedTable* const table = rows.front().shape->space->table;
    Rows& one = by_priority[{table->priority, table->id}];
    one.one_key = one.all.table == nullptr;
    one.all.table = table;
    one.all.rows.reserve(one.all.rows.size() + rows.size());
    for (std::uint32_t row = 1; row <= rows.size(); ++row) {
      if (!pending.is_gone({space, row})) one.all.rows.push_back({space, row});
    }
  }
  std::vector<TableRows> plan;
  for (auto& [priority, one] : by_priority) {
    std::vector<SortedRow> sorted;
    if (!one.one_key) {
      sort_by_order(pending, one.all.rows);
    } else if (by_integer_key(pending, one.all.rows, sorted)) {
      std::transform(sorted.begin(), sorted.end(), one.all.rows.begin(),
                     [](const SortedRow& row) { return row.ref; });
    }
    plan.push_back(std::move(one.all));
  }
  return plan;
}

}  // namespace mayfly
