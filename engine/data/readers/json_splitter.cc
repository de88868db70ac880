#include "mayfly/data/readers/json_splitter.h"

#include <cstring>
#include <utility>

namespace mayfly {

const char* JsonElementEnd::find(const char* begin, const char* end) {
  for (const char* at = begin; at != end; ++at) {
    const char c = *at;
    const bool first = !std::exchange(begun_, true);
    if (first) scalar_ = c != '{' && c != '[';
    if (c == '\n') {
      if (scalar_) return at;
      ++newlines_;
      quoted_ = escaped_ = false;
    } else if (quoted_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        quoted_ = false;
      }
    } else if (c == '"') {
      quoted_ = true;
    } else if (scalar_) {
      if (c == ',' || c == ']' || c == '}' || c == '[' || c == '{') {
        return first ? at + 1 : at;  // a bracket that closes nothing is one by itself
      }
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return at + 1;
    }
  }
  return nullptr;
}

void JsonSplitter::start(const char* begin, const char* end, bool at_end) {
  cursor_ = begin;
  end_ = end;
  at_end_ = at_end;
}

// Blanks and what stands between elements.
bool JsonSplitter::pass_separator(char c) {
  if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
    if (c == '\n') ++newlines_before_;
    return true;
  }
  if (!array_ || place_ == Place::kClosed) return false;
  if (c == ',' && place_ == Place::kElement) {
    place_ = Place::kComma;
    return true;
  }
  if (c == ']') {
    place_ = Place::kClosed;
    return true;
  }
  return false;
}

JsonSplitter::Piece JsonSplitter::next() {
  newlines_before_ = 0;
  while (cursor_ != end_ && pass_separator(*cursor_)) ++cursor_;
  element_ = cursor_;
  place_before_ = place_;
  end_of_element_ = {};
  if (cursor_ == end_) {
    if (!at_end_) return Piece::kMore;
    if (!array_ || place_ == Place::kClosed) return Piece::kEnd;
    place_ = Place::kClosed;
    return Piece::kUnclosed;
  }
  expected_ = {};
  if (array_ && place_ == Place::kElement) expected_ = "a comma or the end of the array";
  if (place_ == Place::kClosed) expected_ = "nothing behind the array";
  const char* end = end_of_element_.find(cursor_, end_);
  if (end == nullptr) {
    if (!at_end_) return Piece::kMore;
    end = end_;
  }
  cursor_ = end;
  pass_element();
  return Piece::kElement;
}

void flatten_json(std::string_view element, char* out) {
  std::memcpy(out, element.data(), element.size());
  bool quoted = false;
  for (std::size_t i = 0; i < element.size(); ++i) {
    if (quoted) {
      if (out[i] == '\\')
        ++i;
      else if (out[i] == '"')
        quoted = false;
      else if (out[i] == '\n')
        return;  // it is broken here
    } else if (out[i] == '"') {
      quoted = true;
    } else if (out[i] == '\n' || out[i] == '\r') {
      out[i] = ' ';
    }
  }
}

}  // namespace mayfly
