// WriteCatalog: the tables, keys and column sets that calls of a write buffer have named, and the
// way from a call's columns to the order in which a row keeps them.
//
// Names are compared as SQLite does: A to Z are a to z. A key is told by its set of columns: {id}
// and {email} of one table are two keys, {a, b} and {b, a} are one. A column set (shape) is a key
// and the other columns.
//
// MEMORY     Grows with what is named, to kShapesMax column sets; nothing leaves.
// THREADS    One at a time, under the buffer's lock. What it gives out stays where it is, and
//            doesn't change, but for what is marked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/write_buffer/buffered_row.h"

namespace mayfly {

// A table that was named.
struct BufferedTable {
  std::string name;  // as it was first spelled
  int priority = 0;
  std::uint32_t id = 0;
  mutable std::atomic<std::int64_t> pending{0};  // rows; any thread
};

struct RowShape;

// A table's key: which columns tell a row.
struct KeySpace {
  const BufferedTable* table = nullptr;
  std::uint32_t id = 0;
  std::size_t size = 0;                // columns
  const RowShape* key_only = nullptr;  // the column set without others
};

// The columns of a row: the key's first, each part in an order of its own that is always the same.
struct RowShape {
  const KeySpace* space = nullptr;
  std::uint32_t id = 0;
  std::vector<std::uint32_t> columns;  // numbers within the table, each part ascending
  std::vector<std::string> names;

  std::size_t keys() const { return space->size; }
};

// Where the values of a call with such columns belong.
struct CallShape {
  const RowShape* shape = nullptr;
  std::vector<std::uint32_t> source;  // for each of the shape's columns: which of the call's
};

// Two column sets of one key as one: for each column, where it was, or kAbsent.
struct UnitedShape {
  static constexpr std::uint32_t kAbsent = UINT32_MAX;
  const RowShape* shape = nullptr;
  std::vector<std::uint32_t> first, second;
};

class WriteCatalog {
 public:
  static constexpr std::size_t kShapesMax = 65'536;

  explicit WriteCatalog(const std::map<std::string, int, std::less<>>& priorities);

  // kParameter: no table, no key, a key column without a value, a column twice, one that `op`
  // doesn't allow (an update without any besides the key, a deletion with one).
  DbResult<const CallShape*> resolve(BufferedOp op, std::string_view table,
                                     std::span<const ColumnValue> data,
                                     std::span<const std::string_view> keys);
  const UnitedShape& unite(const RowShape& first, const RowShape& second);

  const std::deque<BufferedTable>& tables() const { return tables_; }

 private:
  using Columns = std::vector<std::uint32_t>;
  struct Names {
    std::unordered_map<std::string, std::uint32_t> numbers;  // by the name in small letters
    std::vector<std::string> spelled;
  };
  struct Signature {
    std::string table;
    std::vector<std::string> data, keys;
    CallShape call;
  };

  const CallShape* find(std::uint64_t hash, std::string_view table,
                        std::span<const ColumnValue> data,
                        std::span<const std::string_view> keys) const;
  DbResult<CallShape> make(std::string_view table, std::span<const ColumnValue> data,
                           std::span<const std::string_view> keys);
  BufferedTable& table_of(std::string_view name);
  std::uint32_t column_of(const BufferedTable& table, std::string_view name);
  KeySpace& space_of(const BufferedTable& table, const Columns& keys);
  const RowShape& shape_of(const KeySpace& space, Columns keys, const Columns& others);

  const std::map<std::string, int, std::less<>> priorities_;  // by names in small letters
  std::deque<BufferedTable> tables_;
  std::deque<Names> columns_;  // of each table
  std::deque<KeySpace> spaces_;
  std::deque<RowShape> shapes_;
  std::unordered_map<std::string, std::uint32_t> tables_by_name_;
  std::map<std::pair<std::uint32_t, Columns>, KeySpace*> spaces_by_columns_;
  std::map<std::pair<std::uint32_t, Columns>, RowShape*> shapes_by_columns_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, UnitedShape> united_;
  std::unordered_multimap<std::uint64_t, Signature> signatures_;
};

}  // namespace mayfly
