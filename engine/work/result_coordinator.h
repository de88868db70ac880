// ResultCoordinator: a WorkCoordinator whose body makes a value of each item.
//
//   ResultCoordinator<Request, Response> fetch({.max_concurrency = 4}, body);
//   const auto id = fetch.enqueue(request);
//   const auto answer = fetch.wait_for_result(*id);
//   if (answer.ok() && answer->has_result()) use(answer->result());
//
// The body returns the value, or a Result of it; a failed Result and what it throws fail the
// operation. How operations ended, with their results, can be asked for by id while they are in the
// window, and beyond that until results_max newer ones have ended with a result (without one, if it
// has none), which is counted. One that somebody waits for by then, with wait_for_result(),
// result() or on_done(), is kept until that is over; one that is pinned, until it isn't, when it goes
// if it isn't among the results_max newest. Two are
// found without its result though it succeeded: for whose end, or pin, there was no memory, or
// results_max newer ones have ended while it stayed, since others were evicted or killed.
//
// OWNERSHIP  A result is shared and immutable: whoever has it keeps it. One that is made after the
//            body's time limit is dropped: the operation has failed, and that stays so.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mayfly/work/body.h"
#include "mayfly/work/coordinator.h"
#include "mayfly/work/enqueue.h"

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

// How an operation ended.
template <class Out>
struct OperationEnd {
  OperationState state = OperationState::kSucceeded;
  std::string error;
  std::shared_ptr<const Out> value;  // of one that succeeded
};

// The ends of operations by id: the newest size_max with a result, and as many without, so that
// cancelled ones push out no results; and older ones for as long as they are awaited. What is new
// is said by place(), which the coordinator calls in the order of its window: an end that was put
// and isn't placed yet, since its item is still being destroyed, counts for none. Any thread; a
// lock of its own.
template <class Out>
class ResultStore {
 public:
  explicit ResultStore(std::size_t size_max) : size_max_(size_max) {}

  // Of an operation that has none yet. Without memory the end isn't kept.
  void put(OperationId id, OperationState state, std::string_view error,
           std::shared_ptr<const Out> value) noexcept {
    const std::lock_guard lock(mutex_);
    try {
      Line entry{id};
      Kept kept{OperationEnd<Out>{state, std::string(error), value}, Kept::Place::kNone,
                entry.begin()};
      if (!ends_.emplace(id, std::move(kept)).second) return;
      coming_.splice(coming_.end(), entry);
    } catch (const std::bad_alloc&) {
    }
  }
  // It is the newest. Returns the result that it pushed out, if there was one: its destructor is
  // the user's. drops: false keeps one more than size_max from then on.
  std::shared_ptr<const Out> place(OperationId id, bool drops) noexcept {
    const std::lock_guard lock(mutex_);
    const auto placed = ends_.find(id);
    if (placed == ends_.end() || placed->second.place != Kept::Place::kNone) return nullptr;
    placed->second.place = Kept::Place::kInLine;
    Line& line = placed->second.end.value != nullptr ? with_result_ : without_;
    line.splice(line.end(), coming_, placed->second.entry);
    if (line.size() <= size_max_ || !drops) return nullptr;
    const auto oldest = ends_.find(line.front());
    line.pop_front();
    if (!is_awaited(oldest->first)) return drop(oldest);
    oldest->second.place = Kept::Place::kAwaited;
    return nullptr;
  }
  // Until leave(), as often as this was called, the operation's end stays.
  void await(OperationId id) {
    const std::lock_guard lock(mutex_);
    ++awaited_[id];
  }
  // The same until unpin(); again, it changes nothing. Without memory it isn't.
  void pin(OperationId id) noexcept {
    const std::lock_guard lock(mutex_);
    try {
      pinned_.insert(id);
    } catch (const std::bad_alloc&) {
    }
  }
  // Returns the result that was kept for this alone, if there is one.
  std::shared_ptr<const Out> unpin(OperationId id) noexcept {
    const std::lock_guard lock(mutex_);
    return pinned_.erase(id) == 0 ? nullptr : drop_unless_kept(id);
  }
  // Returns the result that was kept for this alone, if there is one.
  std::shared_ptr<const Out> leave(OperationId id) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = awaited_.find(id);
    if (--found->second > 0) return nullptr;
    awaited_.erase(found);
    return drop_unless_kept(id);
  }
  std::optional<OperationEnd<Out>> find(OperationId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(id);
    if (found == ends_.end()) return std::nullopt;
    return found->second.end;
  }
  std::shared_ptr<const Out> value(OperationId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(id);
    return found == ends_.end() ? nullptr : found->second.end.value;
  }
  // Results that newer ends pushed out.
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  using Line = std::list<OperationId>;
  struct Kept {
    enum class Place : std::uint8_t {
      kNone,     // put, not placed
      kInLine,   // among the newest
      kAwaited,  // only because it is, or pinned
    };
    OperationEnd<Out> end;
    Place place = Place::kNone;
    typename Line::iterator entry;  // of coming_, until it is placed
  };
  using Ends = std::unordered_map<OperationId, Kept>;

  // Under mutex_.
  bool is_awaited(OperationId id) const {
    return (!awaited_.empty() && awaited_.count(id) != 0) ||
           (!pinned_.empty() && pinned_.count(id) != 0);
  }
  std::shared_ptr<const Out> drop_unless_kept(OperationId id) noexcept {
    const auto end = ends_.find(id);
    const bool stays =
        end == ends_.end() || end->second.place != Kept::Place::kAwaited || is_awaited(id);
    return stays ? nullptr : drop(end);
  }
  std::shared_ptr<const Out> drop(typename Ends::iterator place) noexcept {
    std::shared_ptr<const Out> value = std::move(place->second.end.value);
    ends_.erase(place);
    dropped_ += value != nullptr;
    return value;
  }

  const std::size_t size_max_;
  mutable std::mutex mutex_;
  Ends ends_;                                     // guarded by mutex_
  Line coming_;                                   // put, not placed; guarded by mutex_
  Line with_result_;                              // the newest, oldest first; guarded by mutex_
  Line without_;                                  // likewise
  std::unordered_map<OperationId, int> awaited_;  // by how many; guarded by mutex_
  std::unordered_set<OperationId> pinned_;        // guarded by mutex_
  std::uint64_t dropped_ = 0;                     // guarded by mutex_
};

