#!/bin/sh
# Builds model.engine from model.onnx for TensorRT-RTX 1.7, in fp16.
#   ./build.sh           the engine
#   ./build.sh bisect    model_bisect.engine too, whose outputs are the ends of all modules
# TRTEXEC names another trtexec than the one on PATH or in NVIDIA's usual place.
set -eu
cd "$(dirname "$0")"
trtexec=${TRTEXEC:-$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)}
if [ ! -x "$trtexec" ]; then
  echo "there is no trtexec on PATH or at $trtexec: set TRTEXEC to where it is" >&2
  exit 4
fi
"$trtexec" \
  --onnx=model.onnx \
  --saveEngine=model.engine \
  --minShapes=image:1x3x16x16 \
  --optShapes=image:2x3x16x16 \
  --maxShapes=image:4x3x16x16 \
  --noTF32 \
  --memPoolSize=workspace:1073741824B \
  --profilingVerbosity=detailed \
  --timingCacheFile=timing.cache \
  --skipInference
if [ "${1:-}" = bisect ]; then
  "$trtexec" \
  --onnx=model_bisect.onnx \
  --saveEngine=model_bisect.engine \
  --minShapes=image:1x3x16x16 \
  --optShapes=image:2x3x16x16 \
  --maxShapes=image:4x3x16x16 \
  --noTF32 \
  --memPoolSize=workspace:1073741824B \
  --profilingVerbosity=detailed \
  --timingCacheFile=timing.cache \
  --skipInference
fi
