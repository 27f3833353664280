#!/usr/bin/env bash
# Installs what the tests need and runs all of them. Every runner closes with a line "N passed, N failed"; the exit
# status is 0 when nothing failed anywhere. TENON_FUZZ_SECONDS is how long each fuzz target runs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
jobs=$(nproc)
export TENON_VENV=${TENON_VENV:-$HOME/.cache/tenon/venv}
python=$TENON_VENV/bin/python
failures=()

# Runs a step and says how long it took; its name goes on the list of failures where it fails.
step() {
  local name=$1 start=$SECONDS
  shift
  printf '\n=== %s\n' "$name"
  "$@" || failures+=("$name")
  printf '(%s: %s s)\n' "$name" $((SECONDS - start))
}

# Builds a preset, with further options for CMake, and runs what it gives to ctest.
build_and_test() {
  local preset=$1 report=build/$1/tests.xml status
  shift
  cmake --preset "$preset" --log-level=WARNING "$@" > /dev/null &&
    cmake --build --preset "$preset" --parallel "$jobs" -- --quiet ||
    { echo "0 passed, 1 failed (the $preset build)"; return 1; }
  ctest --test-dir "build/$preset" --parallel "$jobs" --output-on-failure --output-junit "$PWD/$report"
  status=$?
  "$python" scripts/count_tests.py "$report" || status=1
  return "$status"
}

# Builds and runs the fuzz targets of everything that reads foreign bytes.
fuzz() {
  cmake --preset fuzz --log-level=WARNING -DBUILD_TESTING=OFF "-DTENON_FUZZ_SECONDS=${TENON_FUZZ_SECONDS:-10}" > /dev/null &&
    cmake --build --preset fuzz --parallel "$jobs" --target fuzz_targets -- --quiet ||
    { echo '0 passed, 1 failed (the fuzz build)'; return 1; }
  ctest --test-dir build/fuzz --output-on-failure
}

# PyTorch's operator database in 32-bit floating point: the files are made anew, converted, run and compared.
operator_database() {
  local folder=build/op_db/float32
  rm -rf "$folder"
  for part in $(seq "$jobs"); do
    OMP_NUM_THREADS=1 "$python" tests/op_db/make.py "$folder" --part "$part/$jobs" > /dev/null 2>&1 &
  done
  wait
  "$python" tests/op_db/run.py build/release/tests/torch/torch_cases "$folder" \
    --may-refuse broadcast_shapes chalf tensor_split
}

# The same in other types: of each a quarter of the entries, every fourth one, beginning at a place of its own. What has no
# dtype of its own in ONNX, or what ONNX has no integers for, is refused.
operator_database_of() {
  local dtype=$1 first=$2 folder=build/op_db/$1
  shift 2
  rm -rf "$folder"
  OMP_NUM_THREADS=1 "$python" tests/op_db/make.py "$folder" --dtype "$dtype" --part "$first/4" > /dev/null 2>&1
  "$python" tests/op_db/run.py build/release/tests/torch/torch_cases "$folder" --may-refuse chalf tensor_split "$@"
}

scripts/setup.sh --tests || { echo 'test.sh: the set-up failed; nothing can run' >&2; exit 1; }
step 'formatting' scripts/lint.sh --format
step 'structure' "$python" tests/structure/includes.py
step 'unit tests, release' build_and_test release -DBUILD_TESTING=ON
step 'unit tests, AddressSanitizer and UBSan' build_and_test asan -DBUILD_TESTING=ON
step 'fuzzing' fuzz
step 'ONNX test models' "$python" tests/conformance/run.py
# Exporting every case takes PyTorch a quarter of an hour; tracing takes a minute. Leave out `traced` for all.
step 'PyTorch operators' "$python" tests/torch/run.py build/release/tests/torch/torch_cases build/torch_cases '*' traced
step 'control flow' "$python" tests/torch/control_flow.py build/release/tenon build/control_flow
step 'language' "$python" -W ignore tests/torch/language.py build/release/tenon build/language
step 'constants of traces' "$python" -W ignore tests/torch/baked_values.py build/release/tenon build/baked_values
step 'old versions' "$python" -W ignore tests/torch/old_versions.py build/release/tenon build/old_versions
step 'quantised modules' "$python" -W ignore tests/torch/quantised_modules.py build/release/tenon build/quantised_modules
step 'older releases' "$python" tests/dialects/run.py build/release/tenon build/dialects
step 'checkpoints' "$python" -W ignore tests/dialects/checkpoints.py build/release/tenon build/checkpoints
step 'state' "$python" tests/torch/module_state.py build/release/tenon build/module_state
step 'operator database' operator_database
# ONNX has no convolutions and average pools of integers.
step 'operator database, int64' operator_database_of int64 1 gcd lcm nn.functional.local_response_norm \
  nn.functional.avg_pool{1,2,3}d nn.functional.conv{1,2,3}d nn.functional.conv_transpose{1,2,3}d
step 'operator database, bool' operator_database_of bool 2
step 'operator database, float16' operator_database_of float16 3 view_as_complex
step 'operator database, bfloat16' operator_database_of bfloat16 4
step 'command line' "$python" tests/cli/run.py
step 'TensorRT' "$python" tests/tensorrt/run.py build/release/tenon build/tensorrt
step 'what TensorRT refuses' "$python" -W ignore tests/tensorrt/refused.py build/release/tenon build/tensorrt_refused
step 'attributes as TensorRT takes them' "$python" -W ignore tests/tensorrt/attributes.py build/release/tenon build/tensorrt_attributes
step 'programs as engines' "$python" -W ignore tests/tensorrt/programs.py build/release/tenon build/tensorrt_programs
step 'models as engines' "$python" -W ignore tests/tensorrt/models.py build/release/tenon --share
step 'detectors as engines' "$python" -W ignore tests/tensorrt/detector_engines.py --share build/release/tenon
step 'guides' "$python" tests/guides/run.py
step 'fp16 and bf16' "$python" -W ignore tests/precision/run.py build/release/tenon build/precision
step 'models' "$python" tests/models/matrix.py --share
step 'demo' scripts/demo.sh

printf '\n'
if [ ${#failures[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failures[@]}"
  exit 1
fi
echo 'all passed'
