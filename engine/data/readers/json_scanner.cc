#include "mayfly/data/readers/json_scanner.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/json_text.h"

namespace mayfly {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

struct JsonScanner::Index {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  std::size_t capacity = 0;
  const char* error = nullptr;
};

JsonScanner::JsonScanner() : index_(std::make_unique<Index>()) {}
JsonScanner::~JsonScanner() = default;

// Finds the tokens of [begin, end).
bool JsonScanner::index(const char* begin, const char* end) {
  const auto size = static_cast<std::size_t>(end - begin);
  simdjson::error_code error = simdjson::SUCCESS;
  if (size > index_->capacity) {
    constexpr std::size_t kStep = 64 << 10;
    constexpr std::size_t kDepth = 1;  // for a stage that isn't used
    const std::size_t capacity = (size + kStep - 1) / kStep * kStep;
    error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, kDepth, index_->stage);
    index_->capacity = error == simdjson::SUCCESS ? capacity : 0;
  }
  if (error == simdjson::SUCCESS) {
    error = index_->stage->stage1(reinterpret_cast<const std::uint8_t*>(begin), size,
                                  simdjson::stage1_mode::regular);
  }
  if (error != simdjson::SUCCESS) {
    index_->error = simdjson::error_message(error);
    return false;
  }
  index_->stage->structural_indexes[index_->stage->n_structural_indexes] =
      static_cast<std::uint32_t>(size);
  tokens_ = index_->stage->structural_indexes.get();
  base_ = begin;
  token_ = 0;
  return true;
}

void JsonScanner::start(const char* begin, const char* end) {
  end_ = end;
  next_ = begin;
  whole_ = begin != end && index(begin, end);
}

JsonScanner::Line JsonScanner::next_line() {
  line_ = next_;
  if (line_ == end_) return Line::kEnd;
  const void* newline = std::memchr(line_, '\n', static_cast<std::size_t>(end_ - line_));
  line_end_ = newline == nullptr ? end_ : static_cast<const char*>(newline);
  next_ = newline == nullptr ? end_ : line_end_ + 1;
  if (line_end_ > line_ && line_end_[-1] == '\r') --line_end_;
  if (whole_) {
    while (at(token_) < line_) ++token_;  // what a broken line left
    if (at(token_) >= line_end_) return Line::kBlank;
  } else {
    if (std::all_of(line_, line_end_, is_blank)) return Line::kBlank;
    if (!index(line_, line_end_)) {
      error_ = "expected a JSON object, found a line of which the parser says: ";
      error_ += index_->error;
      return Line::kBroken;
    }
  }
  if (*at(token_) != '{') {
    broken("an object in braces");
    return Line::kBroken;
  }
  ++token_;
  first_ = true;
  return Line::kObject;
}

inline std::string_view JsonScanner::text_of(std::uint32_t token) const {
  const char* const begin = at(token);
  const char* end = std::min(at(token + 1), line_end_);
  // What isn't above a blank and stands between two tokens is a blank: all else is a token.
  while (end > begin && static_cast<unsigned char>(end[-1]) <= ' ') --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

JsonScanner::Step JsonScanner::next_member(JsonMember* member) {
  char c = char_at(token_);
  if (c == '}') return finish();
  if (!first_) {
    if (c != ',') return broken("a comma or the end of the object");
    c = char_at(++token_);
  }
  first_ = false;
  if (c != '"') return broken("a key in quotes");
  const std::string_view key = text_of(token_);
  if (key.size() < 2 || key.back() != '"') return broken("a key in quotes");
  member->key = key.substr(1, key.size() - 2);
  if (char_at(++token_) != ':') return broken("a colon after the key");
  c = char_at(++token_);
  if (c == '"') [[likely]] {
    const std::string_view text = text_of(token_);
    if (text.size() < 2 || text.back() != '"') return broken("a closing quote");
    member->text = text.substr(1, text.size() - 2);
    member->kind = JsonKind::kString;
    ++token_;
    return Step::kMember;
  }
  if (c == '{' || c == '[') return nested(member) ? Step::kMember : Step::kBroken;
  return scalar(member) ? Step::kMember : Step::kBroken;
}

bool JsonScanner::scalar(JsonMember* member) {
  const char c = char_at(token_);
  member->text = c == '\0' ? std::string_view() : text_of(token_);
  if (c == '-' || (c >= '0' && c <= '9')) {
    member->kind = JsonKind::kNumber;
  } else if (member->text == "true") {
    member->kind = JsonKind::kTrue;
  } else if (member->text == "false") {
    member->kind = JsonKind::kFalse;
  } else if (member->text == "null") {
    member->kind = JsonKind::kNull;
  } else {
    broken("a value");
    return false;
  }
  ++token_;
  return true;
}

// An object or array: its text, from bracket to bracket.
bool JsonScanner::nested(JsonMember* member) {
  const char* const begin = at(token_);
  member->kind = *begin == '{' ? JsonKind::kObject : JsonKind::kArray;
  std::uint32_t depth = 0;
  do {
    switch (char_at(token_)) {
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        --depth;
        break;
      case '\0':
        broken("the end of a nested object or array");
        return false;
      default:
        break;
    }
    ++token_;
  } while (depth > 0);
  member->text = {begin, static_cast<std::size_t>(at(token_ - 1) + 1 - begin)};
  const char* const error = find_json_error(member->text);
  if (error == nullptr) return true;
  broken_at(std::string_view(error).substr(std::string_view("expected ").size()), begin);
  return false;
}

JsonScanner::Step JsonScanner::finish() {
  ++token_;
  return char_at(token_) == '\0' && at(token_) >= line_end_ ? Step::kEnd
                                                            : broken("one object on the line");
}

JsonScanner::Step JsonScanner::broken(std::string_view expected) {
  return broken_at(expected, std::min(at(token_), line_end_));
}

JsonScanner::Step JsonScanner::broken_at(std::string_view expected, const char* where) {
  error_ = "expected ";
  error_ += expected;
  error_ += " at byte " + std::to_string(where - line_) + " of the line, found ";
  if (where == line_end_) {
    error_ += "its end";
  } else {
    constexpr std::size_t kShown = 24;
    const auto left = static_cast<std::size_t>(line_end_ - where);
    append_excerpt({where, std::min(left, kShown)}, &error_);
  }
  return Step::kBroken;
}

}  // namespace mayfly
