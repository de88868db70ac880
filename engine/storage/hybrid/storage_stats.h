// StorageStats: one snapshot over all that writes: the single writer and its cache, the buffer, the
// logs, the retries.
//
// Each part's figures are of one moment; the parts' moments follow each other.
// THREADS  Plain values.
#pragma once

#include <string>

#include "mayfly/storage/log_database/log_database.h"
#include "mayfly/storage/retry/lock_metrics.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/write_buffer/write_buffer.h"

namespace mayfly {

struct StorageStats {
  SingleWriterStats writer;
  WriteBufferStats buffer;
  LogStats logs;
  LockMetrics retry;
};

// {"version":1,"single_writer":{...},"cache":{...},"write_buffer":{...},"log_database":{...},
// "retry_metrics":{...}}, with the names of the structs' members.
std::string to_json(const StorageStats& stats);

}  // namespace mayfly
