#include "mayfly/otlp/answer.h"

#include <charconv>

namespace mayfly::otlp {
namespace {

// Reads JSON from left to right. What isn't JSON makes each further step fail.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char wanted) {
    skip_space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // The text between quotes. Escapes are left out but for those of one character; a message of a
  // collector is for people.
  bool take_text(std::string& text) {
    text.clear();
    if (!take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) return false;
        text += plain(rest_.front());
      } else {
        text += rest_.front();
      }
      rest_.remove_prefix(1);
    }
    return take('"');
  }

  // A number, in quotes or not; what is none, or negative, is 0.
  bool take_count(std::uint64_t& count) {
    count = 0;
    std::string text;
    skip_space();
    if (!rest_.empty() && rest_.front() == '"') {
      if (!take_text(text)) return false;
    } else {
      const std::size_t end = rest_.find_first_of(",}] \t\r\n");
      if (end == rest_.npos || end == 0) return false;
      text = rest_.substr(0, end);
      rest_.remove_prefix(end);
    }
    std::uint64_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (error == std::errc() && end == text.data() + text.size()) count = read;
    return true;
  }

  // Any value, however deep.
  bool skip() {
    std::size_t depth = 0;
    std::string text;
    do {
      skip_space();
      if (rest_.empty()) return false;
      const char c = rest_.front();
      if (c == '"') {
        if (!take_text(text)) return false;
      } else if (c == '{' || c == '[') {
        ++depth;
        rest_.remove_prefix(1);
      } else if (c == '}' || c == ']') {
        if (depth == 0) return false;
        --depth;
        rest_.remove_prefix(1);
      } else if (c == ',' || c == ':') {
        if (depth == 0) return false;
        rest_.remove_prefix(1);
      } else {
        const std::size_t end = rest_.find_first_of(",:}] \t\r\n\"{[");
        if (end == rest_.npos) return false;
        rest_.remove_prefix(end);
      }
    } while (depth > 0);
    return true;
  }

  // Calls member(name) for each, which takes the value.
  template <class Member>
  bool object(Member&& member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    std::string name;
    do {
      if (!take_text(name) || !take(':') || !member(name)) return false;
    } while (take(','));
    return take('}');
  }

 private:
  void skip_space() {
    const std::size_t begin = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(begin == rest_.npos ? rest_.size() : begin);
  }
  static char plain(char escaped) {
    return escaped == 'n' || escaped == 't' || escaped == 'r' || escaped == 'b' || escaped == 'f'
               ? ' '
               : escaped;
  }

  std::string_view rest_;
};

}  // namespace

PartialSuccess partial_success(std::string_view body) {
  PartialSuccess found;
  Scanner scanner(body);
  const bool whole = scanner.object([&](const std::string& name) {
    if (name != "partialSuccess") return scanner.skip();
    return scanner.object([&](const std::string& member) {
      if (member == "rejectedLogRecords" || member == "rejectedDataPoints" ||
          member == "rejectedSpans") {
        return scanner.take_count(found.rejected);
      }
      return member == "errorMessage" ? scanner.take_text(found.message) : scanner.skip();
    });
  });
  return whole ? found : PartialSuccess();
}

}  // namespace mayfly::otlp
