#include "mayfly/storage/single_writer/database_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "mayfly/storage/database_file.h"

namespace mayfly {
namespace {

using Mode = DatabaseName::Mode;

DbError refuse(std::string message) {
  return {.kind = DbError::Kind::kParameter, .message = std::move(message)};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// As connection strings compare: without case and blanks.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

bool is_connection_string(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return false;
  const std::string first = folded(text.substr(0, equals));
  return first == "datasource" || first == "filename" || first == "mode" || first == "cache";
}

DbResult<Mode> mode_of(std::string_view text) {
  const std::string mode = folded(text);
  if (mode == "readwritecreate") return Mode::kReadWriteCreate;
  if (mode == "readwrite") return Mode::kReadWrite;
  if (mode == "readonly") return Mode::kReadOnly;
  if (mode == "memory") return Mode::kMemory;
  return refuse(
      fmt::format("connection string: expected Mode=ReadWriteCreate, ReadWrite, ReadOnly or "
                  "Memory, found {}",
                  text));
}

}  // namespace

DbResult<DatabaseName> DatabaseName::parse(std::string_view text) {
  text = trimmed(text);
  DatabaseName name;
  if (!is_connection_string(text)) {
    name.path = text;
  } else {
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view part = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (part.empty()) continue;
      const std::size_t equals = part.find('=');
      const std::string key = folded(part.substr(0, equals));
      const std::string_view value =
          equals == part.npos ? std::string_view() : trimmed(part.substr(equals + 1));
      if (key == "datasource" || key == "filename") {
        name.path = value;
      } else if (key == "mode") {
        auto mode = mode_of(value);
        if (!mode.ok()) return mode.error();
        name.mode = *mode;
      } else if (key != "cache") {
        return refuse(
            fmt::format("connection string: expected Data Source, Mode or Cache, found {}; other "
                        "settings are options of the writer",
                        part));
      }
    }
  }
  if (name.path.empty()) return refuse("expected the path of a database, found none");
  if (name.path.find('\0') != name.path.npos) {
    return refuse("expected the path of a database, found one with a NUL in it");
  }
  if (name.path == ":memory:") name.mode = Mode::kMemory;
  if (name.mode == Mode::kMemory) {
    name.path.insert(name.path.begin(), '/');
  } else {
    name.path = resolved_path(name.path);
  }
  return name;
}

std::string DatabaseName::key() const {
  return mode == Mode::kMemory ? "memory:" + path : "file:" + resolved_path(path);
}

}  // namespace mayfly
