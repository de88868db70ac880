#include "mayfly/runtime/producer.h"

#include <utility>

#include "mayfly/runtime/producer_core.h"

namespace mayfly {

Producer::Producer(std::unique_ptr<ProducerCore> core) : core_(std::move(core)) {}
Producer::~Producer() = default;

Append Producer::try_append(std::span<const Value> row) { return core_->try_append(row); }
Append Producer::append(std::span<const Value> row) { return core_->append(row); }
Ticket Producer::open_ticket() { return core_->open_ticket(); }
void Producer::close_ticket() { core_->close_ticket(); }
void Producer::flush() { core_->flush(); }

}  // namespace mayfly
