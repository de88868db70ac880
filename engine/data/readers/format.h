// Which format a document is in: by its name, else by its first bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mayfly {

// The formats of files of rows.
enum class Format : std::uint8_t { kCsv, kTsv, kNdjson, kJson };

// orders.csv, .tsv, .tab, .ndjson, .jsonl, whatever the case; .gz, .zst and .zstd behind it are
// left out. None: the name doesn't say.
std::optional<Format> format_from_name(std::string_view path);

// orders.ndjson, .jsonl, and .json, which may be either kind of JSON.
bool names_json(std::string_view path);

// An object on one line: NDJSON. An array of objects, or an object over several lines: JSON. Else
// CSV, or TSV when the first line has a tab and no comma.
Format format_from_content(std::string_view head);

// Which kind of JSON, where that much is known: an array of anything, or an object over several
// lines: JSON. Else NDJSON.
Format json_format_from_content(std::string_view head);

}  // namespace mayfly
