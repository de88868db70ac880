#include "mayfly/data/readers/ndjson_reader.h"

#include <doctest/doctest.h>

#include "mayfly/data/readers/row_text.h"

namespace mayfly {
namespace {

using testing::read_all;
using Rows = std::vector<std::string>;

Schema schema_of(const std::vector<std::pair<std::string, ColumnType>>& columns) {
  std::vector<Column> out;
  for (const auto& [name, type] : columns) out.push_back({name, type});
  return Schema(out);
}

Rows read(const std::vector<std::pair<std::string, ColumnType>>& columns, std::string_view document,
          const NdjsonOptions& options = {}) {
  const Schema schema = schema_of(columns);
  std::vector<std::string> keys;
  for (const auto& [name, type] : columns) keys.push_back(name);
  NdjsonReader reader(schema, keys, options);
  return read_all(reader, schema, document).rows;
}

// One value for a column of each type.
Rows read_as(ColumnType type, std::initializer_list<const char*> values) {
  std::string document;
  for (const char* value : values) document += std::string("{\"v\":") + value + "}\n";
  return read({{"v", type}}, document);
}

TEST_CASE("ndjson: keys in any order; null and missing are NULL") {
  CHECK(read({{"i", ColumnType::kInt64}, {"t", ColumnType::kText}},
             "{\"i\":1,\"t\":\"a\"}\n{\"t\":\"b\",\"i\":2}\n{\"t\":null}\r\n{ }\n{\"i\" : -3 , "
             "\"t\" : \"\"}") == Rows{"1|'a'", "2|'b'", "NULL|NULL", "NULL|NULL", "-3|''"});
}

TEST_CASE("ndjson: of a key given twice the last counts") {
  CHECK(read({{"i", ColumnType::kInt64}}, R"({"i":1,"i":2})") == Rows{"2"});
  CHECK(read({{"i", ColumnType::kInt64}}, R"({"i":1,"i":null})") == Rows{"NULL"});
  CHECK(read({{"i", ColumnType::kInt64}}, R"({"i":"text","i":2})") == Rows{"2"});
}

TEST_CASE("ndjson: escapes in strings and keys") {
  CHECK(read({{"a\"b", ColumnType::kText}}, R"({"a\"b":"x\n\t\"\\\/\u00e9\ud83d\ude00\u0041"})") ==
        Rows{"'x\n\t\"\\/\xC3\xA9\xF0\x9F\x98\x80"
             "A'"});
  CHECK(read({{"a\\b", ColumnType::kText}}, R"({"a\\b":"1"})") == Rows{"'1'"});
  // The bytes between the quotes are those of the name, but what they say isn't.
  CHECK(
      read({{"a\\nb", ColumnType::kText}}, R"({"a\nb":"1"})")[0].starts_with("error unknown_key"));
}

TEST_CASE("ndjson: a broken escape is an error row") {
  for (const char* text : {R"("\x")", R"("\ud83d")", R"("\ude00")", R"("\u12g4")", R"("\u12")"}) {
    const Rows rows = read({{"t", ColumnType::kText}}, std::string("{\"t\":") + text + "}\n{}\n");
    REQUIRE(rows.size() == 2);
    CHECK_MESSAGE(rows[0].starts_with("error json line 1: "), rows[0]);
  }
}

TEST_CASE("ndjson: an unknown key is an error row that names it, or is left out") {
  const std::string document = "{\"i\":1,\"city\":\"Rome\"}\n{\"i\":2}\n";
  CHECK(read({{"i", ColumnType::kInt64}}, document) ==
        Rows{"error unknown_key line 1: expected one of the 1 known keys, found \"city\"; look at "
             "every "
             "row before columns are chosen (--infer all) or leave such keys out (--on-extra "
             "ignore, or on_extra in a pipeline) [{\"i\":1,\"city\":\"Rome\"}]",
             "2"});
  CHECK(read({{"i", ColumnType::kInt64}}, document, {.ignore_extra = true}) == Rows{"1", "2"});
  // To look at more rows would find no more columns than were given.
  CHECK(read({{"i", ColumnType::kInt64}}, document, {.columns_given = true})[0].find(
            "found \"city\"; name it among the columns, or leave such keys out (--on-extra") !=
        std::string::npos);
  CHECK(read({{"i", ColumnType::kInt64}}, "{\"a\\u0000b\":1}\n") ==
        Rows{"error unknown_key line 1: expected one of the 1 known keys, found \"a\\u0000b\", "
             "which has a NUL and so can't name a column; leave such keys out (--on-extra "
             "ignore, or on_extra in a pipeline) [{\"a\\u0000b\":1}]"});
}

TEST_CASE("ndjson: a line that ends within an object is told how to get it onto one line") {
  const Rows rows = read({{"i", ColumnType::kInt64}}, "{\"i\":1}\n{\n\"i\": 2}\n{\"i\" 3}\n");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == "1");
  CHECK_MESSAGE(rows[1].find("an object over several lines goes on one line: jq -c . [{]") !=
                    std::string::npos,
                rows[1]);
  CHECK_MESSAGE(rows[3].find("jq") == std::string::npos, rows[3]);
}

