// That what a message says is so, and that what it advises works.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name) : database(name), folder(make_folder()) {}

  std::string file(const std::string& name, const std::string& text) const {
    write_file(folder + "/" + name, text);
    return folder + "/" + name;
  }
  Outcome ingest(std::vector<std::string> arguments, const ProgramOptions& options = {}) const {
    arguments.insert(arguments.begin(), "ingest");
    arguments.insert(arguments.end(), {"--into", database.path()});
    return run_mayfly(std::move(arguments), options);
  }
  // A pipeline of sources, each with the path of a CSV file, in `body` what stands between.
  std::string pipeline(const std::vector<std::string>& paths, const std::string& input,
                       const std::string& body = "") const {
    std::string text;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      text += "[source.s" + std::to_string(i) + "]\nplugin = \"file\"\npath = \"" + paths[i] +
              "\"\nformat = \"csv\"\n";
    }
    return file("p.toml", text + body + "[writer]\ninput = " + input + "\ndatabase = \"" +
                              database.path() + "\"\ntable = \"t\"\n");
  }

  Database database;
  std::string folder;
};

// A pipe to a child's standard input.
struct Feed {
  Feed() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Feed() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void write(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  int ends[2];
};

std::string runfile_of(const char* variable) {
  const char* path = std::getenv(variable);
  REQUIRE(path != nullptr);
  return std::filesystem::canonical(path).string();
}

}  // namespace

TEST_CASE("--resume is refused for what can't be read again, and nothing is written") {
  const Fixture f("resume_stream");
  const std::string csv = f.file("t.csv", "id,name\n1,a\n");
  const std::string pipe = f.folder + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);

  const Outcome piped = f.ingest({"-", "--table", "t", "--resume"}, {.stdin_file = csv});
  const Outcome named = f.ingest({pipe, "--table", "t", "--resume"});

  CHECK(piped.status == 64);
  CHECK(
      contains(piped.err, "--resume: expected files that can be read again, found standard input"));
  CHECK(named.status == 64);
  CHECK(contains(named.err, "found the stream " + pipe));
  CHECK(rows_so_far(f.database.path(), "t") == 0);
}

TEST_CASE("rows that a node makes weren't read") {
  const Fixture f("made");
  const std::string csv = f.file("t.csv", "id\n1\n2\n");
  const std::string toml = f.pipeline(
      {csv}, "\"fork\"", "[node.fork]\nplugin = \"" + runfile_of("FORK") + "\"\ninput = \"s0\"\n");

  const Outcome outcome = run_mayfly({"run", toml, "--output", "json"});

  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "\"rows_read\":2,\"rows_written\":4,"));
}

