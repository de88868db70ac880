#include "tools/mayfly/human_text.h"

#include <doctest/doctest.h>

using namespace mayfly::cli;

TEST_CASE("names: nothing in them steers a terminal or looks like another line") {
  CHECK(on_one_line("orders") == "orders");
  CHECK(on_one_line("a\nb\x1b[31m\x7f") == "a\\nb\\u001b[31m\\u007f");
  CHECK(on_one_line("say \"hi\"") == "say \"hi\"");
  CHECK(on_one_line("ends in \\") == "ends in \\\\");
  CHECK(on_one_line("\\\"") == "\\\\\"");
  CHECK(on_one_line("\xC2\x9B"
                    "2J \xC2\xA0") == "\\u009b2J \xC2\xA0");
}

TEST_CASE("numbers: as people read them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(short_count(999) == "999");
  CHECK(short_count(1'234'567) == "1.23 M");
  CHECK(short_bytes(512) == "512 B");
  CHECK(short_bytes(1536) == "1.5 KiB");
  CHECK(clock_text(65) == "1:05");
  CHECK(clock_text(3723) == "1:02:03");
}