TEST_CASE("ndjson: a broken line is an error row with its line; the others are unaffected") {
  for (const char* line :
       {R"({"i":1)",    R"({"i":1,})",   R"({"i" 1})",           R"({"i":})",
        R"({i:1})",     R"({"i":tru})",  R"({"i":01})",          R"({"i":1.})",
        R"({"i":-})",   R"({"i":1}x)",   R"({"i":1}{"i":2})",    R"([1])",
        R"(5)",         R"("text)",      R"({"i":"open})",       R"({"i":[1,2})",
        R"(})",         R"({"i":1,"i")", R"({"i":1}})",          R"({,})",
        R"({"i":1 2})", R"({"i":nul})",  "{\"i\":\"\xC0\xAF\"}", "{\"i\":\"a\tb\"}",
        R"({"i":"a"b})"}) {
    const Rows rows =
        read({{"i", ColumnType::kInt64}}, "{\"i\":7}\n\n" + std::string(line) + "\n{\"i\":8}\n");
    REQUIRE_MESSAGE(rows.size() == 3, line);
    CHECK(rows[0] == "7");
    const bool utf8 = std::string_view(line).find('\xC0') != std::string_view::npos;
    const std::string start = utf8 ? "error utf8 line 3: expected UTF-8, found the byte 0xC0"
                                   : "error json line 3: expected ";
    CHECK_MESSAGE(rows[1].starts_with(start), rows[1]);
    CHECK_MESSAGE(rows[1].ends_with("[" + std::string(line) + "]"), rows[1]);
    CHECK(rows[2] == "8");
  }
}

TEST_CASE("ndjson: a broken line says what was expected and where") {
  CHECK(read({{"i", ColumnType::kInt64}}, R"({"i":1 2})") ==
        Rows{"error json line 1: expected a comma or the end of the object at byte 7 of the line, "
             "found "
             "\"2}\" [{\"i\":1 2}]"});
  CHECK(read({{"i", ColumnType::kInt64}}, "[1]\n")[0].starts_with(
      "error json line 1: expected an object in braces at byte 0 of the line, found \"[1]\""));
}

TEST_CASE("ndjson: nested values are kept as their text, checked") {
  CHECK(read_as(ColumnType::kJson, {R"({"a":[1, {"b":"]}"}]})", "[ ]", "null"}) ==
        Rows{R"('{"a":[1, {"b":"]}"}]}')", "'[ ]'", "NULL"});
  for (const char* value :
       {"[1,,2]", "[1 2]", "{\"a\"}", "[01]", "[\"\\x\"]", "{\"a\":1]", "[tru]"}) {
    const Rows rows = read_as(ColumnType::kJson, {value});
    REQUIRE(rows.size() == 1);
    CHECK_MESSAGE(rows[0].starts_with("error json"), rows[0]);
  }
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  CHECK(read_as(ColumnType::kJson, {deep.c_str()})[0].find("levels of nesting") !=
        std::string::npos);
}

