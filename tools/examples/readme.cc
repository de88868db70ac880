// What README.md shows of embedding. The argument is the path of a database that may be made: its
// folder is where this runs.
#include <filesystem>
#include <string>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

struct Order {
  std::string customer;
};

void an_engine() {
  auto engine = mayfly::Engine::open({.database = "app.db",
                                      .table = "events",
                                      .columns = {{"id", mayfly::ColumnType::kInt64}, {"name"}}});
  auto producer = (*engine)->open_producer();  // one for each thread
  (*producer)->append(1, "first");             // waits while the writer is behind

  mayfly::Ticket ticket = (*producer)->open_ticket();
  (*producer)->append(2, "durable");
  (*producer)->close_ticket();
  ticket.wait();  // or co_await, or std::move(ticket).on_done(...)
  shown(ticket.result().durable(), "rows by an engine");
}

void a_coordinator() {
  const mayfly::SystemClock clock;
  const Order order{"Ada"};
  mayfly::SignalSink sink(clock);
  mayfly::KeyedWorkCoordinator<Order, std::string> orders(
      {.max_concurrency = 16, .signals = &sink, .defer_on_signals = {"backpressure.*"}},
      [](const Order& each) { return each.customer; },  // one at a time for each customer
      [](Order&, mayfly::Operation& operation) { operation.raise("order.done"); });
  const auto id = orders.enqueue(order);    // or why not
  sink.raise("backpressure.downstream");    // new work waits
  sink.retract("backpressure.downstream");  // it goes on
  orders.complete();
  shown(id.ok() && orders.drain().ok() && sink.detect("order.done"), "work by a coordinator");
}

void a_storage() {
  auto opened = mayfly::HybridStorage::open({.database = "app.db", .logs = {.db_path = "logs.db"}});
  mayfly::HybridStorage& storage = **opened;

  shown(storage.writer()
            .write("CREATE TABLE users(name); CREATE TABLE downloads(id PRIMARY KEY, progress)")
            .ok(),
        "two tables");
  auto saved = storage.writer().write("INSERT INTO users(name) VALUES (?)", {"Alice"});
  auto kept = storage.buffer().buffer_upsert("downloads", {{"id", 7}, {"progress", 100}}, {"id"});
  storage.logs().log(mayfly::LogLevel::kInfo, "downloads", "complete", {{"track_id", 123}});
  shown(saved.ok() && kept.ok() && storage.stop().ok(), "statements, merged rows and a log");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) std::filesystem::current_path(std::filesystem::path(argv[1]).parent_path());
  an_engine();
  a_coordinator();
  a_storage();
}
