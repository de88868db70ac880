// ReadBuffer: bytes of a ByteSource that wait to be parsed.
//
// One allocation, reused; grows only for a record that is larger than it. kReadPadding bytes behind
// the last are readable. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "mayfly/data/readers/byte_source.h"

namespace mayfly::file {

class ReadBuffer {
 public:
  explicit ReadBuffer(std::size_t capacity);

  std::span<const char> bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  std::size_t capacity() const { return capacity_; }
  bool at_end() const { return at_end_; }
  void consume(std::size_t size) { begin_ += size; }

  // Reads up to `most` bytes behind those that are there: in a full buffer, after making it larger.
  Result<ByteSource::State> fill(ByteSource& source, std::size_t most, std::int64_t timeout_ns);

 private:
  void make_room();

  std::unique_ptr<char[]> data_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

}  // namespace mayfly::file
