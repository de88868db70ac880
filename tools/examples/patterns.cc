// Atoms and patterns: pools, batches, retries, breakers, backpressure, rates, fan-outs, watchers.
#include <atomic>
#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;
using namespace std::chrono_literals;

namespace {

struct Request {
  std::string customer;
  int number = 0;
};

void atoms() {
  std::atomic<int> done{0};
  mayfly::FixedWork<int> jobs([&](int) { ++done; }, {.max_concurrency = 4});
  for (int i = 0; i < 100; ++i) shown(jobs.enqueue(i).ok(), "a job is taken");
  shown(jobs.drain().ok() && done == 100, "all are done, four at a time");

  mayfly::SignalAware<int> calls([&](int) { ++done; }, {.cancel_on = {"circuit-open"}});
  calls.raise("circuit-open");
  shown(calls.enqueue(1) == calls.kRejected, "nothing is taken while the circuit is open");
  calls.retract("circuit-open");
  shown(calls.enqueue(1) > 0 && calls.drain().ok() && done == 101, "and again when it is closed");
}

void batching() {
  std::atomic<int> batches{0};
  mayfly::Batcher<int> batcher(
      [&](std::span<int>) {
        ++batches;  // e.g. one transaction
      },
      {.batch_size = 100, .timeout = 5s});
  for (int i = 0; i < 250; ++i) shown(batcher.add(i).ok(), "an entry is taken");
  batcher.flush();
  shown(batches == 3, "250 entries in three batches");
}

void retrying() {
  int calls = 0;
  mayfly::RetryWork<Request> requests(
      [&](Request&) {
        if (++calls < 3) throw std::runtime_error("timeout");
      },
      {.retry = {.max_retries = 3, .initial_delay_ns = mayfly::kMillisecond, .multiplier = 2.0}});
  shown(requests.execute({"alice", 1}).ok(), "the third attempt succeeds");
  shown(requests.stats().retries == 2, "two retries");
}

void breaking(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  const mayfly::SignalBasedCircuitBreaker breaker(
      {.failure_signal = "api.failure", .threshold = 5, .window = 30s});
  for (int i = 0; i < 5; ++i) sink.raise("api.failure");
  shown(breaker.is_open(sink), "five failures open it");
  shown(breaker.time_until_close(sink).has_value(), "and it says for how long");

  mayfly::CircuitBreaker api({.threshold = 1}, clock, &sink, "api");
  try {
    api.execute([] { throw std::runtime_error("down"); });
  } catch (const std::runtime_error&) {
  }
  bool refused = false;
  try {
    api.execute([] {});
  } catch (const mayfly::CircuitOpenError& error) {
    refused = error.retry_after().has_value();
  }
  shown(refused, "an open one doesn't call");
}

void backpressure(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  std::atomic<int> ran{0};
  const auto work =
      mayfly::SignalDrivenBackpressure::create<Request>([&](Request&) { ++ran; }, sink);
  sink.raise("backpressure.downstream");
  shown(work->enqueue({"alice", 1}).ok(), "an item is taken");
  shown(ran == 0, "new work waits");
  sink.retract("backpressure.downstream");
  work->complete();
  shown(work->drain().ok() && ran == 1, "and goes on");
}

void fan_outs(const mayfly::Clock& clock) {
  std::atomic<int> sent{0};
  const auto send = [&](Request&) { ++sent; };
  const auto by_customer = [](const Request& request) { return request.customer; };

  mayfly::KeyedSequential<Request, std::string> orders(by_customer, send, {.max_concurrency = 4});
  mayfly::ControlledFanOut<std::string, Request> limited(by_customer, send,
                                                         {.max_global = 4, .per_key = 2});
  mayfly::KeyedPriorityFanOut<std::string, Request> urgent(by_customer, send,
                                                           {.max_concurrency = 4});
  for (int i = 0; i < 10; ++i) {
    shown(orders.enqueue(Request{i % 2 == 0 ? "alice" : "bob", i}).ok(), "an order is taken");
    shown(limited.enqueue(Request{"alice", i}).ok(), "a request is taken");
    shown(urgent.enqueue_priority({"bob", i}), "an urgent one is taken");
  }
  shown(orders.drain().ok() && limited.drain().ok() && urgent.drain().ok(), "drained");
  shown(sent == 30, "each was sent");

  mayfly::SignalSink sink(clock);
  mayfly::DynamicConcurrency<Request> scaled(send, sink, {.min = 1, .max = 16});
  sink.raise("load.high");
  shown(scaled.current_max_concurrency() == 2, "more at once when the load is high");

  mayfly::ReactiveFanOut<Request> pages(send, {.stage1_max = 8, .stage2_max = 4});
  shown(pages.enqueue({"carol", 1}).ok() && pages.drain().ok(), "two stages, drained in order");
}

void rates() {
  int tries = 0;
  mayfly::AdaptiveRate<Request> requests(
      [&](Request&) {
        if (++tries == 1) throw mayfly::RateLimitError("too many requests", 5ms);
      },
      {.rate = 1000, .burst = 10});
  shown(requests.enqueue(Request{"alice", 1}).ok(), "a request is taken");
  shown(requests.drain().ok() && tries == 2, "tried again after the retry-after");
  shown(requests.rate() < 1000, "and slower from now on");
}

void watching(const mayfly::Clock& clock) {
  mayfly::SignalSink sink(clock);
  std::atomic<int> hits{0};
  mayfly::SignalLogWatcher watcher(sink, [&](const mayfly::Signal&) { ++hits; });
  const mayfly::SignalAnomalyDetector errors(sink, {.pattern = "error.*", .threshold = 2});
  for (const char* name : {"info.ready", "error.timeout", "error.disk"}) sink.raise(name);
  shown(watcher.flush().ok() && hits == 2, "called back for each error");
  shown(errors.is_anomalous(), "two errors within the window are too many");
}

void reading_and_updating() {
  mayfly::SignalCoordinatedReads reads({.max_readers = 4});
  int value = 0;
  for (int i = 0; i < 10; ++i) {
    shown(reads.read([&] { static_cast<void>(value); }).ok(), "a read is taken");
  }
  shown(reads.update([&] { value = 1; }).ok(), "updated while nobody reads");
  shown(reads.drain().ok() && reads.reads() == 10, "all have read");
}

}  // namespace

int main() {
  const mayfly::SystemClock clock;
  atoms();
  batching();
  retrying();
  breaking(clock);
  backpressure(clock);
  fan_outs(clock);
  rates();
  watching(clock);
  reading_and_updating();
}
