// A record that was broken, is corrected and replayed becomes what ingest makes of it where it
// isn't broken: for formats, types, tables and SELECTs beside each other. Which values a column
// refuses is the same, too.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/cli/dlq_fixture.h"

using namespace mayfly::testing;

namespace {

const Rows kTypes = {"int64", "float64", "text", "blob", "bool", "timestamp", "json", "any"};

struct Table {
  std::string name;
  std::string sql;  // empty: ingest makes it
  bool keeps_text = false;
  bool selects = false;  // it is looked at behind each SELECT
};
const Table kTables[] = {
    {.name = "made by ingest", .sql = "", .selects = true},
    {.name = "without types", .sql = "CREATE TABLE t(id, v, w)"},
    {.name = "of text",
     .sql = "CREATE TABLE t(id INTEGER, v TEXT, w TEXT DEFAULT 'default')",
     .keeps_text = true},
    {.name = "of numbers", .sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER, w REAL)"},
};

constexpr const char* kOwnSelect = "with --sql";
struct Select {
  std::string name;
  Rows options;
};
const Select kSelects[] = {
    {"without a SELECT", {}},
    {"with --where", {"--where", "id > 0"}},
    {kOwnSelect, {"--sql", "SELECT id, v, typeof(v) AS w FROM mayfly_batch"}},
};

struct Records {
  std::string name;
  std::string file;
  std::string head;   // with records that are right
  Rows records;       // to be read
  std::string wrong;  // in their places, with what tells them apart
  Rows options;
};

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '\t') {
      json += "\\t";
      continue;
    }
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + '"';
}

class Comparison {
 public:
  Comparison(const Records& records, const Table& table, const Select& select, Rows options)
      : records_(records), right_("as_ingested"), wrong_("as_replayed") {
    options.insert(options.end(), records.options.begin(), records.options.end());
    options.insert(options.end(), select.options.begin(), select.options.end());
    for (const DlqFixture* f : {&right_, &wrong_}) {
      if (!table.sql.empty()) f->database.run(table.sql);
    }
    std::string good = records.head, bad = records.head;
    for (std::size_t i = 0; i < records.records.size(); ++i) {
      good += records.records[i] + '\n';
      bad += records.wrong + std::to_string(i) + '\n';
    }
    ingest(right_, good, options);
    ingest(wrong_, bad, options);
  }

  void replay() {
    if (refused_) return;
    REQUIRE(wrong_.letters() == static_cast<std::int64_t>(records_.records.size()));
    std::string letters;
    for (std::size_t i = 0; i < records_.records.size(); ++i) {
      letters += fmt::format("{{\"id\":{},\"raw\":{}}}\n", i + 1, quoted(records_.records[i]));
    }
    const Outcome outcome = wrong_.dlq("replay", {"--from", wrong_.file("letters", letters)});
    const bool refused = left(right_) > 0;
    CHECK_MESSAGE(outcome.status == (refused ? 65 : 0), outcome.err);
    CHECK(fmt::to_string(fmt::join(rows(wrong_), "\n")) ==
          fmt::to_string(fmt::join(rows(right_), "\n")));
    CHECK(left(wrong_) == left(right_));
  }

 private:
  void ingest(const DlqFixture& f, const std::string& text, Rows options) {
    options.insert(options.begin(), {"ingest", f.file(records_.file, text), "--into",
                                     f.database.path(), "--table", "t", "--quiet"});
    const Outcome outcome = run_mayfly(std::move(options));
    // With types that the table's columns can't have at all.
    refused_ |= outcome.status == 78;
    const bool ended = refused_ || outcome.status == 0 || outcome.status == 65;
    REQUIRE_MESSAGE(ended, outcome.err);
  }
  static Rows rows(const DlqFixture& f) {
    const bool third =
        f.database.integer("SELECT count(*) FROM pragma_table_info('t') WHERE name = 'w'") > 0;
    const std::string w = third ? ", w, typeof(w)" : "";
    return f.database.rows("SELECT id, typeof(id), v, typeof(v)" + w + " FROM t ORDER BY id");
  }
  static std::int64_t left(const DlqFixture& f) {
    const bool there = f.database.integer(
                           "SELECT count(*) FROM sqlite_schema WHERE name = "
                           "'mayfly_dead_letters'") > 0;
    return there ? f.letters() : 0;
  }

