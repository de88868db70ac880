// JsonText: an object or array of JSON, written member by member. Values; one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly {

class JsonText {
 public:
  static JsonText object() { return JsonText('{', '}'); }
  static JsonText array() { return JsonText('[', ']'); }

  JsonText& add(std::string_view key, std::string_view value);
  JsonText& add(std::string_view key, const char* value) {
    return add(key, std::string_view(value));
  }
  JsonText& add(std::string_view key, std::same_as<bool> auto value) {
    return add_raw(key, value ? "true" : "false");
  }
  JsonText& add(std::string_view key,
                std::integral auto value) requires(!std::same_as<decltype(value), bool>) {
    return add_raw(key, std::to_string(value));
  }
  // With `decimals` digits after the point.
  JsonText& add(std::string_view key, double value, int decimals);
  JsonText& add(std::string_view key, const JsonText& value) { return add_raw(key, value.text()); }
  // A value that is JSON already.
  JsonText& add_json(std::string_view key, std::string_view json) { return add_raw(key, json); }

  // Elements of an array.
  JsonText& add(std::string_view value);
  JsonText& add(const JsonText& value) { return add_raw({}, value.text()); }

  std::string text() const { return text_ + close_; }

 private:
  JsonText(char open, char close) : text_(1, open), close_(close) {}
  JsonText& add_raw(std::string_view key, std::string_view value);

  std::string text_;
  char close_;
};

// In quotes; what isn't valid UTF-8 becomes U+FFFD, so that the result always parses.
std::string json_quoted(std::string_view text);

// Whether it is exactly one JSON value (RFC 8259) in UTF-8, at most 1,024 deep.
bool is_json(std::string_view text);

}  // namespace mayfly
