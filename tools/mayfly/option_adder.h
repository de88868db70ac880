// OptionAdder: adds options to a command, each with its group and its environment variable.
//
// OWNERSHIP  The command and the values are the caller's and outlive the parsing.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mayfly::cli {

// What stands between the separators; also what is empty.
std::vector<std::string_view> items_of(std::string_view list, char between = ',');

class OptionAdder {
 public:
  OptionAdder(CLI::App& app, std::string group) : app_(app), group_(std::move(group)) {}

  template <class T>
  CLI::Option* add(const char* names, T& value, const char* help) {
    CLI::Option* const option = app_.add_option(names, value, help)->capture_default_str();
    if constexpr (std::is_integral_v<T>) option->check(is_decimal());
    return finish(option);
  }
  // Not an empty one.
  CLI::Option* text(const char* names, std::string& value, const char* help);
  // a,b,c, and any number of times.
  CLI::Option* list(const char* names, std::vector<std::string>& value, const char* help);
  CLI::Option* flag(const char* names, bool& value, const char* help);
  CLI::Option* choice(const char* names, std::string& value, const char* help,
                      std::vector<std::string> choices);
  // An option that was added otherwise: --batch-rows is MAYFLY_BATCH_ROWS too.
  CLI::Option* finish(CLI::Option* option) const;

  // Of a flag: true or false, in the words that CLI11 knows; is_count(): or a digit.
  static CLI::Validator is_switch();
  static CLI::Validator is_count();
  // Of a whole number: CLI11 takes 010 for 8, and what is too large for the largest there is.
  static CLI::Validator is_decimal();
  static CLI::Validator not_empty();
  static CLI::Validator no_empty_items();

 private:
  CLI::App& app_;
  std::string group_;
};

}  // namespace mayfly::cli
