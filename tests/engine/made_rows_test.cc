// Rows that nodes make from rows, and what becomes of the rows they were made from.
#include <doctest/doctest.h>

#include <atomic>
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

mayfly_plugin node_of_test(const char* name, std::uint32_t flags,
                           mayfly_result (*process)(void*, mayfly_slice*)) {
  mayfly_plugin p = plugin_of_test(name, MAYFLY_NODE, flags);
  p.process = process;
  return p;
}

// In the place of a plugin of a library.
void replace(Pipeline& p, std::uint32_t node, const mayfly_plugin& plugin) {
  auto library = PluginLibrary::from_descriptor(&plugin, plugin.name);
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  p.plan.nodes[node].plugin = *library;
  p.plan.nodes[node].options = {};
}

// What comes out of the node before it: how many slices.
std::uint32_t slices_seen = 0;
mayfly_result count_slice(void*, mayfly_slice*) {
  ++slices_seen;
  return MAYFLY_OK;
}

// Interleaving aimed at: single rows come faster than the writer gives batches back.
TEST_CASE("rows made from single rows share batches once these are scarce") {
  static const mayfly_plugin kCounts = node_of_test("counts", MAYFLY_KEEPS_ORDER, &count_slice);
  const Database database("few_made");
  Pipeline p(database.path());
  p.plan.batches = 12;
  constexpr int kRows = 2000;
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{kRows}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  // Each row has a tag of its own, and so is let go alone.
  const auto hold = p.node("hold", library("HOLD"), {source},
                           {{"tags", std::int64_t{kRows}}, {"group", std::int64_t{1}}});
  const auto map = p.node("map", library("MAP"), {Pipeline::port(hold)},
                          {{"columns", std::vector<std::string>{"id", "t:text = 'row ' || id"}}});
  const auto last = p.node("last", library("PASS"), {Pipeline::port(map)});
  replace(p, last, kCounts);
  p.join_writer({Pipeline::port(last)});
  slices_seen = 0;
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  // One for each row if they didn't share; how many do is up to the machine's scheduling.
  CHECK(slices_seen < kRows / 2);
  CHECK(engine->stats().rows.answers[MAYFLY_CONSUMED] == kRows);
  CHECK(database.integer("SELECT count(*) FROM t WHERE t = 'row ' || id") == kRows);
  CHECK(database.integer("SELECT sum(id) FROM t") == kRows * (kRows + 1) / 2);
}

// Holds its first row, lets it go at once, and is then blocked until all rows have come, and once
// more.
std::atomic<bool> all_have_come;
struct Stubborn {
  const mayfly_host* host = nullptr;
  mayfly_context* ctx = nullptr;
  int slices = 0;
  int blocked = 0;
  std::string seen;
};
Stubborn stubborn;

mayfly_result process_stubborn(void*, mayfly_slice* slice) {
  const bool is_resumed = (slice->flags & MAYFLY_SLICE_RESUMED) != 0;
  if (is_resumed && (!all_have_come || stubborn.blocked++ == 0)) return MAYFLY_BLOCKED;
  const bool is_first = stubborn.slices++ == 0;
  for (std::uint32_t i = 0; i < slice->count; ++i) {
    const std::uint16_t row = slice->rows[i];
    slice->batch->route[row] = is_first ? MAYFLY_HOLD : MAYFLY_CONSUME;
    slice->batch->hold_tag[row] = 0;
    slice->batch->due_ns[row] = 0;
    if (!is_first) stubborn.seen += is_resumed ? "r" : "n";
  }
  if (is_first) stubborn.host->timer_set(stubborn.ctx, 0, slice->now_ns);
  return MAYFLY_OK;
}

mayfly_result let_go() {
  stubborn.host->resume(stubborn.ctx, 0, UINT64_MAX);
  return MAYFLY_OK;
}

TEST_CASE("while rows that were released are blocked, none that are new go in") {
  static const mayfly_plugin kStubborn = [] {
    mayfly_plugin p = node_of_test("stubborn", MAYFLY_HOLDS | MAYFLY_TRANSFORMS, &process_stubborn);
    p.configure = [](void*, const mayfly_host* host, mayfly_context* ctx,
                     const mayfly_value*) -> mayfly_result {
      stubborn = {.host = host, .ctx = ctx, .slices = 0, .blocked = 0, .seen = {}};
      return MAYFLY_OK;
    };
    p.on_timer = [](void*, std::uint32_t, std::int64_t) { return let_go(); };
    p.drain = [](void*, std::int64_t) { return let_go(); };
    p.open = [](void*, const mayfly_position*) -> mayfly_result { return MAYFLY_OK; };
    return p;
  }();
  const Database database("stubborn");
  Pipeline p(database.path());
  p.plan.batch_rows = 1;
  const auto node = p.node("node", library("PASS"), {p.inlet()});
  replace(p, node, kStubborn);
  p.join_writer({Pipeline::port(node)});
  all_have_come = false;
  const auto engine = open(p);
  append(*engine, 8);  // each in a batch of its own, and the pool has more
  all_have_come = true;
  close_balanced(*engine);
  CHECK(stubborn.seen == "r" + std::string(7, 'n'));
}

// A batch holds few of these rows, so that some of each slice wait for another one.
TEST_CASE("rows that are made in turns leave in the order in which theirs came") {
  const Database database("made_in_order");
  Pipeline p(database.path());
  p.plan.batches = 12;
  const auto source = p.source(
      "numbers", library("GENERATE"),
      {{"rows", std::int64_t{4000}}, {"columns", std::vector<std::string>{"id:sequence"}}});
  const auto map =
      p.node("map", library("MAP"), {source},
             {{"columns", std::vector<std::string>{"id", "t:text = hex(zeroblob(10000))"}}});
  p.join_writer({Pipeline::port(map)});
  const auto engine = open(p);
  while (!engine->wait(kSecond)) {
  }
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 4000);
  CHECK(database.integer("SELECT count(*) FROM (SELECT id < lag(id) OVER (ORDER BY rowid) AS back "
                         "FROM t) WHERE back") == 0);
}

TEST_CASE("a producer's rows may have more columns than anything that is made of them") {
  const Database database("narrower");
  Pipeline p(database.path());
  const auto map =
      p.node("map", library("MAP"), {p.inlet()}, {{"columns", std::vector<std::string>{"id"}}});
  p.join_writer({Pipeline::port(map)});
  const auto engine = open(p);
  append(*engine, 1000);
  close_balanced(*engine);
  CHECK(database.integer("SELECT sum(id) FROM t") == 499500);
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
