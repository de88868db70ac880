// `mayfly signals`, from outside.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

using Window = std::unique_ptr<mayfly::PersistentSignalWindow>;

Window open(const Database& database) {
  auto window = mayfly::PersistentSignalWindow::open(database.path());
  if (!window.ok()) FAIL(window.error().message);
  return std::move(*window);
}

}  // namespace

TEST_CASE("signals: what a window that is open has flushed, oldest first") {
  const Database database("signals_live");
  const Window window = open(database);
  window->raise("order.placed", "ada");
  window->raise(mayfly::WindowSignal("error.disk", {}, 7));
  REQUIRE(window->flush().ok());
  window->raise("not.flushed");

  const Outcome all = run_mayfly({"signals", database.path()});
  const Outcome errors = run_mayfly({"signals", database.path(), "error.*", "--since", "10m"});
  const Outcome json = run_mayfly({"signals", database.path(), "order.*", "--output", "json"});

  CHECK(all.status == 0);
  CHECK(contains(all.out, "Z  order.placed  key=ada\n"));
  CHECK(all.out.find("order.placed") < all.out.find("error.disk"));
  CHECK(!contains(all.out, "not.flushed"));
  CHECK(all.err.empty());
  CHECK(contains(errors.out, "Z  error.disk  operation=7\n"));
  CHECK(!contains(errors.out, "order"));
  CHECK(json.out.starts_with(R"({"id":1,"timestamp":"20)"));
  CHECK(json.out.ends_with("\"signal\":\"order.placed\",\"operation_id\":0,\"key\":\"ada\"}\n"));
}

TEST_CASE("signals: the newest of many, and all of them") {
  const Database database("signals_many");
  const Window window = open(database);
  for (int i = 0; i < 1'500; ++i) window->raise("s." + std::to_string(i));
  REQUIRE(window->flush().ok());

  const Outcome newest = run_mayfly({"signals", database.path()});
  const Outcome none = run_mayfly({"signals", database.path(), "--limit", "-1"});
  CHECK(none.status == 64);
  CHECK_MESSAGE(
      none.err.find("--limit: Value -1 not in range 0 to 9223372036854775807") != std::string::npos,
      none.err);
  const Outcome two = run_mayfly({"signals", database.path(), "--limit", "2"});
  const Outcome all = run_mayfly({"signals", database.path(), "--limit", "0"});

  CHECK(!contains(newest.out, "  s.499\n"));
  CHECK(contains(newest.out, "  s.500\n"));
  CHECK(contains(newest.out, "  s.1499\n"));
  CHECK(contains(newest.err, "the newest 1000 are shown; --limit 10000 shows more, --limit 0 all"));
  CHECK(std::ranges::count(two.out, '\n') == 2);
  CHECK(std::ranges::count(all.out, '\n') == 1'500);
  CHECK(all.err.empty());
}

TEST_CASE("signals: a name is one line, whatever is in it") {
  const Database database("signals_control");
  const Window window = open(database);
  window->raise("a\x1b[31m\nb\"c\xff");
  REQUIRE(window->flush().ok());

  const Outcome outcome = run_mayfly({"signals", database.path()});

  CHECK(std::ranges::count(outcome.out, '\n') == 1);
  CHECK(!contains(outcome.out, "\x1b"));
  CHECK(contains(outcome.out, "[31m\\nb\"c"));
}

TEST_CASE("signals: what can't be read has a message and a status") {
  const Database database("signals_bad");
  const std::string folder = make_folder();
  write_file(folder + "/text.db", "this is a text, and long enough to be taken for a database");
  database.run("CREATE TABLE other(a)");

  CHECK(run_mayfly({"signals", folder + "/none.db"}).status == 66);
  CHECK(!std::filesystem::exists(folder + "/none.db"));
  CHECK(run_mayfly({"signals", folder}).status == 66);
  CHECK(run_mayfly({"signals", folder + "/text.db"}).status == 74);
  const Outcome without = run_mayfly({"signals", database.path()});
  CHECK(without.status == 66);
  CHECK(contains(without.err, "expected the table signals, found none"));
  database.run("CREATE TABLE signals(a)");
  CHECK(run_mayfly({"signals", database.path()}).status == 78);
  CHECK(run_mayfly({"signals"}).status == 64);
  const Outcome since = run_mayfly({"signals", database.path(), "--since", "soon"});
  CHECK(since.status == 64);
  CHECK(contains(since.err, "--since: expected a duration like 10m or a time like"));
}

TEST_CASE("signals: nothing that matches is no mistake, and is said") {
  const Database database("signals_none");
  const Window window = open(database);

  const Outcome outcome = run_mayfly({"signals", database.path(), "error.*"});

  CHECK(outcome.status == 0);
  CHECK(outcome.out.empty());
  CHECK(contains(outcome.err, "no signal matches \"error.*\""));
}
