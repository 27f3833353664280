#!/usr/bin/env bash
# Installs what the tests need and runs all of them. Every runner closes with a line "N passed, N failed"; the exit
# status is 0 when nothing failed anywhere.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
jobs=$(nproc)
fuzz_seconds=${TENON_FUZZ_SECONDS:-20}
export TENON_VENV=${TENON_VENV:-$HOME/.cache/tenon/venv}
python=$TENON_VENV/bin/python
failures=()

# Runs a step; its name goes on the list of failures where it fails.
step() {
  local name=$1
  shift
  printf '\n=== %s\n' "$name"
  "$@" || failures+=("$name")
}

must() {
  "$@" || { echo "test.sh: '$*' failed; nothing further can run" >&2; exit 1; }
}

build() {
  cmake --preset "$1" -DBUILD_TESTING=ON --log-level=WARNING && cmake --build --preset "$1" --parallel "$jobs" -- --quiet
}

unit_tests() {
  local report status
  report=$(mktemp)
  build "$1" || { echo "0 passed, 1 failed (the $1 build)"; return 1; }
  ctest --preset "$1" --parallel "$jobs" --output-junit "$report"
  status=$?
  "$python" - "$report" << 'PYTHON' || status=1
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
failed = int(suite.get("failures")) + int(suite.get("skipped")) + int(suite.get("disabled"))
passed = int(suite.get("tests")) - failed
print(f"{passed} passed, {failed} failed")
sys.exit(0 if passed and not failed else 1)
PYTHON
  rm -f "$report"
  return "$status"
}

# Each fuzz target for a while, from its seed corpus where there is one.
fuzz() {
  local passed=0 failed=0 target name corpus
  build fuzz || { echo "0 passed, 1 failed (the fuzz build)"; return 1; }
  while IFS= read -r target; do
    name=$(basename "$target")
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus" build/fuzz/findings
    seeds=()
    [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
    if "$target" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=0 \
      -artifact_prefix="build/fuzz/findings/$name-" "$corpus" "${seeds[@]}"; then
      passed=$((passed + 1))
    else
      echo "$name found a fault; its input is in build/fuzz/findings/"
      failed=$((failed + 1))
    fi
  done < <(find build/fuzz -name '*_fuzz' -type f -executable | sort)
  echo "$passed passed, $failed failed"
  [ "$passed" -gt 0 ] && [ "$failed" = 0 ]
}

must scripts/setup.sh --tests
step 'unit tests, release' unit_tests release
step 'unit tests, AddressSanitizer and UBSan' unit_tests asan
step 'fuzzing' fuzz
step 'command line' "$python" tests/cli/run.py
step 'guides' "$python" tests/guides/run.py
step 'models' "$python" tests/models/matrix.py --share

printf '\n'
if [ ${#failures[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failures[@]}"
  exit 1
fi
echo 'all passed'
