/* Prints the layout: bazel run //tests/abi:print_layout > tests/abi/layout.lock */
#include <stdio.h>

#include "tests/abi/layout.h"

int main(void) {
  size_t count = 0;
  const struct layout_row *rows = layout_rows(&count);
  for (size_t i = 0; i < count; ++i) {
    char line[256];
    layout_format(&rows[i], line, sizeof line);
    puts(line);
  }
  return 0;
}
