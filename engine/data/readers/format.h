// Which format a document is in: by its name, else by its first bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mayfly/base/status.h"

namespace mayfly {

// The formats of files of rows.
enum class Format : std::uint8_t { kCsv, kTsv, kNdjson };

// orders.csv, .tsv, .tab, .ndjson, .jsonl, whatever the case; .gz, .zst and .zstd behind it are
// left out. None: the name doesn't say.
std::optional<Format> format_from_name(std::string_view path);

// An opening brace: NDJSON. Else CSV, or TSV when the first line has a tab and no comma. Refused:
// UTF-16 and a JSON array, with what to do.
Result<Format> format_from_content(std::string_view head);

// Text the readers can't read: UTF-16 by its byte order mark.
Status check_encoding(std::string_view head);

}  // namespace mayfly
