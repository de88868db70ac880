// Files that aren't what they seem: empty, cut, replaced while they are read, of another system's
// lines, far too long, with names that can't be. Each with its message, its status, and what is
// kept.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name) : database(name), folder(make_folder()) {}
  Outcome ingest(const std::string& file, const std::string& text,
                 std::vector<std::string> more = {}) const {
    write_file(folder + "/" + file, text);
    if (std::ranges::find(more, "--table") == more.end()) {
      more.insert(more.end(), {"--table", "t"});
    }
    more.insert(more.begin(), {"ingest", folder + "/" + file, "--into", database.path()});
    more.insert(more.end(), {"--output", "json"});
    return run_mayfly(std::move(more));
  }
  std::int64_t tables() const {
    return database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 't'");
  }

  Database database;
  std::string folder;
};

// Of a file that is read while `change` happens to it.
Outcome changed_while_read(const Fixture& f, const std::string& path,
                           const std::function<void()>& change,
                           const std::vector<std::string>& more = {}) {
  std::vector<std::string> line = {
      "ingest",       path, "--table",   "t", "--into",   f.database.path(),
      "--batch-rows", "64", "--batches", "8", "--output", "json"};
  line.insert(line.end(), more.begin(), more.end());
  RunProgram program(mayfly_path(), line);
  wait_for_rows(program, f.database.path(), "t", 64);
  program.signal(SIGSTOP);  // so that the end can't be reached meanwhile
  change();
  program.signal(SIGCONT);
  const int status = program.wait();
  return {status, program.out(), program.err()};
}

// Of the same columns as numbered_csv.
std::string other_text(std::uint64_t rows) {
  std::string text = numbered_csv(rows);
  std::replace(text.begin() + static_cast<std::ptrdiff_t>(text.find('\n')), text.end(), 'n', 'm');
  return text;
}

}  // namespace

TEST_CASE("bad input: a file that is cut while it is read ends with 66 and what changed") {
  const Fixture f("cut");
  const std::string path = f.folder + "/cut.csv";
  const std::string text = numbered_csv(400'000);
  write_file(path, text);

  const Outcome outcome =
      changed_while_read(f, path, [&] { REQUIRE(::truncate(path.c_str(), 3'000'000) == 0); });

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "cut.csv: was cut while it was read: expected " +
                                  std::to_string(text.size()) + " bytes"));
  CHECK(contains(outcome.err, "found 3000000"));
  // The record that the cut goes through isn't in the table.
  CHECK(f.database.integer("SELECT count(*) FROM t WHERE name <> 'n' || id") == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == parse_summary(outcome.out).read);
}

