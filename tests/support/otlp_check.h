// read_otlp: how protobuf's own JSON reader understands a request of OTLP/HTTP, by the definitions
// that OpenTelemetry has published (third_party/opentelemetry_proto). Fields that they don't have,
// values of other types and enumerations that don't exist are errors.
//
// OTLP differs from protobuf's JSON in one thing: ids are hexadecimal there, base64 here. So the
// values of traceId, spanId and parentSpanId are rewritten before protobuf sees them, and it is an
// error if one isn't 32 or 16 lower-case hexadecimal digits.
//
// THREADS  Any; each call reads the definitions anew.
#pragma once

#include <string>

#include "mayfly/base/status.h"

namespace mayfly::testing {

// Which request.
enum class OtlpMessage { kLogsRequest, kMetricsRequest, kTraceRequest };

// protobuf's text form in one line, in which ids are hexadecimal again: `trace_id: "00..."`.
Result<std::string> read_otlp(OtlpMessage message, const std::string& json);

// Fails the test where read_otlp does.
std::string valid_otlp(OtlpMessage message, const std::string& json);

}  // namespace mayfly::testing
