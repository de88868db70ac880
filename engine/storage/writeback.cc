#include "mayfly/storage/writeback.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace mayfly {
namespace {

// This process's descriptor of the file; -1: none.
int descriptor_of(const FileIdentity& file) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (folder == nullptr) return -1;
  while (const dirent* entry = ::readdir(folder.get())) {
    int number = -1;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr != end) continue;
    if (file_identity(number) == file) return number;
  }
  return -1;
}

}  // namespace

void Writeback::enable(const FileIdentity& file) {
  file_ = file;
  descriptor_ = file == FileIdentity() ? -1 : descriptor_of(file);
}

void Writeback::start(SqliteConnection& connection, std::size_t rows) {
  rows_ = rows;
  // Somebody reads: they come first.
  if (sqlite3_db_cacheflush(connection.get()) != SQLITE_OK) return;
  if (file_identity(descriptor_) != file_) {
    disable();
    return;
  }
  // Length 0: to the end of the file.
  if (::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE) != 0) disable();
}

}  // namespace mayfly
