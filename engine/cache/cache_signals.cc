#include "mayfly/cache/cache_signals.h"

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

CacheSignals::CacheSignals(SignalSink* sink, const CacheSignalNames& names)
    : sink_(sink), names_(names) {
  if (!on()) return;
  for (std::size_t i = 0; i < kCacheEvents; ++i) {
    if (*names_[i] != '\0') stems_[i] = sink_->intern(names_[i]).value;
  }
}

void CacheSignals::raise(CacheEvent event, std::string_view text) const {
  if (!on(event)) return;
  const StemId stem{stems_[index(event)]};
  if (stem != StemId{}) {
    sink_->raise(stem, text);
  } else {  // the sink knows as many stems as it may: it keeps the name as text
    sink_->raise(std::string(names_[index(event)]).append(":").append(text));
  }
}

void CacheSignals::raise(CacheEvent event, std::string_view text, std::string_view detail) const {
  if (on(event)) raise(event, std::string(text).append(":").append(detail));
}

std::vector<Signal> CacheSignals::sense(std::string_view glob) const {
  if (!on()) return {};
  return sink_->sense(glob);
}

}  // namespace mayfly
