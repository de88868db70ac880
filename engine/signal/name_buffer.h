// NameBuffer: where a query composes a signal's name: bytes on the stack, and an allocation only
// for names of more than kInlineBytes.
//
// Owns its bytes. One thread. What view() returned is valid until the next change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace mayfly {

class NameBuffer {
 public:
  static constexpr std::size_t kInlineBytes = 512;

  NameBuffer() = default;
  NameBuffer(const NameBuffer&) = delete;
  NameBuffer& operator=(const NameBuffer&) = delete;

  std::size_t size() const { return size_; }
  char* data() { return long_.empty() ? inline_ : long_.data(); }
  std::string_view view() const { return {long_.empty() ? inline_ : long_.data(), size_}; }

  void clear() { size_ = 0; }
  void append(std::string_view text) {
    const std::size_t before = size_;
    resize(size_ + text.size());
    if (!text.empty()) std::memcpy(data() + before, text.data(), text.size());
  }
  void push_back(char byte) { append({&byte, 1}); }
  // Bytes that are new have any value.
  void resize(std::size_t size) {
    if (size > (long_.empty() ? kInlineBytes : long_.size())) grow(size);
    size_ = size;
  }

 private:
  void grow(std::size_t size) {
    std::vector<char> larger(std::max(size, 4 * kInlineBytes));
    std::memcpy(larger.data(), data(), size_);
    long_ = std::move(larger);
  }

  std::size_t size_ = 0;
  std::vector<char> long_;  // empty: the inline bytes are used
  char inline_[kInlineBytes];
};

}  // namespace mayfly
