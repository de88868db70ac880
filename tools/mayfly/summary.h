// Summary: what a run did, as one JSON object or a few lines of text. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/storage/source_position.h"
#include "tools/mayfly/engine_run.h"
#include "tools/mayfly/exit_status.h"

namespace mayfly::cli {

struct Summary {
  struct Input {
    std::string file;
    std::uint64_t resumed_from = 0;  // byte
  };

  // Of this run and of those it resumed. `dropped` are rows that a node or the writer's select left
  // out; with mode = ignore, what the select left out counts as ignored. `read` counts what sources
  // gave, not what nodes made of it.
  RowTotals rows;
  std::uint64_t truncated = 0;  // rows that were taken out of the table first
  std::uint64_t bytes_read = 0;
  double seconds = 0;
  double rows_per_second = 0;  // of this run
  std::string table;
  std::string database;
  std::vector<Input> sources;
  bool interrupted = false;
  ExitStatus status = ExitStatus::kSuccess;
};

// `names` stand in the plan's order: what the user called the sources.
Summary summarize(const RunResult& result, const PipelinePlan& plan,
                  const std::vector<std::string>& names);

std::string to_json(const Summary& summary);  // one line
// A sentence: "Of 1,014 rows read, 1,005 were written to t (1,000 inserted, 5 updated), ...".
std::string to_text(const Summary& summary);

}  // namespace mayfly::cli
