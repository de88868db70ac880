#include "mayfly/storage/hybrid/stats_store.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "mayfly/storage/stats/stats_table.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {

void StatsStore::store_if_changed(StorageStats stats) {
  // A store is one write and one transaction; the log grows by them, too.
  stats.writer.writes -= std::min(stats.writer.writes, stores_);
  stats.writer.transactions -= std::min(stats.writer.transactions, stores_);
  const std::string shown = to_json(stats);
  stats.writer.wal_pages = 0;
  stats.writer.checkpoints = 0;
  std::string compared = to_json(stats);
  if (compared == stored_) return;
  ++stores_;
  const auto written =
      writer_.write_batch({{.sql = std::string(kStatsTableSql)},
                           {.sql = std::string(kStatsInsertSql),
                            .params = {name_, iso8601(clock_.wall_us()),
                                       static_cast<std::int64_t>(::getpid()), shown}}});
  if (written.ok()) stored_ = std::move(compared);
}

}  // namespace mayfly
