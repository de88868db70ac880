#include "tools/mayfly/exit_status.h"

namespace mayfly::cli {

ExitStatus exit_status_of(Code code) {
  switch (code) {
    case Code::kOk:
      return ExitStatus::kSuccess;
    case Code::kUsage:
      return ExitStatus::kUsage;
    case Code::kBadData:
      return ExitStatus::kRowsRejected;
    case Code::kNoInput:
      return ExitStatus::kNoInput;
    case Code::kUnavailable:
      return ExitStatus::kUnavailable;
    case Code::kCannotCreate:
      return ExitStatus::kCannotCreate;
    case Code::kIo:
      return ExitStatus::kIo;
    case Code::kTryAgain:
      return ExitStatus::kTryAgain;
    case Code::kConfig:
      return ExitStatus::kConfig;
    case Code::kInternal:
      break;
  }
  return ExitStatus::kOther;
}

ExitStatus exit_status_of(const RunEnd& end) {
  if (end.failure != Code::kOk) return exit_status_of(end.failure);
  if (end.interrupted) return ExitStatus::kTryAgain;
  return end.rejected ? ExitStatus::kRowsRejected : ExitStatus::kSuccess;
}

ExitStatus with_output(ExitStatus status, bool written) {
  if (written) return status;
  const bool lower = status == ExitStatus::kSuccess || status == ExitStatus::kRowsRejected ||
                     status == ExitStatus::kTryAgain;
  return lower ? ExitStatus::kIo : status;
}

}  // namespace mayfly::cli
