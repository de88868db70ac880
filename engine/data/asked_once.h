// AskedOnce: the part of batch.passed that belongs to one node that is asked about a row once
// (MAYFLY_ASKED_ONCE), and note_failed_attempt(), which changes the parts of many.
//
// A node has four bits. The lower two: by which port it let the row go, the last time. The upper
// two: an attempt has failed since then, so the row comes again, and goes by that port without the
// node being asked. Going by a port, asked or not, clears the upper two: a row that comes back once
// more without having failed again, round a cycle, is asked for like any other. So is one that
// comes to the node only behind the place that failed it: by then that has taken the row.
//
// THREADS  Whoever has the row.
#pragma once

#include <cstdint>

namespace mayfly {

class AskedOnce {
 public:
  // batch.passed has room for so many nodes, of so many ports.
  static constexpr std::uint32_t kNodesMax = 16;
  static constexpr std::uint32_t kPortsMax = 2;

  // No node's: nothing is noted.
  AskedOnce() = default;
  // place < kNodesMax
  explicit AskedOnce(std::uint32_t place)
      : left_{std::uint64_t{1} << (4 * place), std::uint64_t{2} << (4 * place)} {}

  bool is_noted() const { return left_[0] != 0; }

  // Its share of what note_failed_attempt() is to look at.
  std::uint64_t left() const { return left_[0] | left_[1]; }
  // The row goes by `port`.
  void note(std::uint64_t& passed, std::uint32_t port) const {
    passed = (passed & ~(again() | left())) | left_[port];
  }
  // Whether a row comes again, and by which port it goes then.
  bool comes_again(std::uint64_t passed) const { return (passed & again()) != 0; }
  std::uint32_t port_again(std::uint64_t passed) const {
    return (passed & (left_[1] << kAgain)) != 0 ? 1 : 0;
  }

 private:
  friend void note_failed_attempt(std::uint64_t& passed, std::uint64_t left);
  static constexpr std::uint32_t kAgain = 2;

  std::uint64_t again() const { return left() << kAgain; }

  std::uint64_t left_[kPortsMax] = {};
};

// Of the nodes in `left`, those that let the row go won't be asked when it comes there next.
inline void note_failed_attempt(std::uint64_t& passed, std::uint64_t left) {
  passed |= (passed & left) << AskedOnce::kAgain;
}

}  // namespace mayfly
