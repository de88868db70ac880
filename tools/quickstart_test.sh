#!/usr/bin/env bash
# What tools/quickstart says of its arguments, before it installs or builds anything: beside it here
# are no files that it would need.
set -uo pipefail
quickstart=$1
failed=0

# expect STATUS TEXT ARGUMENT...: it ends so, and prints that.
expect() {
  local status=$1 text=$2 found printed
  shift 2
  printed=$("$quickstart" "$@" 2>&1)
  found=$?
  if ((found != status)) || [[ $printed != *"$text"* ]]; then
    printf 'quickstart %s: expected %s and "%s", found %s and:\n%s\n' "$*" "$status" "$text" "$found" "$printed"
    failed=1
  fi
}

expect 0 "./tools/quickstart DATABASE" --help
expect 0 "./tools/quickstart DATABASE" -h
expect 64 "expected a database at most, found --jobs=2" --jobs=2
expect 64 "./tools/quickstart DATABASE" -v
expect 64 "expected a database at most, found a.db b.db" a.db b.db
exit "$failed"
