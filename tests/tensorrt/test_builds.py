"""What each release of TensorRT is told when an engine is built: the calls in order, flags and types."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from machine import DONE, HERE, RANGES, RELEASES, RTX_PYTHON, UNSUPPORTED, MachineTest, driver, model, python, scratch, tenon

TWO_PROFILES = [*RANGES, "--min-shapes=image:8x3x8x8", "--opt-shapes=image:8x3x8x8", "--max-shapes=image:16x3x8x8"]
CASES = {
    "fp32": ("small", TWO_PROFILES),
    "fp16": ("half", RANGES),
    "to-fp16": ("small", [*RANGES, "--precision", "fp16"]),
    "options": ("small", [*RANGES, "--tf32", "--workspace", "1G"]),
}


class Recordings(MachineTest):
    def calls(self, release: str, case: str) -> list:
        name, options = CASES[case]
        calls = scratch() / f"{release}-{case}.calls"
        out = scratch() / f"{release}-{case}.engine"
        self.done(release, "build", model(name), "-o", out, "--python", sys.executable, *options, TENON_STAND_IN_CALLS=str(calls))
        return [json.loads(line) for line in calls.read_text().splitlines()]

    def test_golden(self) -> None:
        for release in RELEASES:
            for case in CASES:
                with self.subTest(release=release, case=case):
                    got = self.calls(release, case)
                    path = HERE / f"golden/{release}-{case}.jsonl"
                    if "TENON_WRITE_GOLDEN" in os.environ:
                        path.write_text("".join(json.dumps(call) + "\n" for call in got))
                    self.assertEqual(got, [json.loads(line) for line in path.read_text().splitlines()])

    def test_what_the_recordings_have_to_say(self) -> None:
        """The golden files themselves: what has to hold in each release whatever else changes."""
        for release in RELEASES:
            old = release.startswith("8")
            for case in CASES:
                calls = [json.loads(line) for line in (HERE / f"golden/{release}-{case}.jsonl").read_text().splitlines()]
                with self.subTest(release=release, case=case):
                    # Bit 0 is the explicit batch up to 9 and strong types in 11; in 10, strong types are bit 1.
                    self.assertIn(["Builder.create_network", {"10.3": 2}.get(release, 1)], calls)
                    tf32 = "set" if case == "options" else "clear"
                    self.assertIn([f"IBuilderConfig.{tf32}_flag", "TF32"], calls)
                    self.assertEqual(["IBuilderConfig.set_flag", "OBEY_PRECISION_CONSTRAINTS"] in calls, old)
                    self.assertEqual(["IBuilderConfig.set_flag", "FP16"] in calls, old and "fp16" in case)
                    typed = {tuple(call[1:]) for call in calls if call[0] == "ILayer.precision="}
                    conv = "HALF" if "fp16" in case else "FLOAT"
                    head = "HALF" if case == "to-fp16" else "FLOAT"
                    self.assertEqual(("conv/Conv", conv) in typed, old)
                    self.assertEqual(("head/MatMul", head) in typed, old)
                    profiles = calls.count(["IBuilderConfig.add_optimization_profile"])
                    self.assertEqual(profiles, 2 if case == "fp32" else 1)


class Builds(MachineTest):
    def test_operators_that_no_release_takes_are_named_before_it_is_asked(self) -> None:
        for release in RELEASES:
            with self.subTest(release=release):
                calls, out = scratch() / f"det{release}.calls", scratch() / f"det{release}.engine"
                self.refused(UNSUPPORTED, ("has no Det", "inverse/Det"), release, "build", model("determinant"), "-o", out,
                             *python(release), TENON_STAND_IN_CALLS=str(calls))  # fmt: skip
                self.assertFalse(calls.exists())

    def test_what_the_parser_refuses_is_named(self) -> None:
        """By the node's name where the release tells it, else by its place in the model."""
        for release in RELEASES:
            with self.subTest(release=release):
                out = scratch() / f"refused{release}.engine"
                self.refused(UNSUPPORTED, ("refuses Relu", "it has no Relu", "relu/Relu"), release, "build", model("small"),
                             "-o", out, *python(release), *RANGES, TENON_STAND_IN_FAULT="parse_from_file:Relu")  # fmt: skip
                self.assertFalse(out.exists())

    def test_timing_cache_is_read_and_written(self) -> None:
        cache = scratch() / "timing.cache"
        for size in (6, 12):
            out = scratch() / f"cache{size}.engine"
            self.done("10.3", "build", model("small"), "-o", out, "--python", sys.executable, *RANGES, "--timing-cache", cache)
            self.assertEqual(len(cache.read_bytes()), size)

    def test_an_unchanged_engine_is_not_built_again(self) -> None:
        out = scratch() / "again.engine"
        words = ["build", model("small"), "-o", out, "--python", sys.executable, *RANGES]
        self.assertFalse(self.done_json("10.3", *words)["reused"])
        self.assertTrue(self.done_json("10.3", *words)["reused"])
        self.assertFalse(self.done_json("8.6", *words)["reused"])


