#include "mayfly/plugin/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "mayfly/plugin/option_parser.h"

namespace mayfly {
namespace {

Status wrong(std::string message) { return {Code::kConfig, std::move(message)}; }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (const std::string_view part = trimmed(text.substr(0, comma)); !part.empty()) {
      parts.emplace_back(part);
    }
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

std::string_view wanted(std::uint32_t type) {
  switch (type) {
    case MAYFLY_OPTION_BOOL:
      return "true or false";
    case MAYFLY_OPTION_INT:
      return "an integer";
    case MAYFLY_OPTION_FLOAT:
      return "a number";
    case MAYFLY_OPTION_DURATION:
      return "a duration in quotes such as \"250ms\", \"1.5s\" or \"2h\"";
    case MAYFLY_OPTION_SIZE:
      return "a size in quotes such as \"64KiB\", \"2MiB\" or \"1GB\"";
    case MAYFLY_OPTION_LIST:
      return "a list of texts";
    default:
      return "text in quotes";
  }
}

std::string described(const RawValue& value) {
  struct Describe {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("the integer {}", v); }
    std::string operator()(double v) const { return fmt::format("the number {}", v); }
    std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v); }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("a list of {}", v.size());
    }
    std::string operator()(const UnfitValue& v) const { return v.what; }
  };
  return std::visit(Describe(), value);
}

// A number of this option as its reader would write it.
std::string shown(std::uint32_t type, long double number) {
  if (type == MAYFLY_OPTION_FLOAT) return fmt::format("{}", static_cast<double>(number));
  const std::int64_t whole = static_cast<std::int64_t>(number);
  if (type == MAYFLY_OPTION_DURATION) return format_duration(whole);
  if (type == MAYFLY_OPTION_SIZE) return format_size(whole);
  return fmt::format("{}", whole);
}

TextPlace key_place(const RawOption& raw) {
  return raw.key_place.line != 0 ? raw.key_place : raw.place;
}

}  // namespace

OptionParser::OptionParser(OptionTable table) : table_(table), given_(table.size()) {
  rep_->values.resize(table.size());
  for (std::uint32_t i = 0; i < table.size(); ++i) rep_->values[i].type = table[i].type;
}

Result<OptionParser::Scalar> OptionParser::read(const mayfly_option& option,
                                                const RawValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return read_text(option, *text);
  const auto* number = std::get_if<std::int64_t>(&value);
  Scalar out;
  switch (option.type) {
    case MAYFLY_OPTION_BOOL:
      if (const auto* flag = std::get_if<bool>(&value)) {
        out.i64 = *flag ? 1 : 0;
        return out;
      }
      break;
    case MAYFLY_OPTION_INT:
    case MAYFLY_OPTION_SIZE:
      if (number != nullptr) {
        out.i64 = *number;
        return out;
      }
      break;
    case MAYFLY_OPTION_DURATION:
      // Without a unit only zero is unambiguous.
      if (number != nullptr && *number == 0) return out;
      break;
    case MAYFLY_OPTION_FLOAT:
      if (const auto* real = std::get_if<double>(&value)) out.f64 = *real;
      if (number != nullptr) out.f64 = static_cast<double>(*number);
      if (!std::isfinite(out.f64)) break;
      if (number != nullptr || std::holds_alternative<double>(value)) return out;
      break;
    case MAYFLY_OPTION_LIST:
      if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
        out.list = *list;
        return out;
      }
      break;
    default:
      break;
  }
  return wrong(fmt::format("expected {}, found {}", wanted(option.type), described(value)));
}

Result<OptionParser::Scalar> OptionParser::read_text(const mayfly_option& option,
                                                     const std::string& text) {
  Scalar out;
  switch (option.type) {
    case MAYFLY_OPTION_BOOL: {
      MAYFLY_ASSIGN_OR_RETURN(const bool flag, parse_bool(text));
      out.i64 = flag ? 1 : 0;
      return out;
    }
    case MAYFLY_OPTION_INT: {
      MAYFLY_ASSIGN_OR_RETURN(out.i64, parse_int(text));
      return out;
    }
    case MAYFLY_OPTION_FLOAT: {
      MAYFLY_ASSIGN_OR_RETURN(out.f64, parse_float(text));
      return out;
    }
    case MAYFLY_OPTION_DURATION: {
      MAYFLY_ASSIGN_OR_RETURN(out.i64, parse_duration(text));
      return out;
    }
    case MAYFLY_OPTION_SIZE: {
      MAYFLY_ASSIGN_OR_RETURN(out.i64, parse_size(text));
      return out;
    }
    case MAYFLY_OPTION_CHOICE:
      return read_choice(option, text);
    case MAYFLY_OPTION_LIST:
      out.list = split_list(text);
      return out;
    default:
      out.text = text;
      return out;
  }
}

