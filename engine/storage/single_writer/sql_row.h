// SqlRow: one row that a query gave, as it stands in its statement.
//
//   row.as<std::int64_t>(0), row.as<std::string>(1), row.as<std::optional<double>>(2)
//
// as<T>() converts as SQLite does (sqlite3_column_*): NULL is 0 or empty, which an optional tells
// apart. Columns are numbered from 0; a number beyond the last is NULL.
// OWNERSHIP  text() and blob() are SQLite's, until the row's callback returns or the same column is
//            asked for as another type.
// THREADS    The callback's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mayfly/data/value.h"

struct sqlite3_stmt;

namespace mayfly {

class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}

  int size() const;
  // As the query calls it.
  std::string_view name(int column) const;
  Value::Kind kind(int column) const;
  bool is_null(int column) const { return kind(column) == Value::Kind::kNull; }

  std::int64_t int64(int column) const;
  double float64(int column) const;
  // The bytes of a text or a blob; of a number its text.
  std::string_view text(int column) const;

  template <class T>
  T as(int column) const {
    if constexpr (std::same_as<T, bool>) {
      return int64(column) != 0;
    } else if constexpr (std::integral<T>) {
      return static_cast<T>(int64(column));
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(float64(column));
    } else if constexpr (std::same_as<T, std::string>) {
      return std::string(text(column));
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
      const std::string_view bytes = text(column);
      const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
      return {data, data + bytes.size()};
    } else {
      // An optional of one of them.
      if (is_null(column)) return std::nullopt;
      return as<typename T::value_type>(column);
    }
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace mayfly
