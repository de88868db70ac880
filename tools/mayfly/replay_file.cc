#include "tools/mayfly/replay_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "tools/mayfly/letter_table.h"
#include "tools/mayfly/letter_text.h"

namespace mayfly::cli {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;

}  // namespace

ReplayFile::~ReplayFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string ReplayFile::path() const { return fmt::format("/proc/self/fd/{}", fd_); }

Status ReplayFile::append(std::string_view text, const std::string& database) const {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return {Code::kIo, fmt::format("writing the letters to a file beside {}: {}; make room there",
                                     database, std::strerror(errno))};
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<ReplayFile> ReplayFile::write(SqliteConnection& connection, const std::string& database,
                                     const std::string& part) {
  std::string name = database + "-mayfly-replay-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    return Status(Code::kCannotCreate,
                  fmt::format("a file for the letters can't be made beside {}: {}", database,
                              std::strerror(errno)));
  }
  ReplayFile file(fd);
  ::unlink(name.c_str());
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT r.rank, l.id, l.columns, l.raw FROM mayfly_replays r "
      "JOIN mayfly_dead_letters l ON l.id = r.letter WHERE r.key = ?1 AND r.pending "
      "ORDER BY r.rank",
      statement, false);
  std::string text;
  if (error.ok()) statement.bind(1, part);
  while (error.ok() && statement.step(error)) {
    StoredLetter letter;
    letter.id = statement.int64(1);
    if (!statement.is_null(2)) letter.columns = std::string(statement.text(2));
    if (!statement.is_null(3)) letter.raw = std::string(statement.text(3));
    text += to_replay_line(static_cast<std::uint64_t>(statement.int64(0)), letter);
    if (text.size() < kWriteBytes) continue;
    MAYFLY_RETURN_IF_ERROR(file.append(text, database));
    text.clear();
  }
  if (!error.ok()) return to_status(error, "reading the dead letters of " + database);
  MAYFLY_RETURN_IF_ERROR(file.append(text, database));
  return file;
}

}  // namespace mayfly::cli
