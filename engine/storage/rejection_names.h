// RejectionNames: how the graph's rejections are called in the dead-letter table.
#pragma once

#include <cstdint>
#include <string_view>

namespace mayfly {

class Schema;

// batch.judge of rows that the writer itself rejected or dropped; batch.reason is a WriterReason.
constexpr std::uint16_t kWriterJudge = 0xFFFF;

// Why the writer refused a row.
enum class WriterReason : std::uint16_t {
  kUnique,
  kPrimaryKey,
  kNotNull,
  kCheck,
  kForeignKey,
  kTrigger,
  kDatatype,  // of a STRICT table, or text as a rowid
  kTooBig,
  kWouldChange,  // the column's affinity would change the value
  kSql,          // an expression of the SELECT, a trigger or a default failed
  kOther,        // another constraint
  kFiltered,     // dropped: the SELECT left the row out
};

// "unique", "primary_key", ...
std::string_view code_of(WriterReason reason);

// Asked by the writer's thread about every judge but kWriterJudge.
class RejectionNames {
 public:
  virtual ~RejectionNames() = default;
  virtual std::string_view node(std::uint16_t judge) const = 0;
  virtual std::string_view code(std::uint16_t judge, std::uint16_t reason) const = 0;
  // A sentence, for rows whose batch.message is empty.
  virtual std::string_view text(std::uint16_t judge, std::uint16_t reason) const = 0;
  // Of the rows that come to the judge, where a transform makes others of them; null: the writer's.
  virtual const Schema* schema(std::uint16_t /*judge*/) const { return nullptr; }
  // A JSON object of what rows that it turns down haven't passed (dead_letters.h); empty: nothing.
  virtual std::string_view ahead(std::uint16_t /*judge*/) const { return {}; }
};

}  // namespace mayfly
