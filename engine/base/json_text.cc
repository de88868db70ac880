#include "mayfly/base/json_text.h"

#include <fmt/format.h>

#include <algorithm>
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

constexpr std::size_t kDepthMax = 1024;

// A reader that keeps nothing but its place and what is open around it.
class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : rest_(text) {}

  bool run() {
    // What closes each array and object around the place.
    std::string open;
    for (;;) {
      if (!open_value(open)) return false;
      // Behind a value: what it ends, and whether another follows.
      for (;;) {
        skip_blanks();
        if (open.empty()) return rest_.empty();
        if (rest_.empty()) return false;
        if (take(open.back())) {
          open.pop_back();
          continue;
        }
        if (!take(',')) return false;
        skip_blanks();
        if (open.back() == '}' && !key()) return false;
        break;
      }
    }
  }

 private:
  // One that isn't an array or object, or how many of those begin here: all that stands before the
  // next comma or end.
  bool open_value(std::string& open) {
    for (;;) {
      skip_blanks();
      const bool opens = rest_.starts_with('[') || rest_.starts_with('{');
      if (opens && open.size() >= kDepthMax) return false;
      if (take('[')) {
        skip_blanks();
        if (take(']')) return true;
        open += ']';
      } else if (take('{')) {
        skip_blanks();
        if (take('}')) return true;
        open += '}';
        if (!key()) return false;
      } else {
        return scalar();
      }
    }
  }

  bool key() {
    if (!string()) return false;
    skip_blanks();
    return take(':');
  }

  bool scalar() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return true;
    }
    return rest_.starts_with('"') ? string() : number();
  }

  bool string() {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const std::size_t size = sequence_size(rest_);
      if (size == 0 || static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      const char c = rest_.front();
      rest_.remove_prefix(size);
      if (c == '"') return true;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (rest_.empty() || !is_hex(rest_.front())) return false;
      rest_.remove_prefix(1);
    }
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('-')) take('+');
      return digits();
    }
    return true;
  }

  bool digits() {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count > 0;
  }

  static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  std::string_view rest_;
};

}  // namespace

bool is_json(std::string_view text) { return JsonCheck(text).run(); }

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
