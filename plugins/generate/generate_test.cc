#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "mayfly/file/source_harness.h"
#include "mayfly/generate/column_spec.h"

namespace mayfly {
namespace {

using testing::SourceHarness;
using Rows = std::vector<std::string>;
using Given = std::vector<RawOption>;

Given given(std::int64_t rows, std::int64_t seed = 7) {
  return {{"rows", rows},
          {"seed", seed},
          {"columns", Rows{"id:sequence:10", "n:int:-2:2", "f:float:0:1", "t:text:5", "b:bool",
                           "c:choice:Rome|New: York"}}};
}

TEST_CASE("generate: each kind of column within its range") {
  SourceHarness source("generate", given(5000));
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.schema_text() == "id:int64 n:int64 f:float64 t:text b:bool c:text");
  CHECK(source.poll_all() == MAYFLY_END);
  REQUIRE(source.rows.size() == 5000);
  std::set<std::string> numbers, flags, choices;
  for (std::size_t i = 0; i < source.rows.size(); ++i) {
    std::string row = source.rows[i];
    Rows cells;
    for (std::size_t at; (at = row.find('|')) != std::string::npos; row.erase(0, at + 1)) {
      cells.push_back(row.substr(0, at));
    }
    cells.push_back(row);
    REQUIRE(cells.size() == 6);
    CHECK(cells[0] == std::to_string(10 + i));
    numbers.insert(cells[1]);
    CHECK(std::stod(cells[2]) >= 0);
    CHECK(std::stod(cells[2]) <= 1);
    CHECK(cells[3].size() == 7);
    flags.insert(cells[4]);
    choices.insert(cells[5]);
  }
  CHECK(numbers == std::set<std::string>{"-2", "-1", "0", "1", "2"});
  CHECK(flags == std::set<std::string>{"0", "1"});
  CHECK(choices == std::set<std::string>{"'Rome'", "'New: York'"});
}

TEST_CASE("generate: the same seed makes the same rows, another one others") {
  SourceHarness a("generate", given(100)), b("generate", given(100)), c("generate", given(100, 8));
  for (SourceHarness* source : {&a, &b, &c}) {
    REQUIRE(source->open());
    REQUIRE(source->poll_all() == MAYFLY_END);
  }
  CHECK(a.rows == b.rows);
  CHECK(a.rows != c.rows);
}

TEST_CASE("generate: goes on from a mark, and refuses one that was made with other options") {
  SourceHarness whole("generate", given(3000));
  REQUIRE(whole.open());
  REQUIRE(whole.poll_all() == MAYFLY_END);
  const std::string fingerprint = whole.fingerprint(2000);
  const mayfly_position mark = {.struct_size = sizeof(mayfly_position),
                                .resumed = 1,
                                .ordinal = 2000,
                                .byte = 2000,
                                .line = 2001,
                                .fingerprint = {fingerprint.data(), fingerprint.size()}};
  SourceHarness rest("generate", given(3000));
  REQUIRE(rest.open(mark));
  REQUIRE(rest.poll_all() == MAYFLY_END);
  CHECK(rest.rows == Rows(whole.rows.begin() + 2000, whole.rows.end()));
  CHECK(rest.origins == Rows(whole.origins.begin() + 2000, whole.origins.end()));
  SourceHarness other("generate", given(3000, 8));
  CHECK(!other.open(mark));
  CHECK(other.failure_class == MAYFLY_FAIL_INPUT_MISSING);
}

TEST_CASE("generate: a rate lets rows out as time passes") {
  Given options = given(0);
  options.push_back({"rate", 1000.0});
  SourceHarness source("generate", options);
  REQUIRE(source.open());
  CHECK(source.poll(0) == MAYFLY_IDLE);
  CHECK(source.rows.empty());
  source.clock.advance(50 * kMillisecond);
  CHECK(source.poll(0) == MAYFLY_IDLE);
  CHECK(source.rows.size() == 50);
  CHECK(source.poll(0) == MAYFLY_IDLE);
  CHECK(source.rows.size() == 50);
}

TEST_CASE("generate: columns that can't be made are refused") {
  for (const char* text : {"", "id", ":int", "a:number", "a:int:1", "a:int:2:1", "a:int:x:y",
                           "a:float:0:1:2", "a:text:0", "a:text:70000", "a:text:x", "a:choice",
                           "a:choice:", "a:bool:1", "a:sequence:1:2"}) {
    const auto column = generate::parse_column(text);
    REQUIRE_MESSAGE(!column.ok(), text);
    CHECK(column.status().code() == Code::kConfig);
    CHECK(column.status().message().starts_with("columns: expected "));
  }
  SourceHarness source("generate", Given{{"columns", Rows{"a:number"}}});
  CHECK(!source.configured);
  CHECK(source.failure_class == MAYFLY_FAIL_CONFIG);
}

}  // namespace
}  // namespace mayfly
