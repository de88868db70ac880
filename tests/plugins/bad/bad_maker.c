/* Transforms that break a rule for what they make, in C. BAD says which. */
#include <stddef.h>

#include "mayfly/abi/mayfly_abi.h"

#define PASSES_ROWS 1    /* its rows leave by a port, though it declares other columns */
#define FORGETS_PARENT 2 /* it makes a row from one that it doesn't consume */
#define EMITS_TWICE 3
#define REVERSES 4 /* it says that it keeps order, and makes the last row first */
#define KEEPS_BATCH 5
#define TEXT_OUTSIDE 6 /* a text that isn't in the batch's heap */
#define OVERRUNS 7     /* it says that more of the heap is used than there is */

struct maker {
  const mayfly_host *host;
  mayfly_context *ctx;
};

static mayfly_result configure(void *state, const mayfly_host *host, mayfly_context *ctx,
                               const mayfly_value *values) {
  struct maker *maker = state;
  (void)values;
  maker->host = host;
  maker->ctx = ctx;
  return MAYFLY_OK;
}

static mayfly_result open(void *state, const mayfly_position *position) {
  struct maker *maker = state;
  const mayfly_text name = {"made", 4};
  (void)position;
#if BAD == TEXT_OUTSIDE
  return maker->host->declare_column(maker->ctx, name, MAYFLY_TEXT, 0);
#else
  return maker->host->declare_column(maker->ctx, name, MAYFLY_INT64, 0);
#endif
}

static mayfly_result process(void *state, mayfly_slice *slice) {
#if BAD == PASSES_ROWS
  (void)state;
  (void)slice;
  return MAYFLY_OK;
#else
  struct maker *maker = state;
  mayfly_batch *made = maker->host->batch_new(maker->ctx);
  mayfly_lineage lineage[256];
  uint32_t count = 1;
  uint32_t i;
  mayfly_result result;
  if (made == NULL) return MAYFLY_BLOCKED;
  for (i = 0; i < slice->count; ++i) slice->batch->route[slice->rows[i]] = MAYFLY_CONSUME;
#if BAD == FORGETS_PARENT
  slice->batch->route[slice->rows[0]] = MAYFLY_DROP;
#endif
#if BAD == REVERSES
  count = slice->count < made->capacity ? slice->count : made->capacity;
  if (count > 256) count = 256;
#endif
  for (i = 0; i < count; ++i) {
    lineage[i].parent = (uint32_t)slice->batch->id << 16 | slice->rows[count - 1 - i];
    lineage[i].child = (uint16_t)i;
    lineage[i].reserved = 0;
#if BAD == TEXT_OUTSIDE
    made->columns[0].cells[i].span.offset = 0x40000000;
    made->columns[0].cells[i].span.size = 3;
#else
    made->columns[0].cells[i].i64 = 1;
#endif
    made->columns[0].valid[i / 64] |= (uint64_t)1 << i % 64;
  }
  made->rows = count;
#if BAD == OVERRUNS
  made->heap_used = made->heap_capacity + 8;
#endif
#if BAD == KEEPS_BATCH
  (void)lineage;
  return MAYFLY_OK;
#endif
  result = maker->host->emit(maker->ctx, 0, made, lineage, count);
#if BAD == EMITS_TWICE
  result = maker->host->emit(maker->ctx, 0, made, lineage, count);
#endif
  return result;
#endif
}

static const mayfly_named kPorts[] = {{"out", "What is made."}};
static const mayfly_named kReasons[] = {{"dropped", "it was dropped"}};

static const mayfly_plugin kPlugin = {
    .struct_size = sizeof(mayfly_plugin),
    .abi_major = MAYFLY_ABI_MAJOR,
    .abi_minor = MAYFLY_ABI_MINOR,
    .name = BAD_NAME,
    .version = "1",
    .summary = "Must be found.",
    .kind = MAYFLY_NODE,
#if BAD == REVERSES
    .flags = MAYFLY_TRANSFORMS | MAYFLY_KEEPS_ORDER,
#else
    .flags = MAYFLY_TRANSFORMS,
#endif
    .ports = {kPorts, 1, sizeof(mayfly_named)},
    .reasons = {kReasons, 1, sizeof(mayfly_named)},
    .state_size = sizeof(struct maker),
    .state_align = _Alignof(struct maker),
    .configure = configure,
    .open = open,
    .process = process,
};

__attribute__((visibility("default"))) const mayfly_plugin *mayfly_plugin_v1(void) {
  return &kPlugin;
}
