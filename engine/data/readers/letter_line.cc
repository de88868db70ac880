#include "mayfly/data/readers/letter_line.h"

#include <utility>

#include "mayfly/base/base64.h"
#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/readers/json_text.h"
#include "mayfly/data/readers/number.h"
#include "mayfly/data/readers/reader.h"

namespace mayfly {
namespace {

Status bad(std::string message) { return {Code::kBadData, std::move(message)}; }

Status expected(std::string_view what, const JsonMember& found) {
  std::string text = "expected ";
  text.append(what).append(", found ");
  append_excerpt(found.text, &text);
  return bad(std::move(text));
}

Result<std::int64_t> whole_number(std::string_view what, const JsonMember& member,
                                  std::int64_t least) {
  std::int64_t value = 0;
  const bool whole = member.kind == JsonKind::kNumber && parse_int64(member.text, &value);
  if (!whole || value < least) return expected(what, member);
  return value;
}

Result<std::string> text_of(std::string_view what, const JsonMember& member) {
  std::string text(member.text.size(), '\0');
  const auto size = member.kind == JsonKind::kString ? unescape_json(member.text, text.data())
                                                     : std::optional<std::size_t>();
  if (!size) return expected(what, member);
  text.resize(*size);
  return text;
}

Result<std::string> bytes_of(const JsonMember& member) {
  constexpr std::string_view kWhat = "base64 in a string for \"raw_base64\"";
  MAYFLY_ASSIGN_OR_RETURN(const std::string text, text_of(kWhat, member));
  auto bytes = from_base64(text);
  if (!bytes) return expected(kWhat, member);
  return std::move(*bytes);
}

Result<std::string> columns_of(const JsonMember& member) {
  if (member.kind != JsonKind::kObject) {
    return expected("an object of values by columns for \"columns\"", member);
  }
  return std::string(member.text);
}

}  // namespace

Result<LetterLine> parse_letter_line(std::string_view line) {
  std::string padded(line);
  padded.append(kReadPadding, '\0');
  JsonScanner scanner;
  scanner.start(padded.data(), padded.data() + line.size());
  const JsonScanner::Line kind = scanner.next_line();
  if (kind != JsonScanner::Line::kObject) {
    return bad(kind == JsonScanner::Line::kBroken ? scanner.error()
                                                  : "expected a JSON object, found none");
  }
  LetterLine letter;
  int contents = 0;
  JsonMember member{};
  for (;;) {
    const JsonScanner::Step step = scanner.next_member(&member);
    if (step == JsonScanner::Step::kBroken) return bad(scanner.error());
    if (step == JsonScanner::Step::kEnd) break;
    if (member.key == "id") {
      MAYFLY_ASSIGN_OR_RETURN(letter.id,
                              whole_number("a letter's number for \"id\"", member, INT64_MIN));
    } else if (member.key == "rank") {
      MAYFLY_ASSIGN_OR_RETURN(const std::int64_t rank,
                              whole_number("a number from 0 on for \"rank\"", member, 0));
      letter.rank = static_cast<std::uint64_t>(rank);
    } else if (member.key == "columns") {
      ++contents;
      letter.kind = LetterLine::Kind::kColumns;
      MAYFLY_ASSIGN_OR_RETURN(letter.content, columns_of(member));
    } else if (member.key == "raw") {
      ++contents;
      letter.kind = LetterLine::Kind::kRaw;
      MAYFLY_ASSIGN_OR_RETURN(letter.content, text_of("a string for \"raw\"", member));
    } else if (member.key == "raw_base64") {
      ++contents;
      letter.kind = LetterLine::Kind::kRaw;
      MAYFLY_ASSIGN_OR_RETURN(letter.content, bytes_of(member));
    }
  }
  if (contents != 1) {
    return bad(std::string("expected one of \"columns\", \"raw\" and \"raw_base64\", found ") +
               (contents == 0 ? "none" : "several"));
  }
  return letter;
}

}  // namespace mayfly
