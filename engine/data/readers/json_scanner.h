// JsonScanner: splits lines of JSON into the members of their top-level objects.
//
// simdjson's first stage finds the tokens of a whole window of lines at once and checks UTF-8 and
// strings; the members are walked from that index. A window in which it finds something wrong is
// indexed again line by line, so that a broken line costs the others nothing but time.
//
// MEMORY     Members point into the input: keys and strings as they stand between their quotes. The
//            index grows to the largest window seen.
// THREADS    One at a time. kReadPadding bytes after the input must be readable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mayfly {

// What a JSON value is.
enum class JsonKind : std::uint8_t { kNull, kFalse, kTrue, kNumber, kString, kObject, kArray };

// One member of an object, where it lies in the input.
struct JsonMember {
  std::string_view key;
  std::string_view text;  // of a number: not checked beyond its first character
  JsonKind kind;
};

class JsonScanner {
 public:
  enum class Line : std::uint8_t { kObject, kBlank, kBroken, kEnd };
  enum class Step : std::uint8_t { kMember, kEnd, kBroken };

  JsonScanner();
  ~JsonScanner();
  JsonScanner(const JsonScanner&) = delete;
  JsonScanner& operator=(const JsonScanner&) = delete;

  // Lines from begin to end; the last may lack its newline.
  void start(const char* begin, const char* end);
  Line next_line();
  // After kObject. Stops at the first thing that is wrong.
  Step next_member(JsonMember* member);

  // The line without its newline, and where the next one begins.
  std::string_view line() const { return {line_, static_cast<std::size_t>(line_end_ - line_)}; }
  const char* next() const { return next_; }
  // After kBroken: what was expected and found, and where in the line.
  const std::string& error() const { return error_; }

 private:
  struct Index;

  const char* at(std::uint32_t token) const { return base_ + tokens_[token]; }
  char char_at(std::uint32_t token) const { return at(token) < line_end_ ? *at(token) : '\0'; }
  // From a token to the end of its text: blanks before the next token aren't part of it.
  std::string_view text_of(std::uint32_t token) const;
  bool index(const char* begin, const char* end);
  bool scalar(JsonMember* member);
  bool nested(JsonMember* member);
  Step finish();
  Step broken(std::string_view expected);
  Step broken_at(std::string_view expected, const char* where);

  std::unique_ptr<Index> index_;
  const std::uint32_t* tokens_ = nullptr;  // offsets from base_; one after the last is the end
  const char* base_ = nullptr;
  const char* end_ = nullptr;
  const char* line_ = nullptr;
  const char* line_end_ = nullptr;
  const char* next_ = nullptr;
  std::uint32_t token_ = 0;
  bool whole_ = false;  // the window is indexed as a whole
  bool first_ = false;
  std::string error_;
};

}  // namespace mayfly
