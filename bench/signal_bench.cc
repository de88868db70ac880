// Raising a signal, and asking for signals by a pattern, against what one writes first: a mutex
// around a deque of events with a string each, asked by fnmatch(3). Both get the time from their
// caller (or both read the clock), keep the newest kWindow, drop what is too old, can retract a
// name, and know each event's operation.
#include <benchmark/benchmark.h>
#include <fnmatch.h>

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bench/allocation_count.h"
#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly::bench {
namespace {

constexpr std::size_t kWindow = 1'000;
constexpr std::int64_t kMaxAgeNs = 60 * kSecond;
constexpr std::size_t kQueried = 10'000;
constexpr int kStems = 100;

class MutexDeque {
 public:
  explicit MutexDeque(std::size_t capacity) : capacity_(capacity) {}
  void raise(std::int64_t now_ns, std::string name, OperationId operation = 0) {
    const std::lock_guard lock(mutex_);
    events_.push_back({std::move(name), now_ns, operation});
    if (events_.size() > capacity_) events_.pop_front();
    while (events_.front().at_ns < now_ns - kMaxAgeNs) events_.pop_front();
  }
  std::size_t retract(std::string_view name) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(events_, [&](const Event& event) { return event.name == name; });
  }
  std::size_t count(const char* pattern) {
    const std::lock_guard lock(mutex_);
    std::size_t matches = 0;
    for (const Event& event : events_) matches += fnmatch(pattern, event.name.c_str(), 0) == 0;
    return matches;
  }

 private:
  struct Event {
    std::string name;
    std::int64_t at_ns;
    OperationId operation;
  };
  std::size_t capacity_;
  std::mutex mutex_;
  std::deque<Event> events_;
};

// One of each, shared by the threads of a run: the first to come makes them, since a thread may
// begin to measure before another has been set up; they are taken away after all have ended.
class Raise : public benchmark::Fixture {
 public:
  void SetUp(const benchmark::State&) override {
    const std::lock_guard lock(set_up_);
    if (sink_) return;
    sink_ = std::make_unique<SignalSink>(
        clock_, SignalSinkOptions{.capacity = kWindow, .max_age_ns = kMaxAgeNs});
    stem_ = sink_->intern("order.accepted.by.writer");
    deque_ = std::make_unique<MutexDeque>(kWindow);
  }
  void TearDown(const benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    sink_.reset();
    deque_.reset();
  }

 protected:
  template <class Body>
  void measure(benchmark::State& state, Body body) {
    body();  // the thread's shard
    const AllocationReport allocations;
    for (auto _ : state) body();
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) {
      allocations.report(state, static_cast<double>(state.iterations() * state.threads()));
    }
  }

  ManualClock clock_;
  SystemClock system_clock_;
  std::mutex set_up_;
  std::unique_ptr<SignalSink> sink_;
  std::unique_ptr<MutexDeque> deque_;
  StemId stem_;
};

