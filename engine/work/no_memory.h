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

// Why a body failed; only that it has, where there is no memory for the text.
inline Status failure_of(const char* what) {
  return unless_no_memory([&] { return Status(Code::kInternal, what); });
}

}  // namespace mayfly
