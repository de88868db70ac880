#include "mayfly/data/readers/utf8_watch.h"

#include <simdjson.h>

#include <algorithm>

namespace mayfly {
namespace {

// Checked at once, so that one byte that is wrong costs no more than this many a second look.
constexpr std::size_t kBlock = 16 << 10;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Without the beginning of a character that lies behind the end. Whatever is cut off that is none
// makes its record be looked at.
std::string_view without_cut_character(std::string_view text) {
  std::size_t size = text.size();
  for (int i = 0; i < 3 && size > 0 && continues_character(text[size - 1]); ++i) --size;
  if (size > 0 && static_cast<unsigned char>(text[size - 1]) >= 0xC0) --size;
  return text.substr(0, size);
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t valid = 0;
  for (;;) {
    const std::string_view block = without_cut_character(text.substr(valid, kBlock));
    if (block.empty() || !is_valid_utf8(block)) break;
    valid += block.size();
  }
  while (valid < text.size()) {
    std::size_t size = 1;
    while (size < 4 && valid + size < text.size() && continues_character(text[valid + size])) {
      ++size;
    }
    if (!is_valid_utf8(text.substr(valid, size))) break;
    valid += size;
  }
  return valid;
}

void describe_invalid_utf8(std::string_view record, std::string* message) {
  const std::size_t at = find_invalid_utf8(record);
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(record[at]);
  *message = "expected UTF-8, found the byte 0x";
  *message += kDigits[byte >> 4];
  *message += kDigits[byte & 15];
  *message += " at byte " + std::to_string(at) +
              " of the record; if it is in another encoding, name that (--encoding latin1)";
}

void Utf8Watch::see(std::uint64_t begin, std::string_view text) {
  const std::uint64_t end = begin + text.size();
  if (begin < begin_ || begin > seen_) valid_from_ = valid_to_ = seen_ = begin;  // elsewhere
  begin_ = begin;
  while (seen_ < end) {
    const std::uint64_t from = std::max(seen_, begin);
    const std::string_view block = without_cut_character(text.substr(from - begin, kBlock));
    if (block.empty()) return;
    seen_ = from + block.size();
    if (!is_valid_utf8(block)) return;
    if (valid_to_ != from) valid_from_ = from;
    valid_to_ = seen_;
  }
}

}  // namespace mayfly
