#!/usr/bin/env bash
# Python as the system has it: no toolchain of Bazel's is needed for it.
set -euo pipefail
exec python3 "$1" "$2" 150
