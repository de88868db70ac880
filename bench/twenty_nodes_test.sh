#!/bin/bash
# twenty_nodes_test.sh MAYFLY PIPELINE.toml: the pipeline that RESULTS.md times is one that is valid.
set -euo pipefail
out=$("$1" validate "$2" 2>&1)
echo "$out"
(($(grep -c '^\[node\.' "$2") == 20))
