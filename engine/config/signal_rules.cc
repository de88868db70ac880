#include "mayfly/config/signal_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mayfly/plugin/from_abi.h"

namespace mayfly {
namespace {

constexpr mayfly_option globs(const char* name, const char* help) {
  return {name, MAYFLY_OPTION_LIST, MAYFLY_OPTION_SIGNALS, nullptr, "1", nullptr, nullptr, help};
}
constexpr mayfly_option kControls[] = {
    globs(
        "cancel_on",
        "While such a signal is present, rows that come to the node are dropped; a source stops."),
    globs("defer_on",
          "While such a signal is present, rows wait before the node; a source doesn't "
          "read."),
    globs("resume_on", "While such a signal is present, defer_on has no effect."),
};

constexpr mayfly_option kReaction[] = {
    {"on", MAYFLY_OPTION_TEXT, MAYFLY_OPTION_REQUIRED | MAYFLY_OPTION_SIGNALS, nullptr, "1",
     nullptr, nullptr, "A glob of signals; each that is raised is reacted to."},
    {"do", MAYFLY_OPTION_CHOICE, MAYFLY_OPTION_REQUIRED, nullptr, nullptr, nullptr,
     "pause|resume|drain|set",
     "pause, resume: the source or node; drain: the pipeline, to its end; set: an option of the "
     "node."},
    {"target", MAYFLY_OPTION_TEXT, 0, nullptr, "1", nullptr, nullptr,
     "The source or node; of drain there is none."},
    {"option", MAYFLY_OPTION_TEXT, 0, nullptr, "1", nullptr, nullptr,
     "Of set: an option that may change while rows flow."},
    {"value", MAYFLY_OPTION_TEXT, 0, nullptr, nullptr, nullptr, nullptr, "Of set: its new value."},
};
enum ReactionOption : std::uint32_t { kOn, kDo, kTarget, kOption, kValue };

OptionTable table_of(const mayfly_option* rows, std::size_t count) {
  return OptionTable({rows, static_cast<std::uint32_t>(count), sizeof(mayfly_option)});
}

std::vector<std::string> list_of(const mayfly_value& value) {
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < value.list_count; ++i) texts.emplace_back(view(value.list[i]));
  return texts;
}

// What belongs together.
void check_words(const ReactionWords& words, bool incomplete, std::vector<Diagnostic>& out) {
  using Action = ReactionPlan::Action;
  const auto report = [&](TextPlace place, std::string message) {
    out.push_back({place, std::move(message), ""});
  };
  if (words.action == Action::kDrain) {
    if (!words.target.empty()) {
      report(words.target_place,
             "reaction.target: drain is of the whole pipeline and has no target: leave it out");
    }
  } else if (words.target.empty() && !incomplete) {
    report(words.place, "reaction.target: name the source or node that is meant");
  }
  if (words.action == Action::kSet) {
    if ((words.option.empty() || !words.value) && !incomplete) {
      report(words.place, "reaction: set needs option = \"...\" and value = ...");
    }
    return;
  }
  constexpr const char* kOfSet = "reaction: option and value belong to do = \"set\"";
  if (!words.option.empty()) report(words.option_place, kOfSet);
  if (words.value) report(words.value->place, kOfSet);
}

}  // namespace

OptionTable control_options() { return table_of(kControls, std::size(kControls)); }
OptionTable reaction_options() { return table_of(kReaction, std::size(kReaction)); }

SignalControls take_controls(const std::string& step, OptionTable plugin_options,
                             std::vector<RawOption>& options, std::vector<Diagnostic>& out) {
  const OptionTable table = control_options();
  std::vector<RawOption> ours;
  std::erase_if(options, [&](const RawOption& option) {
    if (!table.find(option.name) || plugin_options.find(option.name)) return false;
    ours.push_back(option);
    return true;
  });
  const ParsedOptions parsed = parse_options(table, ours);
  for (const OptionError& error : parsed.errors) {
    out.push_back({error.place, fmt::format("{}.{}: {}", step, error.option, error.message),
                   error.suggestion});
  }
  const auto places_of = [&ours](std::string_view name, std::size_t globs) {
    const auto given = std::ranges::find(ours, name, &RawOption::name);
    if (given == ours.end()) return std::vector<TextPlace>();
    return given->elements.empty() ? std::vector<TextPlace>(globs, given->place) : given->elements;
  };
  SignalControls controls{.cancel_on = list_of(parsed.values[0]),
                          .defer_on = list_of(parsed.values[1]),
                          .resume_on = list_of(parsed.values[2])};
  controls.cancel_places = places_of("cancel_on", controls.cancel_on.size());
  controls.defer_places = places_of("defer_on", controls.defer_on.size());
  controls.resume_places = places_of("resume_on", controls.resume_on.size());
  const bool is_defer_given = std::ranges::find(ours, "defer_on", &RawOption::name) != ours.end();
  if (!controls.resume_on.empty() && !is_defer_given) {
    out.push_back(
        {std::ranges::find(ours, "resume_on", &RawOption::name)->place,
         fmt::format("{}.resume_on: expected defer_on beside it, which it would end", step), ""});
  }
  return controls;
}

ReactionWords read_reaction(const ReactionDraft& draft, std::vector<Diagnostic>& out) {
  ReactionWords words{.place = draft.place};
  std::vector<RawOption> options = draft.options;
  const auto place_of = [&options, &draft](std::string_view name) {
    const auto given = std::ranges::find(options, name, &RawOption::name);
    return given == options.end() ? draft.place : given->place;
  };
  words.on_place = place_of("on");
  words.target_place = place_of("target");
  words.option_place = place_of("option");
  // Its type is that of the option which it is for.
  if (const auto value = std::ranges::find(options, "value", &RawOption::name);
      value != options.end()) {
    words.value = *value;
    options.erase(value);
  }
  const ParsedOptions parsed = parse_options(reaction_options(), options);
  bool incomplete = draft.incomplete;
  for (const OptionError& error : parsed.errors) {
    // What is wrong isn't missing.
    if (error.place.line != 0 && reaction_options().find(error.option)) incomplete = true;
    if (error.place.line == 0 && draft.incomplete) continue;
    out.push_back({error.place.line == 0 ? draft.place : error.place,
                   fmt::format("reaction.{}: {}", error.option, error.message), error.suggestion});
  }
  const auto text = [&](ReactionOption option) {
    return parsed.values[option].is_set != 0 ? std::string(view(parsed.values[option].text))
                                             : std::string();
  };
  words.on = text(kOn);
  words.target = text(kTarget);
  words.option = text(kOption);
  if (parsed.values[kDo].is_set != 0) {
    words.action = static_cast<ReactionPlan::Action>(parsed.values[kDo].i64);
    check_words(words, incomplete, out);
  }
  return words;
}

}  // namespace mayfly
