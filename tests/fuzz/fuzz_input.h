// FuzzInput: a fuzzer's bytes as a few choices, and the rest of them.
//
// Runs that fail leave their bytes; choices come first, so that a document in them can be read.
// Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mayfly::fuzz {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : bytes_(reinterpret_cast<const char*>(data), size) {}

  // 0 where nothing is left.
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const char first = bytes_.front();
    bytes_.remove_prefix(1);
    return static_cast<std::uint8_t>(first);
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

// What must hold whatever the input is.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "doesn't hold: %s\n", what);
  std::abort();
}

}  // namespace mayfly::fuzz

// The fuzzers' entry, as libFuzzer calls it; replay_main.cc does so with files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
