#include "tests/support/otlp_check.h"

#include <doctest/doctest.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "tests/support/runfile.h"

namespace mayfly::testing {
namespace {

namespace pb = google::protobuf;

struct Definition {
  const char* file;
  const char* message;
};

constexpr const char* kFolder = "third_party/opentelemetry_proto";

Definition definition_of(OtlpMessage message) {
  switch (message) {
    case OtlpMessage::kLogsRequest:
      return {"opentelemetry/proto/collector/logs/v1/logs_service.proto",
              "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest"};
    case OtlpMessage::kMetricsRequest:
      return {"opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
              "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest"};
    case OtlpMessage::kTraceRequest:
      break;
  }
  return {"opentelemetry/proto/collector/trace/v1/trace_service.proto",
          "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"};
}

struct Errors final : pb::compiler::MultiFileErrorCollector {
  void AddError(const std::string& file, int line, int, const std::string& what) override {
    text += file + ":" + std::to_string(line + 1) + ": " + what + "\n";
  }
  std::string text;
};

Status wrong(std::string what) { return {Code::kBadData, std::move(what)}; }

int nibble(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

// Within a text of JSON each quote has a backslash before it, so this finds members alone.
Status rewrite_ids(std::string& json, std::string_view name, std::size_t digits) {
  const std::string member = '"' + std::string(name) + "\":\"";
  for (std::size_t at = json.find(member); at != json.npos; at = json.find(member, at)) {
    at += member.size();
    const std::size_t end = json.find('"', at);
    if (end == json.npos || end - at != digits) {
      return wrong(std::string(name) + ": expected " + std::to_string(digits) +
                   " hexadecimal digits, found " + json.substr(at, end - at));
    }
    std::string bytes;
    for (std::size_t i = at; i < end; i += 2) {
      const int high = nibble(json[i]);
      const int low = nibble(json[i + 1]);
      if (high < 0 || low < 0) {
        return wrong(std::string(name) + ": expected lower-case hexadecimal digits, found " +
                     json.substr(at, end - at));
      }
      bytes += static_cast<char>(high << 4 | low);
    }
    json.replace(at, digits, base64(bytes));
  }
  return {};
}

// Bytes as they are written in OTLP, texts as they are.
class PlainValues final : public pb::TextFormat::FastFieldValuePrinter {
 public:
  void PrintString(const std::string& text,
                   pb::TextFormat::BaseTextGenerator* generator) const override {
    generator->PrintString('"' + text + '"');
  }
  void PrintBytes(const std::string& bytes,
                  pb::TextFormat::BaseTextGenerator* generator) const override {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "\"";
    for (const char byte : bytes) {
      text += kDigits[static_cast<unsigned char>(byte) >> 4];
      text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    generator->PrintString(text + '"');
  }
};

}  // namespace

Result<std::string> read_otlp(OtlpMessage message, const std::string& json) {
  const Definition definition = definition_of(message);
  pb::compiler::DiskSourceTree tree;
  tree.MapPath("", runfile(kFolder));
  Errors errors;
  pb::compiler::Importer importer(&tree, &errors);
  const pb::FileDescriptor* file = importer.Import(definition.file);
  if (file == nullptr) return wrong("the definitions can't be read:\n" + errors.text);
  const pb::Descriptor* type = importer.pool()->FindMessageTypeByName(definition.message);
  if (type == nullptr) return wrong(std::string("no definition of ") + definition.message);

  std::string rewritten = json;
  MAYFLY_RETURN_IF_ERROR(rewrite_ids(rewritten, "traceId", 32));
  MAYFLY_RETURN_IF_ERROR(rewrite_ids(rewritten, "spanId", 16));
  MAYFLY_RETURN_IF_ERROR(rewrite_ids(rewritten, "parentSpanId", 16));

  pb::DynamicMessageFactory factory;
  const std::unique_ptr<pb::Message> read(factory.GetPrototype(type)->New());
  pb::util::JsonParseOptions strict;
  strict.ignore_unknown_fields = false;
  const pb::util::Status status = pb::util::JsonStringToMessage(rewritten, read.get(), strict);
  if (!status.ok()) return wrong(status.ToString());

  pb::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.SetDefaultFieldValuePrinter(new PlainValues);
  std::string text;
  if (!printer.PrintToString(*read, &text)) return wrong("protobuf can't print what it read");
  return text;
}

std::string valid_otlp(OtlpMessage message, const std::string& json) {
  Result<std::string> read = read_otlp(message, json);
  REQUIRE_MESSAGE(read.ok(), read.status().message() << "\n" << json);
  return std::move(read).value();
}

}  // namespace mayfly::testing
