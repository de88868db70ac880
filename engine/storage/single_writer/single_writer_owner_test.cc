// The single writer and its database: connections, locks, limits, paths, and what failing leaves.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "engine/storage/single_writer/single_writer_fixture.h"
#include "mayfly/storage/wal_growth.h"
#include "tests/support/working_folder.h"

namespace mayfly {
namespace {

using namespace testing;

TEST_CASE("single writer: a database that is none is refused when it is opened") {
  testing::Database database("sw_corrupt");
  {
    FILE* file = std::fopen(database.path().c_str(), "w");
    for (int i = 0; i < 1000; ++i) std::fputs("this is no database\n", file);
    std::fclose(file);
  }
  const auto writer = SqliteSingleWriter::get_or_create(database.path());
  CHECK(writer.error().kind == Kind::kCorrupt);
}

TEST_CASE("single writer: a database that is only read is read, and not written") {
  testing::Database database("sw_read_only");
  database.run(
      "CREATE TABLE items(id INTEGER PRIMARY KEY, value); INSERT INTO items VALUES (1, 1)");
  const Writer writer = open("Data Source=" + database.path() + ";Mode=ReadOnly");
  CHECK(*writer->query(count_items) == 1);
  CHECK(writer->write("DELETE FROM items").error().kind == Kind::kReadOnly);
}

TEST_CASE("single writer: a database in memory is shared by its name") {
  const Writer writer = open("Data Source=sw_memory;Mode=Memory");
  CHECK(writer == open("Data Source=sw_memory;Mode=Memory"));
  REQUIRE(writer->write("CREATE TABLE items(id INTEGER PRIMARY KEY, value)").ok());
  REQUIRE(writer->write("INSERT INTO items(value) VALUES (1)").ok());
  CHECK(*writer->query(count_items) == 1);
  CHECK_FALSE(std::filesystem::exists("/sw_memory"));
  const auto nested = writer->query([&](SqlSession&) {
    const auto read =
        writer->read<int>("n", [](SqlSession& session) { return session.scalar<int>("SELECT 1"); });
    CHECK(*read == 1);
    return writer->write("SELECT 1").error().kind;
  });
  CHECK(*nested == Kind::kOther);
}

TEST_CASE("single writer: a database in memory survives the connection that writes to it") {
  const Writer writer = open("Data Source=sw_memory_lost;Mode=Memory");
  REQUIRE(writer->write("CREATE TABLE items(id INTEGER PRIMARY KEY, value)").ok());
  CHECK(*writer->query(count_items) == 0);
  CHECK_FALSE(writer
                  ->execute_in_transaction([](SqlSession&) {
                    return DbResult<int>(DbError{.kind = Kind::kIo, .message = "I/O error"});
                  })
                  .ok());
  CHECK(*writer->query(count_items) == 0);
}

TEST_CASE("single writer: another connection's lock is waited for, and then told") {
  Fixture f("sw_locked", {.busy_timeout_ns = kMillisecond});
  {
    const testing::WriteLock lock(f.database.path());
    CHECK(f.writer->write("INSERT INTO items(value) VALUES (1)").error().kind == Kind::kBusy);
    CHECK(f.writer->sink().detect("write.busy"));
  }
  CHECK(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
}

// Interleaving aimed at: a writer that has its lock before the opening begins, and ends after it.
TEST_CASE("single writer: opening waits for another's lock, also to change the journal") {
  const testing::Database database("sw_open_locked");
  REQUIRE(database.integer("PRAGMA user_version") == 0);
  testing::WriteLock lock(database.path());
  auto waiting = std::async(std::launch::async, [&] {
    return SqliteSingleWriter::get_or_create(database.path(), {.busy_timeout_ns = 30 * kSecond});
  });
  // Nothing shows that somebody waits; who doesn't wait ends within this.
  CHECK(waiting.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
  lock.release();
  const auto opened = waiting.get();
  REQUIRE_MESSAGE(opened.ok(), opened.error().message);
  CHECK((*opened)->write("CREATE TABLE t(a)").ok());
}

// Values go with the writer, on the thread that lets it go and has its place.
TEST_CASE("single writer: opening one while it ends is refused to the thread that ends it") {
  struct Kept {
    const std::string& path;
    DbResult<Writer>& opened;
    ~Kept() { opened = SqliteSingleWriter::get_or_create(path); }
  };
  const testing::Database database("sw_open_at_end");
  DbResult<Writer> opened{Writer{}};
  {
    const Writer writer = open(database.path());
    const auto kept = writer->read<std::shared_ptr<Kept>>("k", [&](SqlSession&) {
      return DbResult<std::shared_ptr<Kept>>(
          std::shared_ptr<Kept>(new Kept{database.path(), opened}));
    });
    REQUIRE(kept.ok());
  }
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("would wait for itself") != std::string::npos);
  CHECK(open(database.path())->write("CREATE TABLE t(a)").ok());
}

TEST_CASE("single writer: a statement that takes too long is ended, and the next one isn't") {
  testing::Database database("sw_timeout");
  const Writer writer = open(database.path(), {.command_timeout_ns = kMillisecond});
  const std::string endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  CHECK(writer->write(endless).error().kind == Kind::kInterrupted);
  CHECK(writer->write("CREATE TABLE t(a)").ok());
  const auto reader =
      writer->query([&](SqlSession& session) { return session.scalar<int>(endless); });
  CHECK(reader.error().kind == Kind::kInterrupted);
  CHECK(writer->query([](SqlSession& session) { return session.scalar<int>("SELECT 1"); }).ok());
}

TEST_CASE("single writer: a caller takes no connection out of its owner's hands") {
  Fixture f("sw_owner");
  for (const char* sql : {"COMMIT", "ROLLBACK", "SAVEPOINT s", "PRAGMA Query_Only(OFF)"}) {
    CAPTURE(sql);
    const auto execute = [&](SqlSession& session) { return session.execute(sql); };
    CHECK(f.writer->query(execute).error().kind == Kind::kSql);
    CHECK(f.writer->write(sql).error().kind == Kind::kSql);
    CHECK(f.writer->execute_in_transaction(execute).error().kind == Kind::kSql);
  }
  const auto locks = f.writer->write("PRAGMA locking_mode = EXCLUSIVE");
  CHECK(locks.error().message.find("PRAGMA query_only or locking_mode") != std::string::npos);
  // What is only asked is answered.
  CHECK(*f.writer->query(
            [](SqlSession& session) { return session.scalar<int>("PRAGMA query_only"); }) == 1);
  CHECK(f.writer->stats().read_connections == 1);
}

TEST_CASE("single writer: the limit is of each statement, not of what they are part of") {
  testing::Database database("sw_timeouts");
  ManualClock clock;
  const Writer writer = open(database.path(), {.command_timeout_ns = kSecond, .clock = &clock});
  const std::string some =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "SELECT count(*) FROM n";
  const auto take_turns = [&](SqlSession& session) -> DbResult<int> {
    for (int i = 0; i < 5; ++i) {
      // The statement's text is another each time, then the same.
      const auto counted = session.scalar<int>(i < 3 ? some + std::string(i, ' ') : some);
      if (!counted.ok()) return counted.error();
      clock.advance(3 * kSecond / 5);
    }
    return 5;
  };
  CHECK(writer->query(take_turns).ok());
  CHECK(writer->execute_in_transaction(take_turns).ok());
}

TEST_CASE("single writer: a trigger is a part of the statement that pulls it, for the limit too") {
  testing::Database database("sw_timeout_trigger");
  const Writer writer = open(database.path(), {.command_timeout_ns = 10 * kMillisecond});
  const std::string some = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ";
  REQUIRE(
      writer
          ->write_batch({{"CREATE TABLE t(a)"},
                         {"CREATE TABLE many AS " + some + "2000) SELECT i FROM n"},
                         {"CREATE VIEW some AS " + some + "1000) SELECT count(*) AS all_ FROM n"},
                         {"CREATE TRIGGER pulled AFTER INSERT ON t BEGIN "
                          "SELECT all_ FROM some; END"}})
          .ok());
  CHECK(writer->write("INSERT INTO t SELECT i FROM many").error().kind == Kind::kInterrupted);
}

TEST_CASE("single writer: a comment before a statement makes it no part of the one before") {
  testing::Database database("sw_timeout_comment");
  ManualClock clock;
  const Writer writer = open(database.path(), {.command_timeout_ns = kSecond, .clock = &clock});
  for (int i = 0; i < 3; ++i) {
    CHECK(writer
              ->write("-- some\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                      "WHERE i < 20000) SELECT count(*) FROM n")
              .ok());
    clock.advance(2 * kSecond);
  }
}

TEST_CASE("single writer: a connection that was lost is opened again, with its settings") {
  Fixture f("sw_lost");
  // As SQLite would say it of a disk that failed.
  const auto lost = f.writer->execute_in_transaction([](SqlSession&) {
    return DbResult<int>(DbError{.kind = Kind::kIo, .message = "disk I/O error"});
  });
  CHECK(lost.error().kind == Kind::kIo);
  CHECK(f.writer->sink().count("connection.lost") == 1);
  REQUIRE(f.writer
              ->write_batch({{"CREATE TABLE parents(id INTEGER PRIMARY KEY)"},
                             {"CREATE TABLE children(parent REFERENCES parents(id))"}})
              .ok());
  CHECK(f.writer->stats().reopened == 1);
  CHECK(f.writer->write("INSERT INTO children VALUES (1)").error().kind == Kind::kConstraint);
  CHECK(f.writer->write("BEGIN").error().kind == Kind::kSql);
  CHECK(f.writer->sink().count("connection.open.write") == 2);
}

TEST_CASE("single writer: readers that keep the log from shrinking are told of") {
  Fixture f("sw_growing",
            {.checkpoint_pages = 20, .checkpoint_thread = false, .wal_warning_pages = 40});
  CHECK(f.writer
            ->query([&](SqlSession& session) {
              CHECK(count_items(session).ok());  // its snapshot begins here
              const std::string text(2000, 'x');
              for (int i = 0; i < 200; ++i) {
                f.clock.advance(WalGrowth::kOldNs);
                CHECK(f.writer->write("INSERT INTO items(value) VALUES (? || ?)", {i, text}).ok());
              }
              return count_items(session);
            })
            .ok());
  CHECK(f.writer->sink().detect_matching("wal.growing:*pages"));
  CHECK(f.writer->stats().wal_pages > 40);
}

TEST_CASE("single writer: the log stays small while rows come") {
  Fixture f("sw_log", {.checkpoint_pages = 50});
  const std::string text(2000, 'x');
  std::uint32_t largest = 0;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (? || ?)", {i, text}).ok());
    largest = std::max(largest, f.writer->stats().wal_pages);
  }
  // Four times as many, and what is written until no pass of the thread keeps it from beginning
  // anew.
  CHECK(largest <= 5 * 50);
  f.writer.reset();
  CHECK_FALSE(std::filesystem::exists(f.database.path() + "-wal"));
}

TEST_CASE("single writer: a text with a NUL in it is refused, however it is brought") {
  Fixture f("sw_nul");
  std::string text = "INSERT INTO items(value) VALUES (1)";
  text.push_back('\0');
  const auto execute = [&](SqlSession& session) { return session.execute(text); };
  CHECK(f.writer->write(text).error().kind == Kind::kSql);
  CHECK(f.writer->write_async(text).get().error().kind == Kind::kSql);
  CHECK(f.writer->write_batch({{"DELETE FROM items"}, {text}}).error().statement == 1);
  CHECK(f.writer->execute_in_transaction(execute).error().kind == Kind::kSql);
  CHECK(f.writer->query(execute).error().kind == Kind::kSql);
  CHECK(f.count() == 0);
  CHECK(*f.writer->write("INSERT INTO items(value) VALUES (1)") == 1);
}

// Another database, renamed over the one that is open, as a backup is restored.
void replace(const testing::Database& database, const std::string& sql) {
  const testing::Database backup("backup");
  backup.run(sql);
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::remove(database.path() + suffix);
  }
  std::filesystem::rename(backup.path(), database.path());
}

// Were it waited for, for an hour, by the machine's clock: the test would be ended before.
TEST_CASE("single writer: letting the last one go waits for nobody who reads the log") {
  Fixture f("sw_end_beside_reader", {.busy_timeout_ns = 3600 * kSecond});
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  const Snapshot reader(f.database.path());
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (2)").ok());
  f.writer.reset();
  CHECK(f.count() == 2);
}

constexpr const char* kBackup =
    "CREATE TABLE items(id INTEGER PRIMARY KEY, value UNIQUE);"
    "INSERT INTO items(value) VALUES (7), (8), (9)";

TEST_CASE("single writer: what is read is of the database that took the other's place") {
  Fixture f("sw_restored");
  const auto read = [&] { return *f.writer->read<std::int64_t>("items:count", count_items); };
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES (1)").ok());
  CHECK(*f.writer->query(count_items) == 1);
  CHECK(read() == 1);
  replace(f.database, kBackup);
  // Nobody writes: whoever reads notices it, within a second, and what was kept is gone, too.
  f.clock.advance(kSecond);
  CHECK(*f.writer->query(count_items) == 3);
  CHECK(read() == 3);
}

TEST_CASE("single writer: a writer that finds its database replaced tells the readers") {
  Fixture f("sw_restored_write");
  const auto read = [&] { return *f.writer->read<std::int64_t>("items:count", count_items); };
  // A reader that is used again looks at its place, and not again within the same second.
  CHECK(*f.writer->query(count_items) == 0);
  CHECK(read() == 0);
  const auto while_reading = f.writer->query([&](SqlSession& session) -> DbResult<std::int64_t> {
    CHECK(*count_items(session) == 0);
    replace(f.database, kBackup);
    CHECK(read() == 0);
    CHECK(f.writer->write("INSERT INTO items(value) VALUES (1)").error().kind == Kind::kIo);
    CHECK(read() == 3);
    return count_items(session);
  });
  // One state of a database, to its end.
  CHECK(*while_reading == 0);
  CHECK(*f.writer->query(count_items) == 3);
  CHECK(read() == 3);
  CHECK(*f.writer->write("INSERT INTO items(value) VALUES (1)") == 1);
  CHECK(*f.writer->query(count_items) == 4);
}

TEST_CASE("single writer: a link that leads elsewhere later leads no reader astray") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::Database("sw_links").path()).parent_path() / "sw_links";
  fs::remove_all(folder);
  for (const char* place : {"r1", "r2"}) fs::create_directories(folder / place);
  fs::create_directory_symlink(folder / "r1", folder / "cur");
  const std::string path = (folder / "cur" / "x.db").string();
  const auto writer = *SqliteSingleWriter::get_or_create(path, {});
  REQUIRE(writer->write("CREATE TABLE t(x)").ok());
  fs::remove(folder / "cur");
  fs::create_directory_symlink(folder / "r2", folder / "cur");
  {
    const auto other = *SqliteSingleWriter::get_or_create(path, {});
    CHECK(other != writer);
    REQUIRE(other->write("CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)").ok());
  }
  const auto rows = [](SqlSession& session) -> DbResult<std::int64_t> {
    std::int64_t count = -1;
    const auto shown = session.for_each("SELECT count(*) FROM t", {}, [&](const SqlRow& row) {
      count = row.int64(0);
      return true;
    });
    if (!shown.ok()) return shown.error();
    return count;
  };
  // A read within a read opens another connection.
  const auto twice = [&](SqlSession& session) -> DbResult<std::int64_t> {
    const auto inner = writer->query(rows);
    if (!inner.ok()) return inner.error();
    return *inner + *rows(session);
  };
  CHECK(*writer->query(twice) == 0);
  fs::remove_all(folder);
}

