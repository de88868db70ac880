// SqlCommand: a statement, or several, with their parameters; and what can be told of them without
// a database.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/storage/single_writer/group_writer.h"
#include "mayfly/storage/single_writer/sql_params.h"

namespace mayfly {

// One of a batch.
struct SqlCommand {
  std::string sql;
  SqlParams params = {};
};

// How a text of SQL is to be written: several statements need a savepoint; VACUUM, PRAGMA, ATTACH
// and DETACH can't be in a transaction. A text that only looks like several costs a savepoint.
GroupedWrite::Shape shape_of(std::string_view sql);

}  // namespace mayfly
