#include "mayfly/plugin/conformance.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "mayfly/plugin/elf_symbols.h"

namespace mayfly {
namespace {

using Outcome = ConformanceCheck::Outcome;

ConformanceReport report_of(const std::string& path) {
  ConformanceSettings settings;
  settings.user = ::geteuid();
  settings.calls = 500;
  settings.scratch_folder = std::getenv("TEST_TMPDIR");
  return check_conformance(path, settings);
}

// The checks that failed, by name, with one's detail.
std::string failures(const ConformanceReport& report) {
  std::string out;
  for (const ConformanceCheck& check : report.checks) {
    if (check.outcome == Outcome::kFailed) out += check.name + ": " + check.detail + "\n";
  }
  return out;
}

std::string bad(const std::string& name) {
  return failures(report_of("tests/plugins/bad/lib" + name + ".so"));
}

TEST_CASE("conformance: a good plugin passes every check") {
  const ConformanceReport report = report_of("plugins/batch/libbatch.so");
  CHECK(report.plugin == "batch");
  CHECK(report.passed());
  CHECK(report.text() ==
        "passed  loads\npassed  one_symbol\npassed  imports\npassed  ranges\npassed  portable\n"
        "passed  starts\npassed  batches\npassed  drains\npassed  random_calls\n");
}

TEST_CASE("conformance: what can't start with options that are made up says how to give some") {
  const ConformanceReport report = report_of("plugins/sample/libsample.so");
  CHECK(report.passed());
  CHECK(report.text().ends_with(
      "skipped random_calls: give options that it can start with, each as --set OPTION=VALUE "
      "(every: expected either every or ratio, found none; set one)\n"));
}

TEST_CASE("conformance: a plugin that doesn't load fails with the reason, and nothing else runs") {
  const ConformanceReport report = report_of("tests/plugins/bad/libwrong_major.so");
  REQUIRE(report.checks.size() == 1);
  CHECK_FALSE(report.passed());
  CHECK(report.checks[0].detail.find("majors must be equal") != std::string::npos);
}

TEST_CASE("conformance: a second exported symbol is named") {
  CHECK(bad("two_symbols") ==
        "one_symbol: exports mayfly_plugin_v1, mayfly_second_symbol, expected mayfly_plugin_v1 "
        "alone; build it with mayfly_plugin, or with -fvisibility=hidden\n");
}

TEST_CASE("conformance: a node that sleeps is found by what it imports") {
  CHECK(bad("sleeps") == "imports: uses nanosleep, which a node must not\n");
}

TEST_CASE("conformance: a node that keeps its rows when it is drained fails") {
  const std::string found = bad("keeps_rows");
  CHECK(found.starts_with(
      "drains: 1725 of 1725 rows are still held after draining; `drain` must resume what is held "
      "without a due time\nrandom_calls: seed 1: "));
}

TEST_CASE("conformance: a route that is no port is found") {
  CHECK(bad("loses_order").starts_with("batches: a batch of 1 rows: route 5 is no port\n"));
}

TEST_CASE("conformance: a node that is blocked though it needs no batch is found") {
  CHECK(
      bad("blocks").starts_with("batches: a batch of 1 rows: process returned BLOCKED, but "
                                "batch_new hadn't returned NULL in that call"));
}

TEST_CASE("conformance: a transform that breaks a rule for what it makes is found") {
  CHECK(bad("passes_rows")
            .starts_with("batches: a batch of 1 rows: row 0 leaves by a port, though what leaves "
                         "there has other columns"));
  CHECK(bad("forgets_parent")
            .starts_with("batches: a batch of 1 rows: made a row from row 0, but didn't consume "
                         "that one"));
  CHECK(bad("emits_twice")
            .starts_with("batches: a batch of 1 rows: emitted a batch that batch_new didn't give "
                         "it, or that was emitted before"));
}

TEST_CASE("conformance: a batch that is kept, and a text that isn't in its batch, are found") {
  CHECK(bad("keeps_batch").find("that it never emitted") != std::string::npos);
  CHECK(bad("text_outside")
            .starts_with("batches: a batch of 1 rows: emitted row 0 whose column 0 has 3 bytes "
                         "from byte 1073741824 of the heap on, of which 0 are used"));
  CHECK(bad("overruns").find(" bytes of the heap are used, and it has ") != std::string::npos);
}

TEST_CASE("conformance: a transform that says it keeps order and doesn't is found") {
  CHECK(bad("reverses")
            .find("batches: a batch of 255 rows: KEEPS_ORDER, but what was made of row "
                  "253 comes behind what was made of row 254") == 0);
}

TEST_CASE("elf symbols: a file that is cut anywhere is damaged, never read past its end") {
  std::ifstream whole("plugins/pass/libpass.so", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(whole)), {});
  REQUIRE(bytes.size() > 1000);
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/cut.so";
  for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 50) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, size);
    CHECK_FALSE(read_elf_symbols(path).ok());
  }
}

}  // namespace
}  // namespace mayfly
