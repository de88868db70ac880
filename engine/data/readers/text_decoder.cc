#include "mayfly/data/readers/text_decoder.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mayfly {
namespace {

constexpr char kNoText = '\xFF';

const iconv_t kNone = reinterpret_cast<iconv_t>(-1);

bool is_utf8(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c != '-' && c != '_') letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return letters == "utf8";
}

iconv_t open(const std::string& from, const char* to) {
  if (from.empty() || from.find('/') != std::string::npos) return kNone;
  return iconv_open(to, from.c_str());
}

// How many bytes of that encoding a text of ASCII has; 0: it has none.
std::size_t encoded_size(const std::string& encoding, std::string_view text) {
  const iconv_t state = iconv_open(encoding.c_str(), "UTF-8");
  if (state == kNone) return 0;
  std::array<char, 64> out;
  char* in = const_cast<char*>(text.data());
  std::size_t in_left = text.size();
  char* to = out.data();
  std::size_t out_left = out.size();
  const bool whole = iconv(state, &in, &in_left, &to, &out_left) != static_cast<std::size_t>(-1);
  iconv_close(state);
  return whole ? out.size() - out_left : 0;
}

}  // namespace

bool is_text_encoding(const std::string& name) {
  if (is_utf8(name)) return true;
  const iconv_t state = open(name, "UTF-8");
  if (state == kNone) return false;
  iconv_close(state);
  return true;
}

std::string_view encoding_of_mark(std::span<const char> head) {
  const std::string_view text(head.data(), head.size());
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return "UTF-16";
  return {};
}

std::unique_ptr<TextDecoder> TextDecoder::make(const std::string& encoding) {
  if (is_utf8(encoding)) return nullptr;
  const iconv_t state = open(encoding, "UTF-8");
  if (state == kNone) return nullptr;
  // Without the byte order mark that may come before both.
  const std::size_t two = encoded_size(encoding, "AA");
  const std::size_t one = encoded_size(encoding, "A");
  return std::unique_ptr<TextDecoder>(
      new TextDecoder(state, two > one ? two - one : std::size_t{1}));
}

TextDecoder::~TextDecoder() { iconv_close(state_); }

void TextDecoder::reset() { iconv(state_, nullptr, nullptr, nullptr, nullptr); }

TextDecoder::Step TextDecoder::decode(std::span<const char> in, std::span<char> out, bool at_end) {
  // iconv's interface is not const; it doesn't write to its input.
  char* from = const_cast<char*>(in.data());
  std::size_t in_left = in.size();
  char* to = out.data();
  std::size_t out_left = out.size();
  while (in_left > 0) {
    if (iconv(state_, &from, &in_left, &to, &out_left) != static_cast<std::size_t>(-1)) break;
    const bool is_cut = errno == EINVAL;
    if (errno == E2BIG || out_left == 0 || (is_cut && !at_end)) break;
    const std::size_t passed = std::min(is_cut ? in_left : unit_, in_left);
    from += passed;
    in_left -= passed;
    *to++ = kNoText;
    --out_left;
  }
  return {in.size() - in_left, out.size() - out_left};
}

}  // namespace mayfly
