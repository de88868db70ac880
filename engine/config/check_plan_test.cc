#include "mayfly/config/check_plan.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <utility>

#include "engine/config/test_plugins.h"
#include "mayfly/config/plan_builder.h"

namespace mayfly {
namespace {

// A pipeline in code: source `in`, the nodes, and a writer on the given inputs.
struct Pipeline {
  PluginRegistry registry = test::plugins();
  PlanBuilder builder{registry};

  Pipeline() {
    builder.source({.name = "in", .plugin = "feed", .options = {{"path", "x"}}});
    builder.writer().database = "x.db";
    builder.writer().table = "x";
  }
  Pipeline& node(std::string name, std::string plugin, std::vector<std::string> inputs) {
    std::vector<InputName> names;
    for (std::string& input : inputs) names.push_back({std::move(input)});
    builder.node({.name = std::move(name), .plugin = std::move(plugin), .inputs = names});
    return *this;
  }
  std::string mistakes(std::vector<std::string> writer_inputs) {
    std::vector<InputName> names;
    for (std::string& input : writer_inputs) names.push_back({std::move(input)});
    builder.writer_inputs(std::move(names));
    return std::move(builder).build().status().message();
  }
};

TEST_CASE("plan: the shortest pipeline is a source and a writer") {
  CHECK(Pipeline().mistakes({"in"}) == "");
}

TEST_CASE("plan: producers of an embedding program feed an inlet") {
  PluginRegistry registry = test::plugins();
  PlanBuilder builder(registry);
  builder.inlet("orders");
  builder.node({.name = "n", .plugin = "lonely", .inputs = {{"orders"}}});
  builder.writer_inputs({{"n"}});
  const CheckedPlan checked = std::move(builder).build();
  CHECK(checked.status().message() == "");
  CHECK(checked.plan.sources[0].plugin == nullptr);
}

TEST_CASE("plan: a reaction can't pause the producers of an inlet, but the node behind it") {
  PluginRegistry registry = test::plugins();
  for (const std::string target : {"orders", "n"}) {
    PlanBuilder builder(registry);
    builder.inlet("orders");
    builder.node({.name = "n", .plugin = "lonely", .inputs = {{"orders"}}});
    builder.writer_inputs({{"n"}});
    builder.reaction(
        {{{"on", std::string("pool.low")}, {"do", std::string("pause")}, {"target", target}}});
    CHECK(std::move(builder).build().status().message() ==
          (target == "n" ? ""
                         : "reaction.target: \"orders\" is an inlet, whose producers can't be "
                           "paused; name the node behind it"));
  }
}

TEST_CASE("plan: every port of a node is joined") {
  CHECK(Pipeline().node("f", "fork", {"in"}).mistakes({"f.left"}) ==
        "nobody takes the rows of \"f.right\": name \"f.right\" as the input of a node or of the "
        "writer");
  // Unless the plugin says that those behind the first need not be.
  CHECK(Pipeline().node("m", "maybe", {"in"}).mistakes({"m"}) == "");
  CHECK(Pipeline().node("m", "maybe", {"in"}).mistakes({"m.right"}).find("\"m.left\"") !=
        std::string::npos);
}

TEST_CASE("plan: rows may end in a sink, where nobody takes them further") {
  CHECK(Pipeline().node("p", "post", {"in"}).mistakes({"p"}) == "");
  CHECK(Pipeline().node("p", "post", {"in"}).mistakes({"p.right"}) == "");
  Pipeline two;
  two.builder.source({.name = "other", .plugin = "feed", .options = {{"path", "y"}}});
  CHECK(two.node("p", "post", {"other"}).mistakes({"in"}) == "");
}

TEST_CASE("plan: a port has one receiver") {
  CHECK(Pipeline().node("a", "relay", {"in"}).node("b", "relay", {"in"}).mistakes({"a", "b"}) ==
        "\"in\" is already the input of \"a\"; a port has one receiver, rows aren't copied");
}

TEST_CASE("plan: a node that no source leads to is unreachable") {
  CHECK(Pipeline().node("a", "wait", {"a"}).mistakes({"in"}) ==
        "node \"a\" can't be reached: no source leads to it");
}

TEST_CASE("plan: rows must be able to reach the writer") {
  PluginRegistry registry = test::plugins();
  PlanBuilder builder(registry);
  builder.source({.name = "in", .plugin = "feed", .options = {{"path", "x"}}});
  builder.source({.name = "other", .plugin = "feed", .options = {{"path", "y"}}});
  builder.node({.name = "round", .plugin = "wait", .inputs = {{"in"}, {"round"}}});
  builder.writer_inputs({{"other"}});
  CHECK(std::move(builder).build().status().message() ==
        "rows that enter node \"round\" never reach the writer");
}

TEST_CASE("plan: a cycle needs a node that delays") {
  const auto pipeline = [](std::string plugin) {
    Pipeline p;
    p.builder.writer().transient = WriterPlan::Transient::kRoute;
    return p.node("again", std::move(plugin), {"writer.failed"}).mistakes({"in", "again"});
  };
  CHECK(pipeline("relay") ==
        "the cycle again -> writer -> again has no node that delays, so rows would go round it at "
        "full speed: put one in, such as retry or batch");
  // One that holds rows for want of a permit, say, lets those go that have one at once.
  CHECK(pipeline("gate").starts_with("the cycle again -> writer -> again has no node that delays"));
  CHECK(pipeline("wait") == "");
}

TEST_CASE("plan: who waits for answers lets a row pass again only when it has failed") {
  const auto pipeline = [](std::string plugin) {
    Pipeline p;
    return p.node("again", std::move(plugin), {"in", "f.left"})
        .node("f", "fork", {"again"})
        .mistakes({"f.right"});
  };
  CHECK(pipeline("told") ==
        "node \"again\" waits for what becomes of its rows, and stands in a cycle that rows go "
        "round without having failed: move it out of the cycle, or close the cycle by "
        "writer.failed");
  CHECK(pipeline("wait") == "");
  Pipeline p;
  p.builder.writer().transient = WriterPlan::Transient::kRoute;
  CHECK(p.node("again", "told", {"writer.failed"}).mistakes({"in", "again"}) == "");
}

TEST_CASE("plan: of nodes that ask about a row once, sixteen can be where failed rows come again") {
  const auto pipeline = [](int nodes, bool failed_rows_first) {
    Pipeline p;
    p.builder.writer().transient = WriterPlan::Transient::kRoute;
    p.node("again", "wait", {"writer.failed"});
    std::vector<std::string> inputs = {"in"};
    if (failed_rows_first) inputs.push_back("again");
    for (int i = 1; i <= nodes; ++i) {
      p.node(fmt::format("n{}", i), "once", std::exchange(inputs, {fmt::format("n{}", i)}));
    }
    if (!failed_rows_first) inputs.push_back("again");
    return p.mistakes(inputs);
  };
  CHECK(pipeline(16, true) == "");
  CHECK(
      pipeline(17, true) ==
      "node \"n17\" is the 17th that asks about a row once (once) and that rows may come to again "
      "after a failed attempt; the limit is 16: take such nodes out, or out of the way that failed "
      "rows take");
  CHECK(pipeline(20, false) == "");
}

TEST_CASE("plan: the writer is not its own input") {
  Pipeline p;
  p.builder.writer().transient = WriterPlan::Transient::kRoute;
  const std::string found = p.mistakes({"in", "writer.failed"});
  CHECK(found.starts_with("the writer can't be its own input"));
}

TEST_CASE("plan: a node that makes rows must not stand in a cycle") {
  Pipeline p;
  p.builder.writer().at_least_once = true;
  CHECK(p.node("f", "fork", {"in", "w"})
            .node("x", "explode", {"f.right"})
            .node("w", "wait", {"x"})
            .mistakes({"f.left"}) ==
        "node \"x\" makes new rows and stands in a cycle, which could use up the pool: move it out "
        "of the cycle");
}

TEST_CASE("plan: siblings that may be parted need at_least_once") {
  const auto pipeline = [](bool at_least_once) {
    Pipeline p;
    p.builder.writer().at_least_once = at_least_once;
    return p.node("x", "explode", {"in"}).node("w", "wait", {"x"}).mistakes({"w"});
  };
  CHECK(pipeline(false) ==
        "node \"x\" makes several rows from one, and node \"w\" may part them, so a crash could "
        "repeat some: accept that with at_least_once = true in [writer], or move \"w\" before "
        "\"x\"");
  CHECK(pipeline(true) == "");
  CHECK(Pipeline().node("x", "explode", {"in"}).mistakes({"x"}) == "");
}

TEST_CASE("plan: a signal that is listened to must be raised by somebody") {
  CHECK(
      Pipeline().node("n", "lonely", {"in"}).mistakes({"n"}) ==
      "node \"n\" listens to the signal \"breaker.opened\", which nobody in this pipeline raises");
  CHECK(Pipeline().node("n", "ticker", {"in"}).mistakes({"n"}) == "");
  CHECK(Pipeline().node("n", "counting", {"in"}).mistakes({"n"}) == "");
}

TEST_CASE("plan: a signal that an option names by default needs nobody to raise it") {
  const auto with = [](std::vector<std::string> stop_on) {
    Pipeline p;
    p.builder.node({.name = "n",
                    .plugin = "heedful",
                    .inputs = {{"in"}},
                    .options = {{"stop_on", std::move(stop_on)}}});
    return p.mistakes({"n"});
  };
  CHECK(Pipeline().node("n", "heedful", {"in"}).mistakes({"n"}) == "");
  CHECK(with({"throttled"}) == "");
  CHECK(with({"throttled", "feed.tic"}) ==
        "node \"n\" listens to the signal \"feed.tic\", which nobody in this pipeline raises (did "
        "you mean \"feed.tick\"?)");
}

TEST_CASE("plan: route and writer.failed belong together") {
  Pipeline routed;
  routed.builder.writer().transient = WriterPlan::Transient::kRoute;
  CHECK(routed.mistakes({"in"}) ==
        "writer.transient: \"route\" needs a node with input = \"writer.failed\", such as retry");
  CHECK(
      Pipeline().node("w", "wait", {"writer.failed"}).mistakes({"in", "w"}) ==
      "nothing ever leaves by \"writer.failed\": set transient = \"route\" in [writer], or remove "
      "the node that takes it");
}

TEST_CASE("plan: route with upsert asks to accept that order is lost") {
  const auto pipeline = [](WriterPlan::Mode mode, bool unordered) {
    Pipeline p;
    p.builder.writer().transient = WriterPlan::Transient::kRoute;
    p.builder.writer().mode = mode;
    p.builder.writer().unordered = unordered;
    return p.node("w", "wait", {"writer.failed"}).mistakes({"in", "w"});
  };
  constexpr std::string_view kOrder =
      "writer.mode: with transient = \"route\" an older row may overwrite a newer one; accept that "
      "with unordered = true, or use transient = \"wait\"";
  CHECK(pipeline(WriterPlan::Mode::kUpsert, false) == kOrder);
  CHECK(pipeline(WriterPlan::Mode::kReplace, false) == kOrder);
  CHECK(pipeline(WriterPlan::Mode::kUpsert, true) == "");
  CHECK(pipeline(WriterPlan::Mode::kInsert, false) == "");
}

TEST_CASE("plan: the pool has a batch for everyone who needs one") {
  const auto pipeline = [](std::uint32_t batches) {
    Pipeline p;
    p.builder.settings().batches = batches;
    return p.node("w", "wait", {"in"}).mistakes({"w"});
  };
  CHECK(
      pipeline(4) ==
      "pipeline.batches: expected 5 to 65535 (1 sources, 2 for each node that holds rows and 2 for "
      "each that makes rows: 2, 2 on their way to the writer), found 4");
  CHECK(pipeline(5) == "");
}

TEST_CASE("plan: a memory limit is compared with what the batches need") {
  Pipeline p;
  p.builder.settings().memory_limit_bytes = 1 << 20;
  CHECK(p.mistakes({"in"}).starts_with(
      "pipeline.memory_limit: 256 batches of 1024 rows need about "));
}

TEST_CASE("plan: batch_rows fits in 16 bits") {
  Pipeline p;
  p.builder.settings().batch_rows = 65535;
  CHECK(p.mistakes({"in"}) == "pipeline.batch_rows: expected 1 to 65534, found 65535");
}

TEST_CASE("plan: the writer's own settings fit together") {
  Pipeline p;
  p.builder.writer().per_batch = true;
  p.builder.writer().max_delay_ns = 1;
  p.builder.writer().columns = {{"id", ColumnType::kInt64}};
  p.builder.writer().primary_key = {"id", "id", "idd"};
  CHECK(p.mistakes({"in"}) ==
        "writer.per_batch: only a `select` of your own can depend on batches\n"
        "writer.max_delay: 1ns is under initial_delay, 10ms\n"
        "writer.primary_key: \"id\" is named twice\n"
        "writer.primary_key: \"idd\" is not in [writer.columns] (did you mean \"id\"?)");
}

TEST_CASE("plan: a table's name must not be one of SQLite's or of the engine's own") {
  const auto with_table = [](std::string table) {
    Pipeline p;
    p.builder.writer().table = std::move(table);
    return p.mistakes({"in"});
  };
  CHECK(with_table("sqlite_x") ==
        "writer.table: names that begin with sqlite_ are reserved; choose another than "
        "\"sqlite_x\"");
  CHECK(with_table("Mayfly_Offsets") ==
        "writer.table: names that begin with mayfly_ are reserved; choose another than "
        "\"Mayfly_Offsets\"");
  CHECK(with_table("mayfly") == "");
}

TEST_CASE("plan: a database is a file") {
  Pipeline p;
  p.builder.writer().database = ":memory:";
  CHECK(p.mistakes({"in"}) == "writer.database: expected the path of a file, found \":memory:\"");
}

TEST_CASE("plan: two sources don't read the same") {
  Pipeline p;
  p.builder.source({.name = "again", .plugin = "feed", .options = {{"path", "x"}}});
  p.builder.source({.name = "other", .plugin = "feed", .options = {{"path", "y"}}});
  CHECK(
      p.mistakes({"in", "again", "other"}) ==
      "again.path: source \"in\" reads \"x\" already, and a pipeline reads it once: take its rows "
      "from there, or read it by a second pipeline");
}

TEST_CASE("plan: a writer without input, a plan without source") {
  CHECK(Pipeline().mistakes({}) ==
        "the writer has no input: add input = \"...\"\n"
        "nobody takes the rows of \"in\": name \"in\" as the input of a node or of the writer");
}

TEST_CASE("wide rows come in smaller batches, so that the pool keeps to its bytes") {
  PipelinePlan plan;
  plan.batch_rows = 1024;
  plan.batches = 96;
  CHECK(batch_rows_within(plan, 2000) == 1024);  // no limit
  plan.pool_bytes_max = 128ull << 20;
  CHECK(batch_rows_within(plan, 16) == 1024);
  for (const std::uint64_t columns : {200, 2000, 32767}) {
    CAPTURE(columns);
    const std::uint32_t rows = batch_rows_within(plan, columns);
    CHECK(rows >= 1);
    CHECK(rows < 1024);
    PipelinePlan smaller = plan;
    smaller.batch_rows = rows;
    CHECK(pool_bytes(smaller, columns) <= plan.pool_bytes_max);
    smaller.batch_rows = rows + 1;
    CHECK(pool_bytes(smaller, columns) > plan.pool_bytes_max);
  }
  plan.pool_bytes_max = 1;
  CHECK(batch_rows_within(plan, 2000) == 1);
}

}  // namespace
}  // namespace mayfly
