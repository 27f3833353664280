"""Engines that run: what comes out, what is refused before anything is started, what the GPU's driver is asked."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

from machine import (BAD, INTERNAL, NO, RANGES, RELEASES, UNSUPPORTED, MachineTest, engine, model, python, scratch,
                     small_engine, tenon)  # fmt: skip


def npz(name: str, **arrays: np.ndarray) -> Path:
    path = scratch() / f"{name}.npz"
    np.savez(path, **arrays)
    return path


def copied(path: Path, name: str) -> Path:
    """The engine with its description, to be spoiled."""
    place = scratch() / name
    place.mkdir()
    for file in (path, path.with_name(path.name + ".json")):
        shutil.copy(file, place / file.name)
    return place / path.name


class Runs(MachineTest):
    def expected(self, image: np.ndarray) -> np.ndarray:
        import onnxruntime

        session = onnxruntime.InferenceSession(model("small"), providers=["CPUExecutionProvider"])
        return session.run(None, {"image": image})[0]

    def test_outputs_in_every_release(self) -> None:
        image = np.random.default_rng(1).normal(size=(3, 3, 8, 8)).astype(np.float32)
        given, out = npz("image", image=image), scratch() / "scores.npz"
        for release in RELEASES:
            with self.subTest(release=release):
                report = self.done_json(release, "run", small_engine(release), *python(release), "--inputs", given, "-o", out)
                self.assertEqual(report["gpu"], "Fake GPU 0")
                self.assertEqual(report["outputs"][0]["shape"], [3, 5])
                np.testing.assert_allclose(np.load(out)["scores"], self.expected(image), rtol=1e-5, atol=1e-5)

    def test_every_type(self) -> None:
        random = np.random.default_rng(2)
        arrays = {"half": random.normal(size=(2, 3)).astype(np.float16), "long": random.integers(-9, 9, (2, 3)),
                  "int": random.integers(-9, 9, (2, 3)).astype(np.int32), "flag": random.normal(size=(2, 3)) > 0}  # fmt: skip
        for release in RELEASES:
            with self.subTest(release=release):
                with_bf16 = not release.startswith("8")  # which has no bfloat16
                given = dict(arrays)
                if with_bf16:
                    given["brain"] = random.normal(size=(2, 3)).astype(ml_dtypes.bfloat16)
                file, out = npz("types", **given), scratch() / "types_out.npz"
                built = engine(release, "types_bf16" if with_bf16 else "types")
                self.done(release, "run", built, *python(release), "--inputs", file, "-o", out)
                got = np.load(out)
                for name in ("half", "long", "int"):
                    self.assertEqual(got[name + "_out"].dtype, given[name].dtype)
                    np.testing.assert_array_equal(got[name + "_out"], given[name] + given[name])
                np.testing.assert_array_equal(got["flag_out"], ~given["flag"])
                if with_bf16:
                    np.testing.assert_array_equal(got["brain_out"].view(np.uint16), given["brain"].view(np.uint16))

    def test_integers_that_a_narrowed_end_cannot_hold(self) -> None:
        zeros = {"half": np.zeros((2, 3), np.float16), "int": np.zeros((2, 3), np.int32), "flag": np.zeros((2, 3), bool)}
        file = npz("large", long=np.full((2, 3), 1 << 40), **zeros)
        self.refused(BAD, ("input long", "do not fit"), "8.6", "run", engine("8.6", "types"), *python("8.6"), "--inputs", file)

    def test_outputs_whose_sizes_data_decides(self) -> None:
        for release in RELEASES:
            for x in ([0, 1, 0, 2, 3, 0], [0] * 6):
                with self.subTest(release=release, x=x):
                    file, out = npz("x", x=np.array(x, np.float32)), scratch() / "places.npz"
                    self.done(release, "run", engine(release, "sized_by_data"), *python(release), "--inputs", file, "-o", out)
                    np.testing.assert_array_equal(np.load(out)["places"], np.nonzero(np.array(x)))

    def test_sizes_that_the_release_lacks(self) -> None:
        """Outputs of fixed sizes are cut to what counts, wherever they are seen."""
        for release in RELEASES:
            for x in ([2, 0, 2, 3, 0, 0], [1] * 6, [3, 2, 1, 0, 1, 2]):
                with self.subTest(release=release, x=x):
                    built = engine(release, "distinct")
                    file, out = npz("x", x=np.array(x)), scratch() / "distinct.npz"
                    self.done(release, "run", built, *python(release), "--inputs", file, "-o", out)
                    got, values = np.load(out), np.unique(x)
                    self.assertEqual(sorted(got.files), ["columns", "values"])
                    np.testing.assert_array_equal(got["values"], values)
                    np.testing.assert_array_equal(got["columns"], (np.arange(48).reshape(16, 3) + 1)[values].T)
                    self.done(release, "check", model("distinct"), "--against", built, *python(release), "--inputs", file)
        about = json.loads(self.done(None, "inspect", engine("10.3", "distinct"), "--json"))
        self.assertEqual([one["shape"] for one in about["outputs"]], [["6"], ["3", "6"], []])
        self.assertEqual([(one["output"], one["axis"], one["count"]) for one in about["padded"]],
                         [("values", 0, "values_count"), ("columns", 1, "values_count")])  # fmt: skip
        said = self.done(None, "inspect", model("distinct"), "--target", "tensorrt:10.3")
        self.assertIn("columns gets 6 rows along axis 1, and values_count says how many count", said)

    def test_the_profile_that_fits(self) -> None:
        more = ["--min-shapes=image:8x3x8x8", "--opt-shapes=image:8x3x8x8", "--max-shapes=image:16x3x8x8"]
        built, calls = engine("10.3", "small", *RANGES, *more), scratch() / "profile.calls"
        for batch, profile in ((3, 0), (12, 1)):
            report = self.done_json("10.3", "run", built, *python("10.3"), "--shapes", f"image:{batch}x3x8x8",
                                    TENON_STAND_IN_CALLS=str(calls))  # fmt: skip
            self.assertEqual(report["profile"], profile)
        self.assertEqual(calls.read_text().count('"IExecutionContext.set_optimization_profile_async", 1'), 1)
        self.refused(BAD, ("profile 0: dimension 0 of input image is 6, out of 1..4", "profile 1: dimension 0", "8..16"),
                     "10.3", "run", built, *python("10.3"), "--shapes", "image:6x3x8x8")  # fmt: skip


class Refusals(MachineTest):
    def test_inputs_that_do_not_fit_start_nothing(self) -> None:
        calls = scratch() / "nothing.calls"
        for file, words in ((npz("a", image=np.zeros((9, 3, 8, 8), np.float32)), "dimension 0 of input image is 9, out of 1..4"),
                            (npz("b", image=np.zeros((1, 3, 8, 8), np.float64)), "wrong element type"),
                            (npz("c", image=np.zeros((1, 3, 8, 9), np.float32)), "wrong shape"),
                            (npz("d", picture=np.zeros((1, 3, 8, 8), np.float32)), "missing")):  # fmt: skip
            self.refused(BAD, (words,), "8.6", "run", small_engine("8.6"), "--python", "no-such-python", "--inputs", file,
                         TENON_STAND_IN_CALLS=str(calls))  # fmt: skip
        self.assertFalse(calls.exists())

    def test_options_of_models(self) -> None:
        for option in (["--threads", "2"], ["--set", "a=1"], ["--disable", "x"], ["--dynamic", "image[n,3,8,8]"]):
            self.refused(BAD, (option[0],), "8.6", "run", small_engine("8.6"), *python("8.6"), *option)

    def test_another_version(self) -> None:
        for release, other in (("8.5", "8.6"), ("10.3", "11.0")):
            self.refused(INTERNAL, ("the engine is of " + {"8.5": "8.5.3.1", "10.3": "10.3.0"}[release], "--python"), other, "run",
                         small_engine(release), *python(other))  # fmt: skip

    def test_another_gpu(self) -> None:
        path = copied(small_engine("10.3"), "architecture")
        description = path.with_name(path.name + ".json")
        about = json.loads(description.read_text()) | {"compute_capabilities": ["8.0", "8.9"]}
        description.write_text(json.dumps(about))
        self.refused(INTERNAL, ("compute capability 8.0, 8.9", "has 8.6"), "10.3", "run", path, *python("10.3"))

    def test_an_engine_that_tensorrt_does_not_take(self) -> None:
        """Its description fits, but what TensorRT finds in it does not: TensorRT's own words are the reason."""
        path = copied(small_engine("10.3"), "spoilt")
        description = path.with_name(path.name + ".json")
        about = json.loads(description.read_text()) | {"tensorrt": "8.6.1"}
        description.write_text(json.dumps(about))
        self.refused(INTERNAL, ("stdVersionRead == kSERIALIZATION_VERSION",), "8.6", "run", path, *python("8.6"))

    def test_no_gpu(self) -> None:
        for command in ("run", "bench"):
            self.refused(INTERNAL, ("there is no GPU", "CUDA_ERROR_NO_DEVICE", "engines are built without a GPU"), "8.6", command,
                         small_engine("8.6"), *python("8.6"), FAKE_CUDA_DEVICES="0")  # fmt: skip

    def test_gpu_memory(self) -> None:
        said = self.refused(INTERNAL, ("out of memory",), "8.6", "run", small_engine("8.6"), *python("8.6"), FAKE_CUDA_BYTES="100")
        self.assertIn("cuMemAlloc", said)

    def test_a_changed_engine(self) -> None:
        path = copied(small_engine("8.6"), "changed")
        path.write_bytes(path.read_bytes() + b"!")
        for command in ("run", "bench", "inspect"):
            self.refused(BAD, ("do not belong together",), "8.6", command, path)
        self.refused(BAD, ("do not belong together",), "8.6", "check", model("small"), "--against", path)

    def test_no_description(self) -> None:
        path = copied(small_engine("8.6"), "bare")
        path.with_name(path.name + ".json").unlink()
        for command in ("run", "bench", "inspect"):
            self.refused(BAD, ("the engine has no description",), "8.6", command, path)

    def test_an_engine_by_any_name(self) -> None:
        path = copied(small_engine("8.6"), "renamed")
        for file in (path, path.with_name(path.name + ".json")):
            file.rename(file.with_name(file.name.replace(".engine", ".bin")))
        report = self.done_json("8.6", "run", path.with_suffix(".bin"), *python("8.6"))
        self.assertEqual(report["tensorrt"], "TensorRT 8.6.1")

    def test_what_tensorrt_says_besides(self) -> None:
        words = ["run", small_engine("8.6"), *python("8.6")]
        for more in ({}, {"FAKE_CUDA_BYTES": "100"}):
            self.assertNotIn("Loaded engine size", tenon("8.6", *words, **more).stderr)
            self.assertIn("TensorRT: Loaded engine size", tenon("8.6", *words, "-v", **more).stderr)

    def test_no_tensorrt(self) -> None:
        self.refused(INTERNAL, ("no module tensorrt",), None, "run", small_engine("8.6"), "--python", sys.executable)

    def test_targets_of_an_engine(self) -> None:
        self.refused(BAD, ("engine",), "8.6", "inspect", small_engine("8.6"), "--target", "cpu")


