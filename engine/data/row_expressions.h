// RowExpressions: SQL expressions over the rows of one schema, as nodes have them evaluated.
//
// The interface alone: SQLite belongs to engine/storage (storage/batch_expressions.h), and whoever
// runs nodes is given a maker.
//
// THREADS  One at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"

namespace mayfly {

class RowExpressions {
 public:
  virtual ~RowExpressions() = default;

  // MAYFLY_FALSE, TRUE, NULL, or ERROR where it can't be evaluated for that row: of the first
  // expression, one for each of the batch's `rows`.
  virtual Status test(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
                      std::uint8_t* truth) = 0;
  // Appends a row to `out`, whose column i is expression i, for each of `rows`, until one doesn't
  // fit; returns how many of them were taken. truth[k] is MAYFLY_TRUE for a row that was appended,
  // ERROR for one that can't be evaluated. A value that isn't of its column's type is an exception.
  // What is appended has the ordinal, the line and the end of its row. reserve(bytes): room for a
  // row that doesn't fit into an empty batch; false: there is none.
  virtual Result<std::uint32_t> fill(const mayfly_batch& batch, std::span<const std::uint16_t> rows,
                                     mayfly_batch& out, std::uint8_t* truth,
                                     FunctionRef<bool(std::uint64_t)> reserve) = 0;
  // Why the last row that got MAYFLY_ERROR can't be evaluated; valid until the next call.
  virtual std::string_view last_error() const = 0;
};

// Code::kConfig: which expression can't be read, and why.
using MakeExpressions = std::function<Result<std::unique_ptr<RowExpressions>>(
    const Schema& schema, std::span<const std::string> expressions)>;

}  // namespace mayfly
