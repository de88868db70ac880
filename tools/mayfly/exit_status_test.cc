#include "tools/mayfly/exit_status.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

using namespace mayfly;
using namespace mayfly::cli;

TEST_CASE("exit status: each code has the one of sysexits") {
  const struct {
    Code code;
    int status;
  } table[] = {{Code::kOk, 0},       {Code::kUsage, 64},       {Code::kBadData, 65},
               {Code::kNoInput, 66}, {Code::kUnavailable, 69}, {Code::kCannotCreate, 73},
               {Code::kIo, 74},      {Code::kTryAgain, 75},    {Code::kConfig, 78},
               {Code::kInternal, 1}};
  for (const auto& [code, status] : table) {
    CHECK(static_cast<int>(exit_status_of(code)) == status);
  }
}

TEST_CASE("exit status: each that a code becomes has a meaning, once, and they are in order") {
  std::vector<ExitStatus> told;
  for (const auto& [status, meaning] : exit_status_meanings()) {
    told.push_back(status);
    CHECK(!std::string_view(meaning).empty());
  }
  CHECK(std::ranges::is_sorted(told, std::ranges::less_equal()));
  std::vector<ExitStatus> used;
  for (int code = 0; code <= static_cast<int>(Code::kConfig); ++code) {
    used.push_back(exit_status_of(static_cast<Code>(code)));
  }
  std::ranges::sort(used);
  CHECK(used == told);
}

TEST_CASE("exit status: of several concerns the highest is told") {
  const auto status = [](RunEnd end) { return static_cast<int>(exit_status_of(end)); };

  CHECK(status({}) == 0);
  CHECK(status({.rejected = true}) == 65);
  CHECK(status({.interrupted = true, .rejected = true}) == 75);
  CHECK(status({.failure = Code::kIo, .interrupted = true, .rejected = true}) == 74);
  CHECK(status({.failure = Code::kTryAgain, .rejected = true}) == 75);
}

TEST_CASE("exit status: a result that can't be written is an I/O error, but hides no failure") {
  const auto status = [](ExitStatus before) {
    return static_cast<int>(with_output(before, false));
  };

  CHECK(status(ExitStatus::kSuccess) == 74);
  CHECK(status(ExitStatus::kRowsRejected) == 74);
  CHECK(status(ExitStatus::kTryAgain) == 74);
  CHECK(status(ExitStatus::kConfig) == 78);
  CHECK(with_output(ExitStatus::kRowsRejected, true) == ExitStatus::kRowsRejected);
}
