// A record from its caller's words to what the table is given: limits, JSON, texts that are no
// UTF-8.
#include "mayfly/storage/log_database/log_text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/storage/log_database/log_codec.h"
#include "mayfly/storage/log_database/log_record.h"

namespace mayfly {
namespace {

struct Written {
  Written(const LogRecord& record, std::size_t text_bytes_max = 10'000) {
    const LogLayout layout(record, text_bytes_max);
    bytes.resize(layout.bytes + 1, std::byte{0x5A});
    encode(record, layout, false, bytes.data());
    if (bytes.back() != std::byte{0x5A}) FAIL("more was written than the layout said");
    const LogEntry entry(bytes.data());
    append_log_message(entry, message);
    append_extra_json(entry, extra);
    append_utf8(entry.logger(), logger);
  }
  std::vector<std::byte> bytes;
  std::string logger, message, extra;
};

std::string json(std::initializer_list<LogField> fields, std::size_t text_bytes_max = 10'000) {
  return Written({.extra = {fields.begin(), fields.size()}}, text_bytes_max).extra;
}

TEST_CASE("log text: fields become JSON of their types") {
  CHECK(json({}) == "");
  CHECK(json({{"track_id", 123}}) == R"({"track_id":123})");
  CHECK(json({{"a", true}, {"b", false}, {"c", nullptr}, {"d", std::nullopt}}) ==
        R"({"a":true,"b":false,"c":null,"d":null})");
  CHECK(json({{"least", INT64_MIN}, {"most", UINT64_MAX}, {"byte", std::uint8_t{255}}}) ==
        R"({"least":-9223372036854775808,"most":18446744073709551615,"byte":255})");
  CHECK(json({{"x", 0.1}, {"whole", 3.0}, {"big", 1e300}, {"f", 0.5F}}) ==
        R"({"x":0.1,"whole":3.0,"big":1e+300,"f":0.5})");
  CHECK(json({{"nan", std::nan("")}, {"up", HUGE_VAL}, {"down", -HUGE_VAL}}) ==
        R"({"nan":null,"up":9e999,"down":-9e999})");
  CHECK(
      json({{"text", std::string("from a string")}, {"none", static_cast<const char*>(nullptr)}}) ==
      R"({"text":"from a string","none":null})");
  CHECK(json({{"some", std::optional<int>(3)}, {"no", std::optional<std::string>()}}) ==
        R"({"some":3,"no":null})");
}

TEST_CASE("log text: JSON is escaped, and what isn't UTF-8 is replaced") {
  CHECK(json({{"say \"hi\"", "back\\slash\nline\x01 end"}}) ==
        R"({"say \"hi\"":"back\\slash\nline\u0001 end"})");
  CHECK(json({{"nul", std::string_view("a\0b", 3)}}) == R"({"nul":"a\u0000b"})");
  CHECK(json({{"bad", "a\xFF z\xC3"}}) == "{\"bad\":\"a\xEF\xBF\xBD z\xEF\xBF\xBD\"}");
  CHECK(json({{"good", "Grüße 🚀"}}) == "{\"good\":\"Grüße 🚀\"}");
  const Written record({.logger = "l\xFF", .message = "m\xE2\x82"});
  CHECK(record.logger == "l\xEF\xBF\xBD");
  CHECK(record.message == "m\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("log text: a long message is cut at a character's end, and says by how much") {
  const std::string just(10, 'x');
  CHECK(Written({.message = just}, 10).message == just);
  CHECK(Written({.message = just + "yz"}, 10).message == just + "...[2 bytes cut]");
  // The euro sign has three bytes, of which only two would fit.
  CHECK(Written({.message = "12345678€9"}, 10).message == "12345678...[4 bytes cut]");
}

TEST_CASE("log text: fields have room together, and what is left out is counted") {
  CHECK(json({{"name", "0123456789"}}, 10) == R"({"name":"012345...[4 bytes cut]"})");
  CHECK(json({{"name", "012345"}, {"n", 1}}, 10) == R"({"name":"012345","fields_cut":1})");
  CHECK(json({{"longer than all", 1}}, 10) == R"({"fields_cut":1})");
  const std::vector<LogField> many(70, LogField{"n", 1});
  const std::string all = Written({.extra = many}).extra;
  CHECK(all.starts_with(R"({"n":1,"n":1)"));
  CHECK(all.ends_with(R"("n":1,"fields_cut":6})"));
}

TEST_CASE("log text: a logger's and a field's name keep 255 bytes") {
  const std::string name(300, 'n');
  CHECK(Written({.logger = name}).logger == name.substr(0, 255));
  CHECK(json({{name, 1}}) == "{\"" + name.substr(0, 255) + "\":1}");
}

TEST_CASE("log levels have names in capitals, and are found by them") {
  CHECK(to_text(LogLevel::kTrace) == "TRACE");
  CHECK(to_text(LogLevel::kCritical) == "CRITICAL");
  for (std::size_t i = 0; i < kLogLevels; ++i) {
    const auto level = static_cast<LogLevel>(i);
    CHECK(parse_log_level(to_text(level)) == level);
  }
  CHECK(parse_log_level("warn") == LogLevel::kWarning);
  CHECK(parse_log_level("Fatal") == LogLevel::kCritical);
  CHECK_FALSE(parse_log_level("loud"));
}

}  // namespace
}  // namespace mayfly
