// The table: created, checked, altered, refused.
#include "mayfly/storage/target.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

void check_refusal(WriterFixture& f, std::initializer_list<const char*> words) {
  const Status status = f.try_open();
  CHECK(status.code() == Code::kConfig);
  for (const char* word : words) {
    CAPTURE(status.message());
    CAPTURE(word);
    CHECK(status.message().find(word) != std::string::npos);
  }
}

TEST_CASE("a table is created with the schema's types, keys and NOT NULL") {
  WriterFixture f(Schema({{.name = "id", .type = ColumnType::kInt64, .key = true},
                          {.name = "r", .type = ColumnType::kFloat64, .not_null = true},
                          {.name = "text \"q\""},
                          {.name = "b", .type = ColumnType::kBlob},
                          {.name = "flag", .type = ColumnType::kBool},
                          {.name = "at", .type = ColumnType::kTimestamp},
                          {.name = "doc", .type = ColumnType::kJson},
                          {.name = "any", .type = ColumnType::kAny}}));
  f.open();
  CHECK(f.query("SELECT name, type, \"notnull\", pk FROM pragma_table_info('t')") ==
        "id|INTEGER|0|1\nr|REAL|1|0\ntext \"q\"|TEXT|0|0\nb|BLOB|0|0\nflag|INTEGER|0|0\n"
        "at|INTEGER|0|0\ndoc|TEXT|0|0\nany||0|0");
  CHECK(f.query("PRAGMA page_size") == "16384");
}

TEST_CASE("a key of several columns or of text is NOT NULL") {
  WriterFixture f;
  f.options.key_columns = {"name", "id"};
  f.open();
  CHECK(f.query("SELECT name, \"notnull\", pk FROM pragma_table_info('t')") == "id|1|2\nname|1|1");
  CHECK(f.write({{num(1), nullptr}, {num(1), text("a")}, {num(1), text("a")}}, kNoSource) == "313");
  CHECK(f.query("SELECT code FROM mayfly_dead_letters") == "not_null\nprimary_key");
}

TEST_CASE("a NULL in an integer key is rejected, in every mode, and takes no other row's place") {
  for (const WriteMode mode :
       {WriteMode::kInsert, WriteMode::kUpsert, WriteMode::kIgnore, WriteMode::kReplace}) {
    for (const std::string select : {"", "SELECT id, name FROM mayfly_batch"}) {
      for (const bool coerce : {false, true}) {
        CAPTURE(select);
        WriterFixture f;
        f.options.key_columns = {"id"};
        f.options.mode = mode;
        f.options.select = select;
        f.options.coerce = coerce;
        f.open();
        CHECK(f.write({{num(1), text("a")}, {nullptr, text("z")}, {num(2), text("b")}},
                      kNoSource) == "131");
        CHECK(f.query("SELECT * FROM t") == "1|a\n2|b");
        CHECK(f.query("SELECT code, reason FROM mayfly_dead_letters") ==
              "not_null|column id: expected a key, found NULL, for which SQLite would make up a "
              "number; give the row its key, or leave the column out to have all keys made");
      }
    }
  }
}

TEST_CASE("without its column, SQLite makes the integer keys of a table that is there") {
  WriterFixture f(Schema({{.name = "name"}}));
  f.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
  f.open();
  CHECK(f.write({{text("a")}, {text("b")}}, kNoSource) == "11");
  CHECK(f.query("SELECT * FROM t") == "1|a\n2|b");
}

TEST_CASE("values of every type arrive as they are") {
  WriterFixture f(Schema({{.name = "i", .type = ColumnType::kInt64},
                          {.name = "r", .type = ColumnType::kFloat64},
                          {.name = "t"},
                          {.name = "b", .type = ColumnType::kBlob},
                          {.name = "flag", .type = ColumnType::kBool},
                          {.name = "at", .type = ColumnType::kTimestamp},
                          {.name = "doc", .type = ColumnType::kJson}}));
  f.open();
  f.write({{num(INT64_MIN), Cell(0.1), text("h\xC3\xA9"), Blob{std::string("\0\1", 2)}, num(1),
            num(1'700'000'000'000'000), text("{\"a\":1}")},
           {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},
           {num(0), Cell(-0.5), text(""), Blob{""}, num(0), num(-1), text("[]")}},
          kNoSource);
  CHECK(f.query("SELECT i, r, t, hex(b), flag, at, doc FROM t") ==
        "-9223372036854775808|0.1|h\xC3\xA9|0001|1|1700000000000000|{\"a\":1}\n"
        "NULL|NULL|NULL||NULL|NULL|NULL\n0|-0.5|||0|-1|[]");
  CHECK(f.query("SELECT group_concat(typeof(b)), group_concat(typeof(t)) FROM t") ==
        "blob,null,blob|text,null,text");
}

TEST_CASE("a column without a type keeps each value's own") {
  WriterFixture f(Schema({{.name = "v", .type = ColumnType::kAny}}));
  f.open();
  f.write({{num(7)}, {Cell(1.5)}, {text("007")}, {Blob{"x"}}, {nullptr}}, kNoSource);
  CHECK(f.query("SELECT v, typeof(v) FROM t") ==
        "7|integer\n1.5|real\n007|text\nx|blob\nNULL|null");
}

TEST_CASE("columns are found by name, whatever their order and case") {
  WriterFixture f;
  f.run("CREATE TABLE T(extra DEFAULT 'd', NAME TEXT, Id INTEGER)");
  f.open();
  f.write(f.numbered(1, 2), kNoSource);
  CHECK(f.query("SELECT id, name, extra FROM t") == "1|name 1|d\n2|name 2|d");
}

TEST_CASE("a table without a column of the input is refused with --alter as the way out") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER, other)");
  check_refusal(f, {"name", "id, other", "--alter"});
}

