// Rows of a coroutine: it goes on once they are durable, and no thread waits meanwhile.
//
//   bazel run -c opt //tools/examples:coroutine -- /tmp/example.db
#include <coroutine>
#include <cstdio>
#include <exception>
#include <latch>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using mayfly::ColumnType;
using mayfly::Engine;
using mayfly::Producer;
using mayfly::Ticket;

namespace {

// The smallest coroutine type: starts at once, and nobody waits for its end. Any other does as
// well.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Asks for the money only once the order is on disk. It goes on where tickets are answered, on the
// acknowledgement thread.
Task place_order(Producer& producer, int order, std::latch& placed) {
  Ticket ticket = producer.open_ticket();
  producer.append(order, "placed");
  producer.close_ticket();
  const mayfly::TicketResult result = co_await ticket;
  std::printf("order %d is durable: %d\n", order, result.durable());
  placed.count_down();
}

}  // namespace

int main(int argc, char** argv) {
  auto opened =
      Engine::open({.database = argc > 1 ? argv[1] : "coroutine.db",
                    .table = "orders",
                    .columns = {{.name = "id", .type = ColumnType::kInt64}, {.name = "state"}}});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return 1;
  }
  Engine& engine = **opened;
  {
    auto producer = engine.open_producer();
    example::shown(producer.ok(), "a producer");
    std::latch placed(3);
    for (int order = 1; order <= 3; ++order) place_order(**producer, order, placed);
    placed.wait();
  }
  example::shown(engine.close().ok(), "the engine is closed");
  example::shown(engine.stats().rows.answers[MAYFLY_WRITTEN] == 3, "three orders are written");
}
