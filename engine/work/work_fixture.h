// What tests of the coordinators and of for_each share: bodies that wait until they are let go,
// waiting for something to become true, coroutines, and what refusals say. The tests' own namespace
// knows all of it by its short name.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mayfly::testing {

// Bodies enter and wait; the test waits until so many are inside, and opens.
class Gate {
 public:
  void enter() {
    std::unique_lock lock(mutex_);
    ++entered_;
    most_inside_ = std::max(most_inside_, ++inside_);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || passes_ > 0; });
    if (!open_) --passes_;
    --inside_;
    changed_.notify_all();
  }
  void wait_for_entered(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= count; });
  }
  void wait_for_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == count; });
  }
  void let_pass(int count) {
    const std::lock_guard lock(mutex_);
    passes_ += count;
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int entered() const {
    const std::lock_guard lock(mutex_);
    return entered_;
  }
  int most_inside() const {
    const std::lock_guard lock(mutex_);
    return most_inside_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int entered_ = 0;
  int inside_ = 0;
  int most_inside_ = 0;
  int passes_ = 0;
  bool open_ = false;
};

// A list that several threads append to.
template <class Value>
class Seen {
 public:
  void add(Value value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }
  std::vector<Value> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }
  std::vector<Value> sorted() const {
    std::vector<Value> values = all();
    std::ranges::sort(values);
    return values;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Value> values_;
};

// For what another thread is about to do, and tells nobody.
template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

// Waits until a coordinator has done all that it was given.
template <class Work>
void finish(Work& work) {
  work.complete();
  REQUIRE(work.drain().ok());
}

// What a call that is refused says; nothing, if it isn't.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

// A coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

}  // namespace mayfly::testing

namespace mayfly {

using testing::Detached;
using testing::finish;
using testing::Gate;
using testing::refusal;
using testing::Seen;
using testing::until;

}  // namespace mayfly
