// The descriptor of the file source; file_source.h says what it does.
#include "mayfly/file/file_source.h"

namespace {

constexpr mayfly_named kPorts[] = {{"out", "Every record that could be read, in order."}};

}  // namespace

MAYFLY_SDK_PLUGIN(mayfly::sdk::source<mayfly::file::FileSource>({
    .name = "file",
    .version = "0.1.0",
    .summary = "Reads a CSV, TSV, NDJSON or JSON file, plain, gzip or zstd, or standard input.",
    .flags = MAYFLY_REPLAYABLE | MAYFLY_PARSES_TEXT,
    .options = mayfly::file::kOptions,
    .ports = kPorts,
    .reasons = mayfly::kReadReasons,
}))
