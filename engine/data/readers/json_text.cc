#include "mayfly/data/readers/json_text.h"

#include <cstdint>
#include <cstring>

#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

// The four hexadecimal digits at p, or -1.
std::int32_t hex4(const char* p, const char* end) {
  if (end - p < 4) return -1;
  std::int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + (lower - 'a' + 10);
    } else {
      return -1;
    }
  }
  return value;
}

char* put_utf8(std::int32_t code, char* out) {
  const auto put = [&out](std::int32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

// One escape: p stands behind the backslash and moves behind the escape. False: it isn't one.
bool unescape_one(const char** p, const char* end, char** out) {
  if (*p == end) return false;
  const char c = *(*p)++;
  if (c != 'u') {
    const char meant = simple_escape(c);
    if (meant == '\0') return false;
    *(*out)++ = meant;
    return true;
  }
  std::int32_t code = hex4(*p, end);
  if (code < 0) return false;
  *p += 4;
  if (code >= 0xDC00 && code < 0xE000) return false;
  if (code >= 0xD800 && code < 0xDC00) {
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u') return false;
    const std::int32_t low = hex4(*p + 2, end);
    if (low < 0xDC00 || low >= 0xE000) return false;
    *p += 6;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  *out = put_utf8(code, *out);
  return true;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  const char* check() {
    if (const char* error = value(0)) return error;
    space();
    return p_ == end_ ? nullptr : "expected nothing after the value";
  }

 private:
  void space() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  bool take(char c) {
    space();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  const char* value(int depth) {
    space();
    if (p_ == end_) return "expected a value";
    if (depth > kJsonDepth) return "expected at most 1000 levels of nesting";
    if (*p_ == '{') return members(depth);
    if (*p_ == '[') return elements(depth);
    if (*p_ == '"') return string();
    const char* const start = p_;
    while (p_ < end_ && std::strchr(",]}: \t\r\n", *p_) == nullptr) ++p_;
    const std::string_view word(start, static_cast<std::size_t>(p_ - start));
    if (word == "true" || word == "false" || word == "null" || is_json_number(word)) return nullptr;
    return "expected a value";
  }

  const char* members(int depth) {
    ++p_;
    if (take('}')) return nullptr;
    do {
      space();
      if (p_ == end_ || *p_ != '"') return "expected a key in quotes";
      if (const char* error = string()) return error;
      if (!take(':')) return "expected a colon after the key";
      if (const char* error = value(depth + 1)) return error;
    } while (take(','));
    return take('}') ? nullptr : "expected a comma or the end of the object";
  }

  const char* elements(int depth) {
    ++p_;
    if (take(']')) return nullptr;
    do {
      if (const char* error = value(depth + 1)) return error;
    } while (take(','));
    return take(']') ? nullptr : "expected a comma or the end of the array";
  }

  const char* string() {
    for (++p_; p_ < end_ && *p_ != '"';) {
      if (static_cast<unsigned char>(*p_) < 0x20)
        return "expected no control character in a string";
      if (*p_++ != '\\') continue;
      char scratch[4];
      char* out = scratch;
      if (!unescape_one(&p_, end_, &out)) return "expected a valid escape in a string";
    }
    if (p_ == end_) return "expected a closing quote";
    ++p_;
    return nullptr;
  }

  const char* p_;
  const char* end_;
};

}  // namespace

const char* find_json_error(std::string_view text) { return Checker(text).check(); }

std::optional<std::size_t> unescape_json(std::string_view text, char* out) {
  char* const begin = out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    if (static_cast<unsigned char>(*p) < 0x20) return std::nullopt;
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    ++p;
    if (!unescape_one(&p, end, &out)) return std::nullopt;
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace mayfly
