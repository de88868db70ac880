#include "mayfly/data/schema.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mayfly {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

constexpr std::uint32_t flag_if(bool set, std::uint32_t flag) { return set ? flag : 0; }

constexpr std::array<std::pair<std::string_view, ColumnType>, 18> kTypeNames = {{
    {"int64", ColumnType::kInt64},
    {"float64", ColumnType::kFloat64},
    {"text", ColumnType::kText},
    {"blob", ColumnType::kBlob},
    {"bool", ColumnType::kBool},
    {"timestamp", ColumnType::kTimestamp},
    {"json", ColumnType::kJson},
    {"any", ColumnType::kAny},
    {"integer", ColumnType::kInt64},
    {"int", ColumnType::kInt64},
    {"bigint", ColumnType::kInt64},
    {"real", ColumnType::kFloat64},
    {"float", ColumnType::kFloat64},
    {"double", ColumnType::kFloat64},
    {"string", ColumnType::kText},
    {"varchar", ColumnType::kText},
    {"boolean", ColumnType::kBool},
    {"datetime", ColumnType::kTimestamp},
}};

constexpr auto kOwnNames = [] {
  std::array<std::string_view, 8> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kTypeNames[i].first;
  return names;
}();

constexpr auto kWords = [] {
  std::array<std::string_view, kTypeNames.size()> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = kTypeNames[i].first;
  return words;
}();

}  // namespace

std::string_view name_of(ColumnType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < kOwnNames.size() ? kOwnNames[index] : "?";
}

std::span<const std::string_view> column_type_names() { return kOwnNames; }
std::span<const std::string_view> column_type_words() { return kWords; }

std::string_view reserved_prefix_of(std::string_view table) {
  for (const std::string_view prefix : {"sqlite_", "mayfly_"}) {
    if (equal_without_case(table.substr(0, prefix.size()), prefix)) return prefix;
  }
  return {};
}

std::optional<ColumnType> column_type_from(std::string_view name) {
  for (const auto& [text, type] : kTypeNames) {
    if (equal_without_case(text, name)) return type;
  }
  return std::nullopt;
}

bool is_same_column(std::string_view a, std::string_view b) { return equal_without_case(a, b); }

Schema::Schema(std::vector<Column> columns) : columns_(std::move(columns)) {
  infos_.reserve(columns_.size());
  for (const Column& column : columns_) {
    infos_.push_back({.name = {column.name.data(), column.name.size()},
                      .type = static_cast<std::int32_t>(column.type),
                      .flags = flag_if(column.not_null, MAYFLY_COLUMN_NOT_NULL) |
                               flag_if(column.key, MAYFLY_COLUMN_KEY)});
  }
  c_ = {infos_.data(), static_cast<std::uint32_t>(infos_.size())};
}

std::optional<std::uint32_t> Schema::find(std::string_view name) const {
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (is_same_column(columns_[i].name, name)) return i;
  }
  return std::nullopt;
}

}  // namespace mayfly
