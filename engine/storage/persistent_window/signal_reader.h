// SignalReader: reads a persistent window's database from outside, also while another process
// writes it: by a connection of its own that only reads.
//
// OWNERSHIP  Closes its connection. THREADS  One at a time.
// ERRORS     kNoInput: no such file, not readable, not a file, or one without the table; kConfig: a
//            table signals of somebody else's; kIo: no database, damaged, or the disk; kTryAgain:
//            another connection has all of it locked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/base/status.h"
#include "mayfly/storage/persistent_window/stored_signal.h"

namespace mayfly {

// Which signals are wanted.
struct SignalReadOptions {
  std::string pattern = "*";             // a comma-separated list of globs
  std::optional<std::int64_t> since_us;  // microseconds since 1970; nothing: all
  std::int64_t after_id = 0;             // only those behind it
  std::size_t limit = 0;                 // the newest; 0: all
};

class SignalReader {
 public:
  // Waits so long for a lock; readers of a write-ahead log meet hardly any.
  static Result<SignalReader> open(const std::string& path,
                                   std::int64_t busy_timeout_ns = 5 * kSecond);
  SignalReader(SignalReader&&) noexcept;
  SignalReader& operator=(SignalReader&&) noexcept;
  ~SignalReader();

  // By id, until the visitor returns false; what is raised after the call began isn't among them.
  // Reads a page of some hundred at a time, and keeps no snapshot while the visitor works: a
  // terminal that waits for its reader doesn't keep the database's log from shrinking.
  Status read(const SignalReadOptions& options, FunctionRef<bool(const StoredSignal&)> visitor);

 private:
  struct Impl;
  explicit SignalReader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mayfly
