#include "mayfly/signal/signal_query.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/pattern_cache.h"
#include "mayfly/signal/signal_shard.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {
namespace {

struct FoundCopy {
  std::uint64_t position;
  std::int64_t at_ns;
  std::string name;
};

// A shard of capacity 1 and the one stem "job"; its ring has a few slots more.
struct Fixture {
  Fixture() { stems.intern("job", job); }

  WindowRange everything() { return {&shard, &shard.ring(), 0, 0, shard.head()}; }
  void append(int count, std::string_view argument) {
    for (int i = 0; i < count; ++i) shard.append(now++, job, 0, argument);
  }
  // As many as make the first record's slot a newer record's.
  int lap() const { return static_cast<int>(shard.ring().size()); }
  std::vector<FoundCopy> collect(const WindowRange& range, std::string_view glob) {
    std::vector<FoundCopy> out;
    WindowView view;
    view.add(range);
    const auto pattern = patterns.get(glob);
    visit_records(view, {pattern.get(), false, {}}, stems, [&](const FoundRecord& found) {
      out.push_back({found.position, found.at_ns, std::string(found.name)});
      return true;
    });
    return out;
  }
  std::size_t count(const WindowRange& range, std::string_view glob) {
    return count_matches(range, *patterns.get(glob), stems);
  }

  StemTable stems{10};
  PatternCache patterns;
  SignalShard shard{1, 4096};
  StemId job;
  std::int64_t now = 1;
};

TEST_CASE("query: records that were overwritten after the view was taken are not matched") {
  Fixture f;
  f.append(10, "old");
  const WindowRange view = f.everything();
  f.append(f.lap(), "new");

  CHECK(f.count(view, "*") == 0);
  CHECK(f.count(view, "*:n?w") == 0);
  CHECK(f.collect(view, "*").empty());
  CHECK(f.collect(view, "*:n?w").empty());
  CHECK_FALSE(contains_name(view, {f.job, true, "new"}));
  CHECK_FALSE(contains_name(view, {f.job, true, "old"}));
}

TEST_CASE("query: of a view that was partly overwritten the rest is matched") {
  Fixture f;
  f.append(10, "old");
  const WindowRange view = f.everything();
  // The slot after the head counts as being written, so 4 of 10 are left.
  f.append(f.lap() - 5, "new");

  CHECK(f.count(view, "*") == 4);
  CHECK(f.count(view, "*:?ld") == 4);
  CHECK(f.collect(view, "*").size() == 4);
  CHECK(f.collect(view, "*").front().position == 6);
}

TEST_CASE("query: a record without an argument that was overwritten is not found") {
  Fixture f;
  f.shard.append(1, f.job, 0);
  const WindowRange view = f.everything();
  for (int i = 0; i < f.lap(); ++i) f.shard.append(2, f.job, 0);
  CHECK_FALSE(contains_name(view, {f.job, false, {}}));
  CHECK(f.collect(view, "job").empty());
}

TEST_CASE("query: retracting an overwritten record leaves its successor alone") {
  Fixture f;
  f.append(1, "old");
  const std::uint64_t seen = f.shard.ring().tag(0);
  f.append(f.lap(), "new");

  CHECK_FALSE(f.shard.retract(0, seen));
  retract_name({&f.shard, &f.shard.ring(), 0, 0, 1}, {f.job, true, "new"}, 0);

  CHECK(f.count({&f.shard, &f.shard.ring(), 0, f.shard.head() - 1, f.shard.head()}, "job:new") ==
        1);
}

TEST_CASE("shard: the search for a time skips what was overwritten") {
  Fixture f;
  f.append(f.lap() + 20, "x");  // record p has the time p + 1
  const std::uint64_t head = f.shard.head();
  CHECK(f.shard.ring().lower_bound(0, head, 1) == f.shard.ring().intact());
  CHECK(f.shard.ring().lower_bound(0, head, 101) == 100);
  CHECK(f.shard.ring().lower_bound(0, head, INT64_MAX) == head);
  CHECK(f.shard.ring().lower_bound(0, 10, 1) == 10);
}

// Aims at a reader which the writer laps while it copies: arguments are of one byte, repeated.
TEST_CASE("query threads: a reader that is lapped sees whole arguments at their own positions") {
  constexpr int kRecords = 60'000;
  Fixture f;
  std::jthread writer([&] {
    for (int i = 0; i < kRecords; ++i) {
      const std::string argument(i % 60 + 1, static_cast<char>('a' + i % 26));
      f.shard.append(i, f.job, 0, argument);
    }
  });
  std::uint64_t head = 0;
  while (head < kRecords) {
    head = f.shard.head();
    const std::uint64_t from = head > f.shard.ring().size() ? head - f.shard.ring().size() : 0;
    for (const FoundCopy& record : f.collect({&f.shard, &f.shard.ring(), 0, from, head}, "job:*")) {
      const std::uint64_t i = record.position;
      const std::string argument(i % 60 + 1, static_cast<char>('a' + i % 26));
      REQUIRE(record.name == "job:" + argument);
      REQUIRE(record.at_ns == static_cast<std::int64_t>(i));
    }
  }
}

}  // namespace
}  // namespace mayfly
