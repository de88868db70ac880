// key_text: a key as people read it, in snapshots and signals.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mayfly {

template <class Key>
concept TextualKey = std::convertible_to<const Key&, std::string_view>;
template <class Key>
concept IntegralKey = std::integral<Key> && !std::same_as<Key, bool>;
template <class Key>
concept NamedKey = requires(const Key& key) {
  { key.key_text() } -> std::convertible_to<std::string>;
};

// Calls use(std::string_view): a text as it is, an integer in decimal, what key.key_text() says, or
// the key's hash in hexadecimal.
template <class Key, class Use>
void with_key_text(const Key& key, std::uint64_t hash, Use use) {
  if constexpr (TextualKey<Key>) {
    use(static_cast<std::string_view>(key));
  } else if constexpr (NamedKey<Key>) {
    const std::string text = key.key_text();
    use(std::string_view(text));
  } else {
    char text[24];
    char* end = text;
    if constexpr (IntegralKey<Key>) {
      end = std::to_chars(text, text + sizeof text, key).ptr;
    } else {
      text[0] = '#';
      end = std::to_chars(text + 1, text + sizeof text, hash, 16).ptr;
    }
    use(std::string_view(text, static_cast<std::size_t>(end - text)));
  }
}

}  // namespace mayfly
