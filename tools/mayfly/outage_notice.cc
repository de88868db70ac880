#include "tools/mayfly/outage_notice.h"

#include <fmt/format.h>

#include "mayfly/base/clock.h"
#include "mayfly/plugin/options.h"
#include "tools/mayfly/human_text.h"

namespace mayfly::cli {
namespace {

constexpr std::int64_t kFirstNs = kSecond;
constexpr std::int64_t kAgainNs = 60 * kSecond;

std::string seconds_text(std::int64_t ns) { return short_seconds(static_cast<double>(ns) * 1e-9); }

}  // namespace

bool OutageNotice::is_due(std::int64_t now_ns, std::int64_t since_ns) {
  if (since_ns != since_ns_) {
    if (told_) tell_end(since_ns);  // the one before ended unseen
    since_ns_ = since_ns;
    next_ns_ = since_ns + kFirstNs;
  }
  return now_ns >= next_ns_;
}

void OutageNotice::tell(std::int64_t now_ns, const std::string& why) {
  told_ = true;
  next_ns_ = now_ns + kAgainNs;
  const std::string until =
      deadline_ns_ == kNever ? "until it is free" : "for " + format_duration(deadline_ns_);
  console_.note(
      fmt::format("waiting for the database for {}: {}; what was written is safe, and "
                  "it is tried again {}, or until a drain's deadline passes",
                  seconds_text(now_ns - since_ns_), why, until));
}

void OutageNotice::tell_end(std::int64_t now_ns) {
  told_ = false;
  console_.note(
      fmt::format("the wait for the database is over, after {}", seconds_text(now_ns - since_ns_)));
  since_ns_ = 0;
}

}  // namespace mayfly::cli
