// Diagnostic: one mistake in a configuration, with its place. Values; any thread.
#pragma once

#include <span>
#include <string>

#include "mayfly/base/status.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

struct Diagnostic {
  TextPlace place = {};
  std::string message;     // what was expected, what was found, what to do
  std::string suggestion;  // the nearest known word; empty: none

  bool operator==(const Diagnostic&) const = default;
};

// `file:line:column: message (did you mean "...")`; without a place: `file: message`.
std::string format(const Diagnostic& diagnostic, std::string_view file);

// All of them, one a line.
Status to_status(std::span<const Diagnostic> diagnostics, std::string_view file);

}  // namespace mayfly
