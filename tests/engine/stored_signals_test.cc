// The persistent window in whole graphs: signals are beside the rows, in the same database, and the
// next run knows of them.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/pipeline_fixture.h"

namespace mayfly {
namespace {

using namespace testing;
using Names = std::vector<std::string>;

struct Remembering {
  explicit Remembering(const std::string& path, std::vector<RawOption> options = {}) : p(path) {
    const auto breaker = p.node("breaker", library("BREAKER"), {p.inlet()},
                                {{"threshold", std::int64_t{3}},
                                 {"window", std::string("1h")},
                                 {"open_for", std::string("1h")}});
    const auto memory = p.node("memory", library("PERSISTENT_WINDOW"), {Pipeline::port(breaker)},
                               std::move(options));
    p.join_writer({Pipeline::port(memory)});
  }
  Pipeline p;
};

TEST_CASE("signals are stored beside the rows, by the same connection") {
  const Database database("stored");
  const Remembering r(database.path());
  const auto engine = open(r.p);
  append(*engine, 1000);
  engine->raise("order.shipped:17");
  engine->raise("order.shipped:18");
  close_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 1000);
  CHECK(database.text("SELECT group_concat(signal) FROM signals WHERE signal GLOB 'order.*'") ==
        "order.shipped:17,order.shipped:18");
  // What is raised at the very end, too.
  CHECK(database.integer("SELECT count(*) FROM signals WHERE signal = 'drain.done'") == 1);
  CHECK(database.integer("SELECT count(*) FROM signals WHERE signal GLOB 'window.*'") == 0);
}

TEST_CASE(
    "signals whose database is locked at the end are told as that, once the deadline passed") {
  const Database database("beside_locked");
  const Database kept("kept_locked");
  Remembering r(database.path(), {{"database", kept.path()}});
  r.p.plan.drain_deadline_ns = 100 * kMillisecond;
  const auto engine = open(r.p);
  const WriteLock lock(kept.path());
  append(*engine, 10);
  const Status end = engine->close();
  CHECK(end.code() == Code::kTryAgain);
  CHECK_MESSAGE(end.message().find("not all signals were stored in ") != std::string::npos,
                end.message());
  CHECK(database.integer("SELECT count(*) FROM t") == 10);
}

TEST_CASE("two nodes that would keep the same signals are refused before anything is made") {
  const Database database("twice");
  Remembering r(database.path());
  const auto again = r.p.node("again", library("PERSISTENT_WINDOW"), r.p.plan.writer.inputs,
                              {{"database", database.path()}});
  r.p.join_writer({Pipeline::port(again)});
  const auto engine = Engine::open(r.p.plan, options_for_inlet());
  REQUIRE_FALSE(engine.ok());
  CHECK(engine.status().code() == Code::kConfig);
  CHECK(engine.status().message() ==
        "again: expected one node that keeps the pipeline's signals in " + database.path() +
            ", found \"memory\" before it; each signal would be there twice: take one of the two "
            "out, or name another database");
  CHECK_FALSE(std::filesystem::exists(database.path()));
}

TEST_CASE("rows in the table of the signals are refused before anything is made") {
  const Database database("own_table");
  Remembering r(database.path());
  r.p.plan.writer.table = "Signals";
  const auto engine = Engine::open(r.p.plan, options_for_inlet());
  REQUIRE_FALSE(engine.ok());
  CHECK(engine.status().code() == Code::kConfig);
  CHECK(engine.status().message() ==
        "memory: it keeps signals in the table signals of " + database.path() +
            ", in which [writer] puts its rows: name another table there, or another database "
            "here");
  CHECK_FALSE(std::filesystem::exists(database.path()));
}

TEST_CASE("a breaker knows of the failures before the restart, when a window restores them") {
  const Database database("remembered");
  {
    const Remembering r(database.path());
    const auto engine = open(r.p);
    for (int i = 0; i < 3; ++i) engine->raise("circuit-failure");
    // Of another breaker, and too old for nobody.
    for (int i = 0; i < 3; ++i) engine->raise("circuit-failure:other");
    close_balanced(*engine);
  }
  SUBCASE("restored") {
    const Remembering r(database.path());
    const auto engine = open(r.p);
    while (!engine->signals().detect("circuit-open")) std::this_thread::yield();
    CHECK(engine->signals().count("circuit-failure*") == 6);
    append(*engine, 10);
    close_balanced(*engine);  // the drain tries again at once
    CHECK(counter(*engine, "restored") == 6);
    CHECK(database.integer("SELECT count(*) FROM t") == 10);
  }
  SUBCASE("not restored") {
    const Remembering r(database.path(), {{"restore", Names{}}});
    const auto engine = open(r.p);
    append(*engine, 10);
    close_balanced(*engine);
    CHECK_FALSE(engine->signals().detect("circuit-failure"));
    CHECK(counter(*engine, "opened") == 0);
  }
  // Restored signals aren't stored a second time.
  CHECK(database.integer("SELECT count(*) FROM signals WHERE signal GLOB 'circuit-failure*'") == 6);
}

TEST_CASE("a store in a file of its own, and one that can't be opened") {
  const Database database("own_file");
  const Database signals("own_file_signals");
  {
    const Remembering r(database.path(), {{"database", signals.path()}});
    const auto engine = open(r.p);
    engine->raise("order.shipped");
    close_balanced(*engine);
    CHECK(signals.integer("SELECT count(*) FROM signals WHERE signal = 'order.shipped'") == 1);
  }
  const Remembering r(database.path(), {{"database", std::string("/nowhere/at/all.db")}});
  const auto refused = Engine::open(r.p.plan, options_for_inlet());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == Code::kCannotCreate);
  CHECK(
      refused.status().message().starts_with("memory: the store of signals in /nowhere/at/all.db "
                                             "can't be opened: "));
}

}  // namespace
}  // namespace mayfly
