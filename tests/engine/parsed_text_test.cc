// Which numbers have another form than their type: those of sources that read them from text.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;

// The plugins' state: where they declare their column.
struct State {
  const mayfly_host* host;
  mayfly_context* context;
};

mayfly_result configure(void* state, const mayfly_host* host, mayfly_context* context,
                        const mayfly_value*) {
  *static_cast<State*>(state) = {host, context};
  return MAYFLY_OK;
}

mayfly_result declare(void* state, const mayfly_position*) {
  const auto& [host, context] = *static_cast<State*>(state);
  return host->declare_column(context, {"v", 1}, MAYFLY_FLOAT64, 0);
}

mayfly_result open_node(void*, const mayfly_position*) { return MAYFLY_OK; }

mayfly_result consume(void*, mayfly_slice* slice) {
  for (std::uint32_t i = 0; i < slice->count; ++i) {
    slice->batch->route[slice->rows[i]] = MAYFLY_CONSUME;
  }
  return MAYFLY_OK;
}

mayfly_result pass(void*, mayfly_slice*) { return MAYFLY_OK; }

constexpr mayfly_named kPorts[] = {{"out", "What there is."}};
// Called as the option of the file source is: the name says nothing.
constexpr mayfly_option kOptions[] = {
    {"types", MAYFLY_OPTION_LIST, 0, nullptr, nullptr, nullptr, nullptr, "Types of columns."}};

// Sources that end at once and nodes, with one column `v` of numbers.
mayfly_plugin plugin(const char* name, std::uint32_t kind, std::uint32_t flags) {
  mayfly_plugin p{};
  p.struct_size = sizeof p;
  p.abi_major = MAYFLY_ABI_MAJOR;
  p.abi_minor = MAYFLY_ABI_MINOR;
  p.name = name;
  p.version = "1";
  p.summary = "For tests.";
  p.kind = kind;
  p.flags = flags;
  p.ports = {kPorts, 1, sizeof(mayfly_named)};
  p.state_size = sizeof(State);
  p.state_align = alignof(State);
  p.configure = &configure;
  const bool source = kind == MAYFLY_SOURCE;
  p.open = source || (flags & MAYFLY_TRANSFORMS) != 0 ? &declare : &open_node;
  if (source) {
    p.options = {kOptions, 1, sizeof(mayfly_option)};
    p.poll = [](void*, mayfly_batch*, std::int64_t) -> mayfly_result { return MAYFLY_END; };
  } else {
    p.process = (flags & MAYFLY_TRANSFORMS) != 0 ? &consume : &pass;
  }
  return p;
}

const mayfly_plugin kParses = plugin("parses", MAYFLY_SOURCE, MAYFLY_PARSES_TEXT);
const mayfly_plugin kTyped = plugin("typed", MAYFLY_SOURCE, 0);
const mayfly_plugin kPasses = plugin("passes", MAYFLY_NODE, MAYFLY_KEEPS_ORDER);
const mayfly_plugin kMakes = plugin("makes", MAYFLY_NODE, MAYFLY_TRANSFORMS);

struct Graph {
  Graph() {
    database.run("CREATE TABLE t(v TEXT)");
    plan.writer.database = database.path();
    plan.writer.table = "t";
  }
  template <class Step>
  Step step(const char* name, const mayfly_plugin& p) {
    auto library = PluginLibrary::from_descriptor(&p, name);
    REQUIRE_MESSAGE(library.ok(), library.status().message());
    Step made;
    made.name = name;
    made.plugin = *library;
    made.options = parse_options(OptionTable(p.options), {}).values;
    return made;
  }
  Upstream source(const char* name, const mayfly_plugin& p) {
    plan.sources.push_back(step<SourcePlan>(name, p));
    return {Upstream::Kind::kSource, static_cast<std::uint32_t>(plan.sources.size() - 1), 0};
  }
  Upstream node(const char* name, const mayfly_plugin& p, std::vector<Upstream> inputs) {
    plan.nodes.push_back(step<NodePlan>(name, p));
    plan.nodes.back().inputs = std::move(inputs);
    return {Upstream::Kind::kNode, static_cast<std::uint32_t>(plan.nodes.size() - 1), 0};
  }
  // Whether a column of numbers is kept from one that keeps text.
  bool refused(std::vector<Upstream> inputs) {
    plan.writer.inputs = std::move(inputs);
    auto engine = Engine::open(plan);
    if (engine.ok()) {
      CHECK((*engine)->close().ok());
      return false;
    }
    CHECK_MESSAGE(engine.status().message().find("keeps text") != std::string::npos,
                  engine.status().message());
    return true;
  }

  const Database database{"parsed_text"};
  PipelinePlan plan;
};

TEST_CASE("numbers read from text don't go into a column of text, also through nodes") {
  Graph direct;
  CHECK(direct.refused({direct.source("a", kParses)}));
  Graph through;
  const Upstream a = through.source("a", kParses);
  CHECK(through.refused({through.node("n", kPasses, {a})}));
}

TEST_CASE("a source says itself that it reads text: its options' names don't") {
  Graph graph;
  CHECK_FALSE(graph.refused({graph.source("a", kTyped)}));
}

TEST_CASE("numbers that a transform makes were never text, those that go past it were") {
  Graph made;
  const Upstream a = made.source("a", kParses);
  CHECK_FALSE(made.refused({made.node("n", kMakes, {a})}));
  Graph past;
  const Upstream b = past.source("b", kParses);
  const Upstream c = past.source("c", kParses);
  CHECK(past.refused({b, past.node("n", kMakes, {c})}));
}

}  // namespace
}  // namespace mayfly
