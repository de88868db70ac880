// Indexes of a table that has been loaded: made then, since that is many times as fast as keeping
// them in order while rows come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly::cli {

// "city,zip": city and zip.
std::vector<std::string> columns_of_index(std::string_view index);

// Makes those that there aren't: by name, idx_TABLE_city_zip. Waits up to wait_ns for another
// process's lock. The rows are there whatever comes of it.
Status create_indexes(const std::string& database, const std::string& table,
                      const std::vector<std::string>& indexes, std::int64_t wait_ns);

}  // namespace mayfly::cli
