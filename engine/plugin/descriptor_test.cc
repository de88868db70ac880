#include <doctest/doctest.h>

#include "mayfly/plugin/library.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

mayfly_result process(void*, mayfly_slice*) { return MAYFLY_OK; }
mayfly_result configure(void*, const mayfly_host*, mayfly_context*, const mayfly_value*) {
  return MAYFLY_OK;
}

constexpr mayfly_named kOut[] = {{"out", "All rows."}};
constexpr mayfly_option kGood = {"rows", MAYFLY_OPTION_INT, 0, "1", "1", "9", nullptr, "A number."};

template <class T, std::size_t N>
mayfly_table table(const T (&rows)[N]) {
  return {rows, N, sizeof(T)};
}

mayfly_plugin good() {
  mayfly_plugin p{};
  p.struct_size = sizeof p;
  p.abi_major = MAYFLY_ABI_MAJOR;
  p.abi_minor = MAYFLY_ABI_MINOR;
  p.name = "good";
  p.version = "1";
  p.summary = "Good.";
  p.kind = MAYFLY_NODE;
  p.ports = table(kOut);
  p.process = &process;
  return p;
}

template <class F>
std::string refusal(F&& spoil) {
  mayfly_plugin p = good();
  spoil(p);
  const auto checked = check_descriptor(&p, "f.so");
  return checked.ok() ? "" : checked.status().message();
}

std::string option_refusal(mayfly_option option) {
  const mayfly_option rows[] = {option};
  return refusal([&](mayfly_plugin& p) {
    p.options = table(rows);
    p.configure = &configure;
  });
}

TEST_CASE("descriptor: one that keeps the rules is copied") {
  const mayfly_plugin p = good();
  const auto checked = check_descriptor(&p, "f.so");
  REQUIRE(checked.ok());
  CHECK(std::string_view(checked->name) == "good");
}

TEST_CASE("descriptor: of a longer one, from a later build, the known part is taken") {
  struct Longer {
    mayfly_plugin plugin = good();
    std::uint64_t more = 1;
  } longer;
  longer.plugin.struct_size = sizeof longer;
  const auto checked = check_descriptor(&longer.plugin, "f.so");
  REQUIRE(checked.ok());
  CHECK(checked->struct_size == sizeof(mayfly_plugin));
}

TEST_CASE("descriptor: tables may have longer elements than the host knows") {
  struct Longer {
    mayfly_named named;
    std::uint64_t more;
  };
  static constexpr Longer kPorts[] = {{{"left", "Some."}, 1}, {{"right", "Others."}, 2}};
  mayfly_plugin p = good();
  p.ports = table(kPorts);
  const auto checked = check_descriptor(&p, "f.so");
  REQUIRE(checked.ok());
  CHECK(NamedTable(checked->ports).find("right") == 1);
}

TEST_CASE("descriptor: versions are compared as the ABI says") {
  CHECK(refusal([](mayfly_plugin& p) { p.abi_major = 9; }) ==
        "f.so: built for plugin ABI 9.2, this program has 1.2, and majors must be equal; build the "
        "plugin with this version's mayfly_abi.h");
  CHECK(refusal([](mayfly_plugin& p) { p.abi_minor = 9; }) ==
        "f.so: built for plugin ABI 1.9, newer than this program's 1.2; update the program or "
        "build the plugin with its mayfly_abi.h");
  CHECK(refusal([](mayfly_plugin& p) { p.struct_size = 100; }) ==
        "f.so: its descriptor is cut short: struct_size is 100, ABI 1.2 has 248 bytes; set it to "
        "sizeof(mayfly_plugin)");
  CHECK(check_descriptor(nullptr, "f.so").status().message() ==
        "f.so: mayfly_plugin_v1 returned NULL; it must not");
}

TEST_CASE("descriptor: names, texts and kind are checked") {
  constexpr std::string_view kEnd = "; this is a mistake in the plugin";
  const auto is = [&](std::string found, std::string_view expected) {
    CHECK(found == "f.so: " + std::string(expected) + std::string(kEnd));
  };
  is(refusal([](mayfly_plugin& p) { p.name = "Bad-Name"; }),
     "the plugin's name must be [a-z][a-z0-9_]*, found \"Bad-Name\"");
  is(refusal([](mayfly_plugin& p) { p.name = nullptr; }),
     "the plugin's name must be [a-z][a-z0-9_]*, found \"NULL\"");
  is(refusal([](mayfly_plugin& p) { p.version = ""; }), "version is empty");
  is(refusal([](mayfly_plugin& p) { p.summary = nullptr; }), "summary is empty");
  is(refusal([](mayfly_plugin& p) { p.kind = 4; }),
     "kind must be source (1), node (2) or sink (3), found 4");
  is(refusal([](mayfly_plugin& p) { p.state_size = 8, p.state_align = 12; }),
     "state_align must be a power of two up to 4096, found 12");
}

