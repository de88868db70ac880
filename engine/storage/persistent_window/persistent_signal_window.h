// PersistentSignalWindow: a window of signals that survives its process: what is raised is in
// memory at once, and in an SQLite database soon after.
//
//   auto opened = PersistentSignalWindow::open("signals.db", {.flush_interval_ns = 30 * kSecond});
//   if (!opened.ok()) return fail(opened.error());
//   PersistentSignalWindow& window = **opened;
//   window.load_from_disk({.max_age_ns = 24 * 3600 * kSecond});  // what was before
//   window.raise("order.completed", "order-service");
//   window.raise("payment.processed", "payment-service");
//   auto recent_orders = window.sense("order.*");
//
// DURABLE    What flush() returned for is on disk (with the writer's Synchronous::kFull; kNormal:
//            it survives the process, and the machine up to its last checkpoint). Flushed is also
//            what half fills the room for it, every flush_interval_ns, and all of it when the
//            window is destroyed (signal_flusher.h). Nothing counts as flushed before its commit.
// CAPTURED   All that anybody raises into sink(), by the window or not, once, in the order of each
//            thread's raises; but for the window's own signals. Raising costs a listener, which
//            copies it into a buffer (capture_buffer.h), and never waits for the disk. While the
//            disk fails for so long that the buffer is full, the newest aren't kept for it: a
//            history without holes up to a point. They are counted, window.dropped:N says so, and
//            the next flush() returns it as an error.
// HISTORY    The table tells what was raised. Retracting or clearing takes a signal out of the
//            memory, not off the disk, and loading brings it back.
// KEYS       A key stands beside the name: sense() and the table have it, globs and detect() don't
//            look at it, and sink() knows the name alone. (As an argument, "name:key", it would
//            hide the name from detect(), and "error:Timeout" with a key couldn't be told from
//            "error" with another; as an operation it would take the operation's place.) A query
//            while another thread raises may see a signal whose key isn't there yet.
// TIMES      at_ns is of the clock that was passed in. On disk they are wall times; the difference
//            is taken when they are written, and when they are read.
// RESTORED   load_from_disk() brings back what was stored before this window was opened, each
//            signal once however often it is called. It stands beside the sink: the window's
//            queries see it until it is older than was asked for, whatever window_max_age_ns is;
//            no listener hears of it. WindowLoadOptions::raise_into_sink does otherwise.
// SIGNALS    window.initialized, window.raise (of one in sample_rate raises of the window, the
//            first among them), window.load.done:N, window.flush.start:N, window.flush.done:N,
//            window.flush.error:DATABASE: MESSAGE, window.dropped:N, window.pruned:N (rows). Into
//            the sink; not persisted. And wal.growing:Npages:DATABASE (wal_growth.h) and
//            write.checkpoint.error:MESSAGE:DATABASE, which are persisted like others, but for the
//            last checkpoint's: that comes while the window ends, and its listeners don't use the
//            window. An idle window raises and writes nothing.
// OWNERSHIP  Has its sink, unless it was given one; shares the database's writer with whoever asks
//            for it. The clock outlives it.
// THREADS    Any thread may call anything, but for close() and the destructor: one, when nobody
//            calls anything else any more, and outside of listeners of this sink and functions of
//            the writer, for which they wait.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/persistent_window/persistent_window_options.h"
#include "mayfly/storage/persistent_window/window_signal.h"

namespace mayfly {

class PersistentSignalWindow {
 public:
  // A path or a connection string (database_name.h). Makes the table and its indexes if they aren't
  // there. kParameter: an option out of range; kSql: a table signals of somebody else's.
  static DbResult<std::unique_ptr<PersistentSignalWindow>> open(
      std::string_view database, const PersistentWindowOptions& options = {});
  // close(), unless it was called, whose error nobody learns but by window.flush.error.
  ~PersistentSignalWindow();
  PersistentSignalWindow(const PersistentSignalWindow&) = delete;
  PersistentSignalWindow& operator=(const PersistentSignalWindow&) = delete;

  // Throws std::bad_alloc as the sink does.
  void raise(std::string_view name, std::optional<std::string_view> key = {});
  // With its operation, and with its time unless that is 0: no later than now, and no earlier than
  // this thread's raise before it.
  void raise(const WindowSignal& signal);

  // What is present in the sink and matches (glob.h), and what was restored, oldest first.
  std::vector<WindowSignal> sense(std::string_view glob = "*",
                                  std::int64_t since_ns = kAlways) const;
  // Those for which it says yes. What it throws passes through.
  std::vector<WindowSignal> sense(FunctionRef<bool(const WindowSignal&)> predicate) const;
  // Whether exactly this name is present, or was restored.
  bool detect(std::string_view name) const;

  // Returns when all that was raised before is on disk; or why it isn't: then it is still pending,
  // and a later flush has it. kOther: from within a listener that the flush itself called, or a
  // function of the writer; or some was dropped since the last flush.
  DbResult<void> flush();
  // Asks for a flush, and doesn't wait for it.
  void flush_soon() noexcept;
  // How many it brought back that weren't there.
  DbResult<std::size_t> load_from_disk(const WindowLoadOptions& options = {});
  // Flushes everything and ends the thread; an error says what couldn't be written within
  // stop_timeout_ns: it stays pending, and a later close() tries again. What is raised later is in
  // memory alone. Idempotent.
  DbResult<void> close();

  WindowStats stats() const;
  // For listening, retracting, and whoever steers work by signals.
  SignalSink& sink();

 private:
  struct Impl;
  explicit PersistentSignalWindow(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
