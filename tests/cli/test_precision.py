"""Models in fp16 and bf16: what the options take, and what the program says of it."""

from __future__ import annotations

import json

import onnx
import torch
from onnx import TensorProto
from torch import nn

from fixtures import scratch, scripted, traced
from program import BAD, UNSUPPORTED, ProgramTest


class Masked(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, x, -1e30).softmax(-1) + torch.sin(x)


class Remembers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.mean.mul_(0.9).add_(x.mean(0) * 0.1)
        return x - self.mean


def masked() -> str:
    path = scratch() / "masked.pt"
    torch.jit.trace(Masked(), (torch.randn(2, 5),)).save(str(path))
    return str(path)


class Options(ProgramTest):
    def test_what_cannot_be_is_refused(self) -> None:
        out = scratch() / "refused.onnx"
        half = ("convert", traced(), "-o", out, "--precision", "fp16")
        for arguments, status, mentions in (
            (("convert", traced(), "-o", out, "--io-types", "fp16"), BAD, ("--io-types", "--precision fp16")),
            (("convert", traced(), "-o", out, "--keep-fp32", "Conv"), BAD, ("--keep-fp32", "--precision fp16")),
            ((*half, "--io-types", "int8"), BAD, ("'int8'", "fp16")),
            ((*half, "--io-types", "picture:fp16"), BAD, ("'picture'", "image")),
            ((*half, "--keep-fp32", "Convolution"), BAD, ("'Convolution'", "Softmax")),
            (("convert", traced(), "-o", out, "--precision", "bf16", "--opset", "12"), UNSUPPORTED, ("opset 13",)),
        ):
            with self.subTest(arguments=arguments[2:]):
                self.assert_refused(status, *arguments, mentions=mentions)
                self.assertFalse(out.exists())

    def test_types_by_name(self) -> None:
        out = scratch() / "by_name.onnx"
        self.assert_done("convert", traced(), "-o", out, "--precision", "bf16", "--io-types", "bf16,input_0:fp16")
        graph = onnx.load(out).graph
        self.assertEqual(graph.input[0].type.tensor_type.elem_type, TensorProto.FLOAT16)
        self.assertEqual(graph.output[0].type.tensor_type.elem_type, TensorProto.BFLOAT16)

    def test_state_keeps_its_type(self) -> None:
        model, out = scripted("remembers", Remembers()), scratch() / "remembers.onnx"
        arguments = ("convert", model, "-o", out, "--shapes", "x:4x3", "--precision", "fp16", "--io-types")
        self.assert_done(*arguments, "fp16")
        graph = onnx.load(out).graph
        types = {v.name: v.type.tensor_type.elem_type for v in [*graph.input, *graph.output]}
        half, single = TensorProto.FLOAT16, TensorProto.FLOAT
        self.assertEqual(types, {"x": half, "mean": single, "output_0": half, "mean_out": single})
        self.assert_refused(BAD, *arguments, "mean:fp16", mentions=("'mean' is state",))

    def test_operators_nodes_and_modules_are_kept(self) -> None:
        out = scratch() / "kept.onnx"
        self.assert_done("convert", traced(), "-o", out)
        node = next(n.name for n in onnx.load(out).graph.node if n.op_type == "Conv")
        for name in ("Conv", node, "conv"):
            with self.subTest(name=name):
                said = self.assert_done("convert", traced(), "-o", out, "--precision", "fp16", "--keep-fp32", name, "--json")
                kept = json.loads(said)["precision"]["kept"]
                self.assertEqual([k["op"] for k in kept], ["Conv"])
                weights = {t.name: t.data_type for t in onnx.load(out).graph.initializer}
                self.assertEqual(weights["conv.weight"], TensorProto.FLOAT)
                self.assertEqual(weights["head.weight"], TensorProto.FLOAT16)

    def test_onnx_models_are_reduced_too(self) -> None:
        first, out = scratch() / "first.onnx", scratch() / "second.onnx"
        self.assert_done("convert", traced(), "-o", first)
        self.assert_done("convert", first, "-o", out, "--precision", "fp16")
        graph = onnx.load(out).graph
        floats = {t.data_type for t in graph.initializer} & {TensorProto.FLOAT, TensorProto.FLOAT16}
        self.assertEqual(floats, {TensorProto.FLOAT16})
        again = scratch() / "third.onnx"
        said = json.loads(self.assert_done("convert", out, "-o", again, "--precision", "fp16", "--json"))
        self.assertEqual(said["precision"]["kept"], [])


class Reports(ProgramTest):
    def test_what_stays_and_what_is_clamped_is_said_with_its_line(self) -> None:
        out = scratch() / "said.onnx"
        said = self.assert_done("convert", masked(), "-o", out, "--precision", "fp16")
        for text in ("kept in fp32", "an angle loses its place in 16 bits: Sin; first Sin", "-1e+30 became -65504", "test_precision.py:"):
            self.assertIn(text, said)
        report = json.loads(self.assert_done("convert", masked(), "-o", out, "--precision", "fp16", "--json"))["precision"]
        self.assertEqual(report["type"], "fp16")
        self.assertEqual([k["op"] for k in report["kept"]], ["Sin"])
        self.assertEqual([(c["value"] < -1e29, c["becomes"]) for c in report["clamped"]], [(True, -65504.0)])
        self.assertGreater(report["values"]["f16"], 1)
