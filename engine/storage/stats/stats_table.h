// mayfly_stats: what a running process last said of itself, a row for each writer.
//
// The pipeline's writer stores there once a second, and so does HybridStorage; `mayfly stats` reads
// it (stats_reader.h).
#pragma once

#include <string_view>

namespace mayfly {

inline constexpr std::string_view kStatsTableSql =
    "CREATE TABLE IF NOT EXISTS mayfly_stats(writer TEXT PRIMARY KEY NOT NULL, at TEXT NOT NULL, "
    "pid INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID";
// Parameters: writer, at (timestamp.h), pid, json.
inline constexpr std::string_view kStatsInsertSql =
    "INSERT OR REPLACE INTO mayfly_stats VALUES(?1, ?2, ?3, ?4)";

}  // namespace mayfly
