#include "mayfly/otlp/exporter.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "mayfly/base/thread_name.h"
#include "mayfly/otlp/answer.h"
#include "mayfly/otlp/json.h"

namespace mayfly::otlp {
namespace {

constexpr std::size_t kShownBytes = 200;  // of an answer's body

ExporterOptions checked(ExporterOptions options, bool has_transport) {
  const auto expect = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("telemetry exporter: expected ") + what);
  };
  expect(has_transport, "a transport");
  expect(options.batch_max > 0, "batches of 1 record or more");
  expect(options.queue_max >= options.batch_max, "a queue that holds a batch or more");
  expect(options.linger_ns >= 0, "a linger of 0 or more");
  expect(options.timeout_ns > 0, "a timeout above 0");
  expect(options.retry_after_max_ns >= 0, "a longest Retry-After of 0 or more");
  expect(options.concurrency > 0, "1 request at once or more");
  expect(options.collect_interval_ns > 0, "an interval above 0");
  return options;
}

std::size_t index_of(Kind kind) { return static_cast<std::size_t>(kind); }

std::string shown(const Reply& reply) {
  if (reply.status == 0) return reply.message;
  std::string text = "HTTP " + std::to_string(reply.status);
  if (!reply.body.empty()) text += ": " + reply.body.substr(0, kShownBytes);
  return text;
}

std::string word_of(const Reply& reply) {
  return reply.status == 0 ? reply.word : std::to_string(reply.status);
}

}  // namespace

Exporter::Exporter(const Clock& clock, std::shared_ptr<Transport> transport,
                   ExporterOptions options)
    : clock_(clock),
      transport_(std::move(transport)),
      options_(checked(std::move(options), transport_ != nullptr)),
      retry_(options_.retry),
      rng_(options_.seed) {
  if (options_.collect) {
    collect_due_ns_ = deadline_after(clock_.now_ns(), options_.collect_interval_ns);
  }
  under_way_.reserve(static_cast<std::size_t>(options_.concurrency));
  try {
    for (int i = 0; i < options_.concurrency; ++i) threads_.emplace_back([this] { run(); });
  } catch (...) {
    // Those that were made end before what they use.
    close(clock_.now_ns());
    throw;
  }
}

Exporter::~Exporter() { close(clock_.now_ns()); }

bool Exporter::offer(LogRecord record) noexcept { return add(Kind::kLogs, std::move(record)); }
bool Exporter::offer(Span span) noexcept { return add(Kind::kTraces, std::move(span)); }
bool Exporter::offer(Metric metric) noexcept { return add(Kind::kMetrics, std::move(metric)); }

template <class Record>
bool Exporter::add(Kind kind, Record&& record) noexcept {
  const std::lock_guard lock(mutex_);
  ExportCounts& counts = counts_[index_of(kind)];
  if (closing_ || waiting_ >= options_.queue_max) {
    ++counts.dropped;
    return false;
  }
  Batch& batch = open_[index_of(kind)];
  try {
    using List = std::vector<std::decay_t<Record>>;
    if (batch.size == 0) {
      batch = {next_number_++, kind, clock_.now_ns(), 0, List()};
      wake_.notify_one();  // to look when it is due
    }
    std::get<List>(batch.records).push_back(std::forward<Record>(record));
    if (++batch.size >= options_.batch_max) {
      seal(kind);
      wake_.notify_one();
    }
  } catch (const std::bad_alloc&) {
    // Either the record isn't there, or its full batch couldn't be put in line and stays open.
    if (std::get<std::vector<std::decay_t<Record>>>(batch.records).size() < options_.batch_max) {
      ++counts.dropped;
      return false;
    }
  }
  ++waiting_;
  ++counts.accepted;
  ++counts.queued;
  return true;
}

void Exporter::seal(Kind kind) {
  Batch& batch = open_[index_of(kind)];
  if (batch.size == 0) return;
  ready_.push_back(std::move(batch));
  batch = Batch();
}

void Exporter::hurry() noexcept {
  try {
    for (std::size_t i = 0; i < kKinds; ++i) seal(static_cast<Kind>(i));
  } catch (const std::bad_alloc&) {
    // They go when they are due.
  }
  wake_.notify_all();
}

void Exporter::seal_due(std::int64_t now_ns) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (open_[i].size > 0 && now_ns - open_[i].begun_ns >= options_.linger_ns) {
      seal(static_cast<Kind>(i));
    }
  }
}

