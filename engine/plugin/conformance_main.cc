// conformance_main FILE.so [OPTION=VALUE...]: the conformance suite as a test of one plugin.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "mayfly/plugin/conformance.h"
#include "mayfly/storage/batch_expressions.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: conformance_main FILE.so [OPTION=VALUE...]\n", stderr);
    return 64;
  }
  mayfly::ConformanceSettings settings;
  settings.user = ::geteuid();
  settings.expressions = mayfly::BatchExpressions::make;
  if (const char* folder = std::getenv("TEST_TMPDIR")) settings.scratch_folder = folder;
  for (int i = 2; i < argc; ++i) {
    const std::string text = argv[i];
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "%s: expected OPTION=VALUE\n", argv[i]);
      return 64;
    }
    settings.options.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  const mayfly::ConformanceReport report = mayfly::check_conformance(argv[1], settings);
  std::fputs(report.text().c_str(), stdout);
  return report.passed() ? 0 : 1;
}