TEST_CASE("--alter adds what is missing") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER); INSERT INTO t VALUES(0)");
  f.options.alter = true;
  f.open();
  f.write(f.numbered(1, 1), kNoSource);
  CHECK(f.query("SELECT id, name FROM t") == "0|NULL\n1|name 1");
  CHECK(f.query("SELECT type FROM pragma_table_info('t') WHERE name = 'name'") == "TEXT");
}

TEST_CASE("a NOT NULL column that nothing fills is refused before the first row") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER, name, must NOT NULL)");
  check_refusal(f, {"must", "NOT NULL"});
}

TEST_CASE("a generated column in the input is refused") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER, name AS (id + 1))");
  check_refusal(f, {"name", "generated"});
}

TEST_CASE("views, reserved names and missing tables are refused") {
  WriterFixture view;
  view.run("CREATE VIEW t AS SELECT 1 AS id, 2 AS name");
  check_refusal(view, {"t is a view; the writer needs an ordinary table"});
  WriterFixture virtual_table;
  virtual_table.run("CREATE VIRTUAL TABLE t USING fts5(id, name)");
  check_refusal(virtual_table, {"t is a virtual table; the writer needs"});
  WriterFixture reserved;
  reserved.options.table = "mayfly_offsets";
  check_refusal(reserved, {"reserved"});
  WriterFixture missing;
  missing.options.create_table = false;
  check_refusal(missing, {"doesn't exist"});
  WriterFixture unnamed;
  unnamed.options.table.clear();
  check_refusal(unnamed, {"no name"});
}

TEST_CASE("upsert needs keys, and a unique index over them") {
  WriterFixture none;
  none.options.mode = WriteMode::kUpsert;
  check_refusal(none, {"key columns", "--pk"});
  WriterFixture unindexed;
  unindexed.run("CREATE TABLE t(id INTEGER, name)");
  unindexed.options.mode = WriteMode::kUpsert;
  unindexed.options.key_columns = {"id"};
  check_refusal(unindexed, {"none over any", "CREATE UNIQUE INDEX \"t_key\" ON \"t\"(\"id\")"});
  WriterFixture misspelt;
  misspelt.options.key_columns = {"idd"};
  misspelt.run("CREATE TABLE t(id INTEGER, name)");
  check_refusal(misspelt, {"idd", "spelling"});
}

TEST_CASE("upsert by columns that are no key names the keys that there are") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name, a, b, UNIQUE(b, a))");
  f.run("CREATE UNIQUE INDEX partial ON t(name) WHERE id > 3");
  f.run("CREATE UNIQUE INDEX computed ON t(lower(name))");
  f.options.mode = WriteMode::kUpsert;
  f.options.key_columns = {"name"};
  check_refusal(f, {"by (\"name\")", "the table has (id); (b, a). Name one of them (--pk"});
  WriterFixture text_key;
  text_key.run("CREATE TABLE t(id, name TEXT PRIMARY KEY)");
  text_key.options.mode = WriteMode::kUpsert;
  text_key.options.key_columns = {"id"};
  check_refusal(text_key, {"the table has (name). Name"});
  text_key.options.key_columns.clear();
  CHECK(text_key.try_open().ok());
}

TEST_CASE("a table without keys, indexes, triggers and references is known as only appended to") {
  const auto append_only = [](const char* sql) {
    WriterFixture f;
    SqliteConnection connection = f.connect();
    REQUIRE(connection.run(sql).ok());
    const auto target = Target::prepare(connection, f.options, f.schema);
    REQUIRE(target.ok());
    return target->append_only();
  };
  CHECK(append_only("CREATE TABLE t(id INTEGER, name TEXT)"));
  CHECK_FALSE(append_only("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)"));
  CHECK_FALSE(append_only("CREATE TABLE t(id INTEGER, name TEXT UNIQUE)"));
  CHECK_FALSE(append_only("CREATE TABLE t(id INTEGER, name TEXT); CREATE INDEX i ON t(name)"));
  CHECK_FALSE(
      append_only("CREATE TABLE p(id INTEGER PRIMARY KEY); "
                  "CREATE TABLE t(id INTEGER REFERENCES p, name TEXT)"));
  CHECK_FALSE(
      append_only("CREATE TABLE t(id INTEGER, name TEXT); CREATE TABLE u(x); "
                  "CREATE TRIGGER g AFTER INSERT ON T BEGIN INSERT INTO u VALUES(1); END"));
}