BENCHMARK_DEFINE_F(Raise, BM_MutexDeque)(benchmark::State& state) {
  MutexDeque& deque = *deque_;
  measure(state, [&deque] { deque.raise(kSecond, "order.accepted.by.writer"); });
}
BENCHMARK_DEFINE_F(Raise, BM_MutexDequeComposed)(benchmark::State& state) {
  std::int64_t rows = 1'000;
  measure(state, [&] {
    benchmark::DoNotOptimize(rows);
    deque_->raise(kSecond, "order.accepted.by.writer:" + std::to_string(rows) +
                               "rows:" + std::to_string(rows / 80) + "ms");
  });
}
BENCHMARK_DEFINE_F(Raise, BM_Interned)(benchmark::State& state) {
  SignalSink& sink = *sink_;
  measure(state, [&sink, stem = stem_] { sink.raise_at(kSecond, stem); });
}
BENCHMARK_DEFINE_F(Raise, BM_InternedText)(benchmark::State& state) {
  measure(state, [&] { sink_->raise_at(kSecond, stem_, "customer-4711"); });
}
BENCHMARK_DEFINE_F(Raise, BM_InternedIntegers)(benchmark::State& state) {
  measure(state, [&] { sink_->raise_at(kSecond, stem_, 1'000, "rows", 12, "ms"); });
}
BENCHMARK_DEFINE_F(Raise, BM_Name)(benchmark::State& state) {
  measure(state, [&] { sink_->raise("order.accepted.by.writer"); });
}
BENCHMARK_DEFINE_F(Raise, BM_MutexDequeSystemClock)(benchmark::State& state) {
  measure(state, [&] { deque_->raise(system_clock_.now_ns(), "order.accepted.by.writer"); });
}
BENCHMARK_DEFINE_F(Raise, BM_InternedSystemClock)(benchmark::State& state) {
  measure(state, [&] { sink_->raise_at(system_clock_.now_ns(), stem_); });
}

// Subscriptions are made once for the threads of a run, like what they listen to. The listener
// counts in a place of its own for each thread.
class RaiseHeard : public Raise {
 public:
  void TearDown(const benchmark::State& state) override {
    if (state.thread_index() == 0) subscriptions_.clear();
    Raise::TearDown(state);
  }

 protected:
  void subscribe(int matching, int others) {
    const std::lock_guard lock(set_up_);
    if (!subscriptions_.empty()) return;
    for (int i = 0; i < others; ++i) {
      subscriptions_.push_back(
          sink_->subscribe("other." + std::to_string(i) + ".*", [](const SignalEvent&) {}));
    }
    for (int i = 0; i < matching; ++i) {
      subscriptions_.push_back(sink_->subscribe(
          "order.*", [this](const SignalEvent& event) { heard_[event.operation()].count += 1; }));
    }
  }
  void raise_heard(benchmark::State& state, int matching, int others) {
    subscribe(matching, others);
    const auto thread = static_cast<OperationId>(state.thread_index());
    measure(state, [&] { sink_->raise_at(system_clock_.now_ns(), stem_, {}, thread); });
  }

 private:
  struct alignas(64) Count {
    std::uint64_t count = 0;
  };
  std::array<Count, 8> heard_{};
  std::vector<SignalSubscription> subscriptions_;
};

BENCHMARK_DEFINE_F(RaiseHeard, BM_Nobody)(benchmark::State& state) { raise_heard(state, 0, 0); }
BENCHMARK_DEFINE_F(RaiseHeard, BM_FiftyOthers)(benchmark::State& state) {
  raise_heard(state, 0, 50);
}
BENCHMARK_DEFINE_F(RaiseHeard, BM_OneAndFiftyOthers)(benchmark::State& state) {
  raise_heard(state, 1, 50);
}
BENCHMARK_DEFINE_F(RaiseHeard, BM_OneAndFiftyOthersNoClock)(benchmark::State& state) {
  subscribe(1, 50);
  const auto thread = static_cast<OperationId>(state.thread_index());
  measure(state, [&] { sink_->raise_at(kSecond, stem_, {}, thread); });
}
BENCHMARK_DEFINE_F(RaiseHeard, BM_Ten)(benchmark::State& state) { raise_heard(state, 10, 0); }

BENCHMARK_REGISTER_F(Raise, BM_MutexDeque)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_MutexDequeComposed)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_Interned)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_InternedText)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_InternedIntegers)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_Name)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_MutexDequeSystemClock)->Threads(1)->UseRealTime();
BENCHMARK_REGISTER_F(Raise, BM_InternedSystemClock)->Threads(1)->UseRealTime();
BENCHMARK_REGISTER_F(RaiseHeard, BM_Nobody)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(RaiseHeard, BM_FiftyOthers)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(RaiseHeard, BM_OneAndFiftyOthers)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_REGISTER_F(RaiseHeard, BM_OneAndFiftyOthersNoClock)->Threads(1)->UseRealTime();
BENCHMARK_REGISTER_F(RaiseHeard, BM_Ten)->Threads(1)->UseRealTime();

// kStems stems; with arguments, every second record has one.
std::vector<std::string> queried_names(bool arguments) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kQueried; ++i) {
    const std::size_t stem = i % kStems;
    std::string name = (stem % 10 == 0 ? "error.stage" : "stage.done") + std::to_string(stem);
    if (arguments && i / kStems % 2 == 0) name += ":item-" + std::to_string(i);
    names.push_back(std::move(name));
  }
  return names;
}

struct Query {
  const char* pattern;
  bool arguments;
};
// The last one can't be decided by the stem: arguments are looked at.
const Query kQueries[] = {{"error.*", false}, {"*.stage*", false}, {"stage.*", true}, {"*7", true}};

void BM_GlobFnmatch(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  MutexDeque deque(kQueried);
  for (std::string& name : queried_names(query.arguments)) deque.raise(kSecond, std::move(name));
  std::size_t matches = 0;
  for (auto _ : state) benchmark::DoNotOptimize(matches = deque.count(query.pattern));
  state.SetLabel(query.pattern);
  state.counters["matches"] = static_cast<double>(matches);
}
BENCHMARK(BM_GlobFnmatch)->ArgName("query")->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

void BM_GlobSink(benchmark::State& state) {
  const Query query = kQueries[state.range(0)];
  ManualClock clock;
  SignalSink sink(clock, {.capacity = kQueried});
  for (const std::string& name : queried_names(query.arguments)) sink.raise(name);
  std::size_t matches = 0;
  for (auto _ : state) benchmark::DoNotOptimize(matches = sink.count(query.pattern));
  state.SetLabel(query.pattern);
  state.counters["matches"] = static_cast<double>(matches);
}
BENCHMARK(BM_GlobSink)->ArgName("query")->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

void BM_DetectSink(benchmark::State& state) {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = kWindow});
  const StemId stem = sink.intern("order.accepted");
  sink.intern("backpressure.downstream");
  for (std::size_t i = 0; i < kWindow; ++i) sink.raise(stem, "customer-4711");
  for (auto _ : state) benchmark::DoNotOptimize(sink.detect("backpressure.downstream"));
}
BENCHMARK(BM_DetectSink);

}  // namespace
}  // namespace mayfly::bench
