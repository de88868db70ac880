#include "mayfly/storage/rejections.h"

#include <sqlite3.h>

namespace mayfly {

std::string_view code_of(WriterReason reason) {
  switch (reason) {
    case WriterReason::kUnique:
      return "unique";
    case WriterReason::kPrimaryKey:
      return "primary_key";
    case WriterReason::kNotNull:
      return "not_null";
    case WriterReason::kCheck:
      return "check";
    case WriterReason::kForeignKey:
      return "foreign_key";
    case WriterReason::kTrigger:
      return "trigger";
    case WriterReason::kDatatype:
      return "datatype";
    case WriterReason::kTooBig:
      return "too_big";
    case WriterReason::kWouldChange:
      return "would_change";
    case WriterReason::kSql:
      return "sql";
    case WriterReason::kFiltered:
      return "filtered";
    case WriterReason::kOther:
      break;
  }
  return "constraint";
}

WriterReason reason_of(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
      return WriterReason::kUnique;
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return WriterReason::kPrimaryKey;
    case SQLITE_CONSTRAINT_NOTNULL:
      return WriterReason::kNotNull;
    case SQLITE_CONSTRAINT_CHECK:
      return WriterReason::kCheck;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return WriterReason::kForeignKey;
    case SQLITE_CONSTRAINT_TRIGGER:
      return WriterReason::kTrigger;
    case SQLITE_CONSTRAINT_FUNCTION:  // mayfly_exact
      return WriterReason::kWouldChange;
    case SQLITE_CONSTRAINT_DATATYPE:
      return WriterReason::kDatatype;
    default:
      break;
  }
  switch (code & 0xFF) {
    case SQLITE_MISMATCH:
      return WriterReason::kDatatype;
    case SQLITE_TOOBIG:
      return WriterReason::kTooBig;
    case SQLITE_ERROR:
      return WriterReason::kSql;
    default:
      return WriterReason::kOther;
  }
}

}  // namespace mayfly
