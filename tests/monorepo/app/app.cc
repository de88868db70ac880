// A program of another workspace: writes through its own plugin and checks what became of the rows.
#include <cstdio>

#include "mayfly/mayfly.h"

#ifndef MONOREPO_CONCURRENTQUEUE
#error "Mayfly was built against another concurrentqueue than this workspace's"
#endif

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: app DATABASE PLUGIN.so\n");
    return 64;
  }
  auto engine = mayfly::Engine::open({.database = argv[1],
                                      .table = "numbers",
                                      .columns = {{"value", mayfly::ColumnType::kInt64}},
                                      .nodes = {{"double", argv[2], {}}}});
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().message().c_str());
    return 1;
  }
  {
    auto producer = (*engine)->open_producer();
    if (!producer.ok()) return 1;
    for (int i = 0; i < 10'000; ++i) {
      if ((*producer)->append(i) != mayfly::Append::kAccepted) return 1;
    }
  }
  if (const mayfly::Status end = (*engine)->close(); !end.ok()) {
    std::fprintf(stderr, "%s\n", end.message().c_str());
    return 1;
  }
  const auto rows = (*engine)->stats().rows;
  std::printf("accepted %llu, written %llu\n", static_cast<unsigned long long>(rows.accepted),
              static_cast<unsigned long long>(rows.answers[MAYFLY_WRITTEN]));
  return rows.balanced() && rows.answers[MAYFLY_WRITTEN] == 20'000 ? 0 : 1;
}
