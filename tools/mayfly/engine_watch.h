// EngineWatch: looks ten times a second whether the writer waits for the database, or readers keep
// its log from shrinking, or a store of signals can't be written, and has it told.
// Also while the engine closes, where the last transaction may have to wait.
//
// OWNERSHIP  Borrows engine and console. THREADS  Has one of its own, from constructor to
// destructor.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "mayfly/runtime/engine.h"
#include "tools/mayfly/outage_notice.h"

namespace mayfly::cli {

class EngineWatch {
 public:
  EngineWatch(const Engine& engine, const Clock& clock, Console& console, std::int64_t deadline_ns);
  ~EngineWatch();
  EngineWatch(const EngineWatch&) = delete;
  EngineWatch& operator=(const EngineWatch&) = delete;

 private:
  void watch();
  void look();
  void look_at_log();
  void look_at_stores();

  const Engine& engine_;
  const Clock& clock_;
  Console& console_;
  OutageNotice notice_;
  std::map<std::string, std::int64_t, std::less<>> stores_next_ns_;  // by database: tell again then
  std::int64_t growth_told_ns_ = std::numeric_limits<std::int64_t>::min();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;  // last: it uses what is above
};

}  // namespace mayfly::cli
