"""What the program says: all unsupported operators at once, stable JSON, help with an example."""

from __future__ import annotations

import json
import unittest

import torch
from torch import nn

from fixtures import exported, image, npz, scratch, scripted, small_net, traced
from program import NO, UNSUPPORTED, ProgramTest, tenon

COMMANDS = ("convert", "inspect", "build", "run", "bench", "check")


class Exotic(nn.Module):
    """Three operators that ONNX cannot say, the first of them twice."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.linalg.svdvals(x) + torch.linalg.svdvals(x + 1)
        b = torch.linalg.eigvalsh(x @ x.t())
        return a + b + torch.special.airy_ai(x).sum()


class Unsupported(ProgramTest):
    def test_every_unsupported_operator_is_listed_with_its_line(self) -> None:
        model, out = scripted("exotic", Exotic()), scratch() / "exotic.onnx"
        operators = ("linalg_svdvals", "linalg_eigvalsh", "special_airy_ai")
        self.assert_refused(
            UNSUPPORTED, "convert", model, "-o", out, "--shapes", "x:4x4", mentions=(*operators, "test_reports.py:")
        )
        self.assertFalse(out.exists())


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
