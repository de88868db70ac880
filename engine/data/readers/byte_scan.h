// Finding bytes 64 at a time: one bit for each byte of a block that is one of three.
//
// SSE2 where there is (every x86-64), else 8 bytes at a time in a word. Reads whole blocks, so up
// to 63 bytes past the end of the text must be readable (kReadPadding).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mayfly {

#if defined(__SSE2__)

// Finds any of three bytes in blocks of 64.
class ByteScan {
 public:
  ByteScan(char a, char b, char c)
      : a_(_mm_set1_epi8(a)), b_(_mm_set1_epi8(b)), c_(_mm_set1_epi8(c)) {}

  std::uint64_t mask(const char* block) const {
    return part(block) | part(block + 16) << 16 | part(block + 32) << 32 | part(block + 48) << 48;
  }

 private:
  std::uint64_t part(const char* p) const {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, a_), _mm_cmpeq_epi8(bytes, b_)),
                     _mm_cmpeq_epi8(bytes, c_));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(hit));
  }
  __m128i a_, b_, c_;
};

// Copies `size` bytes in steps of 16: up to 15 bytes past the end of both are touched.
inline void copy_padded(char* to, const char* from, std::size_t size) {
  std::size_t i = 0;
  do {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
    i += 16;
  } while (i < size);
}

// The same, until a backslash was among what was copied: false then.
inline bool copy_until_backslash(char* to, const char* from, std::size_t size) {
  const __m128i backslash = _mm_set1_epi8('\\');
  for (std::size_t i = 0; i < size; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), bytes);
    auto hits = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash)));
    if (size - i < 16) hits &= (1u << (size - i)) - 1;
    if (hits != 0) return false;
  }
  return true;
}

#else

// Finds any of three bytes in blocks of 64.
class ByteScan {
 public:
  ByteScan(char a, char b, char c) : a_(spread(a)), b_(spread(b)), c_(spread(c)) {}

  std::uint64_t mask(const char* block) const {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) {
      std::uint64_t word = 0;
      for (int k = 0; k < 8; ++k) {
        word |= std::uint64_t{static_cast<unsigned char>(block[8 * i + k])} << (8 * k);
      }
      const std::uint64_t hit = zeros(word ^ a_) | zeros(word ^ b_) | zeros(word ^ c_);
      bits |= ((hit >> 7) * 0x0102040810204080u >> 56) << (8 * i);
    }
    return bits;
  }

 private:
  static std::uint64_t spread(char c) {
    return 0x0101010101010101u * static_cast<unsigned char>(c);
  }
  // The high bit of every byte that is 0.
  static std::uint64_t zeros(std::uint64_t word) {
    constexpr std::uint64_t kLow = 0x7F7F7F7F7F7F7F7Fu;
    return ~(((word & kLow) + kLow) | word | kLow);
  }
  std::uint64_t a_, b_, c_;
};

inline void copy_padded(char* to, const char* from, std::size_t size) {
  std::memcpy(to, from, size);
}
inline bool copy_until_backslash(char* to, const char* from, std::size_t size) {
  if (std::memchr(from, '\\', size) != nullptr) return false;
  std::memcpy(to, from, size);
  return true;
}

#endif

}  // namespace mayfly
