// SpoolFile, SpoolLock: one file of a write buffer's spool, and the lock that keeps a second buffer
// away from it.
//
// THREADS  One at a time; sync() any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/write_buffer/spool_record.h"

namespace mayfly {

// Tells a spool from all others, to the database, and its records from whatever else is in a file.
struct SpoolId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  RecordKey key;  // of the files alone: who reads the database doesn't know it

  std::string text() const;  // without the key: 32 hexadecimal digits
};

// What a file of a spool begins with.
struct SpoolHeader {
  SpoolId id;
  std::uint64_t base = 0;  // the newest call before it
  bool is_all = false;     // older files have nothing that it hasn't
};

// One file of a spool: appended to, read from its start, cut.
class SpoolFile {
 public:
  static constexpr std::size_t kHeaderBytes = 96;  // with its copy

  // With its header, and nothing else: what was there is gone.
  static DbResult<std::shared_ptr<SpoolFile>> create(const std::string& path,
                                                     const SpoolHeader& header);
  // nullptr: there is none, or neither its header nor the header's copy is whole (which a loss of
  // power leaves, or damage). kCorrupt: something else, or a spool of another format.
  static DbResult<std::shared_ptr<SpoolFile>> open(const std::string& path);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  const SpoolHeader& header() const { return header_; }
  std::size_t size() const { return size_; }

  // All or nothing, but for an error of truncate().
  DbResult<void> append(std::string_view bytes);
  DbResult<void> truncate(std::size_t size);
  DbResult<void> sync();
  // What stands behind the header.
  DbResult<std::string> read_all() const;
  bool is_broken() const { return broken_; }

 private:
  SpoolFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  const int fd_;
  const std::string path_;
  SpoolHeader header_;
  std::size_t size_ = 0;
  bool broken_ = false;  // there may be bytes behind size_
};

// A lock on a file of its own; goes with the process.
class SpoolLock {
 public:
  SpoolLock() = default;
  ~SpoolLock();
  SpoolLock(const SpoolLock&) = delete;
  SpoolLock& operator=(const SpoolLock&) = delete;

  // kBusy: another has it.
  DbResult<void> acquire(const std::string& path);

 private:
  int fd_ = -1;
};

// Of a call of the system that failed, with errno's text.
DbError system_error(int number, const std::string& doing);
// A new name, or a file less, survives a loss of power, if there is memory for it.
void sync_folder_of(const std::string& path) noexcept;

}  // namespace mayfly
