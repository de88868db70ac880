// `mayfly dlq`: letters are listed, shown, corrected, written once more, deleted.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/cli/dlq_fixture.h"

using namespace mayfly::testing;

TEST_CASE("dlq list: letters oldest first, by filter, and counts in the end") {
  const People f("list");
  const Outcome all = f.dlq("list");
  CHECK(all.status == 0);
  CHECK(std::ranges::count(all.out, '\n') == 7);
  CHECK(all.out.starts_with("1  20"));
  CHECK(contains(all.out, "Z  people  fields  " + f.folder + "/people.csv:3: expected 3 fields"));
  CHECK(all.out.find("  fields  ") < all.out.find("  primary_key  "));
  CHECK(contains(all.out, "3 letters\n  people  "));
  const Outcome few = f.dlq("list", {"--code", "fields", "--target", "PEOPLE", "--source",
                                     "people.csv", "--since", "1h", "--output", "json"});
  CHECK(few.status == 0);
  CHECK(std::ranges::count(few.out, '\n') == 2);
  CHECK(few.out.starts_with("{\"id\":1,\"at\":\"20"));
  CHECK(few.out.ends_with(
      "{\"letters\":1,\"counts\":[{\"target\":\"people\",\"code\":\"fields\",\"letters\":1}]}\n"));
  const Outcome newest = f.dlq("list", {"--limit", "1"});
  CHECK(newest.out.starts_with("3  "));
  CHECK(contains(newest.out, "3 letters\n"));
  CHECK(contains(newest.err, "the newest 1 are shown; --limit 10 shows more, --limit 0 all"));
  const Outcome none = f.dlq("list", {"--target", "other"});
  CHECK(none.status == 0);
  CHECK(none.out.empty());
  CHECK(contains(none.err, "no dead letter in " + f.database.path() + " is of that kind"));
  CHECK(f.dlq("list", {"--since", "soon"}).status == 64);
}

TEST_CASE("dlq show: everything of some letters, as text and as JSON") {
  const People f("show");
  const Outcome text = f.dlq("show", {"1", "2"});
  CHECK(text.status == 0);
  CHECK(contains(text.out, "letter 1\n"));
  CHECK(contains(text.out, "  raw       2,Grace\n"));
  CHECK(contains(text.out, "  columns   {\"id\":1,\"name\":\"Mary\",\"score\":2.5}\n"));
  const Outcome json = f.dlq("show", {"2", "--output", "json"});
  CHECK(json.out.starts_with("{\"id\":2,"));
  CHECK(json.out.ends_with(
      "\"attempts\":0,\"columns\":{\"id\":1,\"name\":\"Mary\",\"score\":2.5}}\n"));
  const Outcome unknown = f.dlq("show", {"2", "9"});
  CHECK(unknown.status == 66);
  CHECK(unknown.out.empty());
  CHECK(contains(unknown.err, "expected letter 9 in "));
  CHECK(f.dlq("show").status == 64);
  const Outcome word = f.dlq("show", {"abc"});
  CHECK(word.status == 64);
  CHECK_MESSAGE(contains(word.err, "ID: expected a number, found \"abc\""), word.err);
}

