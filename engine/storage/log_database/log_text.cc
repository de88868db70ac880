#include "mayfly/storage/log_database/log_text.h"

#include <cstdint>

#include "mayfly/data/row_json.h"

namespace mayfly {
namespace {

void append_cut(std::uint32_t bytes, std::string& out) {
  if (bytes == 0) return;
  out += "...[";
  append_json_number(std::uint64_t{bytes}, out);
  out += " bytes cut]";
}

void append_string(std::string_view text, std::uint32_t cut, std::string& out) {
  if (cut == 0 && is_utf8(text)) return append_json_string(text, out);
  std::string repaired;
  append_utf8(text, repaired);
  append_cut(cut, repaired);
  append_json_string(repaired, out);
}

void append_value(const LogEntry::Field& field, std::string& out) {
  const LogValue& value = field.value;
  switch (value.kind()) {
    case LogValue::Kind::kNull:
      out += "null";
      return;
    case LogValue::Kind::kBool:
      out += value.uint64() != 0 ? "true" : "false";
      return;
    case LogValue::Kind::kInt64:
      return append_json_number(value.int64(), out);
    case LogValue::Kind::kUint64:
      return append_json_number(value.uint64(), out);
    case LogValue::Kind::kFloat64:
      return append_json_number(value.float64(), out);
    case LogValue::Kind::kText:
      return append_string(value.text(), field.cut, out);
  }
}

}  // namespace

void append_utf8(std::string_view text, std::string& out) {
  if (is_utf8(text)) {
    out += text;
    return;
  }
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view one = text.substr(0, bytes);
    const bool valid = is_utf8(one);
    out += valid ? one : "\xEF\xBF\xBD";
    text.remove_prefix(valid ? bytes : 1);
  }
}

void append_log_message(const LogEntry& entry, std::string& out) {
  append_utf8(entry.message(), out);
  append_cut(entry.message_cut(), out);
}

void append_extra_json(const LogEntry& entry, std::string& out) {
  const std::size_t start = out.size();
  const auto separate = [&] { out += out.size() == start ? '{' : ','; };
  entry.for_each_field([&](const LogEntry::Field& field) {
    separate();
    append_string(field.name, 0, out);
    out += ':';
    append_value(field, out);
  });
  if (entry.fields_left_out() > 0) {
    separate();
    out += "\"fields_cut\":";
    append_json_number(std::uint64_t{entry.fields_left_out()}, out);
  }
  if (out.size() != start) out += '}';
}

}  // namespace mayfly
