#include "mayfly/storage/retry/with_db_retry.h"

namespace mayfly::internal {

const Clock& machine_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace mayfly::internal
