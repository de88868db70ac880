// Numbers in text, with exactness: which texts a numeric column may hold as a number.
//
// SQLite's INTEGER, NUMERIC and REAL affinities turn any text that looks like a number into one,
// and lose what the number can't say: 007 becomes 7, 20 digits become a rounded double, 1e400
// infinity. A text is *canonical* when nothing is lost. All functions are pure; texts need not be
// terminated.
//
//   integer   -?(0|[1-9][0-9]*) within int64; not -0
//   real      -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?, at most 15 significant digits (zeros
//   at
//             either end don't count), and 0 or of normal magnitude
//
// A real's trailing zeros (12.50) are notation: the stored value is the same number.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mayfly {

// What a column of numbers stores.
enum class Affinity : std::uint8_t { kInteger, kReal };  // NUMERIC stores as INTEGER does

// Canonical integers only; the value is untouched otherwise.
bool parse_int64(std::string_view text, std::int64_t* value);
// Canonical reals only (which includes integers of at most 15 digits).
bool parse_real(std::string_view text, double* value);
// Any number of JSON's grammar, rounded to the nearest double as every JSON reader does. False: not
// of that grammar, or beyond a double's range.
bool parse_json_real(std::string_view text, double* value);
bool is_json_number(std::string_view text);

// SQLite would convert the text in a numeric column: spaces around it, a sign, 5. and .5 allowed.
bool looks_numeric(std::string_view text);
// SQLite would convert the text, and the result would not be the same value in the same notation.
// Not for texts that don't look numeric: SQLite keeps those. 1.5 in an INTEGER column is kept
// exactly (as REAL); 1.0 and 1e3 would become integers.
bool would_change(std::string_view text, Affinity affinity);

namespace number_internal {

inline constexpr std::uint64_t kZeros = 0x3030303030303030u;
inline constexpr std::uint64_t kTen[] = {1,       10,        100,        1'000,      10'000,
                                         100'000, 1'000'000, 10'000'000, 100'000'000};

inline std::uint64_t load8(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// 1 to 8 digits at p, of which 8 bytes are readable. False when one isn't a digit. The word is
// shifted so that zeros stand before the digits; pairs, then fours, then the eight are summed by
// multiplying.
inline bool digits8(const char* p, std::size_t size, std::uint64_t* value) {
  std::uint64_t word = load8(p);
  word = size == 8 ? word : (word << (64 - 8 * size)) | (kZeros >> (8 * size));
  const std::uint64_t low = word - kZeros;
  if (((low | (word + 0x4646464646464646u)) & 0x8080808080808080u) != 0) return false;
  word = (low * 10) + (low >> 8);
  word = (((word & 0x000000FF000000FFu) * 0x000F424000000064u) +
          (((word >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
         32;
  *value = word;
  return true;
}

}  // namespace number_internal

// As parse_int64, for text with at least 8 readable bytes behind its last.
inline bool parse_int64_padded(const char* p, std::size_t size, std::int64_t* value) {
  if constexpr (std::endian::native == std::endian::little) {
    using number_internal::digits8;
    const bool negative = size > 0 && *p == '-';
    const char* digits = p + negative;
    const std::size_t count = size - negative;
    std::uint64_t number = 0;
    if (count - 1 < 8) {
      if (*digits == '0' && size > 1) return false;  // 007, -0
      if (!digits8(digits, count, &number)) return false;
    } else if (count - 1 < 16) {
      std::uint64_t high = 0;
      if (*digits == '0' || !digits8(digits, count - 8, &high)) return false;
      if (!digits8(digits + count - 8, 8, &number)) return false;
      number += high * 100'000'000u;
    } else {
      return parse_int64({p, size}, value);
    }
    *value = negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
    return true;
  } else {
    return parse_int64({p, size}, value);
  }
}

// As parse_real, for text with at least 16 readable bytes behind its last. The quick case is
// digits, a point and digits, together at most 15: mantissa and power of ten are exact doubles, so
// one division rounds once (Clinger: How to Read Floating Point Numbers Accurately, PLDI 1990).
inline bool parse_real_padded(const char* p, std::size_t size, double* value) {
  if constexpr (std::endian::native == std::endian::little) {
    using namespace number_internal;
    const bool negative = size > 0 && *p == '-';
    const char* digits = p + negative;
    const std::size_t count = size - negative;
    const std::uint64_t points = load8(digits) ^ 0x2E2E2E2E2E2E2E2Eu;
    const std::uint64_t found =
        (points - 0x0101010101010101u) & ~points & 0x8080808080808080u;  // lowest bit is exact
    if (found != 0) {
      const std::size_t whole = static_cast<std::size_t>(std::countr_zero(found)) / 8;
      const std::size_t fraction = count - whole - 1;
      std::uint64_t high = 0, low = 0;
      if (whole > 0 && fraction - 1 < 8 && whole < count && !(*digits == '0' && whole > 1) &&
          digits8(digits, whole, &high) && digits8(digits + whole + 1, fraction, &low)) {
        // Below 10^7 * 10^8 = 10^15.
        const auto mantissa = static_cast<std::int64_t>(high * kTen[fraction] + low);
        const double magnitude = static_cast<double>(mantissa) /
                                 static_cast<double>(static_cast<std::int64_t>(kTen[fraction]));
        *value = negative ? -magnitude : magnitude;
        return true;
      }
    } else if (count <= 15) {
      std::int64_t integer;
      if (parse_int64_padded(p, size, &integer)) {
        *value = static_cast<double>(integer);
        return true;
      }
    }
  }
  return parse_real({p, size}, value);
}

}  // namespace mayfly
