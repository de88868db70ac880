#include "tools/mayfly/console.h"

#include <doctest/doctest.h>

#include "tools/mayfly/fake_terminal.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

struct Fixture {
  FakeTerminal out{false};
  FakeTerminal err;
  ManualClock clock;
  Console console;

  explicit Fixture(ConsoleOptions options = {}, bool terminal = true)
      : err(terminal, 40), console(out, err, clock, options) {}
};

}  // namespace

TEST_CASE("console: results go out, messages to the side") {
  Fixture f;

  f.console.print("7\n");
  f.console.error("no");

  CHECK(f.out.written == "7\n");
  CHECK(f.err.written == "mayfly: error: no\n");
}

TEST_CASE("console: what is below the threshold isn't said") {
  Fixture f({.threshold = Level::kWarning});

  f.console.note("x");
  f.console.message(Level::kInfo, "y");
  f.console.warning("z");

  CHECK(f.err.written == "mayfly: warning: z\n");
}

TEST_CASE("console: a message is a line of JSON when that was asked for") {
  Fixture f({.json_messages = true});

  f.console.message(Level::kWarning, "retry", "a \"b\"");

  CHECK(f.err.written ==
        "{\"at\":\"2023-11-14T22:13:21.000Z\",\"level\":\"warning\",\"who\":"
        "\"retry\",\"message\":\"a \\\"b\\\"\"}\n");
}

TEST_CASE("console: a message takes the status line away and draws it again") {
  Fixture f;
  f.console.set_status_line("50%");

  f.console.warning("w");

  CHECK(f.err.written == "\r\x1b[K50%\r\x1b[Kmayfly: warning: w\n50%");
}

TEST_CASE("console: a status line never wraps") {
  Fixture f;

  f.console.set_status_line(std::string(60, 'x'));

  CHECK(f.err.last_line() == std::string(39, 'x'));
}

TEST_CASE("console: there is no status line without a terminal, with JSON messages or quiet") {
  CHECK(Fixture().console.has_status_line());
  CHECK_FALSE(Fixture({}, false).console.has_status_line());
  CHECK_FALSE(Fixture({.json_messages = true}).console.has_status_line());
  CHECK_FALSE(Fixture({.threshold = Level::kWarning}).console.has_status_line());
}

TEST_CASE("console: a result that can't be written is remembered") {
  Fixture f;
  f.out.broken = true;

  f.console.print("x");

  CHECK(f.console.output_failed());
}

TEST_CASE("colour: by choice first, then NO_COLOR, then the terminal") {
  CHECK(wants_color("auto", nullptr, "xterm", true));
  CHECK(wants_color("auto", "", "xterm", true));
  CHECK_FALSE(wants_color("auto", "1", "xterm", true));
  CHECK_FALSE(wants_color("auto", nullptr, "dumb", true));
  CHECK_FALSE(wants_color("auto", nullptr, "xterm", false));
  CHECK(wants_color("always", "1", "dumb", false));
  CHECK_FALSE(wants_color("never", nullptr, "xterm", true));
}
