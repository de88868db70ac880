#include "tools/mayfly/ingest_plan.h"

#include <doctest/doctest.h>

#include "tools/mayfly/advice.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

Status refusal(IngestOptions options) {
  options.database = "x.db";
  PluginRegistry registry;
  const TextColumns none = [](const std::string&) { return std::vector<std::string>(); };
  return make_ingest_plan(options, registry, none).status();
}

}  // namespace

TEST_CASE("table name: the file's own, cleaned to an identifier") {
  CHECK(table_name_from("orders.csv") == "orders");
  CHECK(table_name_from("/data/web log-2024.ndjson.gz") == "web_log_2024");
  CHECK(table_name_from("2024.csv") == "_2024");
  CHECK(table_name_from("a.b.csv.zst") == "a_b");
  CHECK(table_name_from(".csv") == "csv");
  CHECK(table_name_from("-") == "");
  CHECK(table_name_from("!!.csv") == "");
  CHECK(table_name_from("Z\u00fcge.csv") == "Z\u00fcge");
  CHECK(table_name_from("Z\xfcge.csv") == "Z_ge");
}

TEST_CASE("ingest: standard input needs a table's name and comes alone") {
  CHECK(refusal({.files = {"-"}}).code() == Code::kUsage);
  CHECK(refusal({.files = {"-", "a.csv"}, .table = "t"}).code() == Code::kUsage);
  CHECK(refusal({.files = {"a.csv", "a.csv"}}).code() == Code::kUsage);
}

TEST_CASE("ingest: a table's name is UTF-8") {
  const Status refused = refusal({.files = {"a.csv"}, .table = "Z\xfcge"});
  CHECK(refused.code() == Code::kUsage);
  CHECK(refused.message() == "--table: expected a name in UTF-8, found other bytes");
}

TEST_CASE("ingest: a missing plugin is unavailable, not a mistake in the options") {
  CHECK(refusal({.files = {"a.csv"}}).code() == Code::kUnavailable);
}

TEST_CASE("advice: paths are quoted as a shell reads them") {
  CHECK(shell_quoted("a/b-1.db") == "a/b-1.db");
  CHECK(shell_quoted("a b") == "'a b'");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("") == "''");
}
