#include "tools/mayfly/aftermath.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "mayfly/data/readers/byte_source.h"
#include "tools/mayfly/advice.h"
#include "tools/mayfly/human_text.h"

namespace mayfly::cli {
namespace {

// Standard input and pipes, as the file source calls them.
constexpr std::string_view kStreamKey = "-";

// NULL is like no other key, also to SQLite.
constexpr std::string_view kKeyed = "known keys aren't doubled, except NULL";

bool is_compressed(const std::string& path) {
  std::array<char, 8> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  const auto size = static_cast<std::size_t>(file.gcount());
  return detect_encoding({head.data(), size}) != Encoding::kPlain;
}

std::string sql_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

// After which a run finds no position for the table, of these sources or of all, and reads from the
// start. Other tables keep theirs: their pipelines may read the same files.
std::string forget_command(const Aftermath& a, const std::vector<std::string>& sources = {}) {
  std::string which;
  for (const std::string& source : sources) {
    which += which.empty() ? "" : ", ";
    which += sql_text(source);
  }
  if (sources.size() == 1) which = "source = " + which + " AND ";
  if (sources.size() > 1) which = "source IN (" + which + ") AND ";
  // A table's marks may spell its name in another case.
  const std::string where =
      fmt::format(" WHERE {}target = {} COLLATE NOCASE", which, sql_text(a.table));
  return fmt::format("sqlite3 {} {}", shell_quoted(a.database),
                     shell_quoted("DELETE FROM mayfly_offsets" + where +
                                  "; DELETE FROM mayfly_offset_ranges" + where));
}

std::string gone_text(const Aftermath& a) {
  const bool replaced = a.table_state == TableState::kDatabaseReplaced;
  const bool all = a.table_state == TableState::kDatabaseGone || replaced;
  const std::string what =
      replaced ? fmt::format("{} is another file now", a.database)
      : all    ? fmt::format("{} isn't there any more", a.database)
               : fmt::format("there is no table {} in {} any more", a.table, a.database);
  const std::string anew = !a.always_resumes ? "read the input anew, without --resume"
                           : all             ? "let the next run read the input anew"
                                             : "read the input anew, after " + forget_command(a);
  return what + ", and what was written to it went with it. Put it back, or " + anew;
}

std::string unless_prevented(const Aftermath& a) {
  return fmt::format("unless a unique key of {} prevents it", a.table);
}

// The next run, too, reads everything.
std::string positions_gone_text(const Aftermath& a) {
  const std::string text = fmt::format(
      "{}, but there is no table mayfly_offsets in {} any more: how far the input was read isn't "
      "known, and the same command reads all of it",
      a.kept, a.database);
  return text + (a.keyed
                     ? std::string("; ") + std::string(kKeyed)
                     : fmt::format(". Take these rows out of {} before, else they are doubled, {}",
                                   a.table, unless_prevented(a)));
}

std::string uncapitalized(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// `run` knows no way to leave a position out.
std::string forget_text(const Aftermath& a, const std::vector<std::string>& sources) {
  const std::string take_out =
      a.keyed ? "" : fmt::format("take what came from it out of {}, then ", a.table);
  return "To read it anew, " + take_out + forget_command(a, sources);
}

std::string other_file_text(const Aftermath& a) {
  const std::string text =
      fmt::format("{}, but came from a file that {}; {} will be another file to {}. ", a.kept,
                  a.input == InputState::kDamaged ? "is damaged" : "changed meanwhile",
                  a.input == InputState::kDamaged ? "the whole one" : "it",
                  a.always_resumes ? "the next run" : "--resume");
  if (a.always_resumes) return text + forget_text(a, {a.source});
  return text + (a.keyed ? "Give the same command without --resume then: " + std::string(kKeyed)
                         : fmt::format("Take these rows out of {} before you give the same command "
                                       "without --resume, else they are doubled, {}",
                                       a.table, unless_prevented(a)));
}

}  // namespace

std::string to_text(const Aftermath& a) {
  const bool can_be_read = a.table_state == TableState::kThere ||
                           a.table_state == TableState::kUnknown ||
                           a.table_state == TableState::kPositionsGone;
  if (!can_be_read) return gone_text(a);
  const bool reads_again = a.input == InputState::kSame || a.input == InputState::kWritten;
  if (a.table_state == TableState::kPositionsGone && reads_again) return positions_gone_text(a);
  switch (a.input) {
    case InputState::kSame:
      return a.kept + ". " + a.go_on;
    case InputState::kStream:
      return fmt::format("{}. {} can't be read again: feed what is missing", a.kept, a.input_name);
    case InputState::kDamaged:
    case InputState::kChanged:
      return other_file_text(a);
    case InputState::kWritten:
      return a.kept + ". If the file is as it was, " + uncapitalized(a.go_on) +
             "; if not: " + uncapitalized(to_read_anew(a));
  }
  return a.kept;
}

InputState input_state(const RunResult& result, std::string& source) {
  const auto& sources = result.stats.sources;
  const auto failed = std::ranges::find_if(sources, [&](const SourceStats& s) {
    return !result.status.ok() && result.status.message().starts_with(s.name + ": ");
  });
  const auto stream = std::ranges::find(sources, kStreamKey, &SourceStats::key);
  const auto about = failed != sources.end() ? failed : stream;
  if (about == sources.end()) return InputState::kSame;
  source = about->key;
  if (source == kStreamKey) return InputState::kStream;
  // No row of it: what was written is of the sources before it, which are as they were.
  if (about->totals.read == 0 && about->resumed_from == 0) return InputState::kSame;
  if (result.status.code() == Code::kNoInput) {
    // As the file source says it.
    const bool waited =
        result.status.message().find("looked at before its turn came") != std::string::npos;
    return waited ? InputState::kWritten : InputState::kChanged;
  }
  // A read that failed may well succeed the next time; what a decoder says of the data, won't.
  const bool damaged =
      result.status.code() == Code::kIo && is_compressed(source) &&
      result.status.message().find(": can't be read at byte ") == std::string::npos;
  return damaged ? InputState::kDamaged : InputState::kSame;
}

std::string source_that_changed(const Status& status) {
  // As the file source says it.
  constexpr std::string_view kChanged = ": changed since the mark at byte ";
  const std::string& message = status.message();
  const std::size_t end = message.find(kChanged);
  if (status.code() != Code::kNoInput || end == std::string::npos) return {};
  // The source's name may stand before the file's.
  for (std::size_t begin = 0; begin < end; begin = message.find(": ", begin) + 2) {
    std::error_code error;
    const auto real = std::filesystem::canonical(message.substr(begin, end - begin), error);
    if (!error) return real.string();
    if (message.find(": ", begin) >= end) break;
  }
  return {};
}

std::string to_read_anew(const Aftermath& a) {
  if (a.always_resumes) return forget_text(a, {a.source});
  return "The same command without --resume reads all its files anew; " +
         (a.keyed ? std::string(kKeyed)
                  : fmt::format("take what came from them out of {} before, else it is doubled, {}",
                                a.table, unless_prevented(a)));
}

std::vector<std::string> sources_of(const RunResult& result) {
  std::vector<std::string> keys;
  for (const SourceStats& source : result.stats.sources) {
    if (source.key != kStreamKey) keys.push_back(source.key);
  }
  return keys;
}

bool is_warning(const Aftermath& a) {
  return a.input == InputState::kDamaged || a.input == InputState::kChanged ||
         a.input == InputState::kWritten;
}

TableState table_state_after(const RunResult& result, const std::string& database,
                             const std::string& table) {
  if (!result.database_moved) return state_of_table(database, table);
  std::error_code failed;
  return std::filesystem::exists(database, failed) ? TableState::kDatabaseReplaced
                                                   : TableState::kDatabaseGone;
}

std::string to_begin_again(const Aftermath& a, std::uint64_t written) {
  if (a.always_resumes) {
    if (a.sources.empty()) return "a stream isn't read again: feed the corrected rows alone";
    return fmt::format("what was read isn't read again by the next run. {}",
                       forget_text(a, a.sources));
  }
  if (written == 0) {
    return fmt::format(
        "no row was written to {0}, but its columns keep their types: before you ingest this input "
        "again with other types, drop {0}, if nothing else is in it; and leave --resume out",
        a.table);
  }
  const std::string rows = fmt::format("{} {} written to {}", rows_text(written),
                                       written == 1 ? "was" : "were", a.table);
  if (a.keyed) {
    return rows +
           ", whose columns keep their types. To ingest this input again, corrected or with other "
           "options, leave --resume out: " +
           std::string(kKeyed);
  }
  return fmt::format(
      "{}. Before you ingest this input again, corrected or with other options, take what was "
      "written out of it (or drop {}, if nothing else is in it: its columns keep their types) and "
      "leave --resume out; else it is doubled, {}",
      rows, a.table, unless_prevented(a));
}

bool is_keyed(WriterPlan::Mode mode) { return mode == WriterPlan::Mode::kUpsert; }

}  // namespace mayfly::cli
