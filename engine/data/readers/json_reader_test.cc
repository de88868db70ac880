#include "mayfly/data/readers/json_reader.h"

#include <doctest/doctest.h>

#include "mayfly/data/readers/row_text.h"

namespace mayfly {
namespace {

using testing::read_all;
using Rows = std::vector<std::string>;

const Schema kSchema({{"a", ColumnType::kInt64}, {"b", ColumnType::kText}});

// What stands behind the opening bracket of an array, or a document that is none.
testing::ReadAll read(std::string_view document, bool array, const NdjsonOptions& options = {},
                      const testing::ReadAllOptions& pieces = {}) {
  JsonReader reader(kSchema, {"a", "b"}, options, array, {});
  return read_all(reader, kSchema, document, pieces);
}

TEST_CASE("json: the elements of an array, on one line or several") {
  const auto all =
      read("{\"a\":1,\"b\":\"x\"},\n {\n  \"b\" : \"y,]\",\r\n \"a\":\t2\n}\n , {} ]\n", true);
  CHECK(all.rows == Rows{"1|'x'", "2|'y,]'", "NULL|NULL"});
  CHECK(all.origins == Rows{"0@15:1", "1@45:2", "2@51:6"});
  CHECK(read("]", true).rows.empty());
  CHECK(read(" \n", false).rows.empty());
}

TEST_CASE("json: objects one after the other, on one line or several") {
  CHECK(read("{\"a\":1}{\"a\":2}\n\n{\n\"a\":3}", false).rows ==
        Rows{"1|NULL", "2|NULL", "3|NULL"});
}

TEST_CASE("json: brackets and quotes within strings are text") {
  CHECK(read("{\"b\":\"}\\\"]\\\\\"},{\"b\":\"[{\"}]", true).rows ==
        Rows{"NULL|'}\"]\\'", "NULL|'[{'"});
}

TEST_CASE("json: what is no object is an error row, and the next element goes on") {
  const Rows rows = read("7, [1,\n2], \"x,y\", null, {\"a\":2}]", true).rows;
  REQUIRE(rows.size() == 5);
  CHECK(rows[0] ==
        "error json line 1: expected an object in braces at byte 0 of the line, found \"7\" [7]");
  CHECK(rows[1].starts_with("error json line 1: expected an object in braces"));
  CHECK(rows[2].ends_with("[\"x,y\"]"));
  CHECK(rows[3].ends_with("[null]"));
  CHECK(rows[4] == "2|NULL");
}

TEST_CASE("json: a string that isn't closed ends with its line") {
  const Rows rows = read("{\"b\":\"open},\n\"a\":1},\n{\"a\":2}]", true).rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].starts_with("error json line 1: "));
  CHECK(rows[1] == "2|NULL");
}

TEST_CASE("json: a missing comma, and text behind the array, are told by what was expected") {
  const Rows rows = read("{\"a\":1} {\"a\":2},{\"a\":3}]\n{\"a\":4}", true).rows;
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == "1|NULL");
  CHECK(rows[1] ==
        "error json line 1: expected a comma or the end of the array, found \"{\"a\":2}\" "
        "[{\"a\":2}]");
  CHECK(rows[2] == "3|NULL");
  CHECK(rows[3] ==
        "error json line 2: expected nothing behind the array, found \"{\"a\":4}\" [{\"a\":4}]");
}

TEST_CASE("json: an array that isn't closed is told at its end") {
  CHECK(read("{\"a\":1}\n", true).rows ==
        Rows{"1|NULL",
             "error json line 2: expected the end of the array, found the end of the input; is it "
             "whole? []"});
  const Rows cut = read("{\"a\":1},{\"a\":", true).rows;
  REQUIRE(cut.size() == 3);
  CHECK(cut[1].starts_with("error json line 1: "));
  CHECK(cut[2].starts_with("error json line 1: expected the end of the array"));
}

TEST_CASE("json: an element over max_row_bytes is an error row with its beginning") {
  const std::string document = "{\"a\":1},{\"b\":\"" + std::string(5000, 'x') + "]},\"},{\"a\":2}]";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}, std::size_t{3000}, SIZE_MAX}) {
    const auto all = read(document, true, {.max_row_bytes = 1000}, {.chunk = chunk});
    CAPTURE(chunk);
    REQUIRE(all.rows.size() == 3);
    CHECK(all.rows[0] == "1|NULL");
    CHECK(
        all.rows[1].starts_with("error too_long line 1: expected a record of at most 1000 bytes"));
  }
}

TEST_CASE("json: goes on behind an element, and at the first one") {
  JsonReader reader(kSchema, {"a", "b"}, {}, true, {.ordinal = 0, .byte = 1, .line = 1});
  reader.set_position({.ordinal = 1, .byte = 8, .line = 2});
  const auto all = read_all(reader, kSchema, ",\n{\"a\":2}]");
  CHECK(all.rows == Rows{"2|NULL"});
  CHECK(all.origins == Rows{"1@17:3"});
  JsonReader first(kSchema, {"a", "b"}, {}, true, {.ordinal = 0, .byte = 1, .line = 1});
  first.set_position({.ordinal = 0, .byte = 1, .line = 1});
  CHECK(read_all(first, kSchema, "{\"a\":2}]").rows == Rows{"2|NULL"});
}

}  // namespace
}  // namespace mayfly
