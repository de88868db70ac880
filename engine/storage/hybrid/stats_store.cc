#include "mayfly/storage/hybrid/stats_store.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "mayfly/storage/stats/stats_table.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {

std::shared_ptr<StatsStore::Count> StatsStore::stores_of(const SqliteSingleWriter& writer) {
  static std::mutex mutex;
  static auto& counts = *new std::map<const SqliteSingleWriter*, std::weak_ptr<Count>>();
  const std::lock_guard lock(mutex);
  std::erase_if(counts, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Count>& place = counts[&writer];
  std::shared_ptr<Count> count = place.lock();
  if (count == nullptr) place = count = std::make_shared<Count>(0);
  return count;
}

DbResult<void> StatsStore::store_if_changed(StorageStats stats) {
  // A store is one write and one transaction; the log grows by them, too.
  const std::uint64_t stores = stores_->load(std::memory_order_relaxed);
  stats.writer.writes -= std::min(stats.writer.writes, stores);
  stats.writer.transactions -= std::min(stats.writer.transactions, stores);
  const std::string shown = to_json(stats);
  stats.writer.wal_pages = 0;
  stats.writer.checkpoints = 0;
  std::string compared = to_json(stats);
  if (compared == stored_) return {};
  stores_->fetch_add(1, std::memory_order_relaxed);
  auto written = writer_.write_batch({{.sql = std::string(kStatsTableSql)},
                                      {.sql = std::string(kStatsInsertSql),
                                       .params = {name_, iso8601(clock_.wall_us()),
                                                  static_cast<std::int64_t>(::getpid()), shown}}});
  if (!written.ok()) return std::move(written.error());
  stored_ = std::move(compared);
  return {};
}

}  // namespace mayfly
