// Exporter: sends telemetry to a collector, in batches, from threads of its own. Whoever has a
// record offers it and goes on: a full queue drops it and counts it, nothing waits.
//
//   Exporter exporter(clock, std::make_shared<HttpTransport>(...), {.resource = {...}});
//   exporter.offer(LogRecord{...});              // false: dropped
//   exporter.close(clock.now_ns() + 5 * kSecond);  // sends what waits
//
// BATCHES   A batch goes when it is full, or linger_ns after its first record.
// RETRIES   What OTLP calls retryable (429, 502, 503, 504), and what failed on the way, is sent
// again
//           as the retry policy says, and not before the answer's Retry-After, which holds for all
//           requests. Any other answer is final: the batch is given up.
// COUNTS    accepted = sent + rejected + failed + queued, at any moment, in records.
// THREADS   Any may call anything; callbacks must not call close() or destroy it.
// MEMORY    queue_max records, and batch_max for each request under way. Offering allocates as
//           vectors do; without memory the record is dropped.
// UNITS     Nanoseconds of the clock that was passed in, which is borrowed.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/otlp/records.h"
#include "mayfly/otlp/transport.h"
#include "mayfly/policy/retry_policy.h"

namespace mayfly::otlp {

// What was not sent, for good.
struct ExportFailure {
  Kind kind = Kind::kLogs;
  std::size_t records = 0;
  std::string word;     // "400", "timed-out", "rejected", "closed"; for signals
  std::string message;  // for people
};

// The limits of an exporter, and who it sends for.
struct ExporterOptions {
  Resource resource = {};
  Scope scope = {"mayfly", ""};
  std::size_t queue_max = 5000;  // records that wait; at least batch_max
  std::size_t batch_max = 512;   // records of a request
  std::int64_t linger_ns = kSecond;
  std::int64_t timeout_ns = 10 * kSecond;  // of one request
  RetryOptions retry = {
      .max_retries = 5, .initial_delay_ns = kSecond, .multiplier = 2, .max_delay_ns = 30 * kSecond};
  std::int64_t retry_after_max_ns = 300 * kSecond;  // longer ones count as this long
  int concurrency = 1;                              // requests at once, each on a thread
  std::uint64_t seed = 1;                           // of the retries' jitter
  // Called each interval, and by close(), for metrics to send; one call at a time. Empty: there are
  // none.
  std::function<std::vector<Metric>()> collect = {};
  std::int64_t collect_interval_ns = 60 * kSecond;
  // Whether close() sends again what fails while it waits; if not, what has failed once then is
  // given up, so that nobody waits for a collector that isn't there.
  bool retries_at_end = true;
  // Called by the exporter's threads, outside any lock. What they throw is ignored.
  std::function<void(const ExportFailure&)> on_failure = {};
  std::function<void()> on_progress = {};  // a batch has ended; after on_failure
};

// Records of one kind, or of all together.
struct ExportCounts {
  std::uint64_t accepted = 0;
  std::uint64_t dropped = 0;   // the queue was full, or it was closed
  std::uint64_t sent = 0;      // the collector took them
  std::uint64_t rejected = 0;  // it took others of the same request, and not these
  std::uint64_t failed = 0;    // given up: a final answer, no more retries, closed
  std::uint64_t queued = 0;    // waiting, or in a request under way
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;  // of the requests, those that were repeated
};

class Exporter {
 public:
  // std::invalid_argument: a limit of 0 or less, a queue smaller than a batch, no transport, and
  // what RetryPolicy refuses.
  Exporter(const Clock& clock, std::shared_ptr<Transport> transport, ExporterOptions options);
  // As close() with a deadline that has passed.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // False: dropped, and counted.
  bool offer(LogRecord record) noexcept;
  bool offer(Span span) noexcept;
  bool offer(Metric metric) noexcept;

  // What was offered before goes without waiting for batches to fill; doesn't wait for it.
  void send_now() noexcept;
  // As send_now(), and waits: whether all of it was sent or given up by deadline_ns.
  bool flush(std::int64_t deadline_ns);
  // Takes no more, sends what waits until deadline_ns, then cancels the requests under way and
  // joins the threads. What is left by then has failed, with the word "closed". Returns whether
  // there was nothing of that. Idempotent.
  bool close(std::int64_t deadline_ns);

  ExportCounts counts() const;
  ExportCounts counts(Kind kind) const;
  // Whether nothing waits, and no request is under way.
  bool idle() const;

 private:
  using Records = std::variant<std::vector<LogRecord>, std::vector<Span>, std::vector<Metric>>;
  struct Batch {
    std::uint64_t number = 0;  // in the order in which they were begun
    Kind kind = Kind::kLogs;
    std::int64_t begun_ns = 0;
    std::size_t size = 0;
    Records records;
  };

  template <class Record>
  bool add(Kind kind, Record&& record) noexcept;
  void run();
  // With the lock held.
  void seal(Kind kind);
  void hurry() noexcept;
  void seal_due(std::int64_t now_ns);
  std::int64_t next_due_ns() const;
  bool all_done_up_to(std::uint64_t number) const;
  // Without it.
  void collect_on_time();
  void collect();
  void send(const Batch& batch);
  void end(const Batch& batch, std::size_t sent, std::size_t rejected);
  void fail(const Batch& batch, std::string word, std::string message);
  void tell(const ExportFailure& failure) const noexcept;
  std::string encode(const Batch& batch) const;
  // Until due_ns; false: it is being closed before that, or at once.
  bool pause_until(std::int64_t due_ns, bool again);
  Reply post(const Batch& batch, const std::string& body, bool again);

  const Clock& clock_;
  const std::shared_ptr<Transport> transport_;
  const ExporterOptions options_;
  const RetryPolicy retry_;

  std::mutex close_mutex_;    // of close() alone, taken before the other
  std::mutex collect_mutex_;  // while metrics are collected; taken before the next
  mutable std::mutex mutex_;
  std::condition_variable wake_;   // there may be something to send
  std::condition_variable pause_;  // for those that wait to send again
  std::condition_variable done_;   // a batch has ended
  Rng rng_;
  std::array<Batch, kKinds> open_;
  std::deque<Batch> ready_;
  std::vector<std::uint64_t> under_way_;  // numbers
  std::array<ExportCounts, kKinds> counts_;
  std::size_t waiting_ = 0;  // records of open_ and ready_
  std::uint64_t next_number_ = 1;
  std::int64_t collect_due_ns_ = kNever;
  std::int64_t not_before_ns_ = 0;     // of any request, as the collector asked
  std::int64_t close_by_ns_ = kNever;  // once it is being closed
  bool closing_ = false;
  bool cut_short_ = false;  // something failed since it was closed
  std::stop_source stop_;
  std::vector<std::thread> threads_;
};

}  // namespace mayfly::otlp
