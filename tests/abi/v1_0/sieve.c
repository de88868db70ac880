/* A node of ABI 1.0 that uses most of what a node may: every `every`-th row is held for `delay`, rows
 * of a priority above `priority_max` are rejected, the others pass. C11; kept as it is. */
#include "mayfly/abi/mayfly_abi.h"

enum { OPTION_EVERY, OPTION_DELAY, OPTION_PRIORITY_MAX, OPTION_STOP_ON };
enum { COUNTER_HELD, COUNTER_ANSWERED };
enum { REASON_PRIORITY };
enum { SIGNAL_HOLDING };
enum { TIMER_TELL };

#define COUNT_OF(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

static const mayfly_option kOptions[] = {
    {.name = "every",
     .type = MAYFLY_OPTION_INT,
     .flags = MAYFLY_OPTION_RUNTIME,
     .default_value = "2",
     .minimum = "1",
     .maximum = "1000",
     .help = "One row in so many is held."},
    {.name = "delay",
     .type = MAYFLY_OPTION_DURATION,
     .default_value = "10ms",
     .minimum = "1ns",
     .maximum = "1h",
     .help = "How long it is held."},
    {.name = "priority_max",
     .type = MAYFLY_OPTION_INT,
     .default_value = "255",
     .minimum = "0",
     .maximum = "255",
     .help = "Rows of a higher priority are rejected."},
    {.name = "stop_on",
     .type = MAYFLY_OPTION_LIST,
     .flags = MAYFLY_OPTION_SIGNALS,
     .default_value = "sieve.stop",
     .help = "Once one of these was raised, no row is held."},
};
static const mayfly_named kPorts[] = {{"out", "Rows."}};
static const mayfly_named kCounters[] = {
    {"held", "Rows that were held."},
    {"answered", "Rows whose answer came back."},
};
static const mayfly_named kReasons[] = {{"priority", "its priority was too high"}};
static const mayfly_named kRaises[] = {{"sieve.holding", "Rows are held."}};

struct sieve {
  const mayfly_host *host;
  mayfly_context *ctx;
  uint64_t every;
  int64_t delay_ns;
  int64_t priority_max;
  uint64_t seen;
  int stopped;
};

static mayfly_result configure(void *state, const mayfly_host *host, mayfly_context *ctx,
                               const mayfly_value *values) {
  struct sieve *sieve = state;
  sieve->host = host;
  sieve->ctx = ctx;
  sieve->every = (uint64_t)values[OPTION_EVERY].i64;
  sieve->delay_ns = values[OPTION_DELAY].i64;
  sieve->priority_max = values[OPTION_PRIORITY_MAX].i64;
  return MAYFLY_OK;
}

static mayfly_result open(void *state, const mayfly_position *position) {
  struct sieve *sieve = state;
  const mayfly_text why = {"expected a column", 17};
  (void)position;
  if (sieve->host->schema(sieve->ctx)->count == 0) {
    return sieve->host->fail(sieve->ctx, MAYFLY_FAIL_CONFIG, why);
  }
  sieve->stopped =
      sieve->host->signals_present(sieve->ctx, MAYFLY_LISTEN_OPTION + OPTION_STOP_ON) > 0;
  return MAYFLY_OK;
}

static mayfly_result process(void *state, mayfly_slice *slice) {
  struct sieve *sieve = state;
  mayfly_batch *batch = slice->batch;
  uint64_t held = 0;
  if ((slice->flags & MAYFLY_SLICE_RESUMED) != 0) return MAYFLY_OK;
  for (uint32_t i = 0; i < slice->count; ++i) {
    const uint16_t row = slice->rows[i];
    if (batch->priority[row] > sieve->priority_max) {
      batch->route[row] = MAYFLY_REJECT;
      batch->reason[row] = REASON_PRIORITY;
    } else if (!sieve->stopped && sieve->seen++ % sieve->every == 0) {
      batch->route[row] = MAYFLY_HOLD;
      batch->hold_tag[row] = 0;
      batch->due_ns[row] = slice->now_ns + sieve->delay_ns;
      ++held;
    }
  }
  if (held > 0) {
    sieve->host->counter_add(sieve->ctx, COUNTER_HELD, held);
    sieve->host->timer_set(sieve->ctx, TIMER_TELL, slice->now_ns);
  }
  return MAYFLY_OK;
}

static mayfly_result on_timer(void *state, uint32_t timer, int64_t now_ns) {
  struct sieve *sieve = state;
  const mayfly_text none = {0};
  (void)timer;
  (void)now_ns;
  sieve->host->signal_raise(sieve->ctx, SIGNAL_HOLDING, none);
  return MAYFLY_OK;
}

static mayfly_result on_signal(void *state, const mayfly_signal *signals, uint32_t count) {
  struct sieve *sieve = state;
  if (count > 0 && signals[0].listen == MAYFLY_LISTEN_OPTION + OPTION_STOP_ON) sieve->stopped = 1;
  return MAYFLY_OK;
}

static mayfly_result on_completion(void *state, const mayfly_slice *slice) {
  struct sieve *sieve = state;
  sieve->host->counter_add(sieve->ctx, COUNTER_ANSWERED, slice->count);
  return MAYFLY_OK;
}

static mayfly_result set_option(void *state, uint32_t option, const mayfly_value *values) {
  struct sieve *sieve = state;
  sieve->every = (uint64_t)values[option].i64;
  return MAYFLY_OK;
}

static const mayfly_plugin kPlugin = {
    .struct_size = sizeof(mayfly_plugin),
    .abi_major = MAYFLY_ABI_MAJOR,
    .abi_minor = MAYFLY_ABI_MINOR,
    .name = "sieve",
    .version = "1.0.0",
    .summary = "Holds one row in so many for a time.",
    .kind = MAYFLY_NODE,
    .flags = MAYFLY_HOLDS | MAYFLY_WANTS_COMPLETIONS,
    .options = {kOptions, COUNT_OF(kOptions), sizeof(mayfly_option)},
    .ports = {kPorts, COUNT_OF(kPorts), sizeof(mayfly_named)},
    .counters = {kCounters, COUNT_OF(kCounters), sizeof(mayfly_named)},
    .reasons = {kReasons, COUNT_OF(kReasons), sizeof(mayfly_named)},
    .raises = {kRaises, COUNT_OF(kRaises), sizeof(mayfly_named)},
    .state_size = sizeof(struct sieve),
    .state_align = _Alignof(struct sieve),
    .configure = configure,
    .open = open,
    .process = process,
    .on_timer = on_timer,
    .on_signal = on_signal,
    .on_completion = on_completion,
    .set_option = set_option,
};

__attribute__((visibility("default"))) const mayfly_plugin *mayfly_plugin_v1(void) {
  return &kPlugin;
}
