// Records that can't be read, in pipelines with nodes: no node sees them, so none drops, changes or
// takes what has no values.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
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

}  // namespace
}  // namespace mayfly
