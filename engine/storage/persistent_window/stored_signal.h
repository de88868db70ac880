// StoredSignal: a row of a persistent window's table. Its texts are valid until the visitor that is
// shown it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mayfly/base/operation_id.h"

namespace mayfly {

struct StoredSignal {
  std::int64_t id = 0;
  OperationId operation = 0;
  std::string_view name;
  std::optional<std::string_view> key;
  std::string_view timestamp;  // stored_time.h
};

}  // namespace mayfly