// Somebody awaits the end of an operation, for as long as this lives.
template <class Out>
class AwaitedEnd {
 public:
  AwaitedEnd(std::shared_ptr<ResultStore<Out>> store, OperationId id)
      : store_(std::move(store)), id_(id) {
    store_->await(id_);
  }
  AwaitedEnd(AwaitedEnd&&) noexcept = default;
  AwaitedEnd& operator=(AwaitedEnd&&) = delete;
  ~AwaitedEnd() {
    // A result that leaves is destroyed here, without the lock.
    if (store_ != nullptr) store_->leave(id_);
  }

 private:
  std::shared_ptr<ResultStore<Out>> store_;  // null: moved from
  OperationId id_;
};

// Runs bodies that answer with a result.
template <class In, class Out, class Body>
class ResultHandler final : public ItemHandler {
 public:
  ResultHandler(Body body, std::shared_ptr<ResultStore<Out>> store)
      : body_(std::move(body)), store_(std::move(store)) {}

  Status run(void* item, Operation& operation, std::shared_ptr<const void>& value) override {
    return status_of([&]() -> Status {
      auto made = call_body(body_, *static_cast<In*>(item), operation);
      if constexpr (std::same_as<decltype(made), Result<Out>>) {
        if (!made.ok()) return made.status();
        value = std::make_shared<const Out>(std::move(made).value());
      } else {
        value = std::make_shared<const Out>(std::move(made));
      }
      return {};
    });
  }
  void destroy(void* item) override { std::destroy_at(static_cast<In*>(item)); }

  bool keeps_ends() const override { return true; }
  void ended(OperationId id, OperationState state, std::string_view error,
             std::shared_ptr<const void> value) override {
    store_->put(id, state, error.substr(0, kErrorTextBytes),
                std::static_pointer_cast<const Out>(std::move(value)));
  }
  std::shared_ptr<const void> placed(OperationId id, bool may_push_out) override {
    return store_->place(id, may_push_out);
  }
  std::shared_ptr<const void> pinned(OperationId id, bool is) noexcept override {
    if (!is) return store_->unpin(id);
    store_->pin(id);
    return nullptr;
  }

 private:
  Body body_;
  const std::shared_ptr<ResultStore<Out>> store_;
};