Result<OptionParser::Scalar> OptionParser::read_choice(const mayfly_option& option,
                                                       const std::string& text) {
  const std::vector<std::string_view> choices = split_choices(option.choices);
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found == choices.end()) {
    return wrong(fmt::format("expected one of {}, found \"{}\"", fmt::join(choices, ", "), text));
  }
  Scalar out;
  out.i64 = found - choices.begin();
  out.text = text;
  return out;
}

// What a minimum or maximum limits: the number itself, a text's bytes, a list's entries.
Result<long double> OptionParser::bound(const mayfly_option& option, const char* text) {
  mayfly_option plain = option;
  if (option.type == MAYFLY_OPTION_TEXT || option.type == MAYFLY_OPTION_LIST) {
    plain.type = MAYFLY_OPTION_INT;
  }
  MAYFLY_ASSIGN_OR_RETURN(const Scalar value, read_text(plain, text));
  return plain.type == MAYFLY_OPTION_FLOAT ? static_cast<long double>(value.f64)
                                           : static_cast<long double>(value.i64);
}

Status OptionParser::check_range(const mayfly_option& option, const Scalar& value) {
  // Wide enough for every int64.
  long double number = static_cast<long double>(value.i64);
  std::string_view unit;
  if (option.type == MAYFLY_OPTION_FLOAT) number = value.f64;
  if (option.type == MAYFLY_OPTION_TEXT) {
    number = static_cast<long double>(value.text.size());
    unit = " bytes";
  }
  if (option.type == MAYFLY_OPTION_LIST) {
    number = static_cast<long double>(value.list.size());
    unit = " entries";
  }
  if (option.minimum != nullptr) {
    MAYFLY_ASSIGN_OR_RETURN(const long double minimum, bound(option, option.minimum));
    if (number < minimum) {
      return wrong(fmt::format("{}{} is under the minimum {}", shown(option.type, number), unit,
                               option.minimum));
    }
  }
  if (option.maximum != nullptr) {
    MAYFLY_ASSIGN_OR_RETURN(const long double maximum, bound(option, option.maximum));
    if (number > maximum) {
      return wrong(fmt::format("{}{} is over the maximum {}", shown(option.type, number), unit,
                               option.maximum));
    }
  }
  return {};
}

Status OptionParser::check_row(const mayfly_option& option) {
  const auto named = [](std::string_view which, const Status& status) {
    return wrong(fmt::format("its {}: {}", which, status.message()));
  };
  if (option.type > MAYFLY_OPTION_LIST) return wrong(fmt::format("unknown type {}", option.type));
  if (option.type == MAYFLY_OPTION_CHOICE && split_choices(option.choices).empty()) {
    return wrong("a choice without choices");
  }
  for (const auto& [which, text] :
       {std::pair{"minimum", option.minimum}, std::pair{"maximum", option.maximum}}) {
    if (text == nullptr) continue;
    if (option.type == MAYFLY_OPTION_BOOL || option.type == MAYFLY_OPTION_CHOICE) {
      return wrong(fmt::format("a {} for a {}", which, option_type_name(option.type)));
    }
    if (const auto value = bound(option, text); !value.ok()) return named(which, value.status());
  }
  if (option.default_value == nullptr) return {};
  if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) {
    return wrong("both required and with a default");
  }
  const auto value = read_text(option, option.default_value);
  if (!value.ok()) return named("default", value.status());
  if (const Status range = check_range(option, *value); !range.ok()) return named("default", range);
  return {};
}

bool OptionParser::check_globs(const RawOption& raw, const Scalar& value) {
  const std::size_t errors_before = errors_.size();
  const auto fits = [](std::string_view glob) {
    return std::ranges::none_of(glob, [](char c) { return c == ' ' || c == '\t' || c == '\n'; });
  };
  const auto report = [&](std::string_view wanted, const std::string& glob, TextPlace place) {
    errors_.push_back(
        {raw.name, fmt::format("expected {} of signals without blanks, found \"{}\"", wanted, glob),
         "", place});
  };
  for (std::size_t i = 0; i < value.list.size(); ++i) {
    if (!value.list[i].empty() && fits(value.list[i])) continue;
    report("globs", value.list[i], i < raw.elements.size() ? raw.elements[i] : raw.place);
  }
  if (!fits(value.text)) report("a glob", value.text, raw.place);
  return errors_.size() == errors_before;
}

