#include "mayfly/patterns/batcher.h"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>

#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using namespace std::chrono_literals;
using Batch = std::vector<int>;

// What was handed over.
struct Taken {
  Seen<Batch> batches;
  Status operator()(std::span<int> batch) {
    batches.add(Batch(batch.begin(), batch.end()));
    return {};
  }
};

TEST_CASE("batcher: hands over when a batch is full, and the rest when its time is over (P13)") {
  ManualClock clock;
  Taken taken;
  Batcher<int> batcher(std::ref(taken), {.batch_size = 3, .timeout = 50ms, .clock = &clock});
  for (const int i : {1, 2, 3, 4}) REQUIRE(batcher.add(i).ok());
  until([&] { return taken.batches.all().size() == 1; });
  CHECK(taken.batches.all() == std::vector<Batch>{{1, 2, 3}});
  clock.advance(50 * kMillisecond);
  until([&] { return taken.batches.all().size() == 2; });
  CHECK(taken.batches.all().back() == Batch{4});
  CHECK(batcher.stats().batches == 2);
}

TEST_CASE("batcher: the time runs from a batch's first item") {
  ManualClock clock;
  Taken taken;
  Batcher<int> batcher(std::ref(taken), {.batch_size = 10, .timeout = 50ms, .clock = &clock});
  clock.advance(49 * kMillisecond);
  REQUIRE(batcher.add(1).ok());
  clock.advance(49 * kMillisecond);
  CHECK(taken.batches.all().empty());
  clock.advance(1 * kMillisecond);
  until([&] { return taken.batches.all().size() == 1; });
}

TEST_CASE("batcher: a batch that is refused is tried again in its place, then kept, never lost") {
  std::atomic<bool> works{false};
  Taken taken;
  const auto body = [&](std::span<int> batch) -> Status {
    if (!works.load()) throw std::runtime_error("the disk is gone");
    return taken(batch);
  };
  Batcher<int> batcher(
      body, {.batch_size = 2, .capacity = 4, .retry = {.max_retries = 1, .initial_delay_ns = 0}});
  for (const int i : {1, 2, 3, 4}) REQUIRE(batcher.add(i).ok());
  batcher.flush();
  CHECK(batcher.last_error() == "the disk is gone");
  CHECK(batcher.stats().failed_attempts == 4);
  CHECK(batcher.stats().failed == 4);
  // Nothing more is taken until somebody cares for them.
  CHECK(batcher.try_add(5).code() == Code::kTryAgain);
  CHECK(batcher.take_failed() == Batch{1, 2, 3, 4});
  works.store(true);
  REQUIRE(batcher.try_add(5).ok());
  batcher.flush();
  CHECK(taken.batches.all() == std::vector<Batch>{{5}});
}

TEST_CASE("batcher: add waits while its bound is reached, and order is kept over all batches") {
  Gate gate;
  Taken taken;
  Batcher<int> batcher(
      [&](std::span<int> batch) {
        gate.enter();
        return taken(batch);
      },
      {.batch_size = 4, .timeout = 1ns, .capacity = 8});
  std::atomic<int> added{0};
  std::jthread adder([&] {
    for (int i = 0; i < 100; ++i) {
      REQUIRE(batcher.add(i).ok());
      added.store(i + 1);
    }
  });
  gate.wait_for_inside(1);
  until([&] { return added.load() == 8; });
  CHECK(batcher.try_add(0).code() == Code::kTryAgain);
  gate.open();
  adder.join();
  batcher.flush();
  std::vector<int> all;
  for (const Batch& batch : taken.batches.all()) {
    CHECK(batch.size() <= 4);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  std::vector<int> wanted(100);
  std::iota(wanted.begin(), wanted.end(), 0);
  CHECK(all == wanted);
  CHECK(gate.most_inside() == 1);
}

TEST_CASE("batcher: stop hands over the rest, and takes no more") {
  Taken taken;
  Batcher<int> batcher(std::ref(taken), {.batch_size = 100, .timeout = 1h});
  for (int i = 0; i < 7; ++i) REQUIRE(batcher.add(i).ok());
  batcher.stop();
  batcher.stop();
  CHECK(taken.batches.all() == std::vector<Batch>{{0, 1, 2, 3, 4, 5, 6}});
  CHECK(batcher.add(8).code() == Code::kUsage);
}

TEST_CASE("batcher: options out of range are refused") {
  const auto with = [](BatcherOptions options) {
    return refusal([&] { Batcher<int>([](std::span<int>) {}, options); });
  };
  CHECK(with({.batch_size = 0}) == "batcher: expected a batch size of 1 or more, found 0");
  CHECK(with({.timeout = 0ns}) == "batcher: expected a timeout above 0");
  CHECK(with({.batch_size = 10, .capacity = 9}) ==
        "batcher: expected a capacity of a batch or more");
}

}  // namespace
}  // namespace mayfly
