// SqlParams: the parameters of a statement, by position or by name.
//
//   SqlParams({1, "Alice", nullptr})                    ?, ?, ?
//   SqlParams::named({{"name", "Alice"}, {"age", 30}})  :name, @age or $age
//   SqlParams::of(std::map<std::string, Value>{...})    a map, or any range of pairs
//   SqlParams::of(user)                                 a struct, for which
//                                                         void sql_params(const User&, SqlParams&)
//                                                       is declared beside it and adds each member
//
// OWNERSHIP  Texts and blobs are copied, so that a write may wait.
// THREADS    One at a time; const calls any.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/data/value.h"

namespace mayfly {

class SqlParams {
 public:
  using Named = std::pair<std::string_view, Value>;

  SqlParams() = default;
  SqlParams(std::initializer_list<Value> positional) {  // NOLINT(google-explicit-constructor)
    for (const Value& value : positional) add(value);
  }
  static SqlParams named(std::initializer_list<Named> pairs) { return of(pairs); }

  // Pairs of a name and what becomes a Value.
  template <std::ranges::input_range Pairs>
  static SqlParams of(const Pairs& pairs) {
    SqlParams params;
    for (const auto& [name, value] : pairs) params.add(name, Value(value));
    return params;
  }
  template <class Struct>
  requires(!std::ranges::range<Struct>) static SqlParams of(const Struct& members) {
    SqlParams params;
    sql_params(members, params);
    return params;
  }

  // Behind those that there are. All have names, or none has.
  SqlParams& add(const Value& value) { return add({}, value); }
  // Without the mark (:, @ or $) that stands before it in the statement.
  SqlParams& add(std::string_view name, const Value& value);

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  // Empty: it has none.
  std::string_view name(std::size_t i) const { return entries_[i].name; }
  // Lent: as long as these parameters live.
  Value value(std::size_t i) const;

 private:
  struct Entry {
    std::string name;
    Value::Kind kind = Value::Kind::kNull;
    std::int64_t int64 = 0;
    double float64 = 0;
    std::string text;
  };
  std::vector<Entry> entries_;
};

}  // namespace mayfly
