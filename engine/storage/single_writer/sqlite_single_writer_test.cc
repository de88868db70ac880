// The single writer as its callers see it: writes, reads, the cache, signals, refusals.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <latch>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/storage/single_writer/single_writer_fixture.h"
#include "tests/support/working_folder.h"

namespace mayfly {
namespace {

using namespace testing;

// C180
TEST_CASE("single writer: three writes by parameters are three rows, in their order") {
  Fixture f("sw_three");
  for (int i = 1; i <= 3; ++i) {
    CHECK(*f.writer->write("INSERT INTO items(value) VALUES (?)", {i}) == 1);
  }
  const auto values = f.writer->query([](SqlSession& session) {
    return session.column<int>("SELECT value FROM items ORDER BY id");
  });
  CHECK(*values == std::vector{1, 2, 3});
}

// C188
TEST_CASE("single writer: parameters come by name, from a map") {
  Fixture f("sw_map");
  const std::map<std::string, Value> values = {{"id", 7}, {"value", "seven"}};
  CHECK(*f.writer->write("INSERT INTO items VALUES (@id, @value)", SqlParams::of(values)) == 1);
  CHECK(f.database.text("SELECT id || value FROM items") == "7seven");
}

// C181
TEST_CASE("single writer: a read is kept until its key is invalidated") {
  Fixture f("sw_cached");
  int ran = 0;
  const auto read = [&] {
    return *f.writer->read<std::int64_t>("items:count", [&](SqlSession& session) {
      ++ran;
      return count_items(session);
    });
  };
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  CHECK(read() == 1);
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (2)").ok());
  CHECK(read() == 1);
  CHECK(ran == 1);
  const auto written = f.writer->write_and_invalidate("INSERT INTO items(value) VALUES (?)", {3},
                                                      {"items:count", "items:none"});
  CHECK(*written == 1);
  CHECK(read() == 3);
  CHECK(ran == 2);
  CHECK(f.writer->signals("cache.invalidate:*").size() == 2);
}

TEST_CASE("single writer: a read is kept as long as its own time says") {
  Fixture f("sw_ttl");
  const auto read = [&] {
    return *f.writer->read<std::int64_t>("items:count", count_items, 10 * kSecond);
  };
  CHECK(read() == 0);
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  f.clock.advance(9 * kSecond);
  CHECK(read() == 0);
  f.clock.advance(11 * kSecond);
  CHECK(read() == 1);
}

// A value that asks its writer once more as it goes, and has it read another of its kind.
struct Asking {
  SqliteSingleWriter* writer = nullptr;
  int* asked = nullptr;
  int others = 0;
  Asking(SqliteSingleWriter* of, int* count, int others_left)
      : writer(of), asked(count), others(others_left) {}
  Asking(Asking&& other) noexcept
      : writer(std::exchange(other.writer, nullptr)), asked(other.asked), others(other.others) {}
  ~Asking() {
    if (writer == nullptr) return;
    const auto count = writer->query(count_items);
    const auto written = writer->write("INSERT INTO items(value) VALUES (NULL)");
    *asked += count.ok() && written.ok() ? 1 : 0;
    if (others == 0) return;
    (void)writer->read_shared<Asking>(
        "other", [&](SqlSession&) { return Asking(writer, asked, others - 1); });
  }
};

TEST_CASE("single writer: what is kept may use the writer as it goes, also at its end") {
  Fixture f("sw_asking");
  int asked = 0;
  REQUIRE(f.writer
              ->read_shared<Asking>("first",
                                    [&](SqlSession&) { return Asking(f.writer.get(), &asked, 0); })
              .ok());
  f.writer->invalidate_cache("first");
  CHECK(asked == 1);
  SqliteSingleWriter* const ending = f.writer.get();
  REQUIRE(
      ending->read_shared<Asking>("second", [&](SqlSession&) { return Asking(ending, &asked, 1); })
          .ok());
  f.writer.reset();
  // What is read meanwhile isn't kept, and goes at once.
  CHECK(asked == 3);
  CHECK(f.count() == 3);
}

// Whoever hears of it would take the database for another one, and wait for this end to open it.
TEST_CASE("single writer: its end is no cleared cache, nor is a refused open") {
  const SystemClock clock;
  SignalSink sink(clock);
  Fixture f("sw_silent_end", {.signals = &sink});
  REQUIRE(f.writer->read<std::int64_t>("items:count", count_items).ok());
  f.writer.reset();
  f.database.run("VACUUM INTO '" + f.database.path() + ".2'");
  std::filesystem::resize_file(f.database.path() + ".2", 50);
  CHECK_FALSE(SqliteSingleWriter::get_or_create(f.database.path() + ".2", {.signals = &sink}).ok());
  CHECK(sink.count("cache.clear:*") == 0);
}

TEST_CASE("single writer: in memory, too, a turn is given what is kept") {
  const Writer writer = open(":memory:");
  REQUIRE(writer->write("CREATE TABLE t(x)").ok());
  REQUIRE(*writer->read<std::int64_t>("key", [](SqlSession&) { return 7; }) == 7);
  std::int64_t given = 0;
  REQUIRE(writer
              ->write_async("INSERT INTO t VALUES (1)", {},
                            [&](const DbResult<std::int64_t>&) {
                              given =
                                  *writer->read<std::int64_t>("key", [](SqlSession&) { return 0; });
                            })
              .ok());
  REQUIRE(writer->flush_writes().ok());
  CHECK(given == 7);
}

TEST_CASE("single writer: a time that can't be is refused, also of what is kept") {
  Fixture f("sw_no_time");
  REQUIRE(f.writer->read<std::int64_t>("items:count", count_items).ok());
  const auto refused = f.writer->read<std::int64_t>("items:count", count_items, 0);
  CHECK(refused.error().kind == Kind::kParameter);
  CHECK(refused.error().message.find("expected a ttl_ns of at least 1, found 0") !=
        std::string::npos);
}

TEST_CASE("single writer: what a read gave isn't kept when an invalidation came meanwhile") {
  Fixture f("sw_stale");
  const auto first = f.writer->read<std::int64_t>("items:count", [&](SqlSession& session) {
    const auto before = count_items(session);
    // The write is committed, and invalidates, before this read is over.
    CHECK(f.writer->write_and_invalidate("INSERT INTO items(value) VALUES (1)", {}, {"items:count"})
              .ok());
    return before;
  });
  CHECK(*first == 0);
  CHECK(*f.writer->read<std::int64_t>("items:count", count_items) == 1);
}

TEST_CASE("single writer: a database that is removed or replaced is told, and isn't written on") {
  for (const bool replaced : {false, true}) {
    Fixture f(replaced ? "sw_replaced" : "sw_removed");
    REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(f.database.path() + suffix);
    }
    if (replaced) f.database.run("CREATE TABLE items(id INTEGER PRIMARY KEY, value UNIQUE)");
    f.clock.advance(2 * kSecond);
    const auto refused = f.writer->write("INSERT INTO items(value) VALUES (2)");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == Kind::kIo);
    CHECK(refused.error().message.find("was removed, renamed or replaced") != std::string::npos);
    CHECK(f.writer->signals("connection.lost").size() == 1);
    // The next goes to what is there by then.
    CHECK(f.writer->write("INSERT INTO items(value) VALUES (3)").ok() == replaced);
    if (replaced) CHECK(f.count() == 1);
  }
}

