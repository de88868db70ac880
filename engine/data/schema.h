// Schema: names and types of a row's columns; fixed per edge when a pipeline starts.
//
// Immutable after construction, so any thread may read it. c() lends its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"

namespace mayfly {

// What a column holds.
enum class ColumnType : std::int32_t {
  kInt64 = MAYFLY_INT64,
  kFloat64 = MAYFLY_FLOAT64,
  kText = MAYFLY_TEXT,
  kBlob = MAYFLY_BLOB,
  kBool = MAYFLY_BOOL,
  kTimestamp = MAYFLY_TIMESTAMP,
  kJson = MAYFLY_JSON,
  kAny = MAYFLY_ANY,  // declared without a type, so each value keeps its own
};

// "int64", "float64", ... as options and reference pages spell them.
std::string_view name_of(ColumnType type);
// Also takes SQL's words: integer, real, text, blob, json, bool, timestamp. Case-insensitive.
std::optional<ColumnType> column_type_from(std::string_view name);

// What name_of can say, in the order in which messages and help list them.
std::span<const std::string_view> column_type_names();

// All that column_type_from takes, in small letters.
std::span<const std::string_view> column_type_words();

// "sqlite_" or "mayfly_" where a table's name begins so, in any case: those are SQLite's and the
// engine's own. Else empty.
std::string_view reserved_prefix_of(std::string_view table);

// Whether SQLite takes the two for the name of one column: it ignores the case of ASCII letters.
bool is_same_column(std::string_view a, std::string_view b);

// One column of a schema.
struct Column {
  std::string name;
  ColumnType type = ColumnType::kText;
  bool not_null = false;
  bool key = false;

  bool operator==(const Column&) const = default;
};

class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Column> columns);
  Schema(const Schema& other) : Schema(other.columns_) {}
  Schema& operator=(const Schema& other) { return *this = Schema(other); }
  Schema(Schema&&) noexcept = default;
  Schema& operator=(Schema&&) noexcept = default;

  const std::vector<Column>& columns() const { return columns_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(columns_.size()); }
  const Column& operator[](std::uint32_t i) const { return columns_[i]; }
  // By is_same_column.
  std::optional<std::uint32_t> find(std::string_view name) const;
  // The same as the ABI sees it; lives as long as this schema.
  const mayfly_schema& c() const { return c_; }

  bool operator==(const Schema& other) const { return columns_ == other.columns_; }

 private:
  std::vector<Column> columns_;
  std::vector<mayfly_column_info> infos_;  // point into columns_
  mayfly_schema c_{nullptr, 0};
};

}  // namespace mayfly
