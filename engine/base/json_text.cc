#include "mayfly/base/json_text.h"

#include <fmt/format.h>

#include <cstddef>

namespace mayfly {
namespace {

// Bytes of the UTF-8 sequence that begins the text; 0 when it is none.
std::size_t sequence_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return size;
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    const char c = text.front();
    if (size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (size == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out + '"';
}

JsonText& JsonText::add_raw(std::string_view key, std::string_view value) {
  if (text_.size() > 1) text_ += ",";
  if (!key.empty()) text_ += json_quoted(key) + ":";
  text_ += value;
  return *this;
}

JsonText& JsonText::add(std::string_view key, std::string_view value) {
  return add_raw(key, json_quoted(value));
}

JsonText& JsonText::add(std::string_view key, double value, int decimals) {
  return add_raw(key, fmt::format("{:.{}f}", value, decimals));
}

JsonText& JsonText::add(std::string_view value) { return add_raw({}, json_quoted(value)); }

}  // namespace mayfly
