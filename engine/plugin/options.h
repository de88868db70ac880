// Options of a plugin, by the table in its descriptor: text or typed values in, checked values out.
//
// OWNERSHIP  OptionValues owns every text and list; copies share the same immutable memory, and
//            data() stays where it is as long as one copy lives.
// THREADS    Functions are pure; values are immutable.
// UNITS      Durations in nanoseconds ("250ms", "1.5s", "2h"), sizes in bytes ("64KiB", "1GB").
//
// Every mistake is reported, not only the first; an unknown name comes with the nearest known one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/nearest.h"
#include "mayfly/base/status.h"
#include "mayfly/base/unit_text.h"  // what is parsed here, as text again
#include "mayfly/plugin/tables.h"

namespace mayfly {

// Where something stands in a text file; from 1, 0: nowhere.
struct TextPlace {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool operator==(const TextPlace&) const = default;
};

// What no option takes, in words: "a table".
struct UnfitValue {
  std::string what;
};
// As a configuration language gives it. Text is parsed by the option's type; other types must fit
// it.
using RawValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, UnfitValue>;

// An option as somebody wrote it, not checked yet.
struct RawOption {
  std::string name;
  RawValue value;
  TextPlace place = {};                  // of the value
  TextPlace key_place = {};              // of the name; nowhere: as the value
  std::vector<TextPlace> elements = {};  // of a list's; empty: as the value
};

// What is wrong with an option.
struct OptionError {
  std::string option;
  std::string message;     // without the option's name
  std::string suggestion;  // the nearest known name; empty: none
  TextPlace place = {};    // of the option; nowhere when it is missing
};

// Checked values, in the order of the plugin's table.
class OptionValues {
 public:
  OptionValues() = default;

  // One a row of the plugin's table, for configure.
  const mayfly_value* data() const { return rep_ ? rep_->values.data() : nullptr; }
  std::uint32_t size() const { return rep_ ? static_cast<std::uint32_t>(rep_->values.size()) : 0; }
  const mayfly_value& operator[](std::uint32_t i) const { return rep_->values[i]; }

 private:
  friend class OptionParser;
  struct Rep {
    std::vector<mayfly_value> values;
    std::vector<std::unique_ptr<std::string>> texts;
    std::vector<std::unique_ptr<mayfly_text[]>> lists;
  };
  std::shared_ptr<const Rep> rep_;
};

// The values, and what is wrong with them.
struct ParsedOptions {
  // An option that is wrong has its default. Complete, unless one of the required ones is missing
  // or wrong.
  OptionValues values;
  std::vector<OptionError> errors;

  bool ok() const { return errors.empty(); }
};

ParsedOptions parse_options(OptionTable table, std::span<const RawOption> given);
// All errors in one message, one a line, for who has no places to show.
Status to_status(std::string_view plugin, const std::vector<OptionError>& errors);

// One option that may change while rows flow (MAYFLY_OPTION_RUNTIME).
struct RuntimeOption {
  std::uint32_t index = 0;
  OptionValues values;  // values[index] is its value; the others are unset
};
Result<RuntimeOption> parse_runtime_option(OptionTable table, const RawOption& given);

// Text of one type, as options take it. An error is one sentence.
Result<std::int64_t> parse_int(std::string_view text);
Result<double> parse_float(std::string_view text);
Result<bool> parse_bool(std::string_view text);
Result<std::int64_t> parse_duration(std::string_view text);  // nanoseconds
Result<std::int64_t> parse_size(std::string_view text);      // bytes

// "a|b|c" one by one.
std::vector<std::string_view> split_choices(const char* choices);
std::string_view option_type_name(std::uint32_t type);

}  // namespace mayfly
