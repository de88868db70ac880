#include "mayfly/storage/hybrid/storage_stats.h"

#include "mayfly/base/clock.h"
#include "mayfly/base/json_text.h"

namespace mayfly {
namespace {

JsonText json_of(const SingleWriterStats& stats) {
  return JsonText::object()
      .add("writes", stats.writes)
      .add("transactions", stats.transactions)
      .add("waiting", stats.waiting)
      .add("checkpoints", stats.checkpoints)
      .add("wal_pages", stats.wal_pages)
      .add("reopened", stats.reopened)
      .add("read_connections", stats.read_connections);
}

JsonText json_of(const CacheStats& stats) {
  return JsonText::object()
      .add("total", stats.total)
      .add("valid", stats.valid)
      .add("hot", stats.hot)
      .add("max_size", stats.max_size)
      .add("hits", stats.hits)
      .add("misses", stats.misses)
      .add("computed", stats.computed)
      .add("shared", stats.shared)
      .add("evicted_expired", stats.evicted_expired)
      .add("evicted_cold", stats.evicted_cold);
}

JsonText json_of(const WriteBufferStats& stats) {
  JsonText by_table = JsonText::object();
  for (const auto& [table, rows] : stats.pending_by_table) by_table.add(table, rows);
  return JsonText::object()
      .add("pending_count", stats.pending)
      .add("pending_by_table", by_table)
      .add("pending_high", stats.pending_high)
      .add("total_buffered", stats.total_buffered)
      .add("total_coalesced", stats.total_coalesced)
      .add("total_flushed", stats.total_flushed)
      .add("flush_count", stats.flush_count)
      .add("flush_failures", stats.flush_failures)
      .add("rejected", stats.rejected)
      .add("waits", stats.waits)
      .add("refusals", stats.refusals)
      .add("spool_bytes", stats.spool_bytes)
      .add("is_running", stats.is_running);
}

JsonText json_of(const LogStats& stats) {
  constexpr std::int64_t kDay = 86'400 * kSecond;
  JsonText by_level = JsonText::object();
  for (std::size_t level = 0; level < stats.by_level.size(); ++level) {
    by_level.add(to_text(static_cast<LogLevel>(level)), stats.by_level[level]);
  }
  return JsonText::object()
      .add("total_logged", stats.total_logged)
      .add("pending_count", stats.pending_count)
      .add("stored", stats.stored)
      .add("rejected", stats.rejected)
      .add("dropped", stats.dropped)
      .add("failed_flushes", stats.failed_flushes)
      .add("by_level", by_level)
      .add("is_running", stats.is_running)
      .add("db_path", stats.db_path)
      .add("retention_days", static_cast<double>(stats.retention_ns) / static_cast<double>(kDay), 3)
      .add("db_size_bytes", stats.db_size_bytes);
}

JsonText json_of(const LockMetrics& metrics) {
  return JsonText::object()
      .add("total_lock_errors", metrics.total_lock_errors)
      .add("total_retries", metrics.total_retries)
      .add("total_failures", metrics.total_failures)
      .add("total_successes_after_retry", metrics.total_successes_after_retry)
      .add("last_lock_error", metrics.last_lock_error)
      .add("error_rate_per_minute", metrics.error_rate_per_minute, 2);
}

}  // namespace

std::string to_json(const StorageStats& stats) {
  return JsonText::object()
      .add("version", 1)
      .add("single_writer", json_of(stats.writer))
      .add("cache", json_of(stats.writer.cache))
      .add("write_buffer", json_of(stats.buffer))
      .add("log_database", json_of(stats.logs))
      .add("retry_metrics", json_of(stats.retry))
      .text();
}

}  // namespace mayfly
