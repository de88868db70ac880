#!/usr/bin/env bash
# installed_sdk_test.sh MAYFLY NEWCOMER.cc LIMIT.c: what tools/install_sdk installs is all that a plugin
# needs, in C++ and in C, with plain g++ and gcc.
set -euo pipefail
mayfly=$PWD/$1
newcomer=$PWD/$2
limit=$PWD/$3
checkout=$PWD
work=$(mktemp -d "$TEST_TMPDIR/sdk.XXXXXX")
# As far away as it can be: nothing of the checkout is found by a relative path.
cd "$work"
fail() {
  echo "FAILED: $1" >&2
  exit 1
}

"$checkout/tools/install_sdk" "$work/sdk"
include=$work/sdk/include

echo "== each header can be included alone"
while read -r header; do
  echo "#include \"$header\"" |
    g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" -x c++ - || fail "$header"
done < <(cd "$include" && find mayfly -name '*.h')
echo '#include "mayfly/abi/mayfly_abi.h"' |
  gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" -x c - || fail "the ABI's header in C11"

# check NAME FLAGS...: libNAME.so, which was built with these, passes conformance.
check() {
  local report
  report=$("$mayfly" plugins check "./lib$1.so" "${set[@]}") || fail "conformance of $1, built with ${*:2}: $report"
  if grep -v '^passed' <<<"$report"; then fail "every check of $1 is passed: $report"; fi
}

echo "== a plugin in C++ with containers and strings, with and without optimization and hidden names"
set=(--set column=name)
for flags in "" "-O2" "-O3 -fvisibility=hidden" "-g -Wall -Wextra -Werror"; do
  # shellcheck disable=SC2086
  g++ -std=c++20 -fPIC -shared $flags -I "$include" "$newcomer" -o libnewcomer.so
  check newcomer "$flags"
done

echo "== a symbol of its own, which it need not export, is named"
mkdir leaks
g++ -std=c++20 -fPIC -shared -DLEAKS -I "$include" "$newcomer" -o leaks/libnewcomer.so
report=$("$mayfly" plugins check leaks/libnewcomer.so "${set[@]}") && fail "a second symbol is accepted"
grep -q '^failed *one_symbol: exports .*leaks5count.*-fvisibility=hidden' <<<"$report" || fail "$report"
g++ -std=c++20 -fPIC -shared -fvisibility=hidden -DLEAKS -I "$include" "$newcomer" \
  -o leaks/libnewcomer.so
"$mayfly" plugins check leaks/libnewcomer.so "${set[@]}" >/dev/null || fail "hidden, it is still exported"

echo "== a plugin in C"
gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -I "$include" "$limit" -o liblimit.so
set=(--set rows=100)
check limit

echo "== what tools/new_plugin writes"
mkdir -p copy/tools copy/plugins copy/tests/layers
cp -L "$checkout/tools/new_plugin" copy/tools/
cp -L "$checkout/tests/layers/layers.bzl" copy/tests/layers/
chmod -R u+w copy
copy/tools/new_plugin tally >/dev/null
copy/tools/new_plugin --source numbers >/dev/null
set=()
for name in tally numbers; do
  g++ -std=c++20 -Wall -Wextra -Werror -fPIC -shared -I "$include" "copy/plugins/$name/$name.cc" -o "lib$name.so"
  "$mayfly" plugins check "./lib$name.so" >/dev/null || fail "conformance of $name"
done

echo "== all of them in one pipeline"
cat >pipeline.toml <<'TOML'
[pipeline]
name = "outside"

[source.people]
plugin = "generate"
rows = 300
columns = ["name:choice:Ada|Grace|Rosalind"]

[node.seen]
plugin = "newcomer"
input = "people"
column = "name"

[node.few]
plugin = "./liblimit.so"
input = "seen"
rows = 200

[node.counted]
plugin = "tally"
input = "few"
every = 50

[writer]
input = "counted"
database = "outside.db"
table = "people"
TOML
summary=$("$mayfly" run pipeline.toml --plugin-dir . --output json) || fail "the pipeline: $summary"
[[ $summary =~ \"rows_written\":200, && $summary =~ \"rows_dropped\":100, ]] || fail "$summary"
cat >numbers.toml <<'TOML'
[source.numbers]
plugin = "numbers"
rows = 1000

[writer]
input = "numbers"
database = "outside.db"
table = "numbers"
TOML
summary=$("$mayfly" run numbers.toml --plugin-dir . --output json) || fail "the source: $summary"
[[ $summary =~ \"rows_written\":1000, ]] || fail "$summary"

echo "== what install_sdk refuses"
status=0
said=$("$checkout/tools/install_sdk" 2>&1) || status=$?
[[ $status == 64 && $said == "install_sdk: expected one folder to install to, found \"\"; usage: "* ]] || fail "$status $said"
touch file
status=0
said=$("$checkout/tools/install_sdk" file 2>&1) || status=$?
[[ $status == 73 && $said == *"file/include/mayfly/"*" can't be written: see above" ]] || fail "$status $said"
echo "all passed"
