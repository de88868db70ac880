// Database: a fresh SQLite file for one test, and queries on it. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mayfly::testing {

class Database {
 public:
  // A path in the test's own folder; `name` must be unique within the test binary.
  explicit Database(const std::string& name);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  // Runs statements by a connection of its own; fails the test on an error.
  void run(const std::string& sql) const;
  std::int64_t integer(const std::string& sql) const;
  std::string text(const std::string& sql) const;
  // Rows as texts, columns joined by '|', NULL as "NULL".
  std::vector<std::string> rows(const std::string& sql) const;

 private:
  std::string path_;
};

// Holds the write lock of a database until it is released.
class WriteLock {
 public:
  // Waits for it.
  explicit WriteLock(const std::string& path);
  // Null when somebody else has it.
  static std::unique_ptr<WriteLock> try_take(const std::string& path);
  ~WriteLock() { release(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;
  void release();

 private:
  WriteLock() = default;

  void* connection_ = nullptr;
};

// Reads a database as it is now until it ends.
class Snapshot {
 public:
  explicit Snapshot(const std::string& path);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  void* connection_;
};

}  // namespace mayfly::testing
