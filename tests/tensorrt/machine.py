"""Runs the program with a release of TensorRT, real or a stand-in, and on a GPU that is the host's own memory."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

import small_models

HERE = Path(__file__).resolve().parent
RELEASES = ("8.5", "8.6", "10.3", "11.0")
TIMEOUT_S = 60
DONE, NO, BAD, UNSUPPORTED, INTERNAL = range(5)  # exit statuses
RTX_PYTHON = os.environ.get("TENON_RTX_PYTHON", sys.executable)
RANGES = [f"--{end}-shapes=image:{size}x3x8x8" for end, size in (("min", 1), ("opt", 2), ("max", 4))]


@functools.cache
def folder() -> Path:
    """Where everything that the tests make is: the suite's second argument."""
    path = Path(os.environ["TENON_TENSORRT_FOLDER"])
    path.mkdir(parents=True, exist_ok=True)
    return path


@functools.cache
def scratch() -> Path:
    return Path(tempfile.mkdtemp(dir=folder()))


@functools.cache
def driver() -> Path:
    """The folder of the stand-in for CUDA's driver."""
    place = scratch() / "driver"
    place.mkdir()
    words = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", place / "libcuda.so.1"]
    subprocess.run([*words, HERE / "fake_libcuda.c"], check=True)
    return place


@dataclass(frozen=True)
class Finished:
    status: int
    stdout: str
    stderr: str


def environment(release: str | None, **more: str) -> dict[str, str]:
    """With the stand-in of the release, or without any."""
    out = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if release is not None:
        out["PYTHONPATH"] = str(HERE / "stand_ins" / release)
        out["LD_LIBRARY_PATH"] = str(driver())
    out["TMPDIR"] = str(scratch())
    return out | more


def words(*arguments: str | Path) -> list[str]:
    return [os.environ["TENON"], *map(str, arguments)]


def tenon(release: str | None, *arguments: str | Path, **more: str) -> Finished:
    done = subprocess.run(words(*arguments), capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(release, **more))
    return Finished(done.returncode, done.stdout, done.stderr)


@functools.cache
def model(name: str) -> Path:
    path = scratch() / f"{name}.onnx"
    make = {"small": small_models.convolution, "half": functools.partial(small_models.convolution, half=True),
            "types": functools.partial(small_models.all_types, bfloat16=False),
            "types_bf16": functools.partial(small_models.all_types, bfloat16=True),
            "sized_by_data": small_models.sized_by_data, "distinct": small_models.distinct, "sized_by_input": small_models.sized_by_input,
            "determinant": small_models.determinant, "filtered": small_models.filtered}  # fmt: skip
    return make[name](path)


@functools.cache
def engine(release: str, name: str, *options: str) -> Path:
    """The model's engine, built by the release's stand-in; not to be changed by a test."""
    place = Path(tempfile.mkdtemp(dir=scratch()))
    path = place / f"{name}.engine"
    finished = tenon(release, "build", model(name), "-o", path, "--python", sys.executable, *options)
    if finished.status != DONE:
        raise AssertionError(finished.stderr)
    return path


def small_engine(release: str) -> Path:
    return engine(release, "small", *RANGES)


def python(release: str | None) -> list[str]:
    return ["--python", sys.executable if release else RTX_PYTHON]


class MachineTest(unittest.TestCase):
    """Adds assertions about how the program ends."""

    maxDiff = None

    def done(self, release: str | None, *arguments: str | Path, **more: str) -> str:
        finished = tenon(release, *arguments, **more)
        self.assertEqual(finished.status, DONE, f"tenon {arguments}:\n{finished.stdout}{finished.stderr}")
        return finished.stdout

    def done_json(self, release: str | None, *arguments: str | Path, **more: str) -> dict:
        return json.loads(self.done(release, *arguments, "--json", **more))

    def refused(self, status: int, mentions: tuple[str, ...], release: str | None, *arguments: str | Path, **more: str) -> str:
        """It ends with the status and says what, why, what to try, and the given words."""
        finished = tenon(release, *arguments, **more)
        said = finished.stderr
        self.assertEqual(finished.status, status, f"tenon {arguments}:\n{finished.stdout}{said}")
        self.assertRegex(said, r"(?m)^\s*why: \S")
        self.assertRegex(said, r"(?m)^\s*try: \S")
        for text in mentions:
            self.assertIn(text, said)
        return said
