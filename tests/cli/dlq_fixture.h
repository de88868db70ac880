// DlqFixture: a database with dead letters, and `mayfly dlq` run on it. For tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/cli_fixture.h"

namespace mayfly::testing {

using Rows = std::vector<std::string>;

struct DlqFixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  void ingest(const std::string& name, const std::string& text, Rows more = {}) const {
    more.insert(more.begin(), {"ingest", file(name, text), "--into", database.path()});
    const Outcome outcome = run_mayfly(std::move(more));
    REQUIRE_MESSAGE(outcome.status == 65, outcome.err);
  }
  Outcome dlq(const std::string& action, Rows more = {}) const {
    more.insert(more.begin(), {"dlq", action, database.path()});
    return run_mayfly(std::move(more));
  }
  // A replay that comes to its end; what it says of each table.
  JsonSummary replay(int status, Rows more = {}) const {
    more.insert(more.end(), {"--output", "json"});
    const Outcome outcome = dlq("replay", std::move(more));
    CHECK_MESSAGE(outcome.status == status, outcome.err);
    return parse_summary(outcome.out);
  }
  std::int64_t letters() const {
    return database.integer("SELECT count(*) FROM mayfly_dead_letters");
  }
  bool is_clean() const {
    return database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mayfly_replay%'") +
               database.integer(
                   "SELECT count(*) FROM mayfly_offsets WHERE source LIKE 'mayfly_replay%'") ==
           0;
  }
};

// With letters 1 (two fields in place of three), 2 (a key that is there) and 3 (007 for a number).
struct People : DlqFixture {
  explicit People(const std::string& name) : DlqFixture(name) {
    ingest("people.csv", "id,name,score\n1,Ada,1.5\n2,Grace\n1,Mary,2.5\n", {"--pk", "id"});
    ingest("more.csv", "id,name,score\n007,Joan,1\n", {"--table", "people", "--types", "id=int64"});
    REQUIRE(letters() == 3);
  }
};

}  // namespace mayfly::testing