TEST_CASE("dlq replay: letters that nobody corrected stay what they were, with an attempt more") {
  const People f("again");
  f.database.run("CREATE TABLE before AS SELECT * FROM mayfly_dead_letters");
  const JsonSummary summary = f.replay(65);
  CHECK(summary.read == 3);
  CHECK(summary.rejected == 3);
  CHECK(summary.exit_status == 65);
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") ==
        Rows{"1|1", "2|1", "3|1"});
  CHECK(f.database.integer(
            "SELECT count(*) FROM mayfly_dead_letters l JOIN before b USING(id, source, ordinal, "
            "line, code, target) WHERE l.columns IS b.columns AND l.raw IS b.raw") == 3);
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: corrected by SQL, values and records end as if they had been right at first") {
  const People f("sql");
  f.database.run(
      "UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', 3) WHERE id = 2;"
      "UPDATE mayfly_dead_letters SET raw = raw || ',' WHERE id = 1;"
      "UPDATE mayfly_dead_letters SET raw = '7,Joan,1' WHERE id = 3");
  const JsonSummary summary = f.replay(0);
  CHECK(summary.read == 3);
  CHECK(summary.inserted == 3);
  CHECK(summary.table == "people");
  CHECK(f.database.rows("SELECT id, typeof(id), name, score, typeof(score) FROM people") ==
        Rows{"1|integer|Ada|1.5|real", "2|integer|Grace|NULL|null", "3|integer|Mary|2.5|real",
             "7|integer|Joan|1.0|real"});
  CHECK(f.letters() == 0);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay --from: what show wrote, edited, and only those letters") {
  const People f("from");
  const std::string shown = f.dlq("show", {"2", "--output", "json"}).out;
  std::string edited = shown;
  edited.replace(edited.find("\"id\":1"), 6, "\"id\":4");
  const std::string from = f.file("letters.ndjson", edited + R"({"id":1,"raw":"2,Grace,3"})"
                                                             "\n");
  const JsonSummary summary = f.replay(0, {"--from", from});
  CHECK(summary.inserted == 2);
  CHECK(f.database.rows("SELECT id, name FROM people ORDER BY id") ==
        Rows{"1|Ada", "2|Grace", "4|Mary"});
  CHECK(f.database.rows("SELECT id FROM mayfly_dead_letters") == Rows{"3"});
}

TEST_CASE("dlq replay --from: a file that isn't of letters, or of others, changes nothing") {
  const People f("bad_from");
  const std::string good = "{\"id\":1,\"raw\":\"2,Grace,3\"}\n";
  const Outcome line = f.dlq("replay", {"--from", f.file("a", good + "{\"id\":2}\n")});
  CHECK(line.status == 65);
  CHECK(contains(line.err,
                 "/a:2: expected one of \"columns\", \"raw\" and \"raw_base64\", found none"));
  const Outcome unknown =
      f.dlq("replay", {"--from", f.file("b", good + "{\"id\":9,\"raw\":\"\"}")});
  CHECK(unknown.status == 66);
  CHECK(contains(unknown.err, "expected letter 9 in "));
  const Outcome other = f.dlq("replay", {"2", "--from", f.file("c", good)});
  CHECK(other.status == 64);
  CHECK(contains(other.err, "--from: letter 1 isn't among the letters that are chosen"));
  CHECK(f.dlq("replay", {"--from", f.folder + "/none"}).status == 66);
  CHECK(f.database.rows("SELECT raw FROM mayfly_dead_letters WHERE id = 1") == Rows{"2,Grace"});
  CHECK(f.letters() == 3);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: one that an older version has begun goes on, or is let go") {
  const People f("older_set");
  REQUIRE(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  f.database.run("ALTER TABLE mayfly_replay_parts DROP COLUMN format");
  CHECK(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  CHECK(f.dlq("replay", {"--abandon"}).status == 0);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: what is gone on with is read as it began, whatever is said by then") {
  const DlqFixture f("go_on_format");
  f.ingest("t.csv", "a,b\n1,2\n3\n4\n");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '3;4'");
  f.database.run("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(ABORT, 'no'); END");
  REQUIRE(f.dlq("replay", {"--delimiter", ";", "--columns", "b,a", "--on-error", "fail"}).status ==
          65);
  f.database.run("DROP TRIGGER no");
  const Outcome outcome = f.dlq("replay", {"--delimiter", "|"});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.err, "columns, delimiter and quote are those that it began with"));
  CHECK(f.database.rows("SELECT a, b FROM t") == Rows{"1|2", "4|3", "4|3"});
}

TEST_CASE("dlq replay: upsert, ignore and replace do what they do in ingest") {
  const People f("upsert");
  CHECK(f.replay(0, {"2", "--upsert"}).updated == 1);
  CHECK(f.database.rows("SELECT name FROM people WHERE id = 1") == Rows{"Mary"});
  const People g("ignore");
  CHECK(g.replay(0, {"2", "--ignore"}).ignored == 1);
  CHECK(g.letters() == 2);
  const People h("no_key");
  h.database.run("ALTER TABLE people RENAME TO old; CREATE TABLE people(id, name, score)");
  const Outcome refused = h.dlq("replay", {"2", "--upsert"});
  CHECK(refused.status == 78);
  CHECK(contains(refused.err, "needs key columns"));
  CHECK(contains(refused.err, "no row was written; the letters are as they were"));
  CHECK(h.letters() == 3);
  CHECK(h.is_clean());
}

