#include "mayfly/data/readers/format.h"

#include <string>

namespace mayfly {
namespace {

std::string_view extension(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)) return {};
  return path.substr(dot);
}

}  // namespace

std::optional<Format> format_from_name(std::string_view path) {
  std::string name(path);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  std::string_view rest = name;
  std::string_view type = extension(rest);
  if (type == ".gz" || type == ".zst" || type == ".zstd") {
    rest.remove_suffix(type.size());
    type = extension(rest);
  }
  if (type == ".csv") return Format::kCsv;
  if (type == ".tsv" || type == ".tab") return Format::kTsv;
  if (type == ".ndjson" || type == ".jsonl") return Format::kNdjson;
  return std::nullopt;
}

Status check_encoding(std::string_view head) {
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    return Status(
        Code::kNoInput,
        "expected UTF-8, found UTF-16 by its byte order mark; convert it (iconv -f UTF-16 "
        "-t UTF-8)");
  }
  return {};
}

Result<Format> format_from_content(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '{') return Format::kNdjson;
  if (first != std::string_view::npos && head[first] == '[') {
    const std::size_t second = head.find_first_not_of(" \t\r\n", first + 1);
    if (second != std::string_view::npos && (head[second] == '{' || head[second] == ']')) {
      return Status(Code::kNoInput,
                    "expected one JSON object a line, found an array; unwrap it (jq -c '.[]')");
    }
  }
  const std::string_view line = head.substr(0, head.find('\n'));
  const bool tabs = line.find('\t') != std::string_view::npos;
  return tabs && line.find(',') == std::string_view::npos ? Format::kTsv : Format::kCsv;
}

}  // namespace mayfly
