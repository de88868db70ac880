// check_property: rapidcheck within a doctest case. What fails is made smaller until nothing
// smaller fails, and told with what makes it fail again.
//
// Every run makes the same cases, unless the environment has others:
//
//   bazel test //tests/properties:all --test_env=RC_PARAMS="seed=7 max_success=5000"
//
// One thread: it sets a variable of the environment.
#pragma once

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>

namespace mayfly::testing {

// `holds` takes its random values by `*generator` and says what must be by RC_ASSERT. `cases`: so
// many, unless RC_PARAMS has max_success.
template <class Testable>
void check_property(const std::string& name, int cases, Testable&& holds) {
  constexpr int kNotSaid = 100;  // what rapidcheck has by default
  ::setenv("RC_PARAMS", "seed=1", 0);
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  if (params.maxSuccess == kNotSaid) params.maxSuccess = cases;
  rc::detail::TestMetadata metadata;
  metadata.id = name;
  metadata.description = name;
  const auto result = rc::detail::checkTestable(std::forward<Testable>(holds), metadata, params);
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  // rapidcheck itself tells, at the end of the program, what makes this one case again.
  FAIL(text.str(), "\n\nall of them again: --test_env=RC_PARAMS=\"seed=", params.seed,
       "\"; this one: with what is said below");
}

}  // namespace mayfly::testing
