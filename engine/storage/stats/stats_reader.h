// read_stats: what the processes that write to a database last stored of themselves, also while
// they write.
//
// By a connection of its own that only reads.
// THREADS  Any.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly {

// One writer's row of mayfly_stats.
struct StoredStats {
  std::string writer;
  std::string at;           // when it was stored, as in timestamp.h
  std::int64_t age_us = 0;  // since then; 0 when the clock was set back
  std::int64_t pid = 0;
  bool is_running = false;  // there is such a process on this machine
  std::string json;         // valid
  // Its values by their paths ("sources[0].name"), texts without quotes.
  std::vector<std::pair<std::string, std::string>> values;
};

// In the order of the writers' names. now_us: Clock::wall_us(). kNoInput: no such file, or no stats
// in it; kIo: no database, or it can't be read; kConfig: a table of that name which is another's;
// kTryAgain: locked.
Result<std::vector<StoredStats>> read_stats(const std::string& database, std::int64_t now_us);

}  // namespace mayfly
