#include "mayfly/config/step_mistake.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/option_mistake.h"

namespace mayfly {
namespace {

// The entry that the text names by its number, "entry 2: ...": it may hold what isn't to be quoted,
// a password or a token. None: nothing.
std::optional<TextPlace> numbered_place(const GivenOption& given, std::string_view text) {
  constexpr std::string_view kEntry = "entry ";
  if (!text.starts_with(kEntry)) return std::nullopt;
  text.remove_prefix(kEntry.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end != text.data() + text.size() && *end == ':';
  if (!is_number || number == 0 || number > given.elements.size()) return std::nullopt;
  return given.elements[number - 1];
}

// The entry that the text quotes, from its begin or a word's on to its end; of several the one that
// is quoted last, which is the one behind others of its name. None: the option.
TextPlace entry_place(const GivenOption& given, const mayfly_value& value, std::string_view text) {
  if (const auto place = numbered_place(given, text)) return *place;
  TextPlace place = given.place;
  text = text.substr(0, text.find("; did you mean"));
  std::pair<std::size_t, std::size_t> best;  // where the quotation ends, and its length
  for (std::size_t i = 0; i < value.list_count && i < given.elements.size(); ++i) {
    const std::string_view entry = view(value.list[i]);
    for (std::size_t from = 0; from == 0 || from < entry.size(); ++from) {
      if (from > 0 && entry[from - 1] != ' ' && entry[from - 1] != '=') continue;
      const std::string quoted = fmt::format("\"{}\"", entry.substr(from));
      const std::size_t at = text.rfind(quoted);
      if (at == text.npos || std::pair(at + quoted.size(), quoted.size()) < best) continue;
      best = {at + quoted.size(), quoted.size()};
      place = given.elements[i];
    }
  }
  return place;
}

template <class Step>
Diagnostic find_place(const Step& step, std::string_view text) {
  const OptionTable options(step.plugin->plugin().options);
  const OptionMistake mistake = read_option_mistake(options, text);
  if (mistake.option.empty()) return {step.place, fmt::format("{}: {}", step.name, text), ""};
  const auto given = std::ranges::find(step.given, mistake.option, &GivenOption::name);
  const std::uint32_t option = *options.find(mistake.option);
  const bool is_given = given != step.given.end() && option < step.options.size();
  return {is_given ? entry_place(*given, step.options[option], mistake.what) : step.place,
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

Status with_place(const PipelinePlan& plan, const WriterPlan& writer, Status status) {
  if (status.ok() || plan.file.empty()) return status;
  return {status.code(),
          format(Diagnostic{writer.place, std::string(status.message()), ""}, plan.file)};
}

}  // namespace mayfly
