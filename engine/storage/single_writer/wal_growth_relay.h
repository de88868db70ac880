// WalGrowthRelay: what a database's single writer says of its growing log, said in the sink of who
// keeps something there and has a sink of its own: wal.growing:Npages:DATABASE.
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

class WalGrowthRelay {
 public:
  WalGrowthRelay(SqliteSingleWriter& writer, SignalSink& sink, std::string_view database) {
    if (&writer.sink() == &sink) return;
    subscription_ = writer.sink().subscribe(
        "wal.growing:*", [&sink, stem = sink.intern("wal.growing"),
                          name = std::string(database)](const SignalEvent& event) {
          try {
            sink.raise(stem, fmt::format("{}:{}", event.argument(), name));
          } catch (const std::bad_alloc&) {
            // The next doubling may be heard.
          }
        });
  }

 private:
  SignalSubscription subscription_;
};

}  // namespace mayfly
