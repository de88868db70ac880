#include "mayfly/config/toml_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

// Errors as values. toml++ 3.3.0 asserts, and under NDEBUG assumes, things of its input that
// damaged files don't keep ("12:x" as a time, say), and then checks them properly all the same. So
// its assertions are nothing here, in every kind of build; the test with damaged files covers it.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(expression) static_assert(true)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace mayfly {
namespace {

TextPlace place_of(const toml::source_position& position) {
  return {position.line, position.column};
}

std::string_view kind_of(const toml::node& node) {
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  if (node.is_integer()) return "an integer";
  if (node.is_floating_point()) return "a float";
  if (node.is_boolean()) return "a boolean";
  return "a date or time";
}

std::vector<TomlEntry> entries_of(const toml::table& table);

decltype(TomlEntry::value) value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return RawValue(text->get());
  if (const auto* number = node.as_integer()) return RawValue(number->get());
  if (const auto* real = node.as_floating_point()) return RawValue(real->get());
  if (const auto* flag = node.as_boolean()) return RawValue(flag->get());
  if (const auto* table = node.as_table()) return entries_of(*table);
  const auto* array = node.as_array();
  if (array == nullptr) return RawValue(UnfitValue{"a date or time"});
  if (array->is_array_of_tables()) {
    TomlEntry::Tables tables;
    for (const toml::node& element : *array) {
      TomlEntry entry;
      entry.place = entry.value_place = place_of(element.source().begin);
      entry.value = entries_of(*element.as_table());
      tables.entries.push_back(std::move(entry));
    }
    return tables;
  }
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) {
      return RawValue(UnfitValue{fmt::format("a list with {} in it", kind_of(element))});
    }
    texts.push_back(text->get());
  }
  return RawValue(std::move(texts));
}

std::vector<TomlEntry> entries_of(const toml::table& table) {
  std::vector<TomlEntry> entries;
  for (const auto& [key, node] : table) {
    TomlEntry entry;
    entry.key = std::string(key.str());
    entry.place = place_of(key.source().begin);
    entry.value_place = place_of(node.source().begin);
    entry.value = value_of(node);
    if (const auto* array = node.as_array()) {
      for (const toml::node& element : *array) {
        entry.elements.push_back(place_of(element.source().begin));
      }
    }
    entries.push_back(std::move(entry));
  }
  // The parser's tables are sorted by key.
  std::sort(entries.begin(), entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return entries;
}

// The text by lines, so that lines can be left out without moving the others.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    std::size_t begin = 0;
    while (begin <= text_.size()) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      lines_.push_back({begin, end});
      begin = end + 1;
    }
  }

  const std::string& text() const { return text_; }
  std::size_t size() const { return lines_.size(); }
  // From 1. Where the last content is, when the error is said to be after the end.
  std::size_t last_with_content(std::size_t line) const {
    line = std::min(line, size());
    while (line > 0 && is_blank(line)) --line;
    return line;
  }
  bool is_blank(std::size_t line) const { return trimmed(line).empty(); }
  bool is_header(std::size_t line) const { return trimmed(line).starts_with('['); }
  void blank(std::size_t line) {
    const auto [begin, end] = lines_[line - 1];
    std::fill(text_.begin() + static_cast<std::ptrdiff_t>(begin),
              text_.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  }
  // The line from 1; where its character of that number begins, from 1 as well.
  std::string_view line(std::size_t line) const {
    const auto [begin, end] = lines_[line - 1];
    return std::string_view(text_).substr(begin, end - begin);
  }
  std::size_t byte_of(std::size_t line, std::size_t column) const {
    const std::string_view text = this->line(line);
    std::size_t at = 0;
    const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    for (; column > 1 && at < text.size(); --column) {
      do ++at;
      while (at < text.size() && is_inside(text[at]));
    }
    return at;
  }
  // "node.retry" of the header at or above the line; empty: top level.
  std::string section(std::size_t line) const {
    while (line > 0 && !is_header(line)) --line;
    if (line == 0) return {};
    std::string_view header = trimmed(line);
    header.remove_prefix(std::min(header.find_first_not_of('['), header.size()));
    return std::string(header.substr(0, header.find(']')));
  }

 private:
  std::string_view trimmed(std::size_t line) const {
    const auto [begin, end] = lines_[line - 1];
    std::string_view view = std::string_view(text_).substr(begin, end - begin);
    const std::size_t first = view.find_first_not_of(" \t\r");
    return first == std::string_view::npos ? std::string_view() : view.substr(first);
  }

  std::string text_;
  std::vector<std::pair<std::size_t, std::size_t>> lines_;
};

// Leaves out what the error is on; false when there is nothing left to leave out.
bool leave_out(Lines& lines, std::size_t error_line, std::set<std::string>& incomplete) {
  std::size_t line = lines.last_with_content(error_line);
  if (line == 0) return false;
  incomplete.insert(lines.section(line));
  const bool header = lines.is_header(line);
  lines.blank(line);
  // Entries of a section whose header is wrong must not become those of the section before it.
  if (header) {
    while (++line <= lines.size() && !lines.is_header(line)) lines.blank(line);
  }
  return true;
}

// The parser's words begin with where it was: "Error while parsing key-value pair: ...".
std::string without_preamble(std::string_view description) {
  const std::size_t colon = description.find(": ");
  if (description.starts_with("Error while parsing ") && colon != std::string_view::npos) {
    description.remove_prefix(colon + 2);
  }
  return std::string(description);
}

// A number that doesn't fit is told where the parser ends to read it, and without its option.
std::optional<Diagnostic> too_large(const Lines& lines, TextPlace place,
                                    std::string_view description) {
  if (!description.ends_with("not representable in 64 bits") || place.line > lines.size()) {
    return std::nullopt;
  }
  constexpr std::string_view kOfNumbers = "0123456789abcdefABCDEFxo_+-.";
  const std::string_view line = lines.line(place.line);
  const std::size_t end = lines.byte_of(place.line, place.column);
  const std::size_t last = line.find_last_not_of(kOfNumbers, end == 0 ? 0 : end - 1);
  const std::size_t begin = last == line.npos ? 0 : last + 1;
  if (begin >= end) return std::nullopt;
  place.column -= static_cast<std::uint32_t>(end - begin);
  std::string owner;
  if (const std::size_t equals = line.find('='); equals < begin) {
    const std::string section = lines.section(place.line);
    const std::size_t dot = section.find('.');
    std::string_view key = line.substr(0, equals);
    key = key.substr(std::min(key.find_first_not_of(" \t"), key.size()));
    key = key.substr(0, key.find_last_not_of(" \t") + 1);
    owner = fmt::format("{}.{}: ", dot == section.npos ? section : section.substr(dot + 1), key);
  }
  return Diagnostic{place,
                    fmt::format("{}expected a number that fits in 64 bits, found {}", owner,
                                line.substr(begin, end - begin)),
                    ""};
}

}  // namespace

TomlDocument read_toml(std::string_view text) {
  TomlDocument document;
  Lines lines(text);
  for (;;) {
    const toml::parse_result result = toml::parse(std::string_view(lines.text()));
    if (result.succeeded()) {
      document.entries = entries_of(result.table());
      return document;
    }
    const toml::parse_error& error = result.error();
    const TextPlace place = place_of(error.source().begin);
    document.errors.push_back(
        too_large(lines, place, error.description())
            .value_or(Diagnostic{place, "syntax: " + without_preamble(error.description()), ""}));
    if (document.errors.size() == kSyntaxErrorsMax) return document;
    if (!leave_out(lines, place.line, document.incomplete)) return document;
  }
}

}  // namespace mayfly