TEST_CASE("single writer: a read that fails is an error each time, and isn't kept") {
  Fixture f("sw_failing_read");
  int ran = 0;
  const auto read = [&] {
    return f.writer->read<std::int64_t>("broken", [&](SqlSession& session) {
      ++ran;
      return session.scalar<std::int64_t>("SELECT nothing FROM nowhere");
    });
  };
  CHECK(read().error().kind == Kind::kSql);
  CHECK(read().error().kind == Kind::kSql);
  CHECK(ran == 2);
  const auto thrown = f.writer->read<int>(
      "thrown", [](SqlSession&) -> int { throw std::runtime_error("no luck"); });
  CHECK(thrown.error().message == "the function threw: no luck");
}

TEST_CASE("single writer: a key that was kept as another type is refused") {
  Fixture f("sw_types");
  REQUIRE(f.writer->read<std::int64_t>("key", count_items).ok());
  const auto other = f.writer->read<std::string>("key", [](SqlSession&) { return std::string(); });
  CHECK(other.error().kind == Kind::kParameter);
}

TEST_CASE("single writer: a batch is all or nothing, and says which command failed") {
  Fixture f("sw_batch");
  const auto failed = f.writer->write_batch(
      {{"INSERT INTO items(value) VALUES (?)", {1}}, {"INSERT INTO items(value) VALUES (?)", {1}}});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().kind == Kind::kConstraint);
  CHECK(failed.error().statement == 1);
  CHECK(failed.error().message.find("items.value") != std::string::npos);
  CHECK(f.count() == 0);
  CHECK(*f.writer->write_batch({{"INSERT INTO items(value) VALUES (1), (2)"},
                                {"UPDATE items SET value = value + 10"}}) == 4);
  CHECK(*f.writer->write_batch({}) == 0);
  CHECK(f.writer->signals("write.batch.tx.rollback").size() == 1);
  CHECK(f.writer->signals("write.batch.tx.commit").size() == 1);
}

