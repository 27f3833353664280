"""Ways in which a build is refused: each gives one clear message with the right exit status, and leaves nothing behind."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from machine import BAD, INTERNAL, NO, RANGES, RTX_PYTHON, UNSUPPORTED, environment, model, scratch, words


def _save(name: str, nodes: list, inputs: list, outputs: list, weights: list = (), opsets: tuple[tuple[str, int], ...] = (("", 17),)) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    path = scratch() / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid(*one) for one in opsets], ir_version=8), path)
    return path


@functools.cache
def subject(name: str) -> Path:
    """A model that has what its name says."""
    info = helper.make_tensor_value_info
    x, y = info("x", TensorProto.FLOAT, [2, 3]), info("y", TensorProto.FLOAT, None)
    if name in ("small", "determinant"):
        return model(name)
    if name == "custom":
        return _save(name, [helper.make_node("Mine", ["x"], ["y"], "mine", domain="my.own")], [x], [y], opsets=(("", 17), ("my.own", 1)))
    if name == "complex":
        return _save(name, [helper.make_node("Identity", ["x"], ["y"], "copy")], [info("x", TensorProto.COMPLEX64, [2])],
                     [info("y", TensorProto.COMPLEX64, [2])])  # fmt: skip
    if name == "double":
        return _save(name, [helper.make_node("Relu", ["x"], ["y"], "relu")], [info("x", TensorProto.DOUBLE, [2])],
                     [info("y", TensorProto.DOUBLE, [2])])  # fmt: skip
    if name == "strings":
        return _save(name, [helper.make_node("Identity", ["x"], ["y"], "copy")], [info("x", TensorProto.STRING, [2])],
                     [info("y", TensorProto.STRING, [2])])  # fmt: skip
    if name == "rank":
        return _save(name, [helper.make_node("Reshape", ["x", "s"], ["y"], "reshape")], [x, info("s", TensorProto.INT64, ["r"])], [y])
    if name == "topk":
        return _save(name, [helper.make_node("TopK", ["x", "k"], ["y", "i"], "best")], [info("x", TensorProto.FLOAT, ["n", 9000])], [y],
                     [numpy_helper.from_array(np.array([5000]), "k")])  # fmt: skip
    if name == "external":
        weights = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
        path = _save(name, [helper.make_node("MatMul", ["x", "w"], ["y"], "product")], [x], [y], [weights])
        onnx.save(onnx.load(path), path, save_as_external_data=True, location="external.data", size_threshold=0)
        path.with_name("external.data").write_bytes(b"short")
        return path
    raise KeyError(name)


RTX = ["--target", "tensorrt-rtx", "--python", RTX_PYTHON]
# What is built, how, the exit status, and words of the message.
CASES = {
    "an operator that TensorRT lacks": ("determinant", RTX, UNSUPPORTED, "has no Det"),
    "an operator of somebody's own": ("custom", RTX, UNSUPPORTED, "Mine"),
    "complex numbers": ("complex", RTX, UNSUPPORTED, "c64"),
    "double precision, which it would narrow": ("double", RTX, UNSUPPORTED, "f64"),
    "strings": ("strings", RTX, UNSUPPORTED, "string"),
    "a rank that data decides": ("rank", [*RTX, "--min-shapes=s:1", "--opt-shapes=s:2", "--max-shapes=s:3"], UNSUPPORTED, "whose rank is not known"),
    "more of the best than it gives, of sizes that vary": ("topk", [*RTX, "--min-shapes=x:1x9000", "--opt-shapes=x:2x9000", "--max-shapes=x:3x9000"], UNSUPPORTED, "3840"),
    "weights that are cut short": ("external", RTX, BAD, "external.data"),
    "a best size out of its range": ("small", [*RTX, "--min-shapes=image:1x3x8x8", "--opt-shapes=image:9x3x8x8", "--max-shapes=image:4x3x8x8"], BAD, "not in order"),
    "a range without its end": ("small", [*RTX, "--min-shapes=image:1x3x8x8"], BAD, "no max shape"),
    "a profile of no input": ("small", [*RTX, *RANGES, "--opt-shapes=picture:1x3x8x8"], BAD, "picture"),
    "a range for a fixed dimension": ("small", [*RTX, "--min-shapes=image:1x1x8x8", "--opt-shapes=image:1x3x8x8", "--max-shapes=image:1x5x8x8"], BAD, "image"),
    "another number of dimensions": ("small", [*RTX, "--shapes=image:1x3x8"], BAD, "image"),
    "a size without a largest": ("small", RTX, BAD, "no largest size"),
    "a target that does not exist": ("small", ["--target", "tensorrt:7.1", *RANGES], BAD, "too old"),
    "a JetPack that does not exist": ("small", ["--target", "jetpack3", *RANGES], BAD, "jetpack3"),
    "a GPU that does not exist": ("small", [*RTX, *RANGES, "--compute-capability", "9.9"], BAD, "for compute capabilities"),
    "a release that is not installed": ("small", ["--target", "tensorrt:10.3", "--python", RTX_PYTHON, *RANGES], INTERNAL, "--bundle DIR"),
    "no interpreter": ("small", ["--target", "tensorrt", "--python", "no-python-at-all", *RANGES], INTERNAL, "--python"),
    "a precision that there is not yet": ("small", [*RTX, *RANGES, "--precision", "int8"], UNSUPPORTED, "int8"),
    "types of ends without a precision": ("small", [*RTX, *RANGES, "--io-types", "fp16"], BAD, "--precision"),
    "a node that does not exist": ("small", [*RTX, *RANGES, "--precision", "fp16", "--keep-fp32", "nowhere"], BAD, "nowhere"),
    "more rounding than is allowed": ("small", [*RTX, *RANGES, "--precision", "fp16", "--rtol", "1e-9", "--atol", "0"], NO, "--keep-fp32"),
    "memory that cannot be read": ("small", [*RTX, *RANGES, "--workspace", "much"], BAD, "--workspace 2G"),
    "too little time": ("small", [*RTX, *RANGES, "--time-limit", "1ms"], INTERNAL, "--time-limit"),
    "too little memory": ("small", [*RTX, *RANGES, "--memory-limit", "1M"], INTERNAL, "--memory-limit"),
}  # fmt: skip
FILE_LIMIT = 100_000  # bytes; the engine is larger, the model is not


class Refusals(unittest.TestCase):
    maxDiff = None

    def refused(self, arguments: list, status: int, mentions: str, **more: object) -> None:
        with tempfile.TemporaryDirectory(dir=scratch()) as place:
            out = Path(place) / "model.engine"
            ran = subprocess.run(words("build", *arguments, "-o", out), capture_output=True, text=True, timeout=60,
                                 env=environment(None, TMPDIR=place), check=False, **more)  # fmt: skip
            self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)
            self.assertIn(mentions, ran.stderr)
            self.assertRegex(ran.stderr, r"(?m)^\s*why: \S")
            self.assertRegex(ran.stderr, r"(?m)^\s*try: \S")
            self.assertEqual(list(Path(place).iterdir()), [], "something was left behind")

    def test_all(self) -> None:
        self.assertGreaterEqual(len(CASES), 20)
        for name, (what, options, status, mentions) in CASES.items():
            with self.subTest(name):
                self.refused([subject(what), *options], status, mentions)

    def test_a_full_disk(self) -> None:
        """A limit of the size of files stands in for a disk that is full."""
        limited = ["prlimit", f"--fsize={FILE_LIMIT}", sys.executable, "-c",
                   "import os, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"]  # fmt: skip
        with tempfile.TemporaryDirectory(dir=scratch()) as place:
            out = Path(place) / "model.engine"
            ran = subprocess.run([*limited, *words("build", subject("small"), *RTX, *RANGES, "-o", out)], capture_output=True, text=True,
                                 timeout=60, env=environment(None, TMPDIR=place), check=False)  # fmt: skip
            self.assertEqual(ran.returncode, INTERNAL, ran.stdout + ran.stderr)
            self.assertIn("File too large", ran.stderr)
            self.assertEqual(list(Path(place).iterdir()), [])

    def test_a_folder_that_cannot_be_written(self) -> None:
        ran = subprocess.run(words("build", subject("small"), *RTX, *RANGES, "-o", "/proc/model.engine"), capture_output=True, text=True,
                             timeout=60, env=environment(None), check=False)  # fmt: skip
        self.assertEqual(ran.returncode, BAD, ran.stdout + ran.stderr)
        self.assertRegex(ran.stderr, r"(?m)^\s*why: \S")
