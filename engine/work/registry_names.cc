#include "mayfly/work/registry_names.h"

#include <fmt/format.h>

namespace mayfly {
namespace {

std::string shown(std::string_view name) {
  return name.empty() ? "the default coordinator" : fmt::format("the coordinator '{}'", name);
}

Status usage(std::string message) { return Status(Code::kUsage, std::move(message)); }

}  // namespace

Status check_registry_name(std::string_view name) {
  if (name.empty() || name.find_first_not_of(" \t\r\n") != std::string_view::npos) return {};
  return usage(fmt::format("add: expected a name, or \"\" for the default, found '{}'", name));
}

Status empty_factory_error(std::string_view name) {
  return usage(fmt::format("add: expected a factory for {}, found an empty function", shown(name)));
}

Status registered_twice_error(std::string_view name) {
  return usage(fmt::format("add: {} was added before; expected another name", shown(name)));
}

Status unknown_name_error(std::string_view name, const std::vector<std::string>& registered) {
  std::string names;
  for (const std::string& one : registered) {
    names +=
        fmt::format("{}'{}'{}", names.empty() ? "" : ", ", one, one.empty() ? " (default)" : "");
  }
  const std::string call =
      name.empty() ? "add(factory)" : fmt::format("add(\"{}\", factory)", name);
  return usage(fmt::format("get: {} isn't registered; registered: {}. Call {} first", shown(name),
                           names.empty() ? "none" : names, call));
}

Status circle_of_factories_error(std::string_view name) {
  return usage(fmt::format("get: {} is being made and waits for the factory that asks for it now",
                           shown(name)));
}

Status registry_shut_down_error(std::string_view call, std::string_view name) {
  return usage(fmt::format("{}: expected {} before shutdown(), found it after", call, shown(name)));
}

Status shutdown_in_factory_error() {
  return usage("shutdown: expected outside of factories, found within one");
}

Status factory_error(std::string_view name, std::string_view what) {
  return Status(Code::kInternal, fmt::format("{} wasn't made: its factory: {}", shown(name), what));
}

}  // namespace mayfly
