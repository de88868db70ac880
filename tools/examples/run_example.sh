#!/usr/bin/env bash
# Runs an example with a database in the test's folder; the example checks itself.
set -euo pipefail
"$1" "$TEST_TMPDIR/example.db"
