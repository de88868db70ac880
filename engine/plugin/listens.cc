#include "mayfly/plugin/listens.h"

#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {

std::vector<Listen> listens_of(const mayfly_plugin& plugin, const OptionValues& values) {
  std::vector<Listen> listens;
  const NamedTable named(plugin.listens);
  for (std::uint32_t i = 0; i < named.size(); ++i) listens.push_back({i, named[i].name});
  const OptionTable options(plugin.options);
  for (std::uint32_t i = 0; i < options.size() && i < values.size(); ++i) {
    if ((options[i].flags & MAYFLY_OPTION_SIGNALS) == 0 || values[i].is_set == 0) continue;
    const std::uint32_t id = MAYFLY_LISTEN_OPTION + i;
    if (options[i].type == MAYFLY_OPTION_TEXT) {
      if (values[i].text.size > 0) listens.push_back({id, std::string(view(values[i].text))});
      continue;
    }
    for (std::uint64_t k = 0; k < values[i].list_count; ++k) {
      listens.push_back({id, std::string(view(values[i].list[k])), static_cast<std::uint32_t>(k)});
    }
  }
  return listens;
}

}  // namespace mayfly
