#include "mayfly/signal/stem_table.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

std::string stem_number(int i) { return "stage." + std::to_string(i); }

TEST_CASE("stem table: a stem has one id, which gives its text back") {
  StemTable table(10);
  StemId first;
  StemId again;
  StemId other;
  REQUIRE(table.intern("write.done", first));
  REQUIRE(table.intern("write.done", again));
  REQUIRE(table.intern("write.start", other));
  CHECK(first == again);
  CHECK(first != other);
  CHECK(table.text(first) == "write.done");
  CHECK(table.size() == 2);
}

TEST_CASE("stem table: the empty stem is a stem like others") {
  StemTable table(10);
  StemId id;
  CHECK_FALSE(table.find("", id));
  REQUIRE(table.intern("", id));
  CHECK(id != kTextStem);
  CHECK(table.text(id).empty());
}

TEST_CASE("stem table: the default id is the reserved stem") {
  const StemTable table(0);
  CHECK(table.text(StemId{}) == "sink.stems.full");
  CHECK(table.size() == 0);
}

TEST_CASE("stem table: ids and texts survive growth") {
  constexpr int kStems = 5'000;
  StemTable table(kStems);
  std::vector<StemId> ids(kStems);
  for (int i = 0; i < kStems; ++i) REQUIRE(table.intern(stem_number(i), ids[i]));
  for (int i = 0; i < kStems; ++i) {
    StemId found;
    REQUIRE(table.find(stem_number(i), found));
    REQUIRE(found == ids[i]);
    REQUIRE(table.text(ids[i]) == stem_number(i));
  }
}

TEST_CASE("stem table: a full table refuses new stems and still knows the old ones") {
  StemTable table(2);
  StemId id;
  REQUIRE(table.intern("a", id));
  REQUIRE(table.intern("b", id));
  CHECK_FALSE(table.intern("c", id));
  CHECK_FALSE(table.find("c", id));
  CHECK(table.intern("a", id));
  CHECK(table.size() == 2);
}

// Aims at a look-up that stands in an index which is being replaced.
TEST_CASE("stem table: threads that intern the same stems while it grows agree on the ids") {
  constexpr int kStems = 3'000;
  constexpr int kThreads = 4;
  StemTable table(kStems);
  std::vector<std::vector<StemId>> ids(kThreads, std::vector<StemId>(kStems));
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kStems; ++i) table.intern(stem_number(i), ids[t][i]);
    });
  }
  threads.clear();
  CHECK(table.size() == kStems);
  for (int t = 1; t < kThreads; ++t) CHECK(ids[t] == ids[0]);
  for (int i = 0; i < kStems; ++i) REQUIRE(table.text(ids[0][i]) == stem_number(i));
}

}  // namespace
}  // namespace mayfly
