// Rows of many threads into one table, without a lock of the database in anybody's way. A ticket
// tells a thread that its rows are durable: by waiting for it, or by a callback.
//
//   bazel run -c opt //tools/examples:many_producers -- /tmp/example.db
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using mayfly::ColumnType;
using mayfly::Engine;
using mayfly::Producer;
using mayfly::Ticket;
using mayfly::TicketResult;

namespace {

constexpr int kThreads = 4;
constexpr int kOrders = 500;
constexpr int kLines = 3;

// An order and its lines go under one ticket: its result is that of all of them.
Ticket append_order(Producer& producer, int order) {
  Ticket ticket = producer.open_ticket();
  for (int line = 0; line < kLines; ++line) producer.append(order, line, line * 9.95);
  producer.close_ticket();
  return ticket;
}

// The last order of each thread is waited for, all others call back.
void take_orders(Engine& engine, int thread, std::atomic<int>& durable) {
  auto producer = engine.open_producer();
  if (!producer.ok()) return;
  for (int i = 1; i < kOrders; ++i) {
    append_order(**producer, thread * kOrders + i)
        // On the acknowledgement thread: it may append, but not close the engine.
        .on_done([&durable](const TicketResult& result) { durable += result.durable() ? 1 : 0; });
  }
  Ticket last = append_order(**producer, (thread + 1) * kOrders);
  durable += last.wait().durable() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto opened = Engine::open({.database = argc > 1 ? argv[1] : "many_producers.db",
                              .table = "order_lines",
                              .columns = {{.name = "order_id", .type = ColumnType::kInt64},
                                          {.name = "line", .type = ColumnType::kInt64},
                                          {.name = "price", .type = ColumnType::kFloat64}}});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return 1;
  }
  Engine& engine = **opened;
  std::atomic<int> durable{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&engine, &durable, t] { take_orders(engine, t, durable); });
  }
  for (std::thread& thread : threads) thread.join();
  example::shown(engine.close().ok(), "close() answers what is left, and every callback has been");
  example::shown(durable == kThreads * kOrders, "2,000 orders were told to be durable");
  const auto rows = engine.stats().rows;
  example::shown(rows.balanced() && rows.answers[MAYFLY_WRITTEN] == kThreads * kOrders * kLines,
                 "and their 6,000 lines are written");
}
