#include "mayfly/patterns/signal_log_watcher.h"

#include <stdexcept>
#include <utility>

namespace mayfly {
namespace {

// What the watcher is made of comes after this.
const Clock& checked(const SignalSink& sink, const LogWatcherOptions& options, bool has_callback) {
  const auto expect = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("log watcher: expected ") + what);
  };
  expect(options.pattern.find_first_not_of(" \t,") != std::string::npos, "a pattern");
  expect(options.max_queued > 0, "a queue of 1 or more");
  expect(has_callback, "a callback");
  return sink.clock();
}

}  // namespace

SignalLogWatcher::SignalLogWatcher(SignalSink& sink, std::function<void(const Signal&)> on_match,
                                   const LogWatcherOptions& options)
    : own_sink_(checked(sink, options, static_cast<bool>(on_match)), {.capacity = 1}),
      calls_({.max_concurrency = 1,
              .queue_capacity = options.max_queued,
              .signals = &own_sink_,
              .clock = &sink.clock()},
             [&sink, pattern = options.pattern, call = std::move(on_match)](const Signal& signal) {
               try {
                 call(signal);
               } catch (...) {
                 sink.raise("watcher.error:" + pattern);
                 throw;
               }
             }),
      subscription_(sink.subscribe(options.pattern, [this](const SignalEvent& event) {
        std::string name(event.name());
        if (name.starts_with("watcher.error")) return;
        static_cast<void>(calls_.enqueue_dropping_oldest(
            {.name = std::move(name), .at_ns = event.at_ns(), .operation = event.operation()}));
      })) {}

}  // namespace mayfly