// C183
TEST_CASE("single writer: a batch that is no transaction keeps what came before the failure") {
  Fixture f("sw_partial");
  const std::array<SqlCommand, 3> commands = {
      SqlCommand{"INSERT INTO items(value) VALUES (?)", {1}},
      SqlCommand{"INSERT INTO items(value) VALUES (?)", {1}},
      SqlCommand{"INSERT INTO items(value) VALUES (?)", {2}}};
  CHECK(f.writer->write_batch(commands, false).error().statement == 1);
  CHECK(f.count() == 1);
}

// C184
TEST_CASE("single writer: a transaction's function returns its value and is committed") {
  Fixture f("sw_transaction");
  const auto sum = f.writer->execute_in_transaction([](SqlSession& session) {
    CHECK(session.execute("INSERT INTO items(value) VALUES (10)").ok());
    CHECK(session.last_insert_rowid() == 1);
    return session.scalar<std::int64_t>("SELECT sum(value) FROM items");
  });
  CHECK(*sum == 10);
  CHECK(f.count() == 1);
  CHECK(f.writer->execute_in_transaction([](SqlSession&) {}).ok());
  CHECK(f.writer->signals("write.transaction.commit").size() == 2);
}

TEST_CASE("single writer: a transaction that throws, or returns an error, is rolled back") {
  Fixture f("sw_rollback");
  const auto thrown = f.writer->execute_in_transaction([](SqlSession& session) -> int {
    CHECK(session.execute("INSERT INTO items(value) VALUES (1)").ok());
    throw std::runtime_error("changed my mind");
  });
  CHECK(thrown.error().message == "the function threw: changed my mind");
  const auto refused = f.writer->execute_in_transaction([](SqlSession& session) {
    CHECK(session.execute("INSERT INTO items(value) VALUES (1)").ok());
    return session.execute("INSERT INTO items(value) VALUES (1)");
  });
  CHECK(refused.error().kind == Kind::kConstraint);
  CHECK(f.count() == 0);
  CHECK(f.writer->signals("write.transaction.rollback").size() == 2);
  CHECK(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
}

// However it is ended: each statement behind that would be committed by itself.
TEST_CASE(
    "single writer: what follows the end of a transaction is refused, and nothing is written") {
  for (const char* end : {"INSERT OR ROLLBACK INTO items(value) VALUES ('known')",
                          "INSERT INTO refused VALUES (1)"}) {
    CAPTURE(std::string(end));
    Fixture f("sw_ended");
    f.database.run(
        "CREATE TABLE refused(x); CREATE TRIGGER r BEFORE INSERT ON refused BEGIN "
        "SELECT RAISE(ROLLBACK, 'refused'); END; INSERT INTO items(value) VALUES ('known')");
    for (const bool tells : {true, false}) {
      const auto done =
          f.writer->execute_in_transaction([&](SqlSession& session) -> DbResult<void> {
            CHECK(session.execute("INSERT INTO items(value) VALUES ('first')").ok());
            const auto ended = session.execute(end);
            CHECK_FALSE(ended.ok());
            const auto more = session.execute("INSERT INTO items(value) VALUES ('later')");
            CHECK(more.error().kind == Kind::kSql);
            CHECK(more.error().message.find("still open") != std::string::npos);
            CHECK_FALSE(
                session.scalar<int>("INSERT INTO items(value) VALUES (7) RETURNING id").ok());
            return tells ? DbResult<void>(ended.error()) : DbResult<void>();
          });
      CHECK_FALSE(done.ok());
      CHECK(f.count() == 1);
    }
    CHECK(f.writer->write("INSERT INTO items(value) VALUES ('next')").ok());
  }
}

TEST_CASE("single writer: callers can't begin or end transactions themselves") {
  Fixture f("sw_begin");
  for (const char* sql : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s"}) {
    CAPTURE(sql);
    CHECK(f.writer->write(sql).error().kind == Kind::kSql);
    const auto within =
        f.writer->execute_in_transaction([&](SqlSession& session) { return session.execute(sql); });
    CHECK(within.error().message.find("execute_in_transaction") != std::string::npos);
  }
}

// C185
TEST_CASE("single writer: foreign keys hold and the log is written ahead") {
  Fixture f("sw_pragmas");
  REQUIRE(f.writer
              ->write_batch({{"CREATE TABLE parents(id INTEGER PRIMARY KEY)"},
                             {"CREATE TABLE children(parent REFERENCES parents(id))"}})
              .ok());
  const auto orphan = f.writer->write("INSERT INTO children VALUES (1)");
  CHECK(orphan.error().kind == Kind::kConstraint);
  CHECK(f.database.text("PRAGMA journal_mode") == "wal");
}

// P17
TEST_CASE("P17: signals have the seed's names") {
  Fixture f("sw_signals", {.cache_size_limit = 1});
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1), (2)").ok());
  CHECK_FALSE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  REQUIRE(f.writer->write_batch({{"DELETE FROM items"}}).ok());
  REQUIRE(f.writer->execute_in_transaction([](SqlSession&) {}).ok());
  REQUIRE(f.writer->flush_writes().ok());
  REQUIRE(f.writer->read<std::int64_t>("n", count_items).ok());
  for (int i = 0; i < 3; ++i) REQUIRE(f.writer->read<std::int64_t>("n", count_items).ok());
  REQUIRE(f.writer->query(count_items).ok());
  f.writer->invalidate_cache("n");
  for (const char* key : {"a", "b"}) REQUIRE(f.writer->read<std::int64_t>(key, count_items).ok());
  for (const char* name : {"write.enqueue",
                           "write.start",
                           "write.done:2rows:0ms",
                           "write.error:*UNIQUE*items.value*",
                           "write.batch.enqueue",
                           "write.tx.enqueue",
                           "write.flush.start",
                           "write.flush.done",
                           "cache.hit:n",
                           "cache.miss:n",
                           "cache.set:n",
                           "cache.hot:n",
                           "cache.invalidate:n",
                           "cache.evict:a",
                           "read.start:n",
                           "read.done:n",
                           "query.start",
                           "connection.open.write",
                           "connection.open.read",
                           "pragma.busy_timeout",
                           "pragma.foreign_keys.on",
                           "pragma.wal.on"}) {
    CAPTURE(name);
    CHECK(f.writer->sink().detect_matching(name));
  }
  CHECK(f.writer->signals("write.*").size() >= 8);
}

