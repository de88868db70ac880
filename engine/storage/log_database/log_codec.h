// LogLayout, LogEntry: a record on its way through the ring: what of it fits, written as bytes by
// the caller's thread and read again by the one that stores it.
//
// LIMITS     A message, and all names and texts of the extra fields together, keep so many bytes as
//            the limit says; a text that is too long is cut at the end of a character, and how much
//            is missing goes with it. Fields for which nothing is left, and those after the 64th,
//            are counted. The name of a logger or a field keeps 255 bytes.
// OWNERSHIP  An entry points into the bytes that it was read from.
// THREADS    Those of any value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mayfly/storage/log_database/log_record.h"

namespace mayfly {

// How many bytes of a record are kept.
struct LogLayout {
  static constexpr std::size_t kNameBytesMax = 255;
  static constexpr std::size_t kFieldsMax = 64;

  // text_bytes_max: the limit said above.
  LogLayout(const LogRecord& record, std::size_t text_bytes_max);

  std::size_t bytes = 0;  // of all, as encode() writes it
  std::size_t message_bytes = 0;
  std::size_t fields = 0;
  std::size_t text_bytes_max = 0;
};

// Writes layout.bytes bytes. quiet: it raises no signal.
void encode(const LogRecord& record, const LogLayout& layout, bool quiet, std::byte* out);

// A record as it was written.
class LogEntry {
 public:
  explicit LogEntry(const std::byte* bytes);

  std::int64_t wall_us() const { return head_.wall_us; }
  LogLevel level() const { return static_cast<LogLevel>(head_.level); }
  bool is_quiet() const { return head_.quiet != 0; }
  std::string_view logger() const { return {texts_, head_.logger_bytes}; }
  std::string_view message() const { return {texts_ + head_.logger_bytes, head_.message_bytes}; }
  std::uint32_t message_cut() const { return head_.message_cut; }  // bytes that are missing
  std::size_t fields_left_out() const { return head_.fields_left_out; }

  // One of its fields, in their order.
  struct Field {
    std::string_view name;
    LogValue value = nullptr;
    std::uint32_t cut = 0;  // bytes that are missing of a text
  };
  // Calls visit(field) for each.
  template <class Visit>
  void for_each_field(Visit visit) const {
    const char* at = texts_ + head_.logger_bytes + head_.message_bytes;
    for (std::size_t i = 0; i < head_.fields; ++i) visit(read_field(at));
  }

 private:
  friend void encode(const LogRecord&, const LogLayout&, bool, std::byte*);
  friend struct LogLayout;

  struct Head {
    std::int64_t wall_us = 0;
    std::uint32_t message_bytes = 0;
    std::uint32_t message_cut = 0;
    std::uint32_t fields_left_out = 0;
    std::uint8_t fields = 0;
    std::uint8_t logger_bytes = 0;
    std::uint8_t level = 0;
    std::uint8_t quiet = 0;
  };
  struct FieldHead {
    std::uint64_t bits = 0;
    std::uint32_t text_bytes = 0;
    std::uint32_t cut = 0;
    std::uint8_t kind = 0;
    std::uint8_t name_bytes = 0;
  };
  // Moves `at` behind it.
  static Field read_field(const char*& at);

  Head head_;
  const char* texts_;
};

}  // namespace mayfly
