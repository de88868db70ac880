#include "mayfly/config/step_mistake.h"

#include <fmt/format.h>

#include <algorithm>

#include "mayfly/plugin/option_mistake.h"

namespace mayfly {
namespace {

template <class Step>
Diagnostic find_place(const Step& step, std::string_view text) {
  const OptionMistake mistake =
      read_option_mistake(OptionTable(step.plugin->plugin().options), text);
  if (mistake.option.empty()) return {step.place, fmt::format("{}: {}", step.name, text), ""};
  const auto given = std::ranges::find(step.given, mistake.option, &GivenOption::name);
  return {given == step.given.end() ? step.place : given->place,
          fmt::format("{}.{}: {}", step.name, mistake.option, mistake.what), ""};
}

template <class Step>
Status add_place(const PipelinePlan& plan, const Step& step, Status status) {
  if (status.ok() || plan.file.empty()) return status;
  std::string_view text = status.message();
  const std::string who = step.name + ": ";
  if (text.starts_with(who)) text.remove_prefix(who.size());
  return {status.code(), format(find_place(step, text), plan.file)};
}

}  // namespace

Diagnostic diagnostic_of(const SourcePlan& step, std::string_view text) {
  return find_place(step, text);
}
Diagnostic diagnostic_of(const NodePlan& step, std::string_view text) {
  return find_place(step, text);
}
Status with_place(const PipelinePlan& plan, const SourcePlan& step, Status status) {
  return add_place(plan, step, std::move(status));
}
Status with_place(const PipelinePlan& plan, const NodePlan& step, Status status) {
  return add_place(plan, step, std::move(status));
}

}  // namespace mayfly
