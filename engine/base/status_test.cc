#include "mayfly/base/status.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

namespace mayfly {
namespace {

Status fail_if(bool fails) {
  return fails ? Status(Code::kIo, "disk: expected room, found none") : Status::success();
}

Result<int> half_of(int number) {
  if (number % 2 != 0) return Status(Code::kUsage, "expected an even number");
  return number / 2;
}

Result<int> quarter_of(int number) {
  MAYFLY_ASSIGN_OR_RETURN(const int half, half_of(number));
  MAYFLY_ASSIGN_OR_RETURN(const int quarter, half_of(half));
  return quarter;
}

Status check_both(bool first, bool second, int& reached) {
  MAYFLY_RETURN_IF_ERROR(fail_if(first));
  ++reached;
  MAYFLY_RETURN_IF_ERROR(fail_if(second));
  ++reached;
  return {};
}

TEST_CASE("status: success is ok, one pointer wide, and has no message") {
  const Status status;
  CHECK(status.ok());
  CHECK(status.code() == Code::kOk);
  CHECK(status.message().empty());
  static_assert(sizeof(Status) == sizeof(void*));
}

TEST_CASE("status: a failure keeps code and message through copies and moves") {
  const Status status(Code::kNoInput, "a.csv: not found");
  Status copy = status;
  const Status moved = std::move(copy);
  CHECK_FALSE(moved.ok());
  CHECK(moved.code() == Code::kNoInput);
  CHECK(moved.message() == "a.csv: not found");
  CHECK(status.message() == moved.message());
}

TEST_CASE("status: assigning success over a failure clears it") {
  Status status(Code::kIo, "gone");
  status = Status::success();
  CHECK(status.ok());
}

TEST_CASE("result: it holds a value or the reason why there is none") {
  const Result<int> good = half_of(8);
  const Result<int> bad = half_of(7);
  REQUIRE(good.ok());
  CHECK(*good == 4);
  CHECK_FALSE(bad.ok());
  CHECK(bad.status().code() == Code::kUsage);
}

TEST_CASE("result: a value that can only be moved comes out by move") {
  Result<std::unique_ptr<std::string>> result(std::make_unique<std::string>("row"));
  const std::unique_ptr<std::string> text = std::move(result).value();
  CHECK(*text == "row");
}

TEST_CASE("status macros: the first failure leaves the function") {
  int reached = 0;
  CHECK_FALSE(check_both(false, true, reached).ok());
  CHECK(reached == 1);
  CHECK(check_both(false, false, reached).ok());
  CHECK(quarter_of(6).status().code() == Code::kUsage);
  CHECK(*quarter_of(12) == 3);
}

}  // namespace
}  // namespace mayfly
