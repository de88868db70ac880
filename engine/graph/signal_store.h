// SignalStore: the persistent window that a node asked for: what is raised in the pipeline is kept
// in a database, too.
//
// A node asks in open(), when neither the writer nor its database are there; the graph opens the
// store once they are, so that both share the one connection that writes.
// THREADS  The graph's owner and the node's activation, which don't run at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/persistent_window/persistent_signal_window.h"

namespace mayfly {

class SignalStore {
 public:
  // Copies what it is told. kConfig: a value out of its range.
  static Result<std::unique_ptr<SignalStore>> plan(const mayfly_store_options& options);

  // What the signals are kept in: the pipeline's database, where the node named none.
  const std::string& database(const std::string& pipelines) const {
    return database_.empty() ? pipelines : database_;
  }
  static constexpr const char* kTable = "signals";
  // Opening waits so long for another process's lock.
  static constexpr std::int64_t kOpenWaitNs = 10 * kSecond;

  // What is to be restored is raised here.
  Status open(const std::string& pipelines, SignalSink& signals, const Clock& clock,
              std::int64_t stop_timeout_ns);
  // Stores what is pending. An error: what wasn't stored, and why.
  Status close();

  // While it is open; else nothing, and zeros.
  void flush_soon();
  void read_stats(mayfly_store_stats& stats) const;

 private:
  SignalStore() = default;

  PersistentWindowOptions options_;
  WindowLoadOptions load_;
  bool restores_ = false;
  std::string database_;
  std::string path_;  // once it is open
  std::uint64_t restored_ = 0;
  std::unique_ptr<PersistentSignalWindow> window_;
};

}  // namespace mayfly
