#include "mayfly/plugin/options.h"

#include <doctest/doctest.h>

#include <limits>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/plugin/listens.h"

namespace mayfly {
namespace {

constexpr mayfly_option kRows[] = {
    {"flag", MAYFLY_OPTION_BOOL, 0, "false", nullptr, nullptr, nullptr, "A flag."},
    {"rows", MAYFLY_OPTION_INT, 0, "10", "1", "100", nullptr, "A number of rows."},
    {"share", MAYFLY_OPTION_FLOAT, 0, "0.5", "0", "1", nullptr, "A share."},
    {"wait", MAYFLY_OPTION_DURATION, 0, "1s", "1ms", "1h", nullptr, "A time."},
    {"room", MAYFLY_OPTION_SIZE, 0, "1MiB", "1KiB", "1GiB", nullptr, "A size."},
    {"path", MAYFLY_OPTION_TEXT, MAYFLY_OPTION_REQUIRED, nullptr, nullptr, "8", nullptr, "A path."},
    {"mode", MAYFLY_OPTION_CHOICE, 0, "drop", nullptr, nullptr, "drop|hold", "A mode."},
    {"keys", MAYFLY_OPTION_LIST, 0, nullptr, "1", "3", nullptr, "Key columns."},
};
const OptionTable kTable({kRows, std::size(kRows), sizeof(mayfly_option)});

std::string view(const mayfly_text& text) {
  return std::string(text.data, static_cast<std::size_t>(text.size));
}

// The message about one value given for one option.
std::string refusal(std::string name, RawValue value) {
  std::vector<RawOption> given = {{name, std::move(value)}};
  if (name != "path") given.push_back({"path", "p"});
  const ParsedOptions parsed = parse_options(kTable, given);
  if (parsed.errors.size() != 1) return std::to_string(parsed.errors.size()) + " errors";
  CHECK(parsed.errors[0].option == name);
  return parsed.errors[0].message;
}

TEST_CASE("options: defaults fill in what isn't given") {
  const std::vector<RawOption> given = {{"path", "here"}};
  const ParsedOptions parsed = parse_options(kTable, given);
  REQUIRE(parsed.ok());
  CHECK(parsed.values.size() == 8);
  CHECK(parsed.values[0].i64 == 0);
  CHECK(parsed.values[1].i64 == 10);
  CHECK(parsed.values[2].f64 == 0.5);
  CHECK(parsed.values[3].i64 == kSecond);
  CHECK(parsed.values[4].i64 == 1 << 20);
  CHECK(view(parsed.values[5].text) == "here");
  CHECK(view(parsed.values[6].text) == "drop");
  CHECK(parsed.values[7].is_set == 0);
}

TEST_CASE("options: native values and text give the same") {
  const std::vector<RawOption> native = {
      {"flag", true}, {"rows", std::int64_t{7}}, {"share", 0.25},
      {"path", "p"},  {"mode", "hold"},          {"keys", std::vector<std::string>{"a", "b"}}};
  const std::vector<RawOption> text = {{"flag", "true"}, {"rows", "7"},    {"share", "0.25"},
                                       {"path", "p"},    {"mode", "hold"}, {"keys", "a, b"}};
  for (const auto& given : {native, text}) {
    const ParsedOptions parsed = parse_options(kTable, given);
    REQUIRE(parsed.ok());
    CHECK(parsed.values[0].i64 == 1);
    CHECK(parsed.values[1].i64 == 7);
    CHECK(parsed.values[2].f64 == 0.25);
    CHECK(parsed.values[6].i64 == 1);
    REQUIRE(parsed.values[7].list_count == 2);
    CHECK(view(parsed.values[7].list[1]) == "b");
  }
}

TEST_CASE("options: copies of values share memory that outlives the parser's input") {
  OptionValues kept;
  {
    const std::vector<RawOption> given = {{"path", std::string("a path")}};
    kept = parse_options(kTable, given).values;
  }
  const OptionValues copy = kept;
  CHECK(copy.data() == kept.data());
  CHECK(view(copy[5].text) == "a path");
}

TEST_CASE("options: a value out of range is refused with the bound") {
  CHECK(refusal("rows", std::int64_t{0}) == "0 is under the minimum 1");
  CHECK(refusal("rows", std::int64_t{101}) == "101 is over the maximum 100");
  CHECK(refusal("rows", std::numeric_limits<std::int64_t>::max()) ==
        "9223372036854775807 is over the maximum 100");
  CHECK(refusal("share", 1.5) == "1.5 is over the maximum 1");
  CHECK(refusal("wait", "1500h") == "1500h is over the maximum 1h");
  CHECK(refusal("wait", "10us") == "10us is under the minimum 1ms");
  CHECK(refusal("room", std::int64_t{5}) == "5 is under the minimum 1KiB");
  CHECK(refusal("path", "much too long") == "13 bytes is over the maximum 8");
  CHECK(refusal("keys", std::vector<std::string>{}) == "0 entries is under the minimum 1");
}

TEST_CASE("options: a value of another type is refused with what was found") {
  CHECK(refusal("flag", std::int64_t{1}) == "expected true or false, found the integer 1");
  CHECK(refusal("flag", "yes") == "expected true or false, found \"yes\"");
  CHECK(refusal("rows", 2.5) == "expected an integer, found the number 2.5");
  CHECK(refusal("rows", "ten") == "expected an integer, found \"ten\"");
  CHECK(refusal("rows", "99999999999999999999") == "99999999999999999999 does not fit in 64 bits");
  CHECK(refusal("share", std::numeric_limits<double>::quiet_NaN()) ==
        "expected a number, found the number nan");
  CHECK(refusal("wait", std::int64_t{5}) ==
        "expected a duration in quotes such as \"250ms\", \"1.5s\" or \"2h\", found the integer 5");
  CHECK(refusal("path", false) == "expected text in quotes, found false");
  CHECK(refusal("keys", 1.0) == "expected a list of texts, found the number 1");
  CHECK(refusal("mode", "hodl") == "expected one of drop, hold, found \"hodl\"");
}

TEST_CASE("options: every mistake is reported, with places and suggestions") {
  const std::vector<RawOption> given = {
      {"rosw", std::int64_t{1}, {1, 8}, {1, 1}},
      {"mode", "hodl", {2, 8}, {2, 1}},
      {"rows", std::int64_t{1}, {3, 8}, {3, 1}},
      {"rows", std::int64_t{2}, {4, 8}, {4, 1}},
  };
  const ParsedOptions parsed = parse_options(kTable, given);
  REQUIRE(parsed.errors.size() == 4);
  CHECK(parsed.errors[0].suggestion == "rows");
  CHECK(parsed.errors[0].place == TextPlace{1, 1});
  CHECK(parsed.errors[1].suggestion == "hold");
  CHECK(parsed.errors[1].place == TextPlace{2, 8});
  CHECK(parsed.errors[2].message == "given twice");
  CHECK(parsed.errors[3].option == "path");
  CHECK(to_status("n", parsed.errors).message() ==
        "n.rosw: unknown option (did you mean \"rows\"?)\n"
        "n.mode: expected one of drop, hold, found \"hodl\" (did you mean \"hold\"?)\n"
        "n.rows: given twice\n"
        "n.path: required option is missing (text): A path.");
}

TEST_CASE("options: one that is wrong has its default, and isn't missing as well") {
  const mayfly_option rows[] = {{"path", MAYFLY_OPTION_TEXT, MAYFLY_OPTION_REQUIRED, nullptr,
                                 nullptr, nullptr, nullptr, "Required."},
                                {"n", MAYFLY_OPTION_INT, 0, "4", "1", "9", nullptr, "A number."},
                                {"on", MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, nullptr, nullptr,
                                 nullptr, nullptr, "Globs."}};
  const mayfly_table raw = {rows, 3, sizeof(mayfly_option)};
  const RawOption given[] = {
      {"path", UnfitValue{"a table"}, {1, 8}},
      {"n", std::int64_t{10}, {2, 5}},
      {"on", std::vector<std::string>{"a", "b c"}, {3, 6}, {3, 1}, {{3, 7}, {3, 12}}}};
  const ParsedOptions parsed = parse_options(OptionTable(raw), given);
  REQUIRE(parsed.errors.size() == 3);
  CHECK(parsed.errors[0].message == "expected text in quotes, found a table");
  CHECK(parsed.errors[1].message == "10 is over the maximum 9");
  CHECK(parsed.errors[2].place == TextPlace{3, 12});
  CHECK(parsed.values[0].is_set == 0);
  CHECK(parsed.values[1].i64 == 4);
}

TEST_CASE("durations: units, fractions and sums") {
  CHECK(*parse_duration("250ms") == 250 * kMillisecond);
  CHECK(*parse_duration("1.5s") == 1500 * kMillisecond);
  CHECK(*parse_duration("2h") == 7200 * kSecond);
  CHECK(*parse_duration("1h30m") == 5400 * kSecond);
  CHECK(*parse_duration("5us") == 5 * kMicrosecond);
  CHECK(*parse_duration("7ns") == 7);
  CHECK(*parse_duration("1d") == 86400 * kSecond);
  CHECK(*parse_duration("0") == 0);
  for (const char* text : {"", "5", "ms", "1.s", ".5s", "5 s", "-1s", "1s ", "1sm", "1e3s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).ok());
  }
  CHECK(parse_duration("300000d").status().message() == "300000d is longer than 292 years");
}

TEST_CASE("sizes: binary and decimal units") {
  CHECK(*parse_size("64KiB") == 65536);
  CHECK(*parse_size("2MiB") == 2 << 20);
  CHECK(*parse_size("1GB") == 1'000'000'000);
  CHECK(*parse_size("1.5kib") == 1536);
  CHECK(*parse_size("512") == 512);
  CHECK(*parse_size("7B") == 7);
  for (const char* text : {"", "KiB", "1.5", "1K", "-1KiB", "1 KiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).ok());
  }
  CHECK(parse_size("9000000000TiB").status().message() == "9000000000TiB is over 8 EiB");
}

TEST_CASE("durations and sizes: what is formatted parses to the same") {
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t value = static_cast<std::int64_t>(rng.next() >> (1 + rng.below(62)));
    CAPTURE(value);
    CHECK(*parse_duration(format_duration(value)) == value);
    CHECK(*parse_size(format_size(value)) == value);
  }
  CHECK(format_duration(1500 * kMillisecond) == "1.5s");
  CHECK(format_duration(90 * 60 * kSecond) == "90m");
  CHECK(format_size(65536) == "64KiB");
}

TEST_CASE("nearest: a slip is near, another word isn't") {
  constexpr std::string_view kNames[] = {"threshold", "window", "max_retries"};
  CHECK(nearest("treshold", kNames) == "threshold");
  constexpr std::string_view kShort[] = {"g"};
  CHECK(nearest("", kShort).empty());
  CHECK(nearest("windwo", kNames) == "window");
  CHECK(nearest("colour", kNames) == "");
  CHECK(nearest("", kNames) == "");
}

TEST_CASE("options: globs of signals have no blanks, and are what the node listens to") {
  const mayfly_option rows[] = {
      {"on", MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, nullptr, nullptr, nullptr, nullptr,
       "Globs."},
      {"n", MAYFLY_OPTION_INT, MAYFLY_OPTION_RUNTIME, "1", "1", "9", nullptr, "A number."},
      {"off", MAYFLY_OPTION_TEXT, MAYFLY_OPTION_SIGNALS, "stop", nullptr, nullptr, nullptr,
       "One."}};
  const mayfly_table raw = {rows, 3, sizeof(mayfly_option)};
  const auto parse = [&](std::vector<std::string> globs) {
    const RawOption given[] = {{"on", std::move(globs)}};
    return parse_options(OptionTable(raw), given);
  };
  for (const std::string bad : {"", "a b", "a\t"}) {
    const ParsedOptions refused = parse({"write.*", bad});
    REQUIRE(refused.errors.size() == 1);
    CHECK(refused.errors[0].message ==
          "expected globs of signals without blanks, found \"" + bad + "\"");
  }
  CHECK(parse({"a b", "write.*", "", "c d"}).errors.size() == 3);
  const ParsedOptions parsed = parse({"write.*", "x"});
  REQUIRE(parsed.ok());
  mayfly_plugin plugin{};
  const mayfly_named heard[] = {{"drain.*", "A drain."}};
  plugin.listens = {heard, 1, sizeof(mayfly_named)};
  plugin.options = raw;
  std::string all;
  for (const Listen& listen : listens_of(plugin, parsed.values)) {
    all += std::to_string(listen.id) + "=" + listen.glob + " ";
  }
  CHECK(all == "0=drain.* 65536=write.* 65536=x 65538=stop ");

  const auto changed = parse_runtime_option(OptionTable(raw), {"n", std::int64_t{7}});
  REQUIRE(changed.ok());
  CHECK(changed->index == 1);
  CHECK(changed->values[1].i64 == 7);
  CHECK(parse_runtime_option(OptionTable(raw), {"n", std::int64_t{0}}).status().message() ==
        "n: 0 is under the minimum 1");
  CHECK(parse_runtime_option(OptionTable(raw), {"off", std::string("x")}).status().message() ==
        "off: can't change while rows flow");
}

}  // namespace
}  // namespace mayfly
