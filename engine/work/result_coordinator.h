// ResultCoordinator: a WorkCoordinator whose body makes a value of each item.
//
//   ResultCoordinator<Request, Response> fetch({.max_concurrency = 4}, body);
//   const auto id = fetch.enqueue(request);
//   const auto answer = fetch.wait_for_result(*id);   // answer->has_result(), answer->result()
//
// The body returns the value, or a Result of it; a failed Result and what it throws fail the
// operation. Results stay with their operation while it is in the window, and beyond that can be
// asked for by id until results_max newer ones came, which is counted.
//
// OWNERSHIP  A result is shared and immutable: whoever has it keeps it.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mayfly/work/body.h"
#include "mayfly/work/coordinator.h"

namespace mayfly {

// An operation at one moment, with its result if it has one.
template <class Out>
class ResultSnapshot : public OperationSnapshot {
 public:
  ResultSnapshot() = default;
  ResultSnapshot(OperationSnapshot snapshot, std::shared_ptr<const Out> result)
      : OperationSnapshot(std::move(snapshot)), result_(std::move(result)) {}

  bool has_result() const { return result_ != nullptr; }
  // When it has one.
  const Out& result() const { return *result_; }
  const std::shared_ptr<const Out>& shared_result() const { return result_; }

 private:
  std::shared_ptr<const Out> result_;
};

// The ends of operations by id, the newest results_max of them. Any thread; a lock of its own.
template <class Out>
class ResultStore {
 public:
  explicit ResultStore(std::size_t size_max) : size_max_(size_max) {}

  void put(OperationId id, std::shared_ptr<const Out> result) {
    std::shared_ptr<const Out> dropped;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    results_.emplace(id, std::move(result));
    order_.push_back(id);
    if (order_.size() <= size_max_) return;
    if (const auto oldest = results_.find(order_.front()); oldest != results_.end()) {
      dropped = std::move(oldest->second);
      results_.erase(oldest);
      ++dropped_;
    }
    order_.pop_front();
  }
  std::shared_ptr<const Out> find(OperationId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = results_.find(id);
    return found == results_.end() ? nullptr : found->second;
  }
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const std::size_t size_max_;
  mutable std::mutex mutex_;
  std::unordered_map<OperationId, std::shared_ptr<const Out>> results_;  // guarded by mutex_
  std::deque<OperationId> order_;                                        // guarded by mutex_
  std::uint64_t dropped_ = 0;                                            // guarded by mutex_
};

// Runs bodies that answer with a result.
template <class In, class Out, class Body>
class ResultHandler final : public ItemHandler {
 public:
  ResultHandler(Body body, std::shared_ptr<ResultStore<Out>> store)
      : body_(std::move(body)), store_(std::move(store)) {}

  Status run(void* item, Operation& operation) override {
    return status_of([&]() -> Status {
      auto made = call_body(body_, *static_cast<In*>(item), operation);
      if constexpr (std::same_as<decltype(made), Result<Out>>) {
        if (!made.ok()) return made.status();
        store_->put(operation.id(), std::make_shared<const Out>(std::move(made).value()));
      } else {
        store_->put(operation.id(), std::make_shared<const Out>(std::move(made)));
      }
      return {};
    });
  }
  void destroy(void* item) override { std::destroy_at(static_cast<In*>(item)); }

