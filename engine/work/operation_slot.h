// OperationSlot: where a coordinator keeps an operation, and how ids tell it.
#pragma once

#include <cstdint>

#include "mayfly/base/operation_id.h"

namespace mayfly {

using OperationSlot = std::uint32_t;
constexpr OperationSlot kNoOperationSlot = UINT32_MAX;

// Ids carry the slot in their low bits, so that an operation is found by its id without searching.
// What stands above comes from OperationIds, so ids are as unique, and increase as those do.
constexpr int kOperationSlotBits = 20;
constexpr OperationId operation_id(std::uint64_t number, OperationSlot slot) {
  return number << kOperationSlotBits | slot;
}

}  // namespace mayfly
