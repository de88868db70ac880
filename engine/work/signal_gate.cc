#include "mayfly/work/signal_gate.h"

#include <algorithm>
#include <utility>

namespace mayfly {
namespace {

// A signal that leaves the window for room, or because its sink was retuned, tells nobody.
constexpr std::int64_t kLookNs = kSecond;

}  // namespace

SignalGate::SignalGate(const SignalSink& sink, GateOptions options)
    : options_(std::move(options)),
      cancel_(sink, options_.cancel),
      defer_(sink, options_.defer),
      resume_(sink, options_.resume) {}

std::string SignalGate::patterns() const {
  std::string list;
  for (const auto* patterns : {&options_.cancel, &options_.defer, &options_.resume}) {
    for (const std::string& pattern : *patterns) list.append(list.empty() ? "" : ",") += pattern;
  }
  return list;
}

GateVerdict SignalGate::evaluate(std::int64_t now_ns, std::int64_t enqueued_ns) {
  using Kind = GateVerdict::Kind;
  // Before looking: what is raised from here on is looked at again.
  dirty_.store(false, std::memory_order_seq_cst);
  const bool skip = cancel_.any_present();
  const bool deferring = !skip && defer_.any_present();
  const bool wait = deferring && !resume_.any_present();
  // Also while a resuming signal overrides it: that may age out.
  closed_ = skip || deferring;
  if (!wait) {
    deferred_since_ns_ = kNever;
    return {.kind = skip ? Kind::kSkip : Kind::kRun};
  }
  if (deferred_since_ns_ == kNever) deferred_since_ns_ = now_ns;
  const std::int64_t began_ns = std::max(enqueued_ns, deferred_since_ns_);
  std::int64_t patience_ns = 0;
  if (__builtin_mul_overflow(options_.interval_ns, std::int64_t{options_.attempts}, &patience_ns)) {
    patience_ns = kNever;
  }
  const std::int64_t deadline_ns = deadline_after(began_ns, patience_ns);
  if (now_ns >= deadline_ns) return {.kind = Kind::kRunExhausted};
  const std::int64_t look_again =
      std::min({deadline_ns, deadline_after(now_ns, std::min(options_.interval_ns, kLookNs)),
                defer_.present_until_ns()});
  return {.kind = Kind::kWait, .look_again = std::max(look_again, now_ns + 1)};
}

}  // namespace mayfly
