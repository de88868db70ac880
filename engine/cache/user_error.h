// What a callback of the user's threw, as a Status and as a short name for a signal.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/base/status.h"

namespace mayfly {

// A failure of user code.
struct UserError {
  std::string type;  // the exception's type ("std::runtime_error"), or a status's code ("kIo")
  Status status;
};

// The exception being handled; call it in a catch block. `who` is named in the message: "the
// factory of key 7".
UserError current_user_error(std::string_view who);

// A failed status's code as its name: "kIo".
const char* code_name(Code code);

}  // namespace mayfly
