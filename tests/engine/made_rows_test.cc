// Rows that nodes make from rows, and what becomes of the rows they were made from.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

TEST_CASE("rows made from a row answer for it: copies, sums of pairs, and nothing at all") {
  struct Case {
    const char* name;
    std::vector<RawOption> options;
    std::int64_t rows;
    std::int64_t sum;
  };
  const std::vector<Case> cases = {
      {"copies", {{"copies", std::int64_t{2}}}, 2000, 2 * 500500},
      {"pairs", {{"mode", std::string("pair")}}, 500, 500500},
      {"nothing", {{"copies", std::int64_t{0}}}, 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.name));
    const Database database(std::string("fork_") + c.name);
    Pipeline p(database.path());
    p.plan.writer.at_least_once = true;
    const auto source = p.source(
        "numbers", library("GENERATE"),
        {{"rows", std::int64_t{1000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
    const auto fork = p.node("fork", library("FORK"), {source}, c.options);
    p.join_writer({Pipeline::port(fork)});
    const auto engine = open(p);
    while (!engine->wait(kSecond)) {
    }
    close_balanced(*engine);
    const ConservationCounts counts = engine->stats().rows;
    CHECK(counts.answers[MAYFLY_CONSUMED] == 1000);
    CHECK(engine->stats().writer.rows.read == 1000);
    CHECK(counts.emitted == static_cast<std::uint64_t>(c.rows));
    CHECK(database.integer("SELECT count(*) FROM t") == c.rows);
    CHECK(database.integer("SELECT coalesce(sum(id), 0) FROM t") == c.sum);
    // Every source row is behind the mark, though none of them was written itself.
    CHECK(database.integer("SELECT low FROM mayfly_offsets WHERE source = 'numbers'") == 1000);
  }
}

// Two batches hold the copies of two rows: the other 14 of each batch wait for their turn.
TEST_CASE("rows whose copies are more than two batches hold come in several turns") {
  const Database database("fork_many");
  Pipeline p(database.path());
  p.plan.batch_rows = 16;
  p.plan.writer.at_least_once = true;
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{1000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto fork = p.node("fork", library("FORK"), {source}, {{"copies", std::int64_t{9}}});
  p.join_writer({Pipeline::port(fork)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == 1000);
  CHECK(database.integer("SELECT count(*) FROM t") == 9000);
  CHECK(database.integer("SELECT sum(id) FROM t") == 9 * 500500);
}

TEST_CASE("more copies of a row than a batch holds are refused, by name") {
  const Database database("fork_refused");
  Pipeline p(database.path());
  p.plan.batch_rows = 8;
  p.plan.writer.at_least_once = true;
  const auto source =
      p.source("numbers", library("GENERATE"),
               {{"rows", std::int64_t{100}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto fork = p.node("fork", library("FORK"), {source}, {{"copies", std::int64_t{9}}});
  p.join_writer({Pipeline::port(fork)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  const Status closed = engine->close();
  CHECK(closed.code() == Code::kConfig);
  CHECK_MESSAGE(closed.message().find("copies: expected no more than batch_rows (8), so that "
                                      "siblings travel together, found 9") != std::string::npos,
                closed.message());
  CHECK(engine->stats().rows.balanced());
}

TEST_CASE("a row that a transform rejects is a dead letter with the columns that came to it") {
  const Database database("map_rejects");
  Pipeline p(database.path());
  const auto source =
      p.source("numbers", library("GENERATE"),
               {{"rows", std::int64_t{20}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto map =
      p.node("made", library("MAP"), {source},
             {{"columns",
               std::vector<std::string>{"a:text = json(iif(id = 7, 'x', '1'))", "b:text = 'q'"}}});
  p.join_writer({Pipeline::port(map)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 19);
  CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters") == 1);
  CHECK(database.integer("SELECT columns = '{\"id\":7}' FROM mayfly_dead_letters") == 1);
}

// Interleaving aimed at: the writer answers the one row of a group before the node has looked at
// the rows that it was made from, which came in earlier calls.
TEST_CASE("rows of several batches that become one row are answered once, by that row") {
  const Database database("gather");
  Pipeline p(database.path());
  p.plan.batch_rows = 16;
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{5000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto gather = p.node("gather", library("GATHER"), {source}, {{"group", std::int64_t{50}}});
  p.join_writer({Pipeline::port(gather)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  const ConservationCounts counts = engine->stats().rows;
  CHECK(counts.answers[MAYFLY_CONSUMED] == 5000);
  CHECK(database.integer("SELECT sum(rows) FROM t") == 5000);
  CHECK(database.integer("SELECT sum(id) FROM t") == 5000 * 5001 / 2);
  CHECK(database.integer("SELECT low FROM mayfly_offsets WHERE source = 'numbers'") == 5000);
}

// A group of 100 rows in batches of 16: the first 16 are copied, the others make nothing.
struct Grouped {
  Grouped(const std::string& at, std::int64_t drain_deadline_ns = kNever)
      : database("fails_" + at), p(database.path()) {
    p.plan.batch_rows = 16;
    p.plan.drain_deadline_ns = drain_deadline_ns;
    const auto source = p.source(
        "numbers", library("GENERATE"),
        {{"rows", std::int64_t{100}}, {"columns", std::vector<std::string>{"id:sequence"}}});
    const auto fails =
        p.node("fails", library("FAILS"), {source}, {{"at", at}, {"rows", std::int64_t{100}}});
    p.join_writer({Pipeline::port(fails)});
    engine = open(p);
    while (!engine->wait(kSecond)) {
    }
    status = engine->close();
  }

  const Database database;
  Pipeline p;
  std::unique_ptr<Engine> engine;
  Status status;
};

TEST_CASE("a plugin that fails after it has consumed or emitted rows leaves nothing in flight") {
  struct Case {
    const char* at;
    Code code;
    const char* message;
    std::uint64_t emitted;
  };
  const std::vector<Case> cases = {
      {"end", Code::kIo, "failed after it had emitted", 16},
      {"blocked", Code::kInternal, "BLOCKED after it had emitted", 16},
      {"slice", Code::kIo, "failed at a slice", 0},
      {"refused", Code::kInternal, "emitted to port 7 of 1", 0},
      {"timer", Code::kIo, "failed after it had emitted outside of process", 16},
      {"drain", Code::kIo, "failed after it had emitted outside of process", 16},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.at));
    const Grouped run(c.at);
    CHECK(run.status.code() == c.code);
    CHECK_MESSAGE(run.status.message().find(c.message) != std::string::npos, run.status.message());
    const ConservationCounts counts = run.engine->stats().rows;
    CHECK(counts.balanced());
    CHECK(counts.in_flight == 0);
    CHECK(counts.emitted == c.emitted);
    // All are read again by the next run; what was made is left with what it was made from.
    CHECK(counts.answers[MAYFLY_LEFT] == 100 + c.emitted);
    CHECK(run.database.integer("SELECT count(*) FROM t") == 0);
  }
}

TEST_CASE("a plugin that asks for rows or batches in open is given none, and works") {
  const Grouped run("open");
  CHECK_MESSAGE(run.status.ok(), run.status.message());
  CHECK(run.database.integer("SELECT count(*) FROM t") == 16);
}

TEST_CASE("rows of a group whose last slice stays blocked are left at the drain's deadline") {
  const Grouped run("stuck", 30 * kMillisecond);
  CHECK(run.status.code() == Code::kTryAgain);
  const ConservationCounts counts = run.engine->stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.in_flight == 0);
  CHECK(counts.answers[MAYFLY_LEFT] == 100);
}

TEST_CASE(
    "rows that a timer makes between a group's slices are written, and their parents answered") {
  const Grouped run("between");
  CHECK_MESSAGE(run.status.ok(), run.status.message());
  const ConservationCounts counts = run.engine->stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.answers[MAYFLY_WRITTEN] == 16);
  CHECK(counts.answers[MAYFLY_CONSUMED] == 100);
  CHECK(run.database.integer("SELECT sum(id) FROM t") == 16 * 17 / 2);
}

}  // namespace
}  // namespace mayfly
