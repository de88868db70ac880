#include "mayfly/storage/log_database/log_signals.h"

#include <algorithm>

namespace mayfly {
namespace {

constexpr std::array<std::string_view, kLogLevels> kStems = {
    "log.trace", "log.debug", "log.info", "log.warning", "log.error", "log.critical"};

std::array<StemId, kLogLevels> interned(SignalSink& sink) {
  std::array<StemId, kLogLevels> ids;
  for (std::size_t i = 0; i < kLogLevels; ++i) ids[i] = sink.intern(kStems[i]);
  return ids;
}

}  // namespace

LogSignals::LogSignals(SignalSink& sink)
    : sink_(sink),
      levels_(interned(sink)),
      dropped(sink.intern("log.dropped")),
      flush_failed(sink.intern("log.flush.failed")),
      cleanup(sink.intern("log.cleanup")) {}

bool LogSignals::is_of_a_record(const SignalEvent& event) noexcept {
  return std::any_of(kStems.begin(), kStems.end(), [&](std::string_view stem) {
    return event.stem() == stem || event.on_path(nullptr, stem);
  });
}

}  // namespace mayfly
