#include "mayfly/storage/write_buffer/buffered_row.h"

#include <algorithm>

namespace mayfly {
namespace {

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<Value> BufferedRow::value(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string_view name = columns.name(i);
    const bool same = std::equal(name.begin(), name.end(), column.begin(), column.end(),
                                 [](char a, char b) { return small(a) == small(b); });
    if (same) return columns.value(i);
  }
  return std::nullopt;
}

}  // namespace mayfly
