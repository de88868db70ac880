#include "tools/mayfly/advice.h"

#include <doctest/doctest.h>

using namespace mayfly::cli;

TEST_CASE("advice: rows are there for good, unless the disk failed under them") {
  CHECK(rows_kept_text(1, 0, "a.db", true) == "1 row of the input is in a.db for good");
  CHECK(rows_kept_text(0, 0, "a.db", false) == "no row of the input is in a.db");
  CHECK(rows_kept_text(2, 0, "a.db", true) == "2 rows of the input are in a.db for good");
  CHECK(rows_kept_text(2000, 1000, "a.db", true) ==
        "2,000 rows of the input are in a.db (1,000 of them as dead letters) for good");
  CHECK(rows_kept_text(2, 0, "a.db", false) ==
        "2 rows of the input are in a.db, but its disk failed or is full, so they may not outlast "
        "a power "
        "failure");
}

TEST_CASE("advice: options of a pipeline file are named as the command line names them") {
  CHECK(in_command_line_words("infer = \"all\" reads twice; use \"sample\", or give types") ==
        "--infer all reads twice; use --infer sample, or give --types");
  CHECK(in_command_line_words("infer: \"all\" reads twice") == "--infer all reads twice");
  CHECK(in_command_line_words("found \"name = \"x\"\"") == "found \"name = \"x\"\"");
  CHECK(in_command_line_words("file.skip_rows: expected a number") ==
        "--skip-rows: expected a number");
  CHECK(in_command_line_words(
            "file_1.types: expected x\nfile_2.types: expected x\nfile_1.null: y\nz") ==
        "--types: expected x\n--null: y\nz");
  CHECK(in_command_line_words("letters.delimiter: expected one byte") ==
        "--delimiter: expected one byte");
  for (const char* other : {"file.csv: no such file", "files.types: x", "my.types: x", "file"}) {
    CHECK(in_command_line_words(other) == other);
  }
}
