// Rows that come again, since an attempt behind a node failed: asked for once, by the nodes that
// they met before, and by no others; and how often they are tried.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;
using Texts = std::vector<std::string>;
using Options = std::vector<RawOption>;

// Half of the rows fail their first attempt, in `flaky`.
const Options kHalf = {{"failing", std::int64_t{500}}};
constexpr int kRows = 2000;

// A node that decides about a row once, and how many rows it lets go by each port.
struct Chooser {
  const char* plugin;
  Options options;
  int out;
  int rest = 0;
};

// The chooser before the place that fails, or behind it.
enum class Place : std::uint8_t { kBefore, kBehind };

void run(const Chooser& c, Place place) {
  CAPTURE(std::string(c.plugin));
  const Database database(std::string("again_") + c.plugin);
  Pipeline p(database.path());
  constexpr std::uint32_t kChooser = 0;
  constexpr std::uint32_t kFlaky = 1;
  constexpr std::uint32_t kAgain = 2;
  const auto inlet = p.inlet();
  std::vector<Upstream> chosen = {Pipeline::port(kChooser)};
  if (c.rest > 0) chosen.push_back(Pipeline::port(kChooser, 1));
  const bool before = place == Place::kBefore;
  const std::vector<Upstream> all = {inlet, Pipeline::port(kAgain)};
  const std::vector<Upstream> tried = {Pipeline::port(kFlaky)};
  p.node("node", library(c.plugin), before ? all : tried, c.options);
  p.node("flaky", library("FLAKY"), before ? chosen : all, kHalf);
  p.node("again", library("AGAIN"), {Pipeline::port(kFlaky, 1)});
  p.join_writer(before ? tried : chosen);
  const auto engine = open(p);
  append(*engine, kRows);
  close_balanced(*engine);
  const int written = c.out + c.rest;
  CHECK(counter(*engine, "rounds") == (before ? written : kRows) / 2);
  CHECK(database.integer("SELECT count(*) FROM t") == written);
  CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == written);
  if (c.rest > 0)
    CHECK(counter(*engine, c.plugin == std::string("SAMPLE") ? "left" : "duplicates") == c.rest);
}

TEST_CASE("a row that failed before it came to a node is asked for like any other") {
  for (const Chooser& c : std::vector<Chooser>{
           {"DEDUPE", {{"keys", Texts{"name"}}}, 1},
           {"LIMIT", {{"rows", std::int64_t{5}}}, 5},
           {"SAMPLE", {{"every", std::int64_t{10}}}, kRows / 10},
       }) {
    run(c, Place::kBehind);
  }
}

// All rows have one name but the ids differ: by id each row is its own key, and would be its own
// duplicate; a limit of all rows has no place for a row that is counted twice.
TEST_CASE("a row that a node sent on and that comes again goes the same way, and isn't asked for") {
  for (const Chooser& c : std::vector<Chooser>{
           {"DEDUPE", {{"keys", Texts{"id"}}}, kRows},
           {"DEDUPE", {{"keys", Texts{"name"}}, {"duplicates", "port"}}, 1, kRows - 1},
           {"LIMIT", {{"rows", std::int64_t{kRows}}}, kRows},
           {"SAMPLE", {{"every", std::int64_t{2}}}, kRows / 2},
           {"SAMPLE",
            {{"every", std::int64_t{10}}, {"others", "rest"}},
            kRows / 10,
            kRows * 9 / 10},
       }) {
    run(c, Place::kBefore);
  }
}

// Lets the odd ids go once all are there, so that each row has met the limit before one comes there
// anew: a drain would let them go before.
const Options kAllOdd = {{"rows", std::int64_t{kRows / 2}}, {"timeout", std::string("24h")}};

void append_until_first_group(Engine& engine) {
  append(engine, kRows);
  while (counter(engine, "groups") == 0) std::this_thread::yield();
}

