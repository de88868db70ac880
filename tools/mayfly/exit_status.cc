#include "tools/mayfly/exit_status.h"

namespace mayfly::cli {
namespace {

constexpr ExitStatusMeaning kMeanings[] = {
    {ExitStatus::kSuccess, "success; every row is durable"},
    {ExitStatus::kOther, "an error of Mayfly's own"},
    {ExitStatus::kUsage, "a mistake on the command line"},
    {ExitStatus::kRowsRejected, "finished, and some rows are dead letters"},
    {ExitStatus::kNoInput, "an input is missing, unreadable or changed"},
    {ExitStatus::kUnavailable, "something needed isn't installed"},
    {ExitStatus::kCannotCreate, "the output can't be created"},
    {ExitStatus::kIo, "the disk failed, or what was read is corrupt"},
    {ExitStatus::kTryAgain, "locked, a deadline passed, or interrupted: try again"},
    {ExitStatus::kConfig, "a configuration, or a table with other columns"},
};

}  // namespace

std::span<const ExitStatusMeaning> exit_status_meanings() { return kMeanings; }

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
