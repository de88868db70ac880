// ReplayFile: the letters of one part of a replay that are still to be written, as lines for the
// source `dead_letters`.
//
// It has no name, so that nothing of it stays behind, however the process ends; path() leads to it
// within this process. It takes its place on the disk of the database, which has as many bytes of
// them.
// OWNERSHIP  Keep it until the engine is closed. THREADS  One.
#pragma once

#include <string>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

class ReplayFile {
 public:
  // kCannotCreate, kIo.
  static Result<ReplayFile> write(SqliteConnection& connection, const std::string& database,
                                  const std::string& part);
  ~ReplayFile();
  ReplayFile(ReplayFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  ReplayFile& operator=(ReplayFile&&) = delete;

  std::string path() const;

 private:
  explicit ReplayFile(int fd) : fd_(fd) {}
  Status append(std::string_view text, const std::string& database) const;

  int fd_;
};

}  // namespace mayfly::cli
