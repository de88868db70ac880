// SignalPath: the stems by which a signal came about, oldest first, its own last.
//
// A signal that a listener raises is caused by the signal that was being delivered to it; the path
// says so, step by step. A step is a sink and a stem: the same stem in another sink is another
// step.
//
// MEMORY     A value of fixed size; stems longer than kTextBytes are shown cut, and compared by
//            hash, size and what is shown.
// THREADS    Those of any value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace mayfly {

class SignalSink;

// Steps that a path can have; also the deliveries that can be nested on one thread.
constexpr std::uint32_t kSignalPathMax = 32;

// A path that was taken out of an event, to be kept.
class SignalPath {
 public:
  static constexpr std::size_t kTextBytes = 40;

  // Number of steps: 1 for a signal that nothing caused, 0 for a leaf.
  std::uint32_t depth() const { return depth_; }
  // Precondition: step < depth().
  std::string_view stem(std::uint32_t step) const {
    const Step& known = steps_[step];
    return {known.text, std::min<std::size_t>(known.size, kTextBytes)};
  }
  // Whether the sink raised the stem on this path; a null sink stands for any.
  bool contains(const SignalSink* sink, std::string_view stem) const {
    const Step wanted(sink, stem);
    return std::any_of(steps_.begin(), steps_.begin() + depth_, [&](const Step& step) {
      return (sink == nullptr || step.sink == sink) && step.same_stem(wanted);
    });
  }
  // A path that is full stays as it is.
  void add(const SignalSink* sink, std::string_view stem) {
    if (depth_ < kSignalPathMax) steps_[depth_++] = Step(sink, stem);
  }

 private:
  struct Step {
    Step() = default;
    Step(const SignalSink* in, std::string_view stem)
        : sink(in), hash(std::hash<std::string_view>{}(stem)), size(stem.size()) {
      stem.copy(text, kTextBytes);
    }
    bool same_stem(const Step& other) const {
      return hash == other.hash && size == other.size &&
             std::memcmp(text, other.text, kTextBytes) == 0;
    }
    const SignalSink* sink = nullptr;
    std::uint64_t hash = 0;
    std::size_t size = 0;
    char text[kTextBytes] = {};
  };

  std::array<Step, kSignalPathMax> steps_;
  std::uint32_t depth_ = 0;
};

}  // namespace mayfly
