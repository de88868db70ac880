#include <doctest/doctest.h>

#include <optional>

#include "mayfly/data/batch_view.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> dedupe_node(Names keys, std::vector<RawOption> options = {}) {
  options.push_back({"keys", std::move(keys)});
  return open_node("dedupe", std::move(options));
}

struct Row {
  std::optional<std::int64_t> id;
  std::optional<std::string> name;
};

// Ordinals from 0 on in each test.
struct Feed {
  NodeHarness& node;
  std::uint64_t next = 0;

  void operator()(const std::vector<Row>& rows) {
    mayfly_batch* batch = node.new_batch();
    for (const Row& row : rows) {
      if (row.id) put_int64(*batch, 0, *row.id);
      if (row.name) put_text(*batch, 1, *row.name);
      commit_row(*batch, {.ordinal = next++});
    }
    node.push(batch);
  }
};

TEST_CASE("dedupe: the first row with a key passes, those that repeat it are dropped") {
  const auto node = dedupe_node({"name"});
  Feed feed{*node};
  feed({{1, "a"}, {2, "b"}, {3, "a"}});
  feed({{4, "b"}, {5, "c"}});
  CHECK(node->port(0) == Ordinals{0, 1, 4});
  REQUIRE(node->dropped().size() == 2);
  CHECK(node->dropped()[0].ordinal == 2);
  CHECK(node->dropped()[0].reason == "duplicate");
  CHECK(node->counter("duplicates") == 2);
  CHECK(node->conserves());
  CHECK(node->violations().empty());
}

TEST_CASE("dedupe: a key of several columns is alike in all of them") {
  const auto node = dedupe_node({"ID", "name"});
  Feed feed{*node};
  feed({{1, "a"}, {1, "b"}, {2, "a"}, {1, "a"}});
  CHECK(node->port(0) == Ordinals{0, 1, 2});
}

TEST_CASE("dedupe: duplicates can leave by a port of their own, in order") {
  const auto node = dedupe_node({"name"}, {{"duplicates", std::string("port")}});
  Feed feed{*node};
  feed({{1, "a"}, {2, "a"}, {3, "b"}, {4, "a"}});
  CHECK(node->port(0) == Ordinals{0, 2});
  CHECK(node->port(1) == Ordinals{1, 3});
  CHECK(node->dropped().empty());
}

TEST_CASE("dedupe: a key passes again when the window is over since it passed") {
  const auto node = dedupe_node({"id"}, {{"window", std::string("10s")}});
  Feed feed{*node};
  feed({{1, "a"}});
  node->advance(9 * kSecond);
  feed({{1, "a"}});
  node->advance(kSecond);
  feed({{1, "a"}});
  CHECK(node->port(0) == Ordinals{0, 2});
}

TEST_CASE("dedupe: no more than max_keys are remembered, and that is counted") {
  const auto node = dedupe_node({"id"}, {{"max_keys", std::int64_t{2}}});
  Feed feed{*node};
  feed({{1, "a"}, {2, "a"}, {3, "a"}, {2, "a"}, {1, "a"}});
  CHECK(node->port(0) == Ordinals{0, 1, 2, 4});
  CHECK(node->counter("forgotten") == 2);
}

TEST_CASE("dedupe: a row with NULL in its key is no duplicate, unless told otherwise") {
  const auto distinct = dedupe_node({"id", "name"});
  Feed{*distinct}({{1, std::nullopt}, {1, std::nullopt}});
  CHECK(distinct->port(0).size() == 2);
  const auto equal = dedupe_node({"id", "name"}, {{"nulls", std::string("equal")}});
  Feed{*equal}({{1, std::nullopt}, {1, std::nullopt}, {2, std::nullopt}, {1, ""}});
  CHECK(equal->port(0) == Ordinals{0, 2, 3});
}

TEST_CASE("dedupe: NULL, numbers and texts are never taken for each other, whatever the seed") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const std::vector<RawOption> options = {{"keys", Names{"key"}},
                                            {"nulls", std::string("equal")}};
    auto made =
        try_node("dedupe", options,
                 {.columns = {{"key", ColumnType::kAny}}, .batch_rows = 2048, .seed = seed});
    REQUIRE(made.ok());
    NodeHarness& node = **made;
    mayfly_batch* batch = node.new_batch();
    const auto row = [&](std::uint8_t kind, const auto& put) {
      put_kind(*batch, 0, kind);
      put();
      commit_row(*batch, {.ordinal = batch->rows});
    };
    commit_row(*batch, {});  // NULL
    for (std::int64_t i = 0; i < 300; ++i) {
      row(MAYFLY_INT64, [&] { put_int64(*batch, 0, i); });
      row(MAYFLY_FLOAT64, [&] { put_float64(*batch, 0, static_cast<double>(i) + 0.5); });
      row(MAYFLY_TEXT,
          [&] { put_text(*batch, 0, std::string(static_cast<std::size_t>(i), '\0')); });
    }
    // The bits of 0.5, as an integer.
    row(MAYFLY_INT64, [&] { put_int64(*batch, 0, 0x3FE0000000000000); });
    node.push(batch);
    CHECK(node.dropped().empty());
    CHECK(node.port(0).size() == 902);
  }
}

TEST_CASE("dedupe: a row that comes again after a failed attempt isn't its own duplicate") {
  const auto node = dedupe_node({"id"});
  Feed{*node}({{1, "a"}});
  node->push_again(Ordinals{0});
  CHECK(node->port(0) == Ordinals{0, 0});
  CHECK(node->dropped().empty());
}

TEST_CASE("dedupe: a column that isn't there, and no column at all, are refused") {
  CHECK(try_node("dedupe", {{"keys", Names{"id", "nobody"}}}).status().message() ==
        "keys: expected a column that comes in (id, name), found \"nobody\"; name one of them");
  CHECK_FALSE(try_node("dedupe", {{"keys", Names{}}}).ok());
  CHECK_FALSE(try_node("dedupe", {}).ok());
  CHECK_FALSE(try_node("dedupe", {{"keys", Names{"id"}}, {"max_keys", std::int64_t{0}}}).ok());
}

}  // namespace
}  // namespace mayfly
