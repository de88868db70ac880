// What plugins hand over in the types of the ABI, as types of ours. Views: nothing is owned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/status.h"

namespace mayfly {

inline std::string_view view(const mayfly_text& text) {
  return {text.data, static_cast<std::size_t>(text.size)};
}

// By MAYFLY_FAIL_INTERNAL ...; a class that this host doesn't know is internal.
inline Code code_of(std::int32_t failure_class) {
  switch (failure_class) {
    case MAYFLY_FAIL_CONFIG:
      return Code::kConfig;
    case MAYFLY_FAIL_INPUT_MISSING:
      return Code::kNoInput;
    case MAYFLY_FAIL_IO:
      return Code::kIo;
    default:
      return Code::kInternal;
  }
}

}  // namespace mayfly
