// OptionParser: one table, one set of given options. Private to engine/plugin.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mayfly/plugin/options.h"

namespace mayfly {

class OptionParser {
 public:
  explicit OptionParser(OptionTable table);

  ParsedOptions parse(std::span<const RawOption> given);

  // Default, minimum, maximum and choices of one option, as the ABI wants them.
  static Status check_row(const mayfly_option& option);

 private:
  // One value, before it is owned.
  struct Scalar {
    std::int64_t i64 = 0;
    double f64 = 0;
    std::string text;
    std::vector<std::string> list;
  };
  static Result<Scalar> read(const mayfly_option& option, const RawValue& value);
  static Result<Scalar> read_text(const mayfly_option& option, const std::string& text);
  static Result<Scalar> read_choice(const mayfly_option& option, const std::string& text);
  // Reports each that is wrong; true: none is.
  bool check_globs(const RawOption& raw, const Scalar& value);
  static Status check_range(const mayfly_option& option, const Scalar& value);
  static Result<long double> bound(const mayfly_option& option, const char* text);

  std::optional<std::uint32_t> row_of(const RawOption& raw);
  void store(std::uint32_t row, Scalar value);
  void fill_missing();

  OptionTable table_;
  std::unique_ptr<OptionValues::Rep> rep_ = std::make_unique<OptionValues::Rep>();
  std::vector<bool> given_;
  std::vector<OptionError> errors_;
};

}  // namespace mayfly
