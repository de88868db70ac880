#include "tools/mayfly/aftermath.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/compressed.h"
#include "tests/support/database.h"
#include "tests/support/run_program.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

Aftermath ingest_aftermath() {
  return {.kept = "2 rows of the input are in a.db for good",
          .database = "a.db",
          .table = "t",
          .source = "/x/t.csv",
          .go_on = "The same command with --resume goes on there"};
}

RunResult failed(Code code, const std::string& message, const std::string& key) {
  RunResult result;
  result.status = Status(code, message);
  for (const auto& [name, each] : {std::pair{"other", std::string("/other")}, {"file", key}}) {
    SourceStats& source = result.stats.sources.emplace_back();
    source.name = name;
    source.key = each;
    source.totals.read = 1;
  }
  return result;
}

InputState state_of(const RunResult& result) {
  std::string source;
  return input_state(result, source);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("aftermath: where nothing has changed, the same command goes on") {
  CHECK(to_text(ingest_aftermath()) ==
        "2 rows of the input are in a.db for good. The same command with --resume goes on there");
}

TEST_CASE("aftermath: a damaged file's rows aren't said to be taken up again") {
  Aftermath a = ingest_aftermath();
  a.input = InputState::kDamaged;
  CHECK(to_text(a) ==
        "2 rows of the input are in a.db for good, but came from a file that is damaged; the whole "
        "one will be another file to --resume. Take these rows out of t before you give the same "
        "command without --resume, else they are doubled, unless a unique key of t prevents it");
  a.keyed = true;
  CHECK(to_text(a).ends_with(
      "Give the same command without --resume then: known keys aren't doubled, except NULL"));
}

TEST_CASE("aftermath: a run that always resumes must forget a damaged file's position") {
  Aftermath a = ingest_aftermath();
  a.input = InputState::kDamaged;
  a.always_resumes = true;
  CHECK(has(to_text(a),
            "will be another file to the next run. To read it anew, take what came "
            "from it out of t, then sqlite3 a.db "));
  CHECK(has(to_text(a), "DELETE FROM mayfly_offsets WHERE source = "));
  CHECK(has(to_text(a), "/x/t.csv"));
  // Another pipeline may read the same file into another table.
  CHECK(has(to_text(a), " AND target = "));
  CHECK(has(to_text(a), "; DELETE FROM mayfly_offset_ranges WHERE source = "));
  a.keyed = true;
  CHECK(has(to_text(a), "To read it anew, sqlite3 a.db "));
  a.input = InputState::kChanged;
  CHECK(has(to_text(a), "came from a file that changed meanwhile; it will be another file to "));
}

TEST_CASE("aftermath: what is gone isn't said to be kept") {
  Aftermath a = ingest_aftermath();
  a.table_state = TableState::kTableGone;
  CHECK(to_text(a) ==
        "there is no table t in a.db any more, and what was written to it went with it. Put it "
        "back, or "
        "read the input anew, without --resume");
  a.always_resumes = true;
  CHECK(has(to_text(a), "or read the input anew, after sqlite3 a.db "));
  CHECK(has(to_text(a), "DELETE FROM mayfly_offsets WHERE target = "));
  a.table_state = TableState::kDatabaseGone;
  CHECK(to_text(a) ==
        "a.db isn't there any more, and what was written to it went with it. Put it back, or let "
        "the next run read the input anew");
  a.table_state = TableState::kUnknown;
  CHECK(to_text(a).starts_with("2 rows of the input are in a.db for good. "));
}

TEST_CASE("aftermath: a stream isn't read again") {
  Aftermath a = ingest_aftermath();
  a.input = InputState::kStream;
  CHECK(to_text(a).ends_with(". A stream can't be read again: feed what is missing"));
}

TEST_CASE("aftermath: an archive that failed is damaged, a plain file may be read the next time") {
  const std::string folder = testing::make_folder();
  testing::write_file(folder + "/plain.csv", "id\n1\n");
  testing::write_file(folder + "/packed", testing::gzip("id\n1\n"));
  const std::string broken = "file: x: the gzip data is broken at byte 7: invalid block type";

  CHECK(state_of(failed(Code::kIo, broken, folder + "/packed")) == InputState::kDamaged);
  CHECK(state_of(failed(Code::kIo, broken, folder + "/plain.csv")) == InputState::kSame);
  CHECK(state_of(failed(Code::kIo, "syncing a.db", folder + "/packed")) == InputState::kSame);
  CHECK(state_of(failed(Code::kIo, "file: x: expected zstd data with a window of at most 128 MiB",
                        folder + "/packed")) == InputState::kDamaged);
  CHECK(state_of(failed(Code::kIo, "file: x: can't be read at byte 7: Input/output error",
                        folder + "/packed")) == InputState::kSame);
  CHECK(state_of(failed(Code::kNoInput, broken, folder + "/plain.csv")) == InputState::kChanged);
  CHECK(state_of(failed(Code::kIo, broken, "-")) == InputState::kStream);
  CHECK(state_of(failed(Code::kTryAgain, "a.db is locked", "-")) == InputState::kStream);
  CHECK(state_of(failed(Code::kBadData, "file: line 3", folder + "/packed")) == InputState::kSame);
}

TEST_CASE("aftermath: a file that failed before its first row spoils nothing of the others") {
  RunResult result = failed(Code::kNoInput, "file: x: changed", "/plain.csv");
  CHECK(state_of(result) == InputState::kChanged);
  result.stats.sources.back().totals.read = 0;
  CHECK(state_of(result) == InputState::kSame);
  result.stats.sources.back().resumed_from = 10;
  CHECK(state_of(result) == InputState::kChanged);
}

TEST_CASE("aftermath: where positions are lost, the same command reads everything anew") {
  Aftermath a = ingest_aftermath();
  a.table_state = TableState::kPositionsGone;
  CHECK(to_text(a) ==
        "2 rows of the input are in a.db for good, but there is no table mayfly_offsets in a.db "
        "any more: how far the input was read isn't known, and the same command reads all of it. "
        "Take these rows out of t before, else they are doubled, unless a unique key of t prevents "
        "it");
  a.keyed = true;
  CHECK(has(to_text(a), "reads all of it; known keys aren't doubled"));
  // A stream isn't read again, positions or not.
  a.input = InputState::kStream;
  CHECK(has(to_text(a), "can't be read again"));
}

TEST_CASE("aftermath: a table is there, or gone with or without its database") {
  const testing::Database database("state");
  database.run("CREATE TABLE t(a)");

  CHECK(state_of_table(database.path(), "T") == TableState::kPositionsGone);
  database.run("CREATE TABLE mayfly_offsets(a)");
  CHECK(state_of_table(database.path(), "T") == TableState::kThere);
  CHECK(state_of_table(database.path(), "u") == TableState::kTableGone);
  CHECK(state_of_table(database.path() + ".none", "t") == TableState::kDatabaseGone);
  CHECK_FALSE(std::filesystem::exists(database.path() + ".none"));
}

TEST_CASE(
    "aftermath: a file that is another one than its mark's is found, whoever names it before") {
  const testing::Database file("it's: a file");
  file.run("CREATE TABLE t(x)");
  const auto found = [](const std::string& message) {
    return source_that_changed(Status(Code::kNoInput, message));
  };
  const std::string changed = file.path() + ": changed since the mark at byte 7: its size was 1";
  CHECK(found(changed) == file.path());
  CHECK(found("orders: " + changed) == file.path());
  CHECK(found(file.path() + ": no such file").empty());
  CHECK(found("/nowhere/at all: changed since the mark at byte 7").empty());
  CHECK(source_that_changed(Status(Code::kIo, changed)).empty());
}

TEST_CASE("aftermath: how to read a changed file anew depends on the command and on keys") {
  Aftermath a = ingest_aftermath();
  CHECK(to_read_anew(a) ==
        "The same command without --resume reads all its files anew; take what came from them out "
        "of t before, else it is doubled, unless a unique key of t prevents it");
  a.keyed = true;
  CHECK(has(to_read_anew(a), "known keys aren't doubled, except NULL"));
  a.always_resumes = true;
  CHECK(to_read_anew(a).starts_with("To read it anew, sqlite3 a.db "));
  a.keyed = false;
  CHECK(has(to_read_anew(a), "take what came from it out of t, then sqlite3 a.db "));
}

TEST_CASE("aftermath: beginning again takes out what was written, or needs a key that is updated") {
  Aftermath a = ingest_aftermath();
  CHECK(
      to_begin_again(a, 2) ==
      "2 rows were written to t. Before you ingest this input again, corrected or with other "
      "options, take what was written out of it (or drop t, if nothing else is in it: its columns "
      "keep their types) and leave --resume out; else it is doubled, unless a unique key of t "
      "prevents it");
  CHECK(to_begin_again(a, 0).starts_with(
      "no row was written to t, but its columns keep their types: before "));
  a.keyed = is_keyed(WriterPlan::Mode::kUpsert);
  CHECK(to_begin_again(a, 1) ==
        "1 row was written to t, whose columns keep their types. To ingest this input again, "
        "corrected or with other options, leave --resume out: known keys aren't doubled, except "
        "NULL");
  // Without a key nothing is known to these.
  CHECK_FALSE(is_keyed(WriterPlan::Mode::kIgnore));
  CHECK_FALSE(is_keyed(WriterPlan::Mode::kReplace));
  a.keyed = false;
  a.always_resumes = true;
  a.sources = {"/x/t.csv", "/x/u.csv"};
  const std::string run = to_begin_again(a, 2);
  CHECK(run.starts_with(
      "what was read isn't read again by the next run. To read it anew, take what came from it out "
      "of t, then sqlite3 a.db "));
  // Another pipeline's files for the same table keep their positions.
  CHECK(has(run, "DELETE FROM mayfly_offsets WHERE source IN ("));
  CHECK(has(run, "/x/u.csv"));
  a.sources.clear();
  CHECK(to_begin_again(a, 2) == "a stream isn't read again: feed the corrected rows alone");
}

TEST_CASE("aftermath: a file that was written to while it waited may be as it was") {
  Aftermath a = ingest_aftermath();
  a.input = InputState::kWritten;
  CHECK(to_text(a) ==
        "2 rows of the input are in a.db for good. If the file is as it was, the same command with "
        "--resume goes on there; if not: the same command without --resume reads all its files "
        "anew; take what came from them out of t before, else it is doubled, unless a unique key "
        "of t prevents it");
  CHECK(state_of(failed(Code::kNoInput,
                        "file: a.csv: expected the file that was looked at before its turn came",
                        "/x/a.csv")) == InputState::kWritten);
}
