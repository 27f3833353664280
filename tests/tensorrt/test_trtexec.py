"""trtexec's own flags: the same meaning, the same words, the same exit statuses."""

from __future__ import annotations

import json
import re
import sys
import unittest

import numpy as np

from machine import RTX_PYTHON, Finished, model, scratch, tenon

SHAPES = ["--minShapes=image:1x3x8x8", "--optShapes=image:2x3x8x8", "--maxShapes=image:4x3x8x8"]
QUICK = ["--duration=0", "--warmUp=0", "--iterations=12"]
NUMBER = r"[0-9.e+-]+"


class Trtexec(unittest.TestCase):
    maxDiff = None

    def run_with(self, release: str | None, *words: object, **more: str) -> Finished:
        python = sys.executable if release else RTX_PYTHON
        return tenon(release, "trtexec", *map(str, words), f"--python={python}", **more)

    def passed(self, release: str | None, *words: object, **more: str) -> str:
        ran = self.run_with(release, *words, **more)
        self.assertEqual(ran.status, 0, ran.stdout + ran.stderr)
        lines = ran.stdout.splitlines()
        self.assertRegex(lines[0], r"^\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\] \[I\] &&&& RUNNING TensorRT.trtexec \[TensorRT v\d+\] # ")
        self.assertIn("&&&& PASSED TensorRT.trtexec", lines[-1])
        return ran.stdout

    def failed(self, mentions: tuple[str, ...], release: str | None, *words: object) -> None:
        ran = self.run_with(release, *words)
        self.assertEqual(ran.status, 1, ran.stdout + ran.stderr)
        self.assertIn("&&&& FAILED TensorRT.trtexec", ran.stdout.splitlines()[-1])
        for text in mentions:
            self.assertIn(text, ran.stderr)

    def test_version_as_trtexec_writes_it(self) -> None:
        for release, version in (("8.5", "v8503"), ("8.6", "v8601"), ("10.3", "v100300"), ("11.0", "v110000")):
            engine = scratch() / f"version{release}.engine"
            said = self.passed(release, f"--onnx={model('small')}", f"--saveEngine={engine}", *SHAPES, "--buildOnly")
            self.assertIn(f"[TensorRT {version}]", said)
            self.assertTrue(engine.exists())

    def test_measurement_reads_as_trtexecs(self) -> None:
        times, profile, output, layers = (scratch() / name for name in ("times.json", "profile.json", "output.json", "layers.json"))
        image = np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32)
        raw = scratch() / "image.bin"
        raw.write_bytes(image.tobytes())
        said = self.passed("10.3", f"--onnx={model('small')}", *SHAPES, *QUICK, "--shapes=image:3x3x8x8", f"--loadInputs=image:{raw}",
                           "--percentile=50,99", "--dumpProfile", "--useCudaGraph", f"--exportTimes={times}",
                           f"--exportProfile={profile}", f"--exportOutput={output}", f"--exportLayerInfo={layers}")  # fmt: skip
        said = re.sub(r"(?m)^\[[^]]*\] \[.\] ", "", said)
        for heading in ("=== Trace details ===", "=== Performance summary ===", r"=== Profile (10 iterations ) ==="):
            self.assertIn(heading, said)
        self.assertRegex(said, rf"(?m)^Throughput: {NUMBER} qps$")
        for name in ("Latency", "Enqueue Time", "H2D Latency", "GPU Compute Time", "D2H Latency"):
            self.assertRegex(said, rf"(?m)^{name}: min = {NUMBER} ms, max = {NUMBER} ms, mean = {NUMBER} ms, median = {NUMBER} ms, "
                                   rf"percentile\(50%\) = {NUMBER} ms, percentile\(99%\) = {NUMBER} ms$")  # fmt: skip
        self.assertRegex(said, rf"(?m)^Total Host Walltime: {NUMBER} s$")
        self.assertRegex(said, rf"(?m)^Average on 10 runs - GPU latency: {NUMBER} ms - Host latency: {NUMBER} ms \(enqueue {NUMBER} ms\)$")
        trace = json.loads(times.read_text())
        self.assertEqual(len(trace), 12)
        for one in trace:
            self.assertAlmostEqual(one["latencyMs"], one["h2dMs"] + one["computeMs"] + one["d2hMs"], places=6)
        self.assertEqual(json.loads(profile.read_text())[0], {"count": 10})
        (scores,) = json.loads(output.read_text())
        self.assertEqual((scores["name"], scores["dimensions"], len(scores["values"])), ("scores", "3x5", 15))
        named = [layer["Name"] for layer in json.loads(layers.read_text())["Layers"]]
        self.assertIn("conv/Conv", named)
        plain = scratch() / "plain.npz"
        tenon(None, "run", model("small"), "--inputs", self.npz(image), "-o", plain)
        with np.load(plain) as arrays:
            np.testing.assert_allclose(np.reshape(scores["values"], (3, 5)), arrays["scores"], rtol=1e-4, atol=1e-5)

    def npz(self, image: np.ndarray) -> str:
        path = scratch() / "image.npz"
        np.savez(path, image=image)
        return str(path)

    def test_an_engine_that_is_there(self) -> None:
        engine = scratch() / "there.engine"
        self.passed("11.0", f"--onnx={model('small')}", f"--saveEngine={engine}", *SHAPES, "--skipInference")
        self.assertIn("=== Performance summary ===", self.passed("11.0", f"--loadEngine={engine}", *QUICK))

    def test_flags_reach_the_builder(self) -> None:
        calls = scratch() / "flags.calls"
        self.passed("10.3", f"--onnx={model('small')}", *SHAPES, "--skipInference", "--memPoolSize=workspace:64",
                    "--builderOptimizationLevel=4", "--versionCompatible", "--refit", "--maxAuxStreams=2", "--noTF32",
                    "--profilingVerbosity=detailed", TENON_STAND_IN_CALLS=str(calls))  # fmt: skip
        told = [json.loads(line) for line in calls.read_text().splitlines()]
        for call in (["IBuilderConfig.set_memory_pool_limit", "WORKSPACE", 64 << 20],
                     ["IBuilderConfig.builder_optimization_level=", 4], ["IBuilderConfig.max_aux_streams=", 2],
                     ["IBuilderConfig.set_flag", "VERSION_COMPATIBLE"], ["IBuilderConfig.set_flag", "REFIT"],
                     ["IBuilderConfig.clear_flag", "TF32"], ["IBuilderConfig.profiling_verbosity=", "DETAILED"]):  # fmt: skip
            self.assertIn(call, told)

    def test_tf32_is_on_unless_it_is_not_wanted(self) -> None:
        calls = scratch() / "tf32.calls"
        self.passed("10.3", f"--onnx={model('small')}", *SHAPES, "--skipInference", TENON_STAND_IN_CALLS=str(calls))
        self.assertIn(["IBuilderConfig.set_flag", "TF32"], [json.loads(line) for line in calls.read_text().splitlines()])

    def test_half_precision_is_a_typed_model_in_every_release(self) -> None:
        for release in ("10.3", "11.0", None):
            said = self.passed(release, f"--onnx={model('small')}", *SHAPES, "--fp16", "--inputIOFormats=fp16:chw",
                               "--precisionConstraints=obey", "--layerPrecisions=head/MatMul:fp32", "--skipInference")  # fmt: skip
            types = re.search(r"layers' outputs(.*)", said).group(1)
            self.assertRegex(types, r" \d+ f16")
            self.assertRegex(types, r" \d+ f32")

    def test_refusals(self) -> None:
        onnx = f"--onnx={model('small')}"
        self.failed(("--minShapes, --optShapes, --maxShapes",), "10.3", onnx, "--batch=2")
        self.failed(("did you mean --fp16?",), "10.3", onnx, "--fp1")
        self.failed(("has no largest size",), "10.3", onnx, "--skipInference")
        self.failed(("there is nothing to build or to run",), "10.3", "--fp16")
        self.failed(("holds no QuantizeLinear",), "10.3", onnx, *SHAPES, "--int8")
        self.failed(("does not go with --fp16",), "10.3", onnx, *SHAPES, "--stronglyTyped", "--fp16")
        self.failed(("the format hwc8",), "10.3", onnx, *SHAPES, "--fp16", "--inputIOFormats=fp16:hwc8")
        self.failed(("cannot keep --layerPrecisions=conv/Conv:int8",), "10.3", onnx, *SHAPES, "--layerPrecisions=conv/Conv:int8")
        self.failed(("in one stream",), "10.3", onnx, *SHAPES, "--infStreams=2")
        self.failed(("it has 4 bytes",), "10.3", onnx, *SHAPES, f"--loadInputs=image:{self.four_bytes()}")
        self.failed(("No such file",), "10.3", "--onnx=missing.onnx")
        self.failed(("MONITOR_MEMORY",), "8.5", onnx, *SHAPES, "--monitorMemory")
        self.failed(("there is no GPU",), None, onnx, *SHAPES)

    def four_bytes(self) -> str:
        path = scratch() / "four.bin"
        path.write_bytes(bytes(4))
        return str(path)

    def test_help_lists_all_flags(self) -> None:
        said = self.passed("10.3", "--help")
        for flag in ("--onnx=VALUE", "--fp16", "=== not supported, with what to do instead ==="):
            self.assertIn(flag, said)
