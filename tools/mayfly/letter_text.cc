#include "tools/mayfly/letter_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "mayfly/base/base64.h"
#include "mayfly/base/json_text.h"
#include "mayfly/data/row_json.h"
#include "tools/mayfly/human_text.h"

namespace mayfly::cli {
namespace {

std::string place_of(const StoredLetter& letter) {
  if (letter.source.empty()) return "-";
  if (letter.line) return fmt::format("{}:{}", on_one_line(letter.source), *letter.line);
  return on_one_line(letter.source);
}

// JSON may go on over several lines, between its tokens.
std::string in_one_line(std::string json) {
  std::ranges::replace_if(
      json, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

JsonText head_of(const StoredLetter& letter) {
  JsonText json = JsonText::object();
  json.add("id", letter.id).add("at", letter.at).add("target", letter.target);
  if (!letter.source.empty()) json.add("source", letter.source);
  if (letter.line) json.add("line", *letter.line);
  if (letter.ordinal) json.add("ordinal", *letter.ordinal);
  json.add("node", letter.node).add("code", letter.code).add("reason", letter.reason);
  json.add("attempts", letter.attempts);
  return json;
}

void add_content(JsonText& json, const StoredLetter& letter) {
  if (has_column_values(letter)) {
    json.add_json("columns", in_one_line(*letter.columns));
  } else if (letter.columns) {
    json.add("columns_text", *letter.columns);  // somebody wrote what isn't JSON
  } else if (letter.raw) {
    // A NUL is a character of JSON, but few programs take it.
    const bool is_text = is_utf8(*letter.raw) && letter.raw->find('\0') == std::string::npos;
    is_text ? json.add("raw", *letter.raw) : json.add("raw_base64", to_base64(*letter.raw));
  }
}

// What is said of its bytes; nobody corrects it.
void add_format(JsonText& json, const StoredLetter& letter) {
  if (!letter.columns && letter.raw && letter.format && is_json(*letter.format)) {
    json.add_json("format", in_one_line(*letter.format));
  }
}

std::string letters_of(std::uint64_t letters) {
  return fmt::format("{} letter{}", with_commas(letters), letters == 1 ? "" : "s");
}

}  // namespace

bool has_column_values(const StoredLetter& letter) {
  if (!letter.columns || !is_json(*letter.columns)) return false;
  const std::size_t first = letter.columns->find_first_not_of(" \t\r\n");
  return first != std::string::npos && (*letter.columns)[first] == '{';
}

std::string to_line(const StoredLetter& letter) {
  std::string line = fmt::format("{}  {}  {}  {}  {}: {}", letter.id, on_one_line(letter.at),
                                 on_one_line(letter.target), on_one_line(letter.code),
                                 place_of(letter), on_one_line(letter.reason));
  if (letter.attempts > 0) line += fmt::format("  attempts={}", letter.attempts);
  return line + "\n";
}

std::string to_json_line(const StoredLetter& letter) { return head_of(letter).text() + "\n"; }

std::string to_text(const std::vector<LetterCount>& counts) {
  std::uint64_t all = 0;
  std::size_t width = 0;
  std::vector<std::string> names;
  for (const LetterCount& count : counts) {
    all += count.letters;
    names.push_back(fmt::format("{}  {}", on_one_line(count.target), on_one_line(count.code)));
    width = std::max(width, names.back().size());
  }
  std::string text = letters_of(all) + "\n";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    text += fmt::format("  {:<{}}  {}\n", names[i], width, with_commas(counts[i].letters));
  }
  return text;
}

std::string to_json_line(const std::vector<LetterCount>& counts) {
  std::uint64_t all = 0;
  JsonText list = JsonText::array();
  for (const LetterCount& count : counts) {
    all += count.letters;
    list.add(JsonText::object()
                 .add("target", count.target)
                 .add("code", count.code)
                 .add("letters", count.letters));
  }
  return JsonText::object().add("letters", all).add("counts", list).text() + "\n";
}

std::string to_text(const StoredLetter& letter) {
  std::string text = fmt::format("letter {}\n", letter.id);
  const auto add = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<9} {}\n", name, value);
  };
  add("at", on_one_line(letter.at));
  add("target", on_one_line(letter.target));
  add("source", place_of(letter));
  if (letter.ordinal) add("record", with_commas(static_cast<std::uint64_t>(*letter.ordinal) + 1));
  add("node", on_one_line(letter.node));
  add("code", on_one_line(letter.code));
  add("reason", on_one_line(letter.reason));
  add("attempts", fmt::format("{}", letter.attempts));
  if (letter.columns) add("columns", on_one_line(*letter.columns));
  if (letter.raw) {
    add("raw", on_one_line(*letter.raw));
    add("bytes", with_commas(letter.raw->size()));
    if (letter.format) add("format", on_one_line(*letter.format));
  }
  return text;
}

std::string to_full_json(const StoredLetter& letter) {
  JsonText json = head_of(letter);
  add_content(json, letter);
  add_format(json, letter);
  return json.text() + "\n";
}

std::string to_replay_line(std::uint64_t rank, const StoredLetter& letter) {
  JsonText json = JsonText::object();
  json.add("rank", rank).add("id", letter.id);
  add_content(json, letter);
  return json.text() + "\n";
}

}  // namespace mayfly::cli
