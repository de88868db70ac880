#include "mayfly/cache/user_error.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace mayfly {
namespace {

std::string current_type_name() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "unknown";
  int failed = 0;
  char* const name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &failed);
  std::string text = failed == 0 ? name : type->name();
  std::free(name);
  return text;
}

}  // namespace

UserError current_user_error(std::string_view who) {
  UserError error{current_type_name(), {}};
  std::string message = std::string(who).append(" threw ").append(error.type);
  try {
    throw;
  } catch (const std::exception& exception) {
    message.append(": ").append(exception.what());
  } catch (...) {  // the type is all there is to say
  }
  error.status = Status(Code::kInternal, std::move(message));
  return error;
}

const char* code_name(Code code) {
  switch (code) {
    case Code::kOk:
      return "kOk";
    case Code::kUsage:
      return "kUsage";
    case Code::kBadData:
      return "kBadData";
    case Code::kNoInput:
      return "kNoInput";
    case Code::kUnavailable:
      return "kUnavailable";
    case Code::kInternal:
      return "kInternal";
    case Code::kCannotCreate:
      return "kCannotCreate";
    case Code::kIo:
      return "kIo";
    case Code::kTryAgain:
      return "kTryAgain";
    case Code::kConfig:
      return "kConfig";
  }
  return "unknown";
}

}  // namespace mayfly
