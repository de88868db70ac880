// Flight: one run of a factory, and whoever waits for its value. Flights: who waits for whom.
//
// PROTOCOL   A flight is created and joined under its shard's lock, so a key has one that can be
//            joined at most. The thread that created it, its owner, runs the factory without any
//            lock, takes the flight out of its shard and finishes it: the outcome is written under
//            the flight's mutex, then done is stored (release). FlightWaits holds an edge
//            "thread waits for flight" for every waiter; an edge that would close a circle of
//            threads that wait for each other's factories is refused, since nobody in it could go
//            on. The last thread to come sees all other edges, for they are added under one mutex.
// OWNERSHIP  Shared by the owner and the waiters.
// THREADS    Any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"

namespace mayfly {

// What doesn't depend on the value's type.
class FlightBase {
 public:
  explicit FlightBase(std::uint64_t key_hash) : hash(key_hash), owner(std::this_thread::get_id()) {}
  FlightBase(const FlightBase&) = delete;
  FlightBase& operator=(const FlightBase&) = delete;

  // The acquire's partner is the release in Flight::finish.
  bool done() const { return done_.load(std::memory_order_acquire); }
  // False when the clock reached deadline_ns first.
  bool wait_done(const Clock& clock, std::int64_t deadline_ns);

  const std::uint64_t hash;
  const std::thread::id owner;
  bool stale =
      false;  // invalidated: not to be joined, not to be stored; guarded by the shard's lock

 protected:
  std::atomic<bool> done_{false};
  std::mutex mutex_;
  std::condition_variable finished_;
};

template <class K, class Value>
class Flight : public FlightBase {
 public:
  // `key` is the owner's, and lives as long as the flight is in its shard.
  Flight(std::uint64_t key_hash, const K& key) : FlightBase(key_hash), key_(&key) {}

  // Only under the lock of the shard that the flight is in.
  const K& key() const { return *key_; }
  // The owner's, once.
  void finish(const Result<Value>& outcome) {
    {
      const std::lock_guard lock(mutex_);
      outcome_ = outcome;
      done_.store(true, std::memory_order_release);  // partner: done()
    }
    finished_.notify_all();
  }
  // After done().
  const Result<Value>& outcome() const { return *outcome_; }

 private:
  const K* key_;
  std::optional<Result<Value>> outcome_;
};

// Who waits for whose factory, so that a circle is seen before it closes.
class FlightWaits {
 public:
  // This thread is going to wait for the flight. False when its owner waits, over any number of
  // threads, for this one: then it must not.
  bool enter(const FlightBase& flight);
  // This thread waits no more.
  void leave();
  // Threads that wait now.
  std::size_t size() const;

 private:
  struct Wait {
    std::thread::id waiter;
    const FlightBase* flight;
  };
  const FlightBase* waits_for(std::thread::id thread) const;

  mutable std::mutex mutex_;
  std::vector<Wait> waits_;
};

}  // namespace mayfly
