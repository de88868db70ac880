#include "mayfly/file/read_buffer.h"

#include <algorithm>
#include <cstring>

#include "mayfly/data/readers/reader.h"

namespace mayfly::file {

namespace {

// Not zeroed: hundreds of small files that wait for their turn touch few of their pages.
std::unique_ptr<char[]> pages(std::size_t capacity) {
  std::unique_ptr<char[]> data(new char[capacity + kReadPadding]);
  std::memset(data.get() + capacity, 0, kReadPadding);
  return data;
}

}  // namespace

ReadBuffer::ReadBuffer(std::size_t capacity) : data_(pages(capacity)), capacity_(capacity) {}

void ReadBuffer::make_room() {
  const std::size_t waiting = size();
  if (waiting == capacity_) {
    capacity_ *= 2;
    std::unique_ptr<char[]> larger = pages(capacity_);
    std::memcpy(larger.get(), data_.get() + begin_, waiting);
    data_ = std::move(larger);
  } else if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, waiting);
  }
  begin_ = 0;
  end_ = waiting;
}

Result<ByteSource::State> ReadBuffer::fill(ByteSource& source, std::size_t most,
                                           std::int64_t timeout_ns) {
  if (at_end_) return ByteSource::State::kEnd;
  if (capacity_ - end_ < most) make_room();
  const std::size_t room = std::min(most, capacity_ - end_);
  MAYFLY_ASSIGN_OR_RETURN(const ByteSource::Chunk chunk,
                          source.read({data_.get() + end_, room}, timeout_ns));
  end_ += chunk.size;
  at_end_ = chunk.state == ByteSource::State::kEnd;
  return chunk.state;
}

}  // namespace mayfly::file
