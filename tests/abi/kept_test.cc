// Plugins of released minors of the ABI: they load, conform, and do what they did.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/plugin/conformance.h"
#include "mayfly/plugin/node_harness.h"
#include "tests/support/runfile.h"

namespace mayfly {
namespace {

namespace fs = std::filesystem;
using Ordinals = std::vector<std::uint64_t>;

// Into a folder that only this user writes to: a checkout may be of a group.
std::string trusted_copy(const std::string& runfile, const char* kind) {
  const fs::path folder = fs::path(std::getenv("TEST_TMPDIR")) / kind;
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  const fs::path copy = folder / "libsieve.so";
  fs::copy_file(testing::runfile(runfile), copy, fs::copy_options::overwrite_existing);
  fs::permissions(copy, fs::perms::owner_all);
  return copy.string();
}

// Once: a library that is loaded must not be written over.
std::vector<std::string> copy_kept() {
  std::vector<std::string> libraries = {trusted_copy(std::getenv("SIEVE_V1_0"), "built")};
#if defined(__x86_64__)
  libraries.push_back(trusted_copy(std::getenv("SIEVE_V1_0_OF_THEN"), "then"));
#endif
  return libraries;
}
const std::vector<std::string>& kept() {
  static const std::vector<std::string> libraries = copy_kept();
  return libraries;
}

TEST_CASE("abi: a plugin of 1.0 loads, and conforms") {
  for (const std::string& path : kept()) {
    CAPTURE(path);
    const auto library = PluginLibrary::load(path, ::geteuid());
    REQUIRE_MESSAGE(library.ok(), library.status().message());
    CHECK((*library)->plugin().abi_major == 1);
    CHECK((*library)->plugin().abi_minor == 0);
    const ConformanceReport report = check_conformance(path, {.user = ::geteuid()});
    for (const ConformanceCheck& check : report.checks) {
      CHECK_MESSAGE(check.outcome != ConformanceCheck::Outcome::kFailed, check.name, check.detail);
    }
  }
}

TEST_CASE("abi: a plugin of 1.0 holds, rejects, listens, counts and is told as it did") {
  for (const std::string& path : kept()) {
    CAPTURE(path);
    const auto library = PluginLibrary::load(path, ::geteuid());
    REQUIRE(library.ok());
    const std::vector<RawOption> options = {{"delay", std::string("5ms")},
                                            {"priority_max", std::int64_t{3}}};
    auto made = NodeHarness::create(*library, options);
    REQUIRE_MESSAGE(made.ok(), made.status().message());
    NodeHarness& node = **made;

    node.push_rows(4);
    CHECK(node.port(0) == Ordinals{1, 3});
    CHECK(node.held() == 2);
    CHECK(node.signals() == std::vector<std::string>{"sieve.holding"});
    node.advance(5 * kMillisecond);
    CHECK(node.port(0) == Ordinals{1, 3, 0, 2});
    CHECK(node.counter("held") == 2);
    node.complete(Ordinals{0, 1}, MAYFLY_WRITTEN);
    CHECK(node.counter("answered") == 2);

    REQUIRE(node.set_option({"every", std::int64_t{1}}).ok());
    node.push_rows(2);
    CHECK(node.held() == 2);
    node.signal("sieve.stop");
    node.push_rows(1);
    CHECK(node.held() == 2);

    mayfly_batch* batch = node.new_batch();
    REQUIRE(batch != nullptr);
    put_int64(*batch, 0, 1);
    batch->priority[0] = 4;
    commit_row(*batch, {.ordinal = 100});
    batch->priority[0] = 4;
    node.push(batch);
    REQUIRE(node.rejected().size() == 1);
    CHECK(node.rejected()[0].reason == "priority");
    CHECK(node.drain() == 0);
    CHECK(node.conserves());
    CHECK(node.violations().empty());
  }
}

}  // namespace
}  // namespace mayfly
