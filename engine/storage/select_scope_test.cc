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
           "SELECT json_extract(name, '$.sum') AS total FROM \"mayfly_batch\"",
       }) {
    CAPTURE(sql);
    CHECK(batch_dependence(sql).empty());
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
  };
  for (const auto& test : cases) {
    CAPTURE(test.sql);
    CHECK(batch_dependence(test.sql) == test.word);
  }
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
