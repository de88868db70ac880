// OutageWatch: looks ten times a second whether the writer waits for the database, and has it told.
// Also while the engine closes, where the last transaction may have to wait.
//
// OWNERSHIP  Borrows engine and console. THREADS  Has one of its own, from constructor to
// destructor.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "mayfly/runtime/engine.h"
#include "tools/mayfly/outage_notice.h"

namespace mayfly::cli {

class OutageWatch {
 public:
  OutageWatch(const Engine& engine, const Clock& clock, Console& console, std::int64_t deadline_ns);
  ~OutageWatch();
  OutageWatch(const OutageWatch&) = delete;
  OutageWatch& operator=(const OutageWatch&) = delete;

 private:
  void watch();
  void look();

  const Engine& engine_;
  const Clock& clock_;
  OutageNotice notice_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;  // last: it uses what is above
};

}  // namespace mayfly::cli
