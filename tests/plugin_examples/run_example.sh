#!/bin/bash
# run_example.sh MAYFLY EXAMPLE.toml PLUGIN.so...: the example is valid, runs, and does what it says.
#
# Its comments say so: "# expect rows_written = 1000" is a field of the summary, "# expect signal GLOB"
# a line of `mayfly signals` (of a pipeline that keeps its signals), "# expect exit_status = 65".
set -euo pipefail
mayfly=$PWD/$1
example=$PWD/$2
shift 2
path=
for library in "$@"; do path+=$(dirname "$(readlink -f "$library")"):; done
export MAYFLY_PLUGIN_PATH=${path%:}

folder=$(mktemp -d "$TEST_TMPDIR/example.XXXXXX")
cp "$(dirname "$example")"/* "$folder"
cd "$folder"
fail() { echo "$1" >&2; exit 1; }

"$mayfly" validate "$(basename "$example")" > /dev/null || fail "the example isn't valid"
status=0
summary=$("$mayfly" run "$(basename "$example")" --output json) || status=$?
echo "$summary"
[[ $(grep -c '^# expect ' "$example") -gt 0 ]] || fail "the example says nothing of what to expect"
while read -r _ _ field _ value; do
  case $field in
    exit_status) [[ $status == "$value" ]] || fail "expected exit status $value, found $status" ;;
    *) [[ $summary =~ \"$field\":\ ?$value[,}] ]] || fail "expected $field = $value" ;;
  esac
done < <(grep '^# expect [a-z_]* = ' "$example")
if ! grep -q '^# expect exit_status' "$example"; then
  [[ $status == 0 ]] || fail "expected exit status 0, found $status"
fi
