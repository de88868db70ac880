#include "mayfly/storage/select_scope.h"

#include <doctest/doctest.h>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

TEST_CASE("a SELECT that gives each row by itself is let through") {
  for (const char* sql : {
           "SELECT id, name FROM mayfly_batch",
           "select upper(name), 'GROUP BY' FROM mayfly_batch WHERE id > 5 -- LIMIT 3",
           "SELECT max(id, 0), \"group\" FROM mayfly_batch /* DISTINCT */",
           "SELECT b.id, (SELECT count(*) FROM other o WHERE o.id = b.id) FROM mayfly_batch b",
           "SELECT id, (SELECT name FROM other WHERE x = id ORDER BY y LIMIT 1) FROM mayfly_batch",
           "SELECT * FROM (SELECT id FROM mayfly_batch) WHERE id IN (SELECT DISTINCT id FROM u)",
           "SELECT mayfly_batch.id, mayfly_batch.name FROM main.mayfly_batch",
           "WITH x(a) AS NOT MATERIALIZED (SELECT id FROM mayfly_batch) SELECT x.a, a FROM x",
           "SELECT b.id, o.name FROM mayfly_batch AS b LEFT JOIN other o ON o.id = b.id",
           "SELECT id, v FROM mayfly_batch, (SELECT 1 AS v UNION SELECT 2)",
           "SELECT b.id, x.v FROM ((SELECT id FROM mayfly_batch)) b JOIN (VALUES (1)) x",
           "SELECT json_extract(name, '$.sum') AS total FROM \"mayfly_batch\"",
       }) {
    CAPTURE(sql);
    CHECK(scope_of(sql).dependence.empty());
  }
}

TEST_CASE("a SELECT that depends on batch borders is told by its word") {
  const struct {
    const char* sql;
    const char* word;
  } cases[] = {
      {"SELECT name, id FROM mayfly_batch GROUP BY name", "GROUP"},
      {"SELECT DISTINCT id FROM mayfly_batch", "DISTINCT"},
      {"SELECT id FROM mayfly_batch LIMIT 5", "LIMIT"},
      {"SELECT sum(id) FROM mayfly_batch", "SUM"},
      {"SELECT count (*) FROM mayfly_batch", "COUNT"},
      {"SELECT max(id) FROM mayfly_batch", "MAX"},
      {"SELECT id, row_number() OVER (ORDER BY id) FROM mayfly_batch", "OVER"},
      {"SELECT id FROM mayfly_batch UNION SELECT 5", "UNION"},
      {"SELECT * FROM (SELECT sum(id) AS s FROM mayfly_batch)", "SUM"},
      {"SELECT sum(s) FROM (SELECT id AS s FROM mayfly_batch)", "SUM"},
      {"WITH x AS (SELECT id FROM mayfly_batch) SELECT count(*) FROM x", "COUNT"},
      {"SELECT a.id FROM mayfly_batch a JOIN mayfly_batch b", "mayfly_batch, read twice"},
      {"SELECT sum(id FROM [mayfly_batch]", "SUM"},
      {"SELECT median(id) FROM mayfly_batch", "MEDIAN"},
      {"WITH x AS (SELECT id FROM mayfly_batch) SELECT a.id FROM x a JOIN x b",
       "mayfly_batch, read twice"},
      {"SELECT id FROM other WHERE id IN (SELECT id FROM mayfly_batch)",
       "mayfly_batch in a subquery"},
      {"WITH x AS (SELECT id FROM mayfly_batch) SELECT id FROM other WHERE id IN x", "IN"},
      {"SELECT (SELECT id FROM mayfly_batch) AS id", "mayfly_batch in a subquery"},
      {"SELECT o.id FROM other o WHERE EXISTS (SELECT 1 FROM mayfly_batch)",
       "mayfly_batch in a subquery"},
      {"SELECT o.id FROM other o LEFT JOIN mayfly_batch b ON b.id = o.id", "LEFT JOIN"},
      {"SELECT o.id FROM other o LEFT JOIN (SELECT id FROM mayfly_batch) b", "LEFT JOIN"},
      {"SELECT o.id FROM mayfly_batch b RIGHT JOIN other o ON b.id = o.id", "RIGHT"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.sql);
    CHECK(scope_of(test.sql).dependence == test.word);
  }
}

TEST_CASE("a SELECT that may give a row twice is told from one that scans the batch alone") {
  CHECK(scope_of("SELECT upper(name), id FROM mayfly_batch AS b WHERE id IN (1, 2)").one_scan);
  for (const char* sql : {
           "SELECT b.id FROM mayfly_batch b JOIN other o",
           "SELECT b.id FROM mayfly_batch b, other o",
           "SELECT b.id FROM mayfly_batch b, json_each(b.name)",
           "SELECT id FROM mayfly_batch WHERE id IN (SELECT id FROM other)",
           "SELECT id FROM (VALUES (1)), mayfly_batch",
       }) {
    CAPTURE(sql);
    CHECK_FALSE(scope_of(sql).one_scan);
  }
}

TEST_CASE("a SELECT that doesn't read the batch, or uses its rowid, is refused without per_batch") {
  WriterFixture f;
  f.run("CREATE TABLE t(id, name); CREATE TABLE other(mayfly_batch, id, name)");
  const struct {
    const char* sql;
    const char* word;
  } cases[] = {
      {"SELECT 1 AS id, 2 AS name", "it doesn't read mayfly_batch"},
      {"SELECT name, 1 AS id FROM sqlite_schema", "it doesn't read mayfly_batch"},
      {"SELECT column1 AS id, column2 AS name FROM (VALUES(1, 2))", "it doesn't read mayfly_batch"},
      {"SELECT mayfly_batch AS id, name FROM other", "it doesn't read mayfly_batch"},
      {"SELECT id, name FROM mayfly_batch WHERE rowid = 5", "the rowid of mayfly_batch"},
      {"SELECT id, _rowid_ AS name FROM mayfly_batch", "the rowid of mayfly_batch"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.sql);
    f.options.select = test.sql;
    f.options.per_batch = false;
    const Status refused = f.try_open();
    CHECK(refused.code() == Code::kConfig);
    CHECK_MESSAGE(refused.message().find(test.word) != std::string::npos, refused.message());
    f.options.per_batch = true;
    CHECK(f.try_open().ok());
    f.writer.reset();
  }
  f.options.per_batch = false;
  f.options.select = "SELECT id, _ordinal AS name FROM mayfly_batch";
  CHECK(f.try_open().ok());
}

// As many rows come out as went in, so that their number tells nothing.
TEST_CASE("a join that doubles one row and drops another is counted row by row") {
  WriterFixture f;
  f.run("CREATE TABLE o(id, word); INSERT INTO o VALUES(1, 'a'), (1, 'b'), (3, 'c')");
  f.options.select = "SELECT b.id, o.word AS name FROM mayfly_batch b JOIN o ON o.id = b.id";
  f.open();
  CHECK(f.write(f.numbered(1, 3), kNoSource) == "141");
  CHECK(f.query("SELECT id, name FROM t") == "1|a\n1|b\n3|c");
  CHECK(f.writer->totals().rows.inserted == 2);
}

TEST_CASE("the writer refuses such a SELECT unless per_batch says it is meant") {
  WriterFixture f;
  f.options.select = "SELECT name, sum(id) AS total FROM mayfly_batch GROUP BY name";
  const Status refused = f.try_open();
  CHECK(refused.code() == Code::kConfig);
  CHECK(refused.message().find("per_batch = true") != std::string::npos);
  f.options.per_batch = true;
  CHECK(f.try_open().ok());
}

}  // namespace
}  // namespace mayfly
