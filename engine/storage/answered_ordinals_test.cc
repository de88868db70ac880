#include "mayfly/storage/answered_ordinals.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

// Every answered ordinal by itself.
struct NaiveSet {
  std::set<std::uint64_t> answered;

  std::uint64_t mark() const {
    std::uint64_t mark = 0;
    while (answered.count(mark) != 0) ++mark;
    return mark;
  }
  std::vector<AnsweredRange> ranges() const {
    std::vector<AnsweredRange> list;
    for (const std::uint64_t ordinal : answered) {
      if (ordinal < mark()) continue;
      if (!list.empty() && list.back().last + 1 == ordinal) {
        list.back().last = ordinal;
      } else {
        list.push_back({ordinal, ordinal});
      }
    }
    return list;
  }
};

AnsweredRun run(std::uint64_t first, std::uint64_t last) {
  return {first, last, (last + 1) * 10, last + 2};
}

TEST_CASE("in order there is a mark and no ranges") {
  AnsweredOrdinals ordinals;
  ordinals.begin();
  ordinals.add(run(0, 9));
  ordinals.add(run(10, 19));
  CHECK(ordinals.mark() == Mark{20, 200, 21});
  CHECK(ordinals.range_count() == 0);
}

TEST_CASE("a held row keeps the mark back, and its answer lets it jump") {
  AnsweredOrdinals ordinals;
  ordinals.begin();
  ordinals.add(run(0, 4));
  ordinals.add(run(6, 9));
  ordinals.add(run(11, 12));
  CHECK(ordinals.mark().ordinal == 5);
  CHECK(ordinals.ranges() == std::vector<AnsweredRange>{{6, 9}, {11, 12}});
  ordinals.add(run(5, 5));
  CHECK(ordinals.mark() == Mark{10, 100, 11});
  CHECK(ordinals.ranges() == std::vector<AnsweredRange>{{11, 12}});
}

TEST_CASE("answered again, an ordinal changes nothing") {
  AnsweredOrdinals ordinals;
  ordinals.begin();
  ordinals.add(run(0, 9));
  ordinals.add(run(3, 5));
  ordinals.add(run(20, 29));
  ordinals.add(run(22, 25));
  CHECK(ordinals.mark() == Mark{10, 100, 11});
  CHECK(ordinals.ranges() == std::vector<AnsweredRange>{{20, 29}});
}

TEST_CASE("random runs, commits and rollbacks agree with a naive set, and so does what was saved") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    AnsweredOrdinals ordinals;
    NaiveSet naive;
    std::map<std::uint64_t, AnsweredRun> saved;  // as mayfly_offset_ranges would be
    for (int transaction = 0; transaction < 40; ++transaction) {
      NaiveSet staged = naive;
      std::map<std::uint64_t, AnsweredRun> staged_saved = saved;
      ordinals.begin();
      for (std::uint64_t i = 0, adds = rng.below(6); i < adds; ++i) {
        const std::uint64_t first = rng.below(120);
        const std::uint64_t last = first + rng.below(8);
        ordinals.add(run(first, last));
        for (std::uint64_t o = first; o <= last; ++o) staged.answered.insert(o);
      }
      ordinals.for_each_change([&](std::uint64_t first, const AnsweredRun* changed) {
        if (changed != nullptr) {
          staged_saved[first] = *changed;
        } else {
          staged_saved.erase(first);
        }
      });
      if (rng.below(3) == 0) {
        ordinals.rollback();
      } else {
        ordinals.commit();
        naive = staged;
        saved = staged_saved;
      }
      REQUIRE(ordinals.mark().ordinal == naive.mark());
      REQUIRE(ordinals.ranges() == naive.ranges());
      // The mark's byte is the end of the record before it.
      REQUIRE(ordinals.mark().byte == naive.mark() * 10);
      std::vector<AnsweredRange> in_table;
      for (const auto& [first, row] : saved) {
        in_table.push_back({first, row.last});
        REQUIRE(row.byte_end == (row.last + 1) * 10);
      }
      REQUIRE(in_table == naive.ranges());
    }
  }
}

TEST_CASE("restored from a table, it goes on") {
  AnsweredOrdinals ordinals;
  const AnsweredRun saved[] = {run(7, 8), run(10, 10)};
  ordinals.restore({5, 50, 6}, saved);
  ordinals.begin();
  ordinals.add(run(5, 6));
  CHECK(ordinals.mark() == Mark{9, 90, 10});
  int changes = 0;
  ordinals.for_each_change([&](std::uint64_t first, const AnsweredRun* changed) {
    CHECK(first == 7);
    CHECK(changed == nullptr);
    ++changes;
  });
  CHECK(changes == 1);
}

}  // namespace
}  // namespace mayfly
