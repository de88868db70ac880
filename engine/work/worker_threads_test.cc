// The threads of coordinators: that they leave when there is nothing to do, and what happens when
// the system has none to give.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/work/work_coordinator.h"
#include "mayfly/work/work_fixture.h"

namespace {

// Threads that may still be started; -1: any number.
std::atomic<int> threads_left{-1};

}  // namespace

// Stands before the system's: std::thread calls this one.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) {
  int left = threads_left.load();
  while (left > 0 && !threads_left.compare_exchange_weak(left, left - 1)) {
  }
  if (left == 0) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return create(thread, attributes, body, argument);
}

namespace mayfly {
namespace {

struct ThreadsLeft {
  explicit ThreadsLeft(int count) { threads_left = count; }
  ~ThreadsLeft() { threads_left = -1; }
};

TEST_CASE("threads: workers leave after ten idle seconds, and come back when there is work") {
  ManualClock clock;
  Gate gate;
  WorkCoordinator<int> work({.max_concurrency = 3, .clock = &clock}, [&](int) { gate.enter(); });
  CHECK(work.counts().threads == 0);
  for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
  gate.wait_for_inside(3);
  CHECK(work.counts().threads == 3);
  gate.open();
  CHECK(work.wait_until_idle().ok());
  clock.advance(9 * kSecond);
  CHECK(work.counts().threads == 3);
  until([&] {
    clock.advance(kSecond);
    return work.counts().threads == 0;
  });
  CHECK(work.enqueue(4).ok());
  finish(work);
  CHECK(work.counts().succeeded == 4);
}

// Aims at an item that comes between an idle worker's last look and its leaving.
TEST_CASE("threads: nothing is left behind when items come while idle workers leave") {
  ManualClock clock;
  WorkCoordinator<int> work({.max_concurrency = 2, .clock = &clock}, [](int) {});
  std::atomic<bool> stop{false};
  std::jthread mover([&] {
    while (!stop) clock.advance(11 * kSecond);
  });
  for (int i = 0; i < 300; ++i) CHECK(work.wait(*work.enqueue(i)).ok());
  stop = true;
}

TEST_CASE("threads: with fewer threads than the limit all is done all the same") {
  const ThreadsLeft one(1);
  WorkCoordinator<int> work({.max_concurrency = 4}, [](int) {});
  for (int i = 0; i < 100; ++i) CHECK(work.enqueue(i).ok());
  finish(work);
  CHECK(work.counts().succeeded == 100);
  CHECK(work.counts().threads == 1);
}

TEST_CASE("threads: what came while there was no thread to be had runs once there is") {
  ManualClock clock;
  WorkCoordinator<int> work({.max_concurrency = 2, .clock = &clock}, [](int) {});
  OperationId id = 0;
  {
    const ThreadsLeft none(0);
    id = *work.enqueue(1);
    CHECK(work.enqueue(2).ok());
    CHECK(work.counts().threads == 0);
    CHECK(work.pending_count() == 2);
  }
  // No further item comes: it is the waiting that tries again.
  std::jthread mover([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) clock.advance(kMillisecond);
  });
  CHECK(work.wait(id).ok());
  finish(work);
  CHECK(work.counts().succeeded == 2);
}

TEST_CASE("threads: without any thread a coordinator can be cancelled and destroyed") {
  const ThreadsLeft none(0);
  std::atomic<bool> ran{false};
  {
    WorkCoordinator<int> work({.max_concurrency = 2}, [&](int) { ran = true; });
    for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
    CHECK(work.pending_count() == 3);
  }
  CHECK_FALSE(ran);
}

}  // namespace
}  // namespace mayfly
