#include "mayfly/storage/log_database/log_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mayfly {
namespace {

// How many bytes of a text are kept: not the first ones of a character alone.
std::size_t kept_bytes(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t kept = most;
  for (int i = 0; i < 3 && kept > 0; ++i) {
    if ((static_cast<unsigned char>(text[kept]) & 0xC0) != 0x80) break;
    --kept;
  }
  return kept;
}

std::uint32_t saturated(std::size_t bytes) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
}

std::size_t name_bytes(std::string_view name) { return kept_bytes(name, LogLayout::kNameBytesMax); }

std::size_t text_bytes(const LogValue& value, std::size_t budget) {
  return value.kind() == LogValue::Kind::kText ? kept_bytes(value.text(), budget) : 0;
}

void put(std::byte*& out, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(out, from, bytes);
  out += bytes;
}

}  // namespace

LogLayout::LogLayout(const LogRecord& record, std::size_t most)
    : message_bytes(kept_bytes(record.message, most)), text_bytes_max(most) {
  bytes = sizeof(LogEntry::Head) + name_bytes(record.logger) + message_bytes;
  std::size_t budget = text_bytes_max;
  for (const LogField& field : record.extra) {
    const std::size_t name = name_bytes(field.name);
    if (fields == kFieldsMax || name > budget) break;
    budget -= name;
    const std::size_t text = text_bytes(field.value, budget);
    budget -= text;
    bytes += sizeof(LogEntry::FieldHead) + name + text;
    ++fields;
  }
}

void encode(const LogRecord& record, const LogLayout& layout, bool quiet, std::byte* out) {
  const LogEntry::Head head{.wall_us = record.wall_us,
                            .message_bytes = static_cast<std::uint32_t>(layout.message_bytes),
                            .message_cut = saturated(record.message.size() - layout.message_bytes),
                            .fields_left_out = saturated(record.extra.size() - layout.fields),
                            .fields = static_cast<std::uint8_t>(layout.fields),
                            .logger_bytes = static_cast<std::uint8_t>(name_bytes(record.logger)),
                            .level = static_cast<std::uint8_t>(record.level),
                            .quiet = static_cast<std::uint8_t>(quiet)};
  put(out, &head, sizeof head);
  put(out, record.logger.data(), head.logger_bytes);
  put(out, record.message.data(), head.message_bytes);
  std::size_t budget = layout.text_bytes_max;
  for (const LogField& field : record.extra.first(layout.fields)) {
    const std::size_t name = name_bytes(field.name);
    budget -= name;
    const std::size_t text = text_bytes(field.value, budget);
    budget -= text;
    const bool is_real = field.value.kind() == LogValue::Kind::kFloat64;
    const LogEntry::FieldHead described{
        .bits =
            is_real ? std::bit_cast<std::uint64_t>(field.value.float64()) : field.value.uint64(),
        .text_bytes = static_cast<std::uint32_t>(text),
        .cut = saturated(field.value.text().size() - text),
        .kind = static_cast<std::uint8_t>(field.value.kind()),
        .name_bytes = static_cast<std::uint8_t>(name)};
    put(out, &described, sizeof described);
    put(out, field.name.data(), name);
    put(out, field.value.text().data(), text);
  }
}

LogEntry::LogEntry(const std::byte* bytes)
    : texts_(reinterpret_cast<const char*>(bytes) + sizeof(Head)) {
  std::memcpy(&head_, bytes, sizeof head_);
}

LogEntry::Field LogEntry::read_field(const char*& at) {
  FieldHead head;
  std::memcpy(&head, at, sizeof head);
  at += sizeof head;
  Field field;
  field.name = {at, head.name_bytes};
  at += head.name_bytes;
  field.cut = head.cut;
  switch (static_cast<LogValue::Kind>(head.kind)) {
    case LogValue::Kind::kNull:
      break;
    case LogValue::Kind::kBool:
      field.value = head.bits != 0;
      break;
    case LogValue::Kind::kInt64:
      field.value = static_cast<std::int64_t>(head.bits);
      break;
    case LogValue::Kind::kUint64:
      field.value = head.bits;
      break;
    case LogValue::Kind::kFloat64:
      field.value = std::bit_cast<double>(head.bits);
      break;
    case LogValue::Kind::kText:
      field.value = std::string_view(at, head.text_bytes);
      at += head.text_bytes;
      break;
  }
  return field;
}

}  // namespace mayfly
