#include "tools/mayfly/option_adder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace mayfly::cli {
namespace {

// Of other values CLI11 makes numbers, or throws what isn't a ParseError.
bool is_flag_word(std::string_view given) {
  constexpr std::string_view kWords[] = {"true", "false", "on", "off", "yes", "no", "1", "0"};
  return std::ranges::find(kWords, given) != std::end(kWords);
}

}  // namespace

std::vector<std::string_view> items_of(std::string_view list, char between) {
  std::vector<std::string_view> items;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = list.find(between);
    items.push_back(list.substr(0, comma));
    if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  }
  return items;
}

CLI::Option* OptionAdder::text(const char* names, std::string& value, const char* help) {
  return finish(app_.add_option(names, value, help)->check(not_empty()));
}

CLI::Option* OptionAdder::list(const char* names, std::vector<std::string>& value,
                               const char* help) {
  // CLI11's delimiter() drops the empty items without a word.
  const auto take = [&value](const std::vector<std::string>& given) {
    for (const std::string& list : given) {
      for (const std::string_view item : items_of(list)) value.emplace_back(item);
    }
  };
  return finish(app_.add_option_function<std::vector<std::string>>(names, take, help)
                    ->allow_extra_args(false)
                    ->check(no_empty_items()));
}

CLI::Option* OptionAdder::flag(const char* names, bool& value, const char* help) {
  return finish(app_.add_flag(names, value, help)->check(is_switch()));
}

CLI::Option* OptionAdder::choice(const char* names, std::string& value, const char* help,
                                 std::vector<std::string> choices) {
  std::string shown;
  for (const std::string& each : choices) shown += (shown.empty() ? "" : "|") + each;
  return add(names, value, help)
      ->check(CLI::IsMember(std::move(choices)).description(""))
      ->type_name(shown);
}

CLI::Option* OptionAdder::finish(CLI::Option* option) const {
  std::string variable = "MAYFLY_";
  for (const char c : option->get_lnames().front()) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return option->envname(variable)->group(group_);
}

CLI::Validator OptionAdder::is_switch() {
  return {[](const std::string& given) {
            return is_flag_word(given) ? std::string()
                                       : fmt::format("expected true or false, found \"{}\"", given);
          },
          ""};
}

CLI::Validator OptionAdder::is_count() {
  return {[](const std::string& given) {
            const bool digit = given.size() == 1 && given[0] >= '0' && given[0] <= '9';
            return digit || is_flag_word(given)
                       ? std::string()
                       : fmt::format("expected true, false or 0 to 9, found \"{}\"", given);
          },
          ""};
}

CLI::Validator OptionAdder::is_decimal() {
  return {[](const std::string& given) -> std::string {
            const std::string_view digits =
                std::string_view(given).substr(given.starts_with('-') ? 1 : 0);
            const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
            if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
              return fmt::format("expected a number, found \"{}\"", given);
            }
            if (digits.size() > 1 && digits[0] == '0') {
              return fmt::format("expected a number without zeros before it, found \"{}\"", given);
            }
            std::int64_t number = 0;
            const auto read = std::from_chars(given.data(), given.data() + given.size(), number);
            if (read.ec == std::errc()) return {};
            return fmt::format("expected a number of at most {}, found \"{}\"", INT64_MAX, given);
          },
          ""};
}

CLI::Validator OptionAdder::not_empty() {
  return {[](const std::string& given) {
            return given.empty() ? std::string("expected a value, found an empty one")
                                 : std::string();
          },
          ""};
}

CLI::Validator OptionAdder::no_empty_items() {
  return {[](const std::string& given) {
            const std::vector<std::string_view> items = items_of(given);
            if (std::ranges::none_of(items, &std::string_view::empty)) return std::string();
            return items.size() == 1 ? std::string("expected a value, found an empty one")
                                     : fmt::format(
                                           "expected items with commas between them, "
                                           "found an empty one in \"{}\"",
                                           given);
          },
          ""};
}

}  // namespace mayfly::cli
