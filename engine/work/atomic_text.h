// AtomicText: a short text that one thread writes and others read, without a lock.
//
// A reader that overlaps a writer gets some mix of both and has to know it (operation_table.h does,
// by the id around it).
//
// THREADS  One writer at a time, any readers.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mayfly {

template <std::size_t kBytes>
class AtomicText {
  static_assert(kBytes % 8 == 0);

 public:
  // The first kBytes of it.
  void store(std::string_view text) {
    const std::size_t size = std::min(text.size(), kBytes);
    for (std::size_t at = 0; at < size; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, size - at));
      words_[at / 8].store(word, std::memory_order_release);
    }
    size_.store(static_cast<std::uint32_t>(size), std::memory_order_release);
  }
  void clear() {
    if (size_.load(std::memory_order_relaxed) != 0) size_.store(0, std::memory_order_release);
  }
  // Into room for kBytes; returns the size.
  std::size_t load(char* out) const {
    const std::size_t size = size_.load(std::memory_order_acquire);
    for (std::size_t at = 0; at < size; at += 8) {
      const std::uint64_t word = words_[at / 8].load(std::memory_order_acquire);
      std::memcpy(out + at, &word, 8);
    }
    return size;
  }
  std::string load() const {
    std::array<char, kBytes> bytes;
    const std::size_t size = load(bytes.data());
    return {bytes.data(), size};
  }

 private:
  std::atomic<std::uint32_t> size_{0};
  std::array<std::atomic<std::uint64_t>, kBytes / 8> words_{};
};

}  // namespace mayfly
