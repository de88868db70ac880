// A key's text for signals and messages: strings as they are, numbers in decimal, others by a
// formatter of the caller's. And a hash's bits spread, since std::hash of a number is the number.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

namespace mayfly {

// Keys whose text is known without a formatter.
template <class K>
concept TextKey = std::convertible_to<const K&, std::string_view>;
template <class K>
concept NumberKey = std::integral<K> && !std::same_as<K, bool> && requires(char* at, const K& key) {
  std::to_chars(at, at, key);
};

// What a caller passes for other keys.
template <class K>
using KeyText = std::function<std::string(const K&)>;

// Calls use(text) with the key's text; a formatter goes before the known forms. Keys without any
// text are "?". What the formatter throws is the caller's.
template <class K, class Use>
void with_key_text(const K& key, const KeyText<K>& format, Use&& use) {
  if (format) {
    use(std::string_view(format(key)));
  } else if constexpr (TextKey<K>) {
    use(std::string_view(key));
  } else if constexpr (NumberKey<K>) {
    char digits[24];
    const char* const end = std::to_chars(digits, digits + sizeof digits, key).ptr;
    use(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  } else {
    use(std::string_view("?"));
  }
}

// Every bit of the result depends on every bit of `hash` that a table's size can show.
inline std::uint64_t spread_hash(std::uint64_t hash) {
  hash ^= hash >> 32;
  hash *= 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio (Knuth, TAOCP 3, 6.4)
  return hash ^ (hash >> 32);
}

}  // namespace mayfly
