/* Lets so many rows pass and drops the others. In C11, on the ABI alone: what plugins/sdk does for
 * C++ stands here in full.
 */
#include "mayfly/abi/mayfly_abi.h"

enum { OPTION_ROWS };
enum { COUNTER_PASSED, COUNTER_DROPPED };
enum { REASON_OVER_LIMIT };
enum { SIGNAL_REACHED };

#define COUNT_OF(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

static const mayfly_option kOptions[] = {
    {.name = "rows",
     .type = MAYFLY_OPTION_INT,
     .flags = MAYFLY_OPTION_REQUIRED | MAYFLY_OPTION_RUNTIME,
     .minimum = "0",
     .help = "How many rows pass in a run; the others are dropped."},
};
static const mayfly_named kPorts[] = {{"out", "The first rows, in order."}};
static const mayfly_named kCounters[] = {
    {"passed", "Rows that passed."},
    {"dropped", "Rows that came when enough had passed."},
};
static const mayfly_named kReasons[] = {{"over_limit", "enough rows had passed"}};
static const mayfly_named kRaises[] = {
    {"limit.reached",
     "Enough rows have passed; taken back when `rows` grows. A source with it in cancel_on stops."},
};

/* The host allocates it, zeroed. */
struct limit {
  const mayfly_host *host;
  mayfly_context *ctx;
  uint64_t rows;
  uint64_t passed;
  int is_reached; /* as the signal says */
};

static void say_whether_reached(struct limit *limit) {
  const mayfly_text none = {0};
  const int is_reached = limit->passed >= limit->rows;
  if (is_reached == limit->is_reached) return;
  limit->is_reached = is_reached;
  if (is_reached) {
    limit->host->signal_raise(limit->ctx, SIGNAL_REACHED, none);
  } else {
    limit->host->signal_retract(limit->ctx, SIGNAL_REACHED, none);
  }
}

static mayfly_result configure(void *state, const mayfly_host *host, mayfly_context *ctx,
                               const mayfly_value *values) {
  struct limit *limit = state;
  limit->host = host;
  limit->ctx = ctx;
  limit->rows = (uint64_t)values[OPTION_ROWS].i64;
  return MAYFLY_OK;
}

static mayfly_result open(void *state, const mayfly_position *position) {
  (void)position;
  say_whether_reached(state); /* rows = 0 */
  return MAYFLY_OK;
}

static mayfly_result process(void *state, mayfly_slice *slice) {
  struct limit *limit = state;
  mayfly_batch *batch = slice->batch;
  uint64_t passed = 0;
  uint64_t dropped = 0;
  for (uint32_t i = 0; i < slice->count; ++i) {
    const uint16_t row = slice->rows[i];
    if (limit->passed < limit->rows) {
      ++limit->passed;
      ++passed;
    } else {
      batch->route[row] = MAYFLY_DROP; /* preset: port 0 */
      batch->reason[row] = REASON_OVER_LIMIT;
      ++dropped;
    }
  }
  if (passed > 0) limit->host->counter_add(limit->ctx, COUNTER_PASSED, passed);
  if (dropped > 0) limit->host->counter_add(limit->ctx, COUNTER_DROPPED, dropped);
  say_whether_reached(limit);
  return MAYFLY_OK;
}

static mayfly_result set_option(void *state, uint32_t option, const mayfly_value *values) {
  struct limit *limit = state;
  limit->rows = (uint64_t)values[option].i64;
  say_whether_reached(limit);
  return MAYFLY_OK;
}

static const mayfly_plugin kPlugin = {
    .struct_size = sizeof(mayfly_plugin),
    .abi_major = MAYFLY_ABI_MAJOR,
    .abi_minor = MAYFLY_ABI_MINOR,
    .name = "limit",
    .version = "0.1.0",
    .summary = "Lets so many rows pass and drops the others.",
    .kind = MAYFLY_NODE,
    .flags = MAYFLY_KEEPS_ORDER | MAYFLY_ASKED_ONCE,
    .options = {kOptions, COUNT_OF(kOptions), sizeof(mayfly_option)},
    .ports = {kPorts, COUNT_OF(kPorts), sizeof(mayfly_named)},
    .counters = {kCounters, COUNT_OF(kCounters), sizeof(mayfly_named)},
    .reasons = {kReasons, COUNT_OF(kReasons), sizeof(mayfly_named)},
    .raises = {kRaises, COUNT_OF(kRaises), sizeof(mayfly_named)},
    .state_size = sizeof(struct limit),
    .state_align = _Alignof(struct limit),
    .configure = configure,
    .open = open,
    .process = process,
    .set_option = set_option,
};

/* The one exported symbol, as MAYFLY_PLUGIN_ENTRY says it is called. */
__attribute__((visibility("default"))) const mayfly_plugin *mayfly_plugin_v1(void) {
  return &kPlugin;
}
