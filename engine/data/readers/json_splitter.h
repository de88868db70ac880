// JsonSplitter: finds the elements of a JSON document: of an array, or values one after the other,
// over as many lines as they take.
//
// ELEMENT    From a bracket to the one that closes it; what begins with no bracket ends with its
// line,
//            or with the next comma or bracket. Nothing of it is checked (json_scanner.h does
//            that). A string ends with its line, if it has no closing quote: so a stray quote costs
//            the elements that begin on its line, or as many as their brackets then take.
// MISTAKES   An element that stands where none may is given with what was expected there.
// INPUT      As CsvScanner: an element that isn't all there is to be in the next input again.
// THREADS    One at a time. Nothing is owned.
#pragma once

#include <cstdint>
#include <string_view>

namespace mayfly {

// Looks for the end of one element, in as many parts as it comes in.
class JsonElementEnd {
 public:
  // Behind the element's last character; null when that isn't in this part.
  const char* find(const char* begin, const char* end);
  // Whether there was a newline in it, and how many.
  std::uint32_t newlines() const { return newlines_; }

 private:
  std::uint64_t depth_ = 0;
  std::uint32_t newlines_ = 0;
  bool begun_ = false;  // a character of it was seen
  bool scalar_ = false;
  bool quoted_ = false;
  bool escaped_ = false;
};

class JsonSplitter {
 public:
  enum class Piece : std::uint8_t {
    kElement,
    kMore,      // the element isn't all there
    kUnclosed,  // the document ended within the array
    kEnd,       // nothing follows
  };
  // What came last; the document begins in none of these.
  enum class Place : std::uint8_t { kOutside, kOpened, kElement, kComma, kClosed };

  // array: the document is one, and its opening bracket was passed.
  explicit JsonSplitter(bool array) : array_(array), place_(first_place()) {}
  // Where the document goes on: at its first element, or behind one.
  void go_to(bool first) { place_ = first ? first_place() : Place::kElement; }

  void start(const char* begin, const char* end, bool at_end);
  Piece next();

  // After kElement.
  std::string_view element() const {
    return {element_, static_cast<std::size_t>(cursor_ - element_)};
  }
  std::uint32_t newlines() const { return end_of_element_.newlines(); }
  // What was expected in its place; empty: an element.
  std::string_view expected() const { return expected_; }
  // Before the element, or, after kMore, before what is there of it: where it begins, and newlines
  // between the one before and it.
  const char* begin_of_element() const { return element_; }
  std::uint32_t newlines_before() const { return newlines_before_; }
  // The element is looked at again by the next start().
  void put_back() { place_ = place_before_; }
  // After kMore: how far its end was looked for.
  const JsonElementEnd& end_of_element() const { return end_of_element_; }
  // The element's end will be looked for by the caller.
  void pass_element() {
    if (place_ != Place::kClosed) place_ = Place::kElement;
  }

 private:
  Place first_place() const { return array_ ? Place::kOpened : Place::kOutside; }
  bool pass_separator(char c);

  const bool array_;
  Place place_;
  Place place_before_ = Place::kOutside;  // the element
  bool at_end_ = false;
  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
  const char* element_ = nullptr;
  std::uint32_t newlines_before_ = 0;
  std::string_view expected_;
  JsonElementEnd end_of_element_;
};

// One line of it: newlines outside of strings are blanks. A newline within a string stays, since no
// JSON has one there.
void flatten_json(std::string_view element, char* out);

}  // namespace mayfly
