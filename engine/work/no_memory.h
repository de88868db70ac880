// What coordinators' calls say when memory runs out.
#pragma once

#include <new>

#include "mayfly/base/status.h"

namespace mayfly {

// What `call` returns, a Status or a Result; kUnavailable when it throws std::bad_alloc, which
// comes out only if there is no memory for the Status either.
template <class Call>
auto unless_no_memory(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return Status(Code::kUnavailable, "no memory");
  }
}

}  // namespace mayfly