TEST_CASE("single writer: one of so many writes is said, and then from its start to its end") {
  Fixture f("sw_sampled", {.sample_rate = 5});
  for (int i = 0; i < 10; ++i) {
    REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (?)", {i}).ok());
  }
  CHECK(f.writer->signals("write.start").size() == 2);
  CHECK(f.writer->signals("write.done:*").size() == 2);
  CHECK(f.writer->signals("write.enqueue").size() == 10);
  CHECK_FALSE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  CHECK(f.writer->signals("write.error:*").size() == 1);
}

TEST_CASE("single writer: the newest writes can be looked at") {
  Fixture f("sw_snapshot", {.max_tracked_writes = 2});
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (2), (3)").ok());
  CHECK_FALSE(f.writer->write_batch({{"nonsense"}}).ok());
  const auto writes = f.writer->write_snapshot();
  REQUIRE(writes.size() == 2);
  CHECK(writes[0].id == 2);
  CHECK(writes[0].state == WriteState::kCompleted);
  CHECK(writes[0].rows == 2);
  CHECK(writes[0].finished_ns >= writes[0].started_ns);
  CHECK(writes[1].kind == WriteKind::kBatch);
  CHECK(writes[1].state == WriteState::kFailed);
}

// C187, P18
TEST_CASE("P18: a signal in another sink invalidates, and says so") {
  Fixture f("sw_external");
  SignalSink shared(f.clock);
  REQUIRE(f.writer->enable_signal_driven_invalidation(shared).ok());
  CHECK(f.writer->enable_signal_driven_invalidation(shared).code() == Code::kUsage);
  CHECK(*f.writer->read<std::int64_t>("items:count", count_items) == 0);
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1), (2)").ok());
  CHECK(*f.writer->read<std::int64_t>("items:count", count_items) == 0);
  shared.raise("cache.invalidate:items:count");
  CHECK(*f.writer->read<std::int64_t>("items:count", count_items) == 2);
  CHECK(f.writer->sink().detect("cache.invalidate.external:items:count"));
}

