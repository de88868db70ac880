// What the tests of node plugins share: a node of a plugin in the test's runfiles, and rows by
// their ordinals.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/registry.h"

namespace mayfly::testing {

using Ordinals = std::vector<std::uint64_t>;
using Names = std::vector<std::string>;

// Also where it refuses its options.
inline Result<std::unique_ptr<NodeHarness>> try_node(std::string_view plugin,
                                                     const std::vector<RawOption>& options = {},
                                                     HarnessSettings settings = {}) {
  PluginRegistry registry(search_of_process());
  auto library = registry.find(plugin);
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  return NodeHarness::create(*library, options, std::move(settings));
}

inline std::unique_ptr<NodeHarness> open_node(std::string_view plugin,
                                              const std::vector<RawOption>& options = {},
                                              HarnessSettings settings = {}) {
  auto harness = try_node(plugin, options, std::move(settings));
  REQUIRE_MESSAGE(harness.ok(), harness.status().message());
  return std::move(harness).value();
}

// `count` of them, one after the other.
inline Ordinals first(std::uint64_t count, std::uint64_t from = 0) {
  Ordinals ordinals(count);
  std::iota(ordinals.begin(), ordinals.end(), from);
  return ordinals;
}

}  // namespace mayfly::testing
