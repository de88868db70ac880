// Failures from before the breaker was open. Two signals may tell of one: the one that counts as a
// failure, and the breaker's own that was raised for it. So of n and m as many count as the larger
// of the two, in whichever order they come.
#pragma once

#include <cstdint>

namespace mayfly::circuit_breaker {

class EarlierFailures {
 public:
  // Whether it is another failure than those before.
  bool own() { return is_another(++own_); }
  bool named() { return is_another(++named_); }

 private:
  bool is_another(std::uint64_t told) {
    if (told <= counted_) return false;
    counted_ = told;
    return true;
  }

  std::uint64_t own_ = 0;
  std::uint64_t named_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace mayfly::circuit_breaker
