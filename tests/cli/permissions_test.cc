// What the file system refuses: files and folders that the user may not read or write. Root may do
// everything, so a test that root runs gives the program to another user.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/cli/cli_fixture.h"
#include "tests/support/runfile.h"

using namespace mayfly::testing;

namespace {

namespace fs = std::filesystem;

// A folder in which that user may write, with the program and its plugin: the build's own folder
// may be below one that only root can enter.
struct Fixture {
  Fixture() {
    std::string path = "/tmp/mayfly_permissions.XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    folder = path;
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
    fs::create_directory(folder + "/plugins");
    fs::copy_file(mayfly_path(), folder + "/mayfly");
    fs::copy_file(runfile(std::getenv("FILE_PLUGIN")), folder + "/plugins/libfile.so");
    ::chmod((folder + "/plugins").c_str(), 0755);
    ::chmod((folder + "/mayfly").c_str(), 0755);
    ::chmod((folder + "/plugins/libfile.so").c_str(), 0644);
    file("t.csv", "id,name\n1,a\n2,b\n", 0644);
  }
  ~Fixture() {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
      if (entry.is_directory()) ::chmod(entry.path().c_str(), 0755);
    }
    fs::remove_all(folder, error);
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  std::string file(const std::string& name, const std::string& text, unsigned mode) const {
    write_file(folder + "/" + name, text);
    REQUIRE(::chmod((folder + "/" + name).c_str(), mode) == 0);
    return folder + "/" + name;
  }
  std::string subfolder(const std::string& name) const {
    fs::create_directory(folder + "/" + name);
    return folder + "/" + name;
  }
  // With one row in a table t.
  std::string database(const std::string& name, unsigned mode) const {
    const Database made("made_" + std::to_string(count++));
    made.run("CREATE TABLE t(id INTEGER, name TEXT); INSERT INTO t VALUES (7, 'kept')");
    return file(name, read_file(made.path()), mode);
  }
  Outcome ingest(const std::string& what, const std::string& into,
                 std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", what, "--table", "t", "--into", into, "--plugin-dir",
                               folder + "/plugins"});
    if (::geteuid() != 0) return outcome_of(folder + "/mayfly", std::move(more));
    more.insert(more.begin(),
                {"--reuid=65534", "--regid=65534", "--clear-groups", folder + "/mayfly"});
    return outcome_of("/usr/bin/setpriv", std::move(more));
  }
  static Outcome outcome_of(const std::string& program_path, std::vector<std::string> arguments) {
    RunProgram program(program_path, std::move(arguments));
    const int status = program.wait();
    return {status, program.out(), program.err()};
  }

  std::string folder;
  mutable int count = 0;
};

}  // namespace

TEST_CASE("permissions: what is allowed is done") {
  const Fixture f;
  const Outcome outcome = f.ingest(f.folder + "/t.csv", f.folder + "/new.db");
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
}

TEST_CASE("permissions: a file that this user may not read is 66, and nothing is made") {
  const Fixture f;
  const std::string closed = f.subfolder("closed");
  write_file(closed + "/t.csv", "id,name\n1,a\n");
  REQUIRE(::chmod(closed.c_str(), 0) == 0);
  for (const std::string& path : {f.file("secret.csv", "id,name\n1,a\n", 0), closed + "/t.csv"}) {
    CAPTURE(path);
    const Outcome outcome = f.ingest(path, f.folder + "/new.db");
    CHECK(outcome.status == 66);
    CHECK_MESSAGE(contains(outcome.err, path + ": can't be opened: Permission denied; this user "
                                               "must be able to read it, and to enter its folders"),
                  outcome.err);
  }
  const Outcome schema = f.ingest(f.folder + "/t.csv", f.folder + "/new.db",
                                  {"--schema", f.file("t.sql", "CREATE TABLE t(id, name)", 0)});
  CHECK(schema.status == 66);
  CHECK(contains(schema.err, "t.sql: Permission denied"));
  CHECK_FALSE(fs::exists(f.folder + "/new.db"));
}

TEST_CASE("permissions: a pattern whose folder can't be looked at doesn't match nothing") {
  const Fixture f;
  const std::string closed = f.subfolder("closed");
  write_file(closed + "/t.csv", "id,name\n1,a\n");
  REQUIRE(::chmod(closed.c_str(), 0) == 0);
  fs::create_directory(f.folder + "/open");
  write_file(f.folder + "/open/t.csv", "id,name\n1,a\n");
  for (const std::string pattern : {"/closed/*.csv", "/*/t*.csv"}) {
    CAPTURE(pattern);
    const Outcome outcome = f.ingest(f.folder + pattern, f.folder + "/new.db");
    CHECK(outcome.status == 66);
    CHECK_MESSAGE(contains(outcome.err,
                           pattern + ": expected folders that can be looked at, found " + closed +
                               ": Permission denied; this user must be able "
                               "to read it"),
                  outcome.err);
  }
  // A folder that isn't there is another matter.
  CHECK(contains(f.ingest(f.folder + "/none/*.csv", f.folder + "/new.db").err,
                 "expected files that match, or one of that name, found none"));
  CHECK_FALSE(fs::exists(f.folder + "/new.db"));
}

TEST_CASE("permissions: a database that can't be made or written to is 73, and stays as it is") {
  const Fixture f;
  const std::string csv = f.folder + "/t.csv";
  const std::string fixed = f.subfolder("fixed");
  const std::string in_fixed = f.database("fixed/t.db", 0666);
  const std::string locked = f.database("locked.db", 0666);
  f.file("locked.db-mayfly.lock", "", 0600);
  const std::string readable = f.database("readable.db", 0444);
  const std::string hidden = f.database("hidden.db", 0);
  REQUIRE(::chmod(fixed.c_str(), 0555) == 0);
  if (::geteuid() != 0) REQUIRE(::chmod((locked + "-mayfly.lock").c_str(), 0) == 0);
  const std::pair<std::string, std::string> refusals[] = {
      {fixed + "/new.db", "opening " + fixed +
                              "/new.db: unable to open database file (SQLite error 14); the file "
                              "and its directory must be writable by this user"},
      {in_fixed, "can't create " + in_fixed +
                     "-mayfly.lock: Permission denied; the writer needs a lock file beside the "
                     "database, so this user must be able to write to its folder"},
      {locked, "can't open " + locked +
                   "-mayfly.lock: Permission denied; the writer needs a lock file beside the "
                   "database, which this user may write to"},
      {readable, " in " + readable +
                     ": attempt to write a readonly database (SQLite error 8); the "
                     "file and its directory must be writable by this user"},
      {hidden, "opening " + hidden +
                   ": unable to open database file (SQLite error 14); the file "
                   "and its directory must be writable by this user"}};
  for (const auto& [path, message] : refusals) {
    CAPTURE(path);
    const Outcome outcome = f.ingest(csv, path);
    CHECK(outcome.status == 73);
    CHECK_MESSAGE(contains(outcome.err, message), outcome.err);
  }
  CHECK_FALSE(fs::exists(fixed + "/new.db"));
  for (const std::string& path : {in_fixed, locked, readable, hidden}) {
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(rows_so_far(path, "t") == 1);
  }
}
