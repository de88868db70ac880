#include "tools/mayfly/summary.h"

#include <fmt/format.h>

#include "mayfly/base/json_text.h"
#include "tools/mayfly/human_text.h"

namespace mayfly::cli {

Summary summarize(const RunResult& result, const PipelinePlan& plan,
                  const std::vector<std::string>& names) {
  Summary summary;
  const EngineStats& stats = result.stats;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Summary::Input& input = summary.sources.emplace_back();
    input.file = names[i];
    if (i >= stats.sources.size()) continue;  // it never started
    input.resumed_from = stats.sources[i].resumed_from;
    summary.rows += stats.sources[i].totals;
    summary.bytes_read += stats.sources[i].bytes_done;
  }
  summary.truncated = stats.writer.truncated;
  summary.seconds = result.seconds;
  if (result.seconds > 0 && summary.rows.read > 0) {
    const auto rows = static_cast<double>(stats.rows.answers[MAYFLY_WRITTEN] +
                                          stats.rows.answers[MAYFLY_IGNORED] +
                                          stats.rows.answers[MAYFLY_DEAD_LETTERED]);
    summary.rows_per_second = rows / result.seconds;
  }
  summary.table = plan.writer.table;
  summary.database = plan.writer.database;
  summary.interrupted = result.interrupted;
  return summary;
}

std::string to_json(const Summary& summary) {
  JsonText sources = JsonText::array();
  for (const Summary::Input& input : summary.sources) {
    sources.add(JsonText::object().add("file", input.file).add("resumed_from", input.resumed_from));
  }
  return JsonText::object()
             .add("version", 1)
             .add("rows_read", summary.rows.read)
             .add("rows_written", summary.rows.written)
             .add("rows_inserted", summary.rows.inserted)
             .add("rows_updated", summary.rows.updated)
             .add("rows_ignored", summary.rows.ignored)
             .add("rows_rejected", summary.rows.rejected)
             .add("rows_dropped", summary.rows.dropped)
             .add("rows_consumed", summary.rows.consumed)
             .add("rows_made", summary.rows.made())
             .add("rows_truncated", summary.truncated)
             .add("bytes_read", summary.bytes_read)
             .add("seconds", summary.seconds, 6)
             .add("rows_per_second", summary.rows_per_second, 0)
             .add("table", summary.table)
             .add("database", summary.database)
             .add("sources", sources)
             .add("interrupted", summary.interrupted)
             .add("exit_status", static_cast<int>(summary.status))
             .text() +
         "\n";
}

std::string to_text(const Summary& summary) {
  const RowTotals& rows = summary.rows;
  std::string text = fmt::format("Of {} read", rows_text(rows.read));
  if (rows.made() > 0) text += fmt::format(" and {} made of them", with_commas(rows.made()));
  text += fmt::format(", {} {} written to {} ({} inserted, {} updated), {} ignored, {} rejected",
                      with_commas(rows.written), rows.written == 1 ? "was" : "were", summary.table,
                      with_commas(rows.inserted), with_commas(rows.updated),
                      with_commas(rows.ignored), with_commas(rows.rejected));
  if (rows.dropped > 0) text += fmt::format(", {} dropped", with_commas(rows.dropped));
  if (rows.consumed > 0) text += fmt::format(", {} consumed", with_commas(rows.consumed));
  text += fmt::format(", in {}", short_seconds(summary.seconds));
  if (summary.rows_per_second > 0) {
    text += fmt::format(" ({} rows/s)", short_count(summary.rows_per_second));
  }
  if (summary.truncated > 0) {
    text += fmt::format("; {} that the table had {} taken out first", rows_text(summary.truncated),
                        summary.truncated == 1 ? "was" : "were");
  }
  return text + ".\n";
}

}  // namespace mayfly::cli