TEST_CASE("bad input: a file that is written over while it is read ends with 66, however long") {
  for (const std::uint64_t rows : {200'000u, 210'000u}) {
    const Fixture f("overwritten");
    const std::string path = f.folder + "/over.csv";
    write_file(path, numbered_csv(200'000));

    const Outcome outcome =
        changed_while_read(f, path, [&] { write_file(path, other_text(rows)); });

    CHECK(outcome.status == 66);
    CHECK(contains(outcome.err,
                   "over.csv: was overwritten while it was read: expected its first "
                   "4096 bytes to be those that were read, found others"));

    // As is said, it's another file by now.
    const Outcome resumed =
        run_mayfly({"ingest", path, "--table", "t", "--into", f.database.path(), "--resume"});
    CHECK(resumed.status == 66);
    CHECK_MESSAGE(contains(resumed.err, "it doesn't begin as it did when it was read"),
                  resumed.err);
  }
}

TEST_CASE("bad input: a file that is written over before a limit is reached ends with 66, too") {
  const Fixture f("limited");
  const std::string path = f.folder + "/over.csv";
  write_file(path, numbered_csv(200'000));
  const auto write_over = [&] { write_file(path, other_text(200'000)); };
  const Outcome outcome = changed_while_read(f, path, write_over, {"--limit", "150000"});
  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "over.csv: was overwritten while it was read"));
}

TEST_CASE("bad input: a file whose name says JSON is never read as CSV") {
  const Fixture f("json_names");
  const Outcome mixed = f.ingest("mixed.json", R"([[1],{"a":1}])");
  CHECK(mixed.status == 65);
  CHECK(f.database.rows("SELECT a FROM t") == std::vector<std::string>{"1"});
  CHECK(f.database.text("SELECT code FROM mayfly_dead_letters") == "json");
  for (const char* text : {"null", "[", "[[1]]", "[1,2]", "[1]\n{\"a\":1}\n", "a,b\n1,2\n"}) {
    const Outcome outcome = f.ingest("other.json", text, {"--table", "other"});
    CHECK_MESSAGE((outcome.status == 65 || outcome.status == 66), text);
    CHECK_MESSAGE(!contains(outcome.err, "header line"), outcome.err);
  }
}

TEST_CASE("bad input: what has no rows is told from what has no header, in every format") {
  const Fixture f("empty");
  struct Case {
    const char* file;
    std::string text;
    const char* message;
  };
  const char* const no_header = "expected a header line, found nothing; is the file whole?";
  const char* const no_object =
      "expected a line with a JSON object, found none; of a file that "
      "may be empty, name the columns (--columns)";
  for (const Case& c : {Case{"empty.csv", "", no_header},
                        {"lines.csv", "\n\n", no_header},
                        {"empty.tsv", "", no_header},
                        {"empty.csv.gz", gzip(""), no_header},
                        {"empty.ndjson", "", no_object},
                        {"empty.json", "[]", no_object},
                        {"keyless.ndjson", "{}\n", no_object}}) {
    CAPTURE(c.file);
    const Outcome outcome = f.ingest(c.file, c.text);
    CHECK(outcome.status == 66);
    CHECK_MESSAGE(contains(outcome.err, c.file + std::string(": ") + c.message), outcome.err);
    CHECK(parse_summary(outcome.out).exit_status == 66);
    CHECK_FALSE(std::filesystem::exists(f.database.path()));
  }

  // What is advised.
  CHECK(f.ingest("a.ndjson", "", {"--columns", "id"}).status == 0);
  // A header alone is a table without rows, and one that is there stays as it is.
  const Outcome header = f.ingest("header.csv", "id,name\n", {"--table", "h"});
  CHECK(header.status == 0);
  CHECK(parse_summary(header.out).read == 0);
  CHECK(f.database.rows("SELECT name FROM pragma_table_info('h')") ==
        std::vector<std::string>{"id", "name"});
  f.database.run("INSERT INTO h VALUES (1, 'a')");
  CHECK(f.ingest("header.csv", "id,name\n", {"--table", "h"}).status == 0);
  CHECK(f.ingest("empty.csv", "", {"--table", "h", "--truncate"}).status == 66);
  CHECK(f.database.rows("SELECT * FROM h") == std::vector<std::string>{"1|a"});
}

TEST_CASE("bad input: a device is read like a file, an endless one until a record is too long") {
  const Fixture f("device");
  const auto ingest = [&](const std::string& device, const std::string& format) {
    return run_mayfly({"ingest", device, "--table", "t", "--format", format, "--into",
                       f.database.path(), "--output", "json"});
  };
  const Outcome null = ingest("/dev/null", "csv");
  CHECK(null.status == 66);
  CHECK(contains(null.err, "/dev/null: expected a header line, found nothing"));
  for (const char* device : {"/dev/zero", "/dev/full"}) {
    for (const char* format : {"csv", "ndjson", "json"}) {
      CAPTURE(device);
      CAPTURE(format);
      const Outcome endless = ingest(device, format);
      CHECK(endless.status == 66);
      CHECK_MESSAGE(contains(endless.err, device + std::string(": expected a ")), endless.err);
      CHECK_MESSAGE(contains(endless.err, " of at most 33554432 bytes (max_row_bytes)"),
                    endless.err);
    }
  }
  // Every byte of it is what nothing was mapped to.
  const Outcome memory = ingest("/proc/self/mem", "csv");
  CHECK(memory.status == 74);
  CHECK(contains(memory.err, "/proc/self/mem: can't be read at byte 0: Input/output error"));
  CHECK_FALSE(std::filesystem::exists(f.database.path()));
}

TEST_CASE("bad input: of a file that grows while it is read, what was added is read as well") {
  const Fixture f("grows");
  const std::string path = f.folder + "/grows.csv";
  write_file(path, numbered_csv(200'000));

  const Outcome outcome = changed_while_read(f, path, [&] {
    std::ofstream(path, std::ios::app) << "200000,n200000\n200001\n200002,n200002\n";
  });

  CHECK(outcome.status == 65);  // for the record that is short
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id), max(id) FROM t") ==
        "200002|200002|200002");
  CHECK(f.database.integer("SELECT line FROM mayfly_dead_letters") == 200'003);
  // It has no more to give, and what comes now isn't lost on whoever resumes without looking.
  std::ofstream(path, std::ios::app) << "200003,n200003\n";
  const Outcome resumed = run_mayfly({"ingest", path, "--table", "t", "--into", f.database.path(),
                                      "--resume", "--output", "json"});
  CHECK(resumed.status == 66);
  CHECK(contains(resumed.err, "grows.csv: changed since the mark at byte "));
  CHECK(contains(resumed.err, "its size was "));
  CHECK(contains(resumed.err, "The same command without --resume reads all its files anew"));
}

TEST_CASE("bad input: a file that is replaced while it is read is read to its old end") {
  const Fixture f("replaced");
  const std::string path = f.folder + "/replaced.csv";
  write_file(path, numbered_csv(200'000));
  write_file(f.folder + "/new.csv", "id,name\n-1,new\n");

  const Outcome outcome =
      changed_while_read(f, path, [&] { std::filesystem::rename(f.folder + "/new.csv", path); });

  CHECK(outcome.status == 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id), min(id) FROM t") ==
        "200000|200000|0");
  const Outcome resumed = run_mayfly({"ingest", path, "--table", "t", "--into", f.database.path(),
                                      "--resume", "--output", "json"});
  CHECK(resumed.status == 66);
  CHECK(contains(resumed.err, "its inode was "));
  CHECK(contains(resumed.err, "its content before the mark is another"));
}

TEST_CASE(
    "bad input: lines of which some end in CR alone are refused with 66 and how to convert them") {
  const Fixture f("mac");
  const Outcome outcome = f.ingest("mixed.csv", "a,b\r1,2\n3,4\n");
  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "mixed.csv: expected lines that end in LF or CRLF, found CR alone"));
  CHECK(contains(outcome.err, "tr '\\r' '\\n'"));
  CHECK(f.ingest("mac.ndjson", "{\"a\":1}\r{\"a\":2}\r").status == 66);
  CHECK(f.tables() == 0);
}

namespace {

// A gzip file of a gigabyte of zeros between `head` and `tail`: members of one document, of which
// the zeros' is made once.
std::string bomb(const std::string& head, const std::string& tail) {
  const std::string zeros = gzip(std::string(32 << 20, '0'));
  std::string text = gzip(head);
  for (int i = 0; i < 32; ++i) text += zeros;
  return text + gzip(tail);
}

}  // namespace

TEST_CASE("bad input: a small archive of one endless line costs that line, and names the limit") {
  const Fixture f("bomb");
  struct Case {
    const char* file;
    std::string head;
    std::string tail;
    std::uint64_t found;
  };
  for (const Case& c : {Case{"bomb.csv", "a,b\n1,x\n", "\n2,y\n", (1 << 30) + 1},
                        Case{"bomb.ndjson", "{\"a\":1,\"b\":\"x\"}\n{\"a\":\"",
                             "\"}\n{\"a\":2,\"b\":\"y\"}\n", (1 << 30) + 9}}) {
    CAPTURE(c.file);
    const std::string archive = bomb(c.head, c.tail);
    CHECK(archive.size() < (2 << 20));
    f.database.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS mayfly_dead_letters");
    const Outcome outcome = f.ingest(c.file + std::string(".gz"), archive);
    CHECK(outcome.status == 65);
    CHECK(f.database.rows("SELECT a, b FROM t") == std::vector<std::string>{"1|x", "2|y"});
    CHECK(f.database.text("SELECT code, line, reason, length(raw) FROM mayfly_dead_letters") ==
          "too_long|" + std::string(c.file == std::string("bomb.csv") ? "3" : "2") +
              "|expected a record of at most 33554432 bytes (max_row_bytes), found " +
              std::to_string(c.found) + "|65536");
  }
  // Without a line in sight there is nothing to read it for.
  const Outcome only = f.ingest("only.csv.gz", bomb("", ""), {"--table", "u"});
  CHECK(only.status == 66);
  CHECK(contains(only.err, "only.csv.gz: expected a header line of at most 33554432 bytes"));
}

TEST_CASE("bad input: a line of 100 MB costs that line, in every format") {
  const Fixture f("long_line");
  const std::string big(100'000'000, 'x');
  const std::pair<const char*, std::string> files[] = {
      {"long.csv", "a\n1\n" + big + "\n2\n"},
      {"long.tsv", "a\n1\n" + big + "\n2\n"},
      {"long.ndjson", "{\"a\":1}\n{\"a\":\"" + big + "\"}\n{\"a\":2}\n"},
      {"long.json", "[{\"a\":1},\n{\"a\":\"" + big + "\"},\n{\"a\":2}]"}};
  for (const auto& [name, text] : files) {
    CAPTURE(name);
    f.database.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS mayfly_dead_letters");
    const Outcome outcome = f.ingest(name, text);
    std::filesystem::remove(f.folder + "/" + name);
    CHECK(outcome.status == 65);
    CHECK(contains(outcome.err, "1 row rejected; see them with: mayfly dlq list "));
    CHECK(contains(outcome.err, "too_long: expected a record of at most 33554432 bytes"));
    CHECK(f.database.rows("SELECT a FROM t") == std::vector<std::string>{"1", "2"});
    CHECK(f.database.text("SELECT code, length(raw) FROM mayfly_dead_letters") == "too_long|65536");
  }
}

// The damage lies in what types are inferred from.
TEST_CASE("bad input: a small archive that is cut keeps its rows, too") {
  const Fixture f("small_cut_archive");
  const std::string archive = gzip(numbered_csv(900));
  for (const auto& [name, more] :
       {std::pair{"one.csv.gz", std::vector<std::string>{}},
        std::pair{"all.csv.gz", std::vector<std::string>{"--infer", "all"}}}) {
    CAPTURE(name);
    const Outcome outcome = f.ingest(name, archive.substr(0, archive.size() / 2), more);
    CHECK(outcome.status == 74);
    CHECK(contains(outcome.err, "it ends in the middle, so it was cut off; get the whole file"));
    const std::int64_t rows = parse_summary(outcome.out).written;
    CHECK(rows > 100);
    CHECK(rows < 900);
    CHECK(f.database.integer("SELECT count(*) FROM t WHERE name = 'n' || id") == rows);
    f.database.run("DROP TABLE t");
  }
}

TEST_CASE("bad input: an archive that is cut keeps its rows, and names the place") {
  const Fixture f("cut_archive");
  const std::string csv = numbered_csv(50'000);
  for (const auto& [name, archive] :
       {std::pair{"cut.csv.gz", gzip(csv)}, std::pair{"cut.csv.zst", zstd(csv)}}) {
    CAPTURE(name);
    f.database.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS mayfly_offsets");
    const std::size_t half = archive.size() / 2;
    const Outcome outcome = f.ingest(name, archive.substr(0, half));
    CHECK(outcome.status == 74);
    CHECK(contains(outcome.err, "data is broken at byte " + std::to_string(half) + " of the file"));
    CHECK(contains(outcome.err, "it ends in the middle, so it was cut off; get the whole file"));
    // All that came before, and no part of a record.
    const std::int64_t rows = parse_summary(outcome.out).written;
    CHECK(rows > 0);
    CHECK(f.database.integer("SELECT count(*) FROM t") == rows);
    CHECK(f.database.integer("SELECT max(id) FROM t WHERE name = 'n' || id") == rows - 1);
    CHECK(parse_summary(outcome.out).exit_status == 74);

    const Outcome head = f.ingest(std::string("head_") + name, archive.substr(0, 9));
    CHECK(head.status == 74);
    CHECK(contains(head.err, "it ends in the middle"));
  }
}

TEST_CASE("bad input: a key with a NUL costs its row, wherever it is in the file") {
  const Fixture f("nul_key");

  const Outcome outcome =
      f.ingest("nul.ndjson", "{\"a\":1}\n{\"a\":2,\"x\\u0000y\":3}\n{\"a\":4}\n");

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT a FROM t") == std::vector<std::string>{"1", "4"});
  CHECK(f.database.rows("SELECT line, code FROM mayfly_dead_letters") ==
        std::vector<std::string>{"2|unknown_key"});
}

TEST_CASE("bad input: a header with a NUL is refused with 66 in words of its own") {
  const Fixture f("nul_header");

  const Outcome outcome = f.ingest("nul.csv", std::string("a,b\0c\n1,2\n", 10));

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "found a NUL in field 2 of the header"));
  CHECK(f.tables() == 0);
}

TEST_CASE("bad input: an object over several lines is blamed on its first line, with a way out") {
  const Fixture f("pretty");

  const Outcome outcome = f.ingest("pretty.ndjson", "{\n  \"a\": 1\n}\n");

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "at byte 1 of the line, found its end"));
  CHECK(contains(outcome.err, "jq -c ."));
  CHECK(f.tables() == 0);
}