TEST_CASE("single writer: its own sink may be the one that invalidates") {
  Fixture f("sw_own_sink");
  REQUIRE(f.writer->enable_signal_driven_invalidation(f.writer->sink()).ok());
  REQUIRE(f.writer->read<std::int64_t>("n", count_items).ok());
  f.writer->invalidate_cache("n");
  CHECK(f.writer->sink().count("cache.invalidate.external:*") == 0);
  REQUIRE(f.writer->read<std::int64_t>("n", count_items).ok());
  f.writer->sink().raise("cache.invalidate:n");
  CHECK(f.writer->sink().count("cache.invalidate.external:n") == 1);
}

TEST_CASE("single writer: a blank list of patterns is refused, and another call may follow") {
  Fixture f("sw_blank_patterns");
  SignalSink sink(f.clock);
  CHECK(f.writer->enable_signal_driven_invalidation(sink, " ").code() == Code::kUsage);
  CHECK(f.writer->enable_signal_driven_invalidation(sink, "stale.*").ok());
  REQUIRE(f.writer->read<std::int64_t>("n", count_items).ok());
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  sink.raise("stale.key:n");
  CHECK(*f.writer->read<std::int64_t>("n", count_items) == 1);
}

TEST_CASE("single writer: what can't be in a transaction is done without one") {
  Fixture f("sw_vacuum");
  CHECK(f.writer->write("VACUUM").ok());
  CHECK(f.writer->write("  -- tidy\n PRAGMA optimize;").ok());
}

