// StatsStore: puts snapshots into mayfly_stats, by the single writer, when something has changed.
//
// Its own writes don't count as a change, so a program that does nothing writes nothing.
// OWNERSHIP  Writer and clock outlive it.
// THREADS    One at a time.
#pragma once

#include <cstdint>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/storage/hybrid/storage_stats.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class StatsStore {
 public:
  StatsStore(SqliteSingleWriter& writer, const Clock& clock, std::string name)
      : writer_(writer), clock_(clock), name_(std::move(name)) {}

  // The writer's own figures in it are without what this object has written. What fails is told by
  // the writer's signals, and tried with the next change.
  void store_if_changed(StorageStats stats);

 private:
  SqliteSingleWriter& writer_;
  const Clock& clock_;
  const std::string name_;
  std::uint64_t stores_ = 0;
  std::string stored_;  // what was stored last; empty: nothing
};

}  // namespace mayfly
