#include "mayfly/data/readers/format.h"

#include <algorithm>
#include <string>

namespace mayfly {
namespace {

std::string_view extension(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)) return {};
  return path.substr(dot);
}

// In lower case, and without what a packed file's name has behind it.
std::string type_of(std::string_view path) {
  std::string name(path);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  const std::string_view packed = extension(name);
  if (packed == ".gz" || packed == ".zst" || packed == ".zstd") {
    name.resize(name.size() - packed.size());
  }
  return std::string(extension(name));
}

// Without a byte order mark and the white space of JSON before it.
std::string_view from_first_character(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  return head.substr(std::min(head.size(), head.find_first_not_of(" \t\r\n")));
}

// An object that begins here and goes on, with a key, on the next line.
bool goes_on_behind_its_line(std::string_view text) {
  const std::size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n", newline);
  const std::size_t last = text.find_last_not_of(" \t\r", newline - 1);
  return text[last] != '}' && next != std::string_view::npos && text[next] == '"';
}

}  // namespace

std::optional<Format> format_from_name(std::string_view path) {
  const std::string type = type_of(path);
  if (type == ".csv") return Format::kCsv;
  if (type == ".tsv" || type == ".tab") return Format::kTsv;
  if (type == ".ndjson" || type == ".jsonl") return Format::kNdjson;
  return std::nullopt;
}

bool names_json(std::string_view path) {
  return type_of(path) == ".json" || format_from_name(path) == Format::kNdjson;
}

Format format_from_content(std::string_view head) {
  const std::string_view text = from_first_character(head);
  if (text.starts_with('{')) return json_format_from_content(text);
  if (text.starts_with('[')) {
    const std::string_view element = from_first_character(text.substr(1));
    if (element.starts_with('{') || element.starts_with(']')) return Format::kJson;
  }
  const std::string_view line = head.substr(0, head.find('\n'));
  const bool tabs = line.find('\t') != std::string_view::npos;
  return tabs && line.find(',') == std::string_view::npos ? Format::kTsv : Format::kCsv;
}

Format json_format_from_content(std::string_view head) {
  const std::string_view text = from_first_character(head);
  if (text.starts_with('[')) return Format::kJson;
  return text.starts_with('{') && goes_on_behind_its_line(text) ? Format::kJson : Format::kNdjson;
}

}  // namespace mayfly
