#include "mayfly/dead_letters/stored_bytes.h"

#include <optional>
#include <utility>

#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/readers/json_text.h"
#include "mayfly/data/readers/reader.h"

namespace mayfly::dead_letters {
namespace {

// Members of the one object that a text is; `f` may stop. False: it isn't one.
template <class F>
bool for_each_member(std::string_view json, F&& f) {
  std::string padded(json);
  padded.append(kReadPadding, '\0');
  JsonScanner scanner;
  scanner.start(padded.data(), padded.data() + json.size());
  if (scanner.next_line() != JsonScanner::Line::kObject) return false;
  JsonMember member{};
  for (;;) {
    const JsonScanner::Step step = scanner.next_member(&member);
    if (step != JsonScanner::Step::kMember) return step == JsonScanner::Step::kEnd;
    f(member, static_cast<std::size_t>(member.text.data() - padded.data()));
  }
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

// An object with just that one member.
std::optional<StoredBytes> bytes_in(std::string_view object) {
  std::optional<StoredBytes> found;
  int members = 0;
  const bool whole = for_each_member(object, [&](const JsonMember& member, std::size_t) {
    ++members;
    const bool is_blob = member.key == "hex";
    if (member.kind != JsonKind::kString || (!is_blob && member.key != "text_hex")) return;
    if (auto bytes = from_hex(member.text)) found = StoredBytes{{}, std::move(*bytes), is_blob};
  });
  return whole && members == 1 ? found : std::nullopt;
}

}  // namespace

std::vector<StoredBytes> take_stored_bytes(std::string& json) {
  struct Place {
    std::size_t begin;
    std::size_t size;
  };
  std::vector<StoredBytes> all;
  if (json.find("hex\"") == std::string::npos) return all;  // nearly always
  std::vector<Place> places;
  const bool whole = for_each_member(json, [&](const JsonMember& member, std::size_t begin) {
    if (member.kind != JsonKind::kObject) return;
    auto bytes = bytes_in(member.text);
    if (!bytes) return;
    bytes->column.resize(member.key.size());
    const auto size = unescape_json(member.key, bytes->column.data());
    if (!size) return;
    bytes->column.resize(*size);
    all.push_back(std::move(*bytes));
    places.push_back({begin, member.text.size()});
  });
  if (!whole) return {};
  for (std::size_t i = places.size(); i-- > 0;) {
    json.replace(places[i].begin, places[i].size, "null");
  }
  return all;
}

}  // namespace mayfly::dead_letters
