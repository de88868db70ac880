// What EMBEDDING.md shows, from opening an engine to its end. The argument is the path of a
// database that may be made.
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/config/pipeline_file.h"
#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;
using mayfly::Append;
using mayfly::ColumnType;

namespace {

mayfly::Result<std::unique_ptr<mayfly::Engine>> open_events(const std::string& database) {
  return mayfly::Engine::open(
      {.database = database,
       .table = "events",
       .columns = {{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}},
       .primary_key = {"id"}},
      {.log = [](std::int32_t, std::string_view who, std::string_view text) {
        std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(who.size()), who.data(),
                     static_cast<int>(text.size()), text.data());
      }});
}

// One for each thread that has rows.
void produce(mayfly::Engine& engine, int first, int count) {
  const auto producer = engine.open_producer();
  if (!producer.ok()) return;  // producers_max of them are open
  for (int id = first; id < first + count; ++id) {
    if ((*producer)->append(id, "event") != Append::kAccepted) return;
  }
  (*producer)->flush();  // or within linger_ns
}

void from_threads(mayfly::Engine& engine) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&engine, t] { produce(engine, t * 1000, 1000); });
  }
  for (std::thread& thread : threads) thread.join();
}

// For a thread that has something better to do than to wait.
bool offer(mayfly::Producer& producer, int id) {
  switch (producer.try_append(id, "offered")) {
    case Append::kAccepted:
      return true;
    case Append::kNoRoom:  // the writer is behind: come again, or shed the row
      return false;
    case Append::kTooBig:    // larger than a row may be
    case Append::kClosed:    // the engine drains, or has failed
    case Append::kBadShape:  // another number of values than columns
      return false;
  }
  return false;
}

void with_tickets(mayfly::Producer& producer, std::atomic<int>& called) {
  mayfly::Ticket ticket = producer.open_ticket();
  producer.append(5000, "waited for");
  producer.append(5001, "with it");
  producer.close_ticket();
  const mayfly::TicketResult result = ticket.wait();
  shown(result.durable() && result.total() == 2, "a ticket is done once its rows are committed");

  mayfly::Ticket other = producer.open_ticket();
  producer.append(5000, "a key that is known");
  producer.close_ticket();
  std::move(other).on_done([&called](const mayfly::TicketResult& refused) {
    // Row 0 of the ticket is a dead letter.
    if (!refused.durable() && refused.first_failed == 0) ++called;
  });
}

void look_at(mayfly::Engine& engine) {
  const mayfly::EngineStats stats = engine.stats();
  std::printf("%llu written, %llu dead letters\n",
              static_cast<unsigned long long>(stats.rows.answers[MAYFLY_WRITTEN]),
              static_cast<unsigned long long>(stats.rows.answers[MAYFLY_DEAD_LETTERED]));
  const bool waits = engine.outage_since_ns() != 0;  // for a locked database
  const bool failed = engine.failed();               // close() says why
  shown(!waits && !failed, "it is well");
  shown(!engine.signals().sense("write.done:*").empty(), "it says what it does");
}

// Whoever has single statements for the same database.
void beside_it(const std::string& database) {
  const auto writer = mayfly::SqliteSingleWriter::get_or_create(database);
  shown(writer.ok(), "the writer of single statements");
  mayfly::SqliteSingleWriter& db = **writer;
  const auto changed = db.write("UPDATE events SET name = ? WHERE id = ?", {"corrected", 7});
  shown(changed.ok() && *changed == 1, "between two transactions of the engine");
  const auto rows = db.query([](mayfly::SqlSession& session) {
    return session.scalar<std::int64_t>("SELECT count(*) FROM events");
  });
  shown(rows.ok() && *rows == 4003, "reads wait for no write");
}

constexpr const char* kPipeline = R"(
[source.orders]
plugin = "generate"
rows = 1000
columns = ["id:sequence", "total:float:0:100"]

[node.groups]
plugin = "batch"
input = "orders"

[writer]
input = "groups"
database = "$DATABASE"
table = "orders"
)";

mayfly::Status run_pipeline(const std::string& text) {
  mayfly::PluginRegistry registry(mayfly::search_of_process());
  const mayfly::CheckedPlan checked = mayfly::parse_pipeline(text, "orders.toml", registry);
  MAYFLY_RETURN_IF_ERROR(checked.status());  // every mistake, a line each
  auto engine = mayfly::Engine::open(checked.plan, {.resume = true});
  MAYFLY_RETURN_IF_ERROR(engine.status());
  while (!(*engine)->wait(mayfly::kSecond)) {
    // Its sources haven't ended.
  }
  return (*engine)->close();
}

// Producers before nodes that are joined by name.
mayfly::Status run_built(const std::string& database) {
  mayfly::PluginRegistry registry(mayfly::search_of_process());
  mayfly::PlanBuilder builder(registry);
  builder.inlet("events");
  builder.node({.name = "groups",
                .plugin = "batch",
                .inputs = {{"events"}},
                .options = {{"timeout", "50ms"}}});
  builder.writer_inputs({{"groups"}});
  builder.writer().database = database;
  builder.writer().table = "grouped";
  const mayfly::CheckedPlan checked = std::move(builder).build();
  MAYFLY_RETURN_IF_ERROR(checked.status());
  auto engine = mayfly::Engine::open(
      checked.plan, {.inlet_schema = mayfly::Schema({{.name = "id", .type = ColumnType::kInt64}})});
  MAYFLY_RETURN_IF_ERROR(engine.status());
  {
    const auto producer = (*engine)->open_producer("events");
    MAYFLY_RETURN_IF_ERROR(producer.status());
    for (int id = 0; id < 100; ++id) (*producer)->append(id);
  }
  return (*engine)->close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string database = argc > 1 ? argv[1] : "embedding.db";
  auto opened = open_events(database);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return 1;
  }
  mayfly::Engine& engine = **opened;
  from_threads(engine);
  std::atomic<int> called{0};
  {
    const auto producer = engine.open_producer();
    shown(producer.ok(), "another producer, for this thread");
    with_tickets(**producer, called);
    shown(offer(**producer, 6000), "a row that is offered");
    mayfly::Ticket last = (*producer)->open_ticket();
    (*producer)->close_ticket();
    shown(last.wait().durable(), "a ticket of no rows is done at once");
  }
  engine.begin_drain();
  shown(engine.wait(10 * mayfly::kSecond), "every row is answered");
  look_at(engine);
  beside_it(database);
  const mayfly::Status end = engine.close();
  shown(end.ok(), "and all of it is durable");
  shown(called == 1, "callbacks have been called");
  std::string text = kPipeline;
  text.replace(text.find("$DATABASE"), 9, database);
  shown(run_pipeline(text).ok(), "a pipeline file in a program");
  shown(run_built(database).ok(), "and one that is put together in code");
}