TEST_CASE(
    "what is stored of a damaged archive isn't said to be gone on with; starting anew works") {
  const Fixture f("damaged");
  const std::string whole = gzip(numbered_csv(50'000));
  const std::string path = f.file("t.csv.gz", whole.substr(0, whole.size() / 2));

  const Outcome cut = f.ingest({path});
  const std::int64_t kept = f.database.integer("SELECT count(*) FROM t");
  write_file(path, whole);
  const Outcome resumed = f.ingest({path, "--resume"});
  f.database.run("DELETE FROM t");
  const Outcome anew = f.ingest({path});

  CHECK(cut.status == 74);
  CHECK(kept > 0);
  CHECK(contains(cut.err, "but came from a file that is damaged"));
  CHECK(contains(cut.err, "Take these rows out of t before you give the same command without"));
  CHECK(!contains(cut.err, "with --resume goes on there"));
  CHECK(resumed.status == 66);  // as the note says
  CHECK(anew.status == 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM t") == "50000|50000");
}

TEST_CASE("a pipeline's damaged archive: what the note says to do makes the next run whole") {
  const Fixture f("damaged_run");
  const std::string whole = gzip(numbered_csv(50'000));
  const std::string path = f.file("t.csv.gz", whole.substr(0, whole.size() / 2));
  const std::string toml = f.pipeline({path}, "\"s0\"");

  const Outcome cut = run_mayfly({"run", toml});
  write_file(path, whole);
  const Outcome refused = run_mayfly({"run", toml});
  // The note's own words.
  const std::size_t begin = cut.err.find("DELETE FROM mayfly_offsets");
  REQUIRE(begin != std::string::npos);
  f.database.run("DELETE FROM t; DELETE FROM mayfly_offsets WHERE source = '" + path +
                 "'; DELETE FROM mayfly_offset_ranges WHERE source = '" + path + "'");
  const Outcome anew = run_mayfly({"run", toml});

  CHECK(cut.status == 74);
  CHECK(contains(cut.err, "take what came from it out of t, then sqlite3 " + f.database.path()));
  CHECK(contains(cut.err.substr(begin), path));
  CHECK(refused.status == 66);
  CHECK(anew.status == 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM t") == "50000|50000");
}

TEST_CASE("files whose columns stand in another order are said to, and go in one by one") {
  const Fixture f("column_order");
  const std::string a = f.file("a.csv", "id,v\n1,x\n");
  const std::string b = f.file("b.csv", "v,id\ny,2\n");

  const Outcome both = f.ingest({a, b, "--table", "t"});

  CHECK(both.status == 78);
  CHECK(contains(both.err, "the same columns, in the same order and spelling, in every file"));
  CHECK(contains(both.err, "Ingest them one by one"));
  CHECK(!contains(both.err, "--alter"));
  CHECK(f.ingest({a, "--table", "t"}).status == 0);
  CHECK(f.ingest({b, "--table", "t"}).status == 0);
  CHECK(f.database.rows("SELECT id, v FROM t") == std::vector<std::string>{"1|x", "2|y"});
}

TEST_CASE("one file under two sources is refused with both names and what can be done") {
  const Fixture f("two_sources");
  const std::string csv = f.file("t.csv", "id,name\n1,a\n");
  std::filesystem::create_symlink("t.csv", f.folder + "/link.csv");

  const std::string toml = f.pipeline({csv, f.folder + "/link.csv"}, "[\"s0\", \"s1\"]");
  const std::string mistake = "s1.path: source \"s0\" reads \"" + csv + "\" already";

  const Outcome validated = run_mayfly({"validate", toml});
  const Outcome outcome = run_mayfly({"run", toml});

  CHECK(validated.status == 78);
  CHECK(contains(validated.out, mistake));
  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, mistake));
  CHECK(contains(outcome.err, "or read it by a second pipeline"));
}

TEST_CASE("validate refuses two readers of standard input, and names that run refuses") {
  const Fixture f("validate");
  const std::string toml = f.pipeline({"-", "-"}, "[\"s0\", \"s1\"]");

  const Outcome twice = run_mayfly({"validate", toml});
  std::string text = read_file(f.pipeline({"x.csv"}, "\"s0\""));
  text.replace(text.find("\"t\""), 3, "\"sqlite_t\"");
  const Outcome reserved = run_mayfly({"validate", f.file("r.toml", text)});

  CHECK(twice.status == 78);
  CHECK(contains(twice.out, "p.toml:7:8: s1.path: source \"s0\" reads \"-\" already"));
  CHECK(reserved.status == 78);
  CHECK(contains(reserved.out, "r.toml:8:9: writer.table: names that begin with sqlite_"));
  const Outcome ingested = f.ingest({f.file("x.csv", "a\n1\n"), "--table", "mayfly_x"});
  CHECK(ingested.status == 64);
  CHECK(contains(ingested.err, "--table: names that begin with mayfly_ are reserved"));
}

TEST_CASE("validate: the JSON has an entry for a file that can't be read") {
  const Fixture f("validate_json");
  const std::string good = f.pipeline({"x.csv"}, "\"s0\"");
  const std::string none = f.folder + "/none.toml";

  const Outcome outcome = run_mayfly({"validate", good, none, "--output", "json"});

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.out, "{\"file\":\"" + none + "\",\"valid\":false,"));
  CHECK(contains(outcome.out, "none.toml: pipeline file can't be read: No such file"));
}

TEST_CASE("plugins check: an entry that is data is refused, a missing file hides no other") {
  const std::string data = runfile_of("ENTRY_IS_DATA");

  const Outcome checked = run_mayfly({"plugins", "check", data});
  const Outcome both = run_mayfly({"plugins", "check", "/none.so", data, "--output", "json"});

  CHECK(checked.status == 78);
  CHECK(contains(checked.out, "is data, expected a function"));
  CHECK(both.status == 78);
  CHECK(contains(both.out, "{\"file\":\"/none.so\",\"plugin\":\"\",\"passed\":false"));
  CHECK(contains(both.out, "libentry_is_data.so\",\"plugin\""));
}

TEST_CASE("types are called the same in the help and in what refuses one") {
  const Fixture f("types");
  const Outcome refused = f.ingest({f.file("t.csv", "id\n1\n"), "--types", "id=foo"});
  const Outcome help = run_mayfly({"ingest", "--help"});

  CHECK(refused.status == 64);
  for (const std::string type :
       {"int64", "float64", "text", "blob", "bool", "timestamp", "json", "any"}) {
    CAPTURE(type);
    CHECK(contains(refused.err, type));
    CHECK(contains(help.out, type));
  }
}

TEST_CASE("a virtual table is called one") {
  const Fixture f("virtual");
  f.database.run("CREATE VIRTUAL TABLE t USING fts5(id, name)");

  const Outcome outcome = f.ingest({f.file("t.csv", "id,name\n1,a\n")});

  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "t is a virtual table; the writer needs an ordinary table"));
}

