"""Deployment bundles: what is in them, and the way to the other machine and back, which a stand-in plays."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from machine import BAD, DONE, HERE, NO, UNSUPPORTED, MachineTest, environment, scratch, tenon

TARGETS = ("tensorrt:8.2.1", "jetpack5.1", "tensorrt:8.6", "jetpack6.2", "tensorrt:11.0", "tensorrt-rtx")
# The release of the stand-in that plays the machine, the target whose bundle it gets.
MACHINES = (("8.5", "jetpack5.1"), ("8.6", "tensorrt:8.6.1"), ("10.3", "jetpack6.2"), ("11.0", "tensorrt:11.0"))
RANGES = [f"--{end}-shapes=image:{size}x3x16x16" for end, size in (("min", 1), ("opt", 2), ("max", 4))]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.GroupNorm(2, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.norm(self.conv(x)))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.first, self.second = Block(), Block()
        self.head = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.second(self.first(self.stem(image))).mean([2, 3])).softmax(-1)


@functools.cache
def network() -> Path:
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    path = scratch() / "network.pt"
    torch.jit.save(torch.jit.script(Network().eval()), str(path))
    return path


def write_bundle(target: str, *options: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=scratch())) / "bundle"
    finished = tenon(None, "build", network(), "--bundle", folder, "--target", target, *RANGES, *options)
    if finished.status != DONE:
        raise AssertionError(finished.stderr)
    return folder


def break_weights(model: Path, name: str) -> None:
    """The machine computes with other weights in one layer."""
    loaded = onnx.load(model)
    (weights,) = [w for w in loaded.graph.initializer if w.name == name]
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 3, name))
    onnx.save(loaded, model)


class OtherMachine:
    """Has a copy of the bundle, builds its engines with a stand-in, as trtexec would there, and runs verify.py."""

    def __init__(self, release: str, bundle: Path) -> None:
        self.release, self.folder = release, bundle.with_name("copy")
        shutil.copytree(bundle, self.folder)
        self.results = self.folder / "results.npz"

    def build(self, name: str) -> None:
        finished = tenon(self.release, "build", self.folder / f"{name}.onnx", "-o", self.folder / f"{name}.engine",
                         "--python", sys.executable, "--no-verify", *RANGES)  # fmt: skip
        if finished.status != DONE:
            raise AssertionError(finished.stderr)

    def verify(self, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, self.folder / "verify.py", *options], capture_output=True, text=True,
                              check=False, env=environment(self.release), timeout=60)  # fmt: skip


class Bundles(MachineTest):
    def test_build_scripts(self) -> None:
        """Golden: trtexec's command line of each release."""
        for target in TARGETS:
            with self.subTest(target=target):
                got = (write_bundle(target, "--precision", "fp16", "--keep-fp32", "Softmax", "--workspace", "1G") / "build.sh").read_text()
                path = HERE / f"golden/build-{target.replace(':', '-')}.sh"
                if "TENON_WRITE_GOLDEN" in os.environ:
                    path.write_text(got)
                self.assertEqual(got, path.read_text())
                subprocess.run(["sh", "-n"], input=got, text=True, check=True)

    def test_there_and_back(self) -> None:
        for release, target in MACHINES:
            for precision in ("fp32", "fp16"):
                with self.subTest(release=release, precision=precision):
                    folder = write_bundle(target, "--precision", precision)
                    machine = OtherMachine(release, folder)
                    machine.build("model")
                    ran = machine.verify()
                    self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                    self.assertRegex(ran.stdout, r"opt output_0: ok, error \S+, limit \S+")
                    found = self.done_json(None, "check", folder, "--results", machine.results)
                    self.assertEqual([s["verdict"] for s in found["samples"]], ["ok"] * 3)
                    self.assertIn(release.partition(".")[0] + ".", found["machine"])
                    self.assertFalse(found["bisected"])

    def test_a_fault_there_is_found_here(self) -> None:
        for release, target in MACHINES:
            with self.subTest(release=release):
                folder = write_bundle(target, "--precision", "fp16")
                machine = OtherMachine(release, folder)
                for name in ("model", "model_bisect"):
                    break_weights(machine.folder / f"{name}.onnx", "second.conv.weight")
                machine.build("model")
                self.assertEqual(machine.verify().returncode, 1)
                self.refused(NO, ("verify.py --bisect",), None, "check", folder, "--results", machine.results)
                machine.build("model_bisect")
                self.assertEqual(machine.verify("--bisect").returncode, 1)
                said = self.refused(NO, ("the first module that is wrong is second.conv", "right up to first"), None,
                                    "check", folder, "--results", machine.results)  # fmt: skip
                self.assertIn("test_bundles.py:", said)
                found = tenon(None, "check", folder, "--results", machine.results, "--json")
                self.assertEqual(json.loads(found.stdout)["first_bad"]["module"], "second.conv")

    def test_precision_alone_is_told_from_a_fault(self) -> None:
        """Every module is as Tenon computes it, yet the outputs are off by more than is allowed."""
        folder = write_bundle("jetpack6.2", "--precision", "fp16", "--rtol", "1e-9")
        machine = OtherMachine("10.3", folder)
        machine.build("model")
        machine.build("model_bisect")
        self.assertEqual(machine.verify("--bisect").returncode, 1)
        self.refused(NO, ("the precision itself moves them", "--keep-fp32"), None, "check", folder, "--results", machine.results)

    def test_own_samples_and_triton(self) -> None:
        inputs = scratch() / "own.npz"
        np.savez(inputs, image=np.ones((3, 3, 16, 16), np.float32))
        folder = write_bundle("jetpack6.2", "--inputs", str(inputs), "--triton")
        self.assertEqual(json.loads((folder / "bundle.json").read_text())["samples"], ["opt", "min", "max", "given"])
        with np.load(folder / "samples/given.inputs.npz") as given:
            self.assertEqual(given["image"].shape, (3, 3, 16, 16))
        config = (folder / "triton/network/config.pbtxt").read_text()
        self.assertIn('{ name: "image" data_type: TYPE_FP32 dims: [ -1, 3, 16, 16 ] }', config)

    def test_verify_says_what_is_missing(self) -> None:
        folder = write_bundle("jetpack6.2")
        machine = OtherMachine("10.3", folder)
        ran = machine.verify()
        self.assertEqual(ran.returncode, 4)
        self.assertIn("run ./build.sh first", ran.stdout)
        self.assertEqual(machine.verify("--nonsense").returncode, 2)
        self.assertFalse(machine.results.exists())

    def test_build_script_without_trtexec(self) -> None:
        folder = write_bundle("jetpack6.2")
        ran = subprocess.run([folder / "build.sh"], capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 4)
        self.assertIn("set TRTEXEC", ran.stderr)

    def test_bundles_that_cannot_be_written(self) -> None:
        folder = write_bundle("jetpack6.2")
        before = sorted(path.name for path in folder.parent.iterdir())
        words = ["build", network(), *RANGES]
        self.refused(BAD, ("something of this name",), None, *words, "--bundle", folder, "--target", "jetpack6.2")
        self.refused(BAD, ("--target is not given",), None, *words, "--bundle", folder.parent / "new")
        self.refused(BAD, ("jetpack9.9",), None, *words, "--bundle", folder.parent / "new", "--target", "jetpack9.9")
        self.refused(UNSUPPORTED, ("no tensors of bf16",), None, *words, "--bundle", folder.parent / "new", "--target", "jetpack5.1",
                     "--precision", "bf16")  # fmt: skip
        self.refused(BAD, ("--bundle are both given",), None, *words, "--bundle", folder.parent / "new", "-o", "x.engine")
        self.assertEqual(sorted(path.name for path in folder.parent.iterdir()), before)

    def test_results_that_do_not_belong(self) -> None:
        folder = write_bundle("jetpack6.2")
        results = scratch() / "other.npz"
        np.savez(results, nothing=np.zeros(1))
        self.refused(BAD, ("lack output output_0 of sample opt",), None, "check", folder, "--results", results)
        self.refused(BAD, ("says nothing by itself",), None, "check", folder)
        self.refused(BAD, ("this is none",), None, "check", network(), "--results", results)
        index = folder / "bundle.json"
        broken = json.loads(index.read_text()) | {"samples": ["../../secret"]}
        shutil.copy(index, index.with_suffix(".old"))
        index.write_text(json.dumps(broken))
        self.refused(BAD, ("the name of a path",), None, "check", folder, "--results", results)
