// A transform that makes rows against the rules: it is told, it ends the pipeline, and each row is
// answered once.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;

enum class Mode {
  kPass,
  kNotConsumed,
  kRejected,
  kDropped,
  kNamedTwice,
  kEmittedTwice,
  kTooMany,
  kAnswered,
  kNoParent,
  kTwoChildren,
};

// What it does with its row of id 7; of the others it makes copies, and consumes them.
struct Maker {
  Mode mode = Mode::kPass;
  mayfly_lineage earlier{};  // of its row of id 7
  const mayfly_host* host = nullptr;
  mayfly_context* ctx = nullptr;
};
Maker maker;
constexpr int kSliceRows = 8;
constexpr int kNextSlice = kSliceRows;

mayfly_result make_copies(void*, mayfly_slice* slice) {
  mayfly_batch* made = maker.host->batch_new(maker.ctx);
  if (made == nullptr) return MAYFLY_BLOCKED;
  std::vector<mayfly_lineage> lineage;
  bool is_there = false;
  for (std::uint32_t i = 0; i < slice->count; ++i) {
    const std::uint16_t row = slice->rows[i];
    const std::int64_t id = slice->batch->columns[0].cells[row].i64;
    const bool is_it = id == 7;
    is_there = is_there || is_it;
    if (is_it && maker.mode == Mode::kPass) continue;
    put_int64(*made, 0, id);
    commit_row(*made, {.ordinal = 0, .byte_end = 0, .line = 0});
    lineage.push_back(
        {make_ref(slice->batch->id, row), static_cast<std::uint16_t>(made->rows - 1), 0});
    if (is_it && maker.mode == Mode::kNoParent) lineage.pop_back();
    if (is_it && maker.mode == Mode::kTwoChildren) lineage.back().parent = lineage.front().parent;
    if (is_it) maker.earlier = lineage.back();
    // By the next slice that one has its answer, or what was made of it is on its way.
    if (id == kNextSlice && maker.mode == Mode::kAnswered) {
      lineage.back().parent = maker.earlier.parent;
    }
    if (is_it && maker.mode == Mode::kNamedTwice) lineage.push_back(lineage.back());
    std::uint16_t route = MAYFLY_CONSUME;
    if (is_it && maker.mode == Mode::kNotConsumed) route = 0;
    if (is_it && maker.mode == Mode::kRejected) route = MAYFLY_REJECT;
    if (is_it && maker.mode == Mode::kDropped) route = MAYFLY_DROP;
    slice->batch->route[row] = route;
  }
  if (is_there && maker.mode == Mode::kTooMany) made->rows = made->capacity + 1;
  const auto emit = [&] {
    return maker.host->emit(maker.ctx, 0, made, lineage.data(),
                            static_cast<std::uint32_t>(lineage.size()));
  };
  const mayfly_result emitted = emit();
  if (is_there && maker.mode == Mode::kEmittedTwice) return emit();
  return emitted;
}

TEST_CASE("a transform that breaks a rule for what it makes ends the pipeline, which names it") {
  static const mayfly_plugin kMaker = [] {
    mayfly_plugin p = plugin_of_test("maker", MAYFLY_NODE, MAYFLY_TRANSFORMS | MAYFLY_KEEPS_ORDER);
    p.configure = [](void*, const mayfly_host* host, mayfly_context* ctx,
                     const mayfly_value*) -> mayfly_result {
      maker.host = host;
      maker.ctx = ctx;
      return MAYFLY_OK;
    };
    p.open = [](void*, const mayfly_position*) -> mayfly_result {
      constexpr std::string_view kName = "copy";
      return maker.host->declare_column(maker.ctx, {kName.data(), kName.size()}, MAYFLY_INT64, 0);
    };
    p.process = &make_copies;
    return p;
  }();
  struct Case {
    Mode mode;
    const char* told;
  };
  const Case cases[] = {
      {Mode::kPass, "a port, though what leaves by it has other columns"},
      {Mode::kNotConsumed, "elsewhere than CONSUME, though rows were made from it"},
      {Mode::kRejected, "elsewhere than CONSUME, though rows were made from it"},
      {Mode::kDropped, "elsewhere than CONSUME, though rows were made from it"},
      {Mode::kNamedTwice, "lineage names a row twice that shares child 7 with others"},
      {Mode::kEmittedTwice, "a batch that batch_new didn't give it, or that was emitted before"},
      {Mode::kTooMany, "rows in a batch for"},
      {Mode::kAnswered, "nor consumed and without an answer"},
      {Mode::kNoParent, "of which 1 are made from no row"},
      {Mode::kTwoChildren, "which is for nodes with MAYFLY_SPLITS"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.told));
    maker.mode = c.mode;
    const Database database("nonsense_made_" + std::to_string(static_cast<int>(c.mode)));
    Pipeline p(database.path());
    p.plan.batch_rows = kSliceRows;
    auto library = PluginLibrary::from_descriptor(&kMaker, "maker");
    REQUIRE_MESSAGE(library.ok(), library.status().message());
    const auto node = p.node("node", testing::library("PASS"), {p.inlet()});
    p.plan.nodes[node].plugin = *library;
    p.plan.nodes[node].options = {};
    p.join_writer({Pipeline::port(node)});
    const auto engine = open(p);
    {
      auto producer = engine->open_producer();
      REQUIRE_MESSAGE(producer.ok(), producer.status().message());
      // None is taken any more once the first slice has ended the pipeline.
      for (int id = 0; id < 20 && (*producer)->append(id, "row") == Append::kAccepted; ++id) {
      }
    }
    const Status end = engine->close();
    CHECK_MESSAGE(end.message().find(c.told) != std::string::npos, end.message());
    const ConservationCounts rows = engine->stats().rows;
    CHECK(rows.balanced());
    CHECK(rows.in_flight == 0);
    CHECK(rows.answers[MAYFLY_DEAD_LETTERED] + rows.answers[MAYFLY_DROPPED] == 0);
    CHECK(database.integer("SELECT count(*) FROM t") <= 20);
  }
}

TEST_CASE("a source that puts more rows into a batch than it takes ends the pipeline") {
  static const mayfly_plugin kSource = [] {
    mayfly_plugin p = plugin_of_test("overflows", MAYFLY_SOURCE, 0);
    p.configure = [](void*, const mayfly_host* host, mayfly_context* ctx,
                     const mayfly_value*) -> mayfly_result {
      maker.host = host;
      maker.ctx = ctx;
      return MAYFLY_OK;
    };
    p.open = [](void*, const mayfly_position*) -> mayfly_result {
      constexpr std::string_view kName = "id";
      return maker.host->declare_column(maker.ctx, {kName.data(), kName.size()}, MAYFLY_INT64, 0);
    };
    p.poll = [](void*, mayfly_batch* batch, std::int64_t) -> mayfly_result {
      batch->rows = batch->capacity + 1;
      return MAYFLY_END;
    };
    return p;
  }();
  const Database database("overflows");
  Pipeline p(database.path());
  auto library = PluginLibrary::from_descriptor(&kSource, "overflows");
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  p.join_writer({p.source("source", testing::library("GENERATE"), {})});
  p.plan.sources[0].plugin = *library;
  p.plan.sources[0].options = {};
  const auto engine = open(p, {});
  while (!engine->wait(kSecond)) {
  }
  const Status end = engine->close();
  CHECK_MESSAGE(end.message().find("source: poll put ") != std::string::npos, end.message());
  CHECK(engine->stats().rows.balanced());
  CHECK(database.integer("SELECT count(*) FROM t") == 0);
}

}  // namespace
}  // namespace mayfly
