// GlobalOptions: what every command takes. Plain values.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mayfly::cli {

struct GlobalOptions {
  std::string output = "text";  // text, json
  int verbose = 0;
  bool quiet = false;
  std::string log_format = "text";  // text, json
  std::string color = "auto";       // auto, always, never
  std::vector<std::string> plugin_dirs;
  std::map<std::string, std::string> variables;  // --delimiter, if MAYFLY_DELIMITER gave it

  bool json() const { return output == "json"; }
};

}  // namespace mayfly::cli
