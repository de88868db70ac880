#include "tools/mayfly/summary.h"

#include <doctest/doctest.h>

using namespace mayfly;
using namespace mayfly::cli;

namespace {

Summary sample() {
  Summary summary;
  summary.rows = {.read = 1014,
                  .written = 1005,
                  .inserted = 1000,
                  .updated = 5,
                  .ignored = 2,
                  .rejected = 3,
                  .dropped = 4};
  summary.bytes_read = 4096;
  summary.seconds = 0.5;
  summary.rows_per_second = 2020;
  summary.table = "t";
  summary.database = "a \"b\".db";
  summary.sources = {{"x.csv", 7}};
  summary.status = ExitStatus::kRowsRejected;
  return summary;
}

}  // namespace

TEST_CASE("summary: the JSON has every field, in the documented order") {
  CHECK(to_json(sample()) ==
        "{\"version\":1,\"rows_read\":1014,\"rows_written\":1005,\"rows_inserted\":1000,"
        "\"rows_updated\":5,\"rows_ignored\":2,\"rows_rejected\":3,\"rows_dropped\":4,"
        "\"rows_consumed\":0,\"rows_made\":0,\"rows_truncated\":0,\"bytes_read\":4096,"
        "\"seconds\":0.500000,\"rows_per_second\":2020,\"table\":\"t\",\"database\":\"a "
        "\\\"b\\\".db\","
        "\"sources\":[{\"file\":\"x.csv\",\"resumed_from\":7}],\"interrupted\":false,"
        "\"exit_status\":65}\n");
}

TEST_CASE("summary: the text is a sentence with all the counts") {
  Summary plain;
  plain.rows = {.read = 1, .written = 1, .inserted = 1};
  plain.table = "t";

  CHECK(to_text(plain) ==
        "Of 1 row read, 1 was written to t (1 inserted, 0 updated), 0 ignored, 0 rejected, in "
        "0.00 s.\n");
  CHECK(to_text(sample()) ==
        "Of 1,014 rows read, 1,005 were written to t (1,000 inserted, 5 updated), 2 ignored, 3 "
        "rejected, 4 dropped, in 0.50 s (2.02 k rows/s).\n");
}

TEST_CASE("summary: what nodes consumed and made is told, so that the rows add up") {
  Summary summary;
  // Of a hundred rows forty were left out by a node that made others of the rest.
  summary.rows = {.read = 100, .written = 58, .inserted = 58, .rejected = 2, .consumed = 100};
  summary.table = "t";

  CHECK(summary.rows.made() == 60);
  CHECK(to_text(summary) ==
        "Of 100 rows read and 60 made of them, 58 were written to t (58 inserted, 0 updated), 0 "
        "ignored, 2 rejected, 100 consumed, in 0.00 s.\n");
  CHECK(to_json(summary).find("\"rows_consumed\":100,\"rows_made\":60,") != std::string::npos);
  summary.truncated = 1;
  CHECK(to_text(summary).ends_with("in 0.00 s; 1 row that the table had was taken out first.\n"));
}

TEST_CASE("summary: a source that never started is still named") {
  RunResult result;
  PipelinePlan plan;

  const Summary summary = summarize(result, plan, {"a.csv"});

  REQUIRE(summary.sources.size() == 1);
  CHECK(summary.sources[0].file == "a.csv");
  CHECK(summary.rows == RowTotals());
}
