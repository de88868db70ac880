// One engine from open to close, with signals, a progress bar and a log: what ingest and run share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/runtime/engine.h"
#include "tools/mayfly/console.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/signal_watch.h"

namespace mayfly::cli {

// What SIGINT and SIGTERM do: the first drains the engine, or, before there is one, ends the
// program with `before_start`; a second one ends it at once with 128 + its number. Nothing is lost
// by that: what isn't committed wasn't acknowledged.
//
// Make it before any other thread. THREADS  All calls: the main one.
class Interruption {
 public:
  Interruption(Console& console, ExitStatus before_start);

  void attach(Engine& engine);
  // The engine is done, or there won't be one: what the program ends with is known.
  void detach();
  // What is there though there was no row yet, as the end of a sentence: said when a signal ends
  // the program before there is an engine. Empty: nothing.
  void set_left_behind(std::string what);
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  enum class Stage : std::uint8_t { kOpening, kRunning, kOver };

  void on_signal(int signal, int count);

  Console& console_;
  ExitStatus before_start_;
  std::atomic<bool> requested_{false};
  std::mutex mutex_;
  std::condition_variable attached_;
  Stage stage_ = Stage::kOpening;
  Engine* engine_ = nullptr;
  std::string left_behind_;
  SignalWatch watch_;  // last: its thread uses what is above
};

struct RunResult {
  Status status;
  bool started = false;      // the engine opened
  bool interrupted = false;  // by a signal, before the sources ended
  // The database's path names another file than the one that was written, or none.
  bool database_moved = false;
  double seconds = 0;
  EngineStats stats;    // of a started one
  std::string signals;  // "write.done 12, write.start 12": what was raised, most often first
};

RunResult run_engine(const PipelinePlan& plan, EngineOptions options, Interruption& interruption,
                     Console& console);

}  // namespace mayfly::cli
