// IngestOptions: `mayfly ingest` as it was asked for. Plain values, checked by what uses them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"

namespace mayfly::cli {

struct IngestOptions {
  std::vector<std::string> files;  // "-": standard input
  std::string database;
  std::string table;  // empty: from the first file's name

  std::string format = "auto";
  std::string delimiter;  // empty: the format's
  std::string quote;      // empty: the format's; "none"
  bool no_header = false;
  std::vector<std::string> columns;
  std::string empty = "auto";
  std::string on_extra;  // empty: the plugin's choice

  std::string infer = "sample";
  std::vector<std::string> types;  // column=type
  std::string schema_file;

  std::vector<std::string> primary_key;
  bool upsert = false;
  bool ignore = false;
  bool replace = false;
  bool alter = false;
  bool coerce = false;
  std::string on_error = "dead-letter";

  bool resume = false;
  std::string synchronous = "normal";
  std::uint32_t batch_rows = 1024;
  std::uint32_t batches = 96;
  std::int64_t deadline_ns = 60 * kSecond;
};

}  // namespace mayfly::cli
