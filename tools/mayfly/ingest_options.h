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
  std::string encoding;   // empty: UTF-8, or what a byte order mark says
  std::string delimiter;  // empty: the format's; "auto"
  std::string quote;      // empty: the format's; "none"
  std::string escape = "none";
  std::string comment;  // empty: no line is one
  std::int64_t skip_rows = 0;
  bool no_header = false;
  std::vector<std::string> columns;
  std::vector<std::string> renamed;  // old=new
  std::string empty = "auto";
  std::vector<std::string> nulls;
  std::string on_extra;       // empty: the plugin's choice
  std::int64_t limit = 0;     // of records of each file; 0: none
  std::string max_row_bytes;  // empty: the plugin's

  std::string infer = "sample";
  std::vector<std::string> types;  // column=type
  std::string schema_file;
  std::string where;  // an expression; empty: all rows
  std::string sql;    // a SELECT over mayfly_batch; empty: the rows as they are

  std::vector<std::string> primary_key;
  std::vector<std::string> not_null;
  std::vector<std::string> defaults;  // column=value
  bool strict = false;
  std::vector<std::string> indexes;  // columns of each, with commas between
  bool truncate = false;
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
