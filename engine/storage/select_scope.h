// SelectScope: whether a SELECT over mayfly_batch gives each row by itself, or depends on where one
// batch ends and the next begins (it groups, deduplicates, limits, or joins the batch with itself).
//
// Looks at words, not at a parse tree, and errs towards refusing: per_batch = true is the way to
// say that it is meant. Subqueries that don't read mayfly_batch may do as they like. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mayfly {

// The word on which it depends, "GROUP" say; empty when rows stand by themselves.
std::string batch_dependence(std::string_view select);

}  // namespace mayfly