TEST_CASE("single writer: a name with quotes in it does no harm") {
  Fixture f("sw_quotes");
  const std::string table = "x\"; DROP TABLE items; --";
  REQUIRE(f.writer->write("CREATE TABLE " + quote_identifier(table) + "(a)").ok());
  REQUIRE(f.writer->write("INSERT INTO " + quote_identifier(table) + " VALUES (?)", {table}).ok());
  CHECK(f.count() == 0);
  const auto kept = f.writer->query([&](SqlSession& session) {
    return session.scalar<std::string>("SELECT a FROM " + quote_identifier(table));
  });
  CHECK(*kept == table);
}

TEST_CASE("single writer: a mistake is its caller's, by its kind") {
  Fixture f("sw_mistakes");
  CHECK(f.writer->write("INSERT nonsense").error().kind == Kind::kSql);
  CHECK(f.writer->write("INSERT INTO nowhere VALUES (1)").error().kind == Kind::kSql);
  const auto few = f.writer->write("INSERT INTO items VALUES (?, ?)", {1});
  CHECK(few.error().kind == Kind::kParameter);
  CHECK(few.error().message == "expected 2 parameters, found 1");
  const auto unknown = f.writer->write("INSERT INTO items(value) VALUES (:v)",
                                       SqlParams::named({{"v", 1}, {"w", 2}}));
  CHECK(unknown.error().message == "the statement has no parameter :w");
  CHECK(f.count() == 0);
  const auto reader =
      f.writer->query([](SqlSession& session) { return session.execute("DELETE FROM items"); });
  CHECK(reader.error().kind == Kind::kReadOnly);
}

TEST_CASE("single writer: a change of the schema doesn't trouble statements that are kept") {
  Fixture f("sw_schema");
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (?)", {1}).ok());
  f.database.run("ALTER TABLE items ADD COLUMN note");
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (?)", {2}).ok());
  REQUIRE(f.writer->write("DROP TABLE items").ok());
  CHECK(f.writer->write("INSERT INTO items(value) VALUES (?)", {3}).error().kind == Kind::kSql);
}

// Only what runs looks at the schema: a statement that is refused while it is prepared doesn't.
TEST_CASE("single writer: new statements know what another process has made of a table") {
  Fixture f("sw_altered");
  CHECK(f.writer->write("INSERT INTO items VALUES (1, 'one')").ok());
  f.database.run("ALTER TABLE items ADD COLUMN more");
  const auto wider = f.writer->write("INSERT INTO items VALUES (?, ?, ?)", {2, "two", 2});
  CHECK_MESSAGE(wider.ok(), wider.error().message);
  f.database.run("DROP TABLE items; CREATE TABLE items(only)");
  const auto narrower = f.writer->write("INSERT INTO items VALUES (?)", {3});
  CHECK_MESSAGE(narrower.ok(), narrower.error().message);
  f.database.run("ALTER TABLE items ADD COLUMN other");
  const auto read = f.writer->query(
      [](SqlSession& session) { return session.scalar<int>("SELECT count(other) FROM items"); });
  CHECK_MESSAGE(read.ok(), read.error().message);
  CHECK(f.writer->write("INSERT INTO nowhere VALUES (1)").error().kind == Kind::kSql);
}

// Interleaving: a caller leads; while it is at its own write, others are posted. At NORMAL it may
// do theirs, too, if that takes microseconds; here each group takes a millisecond.
TEST_CASE("single writer: a caller isn't kept by the writes of others that take long") {
  Fixture f("sw_kept", {.synchronous = Synchronous::kNormal});
  std::latch entered(1);
  std::latch gate(1);
  std::atomic<bool> first{true};
  const auto subscription = f.writer->sink().subscribe("write.start", [&](const SignalEvent&) {
    if (first.exchange(false)) {
      entered.count_down();
      gate.wait();
    }
    f.clock.advance(kMillisecond);
  });
  std::thread caller([&] { CHECK(f.writer->write("INSERT INTO items(value) VALUES (0)").ok()); });
  entered.wait();
  std::atomic<int> by_caller{0};
  for (int i = 1; i <= 10; ++i) {
    const auto done = [&, id = caller.get_id()](const DbResult<std::int64_t>&) {
      by_caller += std::this_thread::get_id() == id ? 1 : 0;
    };
    REQUIRE(f.writer->write_async("INSERT INTO items(value) VALUES (?)", {i}, done).ok());
  }
  gate.count_down();
  caller.join();
  CHECK(f.writer->flush_writes().ok());
  CHECK(by_caller == 0);
  CHECK(f.count() == 11);
}

