#!/usr/bin/env bash
# Tenon's main job on a trained model and real data: installs, builds, then takes a small network that reads
# handwritten digits from PyTorch's files to ONNX and to a verified engine. Ends at the first step that fails.
# The Python is the system's, for which setup.sh installs NumPy; another one may come first on the path.
set -euo pipefail
cd "$(dirname "$0")/.." || exit
data=demo/data
out=build/demo
dynamic='images[batch=1..512,1,8,8]'

title() {
  printf '\n=== %s\n' "$1"
}

# Prints a command as a user would type it, runs it, and says how long it took.
show() {
  local start=$EPOCHREALTIME word
  printf '\n$'
  for word in "$@"; do
    if [[ $word =~ ^[A-Za-z0-9_./:=,+-]+$ ]]; then printf ' %s' "$word"; else printf " '%s'" "$word"; fi
  done
  printf '\n'
  "$@"
  awk -v start="$start" -v end="$EPOCHREALTIME" 'BEGIN { printf "[%.2f s]\n", end - start }'
}

title 'Install and build'
show scripts/setup.sh --demo
show cmake --preset release -DBUILD_TESTING=OFF --log-level=WARNING
show cmake --build --preset release --parallel "$(nproc)" -- --quiet
PATH=$PWD/build/release:$PATH
mkdir -p "$out"

for kind in digits_traced.pt digits_scripted.pt digits.pt2; do
  title "$kind to ONNX, at opset 11 and 17"
  case $kind in
    *.pt2) shapes=() ;; # the file says itself that the batch is dynamic
    *) shapes=(--dynamic "$dynamic") ;;
  esac
  for opset in 11 17; do
    onnx=$out/${kind%.*}_$opset.onnx
    show tenon convert "$data/$kind" -o "$onnx" --opset "$opset" "${shapes[@]}"
    show tenon run "$onnx" --inputs "$data/digits_test.npz" -o "$out/scores.npz"
    show /usr/bin/python3 demo/accuracy.py "$out/scores.npz" "$data/digits_labels.npz"
  done
done

title 'What the files hold'
show tenon inspect "$data/digits_traced.pt"
show tenon inspect "$out/digits_traced_17.onnx"

title 'An engine for this machine'
show tenon build "$data/digits_traced.pt" -o "$out/digits.tenon" \
  --min-shapes images:1x1x8x8 --opt-shapes images:450x1x8x8 --max-shapes images:512x1x8x8
show tenon inspect "$out/digits.tenon"
show tenon run "$out/digits.tenon" --inputs "$data/digits_test.npz" -o "$out/scores.npz"
show /usr/bin/python3 demo/accuracy.py "$out/scores.npz" "$data/digits_labels.npz"

title "Agreement with PyTorch's recorded outputs, stage by stage"
show tenon check "$data/digits_traced.pt" --shapes images:450x1x8x8 --inputs "$data/digits_test.npz" --expected "$data/digits_expected.npz" \
  --against "$out/digits_traced_11.onnx" --against "$out/digits_traced_17.onnx" --against "$out/digits.tenon"

title 'How fast it is'
show tenon bench "$out/digits.tenon" --shapes images:1x1x8x8 --duration 2s
show tenon bench "$out/digits.tenon" --shapes images:450x1x8x8 --duration 2s

printf '\nAll steps done in %d s; the files are in %s.\n' "$SECONDS" "$out"
