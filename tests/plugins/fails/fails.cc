// A transform that fails after it has consumed or emitted rows, where `at` says. For tests.
//
// Rows are held, then resumed as one group; the first of them, as many as one batch takes, are
// copied, the others are consumed for nothing.
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kAt, kRows };
enum At : std::uint32_t {
  kNever,
  kBetween,
  kEnd,
  kBlocked,
  kSlice,
  kTimer,
  kDrain,
  kStuck,
  kRefused,
  kOpen
};

constexpr mayfly_option kOptions[] = {
    sdk::choice_option(
        "at", "never", "never|between|end|blocked|slice|timer|drain|stuck|refused|open",
        "never: copies are emitted with the group's last slice; end, blocked: then process fails, "
        "or "
        "says BLOCKED; slice: it fails at the last slice and emits nothing; between: a timer emits "
        "between the group's slices; timer, drain: it emits there, then fails; stuck: the last "
        "slice is always BLOCKED; refused: it emits to a port that it doesn't have and says OK; "
        "open: it asks for "
        "rows and batches before there are any, and then works."),
    sdk::int_option("rows", "1", {"1", "1000000"}, "Rows in a group."),
};
constexpr mayfly_named kPorts[] = {{"out", "Copies: (id int64)."}};

struct Parent {
  mayfly::RowRef row;
  std::int64_t id;
};

struct Fails : sdk::Node {
  void configure(const sdk::Options& options) {
    at = options.choice(kAt);
    group = static_cast<std::uint64_t>(options.integer(kRows));
  }

  mayfly_result open() {
    if (at == kOpen && (host.held(0) + host.resume(0) > 0 || host.new_batch() != nullptr)) {
      return host.fail(sdk::Failure::kInternal, "expected no rows and no batch in open");
    }
    return host.declare_column("id", MAYFLY_INT64);
  }

  mayfly_result process(sdk::Slice slice) {
    if (!slice.resumed()) {
      slice.hold_all(0);
      host.set_timer(0, slice.now_ns());
      return MAYFLY_OK;
    }
    if (slice.end_of_group()) return process_last(slice);
    consume(slice);
    return MAYFLY_OK;
  }

  mayfly_result process_last(sdk::Slice slice) {
    switch (at) {
      case kStuck:
      case kDrain:
        return MAYFLY_BLOCKED;
      case kTimer:
      case kBetween:
        if (!emitted) {
          host.set_timer(1, slice.now_ns());
          return MAYFLY_BLOCKED;
        }
        consume(slice);
        consumed.clear();
        return MAYFLY_OK;
      case kSlice:
        return host.fail(sdk::Failure::kIo, "failed at a slice");
      default:
        break;
    }
    mayfly_batch* made = host.new_batch();
    if (made == nullptr) return MAYFLY_BLOCKED;
    consume(slice);
    emit_copies(*made);
    consumed.clear();
    if (at == kBlocked) return MAYFLY_BLOCKED;
    if (at == kEnd) return host.fail(sdk::Failure::kIo, "failed after it had emitted");
    return MAYFLY_OK;
  }

  mayfly_result on_timer(std::uint32_t timer, std::int64_t) {
    if (timer == 0) {
      while (host.held(0) >= group) host.resume(0, group);
      return MAYFLY_OK;
    }
    return emit_outside();
  }

  mayfly_result drain(std::int64_t) {
    if (at == kDrain && !consumed.empty()) return emit_outside();
    if (host.held(0) > 0) host.resume(0, group);
    return MAYFLY_OK;
  }

  mayfly_result emit_outside() {
    mayfly_batch* made = host.new_batch();
    if (made == nullptr) return host.fail(sdk::Failure::kInternal, "expected a free batch");
    emit_copies(*made);
    if (at == kBetween) return MAYFLY_OK;
    return host.fail(sdk::Failure::kIo, "failed after it had emitted outside of process");
  }

  void consume(sdk::Slice slice) {
    for (const std::uint16_t row : slice.rows()) {
      consumed.push_back(
          {mayfly::make_ref(slice.batch().id, row), slice.batch().columns[0].cells[row].i64});
      slice.consume(row);
    }
  }

  void emit_copies(mayfly_batch& made) {
    std::vector<mayfly_lineage> lineage;
    for (const Parent& parent : consumed) {
      if (!mayfly::has_room_for_row(made)) break;
      mayfly::put_int64(made, 0, parent.id);
      lineage.push_back({parent.row, static_cast<std::uint16_t>(made.rows), 0});
      mayfly::commit_row(made, {});
    }
    emitted = true;
    host.emit(at == kRefused ? 7 : 0, &made, lineage);
  }

  std::uint32_t at = kNever;
  std::uint64_t group = 1;
  bool emitted = false;
  std::vector<Parent> consumed;  // of the group
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Fails>({
    .name = "fails",
    .version = "0.1.0",
    .summary = "Fails after it has emitted.",
    .flags = MAYFLY_HOLDS | MAYFLY_TRANSFORMS | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
}))
