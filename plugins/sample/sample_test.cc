#include <doctest/doctest.h>

#include <map>

#include "mayfly/data/batch_view.h"
#include "tests/support/plugin_node.h"

namespace mayfly {
namespace {

using namespace testing;

std::unique_ptr<NodeHarness> sample_node(std::vector<RawOption> options) {
  return open_node("sample", std::move(options));
}

Ordinals chosen(std::vector<RawOption> options, std::uint32_t rows) {
  const auto node = sample_node(std::move(options));
  for (; rows > 0; rows -= std::min(rows, 1000u)) node->push_rows(std::min(rows, 1000u));
  CHECK(node->violations().empty());
  CHECK(node->conserves());
  return node->port(0);
}

TEST_CASE("sample: the first row passes, and then one in so many, across batches") {
  const auto node = sample_node({{"every", std::int64_t{3}}});
  node->push_rows(4);
  node->push_rows(4);
  CHECK(node->port(0) == Ordinals{0, 3, 6});
  REQUIRE(node->dropped().size() == 5);
  CHECK(node->dropped()[0].reason == "not_sampled");
  CHECK(node->counter("sampled") == 3);
  CHECK(node->counter("left") == 5);
}

TEST_CASE("sample: the others can leave by a port of their own, in order") {
  const auto node = sample_node({{"every", std::int64_t{2}}, {"others", std::string("rest")}});
  node->push_rows(5);
  CHECK(node->port(0) == Ordinals{0, 2, 4});
  CHECK(node->port(1) == Ordinals{1, 3});
  CHECK(node->dropped().empty());
  CHECK(node->violations().empty());
}

TEST_CASE("sample: a share passes by chance, the same rows for the same seed") {
  const Ordinals rows = chosen({{"ratio", 0.1}}, 20'000);
  // Five standard deviations of 42.
  CHECK(rows.size() > 1790);
  CHECK(rows.size() < 2210);
  CHECK(rows == chosen({{"ratio", 0.1}}, 20'000));
  CHECK(rows != chosen({{"ratio", 0.1}, {"seed", std::int64_t{2}}}, 20'000));
  CHECK(chosen({{"ratio", 0.0}}, 100).empty());
  CHECK(chosen({{"ratio", 1.0}}, 100).size() == 100);
}

TEST_CASE("sample: rows with the same key pass together, or none does") {
  const auto node = sample_node({{"ratio", 0.3}, {"by", Names{"NAME"}}});
  std::map<std::uint64_t, int> passed;
  for (std::uint64_t round = 0; round < 3; ++round) {
    mayfly_batch* batch = node->new_batch();
    for (std::uint64_t key = 0; key < 200; ++key) {
      put_int64(*batch, 0, static_cast<std::int64_t>(round));
      put_text(*batch, 1, "customer " + std::to_string(key));
      commit_row(*batch, {.ordinal = round * 200 + key});
    }
    node->push(batch);
  }
  for (const std::uint64_t ordinal : node->port(0)) ++passed[ordinal % 200];
  CHECK(passed.size() > 30);
  CHECK(passed.size() < 90);
  for (const auto& [key, times] : passed) CHECK(times == 3);
}

TEST_CASE("sample: a row that passed passes again") {
  const auto node = sample_node({{"ratio", 1.0}});
  node->push_rows(1);
  CHECK(node->set_option({"ratio", 0.0}).ok());
  node->push_again(Ordinals{0});
  CHECK(node->port(0) == Ordinals{0, 0});
}

TEST_CASE("sample: whichever of every and ratio was set last counts") {
  const auto node = sample_node({{"every", std::int64_t{100}}});
  CHECK(node->set_option({"ratio", 1.0}).ok());
  node->push_rows(5);
  CHECK(node->port(0).size() == 5);
  CHECK(node->set_option({"every", std::int64_t{5}}).ok());
  node->push_rows(5);
  CHECK(node->port(0).size() == 6);
}

TEST_CASE("sample: options that don't go together are refused") {
  const auto refusal = [](std::vector<RawOption> options) {
    return try_node("sample", std::move(options)).status().message();
  };
  CHECK(refusal({}) == "every: expected either every or ratio, found none; set one");
  CHECK(refusal({{"every", std::int64_t{2}}, {"ratio", 0.5}}) ==
        "every: expected either every or ratio, found both; remove one");
  CHECK(refusal({{"every", std::int64_t{2}}, {"by", Names{"id"}}}) ==
        "by: expected ratio beside it, found every; keys aren't chosen in turn");
  CHECK(refusal({{"ratio", 0.5}, {"by", Names{"nobody"}}}) ==
        "by: expected a column that comes in (id, name), found \"nobody\"; name one of them");
}

}  // namespace
}  // namespace mayfly
