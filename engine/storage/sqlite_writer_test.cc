// Transactions: what one holds, what it leaves behind, what it takes back.
#include "mayfly/storage/sqlite_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "mayfly/data/slice_chain.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

using Kind = GroupResult::Kind;

TEST_CASE("small slices share a statement") {
  WriterFixture f(WriterFixture::id_and_name(), 2);
  f.open();
  CHECK(f.write(f.numbered(1, 40), kNoSource).size() == 40);
  CHECK(f.writer->totals().statements == 1);
}

TEST_CASE("a slice of scattered rows writes these rows and no others") {
  WriterFixture f;
  f.open();
  const auto heads = f.fill(f.numbered(0, 10), kNoSource);
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  SliceChain odd;
  for (std::uint16_t row : {9, 3, 5}) odd.append(batch, row);
  const RowRef slice[] = {odd.finish(batch)};
  REQUIRE(f.writer->write(slice).kind == Kind::kCommitted);
  CHECK(f.query("SELECT group_concat(id) FROM t") == "9,3,5");
  CHECK(batch.outcome[0] == MAYFLY_PENDING);
  CHECK(batch.outcome[9] == MAYFLY_WRITTEN);
}

TEST_CASE(
    "answers given elsewhere are recorded with the others, and error rows keep what was read") {
  WriterFixture f;
  f.open();
  f.add_source();
  auto heads = f.fill(f.numbered(0, 5));
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  batch.outcome[1] = MAYFLY_DROPPED;
  batch.outcome[2] = MAYFLY_IGNORED;
  batch.outcome[3] = MAYFLY_DEAD_LETTERED;
  batch.judge[3] = 2;
  batch.reason[3] = 1;
  batch.attempt[3] = 4;
  mayfly_batch* errors = f.pool.try_acquire(BatchPool::Part::kIntake, f.schema);
  REQUIRE(put_error_row(*errors, {5, 60, 6}, 7, "expected a quote, found the end", "1,\"ab"));
  errors->judge[0] = 1;
  f.pool.add_flight(errors, 1);
  heads.push_back(seal(*errors, 0, 0));
  REQUIRE(f.writer->write(heads).kind == Kind::kCommitted);
  CHECK(f.query("SELECT id FROM t") == "0\n4");
  CHECK(f.query("SELECT low, byte, line, read, written, ignored, rejected, dropped "
                "FROM mayfly_offsets") == "6|60|7|6|2|1|2|1");
  CHECK(f.query("SELECT ordinal, line, node, code, reason, columns, raw, attempts "
                "FROM mayfly_dead_letters") ==
        "3|5|filter|unwanted|not wanted here|{\"id\":3,\"name\":\"name 3\"}|NULL|4\n"
        "5|6|parser|bad_quote|expected a quote, found the end|NULL|1,\"ab|0");
}

