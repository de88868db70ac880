// The hybrid strategy: three ways to write, what they say of themselves, and how they end. The
// arguments are paths of two databases that may be made: the application's and its log's.
#include <chrono>
#include <cstdio>
#include <string>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;
using namespace std::chrono_literals;

namespace {

// What a user waits for goes to the writer.
void an_action_of_a_user(mayfly::HybridStorage& storage) {
  const auto saved = mayfly::execute_with_retry(
      [&] {
        return storage.writer().write("INSERT INTO users(name) VALUES (:name)",
                                      mayfly::SqlParams::named({{"name", "Alice"}}));
      },
      {.retry = mayfly::RetryTimes{.initial_delay = 100ms, .max_delay = 2s}});
  shown(saved.ok() && *saved == 1, "a user is saved when the call returns");
}

// What happens in the background goes to the buffer, what is only told to the log.
void a_background_worker(mayfly::HybridStorage& storage) {
  for (int progress = 0; progress <= 100; progress += 25) {
    shown(storage.buffer()
              .buffer_upsert("downloads", {{"id", 7}, {"progress", progress}}, {"id"})
              .ok(),
          "progress is buffered");
  }
  shown(storage.logs().log(mayfly::LogLevel::kInfo, "downloads", "Download complete",
                           {{"track_id", 123}}),
        "and its end logged");
}

// What a page for debugging would show, and its button.
void monitoring(mayfly::HybridStorage& storage) {
  shown(storage.stats().buffer.pending == 1, "one row waits");
  std::puts(storage.stats_json().c_str());
  const auto flushed = storage.force_flush();
  shown(flushed.ok() && *flushed == 1, "until it is flushed");
  const auto recent = storage.logs().recent_logs();
  shown(recent.ok() && recent->front().message == "Download complete", "recent logs");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string database = argc > 1 ? argv[1] : ":memory:";
  auto opened = mayfly::HybridStorage::open(
      {.database = database,
       .writer = {.synchronous = mayfly::Synchronous::kNormal},
       .buffer = {.max_buffer_size = 1000, .table_priorities = {{"downloads", 1}, {"tracks", 2}}},
       .logs = {.db_path = argc > 2 ? argv[2] : ""}});
  shown(opened.ok(), "everything is open");
  mayfly::HybridStorage& storage = **opened;
  shown(storage.writer()
            .write("CREATE TABLE users(id INTEGER PRIMARY KEY, name); "
                   "CREATE TABLE downloads(id INTEGER PRIMARY KEY, progress INTEGER)")
            .ok(),
        "two tables");
  an_action_of_a_user(storage);
  a_background_worker(storage);
  monitoring(storage);
  // Buffer, logs, database: in this order, whoever forgets the call.
  shown(storage.stop().ok(), "all is written at the end");
  return 0;
}
