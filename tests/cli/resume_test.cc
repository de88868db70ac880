// Going on after an end, a change, an interruption.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name)
      : database(name), folder(make_folder()), csv(folder + "/t.csv") {}
  std::vector<std::string> line(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", csv, "--into", database.path(), "--output", "json"});
    return more;
  }
  Outcome ingest(std::vector<std::string> more = {}) const { return run_mayfly(line(more)); }

  Database database;
  std::string folder;
  std::string csv;
};

// A pipe whose reading end is a child's standard input.
struct Feed {
  Feed() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Feed() {
    close_input();
    ::close(ends[0]);
  }
  void write(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void close_input() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2];
};

// Few rows in flight, so that a file of kRows is nowhere near its end when it is stopped.
constexpr std::int64_t kRows = 400'000;
const std::vector<std::string> kSlow = {"--batch-rows", "64", "--batches", "8"};

// The database's lock, taken between two of the program's transactions. It stands still while the
// lock is asked for: polling for a moment between them could go on until it has ended.
std::unique_ptr<WriteLock> lock_between_transactions(RunProgram& program, const std::string& path) {
  for (;;) {
    program.signal(SIGSTOP);
    std::unique_ptr<WriteLock> lock = WriteLock::try_take(path);
    program.signal(SIGCONT);
    if (lock != nullptr) return lock;
  }
}

}  // namespace

TEST_CASE("resume: a finished file is read no more, and reports as it did") {
  const Fixture f("finished");
  write_file(f.csv, numbered_csv(5000) + "broken\n");

  const Outcome first = f.ingest();
  const Outcome again = f.ingest({"--resume"});

  CHECK(first.status == 65);
  CHECK(again.status == 65);
  const JsonSummary before = parse_summary(first.out);
  const JsonSummary after = parse_summary(again.out);
  CHECK(after.read == before.read);
  CHECK(after.inserted == before.inserted);
  CHECK(after.rejected == 1);
  CHECK(after.sources[0].second == before.bytes);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 5000);
  CHECK(f.database.integer("SELECT count(*) FROM mayfly_dead_letters") == 1);
}

// Rows that are read with other columns or names than those before them are a table of two shapes.
TEST_CASE("resume: with other options than the run before it goes on, and says so") {
  const Fixture f("other_options");
  write_file(f.csv, numbered_csv(6));
  CHECK(f.ingest({"--limit", "3"}).status == 0);
  // The table is there by now, and its types are the file's.
  const Outcome same = f.ingest({"--resume", "--limit", "2"});
  CHECK(same.status == 0);
  CHECK_MESSAGE(!contains(same.err, "with other options"), same.err);
  const Outcome other = f.ingest({"--resume", "--null", "n1"});
  CHECK(other.status == 0);
  CHECK_MESSAGE(contains(other.err, " with other options than what is before it was read with"),
                other.err);
}

TEST_CASE("resume: without --resume the file is read again") {
  const Fixture f("again");
  write_file(f.csv, numbered_csv(10));

  CHECK(f.ingest().status == 0);
  CHECK(f.ingest().status == 0);

  CHECK(f.database.integer("SELECT count(*) FROM t") == 20);
}

TEST_CASE("resume: the first run may already say --resume") {
  const Fixture f("fresh");
  write_file(f.csv, numbered_csv(10));

  CHECK(f.ingest({"--resume"}).status == 0);

  CHECK(f.database.integer("SELECT count(*) FROM t") == 10);
}

TEST_CASE("resume: a file that changed is refused with 66 and what changed") {
  const Fixture f("changed");
  write_file(f.csv, numbered_csv(1000));
  CHECK(f.ingest().status == 0);
  std::string text = numbered_csv(1000);
  text[text.size() - 3] = 'X';
  write_file(f.csv, text);

  const Outcome outcome = f.ingest({"--resume"});

  CHECK(outcome.status == 66);
  CHECK(contains(outcome.err, "changed"));
  CHECK(f.database.integer("SELECT count(*) FROM t") == 1000);
}

