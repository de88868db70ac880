#!/bin/bash
# A benchmark finds its plugins as `bazel run` starts it: without a variable that says where the
# runfiles are, in <program>.runfiles.
set -euo pipefail

program="$TEST_TMPDIR/bench"
cp "$1" "$program"
bench() {
  env -u RUNFILES_DIR -u TEST_SRCDIR "$program" --benchmark_min_time=0.001 \
    --benchmark_filter=nodes:1/rows:64 >"$TEST_TMPDIR/out" 2>&1
}
# So that it is known that nothing else leads to them.
if bench; then
  echo "found its plugins without runfiles" >&2
  exit 1
fi
ln -s "$TEST_SRCDIR" "$program.runfiles"
if ! bench; then
  cat "$TEST_TMPDIR/out" >&2
  exit 1
fi
