// What the writer finds in the database, or finds gone from it, before rows are promised a place.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

Row pair(std::int64_t id, const char* name) { return {num(id), text(name)}; }

TEST_CASE("resume is refused when the table that the rows went to is gone") {
  WriterFixture f;
  f.open();
  f.add_source();
  f.write(f.numbered(0, 3));
  REQUIRE(f.writer->finish(true).ok());
  f.run("DROP TABLE t");
  f.options.resumed_sources = {"other.csv", "orders.csv"};
  const Status refused = f.try_open();
  CHECK(refused.code() == Code::kConfig);
  CHECK(refused.message().find("resuming orders.csv: mayfly_offsets says that 3 of its rows are in "
                               "table t, but there is no such table") != std::string::npos);
  CHECK(f.query("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0");
  f.options.resumed_sources = {"other.csv"};
  CHECK(f.try_open().ok());
}

TEST_CASE("what is advised for a lost table is SQL, whatever the table is called") {
  WriterFixture f;
  f.options.table = "it's";
  f.open();
  f.add_source();
  f.write(f.numbered(0, 3));
  REQUIRE(f.writer->finish(true).ok());
  f.run("DROP TABLE \"it's\"");
  f.options.resumed_sources = {"orders.csv"};
  const std::string message = f.try_open().message();
  const std::size_t sql = message.find("DELETE FROM");
  REQUIRE(sql != std::string::npos);
  f.run(message.substr(sql));
  CHECK(f.try_open().ok());
  f.writer.reset();
  CHECK(f.query("SELECT count(*) FROM mayfly_offsets") == "0");
}

TEST_CASE("ranges that a mark was taken away from aren't the next run's") {
  WriterFixture f;
  f.open();
  f.run(
      "CREATE TABLE IF NOT EXISTS mayfly_offset_ranges(source TEXT, target TEXT, generation, "
      "first, last, byte, line, PRIMARY KEY(source, target, generation, first)); "
      "INSERT INTO mayfly_offset_ranges VALUES('orders.csv', 't', 1, 3, 4, 0, 0)");
  CHECK(f.add_source().generation == 2);
  f.write(f.numbered(0, 2));
  REQUIRE(f.writer->finish(true).ok());
  f.open();
  CHECK(f.add_source(true).answered.empty());
}

TEST_CASE("a source goes on where it was, in whatever case its table is named") {
  WriterFixture f;
  f.open();
  f.add_source();
  f.write(f.numbered(0, 3));
  REQUIRE(f.writer->finish(true).ok());
  f.options.table = "T";
  f.open();
  const SourceStart start = f.add_source(true);
  CHECK(start.resumed);
  CHECK(start.ordinal == 3);
  f.write(f.numbered(3, 2));
  REQUIRE(f.writer->finish(true).ok());
  CHECK(f.query("SELECT target, generation, low FROM mayfly_offsets") == "t|1|5");
}

TEST_CASE("a table's own ON CONFLICT REPLACE is counted as an update") {
  for (const char* sql :
       {"CREATE TABLE t(id INTEGER UNIQUE ON CONFLICT REPLACE, name)",
        "CREATE TABLE t(id INTEGER PRIMARY KEY ON /* so */ conflict replace, name)",
        "CREATE TABLE t(id INTEGER, name, PRIMARY KEY(id) ON CONFLICT REPLACE) WITHOUT ROWID"}) {
    CAPTURE(sql);
    WriterFixture f;
    f.run(sql);
    f.open();
    f.add_source();
    CHECK(f.write({pair(1, "a"), pair(2, "b"), pair(1, "c")}) == "111");
    CHECK(f.writer->totals().rows.inserted == 2);
    CHECK(f.writer->totals().rows.updated == 1);
    CHECK(f.query("SELECT id, name FROM t ORDER BY id") == "1|c\n2|b");
  }
}

// How a database goes away under its writer.
void take_away(const std::string& path, std::string_view how) {
  const std::string other = path + ".other";
  if (how == "removed") {
    std::filesystem::remove(path);
  } else if (how == "renamed") {
    std::filesystem::rename(path, other);
  } else {
    std::ofstream(other) << "";
    std::filesystem::rename(other, path);
  }
}

TEST_CASE("a database that goes away while it is written is told at the end") {
  for (const Journal journal : {Journal::kWal, Journal::kKeep}) {
    for (const std::string how : {"removed", "renamed", "replaced"}) {
      CAPTURE(how);
      WriterFixture f;
      f.options.journal = journal;
      f.open();
      f.write(f.numbered(0, 3), kNoSource);
      take_away(f.options.database, how);
      const Status status = f.writer->finish(true).status;
      CHECK(status.code() == Code::kIo);
      CHECK_MESSAGE(status.message().find("removed, renamed or replaced") != std::string::npos,
                    status.message());
      f.writer.reset();
      CHECK(std::filesystem::exists(f.options.database) == (how == "replaced"));
    }
  }
}

TEST_CASE("a database that goes away is noticed within a second while rows come") {
  for (const std::string how : {"removed", "renamed", "replaced"}) {
    CAPTURE(how);
    WriterFixture f;
    f.open();
    f.write(f.numbered(0, 3), kNoSource);
    take_away(f.options.database, how);
    f.clock.advance(kSecond);
    const auto heads = f.fill(f.numbered(3, 2), kNoSource);
    const GroupResult result = f.writer->write(heads);
    CHECK(result.kind == GroupResult::Kind::kFailed);
    CHECK(result.status.code() == Code::kIo);
    CHECK(f.outcomes_of(heads) == "00");
    CHECK(f.writer->finish(true).status.code() == Code::kIo);
  }
}

TEST_CASE("a table of Mayfly's own name and another shape is refused at open") {
  for (const char* sql :
       {"CREATE TABLE mayfly_dead_letters(id, text)", "CREATE VIEW mayfly_dead_letters AS SELECT 1",
        "CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, at, source NOT NULL, ordinal, "
        "line, node, code, reason, columns, raw, target, attempts)",
        "CREATE TABLE mayfly_stats(a)", "CREATE TABLE mayfly_commits(a)",
        "CREATE TABLE mayfly_offsets(a)", "CREATE TABLE mayfly_offset_ranges(a)"}) {
    CAPTURE(sql);
    WriterFixture f;
    f.run(sql);
    const Status refused = f.try_open();
    CHECK(refused.code() == Code::kConfig);
    CHECK_MESSAGE(refused.message().find("isn't the table that Mayfly makes") != std::string::npos,
                  refused.message());
    CHECK(f.query("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0");
  }
  for (const char* sql :
       {"CREATE TABLE Mayfly_Batch(a)", "CREATE VIEW mayfly_batch AS SELECT 1 AS id"}) {
    WriterFixture f;
    f.run(sql);
    const Status refused = f.try_open();
    CHECK(refused.code() == Code::kConfig);
    CHECK_MESSAGE(refused.message().find("which is the name of the rows that are to be written") !=
                      std::string::npos,
                  refused.message());
  }
  WriterFixture f;
  f.open();
  f.add_source();
  f.writer->stage_stats("{}");
  f.write({pair(1, "a"), {nullptr, nullptr}});
  REQUIRE(f.writer->finish(true).ok());
  CHECK(f.try_open().ok());
  f.writer.reset();
  CHECK(f.query("SELECT count(*), sum(generation) FROM mayfly_offsets") == "1|1");
}

}  // namespace
}  // namespace mayfly
