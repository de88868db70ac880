#include "tools/mayfly/letter_corrections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

namespace mayfly::cli {

Result<LetterCorrections> read_corrections(const std::string& file) {
  std::ifstream opened;
  std::error_code error;
  if (file != "-") opened.open(file);
  std::istream& stream = file == "-" ? std::cin : opened;
  if (!stream || std::filesystem::is_directory(file, error)) {
    return Status(Code::kNoInput,
                  fmt::format("--from {}: expected a file of corrected letters, found {}", file,
                              error || stream ? "a folder" : std::strerror(errno)));
  }
  LetterCorrections corrections;
  std::string line;
  for (std::uint64_t number = 1; std::getline(stream, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto bad = [&](const std::string& what) {
      return Status(Code::kBadData,
                    fmt::format("--from {}:{}: {}; each line is one letter, as mayfly dlq show "
                                "--output json writes it. Nothing was changed",
                                file, number, what));
    };
    auto letter = parse_letter_line(line);
    if (!letter.ok()) return bad(letter.status().message());
    if (!letter->id) return bad("expected the letter's number as \"id\", found none");
    const std::int64_t id = *letter->id;
    if (!corrections.emplace(id, std::move(*letter)).second) {
      return bad(fmt::format("expected each letter once, found letter {} again", id));
    }
  }
  if (stream.bad()) {
    return Status(Code::kNoInput, fmt::format("--from {}: it can't be read to its end: {}", file,
                                              std::strerror(errno)));
  }
  // Whatever was to write it has failed, or chose none; without it all letters would be meant.
  if (corrections.empty()) {
    return Status(Code::kBadData,
                  fmt::format("--from {}: expected at least one letter, found none; without --from "
                              "letters are replayed as they are. Nothing was changed",
                              file));
  }
  return corrections;
}

std::vector<std::int64_t> ids_of(const LetterCorrections& corrections) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, letter] : corrections) ids.push_back(id);
  return ids;
}

SqliteError correct_letters(SqliteConnection& connection, const LetterCorrections& corrections,
                            const std::vector<std::int64_t>& ids) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "UPDATE mayfly_dead_letters SET columns = ?2, raw = ?3 WHERE id = ?1", statement, false);
  for (const auto& [id, letter] : corrections) {
    if (!error.ok()) break;
    if (!std::ranges::binary_search(ids, id)) continue;
    statement.bind(1, id).bind_null(2).bind_null(3);
    if (letter.kind == LetterLine::Kind::kColumns) {
      statement.bind(2, letter.content);
    } else {
      statement.bind_blob(3, letter.content);
    }
    error = statement.run();
  }
  return error;
}

}  // namespace mayfly::cli