TEST_CASE("single writer: a path is of the folder in which the process was when it was given") {
  const testing::Database database("sw_folder");
  const std::filesystem::path path = database.path();
  database.run("CREATE TABLE items(value)");
  Writer writer;
  {
    const WorkingFolder folder(path.parent_path());
    writer = open(path.filename().string());
  }
  const auto read = writer->query(count_items);
  CHECK_MESSAGE(read.ok(), read.error().message);
  // The connection is lost, and opened again.
  CHECK_FALSE(writer
                  ->execute_in_transaction([](SqlSession&) {
                    return DbResult<int>(DbError{.kind = Kind::kIo, .message = "I/O error"});
                  })
                  .ok());
  const auto written = writer->write("INSERT INTO items VALUES (1)");
  CHECK_MESSAGE(written.ok(), written.error().message);
  CHECK(database.integer("SELECT count(*) FROM items") == 1);
}

TEST_CASE("single writer: callers don't take its checkpoints from it") {
  Fixture f("sw_autocheckpoint", {.checkpoint_pages = 20, .checkpoint_thread = false});
  for (const char* sql : {"PRAGMA wal_autocheckpoint = 0", "PRAGMA WAL_autocheckpoint(1000)"}) {
    const auto refused = f.writer->write(sql);
    CHECK(refused.error().kind == Kind::kSql);
    CHECK(refused.error().message.find("checkpoint_pages") != std::string::npos);
  }
  const std::string text(2000, 'x');
  for (int i = 0; i < 100; ++i) {
    CHECK(f.writer->write("INSERT INTO items(value) VALUES (? || ?)", {i, text}).ok());
  }
  CHECK(f.writer->stats().checkpoints > 0);
}

