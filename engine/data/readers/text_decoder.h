// TextDecoder: text of another encoding into UTF-8, a buffer at a time, by iconv.
//
// What isn't text of that encoding (half of a surrogate pair, a byte that no character has) becomes
// a byte 0xFF, which is no UTF-8: so a reader finds it in its record, and the rest is unharmed.
//
// OWNERSHIP  Owns iconv's state. Input and output are the caller's.
// THREADS    One at a time; the functions beside it: any.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mayfly {

// UTF-8 by one of its names, or iconv knows it. Not with "//" and what to do about characters that
// can't be said: all can.
bool is_text_encoding(const std::string& name);

// By its byte order mark, or empty; two bytes are enough.
std::string_view encoding_of_mark(std::span<const char> head);

class TextDecoder {
 public:
  // How much of both was used.
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  // A character's bytes at most: of so much input, into so much room, there is always a step.
  static constexpr std::size_t kCharacterMax = 16;

  // Null: the text is UTF-8 already, iconv doesn't know it, or there is no memory.
  static std::unique_ptr<TextDecoder> make(const std::string& encoding);
  ~TextDecoder();
  TextDecoder(const TextDecoder&) = delete;
  TextDecoder& operator=(const TextDecoder&) = delete;

  // at_end: nothing follows, so half a character is none.
  Step decode(std::span<const char> in, std::span<char> out, bool at_end);
  // To the beginning of a text.
  void reset();

 private:
  TextDecoder(void* state, std::size_t unit) : state_(state), unit_(unit) {}

  void* state_;       // iconv_t
  std::size_t unit_;  // bytes that are passed over when they aren't text
};

}  // namespace mayfly
