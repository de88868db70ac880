// ProgressBar: how far the input was read, by bytes, with rate and time left, on the console's
// status line. Nothing is drawn where that isn't seen.
//
// TIME  Passed in, monotonic nanoseconds. Redrawn ten times a second at most. THREADS  One at a
// time.
#pragma once

#include <cstdint>
#include <string>

#include "mayfly/runtime/engine.h"
#include "tools/mayfly/console.h"

namespace mayfly::cli {

struct Progress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: unknown (a pipe)
  std::uint64_t rows = 0;         // answered by this run, rejected ones too
  std::uint64_t rejected = 0;     // of these
  bool waiting = false;           // for a database that another process has
};

// Of all sources together: bytes as they are in the files, compressed or not. One that has ended is
// done, also when it wasn't read to its end.
Progress progress_of(const EngineStats& stats);

class ProgressBar {
 public:
  ProgressBar(Console& console, std::int64_t now_ns);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(std::int64_t now_ns, const Progress& progress);
  // Takes the line away.
  void finish();

 private:
  std::string line(const Progress& progress, unsigned width) const;

  Console& console_;
  bool visible_;
  bool first_ = true;
  std::int64_t drawn_ns_;
  std::uint64_t bytes_before_ = 0;
  std::uint64_t rows_before_ = 0;
  // What the newest intervals say, each weighing less the longer ago it was.
  class Average {
   public:
    void add(double rate, double old) {
      sum_ = old * sum_ + (1 - old) * rate;
      weight_ = old * weight_ + (1 - old);
    }
    double value() const { return weight_ > 0 ? sum_ / weight_ : 0; }

   private:
    double sum_ = 0;
    double weight_ = 0;
  };
  Average bytes_per_second_;
  Average rows_per_second_;
};

}  // namespace mayfly::cli
