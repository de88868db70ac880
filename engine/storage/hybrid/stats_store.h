// StatsStore: puts snapshots into mayfly_stats, by the single writer, when something has changed.
//
// What stores of one writer write doesn't count as a change, so a program that does nothing writes
// nothing.
// OWNERSHIP  Writer and clock outlive it.
// THREADS    One at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/storage/hybrid/storage_stats.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class StatsStore {
 public:
  StatsStore(SqliteSingleWriter& writer, const Clock& clock, std::string name)
      : writer_(writer), clock_(clock), name_(std::move(name)), stores_(stores_of(writer)) {}

  // The writer's own figures in it are without what such objects have written. What fails is tried
  // again by the next call.
  DbResult<void> store_if_changed(StorageStats stats);

 private:
  using Count = std::atomic<std::uint64_t>;
  // The one count for all of this writer's.
  static std::shared_ptr<Count> stores_of(const SqliteSingleWriter& writer);

  SqliteSingleWriter& writer_;
  const Clock& clock_;
  const std::string name_;
  const std::shared_ptr<Count> stores_;
  std::string stored_;  // what was stored last; empty: nothing
};

}  // namespace mayfly
