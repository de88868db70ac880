// WorkCore::Worker: one thread of a coordinator, and the operation that it is carrying out.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

#include "mayfly/work/work_core.h"

namespace mayfly {

class WorkCore::Worker final : public OperationHost {
 public:
  explicit Worker(WorkCore& core) : core_(core) {}

  // OperationHost: the body's thread, and those it starts.
  void raise(OperationId operation, std::string_view name) override;
  std::size_t retract(OperationId operation, std::string_view name) override;
  std::size_t retract_matching(OperationId operation, std::string_view glob) override;
  bool stop_requested() const override { return stop_.load(std::memory_order_acquire); }
  std::stop_token stop_token() override;

  // Under the scheduler's lock.
  void begin(OperationSlot slot, std::int64_t now_ns);
  bool running() const { return slot != kNoOperationSlot; }
  // Whether the caller is the first to say how the body ended: it returned, or it is abandoned.
  // The thread, and, under the lock, the watch.
  bool decide() { return !decided_.exchange(true, std::memory_order_acq_rel); }
  // Tells the body to stop; the source, if it has one, is to be told without the lock.
  void request_stop(std::list<std::stop_source>& sources);

  // The text of the operation's key; until the next begin().
  std::string_view key() const { return {key_.data(), key_size_}; }

  OperationSlot slot = kNoOperationSlot;
  OperationId id = 0;
  std::int64_t enqueued_ns = 0;
  std::int64_t started_ns = 0;
  bool exhausted = false;  // it runs although a signal defers it
  bool ended = false;      // its thread is at its end
  std::thread thread;
  Afterwards after;

  std::atomic<bool> abandoned{false};
  std::atomic<bool> raised{false};

 private:
  template <class Use>
  auto use_signals(Use use) -> decltype(use());

  WorkCore& core_;
  std::array<char, kKeyTextBytes> key_;
  std::size_t key_size_ = 0;
  std::atomic<bool> decided_{false};
  std::atomic<bool> stop_{false};
  std::mutex stop_mutex_;
  // One if the body has asked for it, and it hasn't been told yet. Guarded by stop_mutex_.
  std::list<std::stop_source> stop_source_;
};

}  // namespace mayfly
