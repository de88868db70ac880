#include "mayfly/base/function_ref.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

namespace mayfly {
namespace {

int apply(FunctionRef<int(int)> function, int value) { return function(value); }

TEST_CASE("function ref: calls lambdas, also const ones") {
  int calls = 0;
  CHECK(apply(
            [&](int value) {
              ++calls;
              return value + 1;
            },
            4) == 5);
  const auto minus = [](int value) { return -value; };
  CHECK(apply(minus, 4) == -4);
  CHECK(calls == 1);
}

TEST_CASE("function ref: arguments are passed on, references as references") {
  int sum = 0;
  const auto add = [](int& to, std::unique_ptr<int> what) { to += *what; };
  const FunctionRef<void(int&, std::unique_ptr<int>)> function = add;
  function(sum, std::make_unique<int>(7));
  CHECK(sum == 7);
}

TEST_CASE("function ref: what the callable throws reaches the caller") {
  CHECK_THROWS_AS(apply([](int) -> int { throw std::runtime_error("no"); }, 0), std::runtime_error);
}

}  // namespace
}  // namespace mayfly
