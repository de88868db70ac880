// Utf8Watch: whether records of a document are valid UTF-8, looking at each byte about once.
//
// Spans are checked whole (simdjson, some 10 GB/s); only where one isn't valid its records are
// looked at one by one. Overlong forms, surrogates and what lies beyond U+10FFFF aren't valid.
//
// POSITIONS  Bytes of the document, as in ReadPosition. The spans may overlap or begin anywhere.
// THREADS    One at a time. Nothing is kept of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly {

// Of the whole text.
bool is_valid_utf8(std::string_view text);
// Of a text that isn't valid: where the first character that is wrong begins.
std::size_t find_invalid_utf8(std::string_view text);

// Of such a record: what was expected and found, and what to do.
void describe_invalid_utf8(std::string_view record, std::string* message);

class Utf8Watch {
 public:
  // More of the document, or the same again: the byte at `begin` and on.
  void see(std::uint64_t begin, std::string_view text);
  // A record that was seen whole.
  bool is_valid(std::uint64_t begin, std::string_view record) const {
    if (begin >= valid_from_ && begin + record.size() <= valid_to_) [[likely]]
      return true;
    return is_valid_utf8(record);
  }

 private:
  std::uint64_t begin_ = 0;       // of the last span
  std::uint64_t seen_ = 0;        // nothing behind it was looked at
  std::uint64_t valid_from_ = 0;  // what lies between these is valid
  std::uint64_t valid_to_ = 0;
};

}  // namespace mayfly
