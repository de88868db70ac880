// Mayfly in a program of your own: several threads hand over rows, one writer commits them, and
// every row is answered: by waiting, by a callback, or by co_await.
//
//   bazel run -c opt //tools/examples:embedding -- /tmp/example.db
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/mayfly.h"

namespace {

using mayfly::Append;
using mayfly::ColumnType;
using mayfly::Engine;
using mayfly::Producer;
using mayfly::Ticket;
using mayfly::TicketResult;

// The smallest coroutine type: starts at once, nobody waits for its end.
struct FireAndForget {
  struct promise_type {
    FireAndForget get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Blocking: the rows are durable when wait() returns.
void write_and_wait(Producer& producer) {
  Ticket ticket = producer.open_ticket();
  producer.append(1, "waited for", 0.5);
  producer.close_ticket();
  std::printf("waiting: durable %d\n", ticket.wait().durable());
}

// Callback: on the acknowledgement thread, so it may append but not close the engine.
void write_with_callback(Producer& producer, std::binary_semaphore& done) {
  Ticket ticket = producer.open_ticket();
  producer.append(2, "called back", 1.5);
  std::move(ticket).on_done([&done](const TicketResult& result) {
    std::printf("callback: durable %d\n", result.durable());
    done.release();
  });
  producer.close_ticket();
}

// co_await: the coroutine goes on once its rows are committed.
FireAndForget write_and_await(Producer& producer, std::binary_semaphore& done) {
  Ticket ticket = producer.open_ticket();
  producer.append(3, "awaited", 2.5);
  producer.close_ticket();
  const TicketResult result = co_await ticket;
  std::printf("co_await: durable %d\n", result.durable());
  done.release();
}

// Many threads without tickets: close() answers every row they appended.
void write_from_threads(Engine& engine, int threads, int rows) {
  std::vector<std::jthread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([&engine, t, rows] {
      auto producer = engine.open_producer();
      if (!producer.ok()) return;
      for (int i = 0; i < rows; ++i) {
        const std::string name = "thread " + std::to_string(t);
        if ((*producer)->append(1000 + i, name, i * 0.25) != Append::kAccepted) return;
      }
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string database = argc > 1 ? argv[1] : "embedding.db";
  auto opened = Engine::open({.database = database,
                              .table = "events",
                              .columns = {{.name = "id", .type = ColumnType::kInt64},
                                          {.name = "name"},
                                          {.name = "score", .type = ColumnType::kFloat64}}});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return EXIT_FAILURE;
  }
  Engine& engine = **opened;
  {
    auto producer = engine.open_producer();
    if (!producer.ok()) return EXIT_FAILURE;
    std::binary_semaphore done(0);
    write_and_wait(**producer);
    write_with_callback(**producer, done);
    done.acquire();
    write_and_await(**producer, done);
    done.acquire();
  }
  write_from_threads(engine, 4, 10'000);
  if (const mayfly::Status end = engine.close(); !end.ok()) {
    std::fprintf(stderr, "%s\n", end.message().c_str());
    return EXIT_FAILURE;
  }
  const auto rows = engine.stats().rows;
  std::printf("accepted %llu, written %llu\n", static_cast<unsigned long long>(rows.accepted),
              static_cast<unsigned long long>(rows.answers[MAYFLY_WRITTEN]));
  for (const mayfly::Signal& signal : engine.signals().sense("write.done*")) {
    std::printf("signal %s\n", signal.name.c_str());
    break;
  }
  return rows.balanced() && rows.answers[MAYFLY_WRITTEN] == 40'003 ? EXIT_SUCCESS : EXIT_FAILURE;
}