  const Records& records_;
  const DlqFixture right_;
  const DlqFixture wrong_;
  bool refused_ = false;
};

void compare(const Records& records, const Rows& types) {
  for (const Table& table : kTables) {
    for (const Select& select : kSelects) {
      if (!table.selects && select.name == kOwnSelect) continue;
      for (const std::string& type : types) {
        // Where a table keeps text, what was refused as a number may be replayed as one: that is
        // how a table is corrected instead of its letters.
        const bool is_corrected =
            table.keeps_text && select.options.empty() && (type == "int64" || type == "float64");
        if (is_corrected) continue;
        INFO(records.name, ", table ", table.name, ", ", select.name, ", ", type);
        Comparison(records, table, select, {"--types", "v=" + type}).replay();
      }
    }
  }
}

// Types as ingest finds them in the thousand records that it looks at first.
void compare_inferred(Records records, const std::string& header, const Rows& values) {
  for (const std::string& value : values) {
    records.head = header;
    for (int id = 1001; id <= 2001; ++id) {
      records.head += fmt::format(fmt::runtime(value), id) + '\n';
    }
    for (const Table& table : kTables) {
      for (const Select& select : kSelects) {
        if (!table.selects && !select.options.empty()) continue;
        INFO(records.name, " behind ", value, ", table ", table.name, ", ", select.name);
        Comparison(records, table, select, {}).replay();
      }
    }
  }
}

const Records kCsv = {"CSV",
                      "in.csv",
                      "id,v\n1,7\n",
                      {"2,8", "3,1.5", "4,007", "5,x", "6,true", "7,", "8,\"\"", "9,1e3",
                       "10,12345678901234567890", "11,2024-01-02T03:04:05Z", "12,\"[1]\"", "13,0"},
                      "1,2,3,4,",
                      {}};
const Records kTsv = {"TSV with backslashes", "in.tsv",
                      "id\tv\n1\t7\n",        {"2\t8", "3\ta\\tb", "4\t\\N", "5\t1.50", "6\t\\\\"},
                      "1\t2\t3\t4\t",         {"--escape", "backslash"}};
const Records kNdjson = {
    "NDJSON",
    "in.ndjson",
    "{\"id\":1,\"v\":7}\n",
    {R"({"id":2,"v":8})", R"({"id":3,"v":1.5})", R"({"id":4,"v":"7"})", R"({"id":5,"v":"x"})",
     R"({"id":6,"v":true})", R"({"id":7,"v":false})", R"({"id":8,"v":null})", R"({"id":9})",
     R"({"id":10,"v":[1, 2]})", R"({"id":11,"v":{"a":1.50}})",
     R"({"id":12,"v":123456789012345678901234})", R"({"id":13,"v":1.0})", R"({"id":14,"v":""})",
     R"({"v":3,"id":15})", R"({"id":16,"v":"2024-01-02T03:04:05Z"})", R"({"id":18,"v":1,"v":2})",
     R"({"id":19,"v":0})"},
    "[1,2",
    {}};

}  // namespace

TEST_CASE("a replay of CSV writes what ingest writes, whatever the column's type is") {
  compare(kCsv, kTypes);
}

TEST_CASE("a replay of CSV reads what ingest reads by the types that it found") {
  compare_inferred(kCsv, "id,v\n", {"{},7", "{},1.5", "{},x", "{},true"});
}

TEST_CASE("a replay of TSV with backslashes writes what ingest writes") {
  compare(kTsv, {"text", "any", "float64"});
}

TEST_CASE("a replay of NDJSON writes what ingest writes, whatever the column's type is") {
  compare(kNdjson, kTypes);
}

TEST_CASE("a replay of NDJSON reads what ingest reads by the types that it found") {
  Records records = kNdjson;
  records.records.push_back(R"({"id":19,"v":1,"new":2})");  // behind what is looked at
  compare_inferred(
      records, "",
      {R"({{"id":{},"v":7}})", R"({{"id":{},"v":1.5}})", R"({{"id":{},"v":"x"}})",
       R"({{"id":{},"v":true}})", R"({{"id":{},"v":[1]}})", R"({{"id":{},"v":null}})"});
}
