// Records that can't be read, in pipelines with nodes: no node sees them, so none drops, changes or
// takes what has no values.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;
using Texts = std::vector<std::string>;

TEST_CASE("a record that can't be read is a dead letter, whatever stands behind the source") {
  struct Case {
    const char* plugin;
    std::vector<RawOption> options;
  };
  const std::vector<Case> cases = {
      {"FILTER", {{"where", std::string("id > 0")}}},
      {"FILTER", {{"where", std::string("id IS NULL OR id > 0")}}},
      {"MAP", {{"columns", Texts{"id", "name:text = upper(name)"}}}},
      {"HOLD", {{"tags", std::int64_t{1}}}},
      {"TAKES", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.plugin));
    const Database database(std::string("error_rows_") + c.plugin);
    const std::string file = database.path() + ".csv";
    std::ofstream(file) << "id,name\n1,a\n2,b,c\n3,d\n\"4\n";
    Pipeline p(database.path());
    const auto source = p.source("in", library("FILE"), {{"path", file}});
    const auto node = p.node("node", library(c.plugin), {source}, c.options);
    p.join_writer({Pipeline::port(node)});
    const auto engine = open(p);
    while (!engine->wait(kSecond)) {
    }
    close_balanced(*engine);
    const ConservationCounts rows = engine->stats().rows;
    CHECK(rows.answers[MAYFLY_DEAD_LETTERED] == 2);
    const bool is_sink = std::string_view(c.plugin) == "TAKES";
    if (is_sink) {
      CHECK(rows.answers[MAYFLY_CONSUMED] == 2);
    } else {
      CHECK(database.integer("SELECT sum(id) FROM t") == 4);
      CHECK(database.integer("SELECT count(*) FROM t") == 2);
    }
    CHECK(database.integer("SELECT sum(line) FROM mayfly_dead_letters WHERE node = 'in'") == 3 + 5);
    CHECK(database.integer("SELECT sum(length(raw)) FROM mayfly_dead_letters") > 0);
    CHECK(database.integer("SELECT low FROM mayfly_offsets WHERE source <> ''") == 4);
  }
}

TEST_CASE("a row that an expression can't be evaluated for is a dead letter; the log says why") {
  struct Case {
    const char* plugin;
    std::vector<RawOption> options;
  };
  const std::string least = "abs(CASE id WHEN 7 THEN -9223372036854775808 ELSE id END)";
  const std::vector<Case> cases = {
      {"FILTER", {{"where", least + " >= 0"}}},
      {"MAP", {{"columns", Texts{"id", "name", "least:int64 = " + least}}}},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.plugin));
    const Database database(std::string("expression_") + c.plugin);
    const std::string file = database.path() + ".csv";
    std::ofstream csv(file);
    csv << "id,name\n";
    for (int id = 1; id <= 20; ++id) csv << id << ",a\n";
    csv.close();
    Pipeline p(database.path());
    const auto source = p.source("in", library("FILE"), {{"path", file}});
    const auto node = p.node("node", library(c.plugin), {source}, c.options);
    p.join_writer({Pipeline::port(node)});
    EngineOptions options;
    std::string log;
    options.log = [&log](std::int32_t level, std::string_view who, std::string_view text) {
      if (level == MAYFLY_LOG_WARN) log += std::string(who) + ": " + std::string(text) + "\n";
    };
    const auto engine = open(p, std::move(options));
    while (!engine->wait(kSecond)) {
    }
    close_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == 19);
    CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE node = 'node' AND "
                           "code = 'expression'") == 1);
    CHECK(
        log ==
        "node: row 6 (line 8) can't be evaluated: integer overflow; further errors are counted for "
        "a minute\n");
  }
}

// What was answered above the mark makes gaps in what a resumed source sends.
TEST_CASE("a run that was stopped in its middle goes on behind a node without losing or doubling") {
  for (const bool broken : {false, true}) {
    CAPTURE(broken);
    const Database database("gaps");
    const std::string file = database.path() + ".csv";
    constexpr int kRows = 5000;
    {
      std::ofstream out(file);
      out << "id,name\n";
      for (int i = 0; i < kRows; ++i) out << i << (broken && i % 50 == 7 ? ",a,b\n" : ",a\n");
    }
    const std::int64_t errors = broken ? kRows / 50 : 0;
    const auto run = [&](double delayed, bool resume) {
      Pipeline p(database.path());
      p.plan.batch_rows = 256;
      const auto source = p.source("in", library("FILE"), {{"path", file}});
      const auto fault = p.node("fault", library("FAULT"), {source},
                                {{"delay_ratio", delayed},
                                 {"delay_min", std::string("1h")},
                                 {"delay_max", std::string("1h")}});
      p.join_writer({Pipeline::port(fault)});
      EngineOptions options = options_for_inlet();
      options.resume = resume;
      auto engine = open(p, std::move(options));
      return engine;
    };
    {
      const auto engine = run(0.3, false);
      // All but those that wait here.
      while (engine->stats().rows.in_flight + engine->stats().rows.answered() < kRows ||
             engine->stats().rows.in_flight > kRows / 2) {
        std::this_thread::yield();
      }
      CHECK(engine->abort().ok());
      CHECK(engine->stats().rows.balanced());
    }
    REQUIRE(database.integer("SELECT count(*) FROM mayfly_offset_ranges") > 10);
    const auto engine = run(0, true);
    while (!engine->wait(kSecond)) {
    }
    close_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == kRows - errors);
    CHECK(database.integer("SELECT count(DISTINCT id) FROM t") == kRows - errors);
    if (broken) {
      CHECK(database.integer("SELECT count(DISTINCT line) FROM mayfly_dead_letters") == errors);
      CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters") == errors);
    }
    CHECK(database.integer("SELECT max(low) FROM mayfly_offsets") == kRows);
    CHECK(database.integer("SELECT count(*) FROM mayfly_offset_ranges") == 0);
  }
}

}  // namespace
}  // namespace mayfly
