#include "mayfly/storage/write_buffer/write_catalog.h"

#include <algorithm>
#include <functional>

#include "mayfly/base/key_text.h"

namespace mayfly {
namespace {

constexpr int kUnlistedPriority = 999;

std::string in_small_letters(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

std::map<std::string, int, std::less<>> folded(
    const std::map<std::string, int, std::less<>>& priorities) {
  std::map<std::string, int, std::less<>> result;
  for (const auto& [name, priority] : priorities) result[in_small_letters(name)] = priority;
  return result;
}

std::uint64_t hash_of(std::string_view table, std::span<const ColumnValue> data,
                      std::span<const std::string_view> keys) {
  const std::hash<std::string_view> hash;
  std::uint64_t all = hash(table) + keys.size();
  for (const ColumnValue& one : data) all = spread_hash(all ^ hash(one.column));
  for (const std::string_view key : keys) all = spread_hash(all ^ hash(key));
  return all;
}

DbError misuse(std::string_view table, const std::string& what) {
  return {.kind = DbError::Kind::kParameter,
          .message = "buffering for table '" + std::string(table) + "': expected " + what};
}

bool has_nul(std::string_view name) { return name.find('\0') != name.npos; }

// A message may be read as a text of C's.
std::string without_nul(std::string_view name) {
  std::string shown;
  for (const char c : name) shown += c == '\0' ? std::string("\\0") : std::string(1, c);
  return shown;
}

// No table and no column has such a name: SQL that has it in would end there.
DbError nul_in(std::string_view name, std::string_view table) {
  return misuse(without_nul(table), "a name without a NUL, found '" + without_nul(name) + "'");
}

}  // namespace

WriteCatalog::WriteCatalog(const std::map<std::string, int, std::less<>>& priorities)
    : priorities_(folded(priorities)) {}

const CallShape* WriteCatalog::find(std::uint64_t hash, std::string_view table,
                                    std::span<const ColumnValue> data,
                                    std::span<const std::string_view> keys) const {
  const auto range = signatures_.equal_range(hash);
  for (auto it = range.first; it != range.second; ++it) {
    const Signature& one = it->second;
    const bool same =
        one.table == table &&
        std::equal(data.begin(), data.end(), one.data.begin(), one.data.end(),
                   [](const ColumnValue& a, const std::string& b) { return a.column == b; }) &&
        std::equal(keys.begin(), keys.end(), one.keys.begin(), one.keys.end());
    if (same) return &one.call;
  }
  return nullptr;
}

DbResult<const CallShape*> WriteCatalog::resolve(BufferedOp op, std::string_view table,
                                                 std::span<const ColumnValue> data,
                                                 std::span<const std::string_view> keys) {
  const std::uint64_t hash = hash_of(table, data, keys);
  const CallShape* call = find(hash, table, data, keys);
  if (call == nullptr) {
    auto made = make(table, data, keys);
    if (!made.ok()) return made.error();
    Signature signature{std::string(table), {}, {keys.begin(), keys.end()}, std::move(*made)};
    for (const ColumnValue& one : data) signature.data.emplace_back(one.column);
    call = &signatures_.emplace(hash, std::move(signature))->second.call;
  }
  const std::size_t others = call->shape->columns.size() - call->shape->keys();
  if (op == BufferedOp::kUpdate && others == 0) {
    return misuse(table, "an update of a column besides the key's, found none");
  }
  if (op == BufferedOp::kDelete && others != 0) {
    return misuse(table, "the key's columns and no others, found '" +
                             call->shape->names[call->shape->keys()] + "'");
  }
  return call;
}

DbResult<CallShape> WriteCatalog::make(std::string_view table, std::span<const ColumnValue> data,
                                       std::span<const std::string_view> keys) {
  if (table.empty()) return misuse(table, "the name of a table, found none");
  if (has_nul(table)) return nul_in(table, table);
  for (const ColumnValue& one : data) {
    if (has_nul(one.column)) return nul_in(one.column, table);
  }
  for (const std::string_view key : keys) {
    if (has_nul(key)) return nul_in(key, table);
  }
  if (keys.empty()) return misuse(table, "columns that tell its rows, found none");
  if (shapes_.size() >= kShapesMax || signatures_.size() >= kShapesMax) {
    return misuse(table, "at most " + std::to_string(kShapesMax) +
                             " different sets of columns in one buffer, found another");
  }
  const BufferedTable& known = table_of(table);
  Columns given;
  for (const ColumnValue& one : data) {
    const std::uint32_t number = column_of(known, one.column);
    if (std::count(given.begin(), given.end(), number) != 0) {
      return misuse(table, "each column once, found '" + std::string(one.column) + "' twice");
    }
    given.push_back(number);
  }
  Columns key;
  for (const std::string_view name : keys) {
    const std::uint32_t number = column_of(known, name);
    if (std::count(given.begin(), given.end(), number) == 0) {
      return misuse(table, "a value for key column '" + std::string(name) + "', found none");
    }
    if (std::count(key.begin(), key.end(), number) != 0) {
      return misuse(table, "each key column once, found '" + std::string(name) + "' twice");
    }
    key.push_back(number);
  }
  std::sort(key.begin(), key.end());
  Columns others;
  for (const std::uint32_t number : given) {
    if (std::count(key.begin(), key.end(), number) == 0) others.push_back(number);
  }
  std::sort(others.begin(), others.end());
  CallShape call{.shape = &shape_of(space_of(known, key), key, others), .source = {}};
  for (const std::uint32_t number : call.shape->columns) {
    const auto at = std::find(given.begin(), given.end(), number) - given.begin();
    call.source.push_back(static_cast<std::uint32_t>(at));
  }
  return call;
}

BufferedTable& WriteCatalog::table_of(std::string_view name) {
  const std::string small = in_small_letters(name);
  const auto [it, is_new] =
      tables_by_name_.try_emplace(small, static_cast<std::uint32_t>(tables_.size()));
  if (is_new) {
    const auto listed = priorities_.find(small);
    BufferedTable& table = tables_.emplace_back();
    table.name = name;
    table.priority = listed == priorities_.end() ? kUnlistedPriority : listed->second;
    table.id = it->second;
    columns_.emplace_back();
  }
  return tables_[it->second];
}

std::uint32_t WriteCatalog::column_of(const BufferedTable& table, std::string_view name) {
  Names& names = columns_[table.id];
  const auto [it, is_new] = names.numbers.try_emplace(
      in_small_letters(name), static_cast<std::uint32_t>(names.spelled.size()));
  if (is_new) names.spelled.emplace_back(name);
  return it->second;
}

KeySpace& WriteCatalog::space_of(const BufferedTable& table, const Columns& keys) {
  KeySpace*& space = spaces_by_columns_[{table.id, keys}];
  if (space == nullptr) {
    space = &spaces_.emplace_back(KeySpace{
        .table = &table, .id = static_cast<std::uint32_t>(spaces_.size()), .size = keys.size()});
    space->key_only = &shape_of(*space, keys, {});
  }
  return *space;
}

const RowShape& WriteCatalog::shape_of(const KeySpace& space, Columns keys, const Columns& others) {
  keys.insert(keys.end(), others.begin(), others.end());
  RowShape*& shape = shapes_by_columns_[{space.id, keys}];
  if (shape == nullptr) {
    RowShape& made = shapes_.emplace_back();
    made.space = &space;
    made.id = static_cast<std::uint32_t>(shapes_.size() - 1);
    for (const std::uint32_t number : keys) {
      made.names.push_back(columns_[space.table->id].spelled[number]);
    }
    made.columns = std::move(keys);
    shape = &made;
  }
  return *shape;
}

const UnitedShape& WriteCatalog::unite(const RowShape& first, const RowShape& second) {
  UnitedShape& united = united_[{first.id, second.id}];
  if (united.shape != nullptr) return united;
  const auto keys = static_cast<std::ptrdiff_t>(first.keys());
  Columns others;
  std::set_union(first.columns.begin() + keys, first.columns.end(), second.columns.begin() + keys,
                 second.columns.end(), std::back_inserter(others));
  const RowShape& shape =
      shape_of(*first.space, Columns(first.columns.begin(), first.columns.begin() + keys), others);
  const auto places = [&](const RowShape& part) {
    std::vector<std::uint32_t> result;
    for (const std::uint32_t number : shape.columns) {
      const auto at = std::find(part.columns.begin(), part.columns.end(), number);
      result.push_back(at == part.columns.end()
                           ? UnitedShape::kAbsent
                           : static_cast<std::uint32_t>(at - part.columns.begin()));
    }
    return result;
  };
  united.first = places(first);
  united.second = places(second);
  united.shape = &shape;
  return united;
}

}  // namespace mayfly
