#include "tests/support/pipeline.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/runfile.h"

namespace mayfly::testing {
namespace {

OptionValues values(const PluginLibrary& library, const std::vector<RawOption>& options) {
  ParsedOptions parsed = parse_options(OptionTable(library.plugin().options), options);
  REQUIRE_MESSAGE(parsed.ok(), to_status(library.name(), parsed.errors).message());
  return parsed.values;
}

}  // namespace

Pipeline::Pipeline(const std::string& database, const std::string& table)
    : registry_({.user = geteuid()}) {
  plan.name = "test";
  plan.batch_rows = 64;
  plan.batches = 32;
  plan.writer.database = database;
  plan.writer.table = table;
  plan.writer.synchronous = WriterPlan::Synchronous::kNormal;
}

std::shared_ptr<const PluginLibrary> Pipeline::load(const std::string& library) {
  auto found = registry_.find(runfile(library));
  REQUIRE_MESSAGE(found.ok(), found.status().message());
  return *found;
}

Upstream Pipeline::inlet(const std::string& name) {
  plan.sources.emplace_back().name = name;
  return {Upstream::Kind::kSource, static_cast<std::uint32_t>(plan.sources.size() - 1), 0};
}

Upstream Pipeline::source(const std::string& name, const std::string& library,
                          std::vector<RawOption> options) {
  const Upstream upstream = inlet(name);
  plan.sources.back().plugin = load(library);
  plan.sources.back().options = values(*plan.sources.back().plugin, options);
  return upstream;
}

std::uint32_t Pipeline::node(const std::string& name, const std::string& library,
                             std::vector<Upstream> inputs, std::vector<RawOption> options) {
  NodePlan& node = plan.nodes.emplace_back();
  node.name = name;
  node.plugin = load(library);
  node.options = values(*node.plugin, options);
  node.inputs = std::move(inputs);
  return static_cast<std::uint32_t>(plan.nodes.size() - 1);
}

}  // namespace mayfly::testing
