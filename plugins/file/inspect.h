// inspect: looks at the beginning of a document, or all of it, to know its format, columns and
// types.
#pragma once

#include <string>

#include "mayfly/base/status.h"
#include "mayfly/data/readers/byte_source.h"
#include "mayfly/data/readers/csv_dialect.h"
#include "mayfly/data/readers/format.h"
#include "mayfly/data/readers/sampler.h"
#include "mayfly/file/file_options.h"
#include "mayfly/file/read_buffer.h"

namespace mayfly::file {

struct Inspection {
  Format format = Format::kCsv;
  CsvDialect dialect;
  bool array = false;  // of JSON
  Shape shape;         // with the columns, names and types that the options say
  std::string advice;  // what may be meant otherwise; empty: nothing
};

// Rows and bytes that infer = "sample" looks at.
inline constexpr std::uint64_t kSampleRows = 1000;
inline constexpr std::size_t kSampleBytes = 1 << 20;

// What it reads of the source stays in the buffer, which must be empty. From a pipe it takes what
// has come once a first record has and then nothing for a second. infer = "all" reads the file once
// more beside it.
Result<Inspection> inspect(const FileOptions& options, ByteSource& source, ReadBuffer& buffer);

}  // namespace mayfly::file
