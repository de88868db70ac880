#include "tools/mayfly/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tools/mayfly/human_text.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

constexpr int kReasonsShown = 3;

}  // namespace

void advise_dead_letters(const std::string& database, std::uint64_t rejected, Console& console) {
  std::string text = fmt::format(
      "{} rejected; see them with: sqlite3 {} \"SELECT source, line, code, reason FROM "
      "mayfly_dead_letters\"",
      rows_text(rejected), shell_quoted(database));
  const int shown = static_cast<int>(std::min<std::uint64_t>(rejected, kReasonsShown));
  for (const std::string& letter : latest_dead_letters(database, shown)) text += "\n  " + letter;
  console.warning(text);
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
