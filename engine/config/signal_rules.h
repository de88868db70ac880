// What signals do in a pipeline file, beside what plugins do with them: cancel_on, defer_on and
// resume_on of every source and node, and [[reaction]].
//
// A plugin with an option of one of those names has it for itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mayfly/config/diagnostic.h"
#include "mayfly/config/plan.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// cancel_on, defer_on, resume_on: in this order.
OptionTable control_options();
// Takes them out of `options`, the raw ones of a step with this plugin. `step` is its name.
SignalControls take_controls(const std::string& step, OptionTable plugin_options,
                             std::vector<RawOption>& options, std::vector<Diagnostic>& out);

// One [[reaction]], as it stands in the file.
struct ReactionDraft {
  std::vector<RawOption> options;
  TextPlace place = {};
  bool incomplete = false;  // part of it couldn't be read: say nothing of what is missing
};
// on, do, target, option, value.
OptionTable reaction_options();

// A reaction with its words read, as far as they can be; its target isn't looked up yet.
struct ReactionWords {
  std::string on;
  std::optional<ReactionPlan::Action> action;
  std::string target;
  std::string option;
  std::optional<RawOption> value;  // of `set`
  TextPlace place = {};            // the others stand here where they are missing
  TextPlace on_place = {};
  TextPlace target_place = {};
  TextPlace option_place = {};
};
// Every mistake that can be seen in it alone is reported.
ReactionWords read_reaction(const ReactionDraft& draft, std::vector<Diagnostic>& out);

}  // namespace mayfly