// As SQLite has it, and as the header says.
TEST_CASE("single writer: of a statement that fails by FAIL what it had done before stays") {
  Fixture f("sw_fail");
  const char* some = "INSERT OR FAIL INTO items(value) VALUES (1), (2), (1), (3)";
  const auto failed = f.writer->write(some);
  CHECK(failed.error().kind == Kind::kConstraint);
  CHECK(f.count() == 2);
  // With others it's all or nothing.
  REQUIRE(f.writer->write("DELETE FROM items").ok());
  CHECK_FALSE(f.writer->write_batch({{some}}).ok());
  CHECK_FALSE(f.writer->write(std::string(some) + "; SELECT 1").ok());
  CHECK_FALSE(
      f.writer->execute_in_transaction([&](SqlSession& session) { return session.execute(some); })
          .ok());
  CHECK(f.count() == 0);
}

// Both are posted within a transaction, so that they wait together and are one group.
TEST_CASE("single writer: what a failing statement keeps doesn't depend on who shares its group") {
  Fixture f("sw_fail_group");
  f.database.run(
      "CREATE TABLE parents(id INTEGER PRIMARY KEY);"
      "CREATE TABLE children(parent REFERENCES parents(id) DEFERRABLE INITIALLY DEFERRED)");
  struct Case {
    const char* other;
    bool succeeds;
  };
  const std::vector<Case> cases = {
      {"INSERT INTO items(value) VALUES ('good')", true},
      {"INSERT OR ROLLBACK INTO items(value) VALUES ('twice'), ('twice')", false},
      {"INSERT INTO children VALUES (99)", false},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.other));
    REQUIRE(f.writer->write("DELETE FROM items").ok());
    std::future<DbResult<std::int64_t>> failing, other;
    REQUIRE(f.writer
                ->execute_in_transaction([&](SqlSession&) {
                  failing = f.writer->write_async(
                      "INSERT OR FAIL INTO items(value) VALUES (1), (2), (1), (3)");
                  other = f.writer->write_async(c.other);
                })
                .ok());
    CHECK(failing.get().error().kind == Kind::kConstraint);
    CHECK(other.get().ok() == c.succeeds);
    CHECK(f.database.integer("SELECT count(*) FROM items WHERE value IN (1, 2)") == 2);
    CHECK(f.database.integer("SELECT count(*) FROM items WHERE value = 3") == 0);
  }
}

