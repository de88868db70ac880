// CheckpointRelay: what a database's single writer says of its log, said in the sink of who keeps
// something there and has a sink of its own: wal.growing:Npages:DATABASE and
// write.checkpoint.error:MESSAGE:DATABASE.
//
// END        It lets the writer go before it ceases to listen: if nobody else has that, the last
//            checkpoint is heard, too. So it stands before what else shares the writer.
// OWNERSHIP  Shares the writer; borrows the sink, which outlives it.
// THREADS    As SignalSubscription; it raises on the thread that writes, or lets the writer go.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class CheckpointRelay {
 public:
  CheckpointRelay(std::shared_ptr<SqliteSingleWriter> writer, SignalSink& sink,
                  std::string_view database)
      : writer_(std::move(writer)) {
    if (&writer_->sink() == &sink) return;
    growth_ = relay(*writer_, "wal.growing", sink, database);
    failures_ = relay(*writer_, "write.checkpoint.error", sink, database);
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
  const std::shared_ptr<SqliteSingleWriter> writer_;  // last: it goes first
};

}  // namespace mayfly
