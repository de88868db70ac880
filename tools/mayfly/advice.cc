#include "tools/mayfly/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "tools/mayfly/human_text.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

constexpr int kReasonsShown = 3;

// Of a source's options those that the command line has, too. "file.csv: ..." is about a file.
constexpr std::string_view kReaderOptions[] = {
    "format", "encoding", "delimiter", "quote", "escape", "comment",  "skip_rows",     "columns",
    "rename", "types",    "null",      "empty", "infer",  "on_extra", "max_row_bytes", "limit"};

// As the command line calls the source of a file: file, or file_1 and so on.
bool is_file_source(std::string_view name) {
  return name.starts_with("file") &&
         name.find_first_not_of("_0123456789", 4) == std::string_view::npos;
}

// "file.skip_rows: " and what is behind it, of a source that the command line made: the option that
// is meant, or nothing.
std::string as_option(std::string_view line) {
  const std::size_t dot = line.find('.');
  const std::size_t colon = line.find(": ");
  if (dot == std::string_view::npos || colon == std::string_view::npos || colon < dot) return {};
  const std::string_view step = line.substr(0, dot);
  std::string name(line.substr(dot + 1, colon - dot - 1));
  const bool is_option = std::ranges::find(kReaderOptions, name) != std::end(kReaderOptions);
  if ((!is_file_source(step) && step != "letters") || !is_option) return {};
  std::ranges::replace(name, '_', '-');
  return fmt::format("--{}{}", name, line.substr(colon));
}

// "file_2: a.csv: ..." of one of these files: without the source's name, which the command line
// made.
std::string_view without_source(std::string_view line, std::span<const std::string> files) {
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos || !is_file_source(line.substr(0, colon))) return line;
  const std::string_view rest = line.substr(colon + 2);
  const auto is_about = [rest](const std::string& file) {
    return rest.starts_with((file == "-" ? "standard input" : file) + ": ");
  };
  return std::ranges::any_of(files, is_about) ? rest : line;
}

std::string without_sources(std::string_view message, std::span<const std::string> files) {
  std::string text;
  for (;;) {
    const std::size_t end = std::min(message.size(), message.find('\n'));
    text += without_source(message.substr(0, end), files);
    if (end == message.size()) return text;
    text += '\n';
    message.remove_prefix(end + 1);
  }
}

// Of several files with one mistake it is said once.
std::string with_options(std::string_view message) {
  std::string text;
  while (!message.empty()) {
    const std::size_t end = std::min(message.size(), message.find('\n'));
    const std::string line = as_option(message.substr(0, end));
    if (line.empty()) break;
    message.remove_prefix(std::min(message.size(), end + 1));
    if (text.find(line) == std::string::npos) text += (text.empty() ? "" : "\n") + line;
  }
  if (!message.empty() && !text.empty()) text += '\n';
  return text.append(message);
}

}  // namespace

void advise_dead_letters(const std::string& database, std::uint64_t rejected, Console& console) {
  std::string text = fmt::format(
      "{0} rejected; see them with: mayfly dlq list {1}, and once they are corrected, or the "
      "table, "
      "write them with: mayfly dlq replay {1}",
      rows_text(rejected), shell_quoted(database));
  if (rejected > kReasonsShown) text += fmt::format("\nThe last {} of them:", kReasonsShown);
  const int shown = static_cast<int>(std::min<std::uint64_t>(rejected, kReasonsShown));
  for (const std::string& letter : latest_dead_letters(database, shown)) text += "\n  " + letter;
  console.warning(text);
}

std::string rows_kept_text(std::uint64_t rows, std::uint64_t rejected, const std::string& database,
                           bool synced) {
  if (rows == 0) return "no row of the input is in " + database;
  std::string text =
      fmt::format("{} of the input {} in {}", rows_text(rows), rows == 1 ? "is" : "are", database);
  if (rejected > 0) text += fmt::format(" ({} of them as dead letters)", with_commas(rejected));
  return synced
             ? text + " for good"
             : text + ", but its disk failed or is full, so they may not outlast a power failure";
}

std::string in_command_line_words(std::string_view message, std::span<const std::string> files) {
  // Written out, so that no row's text that is quoted in a message is taken for an option.
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"infer = \"all\"", "--infer all"},
      {"infer: \"all\"", "--infer all"},
      {"\"sample\", or give types", "--infer sample, or give --types"},
      {"writer.table: ", "--table: "},
      {"writer.database: ", "--into: "},
      {"writer.primary_key: ", "--pk: "},
      {"writer.select: ", "--sql: "},
      {"; per_batch = true says that this is meant", "; expected one that gives rows one by one"},
      {"pipeline.batches: ", "--batches: "},
      {": columns: there is no column ", ": --columns: there is no column "},
      {": rename: there is no column ", ": --rename: there is no column "},
      {": types: there is no column ", ": --types: there is no column "},
  };
  std::string text = with_options(without_sources(message, files));
  for (const auto& [option, words] : kWords) {
    if (const std::size_t at = text.find(option); at != std::string::npos) {
      text.replace(at, option.size(), words);
    }
  }
  return text;
}

std::string with_variable(std::string text, const GlobalOptions& global) {
  for (const auto& [option, variable] : global.variables) {
    // About it is what begins with it, or has it behind a file's name.
    const std::size_t behind_file = text.find(": " + option + ": ");
    if (text.starts_with(option + ": ") || text.starts_with(option + " ") ||
        behind_file != std::string::npos)
      return text + fmt::format(" (from the environment variable {})", variable);
  }
  return text;
}

std::string shell_quoted(std::string_view text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+,:@%=").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace mayfly::cli
