#include "mayfly/signal/match_command.h"

#include <doctest/doctest.h>

#include <string>

namespace mayfly {
namespace {

struct Case {
  const char* name;
  const char* command;
  std::optional<std::string_view> payload;
};

// C101
TEST_CASE("match command: the payload is what stands behind the command's colon") {
  const Case cases[] = {
      {"window.size.set:100", "window.size.set", "100"},
      {"window.size.increase:50", "window.size.increase", "50"},
      {"window.time.set:30s", "window.time.set", "30s"},
      {"prefix.window.size.set:200", "window.size.set", "200"},
      {"prefix.suffix.cmd:123", "cmd", "123"},
      {"window.size.set:", "window.size.set", ""},
      {"window.time.set:00:30:00", "window.time.set", "00:30:00"},
      {"cmd:value1:value2:value3", "cmd", "value1:value2:value3"},
      {"command:payload with spaces!@#", "command", "payload with spaces!@#"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(match_command(c.name, c.command) == c.payload);
  }
}

// C101
TEST_CASE("match command: without a colon, a command or the right one there is no payload") {
  const Case cases[] = {
      {"window.size.set", "window.size.set", std::nullopt},
      {"", "window.size.set", std::nullopt},
      {":100", "window.size.set", std::nullopt},
      {"window.size.set:100", "", std::nullopt},
      {":100", "", std::nullopt},
      {"", "", std::nullopt},
      {"other.signal", "window.size.set", std::nullopt},
      {"no.match:1", "window.size.set", std::nullopt},
      {"window.size.set.more:100", "window.size.set", std::nullopt},
      {"rewindow.size.set:100", "window.size.set", std::nullopt},
      {"log:window.size.set:100", "window.size.set", std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(match_command(c.name, c.command) == c.payload);
  }
}

TEST_CASE("match command: the payload is a part of the name, not a copy") {
  const std::string name = "window.size.set:100";
  CHECK(match_command(name, "window.size.set")->data() == name.data() + 16);
}

}  // namespace
}  // namespace mayfly
