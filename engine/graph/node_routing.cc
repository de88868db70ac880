// Node's routing: where rows go once the plugin has written a route for each.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "mayfly/data/uniform.h"
#include "mayfly/graph/node.h"
#include "mayfly/graph/reason.h"

namespace mayfly {
namespace {

// As many zeros as a batch can have routes: "all by port 0" is one memcmp.
constexpr std::array<std::uint16_t, MAYFLY_BATCH_ROWS_MAX> kAllPortZero{};

}  // namespace

RowRef Node::without_passed(RowRef head) {
  mayfly_batch& batch = *services().pool->batch(head);
  if (slice_is_all(batch, row_of(head), batch.passed, std::uint64_t{0})) return head;
  const std::uint32_t input = slice_input(batch, row_of(head));
  SliceChain passed;
  SliceChain others;
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    // Others may go round a cycle, and are asked for each time.
    const bool again = batch.attempt[row] > 0 && (batch.passed[row] & passed_bit_) != 0;
    if (again) batch.owed[row] |= owed_bit_;
    (again ? passed : others).append(batch, row);
  });
  const std::uint32_t rows = passed.rows();
  RowRef rest = MAYFLY_REF_NONE;
  if (!others.empty()) {
    rest = others.finish(batch);
    batch.extent[row_of(rest)] |= input << 16;
  }
  if (rows > 0) {
    wiring_.ports[0].push(passed.finish(batch));
    queued_rows_.fetch_sub(rows, std::memory_order_relaxed);
    ++moves_;
  }
  return rest;
}

void Node::scatter(mayfly_batch& batch, const mayfly_slice& slice, std::uint16_t head) {
  const bool all_pass =
      !wiring_.ports.empty() && wiring_.ports[0].to != nullptr && slice_is_dense(batch, head) &&
      !is_failed_port(0) &&
      std::memcmp(batch.route + head, kAllPortZero.data(), slice.count * sizeof(*batch.route)) == 0;
  if (!all_pass) {
    scatter_rows(batch, slice);
    return;
  }
  for (std::uint32_t row = head; owed_bit_ != 0 && row < head + slice.count; ++row) {
    batch.owed[row] |= owed_bit_;
  }
  for (std::uint32_t row = head; passed_bit_ != 0 && row < head + slice.count; ++row) {
    batch.passed[row] |= passed_bit_;
  }
  wiring_.ports[0].push(make_ref(batch.id, head));
}

void Node::scatter_rows(mayfly_batch& batch, const mayfly_slice& slice) {
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < slice.count; ++i) {
    const std::uint16_t row = slice.rows[i];
    const std::uint16_t route = batch.route[row];
    if (route < wiring_.ports.size() && wiring_.ports[route].to == nullptr) {
      if (is_failed_port(route)) {
        judge(batch, row, MAYFLY_DEAD_LETTERED);
      } else if (plugin().kind == MAYFLY_SINK) {
        made_.consume(batch, row);
      } else {
        batch.reason[row] = kReasonPortNotJoined;
        judge(batch, row, MAYFLY_DROPPED);
      }
    } else if (route < wiring_.ports.size()) {
      // Beyond this node is what it sends on, not what it couldn't deliver.
      if (!is_failed_port(route)) batch.owed[row] |= owed_bit_;
      if (route == 0) batch.passed[row] |= passed_bit_;
      port_chains_[route].append(batch, row);
      used |= 1ull << route;
    } else {
      route_row(batch, row, slice);
    }
  }
  // First what is only recorded, then the ports: a push may run the receiver within the call.
  if (!record_chain_.empty()) wiring_.record.push(record_chain_.finish(batch));
  std::array<RowRef, MAYFLY_PORTS_MAX> heads;
  for (std::uint64_t set = used; set != 0; set &= set - 1) {
    const auto port = static_cast<std::size_t>(std::countr_zero(set));
    heads[port] = port_chains_[port].finish(batch);
  }
  for (std::uint64_t set = used; set != 0; set &= set - 1) {
    const auto port = static_cast<std::size_t>(std::countr_zero(set));
    if (is_failed_port(static_cast<std::uint32_t>(port))) {
      answers_.attempt_failed(index(), heads[port]);
    } else {
      wiring_.ports[port].push(heads[port]);
    }
  }
}

void Node::route_row(mayfly_batch& batch, std::uint16_t row, const mayfly_slice& slice) {
  switch (batch.route[row]) {
    case MAYFLY_HOLD:
      if (!has(MAYFLY_HOLDS)) {
        return refuse_route(batch, row, "HOLD, which is for nodes with MAYFLY_HOLDS");
      }
      hold(batch, row, (slice.flags & MAYFLY_SLICE_RESUMED) != 0);
      return;
    case MAYFLY_REJECT:
      judge(batch, row, MAYFLY_DEAD_LETTERED);
      return;
    case MAYFLY_DROP:
      judge(batch, row, MAYFLY_DROPPED);
      return;
    case MAYFLY_CONSUME:
      if (!has(MAYFLY_TRANSFORMS) && plugin().kind != MAYFLY_SINK) {
        return refuse_route(batch, row, "CONSUME, which is for nodes with MAYFLY_TRANSFORMS");
      }
      made_.consume(batch, row);
      return;
    default:
      refuse_route(batch, row,
                   fmt::format("{}, but plugin {} has {} port(s)", batch.route[row], plugin().name,
                               wiring_.ports.size()));
  }
}

void Node::hold(mayfly_batch& batch, std::uint16_t row, bool resumed) {
  if (gave_up_) {
    answers_.leave_row(batch, row);
    return;
  }
  // The activation's number, 14 bits of it, and how often: a row from another activation starts
  // anew.
  const auto stamp = static_cast<std::uint16_t>(activation_stamp_ << 2);
  std::uint16_t times = 0;
  if (resumed && (batch.holds[row] & ~3) == stamp) {
    times = static_cast<std::uint16_t>((batch.holds[row] & 3) + 1);
  }
  if (times == kHoldsMax) {
    batch.reason[row] = kReasonHeldWithoutRelease;
    judge(batch, row, MAYFLY_DEAD_LETTERED);
    return;
  }
  batch.holds[row] = static_cast<std::uint16_t>(stamp | times);
  held_->hold(make_ref(batch.id, row));
}

void Node::judge(mayfly_batch& batch, std::uint16_t row, std::uint8_t outcome) {
  batch.outcome[row] = outcome;
  batch.judge[row] = index();
  record_chain_.append(batch, row);
}

// The row is left for the next run: nobody has said what is to become of it.
void Node::refuse_route(mayfly_batch& batch, std::uint16_t row, std::string_view where) {
  if (failure().ok()) fail(MAYFLY_FAIL_INTERNAL, fmt::format("routed row {} to {}", row, where));
  answers_.on_failed(failure());
  answers_.leave_row(batch, row);
}

}  // namespace mayfly