TEST_CASE("dlq replay: an upsert of one file's letters leaves other files' columns alone") {
  const DlqFixture f("upsert_columns");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
  f.database.run("INSERT INTO t VALUES(1, 'a', 'b'), (2, 'a', 'b')");
  f.ingest("x.csv", "id,a\n1,new\n", {"--table", "t"});
  f.ingest("y.csv", "id,b\n2,new\n", {"--table", "t"});
  CHECK(f.replay(0, {"--upsert"}).updated == 2);
  CHECK(f.database.rows("SELECT * FROM t") == Rows{"1|new|b", "2|a|new"});
}

TEST_CASE("dlq replay: several targets, one after the other, hostile names among them") {
  const DlqFixture f("targets");
  const std::string hostile = "x\"; DROP TABLE y; --";
  f.ingest("a.csv", "id,v\n1,a\n1,b\n", {"--table", hostile, "--pk", "id"});
  f.ingest("b.csv", "id,v\n1,a\n1,b\n", {"--table", "y", "--pk", "id"});
  f.database.run("UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', 2)");
  const Outcome outcome = f.dlq("replay", {"--output", "json"});
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  REQUIRE(std::ranges::count(outcome.out, '\n') == 2);
  const std::size_t end = outcome.out.find('\n') + 1;
  CHECK(parse_summary(outcome.out.substr(0, end)).table == hostile);
  CHECK(parse_summary(outcome.out.substr(end)).table == "y");
  CHECK(f.database.rows("SELECT v FROM \"x\"\"; DROP TABLE y; --\"") == Rows{"a", "b"});
  CHECK(f.database.rows("SELECT v FROM y") == Rows{"a", "b"});
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq replay: by filter, and nothing to replay") {
  const People f("filter");
  f.database.run("UPDATE people SET id = 50");
  CHECK(f.replay(0, {"--code", "primary_key", "--target", "people"}).inserted == 1);
  CHECK(f.letters() == 2);
  const Outcome none = f.dlq("replay", {"--code", "primary_key"});
  CHECK(none.status == 0);
  CHECK(none.out.empty());
  CHECK(contains(none.err, "no dead letter in " + f.database.path() + " is of that kind"));
  const Outcome unknown = f.dlq("replay", {"2"});
  CHECK(unknown.status == 66);
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay: a record that was cut stays a letter, and is named") {
  const DlqFixture f("cut");
  f.ingest("t.csv", "a,b\n1,2\n" + std::string(70'000, 'x') + "\n3\n");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '3,4' WHERE id = 2");
  const Outcome outcome = f.dlq("replay");
  CHECK(outcome.status == 65);
  CHECK(contains(outcome.err, "letter 1 stays as it is: only the first 64 KiB of its record"));
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") == Rows{"1|0"});
  CHECK(contains(
      outcome.out,
      "Of 1 row read, 1 was written to t (1 inserted, 0 updated), 0 ignored, 0 rejected, in "));
  const Outcome corrected =
      f.dlq("replay", {"--from", f.file("c", "{\"id\":1,\"raw\":\"5,6\"}\n")});
  CHECK_MESSAGE(corrected.status == 0, corrected.err);
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq replay --on-error fail: stops at the letter, and the same command goes on") {
  const People f("fail");
  const Outcome failed = f.dlq("replay", {"--on-error", "fail"});
  CHECK(failed.status == 65);
  CHECK_MESSAGE(
      contains(failed.err,
               "error: letter 1 was rejected: fields: expected 3 fields, found 2; nothing of its "
               "transaction was written"),
      failed.err);
  CHECK(
      contains(failed.err, "3 letters of this replay are still to be written: mayfly dlq replay "));
  CHECK(f.letters() == 3);

  // Its letters are spoken for.
  const Outcome purge = f.dlq("purge", {"1"});
  CHECK(purge.status == 75);
  CHECK(contains(purge.err, "letter 1 is of a replay that runs, or was cut off; go on with it"));
  const Outcome other = f.dlq("replay", {"2"});
  CHECK(other.status == 64);
  CHECK(contains(
      other.err,
      "has 3 letters left, chosen by nothing (all of them); expected the same choice or none"));

  const std::string from =
      f.file("c", "{\"id\":1,\"raw\":\"2,Grace,3\"}\n{\"id\":3,\"raw\":\"7,Joan,1\"}\n");
  const Outcome gone_on = f.dlq("replay", {"--from", from});
  CHECK(gone_on.status == 65);
  CHECK(contains(gone_on.err, "going on with the replay that was cut off: 3 letters of 3 left"));
  CHECK(f.database.rows("SELECT id FROM people ORDER BY id") == Rows{"1", "2", "7"});
  CHECK(f.database.rows("SELECT id, attempts FROM mayfly_dead_letters") == Rows{"2|1"});
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: the same choice goes on with what was cut off, also where letters are answered") {
  const People f("same");
  f.database.run("UPDATE mayfly_dead_letters SET raw = '2,Grace,3' WHERE id = 1");
  f.database.run(
      "CREATE TABLE other(id INTEGER PRIMARY KEY, name TEXT);"
      "UPDATE mayfly_dead_letters SET target = 'other', columns = '{\"id\":1}' "
      "WHERE id = 2");
  f.database.run("INSERT INTO other VALUES(1, 'there')");
  const Rows chosen = {"1", "2", "--on-error", "fail"};
  const Outcome failed = f.dlq("replay", chosen);
  CHECK(failed.status == 65);
  CHECK(contains(failed.err, "error: letter 2 can't be written: primary_key"));
  f.database.run("DELETE FROM other");
  const Outcome other = f.dlq("replay", {"--target", "other"});
  CHECK(other.status == 64);
  CHECK(contains(other.err, "chosen by {\"ids\":[1,2]}; expected the same choice or none"));
  const Outcome from = f.dlq("replay", {"--from", f.file("c", "{\"id\":3,\"raw\":\"\"}\n")});
  CHECK(from.status == 64);
  CHECK(contains(from.err, "--from: letter 3 isn't of the replay that was cut off"));
  CHECK_MESSAGE(f.dlq("replay", chosen).status == 0, f.dlq("list").out);
  CHECK(f.database.rows("SELECT id FROM people ORDER BY id") == Rows{"1", "2"});
  CHECK(f.database.rows("SELECT id FROM other") == Rows{"1"});
  CHECK(f.database.rows("SELECT id FROM mayfly_dead_letters") == Rows{"3"});
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: a letter of other columns than when the replay began isn't written as it was") {
  const DlqFixture f("other_columns");
  f.database.run(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK(a <> 'bad'), b TEXT DEFAULT 'none');"
      "CREATE TABLE u(id, a, b); INSERT INTO t VALUES(1, 'old', 'kept'), (2, 'old', 'kept')");
  f.ingest("in.csv", "id,a,b\n1,bad,x\n2,bad,x\n", {"--table", "t", "--upsert"});
  const auto stop = [&] {
    const Outcome failed = f.dlq("replay", {"--upsert", "--on-error", "fail"});
    CHECK_MESSAGE(failed.status == 65, failed.err);
  };
  const auto refused = [&](const Rows& more, std::string_view why) {
    Rows all = {"--upsert"};
    all.insert(all.end(), more.begin(), more.end());
    const Outcome outcome = f.dlq("replay", all);
    CHECK(outcome.status == 65);
    CHECK_MESSAGE(contains(outcome.err, why), outcome.err);
    CHECK_MESSAGE(contains(outcome.err, " --abandon), and begin it anew"), outcome.err);
    CHECK(f.database.rows("SELECT b FROM t") == Rows{"kept", "kept"});
  };
  stop();
  const std::string from = f.file("c", R"({"id":1,"columns":{"id":1,"a":"good"}})"
                                       "\n");
  refused({"--from", from},
          "letter 1 was of the columns id, a, b when the replay began, and is of id, a; ");
  f.database.run(R"(UPDATE mayfly_dead_letters SET columns = '{"id":2,"a":"good"}' WHERE id = 2)");
  refused({}, "letter 2 was of the columns id, a, b when the replay began, and is of id, a; ");
  f.database.run(
      R"(UPDATE mayfly_dead_letters SET columns = '{"a":"good","b":"y","id":2}', target = 'u' WHERE id = 2)");
  refused({}, "letter 2 was for table t when the replay began, and is for u; ");
  f.database.run("UPDATE mayfly_dead_letters SET target = 'T' WHERE id = 2");
  CHECK(f.dlq("replay", {"--upsert"}).status == 65);
  CHECK(f.database.rows("SELECT a, b FROM t ORDER BY id") == Rows{"old|kept", "good|y"});
  CHECK(f.dlq("replay", {"--upsert", "--from", from}).status == 0);
  CHECK(f.database.rows("SELECT a, b FROM t ORDER BY id") == Rows{"good|kept", "good|y"});
  CHECK(f.is_clean());
}

TEST_CASE("dlq replay --from: a file without letters replays none") {
  const People f("from_nothing");
  for (const char* text : {"", "\n  \n"}) {
    const Outcome outcome = f.dlq("replay", {"--upsert", "--from", f.file("empty", text)});
    CHECK(outcome.status == 65);
    CHECK_MESSAGE(contains(outcome.err, "expected at least one letter, found none"), outcome.err);
  }
  CHECK(f.letters() == 3);
  CHECK(f.database.rows("SELECT name FROM people") == Rows{"Ada"});
}

TEST_CASE("dlq replay --abandon: lets what was cut off go; its letters stay") {
  const People f("abandon");
  CHECK(f.dlq("replay", {"--on-error", "fail"}).status == 65);
  CHECK_FALSE(f.is_clean());
  CHECK(f.dlq("replay", {"--abandon", "2"}).status == 64);
  const Outcome outcome = f.dlq("replay", {"--abandon"});
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err, "let go; 3 of its letters are left, as before"));
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
  const Outcome again = f.dlq("replay", {"--abandon"});
  CHECK(again.status == 0);
  CHECK(contains(again.err, "nothing to let go"));
}

