// The text of the writer's SELECT: one statement, without what can't stand in parentheses.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// The statement, as it can be put into parentheses: without the semicolon that may end it, comments
// ended. kConfig: SQLite doesn't take it, or there are none or several.
Result<std::string> only_statement(SqliteConnection& connection, std::string_view select);

// Whether it can be a statement at all, and gives each row by itself unless `per_batch`, as far as
// that shows before there is a database: names aren't looked up.
Status check_select_text(std::string_view select, bool per_batch);

// Whether it can be a condition behind WHERE: one expression by itself, of names that aren't looked
// up. kConfig.
Status check_where_text(std::string_view where);

// It depends on where a batch ends: "GROUP", say. kNoBatchRead: it has rows of its own.
Status refuse_dependence(std::string_view dependence);
inline constexpr std::string_view kNoBatchRead = "it doesn't read mayfly_batch";

// "select: <found>; expected a SELECT over mayfly_batch".
Status refuse_select(std::string_view found);

}  // namespace mayfly