TEST_CASE("descriptor: flags that contradict each other or the kind are refused") {
  const auto with = [](std::uint32_t flags) {
    return refusal([&](mayfly_plugin& p) { p.flags = flags; });
  };
  CHECK(with(MAYFLY_HOLDS | MAYFLY_KEEPS_ORDER).find("HOLDS contradicts KEEPS_ORDER") !=
        std::string::npos);
  CHECK(with(MAYFLY_KEEPS_KEY_ORDER).find("KEEPS_KEY_ORDER needs HOLDS") != std::string::npos);
  CHECK(with(MAYFLY_OPTIONAL_PORTS | MAYFLY_TRANSFORMS).find("nodes that make no rows") !=
        std::string::npos);
  CHECK(with(MAYFLY_SPLITS).find("SPLITS needs TRANSFORMS") != std::string::npos);
  CHECK(with(MAYFLY_ASKED_ONCE) == "");
  CHECK(with(MAYFLY_ASKED_ONCE | MAYFLY_TRANSFORMS).find("ASKED_ONCE is for nodes of 1 to 2") !=
        std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          static constexpr mayfly_named kThree[] = {{"a", "A."}, {"b", "B."}, {"c", "C."}};
          p.flags = MAYFLY_ASKED_ONCE;
          p.ports = table(kThree);
        }).find("ASKED_ONCE is for nodes of 1 to 2") != std::string::npos);
  CHECK(with(MAYFLY_KEEPS_SIGNALS) == "");
  CHECK(with(MAYFLY_REPLAYABLE).find("flags 0x40 mean nothing") != std::string::npos);
  CHECK(with(MAYFLY_PARSES_TEXT).find("flags 0x100 mean nothing") != std::string::npos);
  CHECK(with(MAYFLY_FAILS_ATTEMPTS).find("flags 0x400 mean nothing") != std::string::npos);
}

TEST_CASE("descriptor: a sink may have no port; one that fails attempts needs a port and reasons") {
  static constexpr mayfly_named kReason = {"refused", "It was refused."};
  const auto with = [](std::uint32_t flags, bool port, bool reason) {
    return refusal([&](mayfly_plugin& p) {
      p.kind = MAYFLY_SINK;
      p.flags = flags;
      if (!port) p.ports = {};
      if (reason) p.reasons = {&kReason, 1, sizeof kReason};
    });
  };
  CHECK(with(0, false, false) == "");
  CHECK(with(MAYFLY_FAILS_ATTEMPTS, true, true) == "");
  CHECK(with(MAYFLY_FAILS_ATTEMPTS, false, true).find("needs a port") != std::string::npos);
  CHECK(with(MAYFLY_FAILS_ATTEMPTS, true, false).find("needs a port") != std::string::npos);
}

TEST_CASE("descriptor: only a text of a source can be one that no other source has") {
  static mayfly_option option = {"path",  MAYFLY_OPTION_INT, MAYFLY_OPTION_UNIQUE, nullptr, nullptr,
                                 nullptr, nullptr,           "A number."};
  const auto with_kind = [](std::uint32_t kind) {
    return refusal([&](mayfly_plugin& p) {
      p.kind = kind;
      p.poll = [](void*, mayfly_batch*, std::int64_t) -> mayfly_result { return MAYFLY_END; };
      p.configure = [](void*, const mayfly_host*, mayfly_context*,
                       const mayfly_value*) -> mayfly_result { return MAYFLY_OK; };
      p.options = {&option, 1, sizeof option};
    });
  };
  constexpr std::string_view kRefused = "option \"path\": UNIQUE is for a text of a source";
  CHECK(with_kind(MAYFLY_SOURCE).find(kRefused) != std::string::npos);
  option.type = MAYFLY_OPTION_TEXT;
  CHECK(with_kind(MAYFLY_SOURCE) == "");
  CHECK(with_kind(MAYFLY_NODE).find(kRefused) != std::string::npos);
}

