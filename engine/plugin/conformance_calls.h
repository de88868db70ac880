// The part of the conformance suite that runs a node in a harness. Pure functions of their
// arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/row_expressions.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// What is given, and for the other required options the smallest value, the first choice, or the
// name of the harness's first column.
std::vector<RawOption> made_up_options(const PluginLibrary& library,
                                       std::span<const RawOption> given);

// Batches of 1, 255, 256 and 1,024 rows keep the rules of the ABI.
Status check_batches(const std::shared_ptr<const PluginLibrary>& library,
                     std::span<const RawOption> options, const MakeExpressions& expressions);
// Whatever it holds, it lets go when it is drained and its rows are answered.
Status check_drains(const std::shared_ptr<const PluginLibrary>& library,
                    std::span<const RawOption> options, const MakeExpressions& expressions);
// `calls` random legal calls.
Status check_random_calls(const std::shared_ptr<const PluginLibrary>& library,
                          std::span<const RawOption> options, const MakeExpressions& expressions,
                          std::uint64_t seed, std::uint32_t calls);

}  // namespace mayfly
