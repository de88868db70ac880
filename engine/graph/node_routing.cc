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

RowRef Node::without_asked(RowRef head) {
  mayfly_batch& batch = *services().pool->batch(head);
  const bool none = all_of_runs(batch, row_of(head), [&](std::uint16_t first, std::uint32_t rows) {
    return std::none_of(batch.passed + first, batch.passed + first + rows,
                        [this](std::uint64_t passed) { return asked_once_.comes_again(passed); });
  });
  if (none) return head;
  const std::uint32_t input = slice_input(batch, row_of(head));
  std::array<SliceChain, AskedOnce::kPortsMax> again;
  SliceChain others;
  for_each_row(batch, row_of(head), [&](std::uint16_t row) {
    if (!asked_once_.comes_again(batch.passed[row])) return others.append(batch, row);
    const std::uint32_t port = asked_once_.port_again(batch.passed[row]);
    asked_once_.note(batch.passed[row], port);
    batch.owed[row] |= owed_bit_;
    again[port].append(batch, row);
  });
  RowRef rest = MAYFLY_REF_NONE;
  if (!others.empty()) {
    rest = others.finish(batch);
    batch.extent[row_of(rest)] |= input << 16;
  }
  // The pushes last: each may run the receiver within the call.
  std::array<RowRef, AskedOnce::kPortsMax> heads;
  std::uint32_t rows = 0;
  for (std::uint32_t port = 0; port < again.size(); ++port) {
    rows += again[port].rows();
    heads[port] = again[port].empty() ? MAYFLY_REF_NONE : again[port].finish(batch);
  }
  for (std::uint32_t port = 0; port < heads.size(); ++port) {
    if (heads[port] != MAYFLY_REF_NONE) wiring_.ports[port].push(heads[port]);
  }
  queued_rows_.fetch_sub(rows, std::memory_order_relaxed);
  ++moves_;
  return rest;
}

void Node::scatter(mayfly_batch& batch, const mayfly_slice& slice, std::uint16_t head) {
  const bool all_pass =
      !wiring_.ports.empty() && wiring_.ports[0].to != nullptr && slice_is_dense(batch, head) &&
      !is_failed_port(0) && !has(MAYFLY_TRANSFORMS) &&
      std::memcmp(batch.route + head, kAllPortZero.data(), slice.count * sizeof(*batch.route)) == 0;
  if (!all_pass) {
    scatter_rows(batch, slice);
    return;
  }
  const std::uint32_t end = head + slice.count;
  if (owed_bit_ != 0) {
    for (std::uint32_t row = head; row < end; ++row) batch.owed[row] |= owed_bit_;
  }
  if (asked_once_.is_noted()) {
    for (std::uint32_t row = head; row < end; ++row) asked_once_.note(batch.passed[row], 0);
  }
  wiring_.ports[0].push(make_ref(batch.id, head));
}

void Node::scatter_rows(mayfly_batch& batch, const mayfly_slice& slice) {
  std::uint64_t used = 0;
  const bool transforms = has(MAYFLY_TRANSFORMS);
  for (std::uint32_t i = 0; i < slice.count; ++i) {
    const std::uint16_t row = slice.rows[i];
    const std::uint16_t route = batch.route[row];
    if (transforms && route != MAYFLY_CONSUME) {
      if (const std::string_view wrong = mistake_in_route(batch, row); !wrong.empty()) {
        refuse_route(batch, row, wrong);
        continue;
      }
    }
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
      if (!is_failed_port(route)) {
        batch.owed[row] |= owed_bit_;
        if (asked_once_.is_noted()) asked_once_.note(batch.passed[row], route);
      }
      port_chains_[route].append(batch, row);
      used |= 1ull << route;
    } else {
      route_row(batch, row, slice);
    }
  }
  // What was made before goes first, perhaps by the same port. Not earlier: once it is sent, the
  // writer may answer what it was made from.
  if (used != 0 && transforms) made_.send(wiring_.ports);
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

std::string_view Node::mistake_in_route(const mayfly_batch& batch, std::uint16_t row) const {
  if (batch.children[row] > 0) return "elsewhere than CONSUME, though rows were made from it";
  if (!rows_may_pass_ && batch.route[row] < wiring_.ports.size()) {
    return "a port, though what leaves by it has other columns: make a row from it and CONSUME it";
  }
  return {};
}

// The row is left for the next run: nobody has said what is to become of it. One that rows were
// made from is answered with these.
void Node::refuse_route(mayfly_batch& batch, std::uint16_t row, std::string_view where) {
  if (failure().ok()) fail(MAYFLY_FAIL_INTERNAL, fmt::format("routed row {} to {}", row, where));
  answers_.on_failed(failure());
  if (batch.children[row] == 0) answers_.leave_row(batch, row);
}

}  // namespace mayfly
