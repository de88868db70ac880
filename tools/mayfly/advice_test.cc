#include "tools/mayfly/advice.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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

TEST_CASE("advice: what is said of an option that the environment gave names the variable") {
  GlobalOptions global;
  global.variables = {{"--null", "MAYFLY_NULL"}, {"--types", "MAYFLY_TYPES"}};
  CHECK(with_variable("--types: x", global) ==
        "--types: x (from the environment variable MAYFLY_TYPES)");
  CHECK(with_variable("a.csv: --null: x", global) ==
        "a.csv: --null: x (from the environment variable MAYFLY_NULL)");
  CHECK(with_variable("--types needs others", global) ==
        "--types needs others (from the environment variable MAYFLY_TYPES)");
  for (const char* other : {"--where: x", "give --types, or --null", "my--types: x",
                            "found \"x --types: y\"", "--types-of: x"}) {
    CHECK(with_variable(other, global) == other);
  }
}

TEST_CASE("advice: what is said of a file begins with that, not with the name of its source") {
  const std::vector<std::string> files = {"a.csv", "file", "-"};
  const auto told = [&files](std::string_view message) {
    return in_command_line_words(message, files);
  };
  CHECK(told("file_1: a.csv: can't be opened") == "a.csv: can't be opened");
  CHECK(told("file: a.csv: line 1\nfile_2: file: line 2\n") == "a.csv: line 1\nfile: line 2\n");
  CHECK(told("file: a.csv: types: there is no column \"x\"") ==
        "a.csv: --types: there is no column \"x\"");
  CHECK(told("file: standard input: x") == "standard input: x");
  for (const char* other : {"file: b.csv: x", "file: can't be opened", "files: a.csv: x", "file"}) {
    CHECK(told(other) == other);
  }
}
