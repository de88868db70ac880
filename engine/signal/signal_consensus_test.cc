#include "mayfly/signal/signal_consensus.h"

#include <doctest/doctest.h>

#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// C103. Aims at votes that come while a thread waits, from three threads at once.
TEST_CASE("consensus: a quorum of three different operations is reached by their votes") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalConsensus consensus(sink, "vote.*", 3);
  ConsensusResult result;
  std::latch start(4);
  {
    std::jthread waiter([&] {
      start.arrive_and_wait();
      result = consensus.wait_until(kNever);
    });
    std::vector<std::jthread> voters;
    for (OperationId operation = 1; operation <= 3; ++operation) {
      voters.emplace_back([&, operation] {
        start.arrive_and_wait();
        sink.raise("vote.yes", operation);
      });
    }
  }
  CHECK(result.reached);
  CHECK(result.count == 3);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("consensus: an operation counts once, none doesn't, and others' signals don't") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalConsensus consensus(sink, "vote.*", 2);
  sink.raise("vote.yes", 1);
  sink.raise("vote.no", 1);
  sink.raise("vote.yes");
  sink.raise("other", 2);
  CHECK(consensus.count() == 1);
  CHECK_FALSE(consensus.reached());
  sink.raise("vote.yes", 2);
  CHECK(consensus.reached());
  sink.raise("vote.yes", 3);
  CHECK(consensus.count() == 2);
}

TEST_CASE("consensus: at the deadline the wait ends without a quorum") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalConsensus consensus(sink, "vote.*", 2);
  sink.raise("vote.yes", 1);
  ConsensusResult result;
  {
    std::jthread waiter([&] { result = consensus.wait_until(2 * kSecond); });
    clock.advance(kSecond);
  }
  CHECK(result.timed_out);
  CHECK_FALSE(result.reached);
  CHECK(result.count == 1);
}

TEST_CASE("consensus: a quorum that is reached wins over a deadline that has passed") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalConsensus consensus(sink, "vote.*", 1);
  sink.raise("vote.yes", 1);
  const ConsensusResult result = consensus.wait_until(0);
  CHECK(result.reached);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("consensus: what is present already counts from the given time on") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("vote.yes", 1);
  clock.advance(1);
  sink.raise("vote.yes", 2);
  CHECK(SignalConsensus(sink, "vote.*", 5).count() == 0);
  CHECK(SignalConsensus(sink, "vote.*", 5, clock.now_ns()).count() == 1);
  CHECK(SignalConsensus(sink, "other,vote.*", 5, kAlways).count() == 2);
}

TEST_CASE("consensus: a quorum of none and a missing pattern are refused") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK_THROWS_AS(SignalConsensus(sink, "vote.*", 0), std::invalid_argument);
  CHECK_THROWS_AS(SignalConsensus(sink, " ", 1), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
