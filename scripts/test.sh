#!/usr/bin/env bash
# Sets everything up, builds edgeopt and its tests, and runs them all. The last line is "N passed, N failed[, N skipped]";
# the exit code is 0 only if nothing failed.
#   scripts/test.sh              everything
#   scripts/test.sh --no-setup   without looking for packages
set -uo pipefail
cd "$(dirname "$0")/.."

# On busy machines waiting threads must not burn the cores that the working ones need.
export OMP_WAIT_POLICY=passive
passed=0 failed=0 skipped=0
logs=build/test-logs
mkdir -p "$logs"

build() {
  cmake --preset dev > "$logs/configure.log" 2>&1 || { cat "$logs/configure.log"; return 1; }
  cmake --build --preset dev > "$logs/build.log" 2>&1 || { grep -E 'error|FAILED' -A5 "$logs/build.log" | head -60; return 1; }
}

# One stage is one program that prints "N passed, N failed[, N skipped]" among its last lines.
run_stage() {
  local name=$1 log="$logs/$1.log" status counts started=$SECONDS
  shift
  echo "== $name"
  "$@" > "$log" 2>&1
  status=$?
  counts=$(grep -oE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$log" | tail -1)
  add_counts "$name" "$counts" "$status"
  if [ "$status" -ne 0 ]; then tail -n 60 "$log"; fi
  echo "   ${counts:-no tests} in $((SECONDS - started)) s"
}

add_counts() {
  local name=$1 counts=$2 status=$3 stage_failed
  set -- $(grep -oE '[0-9]+' <<< "$counts")
  passed=$((passed + ${1:-0}))
  stage_failed=${2:-0}
  skipped=$((skipped + ${3:-0}))
  # A stage that ends badly without naming a failed test (a crash, say) has failed all the same.
  if [ "$status" -ne 0 ] && [ "$stage_failed" -eq 0 ]; then stage_failed=1; fi
  failed=$((failed + stage_failed))
}

unit_tests() {
  local status
  build/dev/tests/edgeopt_tests --no-colors=true
  status=$?
  return $status
}

# doctest: "[doctest] test cases:  60 |  60 passed | 0 failed | 0 skipped"
in_one_line() { sed -E 's/.*test cases: .*\| +([0-9]+) passed +\| +([0-9]+) failed +\| +([0-9]+) skipped.*/\1 passed, \2 failed, \3 skipped/'; }
unit_stage() { unit_tests 2>&1 | in_one_line; return "${PIPESTATUS[0]}"; }

# node --test: "# pass 12" "# fail 0" "# skipped 1"
node_stage() {
  local folder=$1 tap="$PWD/$logs/$(basename "$1").tap" status
  (cd "$folder" && node --test --test-reporter=tap ./*.test.mjs) > "$tap" 2>&1
  status=$?
  # What failed, without the hundred lines about what did not.
  grep -A40 -E '^ *not ok' "$tap"
  awk '/^# pass /{p=$3} /^# fail /{f=$3} /^# skipped /{s=$3} END{printf "%d passed, %d failed, %d skipped\n", p, f, s}' "$tap"
  return $status
}

if [ "${1:-}" != --no-setup ]; then scripts/setup.sh || { echo "0 passed, 1 failed"; exit 1; }; fi
echo "== build"
if ! build; then echo "0 passed, 1 failed"; exit 1; fi

run_stage unit unit_stage
run_stage command-line node_stage tests/cli
run_stage onnxruntime node_stage tests/onnxruntime

if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"
else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
