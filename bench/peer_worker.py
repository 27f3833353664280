#!/usr/bin/env python3
"""Measures one runtime on one model and prints the result as JSON; bench/peers.py starts it.

    peer_worker.py onnxruntime|openvino|torch MODEL INPUTS.npz --threads N --duration SECONDS

Times are in milliseconds: load_ms until the model is ready, then latencies of inferences one after another.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

WARM_UP_S = 0.5
Inputs = dict[str, np.ndarray]
Infer = Callable[[], object]
Loader = Callable[[], Infer]  # what is timed as loading; imports lie before it


def load_onnxruntime(model: Path, inputs: Inputs, threads: int) -> Loader:
    import onnxruntime

    def load() -> Infer:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, inputs)

    return load


def load_openvino(model: Path, inputs: Inputs, threads: int) -> Loader:
    import openvino

    def load() -> Infer:
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
        return lambda: request.infer(inputs)

    return load


def load_torch(model: Path, inputs: Inputs, threads: int) -> Loader:
    import torch

    torch.set_num_threads(threads)
    tensors = [torch.from_numpy(array) for array in inputs.values()]

    def load() -> Infer:
        module = torch.jit.freeze(torch.jit.load(str(model)).eval())

        def infer() -> object:
            with torch.inference_mode():
                return module(*tensors)

        return infer

    return load


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino, "torch": load_torch}


def measure(infer: Infer, duration_s: float) -> list[float]:
    """Latencies in milliseconds, after a warm-up."""
    end = time.perf_counter() + WARM_UP_S
    infer()
    while time.perf_counter() < end:
        infer()
    latencies: list[float] = []
    end = time.perf_counter() + duration_s
    while not latencies or time.perf_counter() < end:
        start = time.perf_counter()
        infer()
        latencies.append((time.perf_counter() - start) * 1e3)
    return latencies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=LOADERS)
    parser.add_argument("model", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--duration", type=float, required=True)
    arguments = parser.parse_args()
    with np.load(arguments.inputs) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    load = LOADERS[arguments.runtime](arguments.model, inputs, arguments.threads)
    start = time.perf_counter()
    infer = load()
    load_ms = (time.perf_counter() - start) * 1e3
    print(json.dumps({"load_ms": load_ms, "median_ms": statistics.median(measure(infer, arguments.duration))}))


if __name__ == "__main__":
    main()