 private:
  Body body_;
  const std::shared_ptr<ResultStore<Out>> store_;
};

template <class Out>
class ResultAwaiter;

template <class In, class Out>
class ResultCoordinator : public Coordinator {
 public:
  // results_max: results kept for asking by id; at least max_tracked_operations.
  template <BodyOf<In> Body>
  ResultCoordinator(WorkOptions options, Body body, std::size_t results_max = 10'000)
      : ResultCoordinator(std::make_shared<ResultStore<Out>>(
                              std::max(results_max, static_cast<std::size_t>(std::max(
                                                        options.max_tracked_operations, 1)))),
                          std::move(options), std::move(body)) {}

  // Waits for room. The id is what wait_for_result takes. kUsage: completed.
  Result<OperationId> enqueue(In item) { return enqueue_until(kNever, item); }
  // kTryAgain: no room now.
  Result<OperationId> try_enqueue(In item) { return enqueue_until(0, item); }
  // Waits for room. How many were taken: fewer than all when the coordinator was completed
  // meanwhile.
  template <std::ranges::random_access_range Items>
  std::size_t enqueue_many(Items&& items) {
    auto first = std::ranges::begin(items);
    const auto count = static_cast<std::size_t>(std::ranges::distance(items));
    return core()
        .enqueue_many(count, kNever,
                      [&](std::size_t i, void* place, OperationRecord&) {
                        ::new (place) In(std::move(first[static_cast<std::ptrdiff_t>(i)]));
                      })
        .first;
  }

  // Blocks until the operation has ended; then has_result(), or else error says why not. kUsage:
  // unknown, or both the operation and its result are gone. Not from a body.
  Result<ResultSnapshot<Out>> wait_for_result(OperationId id) { return with_result(id, wait(id)); }
  // co_await coordinator.result(id).
  ResultAwaiter<Out> result(OperationId id) { return {done(id), id, store_}; }
  // The value, if there is one by now.
  std::shared_ptr<const Out> try_result(OperationId id) const { return store_->find(id); }

  // Of operations in the window: all with their results; those that succeeded; their values.
  std::vector<ResultSnapshot<Out>> results_snapshot() const {
    std::vector<ResultSnapshot<Out>> found;
    for (OperationSnapshot& one : snapshot()) {
      auto value = one.state == OperationState::kSucceeded ? store_->find(one.id) : nullptr;
      found.emplace_back(std::move(one), std::move(value));
    }
    return found;
  }
  std::vector<ResultSnapshot<Out>> successful() const {
    auto found = results_snapshot();
    std::erase_if(found, [](const auto& one) { return !one.has_result(); });
    return found;
  }
  std::vector<Out> results() const {
    std::vector<Out> values;
    for (const auto& one : successful()) values.push_back(one.result());
    return values;
  }
  // Results that newer ones pushed out before results_max let them be asked for.
  std::uint64_t results_dropped() const { return store_->dropped(); }

 private:
  template <class Body>
  ResultCoordinator(std::shared_ptr<ResultStore<Out>> store, WorkOptions options, Body body)
      : Coordinator(make(store, std::move(options), std::move(body))), store_(std::move(store)) {}

  template <class Body>
  static std::shared_ptr<WorkCore> make(const std::shared_ptr<ResultStore<Out>>& store,
                                        WorkOptions options, Body body) {
    require_callable(body, "a body");
    auto core = std::make_shared<WorkCore>(
        std::move(options), std::make_unique<ResultHandler<In, Out, Body>>(std::move(body), store),
        sizeof(In), alignof(In), std::vector<PriorityLane>());
    core->start(std::make_unique<ArrivalOrder>(core->intake()));
    return core;
  }

  Result<OperationId> enqueue_until(std::int64_t deadline_ns, In& item) {
    return core().enqueue(
        deadline_ns, 0, [&](void* place, OperationRecord&) { ::new (place) In(std::move(item)); });
  }

  Result<ResultSnapshot<Out>> with_result(OperationId id, Result<OperationSnapshot> ended) const {
    return join_result(id, std::move(ended), *store_);
  }

  const std::shared_ptr<ResultStore<Out>> store_;
};

// An end with its value; the value alone makes an end of an operation that has left the window.
template <class Out>
Result<ResultSnapshot<Out>> join_result(OperationId id, Result<OperationSnapshot> ended,
                                        const ResultStore<Out>& store) {
  std::shared_ptr<const Out> value = store.find(id);
  if (ended.ok()) {
    if (ended->state != OperationState::kSucceeded) value = nullptr;
    return ResultSnapshot<Out>(std::move(*ended), std::move(value));
  }
  if (value == nullptr) return ended.status();
  OperationSnapshot gone;
  gone.id = id;
  gone.state = OperationState::kSucceeded;
  return ResultSnapshot<Out>(std::move(gone), std::move(value));
}

// What co_await on a result uses.
template <class Out>
class ResultAwaiter {
 public:
  ResultAwaiter(OperationAwaiter done, OperationId id, std::shared_ptr<ResultStore<Out>> store)
      : done_(std::move(done)), id_(id), store_(std::move(store)) {}

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) { return done_.await_suspend(handle); }
  Result<ResultSnapshot<Out>> await_resume() {
    return join_result(id_, done_.await_resume(), *store_);
  }

 private:
  OperationAwaiter done_;
  const OperationId id_;
  std::shared_ptr<ResultStore<Out>> store_;
};

}  // namespace mayfly