TEST_CASE("ndjson: integers are exact, whatever their size") {
  CHECK(read_as(ColumnType::kInt64,
                {"9223372036854775807", "-9223372036854775808", "1.0", "1e3", "-0", "1.5"}) ==
        Rows{"9223372036854775807", "-9223372036854775808", "1", "1000", "0", "!'1.5'"});
  for (const char* value : {"9223372036854775808", "12345678901234567890123", "0.30000000000000004",
                            "1e400", "\"7\"", "\" 7\"", "\"1e3\""}) {
    CHECK_MESSAGE(read_as(ColumnType::kInt64, {value})[0].starts_with("error would_change"), value);
  }
}

TEST_CASE("ndjson: reals are the nearest double; integers only where that is exact") {
  CHECK(read_as(ColumnType::kFloat64, {"0.30000000000000004", "2", "1e-310", "9007199254740992"}) ==
        Rows{"0.30000000000000004", "2", testing::number_text(1e-310), "9007199254740992"});
  for (const char* value : {"9007199254740993", "1e400", "\"2.5\""}) {
    CHECK_MESSAGE(read_as(ColumnType::kFloat64, {value})[0].starts_with("error would_change"),
                  value);
  }
}

TEST_CASE("ndjson: a value of another type than the column's is kept as its text") {
  CHECK(read_as(ColumnType::kInt64, {"\"abc\"", "true", "[1]", "{}"}) ==
        Rows{"!'abc'", "!'true'", "!'[1]'", "!'{}'"});
  CHECK(read_as(ColumnType::kBool, {"true", "false", "5", "\"x\"", "1.5"}) ==
        Rows{"1", "0", "!'5'", "!'x'", "!'1.5'"});
  CHECK(read_as(ColumnType::kText, {"\"a\"", "12345678901234567890", "1.0", "true", "[1]"}) ==
        Rows{"'a'", "'12345678901234567890'", "'1.0'", "'true'", "'[1]'"});
  CHECK(read_as(ColumnType::kJson, {"5", "\"x\"", "false"}) == Rows{"!'5'", "!'x'", "!'false'"});
}

TEST_CASE("ndjson: in a column of any type each value keeps its own") {
  CHECK(read_as(ColumnType::kAny,
                {"1", "1.0", "\"7\"", "true", "[1]", "12345678901234567890", "1e400"}) ==
        Rows{"i1", "f1", "t'7'", "b1", "j'[1]'", "t'12345678901234567890'", "t'1e400'"});
}

TEST_CASE("ndjson: a number that isn't one is an error row in every column") {
  for (const ColumnType type : {ColumnType::kInt64, ColumnType::kFloat64, ColumnType::kText,
                                ColumnType::kBool, ColumnType::kJson, ColumnType::kAny}) {
    for (const char* value : {"01", "1.", "-", "1e", "1x", "0x1"}) {
      CHECK_MESSAGE(read_as(type, {value})[0].starts_with("error json"), value);
    }
  }
}

TEST_CASE("ndjson: a line over max_row_bytes is an error row with its first 64 KiB") {
  const Schema schema = schema_of({{"t", ColumnType::kText}});
  const std::string document =
      "{\"t\":\"a\"}\n{\"t\":\"" + std::string(100'000, 'z') + "\"}\n{\"t\":\"b\"}\n";
  for (const std::size_t chunk : {std::size_t{100}, SIZE_MAX}) {
    NdjsonReader reader(schema, {"t"}, {.max_row_bytes = 1000});
    const auto read = read_all(reader, schema, document, {.chunk = chunk, .heap_bytes = 192 << 10});
    REQUIRE(read.rows.size() == 3);
    CHECK(
        read.rows[1].starts_with("error too_long line 2: expected a record of at most 1000 bytes"));
    CHECK(read.rows[1].size() > (64 << 10));
    CHECK(read.rows[2] == "'b'");
    CHECK(read.origins[2] == "2@" + std::to_string(document.size()) + ":3");
  }
}

TEST_CASE("ndjson: a byte order mark is left out, and lines longer than a window are read") {
  const std::string big(60'000, 'q');
  const Rows rows =
      read({{"t", ColumnType::kText}}, "\xEF\xBB\xBF{\"t\":\"" + big + "\"}\n{\"t\":\"x\"}");
  CHECK(rows == Rows{"'" + big + "'", "'x'"});
}

}  // namespace
}  // namespace mayfly
