// Rows that background workers write often: buffered, merged, written in batches. The argument is
// the path of a database that may be made.
#include <string>
#include <string_view>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

mayfly::DbResult<std::int64_t> rows_of(mayfly::SqliteSingleWriter& db, const std::string& table) {
  return db.query([&](mayfly::SqlSession& session) {
    return session.scalar<std::int64_t>("SELECT count(*) FROM " + table);
  });
}

// Instead of a statement for each change.
void a_background_worker(mayfly::WriteBuffer& buffer) {
  for (int progress = 0; progress <= 100; progress += 10) {
    shown(buffer
              .buffer_upsert("downloads",
                             {{"id", 7}, {"status", "running"}, {"progress", progress}}, {"id"})
              .ok(),
          "progress, many times");
  }
  shown(buffer.buffer_update("downloads", {{"id", 7}, {"status", "complete"}}, {"id"}).ok(),
        "one column");
  shown(buffer.buffer_upsert("tracks", {{"id", 1}, {"title", "Mayfly"}}, {"id"}).ok(),
        "a row of another table");
  shown(buffer.buffer_upsert("tracks", {{"id", 2}, {"title", "Dragonfly"}}, {"id"}).ok(),
        "and one");
  shown(buffer.buffer_delete("tracks", {{"id", 2}}, {"id"}).ok(), "that goes again");
}

// Before anything is in the database.
void reading_what_is_buffered(mayfly::WriteBuffer& buffer) {
  const auto row = buffer.get_buffered_value("downloads", {{"id", 7}}, {"id"});
  shown(row && row->value("status")->text() == "complete", "one's own writes can be read");
  shown(row && row->value("progress")->int64() == 100, "merged");
  shown(buffer.is_key_buffered("tracks", {{"id", 2}}) &&
            !buffer.get_buffered_value("tracks", {{"id", 2}}),
        "a row that is to be deleted is known, and has no value");
}

void monitoring(mayfly::WriteBuffer& buffer) {
  const mayfly::WriteBufferStats stats = buffer.stats();
  shown(stats.pending == 3 && stats.pending_by_table.at("tracks") == 2, "what is pending");
  shown(stats.total_buffered == 15 && stats.total_coalesced == 12, "what was merged");
  const auto flushed = buffer.force_flush();
  shown(flushed.ok() && *flushed == 3, "flushed now");
  shown(buffer.stats().total_flushed == 3, "and counted once it was committed");
}

void a_bad_row(mayfly::WriteBuffer& buffer) {
  shown(buffer.buffer_upsert("downloads", {{"id", 8}, {"progress", 1000}}, {"id"}).ok(),
        "a row that the database won't take");
  shown(buffer.buffer_upsert("downloads", {{"id", 9}, {"progress", 1}}, {"id"}).ok(),
        "beside one that it will");
  shown(*buffer.force_flush() == 1, "is left out");
  const auto rejected = buffer.take_rejected();
  shown(rejected.size() == 1 && rejected[0].row.value("id")->int64() == 8, "and told, with why");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view path = argc > 1 ? argv[1] : ":memory:";
  auto writer = mayfly::SqliteSingleWriter::get_or_create(
      path, {.synchronous = mayfly::Synchronous::kNormal});
  shown(writer.ok(), "one writer for the database");
  mayfly::SqliteSingleWriter& db = **writer;
  shown(db.write("CREATE TABLE downloads(id INTEGER PRIMARY KEY, status TEXT, progress INTEGER "
                 "CHECK (progress <= 100)); CREATE TABLE tracks(id INTEGER PRIMARY KEY, title)")
            .ok(),
        "two tables");

  auto made =
      mayfly::WriteBuffer::create(*writer, {.max_buffer_size = 1000,
                                            .flush_interval_ns = 5 * mayfly::kSecond,
                                            .flush_batch_size = 100,
                                            .table_priorities = {{"downloads", 1}, {"tracks", 2}}});
  shown(made.ok(), "a buffer, which holds the writer");
  mayfly::WriteBuffer& buffer = **made;
  shown(buffer.start().ok(), "flushes by itself from now on");

  a_background_worker(buffer);
  reading_what_is_buffered(buffer);
  monitoring(buffer);
  a_bad_row(buffer);

  shown(buffer.buffer_upsert("tracks", {{"id", 3}, {"title", "Damselfly"}}, {"id"}).ok(),
        "a last one");
  shown(buffer.stop().ok(), "stopped: everything is written");
  shown(*rows_of(db, "downloads") == 2 && *rows_of(db, "tracks") == 2, "all of it");
}
