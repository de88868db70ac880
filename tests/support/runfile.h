// Where a data dependency of the test lies: rootpath is what $(rootpath ...) gave.
#pragma once

#include <cstdlib>
#include <string>

namespace mayfly::testing {

inline std::string runfile(const std::string& rootpath) {
  const char* folder = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  if (folder == nullptr || workspace == nullptr) return "bazel-bin/" + rootpath;
  return std::string(folder) + "/" + workspace + "/" + rootpath;
}

}  // namespace mayfly::testing
