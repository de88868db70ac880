// A generation of pending rows by itself: merging, memory, order.
#include "mayfly/storage/write_buffer/pending_rows.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mayfly/storage/write_buffer/flush_plan.h"
#include "mayfly/storage/write_buffer/row_calls.h"

namespace mayfly {
namespace {

class Calls {
 public:
  Calls() : catalog({}) {}

  RowRef call(BufferedOp op, std::string_view table, std::vector<ColumnValue> data,
              std::vector<std::string_view> keys) {
    const auto found = catalog.resolve(op, table, data, keys);
    REQUIRE(found.ok());
    std::vector<Value> values;
    for (const std::uint32_t source : (*found)->source) values.push_back(data[source].value);
    const std::span<const Value> all = values;
    const RowShape* const shape = (*found)->shape;
    const ShapedCall shaped{.op = op,
                            .shape = shape,
                            .values = all,
                            .hash = PendingRows::hash_key(all.first(shape->keys())),
                            .number = ++number};
    rows.add(shaped, rows.find_open(shaped), catalog);
    return rows.find(shaped);
  }
  std::string text(RowRef ref, std::string_view column) const {
    return std::string(row_values(rows, rows.row(ref)).value(column)->text());
  }

  WriteCatalog catalog;
  PendingRows rows;
  std::uint64_t number = 0;
};

TEST_CASE("a row that is merged again and again with growing texts takes the memory of a few") {
  Calls c;
  RowRef ref;
  for (int i = 0; i < 100'000; ++i) {
    const std::string text(static_cast<std::size_t>(i % 500), 'x');
    ref = c.call(BufferedOp::kUpsert, "t", {{"k", 1}, {i % 2 == 0 ? "a" : "b", text}}, {"k"});
    if (i % 7 == 0) c.call(BufferedOp::kDelete, "t", {{"k", 1}}, {"k"});
  }
  CHECK(c.rows.rows_made() == 1);
  CHECK(c.rows.bytes() < 300'000);
  CHECK(c.rows.row(ref).last_call == c.number);
  CHECK(c.text(ref, "b") == std::string(499, 'x'));
}

TEST_CASE("what a row is to do follows from the calls for it") {
  Calls c;
  const auto op = [&](std::vector<BufferedOp> calls, int key) {
    RowRef ref;
    int column = 0;
    for (const BufferedOp one : calls) {
      const std::string name = "c" + std::to_string(++column);
      std::vector<ColumnValue> data = {{"k", key}};
      if (one != BufferedOp::kDelete) data.push_back({name, column});
      ref = c.call(one, "t", data, {"k"});
    }
    return c.rows.row(ref).op;
  };
  using Op = BufferedOp;
  CHECK(op({Op::kUpsert, Op::kUpdate}, 1) == RowOp::kUpsert);
  CHECK(op({Op::kUpdate, Op::kUpdate}, 2) == RowOp::kUpdate);
  CHECK(op({Op::kUpdate, Op::kUpsert}, 3) == RowOp::kUpdateUpsert);
  CHECK(op({Op::kUpdate, Op::kUpsert, Op::kUpdate}, 4) == RowOp::kUpdateUpsert);
  CHECK(op({Op::kUpdate, Op::kUpsert, Op::kDelete}, 5) == RowOp::kDelete);
  CHECK(op({Op::kDelete, Op::kUpdate}, 6) == RowOp::kDelete);
  CHECK(op({Op::kDelete, Op::kUpsert, Op::kUpsert}, 7) == RowOp::kReplace);
}

TEST_CASE("rows with a key of integers are written by key, others in the order of the calls") {
  Calls c;
  for (const int key : {5, 3, 9, 1}) {
    c.call(BufferedOp::kUpsert, "numbers", {{"k", key}, {"v", key}}, {"k"});
    c.call(BufferedOp::kUpsert, "texts", {{"k", std::to_string(key)}, {"v", key}}, {"k"});
  }
  c.call(BufferedOp::kDelete, "texts", {{"v", 3}}, {"v"});
  const auto order = [&](const TableRows& table) {
    std::vector<std::int64_t> values;
    for (const RowRef ref : table.rows) {
      values.push_back(row_values(c.rows, c.rows.row(ref)).value("v")->int64());
    }
    return values;
  };
  c.rows.mark({0, 3}, PendingRows::kGone);  // 9 of the numbers
  const auto plan = plan_flush(c.rows);
  REQUIRE(plan.size() == 2);
  CHECK(order(plan[0]) == std::vector<std::int64_t>{1, 3, 5});
  CHECK(order(plan[1]) == std::vector<std::int64_t>{5, 3, 9, 1, 3});
}

TEST_CASE("column sets beyond the limit are refused") {
  WriteCatalog catalog({});
  const std::string_view keys[] = {"k"};
  DbResult<const CallShape*> last = DbError{};
  for (std::size_t i = 0; i <= WriteCatalog::kShapesMax; ++i) {
    const std::string name = "c" + std::to_string(i);
    const ColumnValue data[] = {{"k", 1}, {name, 2}};
    last = catalog.resolve(BufferedOp::kUpsert, "t", data, keys);
    if (!last.ok()) break;
  }
  REQUIRE_FALSE(last.ok());
  CHECK(last.error().message.find("different sets of columns") != std::string::npos);
}

}  // namespace
}  // namespace mayfly