template <class Out>
class ResultAwaiter;

template <class In, class Out>
class ResultCoordinator : public ItemCoordinator<In> {
 public:
  // results_max: results kept for asking by id, and as many ends that have none; at least
  // max_tracked_operations.
  template <BodyOf<In> Body>
  ResultCoordinator(WorkOptions options, Body body, std::size_t results_max = 10'000)
      : ResultCoordinator(std::make_shared<ResultStore<Out>>(
                              std::max(results_max, static_cast<std::size_t>(std::max(
                                                        options.max_tracked_operations, 1)))),
                          std::move(options), std::move(body)) {}

  // Blocks until the operation has ended; then has_result(), or else its state and error say why
  // not: also when it failed, was skipped or cancelled and has left the window. Of the times of one
  // that has left, nothing is known. kUsage: unknown, or results_max others of its kind (with a
  // result, without one) have ended since; or from within, unless it has ended already.
  Result<ResultSnapshot<Out>> wait_for_result(OperationId id) {
    return unless_no_memory([&] {
      const AwaitedEnd<Out> awaited(store_, id);
      return join_result(id, this->wait(id), *store_);
    });
  }
  // As Coordinator's, which it hides; in the callback, try_result(id) still has the result if it
  // was there, or to come, when this was called.
  Status on_done(OperationId id, OperationCallback call) {
    if (!call) return Coordinator::on_done(id, nullptr);
    return unless_no_memory([&] {
      auto awaited = std::make_shared<AwaitedEnd<Out>>(store_, id);
      return Coordinator::on_done(
          id, [awaited, call = std::move(call)](const OperationSnapshot& ended) { call(ended); });
    });
  }
  // co_await coordinator.result(id). Throws std::bad_alloc.
  ResultAwaiter<Out> result(OperationId id) { return {this->done(id), id, store_}; }
  // The value, if there is one by now.
  std::shared_ptr<const Out> try_result(OperationId id) const { return store_->value(id); }

  // Of operations in the window: all with their results; those that succeeded; their values. The
  // results are looked up once the window was looked at: of one that isn't pinned and that newer
  // ends push out of both meanwhile, with a results_max of little more than the window, there is
  // none.
  std::vector<ResultSnapshot<Out>> results_snapshot() const {
    std::vector<ResultSnapshot<Out>> found;
    for (OperationSnapshot& one : this->snapshot()) {
      auto value = one.state == OperationState::kSucceeded ? store_->value(one.id) : nullptr;
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
  // Results that newer ones pushed out.
  std::uint64_t results_dropped() const { return store_->dropped(); }

 private:
  template <class Body>
  ResultCoordinator(std::shared_ptr<ResultStore<Out>> store, WorkOptions options, Body body)
      : ItemCoordinator<In>(make(store, std::move(options), std::move(body))),
        store_(std::move(store)) {}

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

  const std::shared_ptr<ResultStore<Out>> store_;
};

// An end with its value; what was kept alone makes an end of an operation that has left the window.
template <class Out>
Result<ResultSnapshot<Out>> join_result(OperationId id, Result<OperationSnapshot> ended,
                                        const ResultStore<Out>& store) {
  std::optional<OperationEnd<Out>> kept = store.find(id);
  if (ended.ok()) {
    return ResultSnapshot<Out>(std::move(*ended), kept ? std::move(kept->value) : nullptr);
  }
  if (!kept) return ended.status();
  OperationSnapshot gone;
  gone.id = id;
  gone.state = kept->state;
  gone.error = std::move(kept->error);
  return ResultSnapshot<Out>(std::move(gone), std::move(kept->value));
}

// What co_await on a result uses.
template <class Out>
class ResultAwaiter {
 public:
  ResultAwaiter(OperationAwaiter done, OperationId id, std::shared_ptr<ResultStore<Out>> store)
      : done_(std::move(done)), id_(id), store_(std::move(store)), awaited_(store_, id) {}

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) { return done_.await_suspend(handle); }
  Result<ResultSnapshot<Out>> await_resume() {
    return join_result(id_, done_.await_resume(), *store_);
  }

 private:
  OperationAwaiter done_;
  const OperationId id_;
  std::shared_ptr<ResultStore<Out>> store_;
  AwaitedEnd<Out> awaited_;
};

}  // namespace mayfly
