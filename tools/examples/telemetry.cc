// An application's signals and operations as an OpenTelemetry collector gets them.
//
// With the URL of a collector for an argument ("http://localhost:4318") they are sent there;
// otherwise they are kept, and shown.
#include "mayfly/patterns/telemetry.h"

#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "mayfly/mayfly.h"
#include "mayfly/otlp/memory_transport.h"
#include "tools/examples/example_check.h"

using example::shown;
using mayfly::otlp::Kind;

namespace {

struct Order {
  std::string customer;
  int number = 0;
};

// Raises, as it goes on, what is worth to be known.
void handle(Order& order, mayfly::Operation& operation) {
  const std::string number = std::to_string(order.number);
  operation.raise("order.start:" + number);
  operation.raise("perf.lookup:" + std::to_string(3 + order.number % 4) + "ms");
  if (order.number == 5) {
    operation.raise("error.payment:card refused");
    operation.raise("order.failed:" + number);
    throw std::runtime_error("card refused");
  }
  operation.raise("order.done:" + number);
}

// Orders of a few customers; every signal and every operation is sent.
void run(mayfly::TelemetrySignalHandler& telemetry, mayfly::SignalSink& sink) {
  const mayfly::SignalSubscription watch = telemetry.watch(sink);
  mayfly::WorkCoordinator<Order> orders(
      {.max_concurrency = 2, .signals = &sink, .on_finalized = telemetry.operation_spans()},
      handle);
  for (int i = 1; i <= 8; ++i) {
    if (!orders.enqueue({i % 2 == 0 ? "alice" : "bob", i}).ok()) shown(false, "an order is taken");
  }
  orders.complete();
  shown(orders.drain().ok(), "eight orders, of which one failed");
  telemetry.on_operations(orders.snapshot());
}

// The value that the JSON begins with, a member a line, as far as max_lines.
void print_indented(std::string_view json, int max_lines) {
  std::string line;
  int depth = 0;
  bool quoted = false;
  const auto end_line = [&] {
    if (line.empty() || max_lines-- <= 0) return;
    std::printf("    %s\n", line.c_str());
  };
  const auto begin_line = [&] { line.assign(static_cast<std::size_t>(2 * depth), ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"' && (i == 0 || json[i - 1] != '\\')) quoted = !quoted;
    if (!quoted && (c == '}' || c == ']')) {
      end_line();
      --depth;
      begin_line();
    }
    line += c;
    if (depth == 0 && i > 0) break;
    if (!quoted && (c == '{' || c == '[' || c == ',')) {
      end_line();
      if (c != ',') ++depth;
      begin_line();
    }
  }
  end_line();
  if (max_lines < 0) std::printf("    ...\n");
}

std::size_t times(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void print(const mayfly::otlp::MemoryTransport& kept) {
  for (const auto& request : kept.requests()) {
    std::printf("  POST %-12s %6zu bytes\n", std::string(path_of(request.kind)).c_str(),
                request.body.size());
  }
  std::string logs;
  std::string spans;
  std::string metrics;
  for (const std::string& body : kept.bodies(Kind::kLogs)) logs += body;
  for (const std::string& body : kept.bodies(Kind::kTraces)) spans += body;
  for (const std::string& body : kept.bodies(Kind::kMetrics)) metrics += body;
  shown(times(logs, "\"timeUnixNano\"") == 25, "each signal is a log record");
  shown(times(logs, "\"ERROR\"") == 1, "the error is one at ERROR, with its message:");
  print_indented(logs.substr(logs.rfind('{', logs.find("\"exception.message\"") - 1)), 5);
  shown(times(spans, "\"name\":\"order\"") == 8, "from order.start to order.done is a span");
  shown(times(spans, "\"name\":\"operation\"") == 8, "and so is each operation:");
  print_indented(spans.substr(spans.rfind('{', spans.find("\"name\":\"operation\""))), 12);
  shown(times(metrics, "\"perf.lookup.value\"") == 1,
        "perf.lookup's milliseconds are a histogram:");
  print_indented(metrics.substr(metrics.rfind('{', metrics.find("\"perf.lookup.value\""))), 18);
}

}  // namespace

int main(int argc, char** argv) {
  const mayfly::SystemClock clock;
  mayfly::SignalSink sink(clock);
  if (argc > 1 && std::string_view(argv[1]).starts_with("http")) {
    mayfly::TelemetrySignalHandler telemetry(clock,
                                             {.endpoint = argv[1], .service_name = "example"});
    run(telemetry, sink);
    shown(telemetry.close() && telemetry.failed() == 0, "the collector took all of it");
    return 0;
  }
  const auto kept = std::make_shared<mayfly::otlp::MemoryTransport>();
  {
    mayfly::TelemetrySignalHandler telemetry(clock, {.service_name = "example", .transport = kept});
    run(telemetry, sink);
    shown(telemetry.close() && telemetry.dropped() == 0, "all of it was sent");
  }
  print(*kept);
}
