// LogDatabaseOptions: where a LogDatabase keeps its records, for how long, and how many may wait.
// Plain values; times in nanoseconds of the clock, sizes in bytes unless their name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/log_database/log_record.h"

namespace mayfly {

// What a LogDatabase without a path keeps its records in: one in memory, for the whole process, as
// long as somebody has it open. SqliteSingleWriter::get_or_create() opens it by this name.
constexpr const char* kLogsInMemory = "Data Source=mayfly_logs;Mode=Memory";

// How a LogDatabase logs; the defaults are the seed's.
struct LogDatabaseOptions {
  std::string db_path = {};  // or a connection string (database_name.h); empty: kLogsInMemory
  std::int64_t retention_ns = 7 * 24 * 3600 * kSecond;  // kNever: all is kept
  std::int64_t cleanup_interval_ns = 3600 * kSecond;    // what is older is looked for so often
  std::size_t max_batch_size = 50;  // so many that wait are written without waiting for more
  std::int64_t flush_interval_ns = 2 * kSecond;  // what waits is written so often, however little

  // What may wait: so many records, and of so many bytes. Further ones are dropped, and counted.
  std::size_t capacity = 10'000;
  std::size_t buffer_bytes = 4 * 1024 * 1024;
  std::size_t message_bytes_max = 10'000;  // of a message, and of all its fields; longer are cut

  LogLevel min_level = LogLevel::kTrace;       // what is below isn't logged
  LogLevel signal_level = LogLevel::kWarning;  // from here on a record raises log.LEVEL:LOGGER

  std::int64_t busy_timeout_ns = kSecond;  // for another process's lock, before trying again
  // stop() gives up then, and so does the destructor; kNever: when all is written, which on a disk
  // that stays full, or a file that is broken, isn't ever.
  std::int64_t stop_timeout_ns = kNever;

  const Clock* clock = nullptr;   // nullptr: the machine's. Outlives the log database
  SignalSink* signals = nullptr;  // nullptr: one of its own. Outlives the log database
};

// kUsage: an option out of its range, and which.
Status check_log_database_options(const LogDatabaseOptions& options);

}  // namespace mayfly
