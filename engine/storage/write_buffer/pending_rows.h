// PendingRows: one generation of a write buffer's rows: what calls asked for, merged for each key.
//
// MERGING    A call for a key that has a row already changes that: an upsert onto an upsert or an
//            update onto either merges columns; an upsert onto an update sets the update's where
//            there is a row, and then upserts (kUpdateUpsert); an upsert onto a deletion inserts
//            anew, with these columns alone (kReplace); an update onto a deletion does nothing; a
//            deletion deletes.
// KEYS       Equal when their values are: by type, 1 equals 1.0, NULL equals NULL and nothing else.
// SEALED     A call by another key of the same table ends the merging of the rows before it, since
//            either may concern the same row of the database: a later call for one of them makes a
//            row of its own, whose `older` is the former.
// DATA       Rows are 48 bytes in one array, values 16 bytes in another, texts in a third. What
//            merging left behind is removed when it is more than half.
// THREADS    add() under the buffer's lock. Once the generation is being flushed nothing changes
//            but the states, which any thread may read and set: a row leaves by its state.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mayfly/base/slot_index.h"
#include "mayfly/data/value.h"
#include "mayfly/storage/write_buffer/buffered_row.h"
#include "mayfly/storage/write_buffer/write_catalog.h"

namespace mayfly {

// What is to be done for a row.
enum class RowOp : std::uint8_t {
  kUpsert,
  kUpdate,
  kDelete,
  kReplace,       // delete it, insert it
  kUpdateUpsert,  // update the columns marked so, then upsert the others
};

// One value of a pending row.
struct RowCell {
  union {
    std::int64_t int64 = 0;
    double float64;
    std::uint64_t offset;  // of a text
  };
  std::uint32_t size = 0;
  Value::Kind kind = Value::Kind::kNull;
  bool updates_only = false;  // kUpdateUpsert
};
static_assert(sizeof(RowCell) == 16);

// One row that is pending, as its generation keeps it.
struct PendingRow {
  const RowShape* shape = nullptr;
  std::uint64_t last_call = 0;  // the newest call in it
  std::uint64_t cells = 0;      // where its values begin
  std::uint64_t hash = 0;
  std::uint32_t order = 0;  // rows of all keys, as they were made
  std::uint32_t older = 0;  // the key's sealed row before it; 0: none
  RowOp op = RowOp::kUpsert;
  BufferedOp asked = BufferedOp::kUpsert;  // by the newest call
};
static_assert(sizeof(PendingRow) == 48);

// A row: of which key, and which of its rows, from 1.
struct RowRef {
  std::uint32_t space = 0;
  std::uint32_t row = 0;

  explicit operator bool() const { return row != 0; }
  friend auto operator<=>(const RowRef&, const RowRef&) = default;
};

// A call, with its values in the order of its shape.
struct ShapedCall {
  BufferedOp op;
  const RowShape* shape;
  std::span<const Value> values;
  std::uint64_t hash;    // of the key's
  std::uint64_t number;  // of the call

  std::span<const Value> key() const { return values.first(shape->keys()); }
};

// The integer that a number is, 1 of 1.0; as keys they are equal.
std::optional<std::int64_t> integer_of(const Value& value);

class PendingRows {
 public:
  // Of a row, set by whoever flushes and whoever writes.
  static constexpr std::uint8_t kGone = 1;       // written, or refused by the database
  static constexpr std::uint8_t kTakenOver = 2;  // a row of the next generation counts in its place

  static std::uint64_t hash_key(std::span<const Value> key);

  // The newest row of this key, none without one. `open`: only one that merges with further calls.
  RowRef find(const ShapedCall& call) const;
  RowRef find_open(const ShapedCall& call) const;
  // Merges into `open`, or makes a row when there is none. Throws std::bad_alloc, and changed
  // nothing.
  void add(const ShapedCall& call, RowRef open, WriteCatalog& catalog);

  bool empty() const { return rows_made_ == 0; }
  std::uint32_t rows_made() const { return rows_made_; }
  std::size_t bytes() const { return bytes_.size() + cells_.size() * sizeof(RowCell); }
  void clear();

  std::span<const PendingRow> rows(std::uint32_t space) const { return spaces_[space].rows; }
  std::uint32_t space_count() const { return static_cast<std::uint32_t>(spaces_.size()); }
  const PendingRow& row(RowRef ref) const { return spaces_[ref.space].rows[ref.row - 1]; }
  std::span<const RowCell> cells(const PendingRow& row) const {
    return {cells_.data() + row.cells, row.shape->columns.size()};
  }
  Value value(const RowCell& cell) const;

  // Marks are kept until unset; what was there before.
  std::uint8_t mark(RowRef ref, std::uint8_t state) const;
  std::uint8_t unmark(RowRef ref, std::uint8_t state) const;
  bool is_gone(RowRef ref) const;
  // Rows that stay though a newer one of their key is gone, sorted: written now they would undo it.
  std::vector<RowRef> outdated() const;

 private:
  struct Space {
    std::vector<PendingRow> rows;
    mutable std::vector<std::uint8_t> states;
    SlotIndex index;
    std::uint32_t sealed = 0;  // rows up to this one
  };

  bool has_key(const PendingRow& row, std::span<const Value> key) const;
  void make_room(const ShapedCall& call, std::size_t cells);
  void make_row(const ShapedCall& call);
  void merge(PendingRow& row, const ShapedCall& call, WriteCatalog& catalog);
  void replace_values(PendingRow& row, const ShapedCall& call);
  void set(RowCell& cell, const Value& value);
  void drop(const RowCell& cell);
  void seal_others(const KeySpace& space);
  void compact();

  std::deque<Space> spaces_;                 // by their numbers in the catalog
  std::vector<const KeySpace*> last_space_;  // of each table
  std::vector<RowCell> cells_;
  std::vector<char> bytes_;
  std::size_t garbage_ = 0;  // bytes of values nobody has
  std::uint32_t rows_made_ = 0;
};

}  // namespace mayfly
