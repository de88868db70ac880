// Rows that come again, since an attempt behind a node failed: asked for once, by the nodes that
// they met before, and by no others; and how often they are tried.
#include <doctest/doctest.h>

#include <string>
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

struct Chooser {
  const char* plugin;
  Options options;
  int written;
};
const std::vector<Chooser> kChoosers = {
    {"DEDUPE", {{"keys", Texts{"name"}}}, 1},
    {"LIMIT", {{"rows", std::int64_t{5}}}, 5},
    {"SAMPLE", {{"every", std::int64_t{10}}}, kRows / 10},
};

TEST_CASE("a row that failed before it came to a node is asked for like any other") {
  for (const Chooser& c : kChoosers) {
    CAPTURE(std::string(c.plugin));
    const Database database(std::string("again_behind_") + c.plugin);
    Pipeline p(database.path());
    const auto inlet = p.inlet();
    const auto flaky = p.node("flaky", library("FLAKY"), {inlet, Pipeline::port(1)}, kHalf);
    p.node("again", library("AGAIN"), {Pipeline::port(flaky, 1)});
    const auto node = p.node("node", library(c.plugin), {Pipeline::port(flaky)}, c.options);
    p.join_writer({Pipeline::port(node)});
    const auto engine = open(p);
    append(*engine, kRows);
    close_balanced(*engine);
    CHECK(counter(*engine, "rounds") == kRows / 2);
    CHECK(database.integer("SELECT count(*) FROM t") == c.written);
  }
}

// All rows have one name but the ids differ: each row is its own key, and would be its own
// duplicate; a limit of all rows has no place for a row that is counted twice.
const std::vector<Chooser> kPassAll = {
    {"DEDUPE", {{"keys", Texts{"id"}}}, kRows},
    {"LIMIT", {{"rows", std::int64_t{kRows}}}, kRows},
    {"SAMPLE", {{"every", std::int64_t{2}}}, kRows / 2},
};

TEST_CASE("a row that a node let pass and that comes again passes again, and isn't asked for") {
  for (const Chooser& c : kPassAll) {
    CAPTURE(std::string(c.plugin));
    const Database database(std::string("again_before_") + c.plugin);
    Pipeline p(database.path());
    const auto inlet = p.inlet();
    const auto node = p.node("node", library(c.plugin), {inlet, Pipeline::port(2)}, c.options);
    const auto flaky = p.node("flaky", library("FLAKY"), {Pipeline::port(node)}, kHalf);
    p.node("again", library("AGAIN"), {Pipeline::port(flaky, 1)});
    p.join_writer({Pipeline::port(flaky)});
    const auto engine = open(p);
    append(*engine, kRows);
    close_balanced(*engine);
    CHECK(counter(*engine, "rounds") == c.written / 2);
    CHECK(database.integer("SELECT count(*) FROM t") == c.written);
    CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == c.written);
  }
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