TEST_CASE("dlq replay: a table that is gone is told before anything is done") {
  const People f("gone");
  f.database.run("DROP TABLE people");
  const Outcome outcome = f.dlq("replay");
  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "is for table \"people\", and the database has no such table"));
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq purge: by number, by filter, all; and only when it is said which") {
  const People f("purge");
  const Outcome none = f.dlq("purge");
  CHECK(none.status == 64);
  CHECK(contains(none.err, "which letters are to be deleted?"));
  CHECK(f.dlq("purge", {"1", "--all"}).status == 64);
  CHECK(f.dlq("purge", {"1", "9"}).status == 66);
  CHECK(f.letters() == 3);
  CHECK(f.dlq("purge", {"1"}).out == "1 letter deleted\n");
  CHECK(f.dlq("purge", {"--code", "nothing"}).out == "0 letters deleted\n");
  CHECK(f.dlq("purge", {"--all", "--output", "json"}).out == "{\"deleted\":2}\n");
  CHECK(f.letters() == 0);
}

TEST_CASE("dlq: no database, no letters, another kind of file") {
  const DlqFixture f("nothing");
  f.database.run("CREATE TABLE other(x)");
  const std::string text = f.file("text", "this is a text, and long enough to be another kind");
  for (const std::string action : {"list", "replay"}) {
    const Outcome outcome = f.dlq(action);
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, "there are no dead letters in " + f.database.path()));
    CHECK(run_mayfly({"dlq", action, f.folder + "/none.db"}).status == 66);
    CHECK(run_mayfly({"dlq", action, f.folder}).status == 66);
    CHECK(run_mayfly({"dlq", action, text}).status == 74);
  }
  CHECK(f.dlq("list", {"--output", "json"}).out == "{\"letters\":0,\"counts\":[]}\n");
  CHECK(f.dlq("purge", {"--all"}).out == "0 letters deleted\n");
  CHECK(f.dlq("show", {"1"}).status == 66);
  CHECK(f.dlq("replay", {"1"}).status == 66);
  CHECK(run_mayfly({"dlq"}).status == 64);
}

