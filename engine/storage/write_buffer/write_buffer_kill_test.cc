// A process that buffers with a spool is killed, more than a hundred times: each call that was
// acknowledged is there, and each was applied once.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/base/rng.h"
#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly {
namespace {

constexpr std::int64_t kKeys = 40;

std::unique_ptr<WriteBuffer> open_buffer(const std::string& path, std::uint64_t seed) {
  const auto writer = SqliteSingleWriter::get_or_create(
      path, {.synchronous = Synchronous::kNormal, .checkpoint_pages = 20});
  if (!writer.ok()) return nullptr;
  auto made = WriteBuffer::create(*writer, {.max_buffer_size = 30,
                                            .flush_interval_ns = kMillisecond,
                                            .flush_batch_size = 4,
                                            .spool_path = path + ".spool",
                                            .spool_rewrite_bytes = 3'000 + 500 * (seed % 8)});
  return made.ok() ? std::move(*made) : nullptr;
}

// The child: each key's value is one more with each call, and told once it is acknowledged.
[[noreturn]] void write_for_ever(const std::string& path, std::uint64_t seed, int acknowledged) {
  const auto buffer = open_buffer(path, seed);
  if (buffer == nullptr || !buffer->start().ok()) ::_exit(1);
  Rng rng(seed);
  for (std::int64_t value = static_cast<std::int64_t>(seed) * 1'000'000;; ++value) {
    const auto key = static_cast<std::int64_t>(rng.below(kKeys));
    if (!buffer->buffer_upsert("items", {{"id", key}, {"value", value}}, {"id"}).ok()) ::_exit(2);
    const std::int64_t told[] = {key, value};
    // Less than PIPE_BUF: whole or not at all.
    if (::write(acknowledged, told, sizeof told) != sizeof told) ::_exit(3);
  }
}

TEST_CASE("write buffer: with a spool SIGKILL at any moment loses no call, and repeats none") {
  testing::Database database("wb_kill");
  for (const char* suffix : {".spool", ".spool.old", ".spool.new"}) {
    std::filesystem::remove(database.path() + suffix);
  }
  // Values only grow: a call that was applied again, or late, would be seen to go back, or twice.
  database.run(
      "CREATE TABLE items(id INTEGER PRIMARY KEY, value INTEGER);"
      "CREATE TABLE seen(id INTEGER, value INTEGER, PRIMARY KEY(id, value)) WITHOUT ROWID;"
      "CREATE TABLE wrong(id INTEGER, old INTEGER, new INTEGER);"
      "CREATE TRIGGER i AFTER INSERT ON items BEGIN INSERT INTO seen VALUES (new.id, new.value); "
      "END;"
      "CREATE TRIGGER u AFTER UPDATE ON items BEGIN INSERT INTO wrong SELECT new.id, old.value, "
      "new.value WHERE new.value <= old.value; INSERT INTO seen SELECT new.id, new.value WHERE "
      "new.value > old.value; END");
  constexpr int kKills = 110;
  Rng rng(5);
  std::vector<std::int64_t> last(kKeys, -1);
  std::int64_t told_in_all = 0;
  const auto take = [&](const std::int64_t(&told)[2]) {
    last[static_cast<std::size_t>(told[0])] = told[1];
    ++told_in_all;
  };
  for (int round = 1; round <= kKills; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(database.path(), static_cast<std::uint64_t>(round), ends[1]);
    }
    ::close(ends[1]);
    std::int64_t told[2];
    for (std::uint64_t left = rng.below(400); left > 0; --left) {
      REQUIRE(::read(ends[0], told, sizeof told) == sizeof told);
      take(told);
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while (::read(ends[0], told, sizeof told) == sizeof told) take(told);
    ::close(ends[0]);
  }
  CHECK(told_in_all > kKills);
  {
    const auto buffer = open_buffer(database.path(), 0);
    REQUIRE(buffer != nullptr);
    REQUIRE(buffer->stop().ok());
    CHECK(buffer->stats().rejected == 0);
  }
  for (std::int64_t key = 0; key < kKeys; ++key) {
    const std::int64_t kept = database.integer(
        "SELECT coalesce(max(value), -1) FROM items WHERE id = " + std::to_string(key));
    // The call that was killed before it was told may be in, too.
    CHECK(kept >= last[static_cast<std::size_t>(key)]);
  }
  CHECK(database.rows("SELECT * FROM wrong").empty());
  CHECK(database.text("PRAGMA integrity_check") == "ok");
  for (const char* suffix : {".spool", ".spool.old", ".spool.lock"}) {
    std::filesystem::remove(database.path() + suffix);
  }
}

}  // namespace
}  // namespace mayfly
