// Options: the rows of a plugin's option table, and typed access to their checked values.
//
// The functions that make rows are constexpr, so that a table is read-only data. Durations are
// nanoseconds, sizes bytes. Values last until configure returns; copy what is kept.
#pragma once

#include <cassert>
#include <cstdint>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/sdk/host.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

// Text as a user would write it; inclusive. NULL: no limit. Of a text: its bytes; of a list:
// entries.
struct Range {
  const char* minimum = nullptr;
  const char* maximum = nullptr;
};

namespace detail {
constexpr mayfly_option row(const char* name, std::uint32_t type, const char* default_value,
                            Range range, const char* choices, const char* help) {
  return {.name = name,
          .type = type,
          .flags = 0,
          .default_value = default_value,
          .minimum = range.minimum,
          .maximum = range.maximum,
          .choices = choices,
          .help = help};
}
}  // namespace detail

// A default of nullptr: the option stays unset unless it is given.
constexpr mayfly_option bool_option(const char* name, const char* default_value, const char* help) {
  return detail::row(name, MAYFLY_OPTION_BOOL, default_value, {}, nullptr, help);
}
constexpr mayfly_option int_option(const char* name, const char* default_value, Range range,
                                   const char* help) {
  return detail::row(name, MAYFLY_OPTION_INT, default_value, range, nullptr, help);
}
constexpr mayfly_option float_option(const char* name, const char* default_value, Range range,
                                     const char* help) {
  return detail::row(name, MAYFLY_OPTION_FLOAT, default_value, range, nullptr, help);
}
constexpr mayfly_option duration_option(const char* name, const char* default_value, Range range,
                                        const char* help) {
  return detail::row(name, MAYFLY_OPTION_DURATION, default_value, range, nullptr, help);
}
constexpr mayfly_option size_option(const char* name, const char* default_value, Range range,
                                    const char* help) {
  return detail::row(name, MAYFLY_OPTION_SIZE, default_value, range, nullptr, help);
}
constexpr mayfly_option text_option(const char* name, const char* default_value, const char* help) {
  return detail::row(name, MAYFLY_OPTION_TEXT, default_value, {}, nullptr, help);
}
constexpr mayfly_option choice_option(const char* name, const char* default_value,
                                      const char* choices, const char* help) {
  return detail::row(name, MAYFLY_OPTION_CHOICE, default_value, {}, choices, help);
}
constexpr mayfly_option list_option(const char* name, const char* default_value, Range entries,
                                    const char* help) {
  return detail::row(name, MAYFLY_OPTION_LIST, default_value, entries, nullptr, help);
}
// `required(text_option("path", nullptr, "..."))`
constexpr mayfly_option required(mayfly_option option) {
  option.flags |= MAYFLY_OPTION_REQUIRED;
  return option;
}

// Of a source: it names what is read, so that no two sources of a pipeline may have the same.
constexpr mayfly_option unique(mayfly_option option) {
  option.flags |= MAYFLY_OPTION_UNIQUE;
  return option;
}

// Of a node's text or list: globs of signals; what matches one comes to on_signal, with
// listen_of(option).
constexpr mayfly_option signals(mayfly_option option) {
  option.flags |= MAYFLY_OPTION_SIGNALS;
  return option;
}

// Of a node with set_option(uint32_t, const Options&): it may change while rows flow.
constexpr mayfly_option runtime(mayfly_option option) {
  option.flags |= MAYFLY_OPTION_RUNTIME;
  return option;
}

// mayfly_signal.listen of what the option named.
constexpr std::uint32_t listen_of(std::uint32_t option) { return MAYFLY_LISTEN_OPTION + option; }

class Options {
 public:
  explicit Options(const mayfly_value* values) : values_(values) {}

  // `option` is the row's index in options[].
  bool is_set(std::uint32_t option) const { return values_[option].is_set != 0; }
  bool flag(std::uint32_t option) const { return at(option, MAYFLY_OPTION_BOOL).i64 != 0; }
  std::int64_t integer(std::uint32_t option) const { return at(option, MAYFLY_OPTION_INT).i64; }
  double number(std::uint32_t option) const { return at(option, MAYFLY_OPTION_FLOAT).f64; }
  std::int64_t duration_ns(std::uint32_t option) const {
    return at(option, MAYFLY_OPTION_DURATION).i64;
  }
  std::int64_t bytes(std::uint32_t option) const { return at(option, MAYFLY_OPTION_SIZE).i64; }
  std::string_view text(std::uint32_t option) const {
    return to_view(at(option, MAYFLY_OPTION_TEXT).text);
  }
  // Its index among the choices.
  std::uint32_t choice(std::uint32_t option) const {
    return static_cast<std::uint32_t>(at(option, MAYFLY_OPTION_CHOICE).i64);
  }
  std::uint64_t list_size(std::uint32_t option) const {
    return at(option, MAYFLY_OPTION_LIST).list_count;
  }
  std::string_view list_at(std::uint32_t option, std::uint64_t i) const {
    return to_view(at(option, MAYFLY_OPTION_LIST).list[i]);
  }

 private:
  const mayfly_value& at(std::uint32_t option, std::uint32_t type) const {
    assert(values_[option].type == type && "read as another type than options[] declares");
    (void)type;
    return values_[option];
  }

  const mayfly_value* values_;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
