#include "mayfly/plugin/describe.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "mayfly/plugin/registry.h"

namespace mayfly {
namespace {

std::shared_ptr<const PluginLibrary> batch() {
  PluginRegistry registry(search_of_process());
  auto library = registry.find("batch");
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  return *library;
}

TEST_CASE("describe: text has options with their facts, ports and signals") {
  const std::string text = describe(*batch());
  CHECK(text.starts_with("batch 0.1.0 (node)\nCollects rows into groups"));
  for (const char* part :
       {"flags\n  holds, keeps_key_order, delays\n",
        "  timeout: duration, 1ms to 24h, default 1s\n"
        "      How long the first row of a group waits for the others.\n",
        "ports\n  out  The rows, in order, group by group.\n", "raises\n  batch.full     A full"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("describe: json has the whole descriptor") {
  const std::string json = describe_json(*batch());
  CHECK(json.find("\"kind\":\"node\"") != std::string::npos);
  CHECK(json.find("{\"name\":\"rows\",\"type\":\"int\",\"required\":false,\"unique\":false,"
                  "\"signals\":false,\"runtime\":false,"
                  "\"default\":\"1024\",\"minimum\":\"1\",\"maximum\":\"1000000\",\"choices\":[],"
                  "\"help\":\"Rows of a full group.\"}") != std::string::npos);
  CHECK(std::count(json.begin(), json.end(), '{') == std::count(json.begin(), json.end(), '}'));
}

TEST_CASE("describe: the schema gives types, limits, defaults, and quotes what needs it") {
  static constexpr mayfly_option kRows[] = {
      {"n", MAYFLY_OPTION_INT, 0, "5", "1", "9", nullptr, "Say \"n\"\\."},
      {"mode", MAYFLY_OPTION_CHOICE, MAYFLY_OPTION_REQUIRED, nullptr, nullptr, nullptr, "a|b",
       "A mode."},
      {"keys", MAYFLY_OPTION_LIST, 0, nullptr, nullptr, "3", nullptr, "Keys."},
  };
  CHECK(options_schema("t", OptionTable({kRows, 3, sizeof(mayfly_option)})) ==
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"t\","
        "\"type\":\"object\",\"properties\":{"
        "\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,\"default\":5,"
        "\"description\":\"Say \\\"n\\\"\\\\. (int, 1 to 9, default 5)\"},"
        "\"mode\":{\"enum\":[\"a\",\"b\"],"
        "\"description\":\"A mode. (choice of a, b, required)\"},"
        "\"keys\":{\"type\":[\"array\",\"string\"],\"items\":{\"type\":\"string\"},\"maxItems\":3,"
        "\"description\":\"Keys. (list, at most 3)\"}},"
        "\"required\":[\"mode\"],\"additionalProperties\":false}");
}

TEST_CASE(
    "describe: what a table writes in its own way is a number, a text or a list in the schema") {
  const auto schema = [](std::uint32_t type, std::uint32_t flags, const char* default_value,
                         const char* minimum, const char* maximum) {
    return option_schema({"o", type, flags, default_value, minimum, maximum, nullptr, "O."});
  };
  CHECK(schema(MAYFLY_OPTION_FLOAT, 0, ".5", "0", "1e9") ==
        "{\"type\":\"number\",\"minimum\":0,\"maximum\":1000000000,\"default\":0.5,"
        "\"description\":\"O. (float, 0 to 1e9, default .5)\"}");
  CHECK(schema(MAYFLY_OPTION_TEXT, 0, nullptr, "1", "64") ==
        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
        "\"description\":\"O. (text, 1 to 64)\"}");
  // Three bytes may be one character.
  CHECK(schema(MAYFLY_OPTION_TEXT, 0, nullptr, "3", nullptr) ==
        "{\"type\":\"string\",\"description\":\"O. (text, at least 3)\"}");
  CHECK(schema(MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, nullptr, "1", nullptr) ==
        "{\"type\":[\"array\",\"string\"],\"items\":{\"type\":\"string\","
        "\"pattern\":\"^[^ \\\\t\\\\n]+$\"},\"minItems\":1,"
        "\"description\":\"O. (list, at least 1, globs of signals)\"}");
  CHECK(schema(MAYFLY_OPTION_DURATION, 0, "1s", "0", "1h")
            .starts_with("{\"type\":[\"string\",\"integer\"],\"minimum\":0,\"maximum\":0,"));
}

}  // namespace
}  // namespace mayfly