// Asked by another process: one's own locks don't show. The bytes are SQLite's shared lock.
bool is_locked_for_others(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = 0x40000002;
    lock.l_len = 510;
    const int fd = ::open(path.c_str(), O_RDWR);
    ::_exit(fd >= 0 && ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

TEST_CASE("finish leaves the program's other connections their locks") {
  WriterFixture f;
  f.open();
  f.write(f.numbered(0, 3), kNoSource);
  SqliteConnection reader = f.connect();
  REQUIRE(reader.run("BEGIN; SELECT * FROM t").ok());
  REQUIRE(is_locked_for_others(f.options.database));
  REQUIRE(f.writer->finish(true).ok());
  CHECK(is_locked_for_others(f.options.database));
}

TEST_CASE("no journal is left by a database that isn't in WAL mode") {
  WriterFixture f;
  f.options.journal = Journal::kKeep;
  f.open();
  f.write(f.numbered(0, 3), kNoSource);
  CHECK(std::filesystem::exists(f.options.database + "-journal"));
  REQUIRE(f.writer->finish(true).ok());
  CHECK_FALSE(std::filesystem::exists(f.options.database + "-journal"));
}

TEST_CASE("parents are consumed with their last child, through generations, in one transaction") {
  WriterFixture f;
  f.open();
  f.add_source();
  const auto parents = f.fill(f.numbered(0, 3));             // of the source
  const auto middle = f.fill(f.numbered(10, 1), kNoSource);  // made from rows 0 and 1
  const auto children = f.fill(f.numbered(20, 3), kNoSource);
  mayfly_batch& p = *f.pool.batch(parents[0]);
  mayfly_batch& m = *f.pool.batch(middle[0]);
  mayfly_batch& c = *f.pool.batch(children[0]);
  m.parent[0] = make_ref(p.id, 0);
  p.parent_next[0] = make_ref(p.id, 1);
  p.children[0] = p.children[1] = 1;
  c.parent[0] = c.parent[1] = make_ref(m.id, 0);  // two from the middle one
  m.children[0] = 2;
  c.parent[2] = make_ref(p.id, 2);
  p.children[2] = 1;
  const auto one = [&](std::uint16_t row) {
    SliceChain chain;
    chain.append(c, row);
    return std::vector<RowRef>{chain.finish(c)};
  };
  REQUIRE(f.writer->write(one(0)).kind == Kind::kCommitted);
  CHECK(f.writer->answered_parents().empty());
  CHECK(m.children[0] == 1);
  c.outcome[1] = MAYFLY_DROPPED;  // however a child is answered
  REQUIRE(f.writer->write(one(1)).kind == Kind::kCommitted);
  REQUIRE(f.writer->answered_parents().size() == 3);
  CHECK(m.outcome[0] == MAYFLY_CONSUMED);
  CHECK(p.outcome[0] == MAYFLY_CONSUMED);
  CHECK(p.outcome[1] == MAYFLY_CONSUMED);
  CHECK(slice_rows(p, 1) == 1);
  CHECK(p.outcome[2] == MAYFLY_PENDING);
  CHECK(f.query("SELECT low, consumed FROM mayfly_offsets WHERE source <> ''") == "2|2");
  REQUIRE(f.writer->write(one(2)).kind == Kind::kCommitted);
  CHECK(f.query("SELECT low, consumed FROM mayfly_offsets WHERE source <> ''") == "3|3");
  CHECK(f.query("SELECT written, dropped, consumed FROM mayfly_offsets WHERE source = ''") ==
        "2|1|1");
}

TEST_CASE("a dead letter of a row that was made names where it came from") {
  WriterFixture f;
  f.run("CREATE TABLE t(id CHECK(id < 10), name)");
  f.open();
  f.add_source();
  f.write(f.numbered(0, 7));
  const auto parents = f.fill(f.numbered(7, 1));
  const auto children = f.fill(f.numbered(99, 1), kNoSource);
  f.pool.batch(children[0])->parent[0] = parents[0];
  f.pool.batch(parents[0])->children[0] = 1;
  REQUIRE(f.writer->write(children).kind == Kind::kCommitted);
  CHECK(f.query("SELECT source, ordinal, line FROM mayfly_dead_letters") == "orders.csv|7|9");
}

TEST_CASE("locked by another connection, nothing is answered; released, everything is") {
  WriterFixture f;
  f.run("CREATE TABLE t(id INTEGER CHECK(id <> 2), name)");
  f.open();
  f.add_source();
  const auto parents = f.fill(f.numbered(0, 1));
  auto heads = f.fill(f.numbered(1, 3));
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  batch.parent[2] = parents[0];
  f.pool.batch(parents[0])->children[0] = 1;
  batch.outcome[0] = MAYFLY_DROPPED;
  SqliteConnection other = f.connect();
  REQUIRE(other.run("BEGIN IMMEDIATE").ok());
  const GroupResult busy = f.writer->write(heads);
  CHECK(busy.kind == Kind::kTransient);
  CHECK(busy.busy);
  CHECK(busy.status.code() == Code::kTryAgain);
  CHECK(f.outcomes_of(heads) == "400");
  CHECK(f.pool.batch(parents[0])->children[0] == 1);
  REQUIRE(other.run("COMMIT").ok());
  CHECK(f.writer->write(heads).kind == Kind::kCommitted);
  CHECK(f.outcomes_of(heads) == "431");
  CHECK(f.writer->totals().rows.read == 4);
  CHECK(f.writer->totals().transient_failures == 1);
}

TEST_CASE("a group is cut where its time is up, between slices") {
  struct JumpingClock final : Clock {
    mutable std::int64_t ns = kSecond;
    std::int64_t now_ns() const override { return ns += 3 * kMillisecond; }
    std::int64_t wall_us() const override { return 0; }
    void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&,
                    std::int64_t) const override {}
  } jumping;
  WriterFixture f(WriterFixture::id_and_name(), 2000);
  f.options.group_ns = 5 * kMillisecond;
  auto opened = SqliteWriter::open(f.options, f.schema, f.pool, jumping, f.signals, f.names);
  REQUIRE(opened.ok());
  const auto heads = f.fill(f.numbered(0, 10'000), kNoSource);
  const GroupResult result = (*opened)->write(heads);
  CHECK(result.kind == Kind::kCommitted);
  CHECK(result.slices == 2);
  CHECK(f.query("SELECT count(*) FROM t") == "4000");
  CHECK(f.outcome(heads[2], 0) == MAYFLY_PENDING);
}

TEST_CASE("statistics are stored with the next transaction, or by flush") {
  WriterFixture f;
  f.open();
  f.writer->stage_stats("{\"version\":1}");
  CHECK(f.writer->flush().kind == Kind::kCommitted);
  CHECK(f.query("SELECT writer, json FROM mayfly_stats") == "writer|{\"version\":1}");
  f.writer->stage_stats("{\"version\":2}");
  f.write(f.numbered(0, 1), kNoSource);
  CHECK(f.query("SELECT json FROM mayfly_stats") == "{\"version\":2}");
}

TEST_CASE("given up, pending rows are left to the next run or handed back to producers") {
  WriterFixture f;
  f.open();
  f.add_source();
  const auto sourced = f.fill(f.numbered(0, 2));
  const auto produced = f.fill(f.numbered(2, 2), kNoSource);
  f.pool.batch(produced[0])->outcome[1] = MAYFLY_DROPPED;
  f.writer->give_up(sourced, MAYFLY_LEFT);
  f.writer->give_up(produced, MAYFLY_LEFT);
  CHECK(f.outcomes_of(sourced) == "77");
  CHECK(f.outcomes_of(produced) == "64");
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

// Hands over one slice more at each call, and lets time pass.
struct Feed final : GroupFeed {
  Feed(WriterFixture& fixture, std::vector<RowRef> all, std::int64_t step)
      : f(fixture), slices(std::move(all)), step_ns(step) {}
  std::span<const RowRef> more() override {
    f.clock.advance(step_ns);
    given = std::min(given + 1, slices.size());
    return std::span(slices).first(given);
  }
  WriterFixture& f;
  const std::vector<RowRef> slices;
  const std::int64_t step_ns;
  std::size_t given = 1;
};

std::vector<RowRef> four_slices(WriterFixture& f) {
  std::vector<RowRef> slices;
  for (int i = 0; i < 4; ++i) slices.push_back(f.fill(f.numbered(i * 10, 2), kNoSource).front());
  return slices;
}

TEST_CASE("what comes while a transaction is at work joins it") {
  WriterFixture f;
  f.open();
  Feed feed(f, four_slices(f), 0);
  const GroupResult result = f.writer->write(std::span(feed.slices).first(1), &feed);
  REQUIRE(result.kind == GroupResult::Kind::kCommitted);
  CHECK(result.slices == 4);
  CHECK(f.writer->totals().transactions == 1);
  CHECK(f.query("SELECT group_concat(id) FROM t") == "0,1,10,11,20,21,30,31");
  CHECK(f.outcomes_of(feed.slices) == "11111111");
}

TEST_CASE("a transaction that has had its time takes no more") {
  WriterFixture f;
  f.options.group_ns = 5 * kMillisecond;
  f.open();
  Feed feed(f, four_slices(f), 3 * kMillisecond);
  const GroupResult result = f.writer->write(std::span(feed.slices).first(1), &feed);
  REQUIRE(result.kind == GroupResult::Kind::kCommitted);
  CHECK(result.slices == 3);  // at 0, 3 and 6 ms
  CHECK(f.outcomes_of(feed.slices) == "11111100");
}

TEST_CASE("a transaction that fails takes back what joined it") {
  WriterFixture f;
  f.options.on_error = OnRowError::kFail;
  f.options.key_columns = {"id"};
  f.open();
  std::vector<RowRef> slices = four_slices(f);
  slices.push_back(f.fill({{num(10), text("again")}}, kNoSource).front());
  Feed feed(f, slices, 0);
  const GroupResult result = f.writer->write(std::span(feed.slices).first(1), &feed);
  CHECK(result.kind == GroupResult::Kind::kFailed);
  CHECK(f.outcomes_of(feed.slices) == "000000000");
  CHECK(f.query("SELECT count(*) FROM t") == "0");
}

}  // namespace
}  // namespace mayfly