TEST_CASE("single writer: what a reader sets on its connection is its own") {
  Fixture f("sw_reader_sets", {.read_connections = 1});
  REQUIRE(f.writer->write("INSERT INTO items(value) VALUES ('A')").ok());
  const auto alike = [&] {
    return *f.writer->query([](SqlSession& session) {
      return session.scalar<int>(
          "SELECT (SELECT count(*) FROM items WHERE value LIKE 'a') + 10 * count(*) "
          "FROM pragma_database_list");
    });
  };
  CHECK(alike() == 11);
  CHECK(f.writer->stats().read_connections == 1);
  std::uint64_t opened = 1;
  for (const char* sql : {"PRAGMA case_sensitive_like = ON", "ATTACH ':memory:' AS more"}) {
    CAPTURE(sql);
    CHECK(f.writer->query([&](SqlSession& session) { return session.execute(sql); }).ok());
    CHECK(alike() == 11);
    CHECK(f.writer->stats().read_connections == ++opened);
  }
  CHECK(f.writer
            ->query([](SqlSession& session) {
              return session.execute("PRAGMA table_info(items)").ok() ? DbResult<int>(1)
                                                                      : DbResult<int>(DbError{});
            })
            .ok());
  CHECK(f.writer->query([](SqlSession& session) { return session.get() != nullptr; }).ok());
  CHECK(alike() == 11);
  // The handle was lent, by which anything may have been set.
  CHECK(f.writer->stats().read_connections == opened + 1);
}

}  // namespace
}  // namespace mayfly