class Rtx(MachineTest):
    """The real builder of TensorRT-RTX."""

    def built(self, name: str, *options: str) -> Path:
        out = scratch() / f"rtx-{name}{len(options)}.engine"
        self.done(None, "build", model(name), "-o", out, "--target", "tensorrt-rtx", "--python", RTX_PYTHON, *options)
        return out

    def test_builds_and_describes(self) -> None:
        out = self.built("small", *TWO_PROFILES)
        about = self.done_json(None, "inspect", out)
        self.assertTrue(about["module"].startswith("tensorrt_rtx"))
        self.assertEqual(about["inputs"], [{"name": "image", "dtype": "f32", "shape": ["batch", "3", "8", "8"]}])
        self.assertEqual([profile["image"]["max"][0] for profile in about["profiles"]], [4, 16])
        self.assertIn("TensorRT-RTX", self.done(None, "inspect", out))

    def test_filters(self) -> None:
        ranges = [f"--{which}-shapes=image:{batch}x3x20x16" for which, batch in (("min", 1), ("opt", 4), ("max", 8))]
        self.assertIn("f32", self.done_json(None, "inspect", self.built("filtered", *ranges))["types"])

    def test_half_precision(self) -> None:
        about = self.done_json(None, "inspect", self.built("half", *RANGES))
        self.assertIn(" f16", about["types"])
        self.assertEqual(about["inputs"][0]["dtype"], "f16")

    def test_another_gpu_than_it_was_built_for(self) -> None:
        out = self.built("small", *RANGES, "--compute-capability", "8.6")
        # The GPU is asked before TensorRT is, so the stand-in for the driver will do.
        with_driver = {"LD_LIBRARY_PATH": str(driver()), "FAKE_CUDA_CAPABILITY": "9.0"}
        self.refused(4, ("compute capability 8.6", "Fake GPU 0, has 9.0"), None, "run", out, "--python", RTX_PYTHON, **with_driver)

    def test_no_gpu(self) -> None:
        out = self.built("small", *RANGES)
        with_driver = {"LD_LIBRARY_PATH": str(driver()), "FAKE_CUDA_DEVICES": "0"}
        for command in ("run", "bench"):
            self.refused(4, ("there is no GPU", "engines are built without a GPU"), None, command, out, "--python", RTX_PYTHON,
                         **with_driver)  # fmt: skip

    def test_what_tensorrt_itself_says(self) -> None:
        """A size that an input holds is found out by TensorRT's parser; with -v, its messages come with the error."""
        words = ["build", model("sized_by_input"), "-o", scratch() / "rtx-input.engine", "--target", "tensorrt-rtx", "--python", RTX_PYTHON]
        said = self.refused(UNSUPPORTED, ("computed from what is in k",), None, *words)
        self.assertNotIn("Registering layer", said)
        self.refused(UNSUPPORTED, ("computed from what is in k", "TensorRT: "), None, *words, "-v")

    def test_refused_operator(self) -> None:
        finished = tenon(None, "build", model("determinant"), "-o", scratch() / "rtx-det.engine", "--target", "tensorrt-rtx",
                         "--python", RTX_PYTHON)  # fmt: skip
        self.assertNotEqual(finished.status, DONE)
        self.assertIn("Det", finished.stderr)
