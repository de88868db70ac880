// What the tests of the source `file` share: files in the test's folder, and a harness.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/file/source_harness.h"

namespace mayfly {

using testing::SourceHarness;
using Rows = std::vector<std::string>;
using Given = std::vector<RawOption>;

inline std::string path_of(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
}

inline std::string write_file(const std::string& name, std::string_view bytes) {
  const std::string path = path_of(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

inline std::string write_gzip(const std::string& name, const std::string& text) {
  const std::string path = path_of(name);
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string numbered_csv(int rows) {
  std::string out = "id,name\n";
  for (int i = 0; i < rows; ++i) out += std::to_string(i) + ",name " + std::to_string(i) + "\n";
  return out;
}

// Where a run goes on: behind so many records. The fingerprint is borrowed.
inline mayfly_position position_at(std::uint64_t ordinal, std::uint64_t byte, std::uint64_t line,
                                   const std::string& fingerprint) {
  return {.struct_size = sizeof(mayfly_position),
          .resumed = 1,
          .ordinal = ordinal,
          .byte = byte,
          .line = line,
          .fingerprint = {fingerprint.data(), fingerprint.size()}};
}

}  // namespace mayfly
