// What CoordinatorRegistry says when a name can't be had.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"

namespace mayfly {

// kUsage for a name of nothing but blanks; "" is one.
Status check_registry_name(std::string_view name);
Status empty_factory_error(std::string_view name);
Status registered_twice_error(std::string_view name);
Status unknown_name_error(std::string_view name, const std::vector<std::string>& registered);
Status circle_of_factories_error(std::string_view name);
// `call`: "get" or "add".
Status registry_shut_down_error(std::string_view call, std::string_view name);
Status shutdown_in_factory_error();
// `what`: what the factory threw, or what else went wrong.
Status factory_error(std::string_view name, std::string_view what);

}  // namespace mayfly
