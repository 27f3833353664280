#!/usr/bin/env python3
"""Tenon beside ONNX Runtime, OpenVINO and torch.jit: latency of one inference, and time to load.

    peers.py [--models build/models] [--threads 2] [--rounds 5] [--duration 3] [MODEL...]

Every measurement is a process of its own, and the runtimes take turns in rounds, so that a machine that grows slower
or faster meanwhile does so for all. All compute in fp32 on the same inputs with the same number of threads; ONNX
Runtime and OpenVINO get the ONNX file that Tenon writes, torch.jit the traced file, frozen. The model files come from
tests/models/make.py. Exit status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("peer_worker.py")
PEERS = ("onnxruntime", "openvino", "torch")
# The most that Tenon's latency may be of the fastest peer's.
LATENCY_GOALS = {
    "resnet18_360x640": 0.6,
    "resnet50": 1.0,
    "vit_b_16": 1.0,
    "mobilenet_v3_large": 1.2,
    "efficientnet_b0": 1.2,
}
LARGE_MODEL_BYTES = 50e6


@dataclass(frozen=True)
class Sample:
    """One process: milliseconds to load, and the median of its inferences."""

    load_ms: float
    median_ms: float


@dataclass(frozen=True)
class Files:
    """A model in the form that each runtime takes."""

    traced: Path
    inputs: Path
    onnx: Path
    plan: Path

    def load_goal(self) -> float:
        """The most that loading a plan may take of ONNX Runtime's session creation."""
        return 0.2 if self.traced.stat().st_size > LARGE_MODEL_BYTES else 1.0


def run_json(command: Sequence[str | Path], threads: int) -> Any:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def prepare(model: str, models: Path, work: Path, program: str) -> Files:
    """Converts the traced file to ONNX and builds the plan."""
    folder = models / model
    files = Files(folder / "traced.pt", folder / "inputs.npz", work / f"{model}.onnx", work / f"{model}.tenon")
    subprocess.run([program, "convert", "-q", files.traced, "-o", files.onnx], check=True)
    subprocess.run([program, "build", "-q", files.traced, "-o", files.plan], check=True)
    return files


def measure_tenon(files: Files, program: str, threads: int, duration: float) -> Sample:
    command = [program, "bench", files.plan, "--json", "--threads", str(threads), "--duration", f"{duration:g}s"]
    result = run_json(command, threads)
    return Sample(result["load_ms"], result["latency_ms"]["median"])


def measure_peer(peer: str, files: Files, threads: int, duration: float) -> Sample:
    model = files.traced if peer == "torch" else files.onnx
    options = ["--threads", str(threads), "--duration", str(duration)]
    return Sample(**run_json([sys.executable, WORKER, peer, model, files.inputs, *options], threads))


def measure_rounds(files: Files, program: str, threads: int, rounds: int, duration: float) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {name: [] for name in ("tenon", *PEERS)}
    for _ in range(rounds):
        samples["tenon"].append(measure_tenon(files, program, threads, duration))
        for peer in PEERS:
            samples[peer].append(measure_peer(peer, files, threads, duration))
    return samples


def judge(model: str, files: Files, samples: dict[str, list[Sample]]) -> bool:
    """Prints one model's figures beside their goals; whether it meets them."""
    latency = {name: statistics.median(s.median_ms for s in taken) for name, taken in samples.items()}
    load = {name: statistics.median(s.load_ms for s in taken) for name, taken in samples.items()}
    best = min(PEERS, key=latency.__getitem__)
    by_round = [t.median_ms / p.median_ms for t, p in zip(samples["tenon"], samples[best], strict=True)]
    ratio, load_ratio = latency["tenon"] / latency[best], load["tenon"] / load["onnxruntime"]
    goal, load_goal = LATENCY_GOALS.get(model), files.load_goal()
    print(f"\n{model}")
    print(f"  {'':12} {'latency ms':>11} {'load ms':>9}")
    for name in samples:
        print(f"  {name:12} {latency[name]:11.2f} {load[name]:9.1f}")
    spread = f"rounds {min(by_round):.2f} to {max(by_round):.2f}"
    print(f"  latency / {best}: {ratio:.2f} ({spread}), {_against(ratio, goal)}")
    print(f"  load / onnxruntime: {load_ratio:.2f}, {_against(load_ratio, load_goal)}", flush=True)
    return (goal is None or ratio <= goal) and load_ratio <= load_goal


def _against(value: float, goal: float | None) -> str:
    if goal is None:
        return "no goal"
    return f"goal {goal:g}: {'met' if value <= goal else 'MISSED'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "build/models", help="folder of the model files")
    parser.add_argument("--work", type=Path, default=ROOT / "build/peers", help="folder for ONNX files and plans")
    parser.add_argument("--tenon", default=str(ROOT / "build/release/tenon"), help="the program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of inferences in each process")
    parser.add_argument("names", nargs="*", metavar="MODEL", help="those with goals when none is named")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    met = []
    for model in arguments.names or LATENCY_GOALS:
        files = prepare(model, arguments.models, arguments.work, arguments.tenon)
        samples = measure_rounds(files, arguments.tenon, arguments.threads, arguments.rounds, arguments.duration)
        met.append(judge(model, files, samples))
    print(f"\n{sum(met)} of {len(met)} models meet their goals")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
