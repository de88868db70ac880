/* Plugins that must be refused, in C. BAD says what is wrong with this one; BAD_NAME is its name.
 */
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "mayfly/abi/mayfly_abi.h"

#define WRONG_MAJOR 1
#define NEWER_MINOR 2
#define CUT_SHORT 3
#define NULL_DESCRIPTOR 4
#define OTHER_NAME 5
#define TWO_SYMBOLS 6
#define SLEEPS 7
#define KEEPS_ROWS 8
#define NO_ENTRY 9
#define LOSES_ORDER 10
#define ENTRY_IS_DATA 11
#define UNRESOLVED 12
#define BLOCKS 13

#if BAD == UNRESOLVED
void nobody_defines_this(void);
#endif

static mayfly_result process(void *state, mayfly_slice *slice) {
  (void)state;
#if BAD == UNRESOLVED
  nobody_defines_this();
#elif BAD == SLEEPS
  const struct timespec moment = {0, 1};
  nanosleep(&moment, NULL);
#elif BAD == KEEPS_ROWS
  for (uint32_t i = 0; i < slice->count; ++i) {
    slice->batch->route[slice->rows[i]] = MAYFLY_HOLD;
    slice->batch->due_ns[slice->rows[i]] = 0;
    slice->batch->hold_tag[slice->rows[i]] = 7;
  }
#elif BAD == LOSES_ORDER
  slice->batch->route[slice->rows[0]] = 5; /* no such port */
#elif BAD == BLOCKS
  if (slice->count > 0) return MAYFLY_BLOCKED; /* though it asks for no batch */
#endif
  (void)slice;
  return MAYFLY_OK;
}

static const mayfly_named kPorts[] = {{"out", "All rows."}};

static const mayfly_plugin kPlugin = {
#if BAD == CUT_SHORT
    .struct_size = offsetof(mayfly_plugin, destroy),
#else
    .struct_size = sizeof(mayfly_plugin),
#endif
#if BAD == WRONG_MAJOR
    .abi_major = MAYFLY_ABI_MAJOR + 1,
#else
    .abi_major = MAYFLY_ABI_MAJOR,
#endif
#if BAD == NEWER_MINOR
    .abi_minor = MAYFLY_ABI_MINOR + 1,
#else
    .abi_minor = MAYFLY_ABI_MINOR,
#endif
    .name = BAD_NAME,
    .version = "1",
    .summary = "Must be refused.",
    .kind = MAYFLY_NODE,
#if BAD == KEEPS_ROWS
    .flags = MAYFLY_HOLDS,
#elif BAD == LOSES_ORDER
    .flags = MAYFLY_KEEPS_ORDER,
#endif
    .ports = {kPorts, 1, sizeof(mayfly_named)},
    .process = process,
};

#if BAD == ENTRY_IS_DATA
__attribute__((visibility("default"))) const mayfly_plugin *mayfly_plugin_v1 = &kPlugin;
#elif BAD == NO_ENTRY
__attribute__((visibility("default"))) const mayfly_plugin *some_other_symbol(void) {
  return &kPlugin;
}
#else
__attribute__((visibility("default"))) const mayfly_plugin *mayfly_plugin_v1(void) {
#if BAD == NULL_DESCRIPTOR
  (void)kPlugin;
  return NULL;
#else
  return &kPlugin;
#endif
}
#endif

#if BAD == TWO_SYMBOLS
__attribute__((visibility("default"))) int mayfly_second_symbol(void) { return 1; }
#endif