class Benchmarks(MachineTest):
    def test_one(self) -> None:
        for release in RELEASES:
            report = self.done_json(release, "bench", small_engine(release), *python(release), "--iterations", "20")
            self.assertEqual(report["iterations"], 20)
            for times in ("latency_ms", "gpu_ms", "enqueue_ms"):
                self.assertGreater(report[times]["median"], 0)
                self.assertLessEqual(report[times]["median"], report[times]["p99"])
            self.assertEqual([layer["name"] for layer in report["layers"]],
                             ["conv/Conv", "relu/Relu", "pool/ReduceMean", "head/MatMul"])  # fmt: skip
            self.assertTrue(all(layer["ms"] > 0 for layer in report["layers"]))

    def test_cuda_graph(self) -> None:
        calls, log = scratch() / "graph.calls", scratch() / "graph.cuda"
        report = self.done_json("10.3", "bench", small_engine("10.3"), *python("10.3"), "--iterations", "30", "--warm-up", "0ms",
                                "--cuda-graph", TENON_STAND_IN_CALLS=str(calls), FAKE_CUDA_CALLS=str(log))  # fmt: skip
        self.assertTrue(report["cuda_graph"])
        self.assertEqual(log.read_text().split("\n"), ["begin capture", "end capture", *["launch"] * 30, ""])
        # Once to warm up, once for the graph, ten times for the layers.
        self.assertEqual(calls.read_text().count("execute_async_v3"), 12)
        self.refused(UNSUPPORTED, ("only known when it has run", "--cuda-graph"), "10.3", "bench",
                     engine("10.3", "sized_by_data"), *python("10.3"), "--cuda-graph")  # fmt: skip

    def test_two_in_turns(self) -> None:
        built = small_engine("10.3")
        report = self.done_json("10.3", "bench", built, engine("10.3", "half", *RANGES), *python("10.3"), "--iterations", "20")
        self.assertEqual([one["iterations"] for one in report["files"]], [20, 20])
        self.assertLessEqual(report["ratio"]["low"], report["ratio"]["high"])
        self.refused(BAD, ("in turns", "8.6.1"), "10.3", "bench", built, small_engine("8.6"), *python("10.3"))
        self.refused(BAD, ("in turns",), "10.3", "bench", built, model("small"), *python("10.3"))

    def test_text(self) -> None:
        said = self.done("8.6", "bench", small_engine("8.6"), *python("8.6"), "--duration", "100ms")
        self.assertIn("on the GPU: min", said)
        self.assertIn("conv/Conv", said)

    def test_models_have_no_cuda_graph(self) -> None:
        self.refused(BAD, ("--cuda-graph",), None, "bench", model("small"), "--cuda-graph")