// The odd ids go round without failing: each time they are asked for, also those of them that have
// failed before, until the limit lets none pass any more.
TEST_CASE("a row that failed once is asked for when it goes round a cycle without failing") {
  const Database database("again_round");
  Pipeline p(database.path());
  p.plan.batches = 128;  // room for all rows: kAllOdd waits for them
  constexpr std::uint32_t kAgain = 2;
  constexpr std::uint32_t kBatch = 4;
  const auto inlet = p.inlet();
  const auto limit =
      p.node("limit", library("LIMIT"), {inlet, Pipeline::port(kAgain), Pipeline::port(kBatch)},
             {{"rows", std::int64_t{2 * kRows}}});
  const auto flaky = p.node("flaky", library("FLAKY"), {Pipeline::port(limit)}, kHalf);
  p.node("again", library("AGAIN"), {Pipeline::port(flaky, 1)});
  const auto odd =
      p.node("odd", library("ROUTE"), {Pipeline::port(flaky)}, {{"when", "id % 2 = 0"}});
  p.node("batch", library("BATCH"), {Pipeline::port(odd, 1)}, kAllOdd);
  p.join_writer({Pipeline::port(odd)});
  const auto engine = open(p);
  append_until_first_group(*engine);
  close_balanced(*engine);
  CHECK(counter(*engine, "rounds") == kRows / 2);
  CHECK(counter(*engine, "passed") == 2 * kRows);
  CHECK(counter(*engine, "dropped") == kRows / 2);
  CHECK(database.integer("SELECT count(*) FROM t") == kRows / 2);
}

// Failed rows come back behind the limit, at the place that failed them; those that get through go
// round, and come to the limit by that way alone.
TEST_CASE("a row that failed behind a node, and comes back there, is asked for on its next round") {
  const Database database("again_behind_gate");
  Pipeline p(database.path());
  p.plan.batches = 128;  // room for all rows: kAllOdd waits for them
  constexpr std::uint32_t kAgain = 2;
  constexpr std::uint32_t kBatch = 4;
  const auto inlet = p.inlet();
  const auto limit = p.node("limit", library("LIMIT"), {inlet, Pipeline::port(kBatch)},
                            {{"rows", std::int64_t{kRows + 100}}});
  const auto flaky =
      p.node("flaky", library("FLAKY"), {Pipeline::port(limit), Pipeline::port(kAgain)}, kHalf);
  p.node("again", library("AGAIN"), {Pipeline::port(flaky, 1)});
  const auto odd =
      p.node("odd", library("ROUTE"), {Pipeline::port(flaky)}, {{"when", "id % 2 = 0"}});
  p.node("batch", library("BATCH"), {Pipeline::port(odd, 1)}, kAllOdd);
  p.join_writer({Pipeline::port(odd)});
  const auto engine = open(p);
  append_until_first_group(*engine);
  close_balanced(*engine);
  CHECK(counter(*engine, "passed") == kRows + 100);
  CHECK(counter(*engine, "yes") == kRows / 2);
  // Once for each time that the limit let an odd row pass.
  CHECK(counter(*engine, "no") == kRows / 2 + 100);
}

// Of two nodes one has seen it: in front of the place that failed it, and behind.
TEST_CASE("a row that comes again passes those that it met before, each for itself") {
  const Database database("again_between");
  Pipeline p(database.path());
  const auto inlet = p.inlet();
  const auto first = p.node("first", library("LIMIT"), {inlet, Pipeline::port(2)},
                            {{"rows", std::int64_t{kRows}}});
  const auto flaky = p.node("flaky", library("FLAKY"), {Pipeline::port(first)}, kHalf);
  p.node("again", library("AGAIN"), {Pipeline::port(flaky, 1)});
  const auto second =
      p.node("second", library("DEDUPE"), {Pipeline::port(flaky)}, {{"keys", Texts{"name"}}});
  p.join_writer({Pipeline::port(second)});
  const auto engine = open(p);
  append(*engine, kRows);
  close_balanced(*engine);
  CHECK(counter(*engine, "passed") == kRows);
  CHECK(counter(*engine, "rounds") == kRows / 2);
  CHECK(database.integer("SELECT count(*) FROM t") == 1);
}

}  // namespace
}  // namespace mayfly
