// SignalRecords: what signals are in OpenTelemetry's terms. The arithmetic of the C++ API
// (mayfly/patterns/telemetry.h) and of the plugin `telemetry`.
//
// LOGS     Every signal is a log record at INFO, with the attributes event.name ("mayfly.signal"),
//          signal, operation, key (what stands behind the colon) and depth. error... and ....error
//          are exceptions, at ERROR; warn... and ....failed are at WARN, perf... at DEBUG.
// METRICS  perf... is counted besides. With a number behind the colon ("perf.query:12ms") there is
//          a histogram too, STEM.value.
// SPANS    X.start, .starting, .started or .begin opens the span X; X.done, .completed, .finished,
//          .end or .ended closes it well, .failed or .error as an error. It is the one of the same
//          operation with the same argument, or the only one that is open. What else an operation
//          raises meanwhile are the span's events, and all records of an operation share a trace.
// MEMORY   Bounded: of more than kSpansMax open spans the oldest are forgotten, each has kEventsMax
//          events at most; metrics beyond kStemsMax names count as "perf.other".
// THREADS  One at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/otlp/records.h"

namespace mayfly::otlp {

// A signal as it was raised. Borrows its name.
struct SeenSignal {
  std::string_view name;  // "stem" or "stem:argument"
  std::int64_t unix_ns = 0;
  std::uint64_t operation = 0;  // 0: none
  std::uint32_t depth = 0;      // 1: nothing caused it; 0: unknown
};

class SignalRecords {
 public:
  static constexpr std::size_t kSpansMax = 1024;
  static constexpr std::size_t kEventsMax = 32;
  static constexpr std::size_t kStemsMax = 1000;

  // The seed makes ids. since_unix_ns: since when metrics are counted.
  SignalRecords(std::uint64_t seed, std::int64_t since_unix_ns);

  // One signal. `span`: the one that it ended.
  struct Made {
    LogRecord log;
    std::optional<Span> span;
  };
  Made take(const SeenSignal& signal);

  // What was counted until now; none while there was no signal of that kind.
  std::vector<Metric> metrics(std::int64_t now_unix_ns) const;

  // The trace that all records of an operation belong to; of 0, a new one.
  TraceId trace_of(std::uint64_t operation);
  SpanId new_span_id();

  std::size_t open_spans() const { return open_.size(); }

 private:
  struct OpenSpan {
    Span span;
    std::string argument;
    std::uint64_t operation = 0;
  };
  struct Measured {
    std::uint64_t count = 0;
    std::string unit;
    HistogramPoint values;
  };

  void begin_span(const SeenSignal& signal, std::string_view name, std::string_view argument);
  std::optional<Span> end_span(const SeenSignal& signal, std::string_view name,
                               std::string_view argument, bool failed);
  OpenSpan* newest_of(std::uint64_t operation);
  void measure(std::string_view stem, std::string_view argument);

  Rng rng_;
  const std::uint64_t trace_high_;
  const std::int64_t since_unix_ns_;
  std::deque<OpenSpan> open_;  // oldest first
  std::map<std::string, Measured, std::less<>> measured_;
};

}  // namespace mayfly::otlp
