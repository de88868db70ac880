/* The ABI's layout as rows. C11. */
#ifndef MAYFLY_TESTS_ABI_LAYOUT_H_
#define MAYFLY_TESTS_ABI_LAYOUT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A constant (type ""), a struct (name "") or a field. */
struct layout_row {
  const char *type;
  const char *name;
  uint64_t value; /* a constant's value, a struct's size, a field's offset */
  uint64_t size;  /* a struct's alignment, a field's size */
};

const struct layout_row *layout_rows(size_t *count);
/* One line without a newline; returns its length. */
int layout_format(const struct layout_row *row, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* MAYFLY_TESTS_ABI_LAYOUT_H_ */