std::int64_t Exporter::next_due_ns() const {
  std::int64_t due = collect_due_ns_;
  for (const Batch& batch : open_) {
    if (batch.size > 0) due = std::min(due, deadline_after(batch.begun_ns, options_.linger_ns));
  }
  return due;
}

void Exporter::run() {
  name_this_thread("mayfly-otlp");
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested()) {
    const std::int64_t now = clock_.now_ns();
    if (now >= collect_due_ns_) {
      collect_due_ns_ = deadline_after(now, options_.collect_interval_ns);
      lock.unlock();
      collect_on_time();
      lock.lock();
      continue;
    }
    try {
      seal_due(now);
    } catch (const std::bad_alloc&) {
      // Looked at again when somebody offers something, or is waited for.
    }
    if (ready_.empty()) {
      clock_.wait_until(lock, wake_, next_due_ns());
      continue;
    }
    const Batch batch = std::move(ready_.front());
    ready_.pop_front();
    waiting_ -= batch.size;
    under_way_.push_back(batch.number);
    lock.unlock();
    send(batch);
    try {
      if (options_.on_progress) options_.on_progress();
    } catch (...) {
      // As said.
    }
    lock.lock();
    std::erase(under_way_, batch.number);
    done_.notify_all();
  }
}

void Exporter::collect_on_time() {
  const std::lock_guard collecting(collect_mutex_);
  {
    // close() has done it meanwhile.
    const std::lock_guard lock(mutex_);
    if (closing_) return;
  }
  collect();
}

// With collect_mutex_ held.
void Exporter::collect() {
  try {
    for (Metric& metric : options_.collect()) offer(std::move(metric));
  } catch (...) {
    // Of the caller's, or no memory: none this time.
  }
}

std::string Exporter::encode(const Batch& batch) const {
  switch (batch.kind) {
    case Kind::kLogs:
      return logs_request(options_.resource, options_.scope,
                          std::get<std::vector<LogRecord>>(batch.records));
    case Kind::kTraces:
      return traces_request(options_.resource, options_.scope,
                            std::get<std::vector<Span>>(batch.records));
    case Kind::kMetrics:
      break;
  }
  return metrics_request(options_.resource, options_.scope,
                         std::get<std::vector<Metric>>(batch.records));
}

bool Exporter::pause_until(std::int64_t due_ns, bool again) {
  std::unique_lock lock(mutex_);
  due_ns = std::max(due_ns, not_before_ns_);
  while (!stop_.stop_requested()) {
    if (closing_ && again && !options_.retries_at_end) return false;
    if (clock_.now_ns() >= due_ns) return true;
    if (closing_ && due_ns >= close_by_ns_) return false;
    clock_.wait_until(lock, pause_, due_ns);
    due_ns = std::max(due_ns, not_before_ns_);
  }
  return false;
}

Reply Exporter::post(const Batch& batch, const std::string& body, bool again) {
  {
    const std::lock_guard lock(mutex_);
    ExportCounts& counts = counts_[index_of(batch.kind)];
    ++counts.requests;
    counts.retries += again ? 1 : 0;
  }
  try {
    return transport_->post({batch.kind, body, options_.timeout_ns}, stop_.get_token());
  } catch (const std::exception& e) {
    return {.word = "failed", .message = e.what()};
  } catch (...) {
    return {.word = "failed", .message = "the transport threw"};
  }
}

void Exporter::send(const Batch& batch) {
  try {
    const std::string body = encode(batch);
    const std::int64_t began = clock_.now_ns();
    std::int64_t due = began;
    std::string last = "nothing was sent";
    for (std::uint32_t retry = 0;; ++retry) {
      if (!pause_until(due, retry > 0)) {
        return fail(batch, "closed", "closed while it waited; " + last);
      }
      const Reply reply = post(batch, body, retry > 0);
      if (reply.status >= 200 && reply.status < 300) {
        const PartialSuccess partial = partial_success(reply.body);
        const std::size_t rejected = std::min<std::uint64_t>(partial.rejected, batch.size);
        end(batch, batch.size - rejected, rejected);
        if (rejected > 0) tell({batch.kind, rejected, "rejected", partial.message});
        return;
      }
      last = shown(reply);
      if (stop_.stop_requested()) return fail(batch, "closed", "closed while it was sent");
      if (!(reply.status == 0 ? reply.may_pass_later : is_retryable(reply.status))) {
        return fail(batch, word_of(reply), last);
      }
      const std::int64_t now = clock_.now_ns();
      std::unique_lock lock(mutex_);
      const auto delay = retry_.next_delay_ns(retry, now - began, rng_);
      if (reply.retry_after_ns) {
        const std::int64_t asked =
            std::clamp<std::int64_t>(*reply.retry_after_ns, 0, options_.retry_after_max_ns);
        not_before_ns_ = std::max(not_before_ns_, deadline_after(now, asked));
      }
      if (!delay) {
        lock.unlock();
        return fail(batch, word_of(reply),
                    last + "; tried " + std::to_string(retry + 1) + " times");
      }
      due = deadline_after(now, *delay);
    }
  } catch (const std::bad_alloc&) {
    end(batch, 0, 0);
  }
}