class Checks(MachineTest):
    def test_over_the_ranges(self) -> None:
        calls = scratch() / "check.calls"
        report = self.done_json("10.3", "check", model("small"), "--against", small_engine("10.3"), *python("10.3"),
                                TENON_STAND_IN_CALLS=str(calls))  # fmt: skip
        against = [stage for stage in report["stages"] if "small.engine" in stage["stage"]]
        self.assertEqual([stage["stage"].partition(" at ")[2].split(" ")[0] for stage in against[:3]], ["opt", "min", "max"])
        self.assertGreaterEqual(len(against), 4)  # 1..4 has one size left beside them
        self.assertEqual({stage["verdict"] for stage in against}, {"ok"})
        self.assertEqual(report["verdict"], "ok")
        self.assertEqual(calls.read_text().count("deserialize_cuda_engine"), 1)

    def test_at_given_inputs(self) -> None:
        image = np.random.default_rng(3).normal(size=(4, 3, 8, 8)).astype(np.float32)
        given, out = npz("given", image=image), scratch() / "expected.npz"
        self.done("8.6", "run", small_engine("8.6"), *python("8.6"), "--inputs", given, "-o", out)
        report = self.done_json("8.6", "check", model("small"), "--against", small_engine("8.6"), *python("8.6"), "--inputs", given,
                                "--expected", out)  # fmt: skip
        self.assertEqual(report["reference"], "recorded")
        self.assertEqual(sum("small.engine" in stage["stage"] for stage in report["stages"]), 1)

    def test_divergence(self) -> None:
        """Half precision against single: within its tolerance, and out of a narrower one."""
        half = engine("10.3", "half", *RANGES)
        image = np.random.default_rng(4).normal(size=(2, 3, 8, 8))
        given = npz("half", image=image.astype(np.float16))
        self.done("10.3", "check", model("half"), "--against", half, *python("10.3"), "--inputs", given, "--rtol", "1e-2")
        self.refused(NO, ("half.engine diverges",), "10.3", "check", model("half"), "--against", half, *python("10.3"), "--inputs", given,
                     "--rtol", "1e-6")  # fmt: skip
        other = npz("other", scores=np.ones((2, 5), np.float32))
        self.refused(NO, ("diverges",), "10.3", "check", model("half"), "--against", half, *python("10.3"), "--inputs", given,
                     "--expected", other, "--rtol", "1e-2")  # fmt: skip

    def test_without_a_gpu(self) -> None:
        """The stages that need none are told all the same."""
        words = ["check", model("small"), "--against", small_engine("10.3"), *python("10.3")]
        finished = tenon("10.3", *words, FAKE_CUDA_DEVICES="0")
        self.assertEqual(finished.status, INTERNAL, finished.stderr)
        self.assertRegex(finished.stdout, r"(?m)^ok +CPU engine")
        self.assertNotIn("all stages agree", finished.stdout)
        self.assertIn("there is no GPU", finished.stderr)
        report = json.loads(tenon("10.3", *words, "--json", FAKE_CUDA_DEVICES="0").stdout)
        self.assertEqual(report["verdict"], "unfinished")
        self.assertEqual(len(report["stages"]), 3)

    def test_an_engine_alone(self) -> None:
        self.refused(BAD, ("--against",), "8.6", "check", small_engine("8.6"))

    def test_with_torch(self) -> None:
        import warnings

        import torch

        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(2)).eval()
        path, out = scratch() / "torch.pt", scratch() / "torch.engine"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(net, torch.zeros(1, 3, 8, 8)).save(path)
        shapes = [f"--{end}-shapes=input_0:{size}x3x8x8" for end, size in (("min", 1), ("opt", 2), ("max", 3))]
        self.done("10.3", "build", path, "-o", out, *python("10.3"), *shapes)
        report = self.done_json("10.3", "check", path, "--against", out, "--with-torch", *python("10.3"))
        self.assertRegex(report["reference"], r"torch \S+ \(live\)")
        self.assertEqual(sum("torch.engine" in stage["stage"] for stage in report["stages"]), 3)
        self.assertEqual({stage["verdict"] for stage in report["stages"]}, {"ok"})
