// LogSignals: the names by which a log database says what it does, and what it was told.
//
//   log.trace|debug|info|warning|error|critical:LOGGER   a record of signal_level or above
//   log.dropped:Nrecords       that found no room, or came after the end
//   log.flush.failed:MESSAGE   what waits is kept, and tried again
//   log.cleanup:Nrows          were older than the retention, and are gone
//   wal.growing:Npages:DATABASE, write.checkpoint.error:MESSAGE:DATABASE   of its own file's log
//
// They are raised by the log database's own thread, never by one that logs. The last line's are by
// whoever writes to that file; that of the last checkpoint comes while the log database ends, and
// its listeners don't use it.
// THREADS    Any.
#pragma once

#include <array>
#include <string_view>

#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/log_database/log_record.h"

namespace mayfly {

class LogSignals {
 public:
  // The sink outlives this.
  explicit LogSignals(SignalSink& sink);
  LogSignals(const LogSignals&) = delete;
  LogSignals& operator=(const LogSignals&) = delete;

  SignalSink& sink() const { return sink_; }
  StemId of(LogLevel level) const { return levels_[static_cast<std::size_t>(level)]; }

  // Whether the signal is a record's, of whatever log database, or such a one caused it: a record
  // made of it would be fed back.
  static bool is_of_a_record(const SignalEvent& event) noexcept;

 private:
  SignalSink& sink_;
  const std::array<StemId, kLogLevels> levels_;

 public:
  const StemId dropped, flush_failed, cleanup;
};

}  // namespace mayfly
