// What is replayed together: letters of one table with the same columns.
//
// A letter's row has the columns that it is about, and no others, so that those keep the table's
// default, and an upsert leaves them alone: of values by columns these (a row that came to the
// writer has all that its input had); of a record those that its source says its file has
// (record_format.h), in JSON with its keys besides that the table has a column for. Where a source
// says nothing they are, in JSON, its keys, and of CSV the table's columns; for CSV they may be
// given. Behind a writer's own SELECT they are those that it reads. Columns that the table wants
// (NOT NULL, no default) are always there, but of CSV, so that a row without them is refused by
// itself.
//
// THREADS  One at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/storage/replay_set.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

// A letter that can't be replayed as it is, and what is to be done about it.
struct UnreadableLetter {
  std::int64_t id = 0;
  std::string why;
  bool of_its_columns = false;  // the table lacks one: others may be given for it
};

// Letters whose rows were still to pass nodes of their pipeline, which a replay doesn't run.
struct PastNodes {
  std::vector<std::string> nodes;
  std::vector<std::int64_t> letters;
};

struct ReplayChoice {
  std::vector<ReplayPart> parts;
  std::vector<PastNodes> past_nodes;
  std::vector<UnreadableLetter> unreadable;
  std::vector<std::int64_t> csv_records;  // letters whose columns are what is given for them
};

// What is given for CSV records goes before what their source said of them; empty: nothing is.
struct GivenRecords {
  std::vector<std::string> columns;
  std::string delimiter;
  std::string quote;
};

// Of these letters, which are there. `run` tells this replay's keys from those of any other.
// kConfig: a target isn't a table (any more); kUsage: it has no such column.
Result<ReplayChoice> choose_parts(SqliteConnection& connection,
                                  const std::vector<std::int64_t>& letters,
                                  const GivenRecords& given, const std::string& run);

}  // namespace mayfly::cli
