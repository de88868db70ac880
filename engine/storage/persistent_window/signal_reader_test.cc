#include "mayfly/storage/persistent_window/signal_reader.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "mayfly/storage/persistent_window/stored_time.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;

Names read(SignalReader& reader, const SignalReadOptions& options) {
  Names names;
  const Status status = reader.read(options, [&](const StoredSignal& row) {
    names.push_back(std::string(row.name) + (row.key ? "@" + std::string(*row.key) : ""));
    return true;
  });
  CHECK(status.ok());
  return names;
}

SignalReader open(const std::string& path) {
  auto reader = SignalReader::open(path);
  if (!reader.ok()) FAIL(reader.status().message());
  return std::move(*reader);
}

TEST_CASE("a reader sees what is on disk while the window is open and writes on") {
  ManualClock clock;
  const testing::Database database("pwr_live");
  auto window =
      PersistentSignalWindow::open(database.path(), {.flush_interval_ns = kNever, .clock = &clock});
  REQUIRE(window.ok());
  (*window)->raise("order.placed", "ada");
  (*window)->raise("error.disk");
  REQUIRE((*window)->flush().ok());
  SignalReader reader = open(database.path());
  CHECK(read(reader, {}) == Names{"order.placed@ada", "error.disk"});
  clock.advance(kSecond);
  (*window)->raise("order.completed", "ada");
  CHECK(read(reader, {}).size() == 2);             // not flushed
  const testing::WriteLock lock(database.path());  // nor does a writer keep it waiting
  CHECK(read(reader, {}).size() == 2);
}

TEST_CASE("a reader takes a pattern, a time, an id to begin behind, and the newest so many") {
  ManualClock clock;
  const testing::Database database("pwr_choice");
  auto window =
      PersistentSignalWindow::open(database.path(), {.flush_interval_ns = kNever, .clock = &clock});
  REQUIRE(window.ok());
  for (int i = 0; i < 6; ++i) {
    (*window)->raise(i % 2 == 0 ? "even." + std::to_string(i) : "odd." + std::to_string(i));
    clock.advance(kSecond);
  }
  REQUIRE((*window)->flush().ok());
  SignalReader reader = open(database.path());
  CHECK(read(reader, {.pattern = "even.*"}) == Names{"even.0", "even.2", "even.4"});
  CHECK(read(reader, {.pattern = "even.0, odd.?"}) == Names{"even.0", "odd.1", "odd.3", "odd.5"});
  CHECK(read(reader, {.pattern = "even.*", .limit = 2}) == Names{"even.2", "even.4"});
  CHECK(read(reader, {.since_us = clock.wall_us() - 2'000'000}) == Names{"even.4", "odd.5"});
  CHECK(read(reader, {.after_id = 4}) == Names{"even.4", "odd.5"});
  CHECK(read(reader, {.since_us = clock.wall_us() - 3'000'000, .limit = 1}) == Names{"odd.5"});
  CHECK(read(reader, {.pattern = "none"}).empty());
}

// Interleaving aimed at: whoever takes what is read waits, a pipe that nobody reads for one, while
// the window is written.
TEST_CASE("a reader keeps no snapshot while its visitor works, and reads what was there at first") {
  const testing::Database database("pwr_pages");
  auto window = PersistentSignalWindow::open(database.path(), {.flush_interval_ns = kNever});
  REQUIRE(window.ok());
  constexpr int kSignals = 1234;  // of more than one page
  for (int i = 0; i < kSignals; ++i) (*window)->raise("odd.even");
  REQUIRE((*window)->flush().ok());
  SignalReader reader = open(database.path());
  int visited = 0;
  std::int64_t last_id = 0;
  const Status read = reader.read({}, [&](const StoredSignal& row) {
    CHECK(row.id > last_id);
    last_id = row.id;
    if (visited++ == 600) {
      (*window)->raise("later");
      CHECK((*window)->flush().ok());
      CHECK(database.text("PRAGMA wal_checkpoint(TRUNCATE)") == "0|0|0");
    }
    return true;
  });
  CHECK(read.ok());
  CHECK(visited == kSignals);
}

TEST_CASE("a reader says what it can't read, and as what it counts") {
  const testing::Database database("pwr_bad");
  const auto refused = [&](Code code, std::string_view part) {
    const auto reader = SignalReader::open(database.path());
    REQUIRE(!reader.ok());
    CHECK(reader.status().code() == code);
    CHECK_MESSAGE(reader.status().message().find(part) != std::string::npos,
                  reader.status().message());
  };
  refused(Code::kNoInput, "No such file or directory");
  CHECK(!std::filesystem::exists(database.path()));
  database.run("CREATE TABLE other(a)");
  refused(Code::kNoInput, "expected the table signals, found none");
  database.run("CREATE TABLE signals(id, signal)");
  refused(Code::kConfig, "without the column operation_id");
  database.run("DROP TABLE signals; CREATE TABLE signals(a)");
  refused(Code::kConfig, "without the column id");
  std::filesystem::remove(database.path());
  std::ofstream(database.path()) << "this is a text, and long enough to be taken for one";
  refused(Code::kIo, "file is not a database");
  std::filesystem::remove(database.path());
  std::filesystem::create_directory(database.path());
  refused(Code::kNoInput, "found a folder");
  std::filesystem::remove(database.path());
}

// A view may be anything, without an end too.
TEST_CASE("a view of the table's name isn't read, and a window doesn't write to it") {
  const testing::Database database("pwr_view");
  database.run(
      "CREATE VIEW signals AS SELECT 1 AS id, 0 AS operation_id, 's' AS signal, NULL AS key, "
      "'2026-01-31T23:59:59.000000' AS timestamp, '' AS created_at");
  const auto reader = SignalReader::open(database.path());
  CHECK(reader.status().code() == Code::kNoInput);
  CHECK_FALSE(PersistentSignalWindow::open(database.path()).ok());
}

}  // namespace
}  // namespace mayfly
