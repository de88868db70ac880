#include "mayfly/signal/window_retuner.h"

#include <charconv>

#include "mayfly/signal/match_command.h"

namespace mayfly {
namespace {

// Digits alone, all of the text.
std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes the text up to the colon from the front of `text`; nothing when there is no colon.
std::optional<std::string_view> take_part(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return part;
}

}  // namespace

std::optional<std::int64_t> parse_clock_duration(std::string_view text) {
  constexpr std::int64_t kHoursMax = 1'000'000;  // far below what nanoseconds can hold
  const auto hours_text = take_part(text);
  const auto minutes_text = take_part(text);
  if (!hours_text || !minutes_text || minutes_text->size() != 2 || text.size() != 2) {
    return std::nullopt;
  }
  const auto hours = parse_number(*hours_text);
  const auto minutes = parse_number(*minutes_text);
  const auto seconds = parse_number(text);
  const auto fits = [](const std::optional<std::int64_t>& number, std::int64_t below) {
    return number && *number >= 0 && *number < below;
  };
  if (!fits(hours, kHoursMax) || !fits(minutes, 60) || !fits(seconds, 60)) return std::nullopt;
  return ((*hours * 60 + *minutes) * 60 + *seconds) * kSecond;
}

WindowRetuner::WindowRetuner(SignalSink& sink)
    : sink_(sink),
      subscription_(sink.subscribe("*window.size.set:*, *window.time.set:*",
                                   [this](const SignalEvent& event) { handle(event.name()); })) {}

void WindowRetuner::handle(std::string_view name) {
  if (const auto size = match_command(name, "window.size.set")) {
    const auto capacity = parse_number(*size);
    if (capacity) sink_.set_capacity(*capacity);
    (capacity ? applied_ : refused_).fetch_add(1, std::memory_order_relaxed);
  } else if (const auto time = match_command(name, "window.time.set")) {
    const auto max_age_ns = parse_clock_duration(*time);
    const bool usable = max_age_ns && *max_age_ns > 0;
    if (usable) sink_.set_max_age(*max_age_ns);
    (usable ? applied_ : refused_).fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace mayfly
