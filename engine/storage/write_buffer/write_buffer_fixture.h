// BufferFixture: a database, its writer and a write buffer with a clock that stands still, for
// tests.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/write_buffer/write_buffer.h"
#include "tests/support/database.h"

namespace mayfly::testing {

struct BufferFixture {
  explicit BufferFixture(const std::string& name, const std::string& schema,
                         WriteBufferOptions options = {}, SingleWriterOptions writer_options = {})
      : database(name) {
    database.run(schema);
    // Locks are met at once, not waited for.
    writer_options.busy_timeout_ns = 0;
    writer_options.checkpoint_thread = false;
    auto opened = SqliteSingleWriter::get_or_create(database.path(), writer_options);
    REQUIRE(opened.ok());
    writer = *opened;
    make(std::move(options));
  }

  void make(WriteBufferOptions options) {
    options.clock = &clock;
    auto made = WriteBuffer::create(writer, std::move(options));
    if (!made.ok()) FAIL(made.error().message);
    buffer = std::move(*made);
  }
  std::int64_t flush() {
    const auto flushed = buffer->force_flush();
    if (!flushed.ok()) FAIL(flushed.error().message);
    return *flushed;
  }
  std::vector<std::string> rows(const std::string& sql) const { return database.rows(sql); }

  ManualClock clock;
  Database database;
  std::shared_ptr<SqliteSingleWriter> writer;
  std::unique_ptr<WriteBuffer> buffer;  // before what it uses
};

using Rows = std::vector<std::string>;

}  // namespace mayfly::testing