TEST_CASE("dlq: another process's lock is waited for until the deadline, and told") {
  const People f("locked");
  const WriteLock lock(f.database.path());
  for (const Rows& command : {Rows{"replay"}, Rows{"purge", "--all"}}) {
    Rows more(command.begin() + 1, command.end());
    more.insert(more.end(), {"--deadline", "100ms"});
    const Outcome outcome = f.dlq(command[0], more);
    CHECK_MESSAGE(outcome.status == 75, outcome.err);
    CHECK(contains(outcome.err, "locked"));
  }
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq replay: a second one at the same time is refused, and nothing is doubled") {
  const DlqFixture f("two");
  f.database.run("CREATE TABLE t(id INTEGER, name TEXT)");
  f.database.run("CREATE TABLE k(id INTEGER PRIMARY KEY, name TEXT)");
  f.ingest("t.csv", "id,name\n1,a\n1,b\n1,c\n", {"--table", "k"});
  f.database.run("UPDATE mayfly_dead_letters SET target = 't'");
  // It has the set, and waits for a lock while the other one comes.
  auto lock = std::make_unique<WriteLock>(f.database.path());
  RunProgram first(mayfly_path(), {"dlq", "replay", f.database.path()});
  const std::string file = f.database.path() + "-replay-mayfly.lock";
  while (first.running() && (!std::filesystem::exists(file) || read_file(file).empty())) {
    std::this_thread::yield();
  }
  const Outcome second = f.dlq("replay", {"--deadline", "10s"});
  CHECK(second.status == 75);
  CHECK(contains(second.err, "another replay of " + f.database.path() + " is at work"));
  lock.reset();
  CHECK_MESSAGE(first.wait() == 0, first.err());
  CHECK(f.database.rows("SELECT name FROM t") == Rows{"b", "c"});
  CHECK(f.is_clean());
}

