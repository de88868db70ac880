// WriterStage: the writer as the graph's last stage: its inbox, its sources' positions, its names
// for what nodes rejected.
//
// THREADS  open, add_source, start, finish: the graph's owner. push (Inbox): one thread a lane.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/inbox.h"
#include "mayfly/graph/node.h"
#include "mayfly/graph/services.h"
#include "mayfly/graph/source.h"
#include "mayfly/storage/sqlite_writer.h"
#include "mayfly/storage/writer_loop.h"

namespace mayfly {

// What a pipeline file doesn't say about the writer.
struct WriterExtras {
  bool create_table = true;
  bool fail_on_row_error = false;
  bool truncate = false;             // what rows the table has are taken out at open
  std::vector<std::string> indexed;  // columns that the table must have
};

// What comes to the writer.
struct WriterInput {
  const Schema& schema;
  bool parsed_text = false;  // numbers in it were read from text (MAYFLY_PARSES_TEXT)
  std::uint64_t max_row_bytes = 0;
  std::uint32_t lanes_max = 0;
  bool resume = false;                  // sources that can go on from their positions
  std::vector<std::string> ahead = {};  // by judge: nodes_ahead.h
};

class WriterStage final : private RejectionNames, private Inbox {
 public:
  static Result<std::unique_ptr<WriterStage>> open(
      const WriterPlan& plan, const WriterExtras& extras, const WriterInput& input,
      const Services& services, AnswerSink& answers,
      const std::vector<std::unique_ptr<Source>>& sources,
      const std::vector<std::unique_ptr<Node>>& nodes);

  Inbox& inbox() { return *this; }
  // Where the source goes on. Its fingerprint is asked of whatever sources[index] is at the time.
  Result<SourceStart> add_source(std::uint16_t index, bool resume);

  void start() { loop_->start(); }
  void source_ended(std::uint16_t index, std::uint64_t ordinal_end) {
    loop_->source_ended(index, ordinal_end);
  }
  // Writes what is queued and closes the database; durable: checkpoint and fsync. An outage is
  // waited out until give_up_ns at most.
  Status finish(bool durable, std::int64_t give_up_ns);
  // Stops after the transaction in hand; what is queued comes back to the answer sink unwritten.
  void abandon();

  WriterTotals totals() const { return loop_->totals(); }
  RowTotals source_totals(std::uint16_t index) const { return loop_->source_totals(index); }
  bool is_resting() const { return loop_->is_resting(); }
  std::int64_t outage_since_ns() const { return loop_->outage_since_ns(); }

 private:
  // The fingerprint of a source that may be replaced by its resumed self.
  struct Fingerprint final : SourceFingerprint {
    const std::vector<std::unique_ptr<Source>>* sources = nullptr;
    std::uint16_t index = 0;
    std::string at(std::uint64_t byte) const override {
      return (*sources)[index]->fingerprint_at(byte);
    }
  };

  WriterStage(BatchPool& pool, const std::vector<std::unique_ptr<Source>>& sources,
              const std::vector<std::unique_ptr<Node>>& nodes)
      : pool_(pool), sources_(sources), nodes_(nodes) {}

  const PluginInstance* instance(std::uint16_t judge) const;
  // The plugin's, or the host's own.
  mayfly_named reason_of(std::uint16_t judge, std::uint16_t reason) const;
  // RejectionNames
  std::string_view node(std::uint16_t judge) const override;
  std::string_view code(std::uint16_t judge, std::uint16_t reason) const override;
  std::string_view text(std::uint16_t judge, std::uint16_t reason) const override;
  const Schema* schema(std::uint16_t judge) const override;
  std::string_view ahead(std::uint16_t judge) const override;
  // Inbox
  SliceQueue::LaneId add_lane() override { return loop_->add_lane(); }
  void push(SliceQueue::LaneId lane, RowRef head, std::uint32_t input, bool forward) override;

  BatchPool& pool_;
  const std::vector<std::unique_ptr<Source>>& sources_;
  const std::vector<std::unique_ptr<Node>>& nodes_;
  std::vector<std::unique_ptr<Fingerprint>> fingerprints_;
  std::vector<std::string> ahead_;
  std::unique_ptr<SqliteWriter> writer_;
  std::unique_ptr<WriterLoop> loop_;
  bool finished_ = false;
};

}  // namespace mayfly
