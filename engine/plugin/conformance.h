// The conformance suite: what every plugin must do, checked on one shared library.
//
// `mayfly plugins check FILE.so` prints it, and mayfly_plugin makes a test of it for every plugin.
// Nothing runs in threads or takes real time; random calls follow the seed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/data/row_expressions.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// What the checks are run with.
struct ConformanceSettings {
  uid_t user = 0;                  // whose files are trusted, beside root's
  std::vector<RawOption> options;  // for what the plugin requires; the rest is made up
  std::string scratch_folder = "/tmp";
  std::uint64_t seed = 1;
  std::uint32_t calls = 10'000;
  MakeExpressions expressions = {};  // as in HarnessSettings
};

// One check, and what came of it.
struct ConformanceCheck {
  enum class Outcome : std::uint8_t { kPassed, kFailed, kSkipped };

  std::string name;
  Outcome outcome = Outcome::kPassed;
  std::string detail;  // why it failed or was skipped
};

// All checks of one plugin.
struct ConformanceReport {
  std::string plugin;
  std::vector<ConformanceCheck> checks;

  bool passed() const;
  // One line a check: "passed  one_symbol", "failed   imports: ...".
  std::string text() const;
};

ConformanceReport check_conformance(const std::string& path, const ConformanceSettings& settings);

}  // namespace mayfly