TEST_CASE(
    "dlq replay: beside a writer that is at work it is refused, and its letters are as they were") {
  const People f("beside");
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  {
    RunProgram writer(
        mayfly_path(),
        {"ingest", "-", "--format", "csv", "--into", f.database.path(), "--table", "stream"},
        {.stdin_fd = pipe_ends[0]});
    const std::string rows = "a\n1\n";
    REQUIRE(::write(pipe_ends[1], rows.data(), rows.size()) == static_cast<ssize_t>(rows.size()));
    wait_for_rows(writer, f.database.path(), "stream", 1);
    const Outcome outcome = f.dlq("replay");
    CHECK(outcome.status == 75);
    CHECK(contains(outcome.err, "one writer at a time, try again when it is done"));
    CHECK(contains(outcome.err, "no row was written; the letters are as they were"));
    ::close(pipe_ends[1]);
    ::close(pipe_ends[0]);
    writer.signal(SIGTERM);
    writer.wait();
  }
  CHECK(f.is_clean());
  CHECK(f.letters() == 3);
}

TEST_CASE("dlq replay: SIGTERM stops it with 75, and it goes on") {
  const DlqFixture f("term");
  f.database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
  std::string text = "id,name\n";
  for (int i = 0; i < 20'000; ++i) text += "0,n" + std::to_string(i) + "\n";
  f.ingest("t.csv", text);
  f.database.run("UPDATE mayfly_dead_letters SET columns = json_set(columns, '$.id', id + 10)");
  {
    // It waits for the lock, and has its letters: then it is stopped.
    RunProgram program(mayfly_path(),
                       {"dlq", "replay", f.database.path(), "--synchronous", "full"});
    wait_for_rows(program, f.database.path(), "t", 2);
    program.signal(SIGTERM);
    const int status = program.wait();
    CHECK_MESSAGE((status == 75 || status == 0), program.err());
  }
  if (f.letters() > 0) CHECK(f.dlq("replay").status == 0);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 20'000);
  CHECK(f.letters() == 0);
  CHECK(f.is_clean());
}

TEST_CASE("ingest: rows that were rejected are told with the commands that show and write them") {
  const DlqFixture f("advice");
  const Outcome outcome =
      run_mayfly({"ingest", f.file("t.csv", "a,b\n1\n2,3\n"), "--into", f.database.path()});
  CHECK(outcome.status == 65);
  CHECK(
      contains(outcome.err, "1 row rejected; see them with: mayfly dlq list " + f.database.path()));
  CHECK(contains(outcome.err, "write them with: mayfly dlq replay " + f.database.path()));
}
