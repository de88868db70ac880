#include "tools/mayfly/lock_watch.h"

#include <doctest/doctest.h>

#include <string>

using namespace mayfly::cli;

namespace {

constexpr std::uint64_t kDatabase = 131;
constexpr std::uint64_t kShm = 132;
constexpr pid_t kSelf = 50;

pid_t holder(const std::string& locks, std::uint64_t shm = kShm) {
  return lock_holder_in(locks, kDatabase, shm, kSelf);
}

}  // namespace

TEST_CASE("lock watch: the writer of a database is known with a WAL and without") {
  CHECK(holder("1: POSIX  ADVISORY  WRITE 4711 08:01:132 120 120\n") == 4711);
  CHECK(holder("1: POSIX  ADVISORY  READ  12 08:01:131 1073741826 1073742335\n"
               "2: POSIX  ADVISORY  WRITE 4711 08:01:131 1073741825 1073741825\n",
               0) == 4711);
}

TEST_CASE("lock watch: a reader is in the way only without a WAL") {
  const std::string reader = "1: POSIX  ADVISORY  READ  12 08:01:131 1073741826 1073742335\n";

  CHECK(holder(reader, 0) == 12);
  CHECK(holder(reader + "2: POSIX  ADVISORY  READ  12 08:01:132 123 123\n") == 0);
}

TEST_CASE("lock watch: locks of this process, of other files and kinds, and waiters don't count") {
  CHECK(holder("1: POSIX  ADVISORY  WRITE 50 08:01:132 120 120\n") == 0);
  CHECK(holder("1: POSIX  ADVISORY  WRITE 12 08:01:133 120 120\n") == 0);
  CHECK(holder("1: OFDLCK ADVISORY  WRITE -1 08:01:132 0 EOF\n") == 0);
  CHECK(holder("1: -> POSIX  ADVISORY  WRITE 12 08:01:132 120 120\n") == 0);
  CHECK(holder("nonsense\n\n1: POSIX a b c d e f\n") == 0);
}
