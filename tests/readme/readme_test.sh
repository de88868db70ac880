#!/usr/bin/env bash
set -euo pipefail
exec python3 "$1" "$2" "$3"
