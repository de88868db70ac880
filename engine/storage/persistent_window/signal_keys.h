// SignalKeys: the keys of a window's newest signals, kept beside the sink, which has no room for
// them.
//
// A key belongs to the signal of its time, operation and name. Of several that have all three in
// common the newest get the newest keys: exact for what one thread raises, and for several threads
// as good as their order within a nanosecond.
//
// PROTOCOL   Each thread keeps its own in the part that its key names, under the part's mutex, as
//            in capture_buffer.h. Within a part they are in the order of their times.
// MEMORY     A part keeps the max_signals newest, and none that is older than max_age_ns.
// THREADS    Any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/storage/persistent_window/window_signal.h"

namespace mayfly {

class SignalKeys {
 public:
  SignalKeys(std::size_t max_signals, std::int64_t max_age_ns)
      : max_signals_(max_signals), max_age_ns_(max_age_ns) {}
  SignalKeys(const SignalKeys&) = delete;
  SignalKeys& operator=(const SignalKeys&) = delete;

  // Of every signal, also of one without a key: it is to have none of its likes'. Throws
  // std::bad_alloc.
  void keep(std::string_view name, OperationId operation, std::int64_t at_ns,
            const std::optional<std::string_view>& key);
  // Gives those of `signals`, which are in the order of their times, their keys.
  void attach(std::vector<WindowSignal>& signals) const;

 private:
  struct Kept {
    std::int64_t at_ns;
    OperationId operation;
    std::string name;
    std::optional<std::string> key;
  };
  struct alignas(64) Part {
    mutable std::mutex mutex;
    std::deque<Kept> kept;
    // Of `kept`. Relaxed: it is the thread's own, and only spares it the mutex.
    std::atomic<std::int64_t> newest_ns{INT64_MIN};
  };

  static void attach_part(const std::deque<Kept>& kept, std::vector<WindowSignal>& signals);

  const std::size_t max_signals_;
  const std::int64_t max_age_ns_;
  std::array<Part, 64> parts_;
};

}  // namespace mayfly
