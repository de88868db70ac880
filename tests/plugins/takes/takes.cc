// A sink whose thread takes rows, some at the second attempt. For tests.
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kFailing };
enum Counter : std::uint32_t { kTaken, kFailed, kSeen };
enum Reason : std::uint16_t { kNotTaken };
enum Port : std::uint16_t { kFailedPort };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("failing", "0", {"0", "100"}, "First attempts of so many rows of 100 fail."),
};
constexpr mayfly_named kPorts[] = {{"failed", "Rows whose attempt failed."}};
constexpr mayfly_named kCounters[] = {
    {"taken", "Rows taken."},
    {"failed", "Attempts that failed."},
    {"seen", "Rows that the pipeline had accepted when the last was taken."},
};
constexpr mayfly_named kReasons[] = {{"not_taken", "the sink didn't take it"}};

struct Takes : sdk::Sink {
  ~Takes() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      changed.notify_all();
    }
    if (thread.joinable()) thread.join();
  }

  void configure(const sdk::Options& options) {
    failing = static_cast<std::uint64_t>(options.integer(kFailing));
  }

  void open() {
    thread = std::thread([this, waker = host.waker()] { run(waker); });
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) return take(slice);
    slice.hold_all(++requests);
    const std::lock_guard lock(mutex);
    waiting.push_back(requests);
    changed.notify_all();
  }

  void take(const sdk::Slice& slice) {
    for (const std::uint16_t row : slice.rows()) {
      const mayfly_batch& batch = slice.batch();
      if (batch.attempt[row] == 0 && batch.ordinal[row] % 100 < failing) {
        slice.fail(row, kFailedPort, kNotTaken);
        host.count(kFailed);
      } else {
        slice.consume(row);
        host.count(kTaken);
      }
    }
    mayfly_metric first{};
    if (host.metrics({&first, 1}) > 1 && first.value > seen) {
      host.count(kSeen, first.value - seen);
      seen = first.value;
    }
  }

  void on_wake(std::int64_t) {
    std::vector<std::uint64_t> ready;
    {
      const std::lock_guard lock(mutex);
      ready.swap(done);
    }
    for (const std::uint64_t request : ready) host.resume(request);
  }

  void run(sdk::Waker waker) {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (stopping) return;
      done.insert(done.end(), waiting.begin(), waiting.end());
      waiting.clear();
      waker.wake();
    }
  }

  std::uint64_t failing = 0;
  std::uint64_t requests = 0;
  std::uint64_t seen = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::uint64_t> waiting;
  std::vector<std::uint64_t> done;
  bool stopping = false;
  std::thread thread;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::sink<Takes>({
    .name = "takes",
    .version = "0.1.0",
    .summary = "Takes rows by a thread of its own.",
    .flags = MAYFLY_HOLDS | MAYFLY_FAILS_ATTEMPTS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
