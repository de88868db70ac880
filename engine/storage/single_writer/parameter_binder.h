// ParameterBinder: binds one call's parameters to its statements, and says what doesn't fit.
//
// THREADS  The connection's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sql_params.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class ParameterBinder {
 public:
  // The parameters outlive the binder and every statement they are bound to.
  explicit ParameterBinder(const SqlParams& params)
      : params_(params), used_(params.size(), false) {}

  // Before the first statement: whether they are of one kind, each given once.
  std::optional<DbError> check() const;
  // Those that the statement has places for.
  std::optional<DbError> bind(SqliteStatement& statement);
  // Behind the last statement.
  std::optional<DbError> check_all_used() const;

 private:
  bool by_name() const { return !params_.empty() && !params_.name(0).empty(); }
  std::size_t index_of(std::string_view name) const;
  std::optional<DbError> bind_one(SqliteStatement& statement, int place, std::size_t i) const;
  std::string shown(std::size_t i) const;

  const SqlParams& params_;
  std::vector<bool> used_;
  std::size_t next_ = 0;  // by position
};

}  // namespace mayfly
