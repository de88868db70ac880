// ExitStatus: what the program says to the shell, as sysexits(3) has it. The one table from Status
// codes. Pure; any thread.
#pragma once

#include <span>

#include "mayfly/base/status.h"

namespace mayfly::cli {

enum class ExitStatus : int {
  kSuccess = 0,        // every row is durable
  kOther = 1,          // an error of Mayfly's own
  kUsage = 64,         // the command line
  kRowsRejected = 65,  // finished, and some rows are in the dead-letter table
  kNoInput = 66,       // missing, unreadable or changed
  kUnavailable = 69,   // something needed isn't installed
  kCannotCreate = 73,  // the output can't be created
  kIo = 74,            // the disk failed, or what was read is corrupt
  kTryAgain = 75,      // locked, a deadline passed, interrupted
  kConfig = 78,        // a configuration, or a table with other columns
};

// What a status means, for help and man pages.
struct ExitStatusMeaning {
  ExitStatus status;
  const char* meaning;
};
// All of them, in order.
std::span<const ExitStatusMeaning> exit_status_meanings();

ExitStatus exit_status_of(Code code);

// What a finished run says. A failure comes before an interruption, and that before bad rows: of
// several concerns, 74 is the highest, then 75, then 65.
struct RunEnd {
  Code failure = Code::kOk;
  bool interrupted = false;  // stopped before the input's end, with rows left to read
  bool rejected = false;     // rows are in the dead-letter table
};
ExitStatus exit_status_of(const RunEnd& end);

// What it becomes when the result couldn't be written out: an I/O error, unless it is a failure.
ExitStatus with_output(ExitStatus status, bool written);

}  // namespace mayfly::cli
