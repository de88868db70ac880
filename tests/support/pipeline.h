// Pipeline: a PipelinePlan put together in a test, from plugins in the test's runfiles.
#pragma once

#include <string>
#include <vector>

#include "mayfly/config/plan.h"
#include "mayfly/plugin/registry.h"

namespace mayfly::testing {

class Pipeline {
 public:
  explicit Pipeline(const std::string& database, const std::string& table = "t");

  // Each returns what rows come out of: join it to the next. `folder` is plugins or tests/plugins.
  Upstream inlet(const std::string& name = "producers");
  Upstream source(const std::string& name, const std::string& library,
                  std::vector<RawOption> options);
  std::uint32_t node(const std::string& name, const std::string& library,
                     std::vector<Upstream> inputs, std::vector<RawOption> options = {});
  static Upstream port(std::uint32_t node, std::uint32_t port = 0) {
    return {Upstream::Kind::kNode, node, port};
  }
  static Upstream writer_failed() { return {Upstream::Kind::kWriter, 0, 0}; }
  void join_writer(std::vector<Upstream> inputs) { plan.writer.inputs = std::move(inputs); }

  PipelinePlan plan;

 private:
  std::shared_ptr<const PluginLibrary> load(const std::string& library);
  PluginRegistry registry_;
};

}  // namespace mayfly::testing