TEST_CASE("a table that is dropped meanwhile isn't said to hold rows for good") {
  const Fixture f("dropped");
  const Feed feed;
  RunProgram program(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                     {.stdin_fd = feed.ends[0]});
  feed.write("id,name\n1,a\n");
  wait_for_rows(program, f.database.path(), "t", 1);

  f.database.run("DROP TABLE t");
  feed.write("2,b\n");
  const int status = program.wait();

  CHECK(status != 0);
  CHECK(contains(program.err(), "no such table"));
  CHECK(contains(program.err(), "there is no table t in " + f.database.path() + " any more"));
  CHECK(!contains(program.err(), "for good"));
}

TEST_CASE("a pipe or a device isn't taken for a database, and nothing is made beside it") {
  const Fixture f("no_file");
  const std::string csv = f.file("t.csv", "id,name\n1,a\n");
  const std::string pipe = f.folder + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);

  const Outcome piped = run_mayfly({"ingest", csv, "--into", pipe});
  const Outcome device = run_mayfly({"ingest", csv, "--into", "/dev/null"});
  const Outcome folder = run_mayfly({"ingest", csv, "--into", f.folder});

  CHECK(piped.status == 74);
  CHECK(contains(piped.err, "expected a file for the database, found a pipe"));
  CHECK(!std::filesystem::exists(pipe + "-mayfly.lock"));
  CHECK(device.status == 74);
  CHECK(contains(device.err, "found a device"));
  CHECK(!std::filesystem::exists("/dev/null-mayfly.lock"));
  CHECK(folder.status == 73);
  CHECK(contains(folder.err, "found a folder"));
}

TEST_CASE("a signal after --schema has made the table doesn't say that nothing was written") {
  const Fixture f("schema_signal");
  const std::string sql = f.file("t.sql", "CREATE TABLE t(id INTEGER, name TEXT)");
  const Feed feed;
  RunProgram program(mayfly_path(),
                     {"ingest", "-", "--table", "t", "--schema", sql, "--into", f.database.path()},
                     {.stdin_fd = feed.ends[0]});
  // From here on it waits for its input.
  while (program.running() && (!std::filesystem::exists(f.database.path()) ||
                               f.database.integer("SELECT count(*) FROM sqlite_schema") == 0)) {
    std::this_thread::yield();
  }

  program.signal(SIGINT);

  CHECK(program.wait() == 75);
  CHECK(contains(program.err(), "no row was written, but --schema "));
  CHECK(contains(program.err(), " made table t"));
  CHECK(!contains(program.err(), "nothing was written"));
}