// All else of it has failed.
void Exporter::end(const Batch& batch, std::size_t sent, std::size_t rejected) {
  const std::lock_guard lock(mutex_);
  ExportCounts& counts = counts_[index_of(batch.kind)];
  counts.sent += sent;
  counts.rejected += rejected;
  counts.failed += batch.size - sent - rejected;
  counts.queued -= batch.size;
}

void Exporter::fail(const Batch& batch, std::string word, std::string message) {
  end(batch, 0, 0);
  if (word == "closed") {
    const std::lock_guard lock(mutex_);
    cut_short_ = true;
  }
  tell({batch.kind, batch.size, std::move(word), std::move(message)});
}

void Exporter::tell(const ExportFailure& failure) const noexcept {
  if (!options_.on_failure) return;
  try {
    options_.on_failure(failure);
  } catch (...) {
    // As said.
  }
}

bool Exporter::all_done_up_to(std::uint64_t number) const {
  const auto waits = [&](const Batch& batch) { return batch.size > 0 && batch.number <= number; };
  return std::none_of(under_way_.begin(), under_way_.end(),
                      [&](std::uint64_t other) { return other <= number; }) &&
         std::none_of(ready_.begin(), ready_.end(), waits) &&
         std::none_of(open_.begin(), open_.end(), waits);
}

void Exporter::send_now() noexcept {
  const std::lock_guard lock(mutex_);
  hurry();
}

bool Exporter::flush(std::int64_t deadline_ns) {
  std::unique_lock lock(mutex_);
  const std::uint64_t newest = next_number_ - 1;
  hurry();
  while (!all_done_up_to(newest)) {
    if (clock_.now_ns() >= deadline_ns) return false;
    clock_.wait_until(lock, done_, deadline_ns);
  }
  return true;
}

bool Exporter::close(std::int64_t deadline_ns) {
  const std::lock_guard one(close_mutex_);
  if (threads_.empty()) return !cut_short_;
  {
    const std::lock_guard collecting(collect_mutex_);
    // What was counted since the last interval.
    if (options_.collect && clock_.now_ns() < deadline_ns) collect();
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  {
    std::unique_lock lock(mutex_);
    close_by_ns_ = deadline_ns;
    collect_due_ns_ = kNever;
    hurry();
    pause_.notify_all();
    while (!all_done_up_to(next_number_) && clock_.now_ns() < deadline_ns) {
      clock_.wait_until(lock, done_, deadline_ns);
    }
  }
  // Without the lock, since a transport may do anything when it hears of it.
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
    pause_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();

  for (const Batch& batch : ready_) fail(batch, "closed", "closed before it was sent");
  for (const Batch& batch : open_) {
    if (batch.size > 0) fail(batch, "closed", "closed before it was sent");
  }
  const std::lock_guard lock(mutex_);
  ready_.clear();
  open_ = {};
  waiting_ = 0;
  done_.notify_all();
  return !cut_short_;
}

ExportCounts Exporter::counts(Kind kind) const {
  const std::lock_guard lock(mutex_);
  return counts_[index_of(kind)];
}

ExportCounts Exporter::counts() const {
  const std::lock_guard lock(mutex_);
  ExportCounts all;
  for (const ExportCounts& one : counts_) {
    all.accepted += one.accepted;
    all.dropped += one.dropped;
    all.sent += one.sent;
    all.rejected += one.rejected;
    all.failed += one.failed;
    all.queued += one.queued;
    all.requests += one.requests;
    all.retries += one.retries;
  }
  return all;
}

bool Exporter::idle() const { return counts().queued == 0; }

}  // namespace mayfly::otlp