// Interleaving: the last holder lets go between another's look for the writer and its refusal.
TEST_CASE("single writer: one that is refused for its mode lets go of a writer as anybody does") {
  Fixture f("sw_modes_race");
  f.writer.reset();
  const std::string reads = "Data Source=" + f.database.path() + ";Mode=ReadOnly";
  std::atomic<bool> end{false};
  std::thread other([&] {
    while (!end) (void)SqliteSingleWriter::get_or_create(reads);
  });
  for (int i = 0; i < 300; ++i) (void)SqliteSingleWriter::get_or_create(f.database.path());
  end = true;
  other.join();
}

TEST_CASE("single writer: who only reads and who writes don't have one writer") {
  Fixture f("sw_modes");
  const auto reads =
      SqliteSingleWriter::get_or_create("Data Source=" + f.database.path() + ";Mode=ReadOnly");
  CHECK(reads.error().kind == Kind::kParameter);
  f.writer.reset();
  const auto first =
      SqliteSingleWriter::get_or_create("Data Source=" + f.database.path() + ";Mode=ReadOnly");
  REQUIRE(first.ok());
  const auto writes = SqliteSingleWriter::get_or_create(f.database.path());
  CHECK(writes.error().kind == Kind::kParameter);
  CHECK(writes.error().message.find("let go of the other first") != std::string::npos);
}

TEST_CASE("single writer: a write from within its own transaction is refused, not waited for") {
  Fixture f("sw_within");
  const auto inner = f.writer->execute_in_transaction([&](SqlSession&) {
    CHECK(f.writer->flush_writes().code() != Code::kOk);
    CHECK_FALSE(f.writer->write_batch({{"DELETE FROM items"}}).ok());
    return f.writer->write("DELETE FROM items");
  });
  CHECK(inner.error().message.find("wait for itself") != std::string::npos);
}

TEST_CASE("single writer: connection strings and options are checked") {
  testing::Database database("sw_names");
  const auto error_of = [](const std::string& name, const SingleWriterOptions& options = {}) {
    const auto writer = SqliteSingleWriter::get_or_create(name, options);
    REQUIRE_FALSE(writer.ok());
    return writer.error();
  };
  CHECK(error_of("").kind == Kind::kParameter);
  CHECK(error_of("  ").kind == Kind::kParameter);
  CHECK(error_of("Data Source=;Mode=ReadOnly").kind == Kind::kParameter);
  CHECK(error_of("Data Source=x.db;Mode=Sideways").message.find("Sideways") != std::string::npos);
  CHECK(error_of("Data Source=x.db;Colour=red").message.find("Colour=red") != std::string::npos);
  CHECK(error_of("Data Source=" + database.path() + ";Mode=ReadWrite").kind == Kind::kCannotOpen);
  CHECK(error_of("/").kind == Kind::kCannotOpen);
  CHECK(error_of("/dev/null").kind == Kind::kCannotOpen);
  CHECK(error_of(database.path(), {.sample_rate = 0}).message ==
        "sample_rate: expected at least 1, found 0");
  const Writer writer = open(" data source = " + database.path() + " ; cache=Shared; ");
  CHECK(writer == open(database.path()));
}

}  // namespace
}  // namespace mayfly