TEST_CASE("a database that can't be opened says whether descriptors have run out") {
  CHECK(to_status({SQLITE_CANTOPEN, "can't", EMFILE}, "opening x")
            .message()
            .ends_with("; too many files are open (ulimit -n)"));
  CHECK(to_status({SQLITE_CANTOPEN, "can't", ENOENT}, "opening x")
            .message()
            .ends_with("; the file and its directory must be writable by this user"));
}

TEST_CASE("numbers that were read from text are refused for a column that keeps text") {
  const Schema schema({{.name = "zip", .type = ColumnType::kFloat64}});
  WriterFixture f(schema);
  f.run("CREATE TABLE t(Zip TEXT)");
  f.options.parsed = true;
  check_refusal(f, {"column zip", "keeps text", "--types zip=text", "--coerce"});
  f.options.coerce = true;
  CHECK(f.try_open().ok());
}

TEST_CASE("a table of as many columns as SQLite allows is written; what can't be leaves no table") {
  std::vector<Column> columns(1999);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name = "c" + std::to_string(i);
  WriterFixture wide{Schema(columns)};
  CHECK(wide.try_open().ok());
  columns.push_back({.name = "x"});
  columns.push_back({.name = "y"});
  {
    WriterFixture too_wide{Schema(columns)};
    check_refusal(too_wide, {"expected at most 2000 columns", "found 2001", "leave some out"});
  }
  {
    WriterFixture selected{Schema(columns)};
    selected.options.select = "SELECT c1 FROM mayfly_batch";
    check_refusal(selected, {"expected at most 2000 columns", "found 2001", "leave some out"});
  }
  {
    WriterFixture altered{Schema({{.name = "a"}, {.name = "b"}})};
    std::string sql = "CREATE TABLE t(";
    for (int i = 0; i < 1999; ++i) sql += "x" + std::to_string(i) + ", ";
    altered.run(sql.substr(0, sql.size() - 2) + ")");
    altered.options.alter = true;
    check_refusal(altered, {"expected at most 2000 columns", "found 2001", "leave some out"});
    CHECK(altered.query("SELECT count(*) FROM pragma_table_info('t')") == "1999");
  }
  WriterFixture wider{Schema(columns)};
  CHECK_FALSE(wider.try_open().ok());
  CHECK(wider.query("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0");
}

TEST_CASE("columns may be called like those that mayfly_batch has besides the rows'") {
  WriterFixture f(Schema({{.name = "_ordinal"}, {.name = "mayfly_ordinal"}}));
  f.open();
  f.write({{text("a"), text("b")}}, kNoSource);
  CHECK(f.query("SELECT * FROM t") == "a|b");
}

// Interleaving aimed at: a reader that ends while the writer's COMMIT waits for it at open.
TEST_CASE("opening waits for a reader of a rollback journal") {
  WriterFixture f;
  f.options.journal = Journal::kKeep;
  f.options.open_wait_ns = 30 * kSecond;
  f.run("CREATE TABLE u(x); INSERT INTO u VALUES(1)");
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM u").ok());
  Status status;
  std::thread opener([&] { status = f.try_open(); });
  // The writer's table is pending once nobody else may begin to read.
  while (SqliteConnection other = f.connect()) {
    std::string found;
    if (!other.query_text("SELECT x FROM u", found).ok()) break;
  }
  REQUIRE(reader.run("COMMIT").ok());
  opener.join();
  CHECK_MESSAGE(status.ok(), status.message());
}

// Interleaving aimed at: a writer that has its lock before the opening begins, and ends after it.
TEST_CASE("opening and adding a source wait for another's lock, whatever the journal") {
  for (const bool opens : {true, false}) {
    CAPTURE(opens);
    WriterFixture f;
    f.options.open_wait_ns = 30 * kSecond;
    f.run("CREATE TABLE u(x)");
    if (!opens) f.open();
    SqliteConnection other = f.connect();
    REQUIRE(other.run("BEGIN IMMEDIATE").ok());
    auto waiting = std::async(std::launch::async, [&] {
      return opens ? f.try_open() : f.writer->add_source(0, {.key = "a.csv"}).status();
    });
    // Nothing shows that somebody waits; who doesn't wait ends within this.
    CHECK(waiting.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
    REQUIRE(other.run("COMMIT").ok());
    const Status status = waiting.get();
    CHECK_MESSAGE(status.ok(), status.message());
  }
}

TEST_CASE("a refused table leaves no trace in the database") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER)");
  check_refusal(f, {"name"});
  CHECK(f.query("SELECT group_concat(name) FROM sqlite_schema") == "t");
}

TEST_CASE("a database that is none is refused") {
  WriterFixture f;
  {
    std::FILE* file = std::fopen(f.options.database.c_str(), "w");
    std::fputs(std::string(5000, 'x').c_str(), file);
    std::fclose(file);
  }
  CHECK(f.try_open().code() == Code::kIo);
  WriterFixture folder;
  folder.options.database = "/nonexistent/folder/x.db";
  CHECK(folder.try_open().code() == Code::kCannotCreate);
}

}  // namespace
}  // namespace mayfly