std::optional<std::uint32_t> OptionParser::row_of(const RawOption& raw) {
  if (const auto row = table_.find(raw.name)) return row;
  std::vector<std::string_view> names;
  for (const mayfly_option& option : table_) names.push_back(option.name);
  const std::string message =
      names.empty() ? "unknown option: this plugin has none" : "unknown option";
  errors_.push_back({raw.name, message, std::string(nearest(raw.name, names)), key_place(raw)});
  return std::nullopt;
}

void OptionParser::store(std::uint32_t row, Scalar value) {
  mayfly_value& out = rep_->values[row];
  out.is_set = 1;
  out.i64 = value.i64;
  out.f64 = value.f64;
  const auto keep = [this](std::string text) {
    rep_->texts.push_back(std::make_unique<std::string>(std::move(text)));
    return mayfly_text{rep_->texts.back()->data(), rep_->texts.back()->size()};
  };
  if (out.type == MAYFLY_OPTION_TEXT || out.type == MAYFLY_OPTION_CHOICE) {
    out.text = keep(std::move(value.text));
  }
  if (out.type != MAYFLY_OPTION_LIST) return;
  rep_->lists.push_back(std::make_unique<mayfly_text[]>(value.list.size()));
  for (std::size_t i = 0; i < value.list.size(); ++i) {
    rep_->lists.back()[i] = keep(std::move(value.list[i]));
  }
  out.list = rep_->lists.back().get();
  out.list_count = value.list.size();
}

void OptionParser::fill_missing() {
  for (std::uint32_t i = 0; i < table_.size(); ++i) {
    const mayfly_option& option = table_[i];
    if (rep_->values[i].is_set != 0) continue;
    if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) {
      if (given_[i]) continue;  // and wrong, which is reported
      errors_.push_back({option.name,
                         fmt::format("required option is missing ({}): {}",
                                     option_type_name(option.type), option.help),
                         "",
                         {}});
    } else if (option.default_value != nullptr) {
      // The descriptor's check has parsed it before.
      if (auto value = read_text(option, option.default_value); value.ok()) {
        store(i, std::move(value).value());
      }
    }
  }
}

ParsedOptions OptionParser::parse(std::span<const RawOption> given) {
  for (const RawOption& raw : given) {
    const std::optional<std::uint32_t> row = row_of(raw);
    if (!row) continue;
    if (given_[*row]) {
      errors_.push_back({raw.name, "given twice", "", key_place(raw)});
      continue;
    }
    given_[*row] = true;
    const mayfly_option& option = table_[*row];
    auto value = read(option, raw.value);
    const Status status = value.ok() ? check_range(option, *value) : value.status();
    if (!status.ok()) {
      std::string suggestion;
      const auto* text = std::get_if<std::string>(&raw.value);
      if (option.type == MAYFLY_OPTION_CHOICE && text != nullptr) {
        suggestion = nearest(*text, split_choices(option.choices));
      }
      errors_.push_back({raw.name, status.message(), std::move(suggestion), raw.place});
      continue;
    }
    if ((option.flags & MAYFLY_OPTION_SIGNALS) != 0 && !check_globs(raw, *value)) continue;
    store(*row, std::move(value).value());
  }
  fill_missing();
  ParsedOptions parsed;
  parsed.values.rep_ = std::move(rep_);
  parsed.errors = std::move(errors_);
  return parsed;
}

ParsedOptions parse_options(OptionTable table, std::span<const RawOption> given) {
  return OptionParser(table).parse(given);
}

Result<RuntimeOption> parse_runtime_option(OptionTable table, const RawOption& given) {
  const auto index = table.find(given.name);
  ParsedOptions parsed = parse_options(table, {&given, 1});
  // Of the others, required ones are missing here.
  std::erase_if(parsed.errors, [&](const OptionError& e) { return e.option != given.name; });
  if (!parsed.errors.empty()) {
    const OptionError& error = parsed.errors.front();
    return Status(Code::kConfig, fmt::format("{}: {}", error.option, error.message));
  }
  if ((table[*index].flags & MAYFLY_OPTION_RUNTIME) == 0) {
    return Status(Code::kConfig, fmt::format("{}: can't change while rows flow", given.name));
  }
  return RuntimeOption{*index, std::move(parsed.values)};
}

Status to_status(std::string_view plugin, const std::vector<OptionError>& errors) {
  if (errors.empty()) return {};
  std::string message;
  for (const OptionError& error : errors) {
    if (!message.empty()) message += '\n';
    message += fmt::format("{}.{}: {}", plugin, error.option, error.message);
    if (!error.suggestion.empty())
      message += fmt::format(" (did you mean \"{}\"?)", error.suggestion);
  }
  return {Code::kConfig, std::move(message)};
}

}  // namespace mayfly
