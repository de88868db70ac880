// Signals that survive the process: error monitoring, tracked events, a shutdown that loses
// nothing. The argument is the path of a database that may be made.
#include <csignal>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

constexpr std::int64_t kMinute = 60 * mayfly::kSecond;
constexpr std::int64_t kHour = 60 * kMinute;

std::unique_ptr<mayfly::PersistentSignalWindow> open(
    std::string_view database, const mayfly::PersistentWindowOptions& options) {
  auto window = mayfly::PersistentSignalWindow::open(database, options);
  shown(window.ok(), "a window on a database");
  return std::move(*window);
}

void quick_start(std::string_view database, const mayfly::Clock& clock) {
  auto window = open(database, {.flush_interval_ns = 30 * mayfly::kSecond, .clock = &clock});
  // On startup: restore previous signals.
  shown(window->load_from_disk({.max_age_ns = 24 * kHour}).ok(), "what was before");
  // Raise signals as normal.
  window->raise("order.completed", "order-service");
  window->raise("payment.processed", "payment-service");
  // Query signals.
  const auto recent_orders = window->sense("order.*");
  shown(recent_orders.size() == 1, "what was raised is there at once");
  shown(recent_orders[0].key == "order-service", "with its key");
  // Flushed every 30 seconds, and now, by the destructor.
}

void process_request() { throw std::runtime_error("the other side is away"); }

void error_monitoring(std::string_view database, const mayfly::Clock& clock) {
  auto window =
      open(database,
           {.flush_interval_ns = 10 * mayfly::kSecond, .max_window_size = 50'000, .clock = &clock});
  shown(*window->load_from_disk({.max_age_ns = 24 * kHour}) == 2, "the last 24 hours");
  shown(window->detect("payment.processed"), "also what another run raised");
  try {
    process_request();
  } catch (const std::runtime_error&) {
    window->raise("error:runtime_error", "host-1");
  }
  // Dashboard query.
  const std::int64_t since_ns = clock.now_ns() - 5 * kMinute;
  const auto last_five_minutes = window->sense([since_ns](const mayfly::WindowSignal& signal) {
    return signal.starts_with("error:") && signal.at_ns > since_ns;
  });
  shown(last_five_minutes.size() == 1, "errors of the last 5 minutes");
}

// Whoever has a sink to raise into doesn't need to know of the window.
void event_tracking(std::string_view database, const mayfly::Clock& clock) {
  auto window = open(database, {.window_max_age_ns = kHour, .clock = &clock});
  mayfly::SignalSink& sink = window->sink();
  window->raise("user.login", "user-17");
  sink.raise("user.seen", 4711);
  shown(window->sense("user.*").size() == 2, "both are in the window");
  shown(window->flush().ok(), "and on disk once flush() returns");
  shown(window->stats().pending == 0, "nothing is left to be written");
}

volatile std::sig_atomic_t stop_requested = 0;

void graceful_shutdown(std::string_view database, const mayfly::Clock& clock) {
  auto window = open(database, {.clock = &clock});
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  for (int i = 0; stop_requested == 0; ++i) {
    window->raise("work.done:" + std::to_string(i));
    if (i == 2'499) std::raise(SIGINT);  // as Ctrl-C does
  }
  // The destructor would do the same; here its result is looked at.
  shown(window->close().ok(), "everything is flushed");
  shown(window->stats().total_flushed == 2'500, "however much it is");
}

}  // namespace

int main(int argc, char** argv) {
  static const mayfly::SystemClock clock;
  const std::string_view database = argc > 1 ? argv[1] : "signals.db";
  quick_start(database, clock);
  error_monitoring(database, clock);
  event_tracking(database, clock);
  graceful_shutdown(database, clock);
}
