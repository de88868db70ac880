// Help with rows: columns by name, values of any type, and a hash over key columns.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/nearest.h"
#include "mayfly/data/batch_view.h"
#include "mayfly/sdk/host.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

// As SQLite compares column names: ASCII letters without case.
inline bool same_column_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

inline std::optional<std::uint32_t> find_column(const mayfly_schema& schema,
                                                std::string_view name) {
  for (std::uint32_t i = 0; i < schema.count; ++i) {
    if (same_column_name(to_view(schema.columns[i].name), name)) return i;
  }
  return std::nullopt;
}

// What to say of a column that isn't there, behind "option: ".
inline std::string unknown_column(const mayfly_schema& schema, std::string_view name) {
  constexpr std::uint32_t kNamesMax = 20;
  std::string text = "expected a column that comes in (";
  std::vector<std::string_view> names;
  for (std::uint32_t i = 0; i < schema.count; ++i) {
    names.push_back(to_view(schema.columns[i].name));
    if (i > kNamesMax) continue;
    if (i > 0) text += ", ";
    text += i == kNamesMax ? "..." : names.back();
  }
  text.append("), found \"").append(name).append("\"; ");
  const std::string_view meant = nearest(name, names);
  if (meant.empty()) return text + "name one of them";
  return text.append("did you mean \"").append(meant).append("\"?");
}

// Whether the cell is a span of text: by the column's type, the value's own, or as an exception.
inline bool holds_text(const mayfly_column& column, std::uint32_t row) {
  if (is_exception(column, row)) return true;
  const std::int32_t kind = kind_of(column, row);
  return kind == MAYFLY_TEXT || kind == MAYFLY_BLOB || kind == MAYFLY_JSON;
}

// The text of a cell that holds one; empty for NULL and for numbers.
inline std::string_view cell_text(const mayfly_batch& batch, std::uint32_t column,
                                  std::uint32_t row) {
  const mayfly_column& c = batch.columns[column];
  if (is_null(c, row) || !holds_text(c, row)) return {};
  return text_at(batch, c.cells[row].span);
}

namespace detail {
constexpr std::uint64_t kHashSeed = 0x9E3779B97F4A7C15u;
constexpr std::uint64_t kHashNull = 0xB492B66FBE98F273u;  // bits that no likely number has

// splitmix64's finalizer: every bit of the input reaches every bit of the result.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
}  // namespace detail

// The same within one process and one build; not for storing.
inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed = detail::kHashSeed) {
  std::uint64_t hash = seed ^ (text.size() * 0xD6E8FEB86659FD93u);
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = detail::mix(hash ^ word) + detail::kHashSeed;
    text.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!text.empty()) std::memcpy(&tail, text.data(), text.size());
  return detail::mix(hash ^ tail);
}

// NULL hashes like itself alone; a number like its bits, so 1 and 1.0 differ.
inline std::uint64_t hash_cell(const mayfly_batch& batch, std::uint32_t column, std::uint32_t row,
                               std::uint64_t seed = detail::kHashSeed) {
  const mayfly_column& c = batch.columns[column];
  if (is_null(c, row)) return detail::mix(seed ^ detail::kHashNull);
  if (holds_text(c, row)) return hash_text(text_at(batch, c.cells[row].span), seed);
  return detail::mix(seed ^ static_cast<std::uint64_t>(c.cells[row].i64));
}

// Over several columns, in order: for spreading and ordering by key.
inline std::uint64_t hash_row(const mayfly_batch& batch, std::span<const std::uint32_t> columns,
                              std::uint32_t row) {
  std::uint64_t hash = detail::kHashSeed;
  for (const std::uint32_t column : columns) hash = hash_cell(batch, column, row, hash);
  return hash;
}

}  // namespace mayfly::sdk

#pragma GCC visibility pop
