// Rows of one thread into a table: open, append, close.
//
//   bazel run -c opt //tools/examples:one_producer -- /tmp/example.db
#include <cstdio>
#include <string>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using mayfly::ColumnType;
using mayfly::Engine;

int main(int argc, char** argv) {
  auto opened = Engine::open({.database = argc > 1 ? argv[1] : "one_producer.db",
                              .table = "readings",
                              .columns = {{.name = "id", .type = ColumnType::kInt64},
                                          {.name = "sensor"},
                                          {.name = "value", .type = ColumnType::kFloat64}}});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return 1;
  }
  Engine& engine = **opened;
  {
    auto producer = engine.open_producer();
    example::shown(producer.ok(), "a producer for this thread");
    // append() waits while the pool is empty; it refuses only once the engine closes.
    for (int i = 0; i < 10'000; ++i) {
      (*producer)->append(i, "sensor " + std::to_string(i % 7), i * 0.25);
    }
  }  // a producer ends before its engine
  const mayfly::Status closed = engine.close();
  example::shown(closed.ok(), "close() returns once every row is answered");
  const auto rows = engine.stats().rows;
  example::shown(rows.balanced() && rows.answers[MAYFLY_WRITTEN] == 10'000,
                 "and 10,000 are written");
}
