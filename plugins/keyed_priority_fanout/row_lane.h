// RowLane: the lane of a row, by a column of numbers or by the batch's own priority.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "mayfly/sdk/host.h"
#include "mayfly/sdk/rows.h"

namespace mayfly::keyed_priority_fanout {

class RowLane {
 public:
  // No column: the priority that came with the row.
  void configure(std::string_view column, std::uint32_t lanes) {
    name_ = column;
    lanes_ = lanes;
  }

  mayfly_result open(const sdk::Host& host) {
    column_.reset();
    if (name_.empty()) return MAYFLY_OK;
    const mayfly_schema& schema = host.schema();
    column_ = sdk::find_column(schema, name_);
    if (!column_) {
      return host.fail(sdk::Failure::kConfig,
                       "priority_column: " + sdk::unknown_column(schema, name_));
    }
    const std::int32_t type = schema.columns[*column_].type;
    if (type == MAYFLY_INT64 || type == MAYFLY_FLOAT64 || type == MAYFLY_BOOL ||
        type == MAYFLY_ANY) {
      return MAYFLY_OK;
    }
    return host.fail(
        sdk::Failure::kConfig,
        "priority_column: expected a column of numbers or of true and false, found \"" + name_ +
            "\" of another type; name one that says 0 for normal rows");
  }

  // 0: normal; what is no number is normal, too.
  std::uint32_t of(const mayfly_batch& batch, std::uint32_t row) const {
    if (!column_) return std::min<std::uint32_t>(batch.priority[row], lanes_ - 1);
    const mayfly_column& column = batch.columns[*column_];
    if (is_null(column, row) || sdk::holds_text(column, row)) return 0;
    const std::int64_t highest = lanes_ - 1;
    if (kind_of(column, row) == MAYFLY_FLOAT64) {
      const double value = column.cells[row].f64;
      // Written so that a NaN is normal.
      if (!(value >= 1)) return 0;
      return static_cast<std::uint32_t>(std::min(value, static_cast<double>(highest)));
    }
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(column.cells[row].i64, 0, highest));
  }

 private:
  std::string name_;
  std::uint32_t lanes_ = 2;
  std::optional<std::uint32_t> column_;
};

}  // namespace mayfly::keyed_priority_fanout
