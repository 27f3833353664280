"""What the program says: all unsupported operators at once, stable JSON, help with an example."""

from __future__ import annotations

import io
import json
import re
import sys
import unittest

import numpy as np
import torch
import torchvision  # noqa: F401  for its operators
from torch import nn

from fixtures import exported, image, npz, scratch, scripted, small_net, traced
from program import BAD, INTERNAL, NO, UNSUPPORTED, ProgramTest, tenon

COMMANDS = ("convert", "inspect", "build", "run", "bench", "check")


class Exotic(nn.Module):
    """Three operators that nothing converts, the first of them twice."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = x.to(torch.int64)
        a = torch.gcd(n, n + 1) + torch.gcd(n, n + 2)
        b = torch.lcm(n, n + 1)
        return a + b + torch.ops.torchvision.box_iou_rotated(x, x).sum()


class Unsupported(ProgramTest):
    def test_every_unsupported_operator_is_listed_with_its_line(self) -> None:
        model, out = scripted("exotic", Exotic()), scratch() / "exotic.onnx"
        operators = ("gcd", "lcm", "box_iou_rotated")
        self.assert_refused(
            UNSUPPORTED, "convert", model, "-o", out, "--shapes", "x:4x4", mentions=(*operators, "test_reports.py:")
        )
        self.assertFalse(out.exists())


class Eigenvalues(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(x).abs().sort()[0]


class Opsets(ProgramTest):
    def test_what_an_opset_lacks_is_said_with_its_cost(self) -> None:
        model = scripted("gelu", nn.GELU())
        for opset, composed in ((17, ["Gelu"]), (20, [])):
            with self.subTest(opset):
                said = self.assert_done(
                    "convert", model, "-o", scratch() / "gelu.onnx", "--shapes", "input_0:2x3", "--opset", str(opset), "--json"
                )
                report = json.loads(said)["composed"]
                self.assertEqual([c["op"] for c in report], composed)
                for c in report:
                    self.assertEqual((c["reason"], c["count"]), ("appears in opset 20", 1))
                    self.assertGreater(c["nodes"], 1)

    def test_operators_of_its_own_only_where_they_are_allowed(self) -> None:
        model, out, result = scripted("eigenvalues", Eigenvalues()), scratch() / "eigenvalues.onnx", scratch() / "eig.npz"
        asked = ("convert", model, "-o", out, "--shapes", "x:3x3")
        self.assert_refused(UNSUPPORTED, *asked, mentions=("ONNX has no eigenvalues", "test_reports.py:"))
        self.assertFalse(out.exists())
        self.assert_done(*asked, "--allow-tenon-domain")
        given = torch.tensor([[2.0, 1.0, 0.0], [0.5, 3.0, 1.0], [0.0, 1.0, 7.0]])
        self.assert_done("run", out, "--inputs", npz("eig_in", x=given.numpy()), "-o", result)
        with np.load(result) as outputs:
            np.testing.assert_allclose(outputs["output_0"], Eigenvalues()(given).numpy(), rtol=1e-5)


class Determinant(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.det(x) + torch.linalg.det(x + 1)


class TensorRt(ProgramTest):
    """`inspect --target` with releases of TensorRT."""

    def judge(self, model: object, *arguments: str, status: int = 0) -> dict:
        finished = tenon("inspect", model, "--json", *arguments)
        self.assertEqual(finished.status, status, finished.stderr)
        return json.loads(finished.stdout)["target"]

    def test_every_release_takes_a_small_network(self) -> None:
        releases = {
            "tensorrt": "TensorRT ", "tensorrt:8.2": "TensorRT 8.2 ", "tensorrt:10.3": "TensorRT 10.3 ",
            "tensorrt-rtx": "TensorRT-RTX ", "jetpack5.1": "TensorRT 8.5.2 (JetPack 5.1) ",
        }  # fmt: skip
        for target, name in releases.items():
            with self.subTest(target):
                said = self.assert_done("inspect", traced(), "--target", target)
                self.assertRegex(said, rf"(?m)^{re.escape(name)}.*takes all of it$")

    def test_what_it_refuses_stands_with_its_line(self) -> None:
        model = scripted("determinant", Determinant())
        asked = ("inspect", model, "--shapes", "x:2x3x3", "--target", "jetpack5.1")
        self.assert_refused(
            UNSUPPORTED, *asked, mentions=("TensorRT 8.5.2 (JetPack 5.1) has no Det (2 times", "test_reports.py:")
        )
        target = self.judge(*asked[1:], status=UNSUPPORTED)
        self.assertFalse(target["takes_everything"])
        self.assertEqual(len(target["cannot_take"]), 1)
        self.assertIn("test_reports.py:", target["cannot_take"][0]["source"])

    def test_the_opset_is_one_at_which_all_of_it_is_taken(self) -> None:
        model = scripted("layer_norm", nn.LayerNorm(8))
        shapes = ("--shapes", "input:2x8")
        self.assertEqual(self.judge(model, *shapes, "--target", "tensorrt:8.6")["opset"], 17)
        self.assertEqual(self.judge(model, *shapes, "--target", "jetpack5.1")["opset"], 16)
        self.assert_refused(
            UNSUPPORTED, "inspect", model, *shapes, "--target", "jetpack5.1", "--opset", "17",
            mentions=("has no LayerNormalization", "from 8.6 on", "--opset 16"),
        )  # fmt: skip
        self.assertEqual(self.judge(model, *shapes, "--target", "tensorrt:8.2", "--opset", "20")["opset"], 13)

    def test_what_dla_leaves_to_the_gpu(self) -> None:
        left = self.judge(traced(), "--target", "jetpack5.1", "--dla")["dla_leaves_to_gpu"]
        self.assertTrue(any(part["what"].startswith("GlobalAveragePool") or "ReduceMean" in part["what"] for part in left))
        self.assertFalse(any(part["what"].startswith("Conv") for part in left))
        self.assertNotIn("dla_leaves_to_gpu", self.judge(traced(), "--target", "jetpack5.1"))
        self.assert_refused(UNSUPPORTED, "inspect", traced(), "--target", "tensorrt:11.0", "--dla", mentions=("no DLA",))
        self.assert_refused(BAD, "inspect", traced(), "--target", "cpu", "--dla", mentions=("jetpack",))

    def test_names_that_are_none(self) -> None:
        for target in ("tensorrt:7.2", "jetpack9.9", "tensorrt:new"):
            with self.subTest(target):
                self.assert_refused(BAD, "inspect", traced(), "--target", target, mentions=(target, "jetpack6.2"))


class Json(ProgramTest):
    def test_bench(self) -> None:
        report = json.loads(self.assert_done("bench", traced(), "--json", "--iterations", "5"))
        self.assertEqual(set(report["latency_ms"]), {"min", "median", "p90", "p99"})
        self.assertEqual(report["iterations"], 5)
        for key in ("load_ms", "first_ms", "throughput_per_s", "peak_rss_mb"):
            self.assertGreater(report[key], 0, key)
        self.assertGreater(len(report["layers"]), 0)

    def test_inspect(self) -> None:
        for model in (traced(), exported()):
            with self.subTest(model.name):
                report = json.loads(self.assert_done("inspect", model, "--json"))
                self.assertIn("image", json.dumps(report))


class Check(ProgramTest):
    def test_agreement_names_its_reference(self) -> None:
        inputs = npz("check_inputs", image=image().numpy())
        expected = npz("check_expected", output_0=small_net()(image()).numpy())
        said = self.assert_done("check", traced(), "--inputs", inputs, "--expected", expected)
        self.assertIn("recorded", said)

    def test_pytorch_computes_the_reference(self) -> None:
        for model in (traced(), exported()):
            with self.subTest(model.name):
                said = self.assert_done("check", model, "--with-torch", "--python", sys.executable)
                self.assertIn(f"torch {torch.__version__.split('+')[0]} (live)", said)

    def test_interpreter_that_is_none(self) -> None:
        self.assert_refused(
            INTERNAL, "check", traced(), "--with-torch", "--python", "no-such-python", mentions=("no-such-python",)
        )

    def test_recorded_in_the_model_file(self) -> None:
        recorded = io.BytesIO()
        np.savez(recorded, input_0=image().numpy(), output_0=small_net()(image()).numpy())
        script, program = scratch() / "recorded.pt", scratch() / "recorded.pt2"
        torch.jit.save(torch.jit.load(traced()), script, _extra_files={"tenon.npz": recorded.getvalue()})
        torch.export.save(
            torch.export.load(exported()), program, extra_files={"tenon.npz": recorded.getvalue().hex()}
        )
        for model in (script, program):
            with self.subTest(model.name):
                self.assertIn("(recorded)", self.assert_done("check", model))

    def test_wrong_outputs_are_found(self) -> None:
        inputs = npz("check_inputs", image=image().numpy())
        wrong = npz("check_wrong", output_0=1.01 * small_net()(image()).numpy())
        finished = tenon("check", traced(), "--inputs", inputs, "--expected", wrong)
        self.assertEqual(finished.status, NO, finished.stderr)


class Help(ProgramTest):
    def test_every_command_has_help_with_an_example(self) -> None:
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIn(f"tenon {command} ", self.assert_done(command, "--help"))


if __name__ == "__main__":
    unittest.main()
