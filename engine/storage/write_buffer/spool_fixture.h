// SpoolFixture: a buffer with a spool, whose process can end as if by SIGKILL. For tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly::testing {

namespace fs = std::filesystem;

inline constexpr const char* kItems =
    "CREATE TABLE items(id INTEGER PRIMARY KEY, v TEXT, w INTEGER);"
    "CREATE TABLE log(id INTEGER, v TEXT);"
    "CREATE TRIGGER i AFTER INSERT ON items BEGIN INSERT INTO log VALUES (new.id, new.v); END;"
    "CREATE TRIGGER u AFTER UPDATE ON items BEGIN INSERT INTO log VALUES (new.id, new.v); END;";

// A buffer whose process ends as if by SIGKILL: its files are copied away, and back once it is
// gone.
struct SpoolFixture : BufferFixture {
  explicit SpoolFixture(const std::string& name)
      : BufferFixture(name, kItems), path(database.path() + ".spool") {
    buffer.reset();
    remove();
  }
  ~SpoolFixture() {
    buffer.reset();
    remove();
  }
  void remove() const {
    for (const char* suffix : {"", ".old", ".new", ".made", ".lock"}) {
      fs::remove(path + suffix);
      fs::remove(path + suffix + ".kept");
    }
  }
  void open(WriteBufferOptions options = {}) {
    options.spool_path = path;
    options.stop_timeout_ns = 0;
    make(std::move(options));
  }
  void crash() {
    for (const char* suffix : {"", ".old", ".new"}) {
      if (fs::exists(path + suffix)) fs::copy_file(path + suffix, path + suffix + ".kept");
    }
    {
      const WriteLock lock(database.path());
      buffer.reset();
    }
    for (const char* suffix : {"", ".old", ".new"}) {
      fs::remove(path + suffix);
      if (fs::exists(path + suffix + ".kept")) {
        fs::rename(path + suffix + ".kept", path + suffix);
      }
    }
  }
  void upsert(std::int64_t id, const std::string& v) const {
    REQUIRE(buffer->buffer_upsert("items", {{"id", id}, {"v", v}}, {"id"}).ok());
  }
  const std::string path;
};

// The next buffer, whose spool isn't whole.
inline std::string refusal(const SpoolFixture& f) {
  const auto made = WriteBuffer::create(f.writer, {.spool_path = f.path});
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().kind == DbError::Kind::kCorrupt);
  return made.error().message;
}

// A flush of which another connection lets the first transaction be committed alone.
inline void flush_one_batch(const SpoolFixture& f) {
  std::unique_ptr<WriteLock> lock;
  const auto listening = f.writer->sink().subscribe(
      "write.transaction.commit",
      [&](const SignalEvent&) { lock = WriteLock::try_take(f.database.path()); });
  CHECK_FALSE(f.buffer->force_flush().ok());
  REQUIRE(lock);
}

}  // namespace mayfly::testing
