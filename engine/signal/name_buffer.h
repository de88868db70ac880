// NameBuffer: where a query composes a signal's name: bytes on the stack, and an allocation only
// for names of more than kInlineBytes.
//
// Owns its bytes. One thread. What view() returned is valid until the next change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace mayfly {

class NameBuffer {
 public:
  static constexpr std::size_t kInlineBytes = 512;

  NameBuffer() = default;
  NameBuffer(const NameBuffer&) = delete;
  NameBuffer& operator=(const NameBuffer&) = delete;

  std::size_t size() const { return size_; }
  char* data() { return data_; }
  std::string_view view() const { return {data_, size_}; }

  void clear() { size_ = 0; }
  void append(std::string_view text) {
    const std::size_t before = size_;
    resize(size_ + text.size());
    copy(text.data(), text.size(), data_ + before);
  }
  void push_back(char byte) { append({&byte, 1}); }
  // Bytes that are new have any value.
  void resize(std::size_t size) {
    if (size > capacity_) grow(size);
    size_ = size;
  }

 private:
  // Names are short: for most, a call of memcpy costs more than the copy.
  static void copy(const char* from, std::size_t size, char* to) {
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {
      copy_ends<8>(from, size, to);
    } else if (size >= 4) {
      copy_ends<4>(from, size, to);
    } else {
      for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }
  // Both ends, which overlap.
  template <std::size_t kBytes>
  static void copy_ends(const char* from, std::size_t size, char* to) {
    char first[kBytes];
    char last[kBytes];
    std::memcpy(first, from, kBytes);
    std::memcpy(last, from + size - kBytes, kBytes);
    std::memcpy(to, first, kBytes);
    std::memcpy(to + size - kBytes, last, kBytes);
  }
  void grow(std::size_t size) {
    std::vector<char> larger(std::max(size, 4 * kInlineBytes));
    std::memcpy(larger.data(), data_, size_);
    long_ = std::move(larger);
    data_ = long_.data();
    capacity_ = long_.size();
  }

  char* data_ = inline_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInlineBytes;
  std::vector<char> long_;  // when it is in use, data_ points to it
  char inline_[kInlineBytes];
};

}  // namespace mayfly
