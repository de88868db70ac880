// The bodies of OTLP/HTTP requests in JSON: ExportLogsServiceRequest, ExportMetricsServiceRequest
// and ExportTraceServiceRequest of OpenTelemetry's protobuf definitions, in protobuf's JSON form
// with OTLP's exception: ids are hexadecimal, not base64.
//
// Names are in camelCase, enumerations numbers, 64-bit integers texts of digits; numbers that JSON
// has none for are the texts "NaN", "Infinity" and "-Infinity"; text that isn't UTF-8 becomes it,
// with U+FFFD for each byte that is wrong. Of attributes of one key the last one is sent.
//
// SOURCE   https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
// THREADS  Pure functions; any.
#pragma once

#include <span>
#include <string>

#include "mayfly/otlp/records.h"

namespace mayfly::otlp {

// All records in one scope of one resource.
std::string logs_request(const Resource& resource, const Scope& scope,
                         std::span<const LogRecord> records);
std::string metrics_request(const Resource& resource, const Scope& scope,
                            std::span<const Metric> metrics);
std::string traces_request(const Resource& resource, const Scope& scope,
                           std::span<const Span> spans);

// 32 and 16 lower-case digits, as OTLP/JSON and W3C's traceparent have them.
std::string hex(const TraceId& id);
std::string hex(const SpanId& id);

}  // namespace mayfly::otlp
