// HelpFormatter: how --help looks.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mayfly::cli {

// The environment variable and "excludes" of every option would hide what it does.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  // Of the program also what holds for all commands.
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace mayfly::cli