TEST_CASE("interruption: the first signal ends with 75, and --resume completes exactly") {
  const Fixture f("interrupted");
  write_file(f.csv, numbered_csv(kRows) + "broken\n");
  RunProgram program(mayfly_path(), f.line(kSlow));
  wait_for_rows(program, f.database.path(), "t", 64);
  {
    // So that the end can't be reached meanwhile.
    const auto lock = lock_between_transactions(program, f.database.path());
    program.signal(SIGINT);
  }
  const int status = program.wait();
  const JsonSummary stopped = parse_summary(program.out());

  const Outcome resumed = f.ingest({"--resume"});

  CHECK(status == 75);
  CHECK(stopped.interrupted);
  CHECK(stopped.exit_status == 75);
  CHECK(stopped.read < kRows);
  CHECK(contains(program.err(), "--resume goes on there"));
  CHECK(resumed.status == 65);
  const JsonSummary whole = parse_summary(resumed.out);
  CHECK(whole.read == kRows + 1);
  CHECK(whole.rejected == 1);
  CHECK(whole.sources[0].second > 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id), sum(id) FROM t") ==
        std::to_string(kRows) + "|" + std::to_string(kRows) + "|" +
            std::to_string(kRows * (kRows - 1) / 2));
}

TEST_CASE("interruption: what came by a pipe is kept, and said not to come again") {
  const Fixture f("pipe");
  Feed feed;
  RunProgram program(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                     {.stdin_fd = feed.ends[0]});
  feed.write("id,name\n1,a\n2,b\n");
  wait_for_rows(program, f.database.path(), "t", 2);

  program.signal(SIGTERM);

  CHECK(program.wait() == 75);
  CHECK(contains(program.err(), "Standard input can't be read again"));
  CHECK(f.database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("interruption: before the first row it ends at once with 75") {
  const Fixture f("early");
  Feed feed;
  RunProgram program(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                     {.stdin_fd = feed.ends[0]});
  // It is asleep reading its input; until then a signal would only end a program that starts.
  while (program.running() &&
         !contains(read_file("/proc/" + std::to_string(program.pid()) + "/comm"), "mayfly")) {
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));

  program.signal(SIGINT);

  CHECK(program.wait() == 75);
  CHECK(contains(program.err(), "nothing was written"));
}

TEST_CASE("interruption: a second signal ends at once with 128 + its number") {
  const Fixture f("twice");
  write_file(f.csv, numbered_csv(kRows));
  RunProgram program(mayfly_path(), f.line(kSlow));
  wait_for_rows(program, f.database.path(), "t", 64);
  const auto lock = lock_between_transactions(program, f.database.path());

  program.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const bool drains = program.running();
  program.signal(SIGTERM);

  CHECK(drains);
  CHECK(program.wait() == 128 + SIGTERM);
  lock->release();
  CHECK(f.ingest({"--resume"}).status == 0);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM t") ==
        std::to_string(kRows) + "|" + std::to_string(kRows));
}

TEST_CASE("interruption: a program started with SIGINT ignored goes on ignoring it") {
  const Fixture f("ignored");
  Feed feed;
  RunProgram program(mayfly_path(), {"ingest", "-", "--table", "t", "--into", f.database.path()},
                     {.stdin_fd = feed.ends[0], .ignore_interrupt = true});
  feed.write("id,name\n1,a\n");
  wait_for_rows(program, f.database.path(), "t", 1);

  program.signal(SIGINT);
  feed.write("2,b\n");
  feed.close_input();

  CHECK(program.wait() == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("progress: a bar is drawn on a terminal, with NO_COLOR without colour") {
  const Fixture f("terminal");
  write_file(f.csv, numbered_csv(1000) + "broken\n");
  for (const bool no_color : {false, true}) {
    const int controller = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE_MESSAGE(controller >= 0, "no pseudo terminal: is /dev/pts mounted?");
    REQUIRE(::grantpt(controller) == 0);
    REQUIRE(::unlockpt(controller) == 0);
    const int terminal = ::open(::ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(terminal >= 0);
    ProgramOptions options{.environment = {{"TERM", "xterm"}}, .stderr_fd = terminal};
    if (no_color) options.environment.push_back({"NO_COLOR", "1"});
    Feed feed;
    options.stdin_fd = feed.ends[0];
    RunProgram program(mayfly_path(), {"ingest", "-", "--table", "x", "--into", f.database.path()},
                       options);
    feed.write("id,name\n1,a\n2\n");
    std::string seen;
    char bytes[512];
    // The bar comes while the pipe is open, the warning after it.
    while (!contains(seen, "rows/s")) {
      const ssize_t size = ::read(controller, bytes, sizeof bytes);
      REQUIRE(size > 0);
      seen.append(bytes, static_cast<std::size_t>(size));
    }
    feed.close_input();
    while (!contains(seen, "mayfly dlq replay ")) {
      const ssize_t size = ::read(controller, bytes, sizeof bytes);
      REQUIRE(size > 0);
      seen.append(bytes, static_cast<std::size_t>(size));
    }
    ::close(terminal);
    ::close(controller);

    CHECK(program.wait() == 65);
    CHECK(contains(seen, "\x1b[33m") == !no_color);
  }
}
