// The ABI's layout against tests/abi/layout.lock. Offsets are those of 64-bit Linux (LP64).
#include "tests/abi/layout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

std::vector<std::string> locked(const char* path = "tests/abi/layout.lock") {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<layout_row> found() {
  std::size_t count = 0;
  const layout_row* rows = layout_rows(&count);
  return {rows, rows + count};
}

std::string text_of(const layout_row& row) {
  char line[256];
  layout_format(&row, line, sizeof line);
  return line;
}

TEST_CASE("abi: every struct, field and constant is as the lock file has it") {
  const std::vector<std::string> expected = locked();
  const std::vector<layout_row> rows = found();
  INFO(
      "If the ABI was meant to grow (by appending alone, with a new minor): "
      "bazel run //tests/abi:print_layout > tests/abi/layout.lock");
  CHECK(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size() && i < expected.size(); ++i) {
    CHECK(text_of(rows[i]) == expected[i]);
  }
}

TEST_CASE("abi: what 1.0 had is there, where it was") {
  const std::vector<std::string> kept = locked("tests/abi/v1_0/layout.lock");
  const std::vector<std::string> now = locked();
  CHECK(kept.size() > 200);
  for (const std::string& row : kept) {
    // A struct may have grown, and the minor is another.
    const bool may_differ =
        row.starts_with("MAYFLY_ABI_MINOR") || row.find(": size ") != std::string::npos;
    if (may_differ) continue;
    CHECK_MESSAGE(std::ranges::find(now, row) != now.end(), row);
  }
}

TEST_CASE("abi: no field is missing from the list that is compared") {
  // A field that layout.c doesn't list leaves a gap wider than padding.
  constexpr std::uint64_t kPaddingMax = 7;
  std::uint64_t end = 0;
  std::uint64_t size = 0;
  std::string type;
  for (const layout_row& row : found()) {
    if (*row.type == 0 || std::string(row.type) == "mayfly_cell") continue;  // a union
    CAPTURE(text_of(row));
    if (*row.name == 0) {
      CHECK(size - end <= kPaddingMax);
      type = row.type;
      size = row.value;
      end = 0;
      continue;
    }
    CHECK(row.value >= end);
    CHECK(row.value - end <= kPaddingMax);
    end = row.value + row.size;
  }
  CHECK(size - end <= kPaddingMax);
}

}  // namespace