TEST_CASE("descriptor: options that name signals, or change at run time, need the call for it") {
  static mayfly_option option = {
      "on",    MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, nullptr, nullptr, nullptr, nullptr,
      "Globs."};
  const auto with = [](std::uint32_t flags, std::uint32_t type, bool calls) {
    option.flags = flags;
    option.type = type;
    return refusal([&](mayfly_plugin& p) {
      p.configure = [](void*, const mayfly_host*, mayfly_context*,
                       const mayfly_value*) -> mayfly_result { return MAYFLY_OK; };
      if (calls) {
        p.on_signal = [](void*, const mayfly_signal*, std::uint32_t) -> mayfly_result {
          return MAYFLY_OK;
        };
        p.set_option = [](void*, std::uint32_t, const mayfly_value*) -> mayfly_result {
          return MAYFLY_OK;
        };
      }
      p.options = {&option, 1, sizeof option};
    });
  };
  CHECK(with(MAYFLY_OPTION_SIGNALS, MAYFLY_OPTION_LIST, true) == "");
  CHECK(with(MAYFLY_OPTION_RUNTIME, MAYFLY_OPTION_INT, true) == "");
  CHECK(with(MAYFLY_OPTION_SIGNALS, MAYFLY_OPTION_LIST, false).find("`on_signal`") !=
        std::string::npos);
  CHECK(
      with(MAYFLY_OPTION_SIGNALS, MAYFLY_OPTION_INT, true).find("SIGNALS is for a text or list") !=
      std::string::npos);
  CHECK(with(MAYFLY_OPTION_RUNTIME, MAYFLY_OPTION_INT, false).find("`set_option`") !=
        std::string::npos);
  CHECK(with(MAYFLY_OPTION_SIGNALS | MAYFLY_OPTION_RUNTIME, MAYFLY_OPTION_TEXT, true)
            .find("can't change at run time") != std::string::npos);
}

TEST_CASE("descriptor: calls that kind, flags and tables need must be there") {
  CHECK(refusal([](mayfly_plugin& p) { p.process = nullptr; }).find("`process`") !=
        std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) { p.kind = MAYFLY_SOURCE; }).find("`poll`") !=
        std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.flags = MAYFLY_WANTS_COMPLETIONS;
        }).find("`on_completion`") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) { p.flags = MAYFLY_TRANSFORMS; }).find("`open`") !=
        std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) { p.listens = table(kOut); }).find("`on_signal`") !=
        std::string::npos);
  const mayfly_option rows[] = {kGood};
  CHECK(refusal([&](mayfly_plugin& p) { p.options = table(rows); }).find("`configure`") !=
        std::string::npos);
}

TEST_CASE("descriptor: tables are checked element by element") {
  static constexpr mayfly_named kTwice[] = {{"a", "A."}, {"a", "A."}};
  static constexpr mayfly_named kNoHelp[] = {{"a", ""}};
  static constexpr mayfly_named kBadStem[] = {{"has space", "A."}};
  CHECK(refusal([](mayfly_plugin& p) {
          p.ports = {};
        }).find("must have 1 to 64 output ports, found 0") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.ports = {nullptr, 1, 16};
        }).find("ports counts 1 elements but is NULL") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.ports.element_size = 8;
        }).find("ports has elements of 8 bytes") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.counters = table(kTwice);
        }).find("counters names \"a\" twice") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.reasons = table(kNoHelp);
        }).find("reasons \"a\" has no help sentence") != std::string::npos);
  CHECK(refusal([](mayfly_plugin& p) {
          p.raises = table(kBadStem);
        }).find("raises has the invalid name \"has space\"") != std::string::npos);
}

TEST_CASE("descriptor: an option's default, range and choices must fit each other") {
  CHECK(option_refusal(kGood) == "");
  mayfly_option option = kGood;
  option.default_value = "10";
  CHECK(option_refusal(option).find("option \"rows\": its default: 10 is over the maximum 9") !=
        std::string::npos);
  option.default_value = "many";
  CHECK(option_refusal(option).find("its default: expected an integer") != std::string::npos);
  option = kGood;
  option.minimum = "low";
  CHECK(option_refusal(option).find("its minimum: expected an integer") != std::string::npos);
  option = kGood;
  option.flags = MAYFLY_OPTION_REQUIRED;
  CHECK(option_refusal(option).find("both required and with a default") != std::string::npos);
  option = kGood;
  option.type = 99;
  CHECK(option_refusal(option).find("unknown type 99") != std::string::npos);
  option = kGood;
  option.name = "input";
  CHECK(option_refusal(option).find("\"input\" has a reserved name") != std::string::npos);
  option = {"mode", MAYFLY_OPTION_CHOICE, 0, nullptr, nullptr, nullptr, "", "A mode."};
  CHECK(option_refusal(option).find("a choice without choices") != std::string::npos);
}

}  // namespace
}  // namespace mayfly
