// Decoder: a compressed stream into bytes, a buffer at a time. Private to byte_source.
//
// Owns the library's state. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "mayfly/data/readers/byte_source.h"

namespace mayfly {

// The error, told by its address, of good data that needs more memory than a decoder takes.
inline constexpr char kWindowTooLarge[] = "its window is too large";

class Decoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    const char* error = nullptr;  // what is wrong with the stream, at the input not consumed
  };

  virtual ~Decoder() = default;
  virtual Step decode(std::span<const char> in, std::span<char> out) = 0;
  // The input so far is a whole number of members or frames: the file may end here.
  virtual bool complete() const = 0;
};

// Null when there is no memory.
std::unique_ptr<Decoder> make_decoder(Encoding encoding);

}  // namespace mayfly
