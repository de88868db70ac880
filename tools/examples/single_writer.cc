// One writer for everybody who writes single statements to a database, with cached reads and
// signals. The argument is the path of a database that may be made.
#include <string>
#include <string_view>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

struct User {
  std::string name;
  int age = 0;
};

// How a User becomes parameters: found by its name, beside the struct.
void sql_params(const User& user, mayfly::SqlParams& params) {
  params.add("name", user.name).add("age", user.age);
}

mayfly::DbResult<std::int64_t> count_users(mayfly::SqlSession& session) {
  return session.scalar<std::int64_t>("SELECT count(*) FROM users");
}

void quick_start(mayfly::SqliteSingleWriter& db) {
  // Serialized writes.
  shown(db.write("INSERT INTO users(name) VALUES (@name)",
                 mayfly::SqlParams::named({{"name", "Alice"}}))
            .ok(),
        "a write, by parameters with names");
  const User bob{"Bob", 42};
  shown(db.write("INSERT INTO users(name, age) VALUES (:name, :age)", mayfly::SqlParams::of(bob))
            .ok(),
        "a write, by a struct");
  // A cached read.
  shown(*db.read<std::int64_t>("users:count", count_users) == 2, "a read, kept under its key");
  shown(db.write("INSERT INTO users(name) VALUES (?)", {"Carol"}).ok(), "a write behind its back");
  shown(*db.read<std::int64_t>("users:count", count_users) == 2, "is not seen by the cache");
  shown(
      db.write_and_invalidate("INSERT INTO users(name) VALUES (?)", {"Dave"}, {"users:count"}).ok(),
      "a write that invalidates");
  shown(*db.read<std::int64_t>("users:count", count_users) == 4, "makes it read again");
}

void transactions(mayfly::SqliteSingleWriter& db) {
  // With a function of one's own: committed when it returns, rolled back when it fails.
  const auto count = db.execute_in_transaction([](mayfly::SqlSession& session) {
    shown(session.execute("INSERT INTO users(name) VALUES ('Erin')").ok(), "within a transaction");
    return count_users(session);
  });
  shown(*count == 5, "a transaction gives a value");
  // Several statements, all or nothing.
  const auto batch = db.write_batch({{"INSERT INTO users(name) VALUES ('Frank')"},
                                     {"INSERT INTO users(name) VALUES (?)", {"Alice"}}});
  shown(batch.error().kind == mayfly::DbError::Kind::kConstraint, "a batch with a mistake");
  shown(batch.error().statement == 1, "says which command it was");
  shown(*db.query(count_users) == 5, "and changes nothing");
}

void without_waiting(mayfly::SqliteSingleWriter& db) {
  auto later = db.write_async("UPDATE users SET age = ? WHERE name = ?", {18, "Alice"});
  shown(db.flush_writes().ok(), "all that came before is committed");
  shown(*later.get() == 1, "a future has the rows changed");
}

void observed(mayfly::SqliteSingleWriter& db) {
  shown(!db.signals("write.done:*").empty(), "which writes are done?");
  shown(!db.signals("cache.*").empty(), "what does the cache do?");
  shown(!db.write_snapshot().empty(), "the newest writes, with their times");
  shown(db.stats().transactions > 0, "figures");
}

// Whoever knows that something changed says so, here or through a bridge from another process.
void invalidated_from_outside(mayfly::SqliteSingleWriter& db, const mayfly::Clock& clock) {
  static mayfly::SignalSink shared(clock);  // outlives the writer
  shown(db.enable_signal_driven_invalidation(shared).ok(), "listens to another sink");
  shown(db.read<std::int64_t>("users:count", count_users).ok(), "a read is kept");
  shared.raise("cache.invalidate:users:count");
  shown(db.sink().detect("cache.invalidate.external:users:count"), "until a signal says otherwise");
}

}  // namespace

int main(int argc, char** argv) {
  static const mayfly::SystemClock clock;
  const std::string_view path = argc > 1 ? argv[1] : ":memory:";
  const auto writer = mayfly::SqliteSingleWriter::get_or_create(path, {.clock = &clock});
  shown(writer.ok(), "one writer for the database");
  mayfly::SqliteSingleWriter& db = **writer;
  shown(db.write("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT UNIQUE, age INTEGER)").ok(),
        "a table");
  quick_start(db);
  transactions(db);
  without_waiting(db);
  observed(db);
  invalidated_from_outside(db, clock);
}
