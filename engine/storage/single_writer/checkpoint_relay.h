// CheckpointRelay: what a database's single writer says of its log, said in the sink of who keeps
// something there and has a sink of its own: wal.growing:Npages:DATABASE and
// write.checkpoint.error:MESSAGE:DATABASE.
//
// OWNERSHIP  Borrows writer and sink, which outlive it.
// THREADS    As SignalSubscription; it raises on the thread that writes.
#pragma once

#include <fmt/format.h>

#include <new>
#include <string>
#include <string_view>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class CheckpointRelay {
 public:
  CheckpointRelay(SqliteSingleWriter& writer, SignalSink& sink, std::string_view database) {
    if (&writer.sink() == &sink) return;
    growth_ = relay(writer, "wal.growing", sink, database);
    failures_ = relay(writer, "write.checkpoint.error", sink, database);
  }

 private:
  static SignalSubscription relay(SqliteSingleWriter& writer, std::string_view stem,
                                  SignalSink& sink, std::string_view database) {
    return writer.sink().subscribe(
        fmt::format("{}:*", stem),
        [&sink, id = sink.intern(stem), name = std::string(database)](const SignalEvent& event) {
          try {
            sink.raise(id, fmt::format("{}:{}", event.argument(), name));
          } catch (const std::bad_alloc&) {
            // The next one may be heard.
          }
        });
  }

  SignalSubscription growth_;
  SignalSubscription failures_;
};

}  // namespace mayfly
