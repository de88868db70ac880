// SelectScope: whether a SELECT over mayfly_batch gives each row by itself, or depends on where one
// batch ends and the next begins (it groups, deduplicates, limits, joins the batch with itself, or
// reads it elsewhere than in FROM).
//
// Looks at words, not at a parse tree, and errs towards refusing: per_batch = true is the way to
// say that it is meant. Subqueries that don't read mayfly_batch may do as they like. Pure; what
// words don't show (another table of that name, the rowid) is asked of SQLite in target_select.h.
#pragma once

#include <string>
#include <string_view>

namespace mayfly {

struct SelectScope {
  // The word on which it depends, "GROUP" say; empty when rows stand by themselves.
  std::string dependence;
  // mayfly_batch is all that it scans: no row can come out of it twice.
  bool one_scan = false;
  // It is named in a FROM at least.
  bool reads_batch = false;
};
SelectScope scope_of(std::string_view select);

// The first parameter in it, as it is written there (":x", "?", "?2"); empty when there is none.
std::string_view first_parameter(std::string_view select);

// Whether a CREATE TABLE gives one of its constraints ON CONFLICT REPLACE. NOT NULL's, which
// replaces no row, counts too.
bool says_on_conflict_replace(std::string_view create_table);

}  // namespace mayfly
