// Pipeline files: whatever is in one, it is a plan or a list of mistakes with places in the file.
#include "mayfly/config/pipeline_file.h"
#include "mayfly/plugin/registry.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mayfly;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PluginRegistry registry;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const CheckedPlan checked = parse_pipeline(text, "fuzz.toml", registry);
  fuzz::check(checked.ok() || !checked.status().message().empty(), "a refusal says why");
  return 0;
}
