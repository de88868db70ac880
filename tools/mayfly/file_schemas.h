// Columns that several files have in common. Pure, but for read_schema.
#pragma once

#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/data/schema.h"

namespace mayfly::cli {

// What a source's plugin finds in its input, by opening it once.
Result<Schema> read_schema(const SourcePlan& source);

struct FileSchema {
  std::string file;
  Schema schema;
};

// One type for each column, such that no value of either file changes more than it would in its
// own: int64 and float64 make float64; in CSV everything else that differs makes text, in NDJSON
// any. Different names or another order: Code::kConfig, with both files and what differs. `keyed`
// (NDJSON) takes the union of the names in place of that.
Result<Schema> unify(const std::vector<FileSchema>& files, bool keyed);

}  // namespace mayfly::cli
