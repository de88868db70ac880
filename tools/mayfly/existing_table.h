// What `mayfly ingest` asks of a table that it makes, and a table that is there doesn't do.
//
// THREADS  Any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/mayfly/ingest_options.h"

namespace mayfly::cli {

// "--pk id", "--not-null name": what the table doesn't have of it. Nothing without such a table, or
// where it can't be read: then the engine tells why.
std::vector<std::string> unmet_wishes(const IngestOptions& options, const std::string& table);

}  // namespace mayfly::cli
