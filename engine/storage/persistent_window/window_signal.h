// WindowSignal: a signal with its key, as a persistent window gives it out and takes it.
//
// OWNERSHIP  A value. THREADS  One at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// Equal to the Signal of the window's sink but for the key, which a sink knows nothing of.
struct WindowSignal : Signal {
  std::optional<std::string> key;
  std::int64_t id = 0;  // of its row, if it was restored from one; it then has no sequence

  WindowSignal() = default;
  explicit WindowSignal(Signal signal) : Signal(std::move(signal)) {}
  explicit WindowSignal(std::string_view name_given, std::optional<std::string> key_given = {},
                        OperationId operation_given = 0, std::int64_t at_ns_given = 0)
      : Signal{std::string(name_given), at_ns_given, 0, operation_given},
        key(std::move(key_given)) {}
  // Of what a listener was told, perhaps by another sink of the same clock.
  static WindowSignal of(const SignalEvent& event, std::optional<std::string> key_given = {}) {
    return WindowSignal(event.name(), std::move(key_given), event.operation(), event.at_ns());
  }
};

}  // namespace mayfly
