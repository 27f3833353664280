"""Writes the files that the tests of src/torch/exported read, into the folder of this script.

Needs torch. The outputs are committed; run it again only to add a case.
"""
import io
import json
import os
import sys
import zipfile

import torch
from torch.export import Dim

HERE = os.path.dirname(os.path.abspath(__file__))
os.chdir(HERE)


class Mixed(torch.nn.Module):
    """Parameters, tied weights, a buffer that changes, a constant, dynamic sizes."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.fc = torch.nn.Linear(4, 4)
        self.tied = torch.nn.Linear(4, 4, bias=False)
        self.tied.weight = self.fc.weight
        self.conv.weight.data = torch.arange(108, dtype=torch.float32).reshape(4, 3, 3, 3) / 100
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.steps = torch.tensor([1.0, 2.0, 3.0, 4.0])

    def forward(self, x, flag: bool, *, scale=None):
        self.count.add_(1)
        y = self.conv(x)
        y = torch.nn.functional.pad(y, (1, x.shape[2] // 4, 0, x.shape[3] % 5))
        y = y.masked_fill(y > 1, float("-inf")).clamp(min=0.0)
        y = self.tied(self.fc(y.mean((2, 3)))) + self.steps
        if scale is not None:
            y = y * scale
        return y, {"half": y.to(torch.float16), "rows": x.shape[0]}


class Control(torch.nn.Module):
    """Higher-order operators: cond, while_loop, map, scan; item() gives an unbacked symbol."""

    def forward(self, x, n):
        def double(v):
            return v * 2

        def negate(v):
            return -v

        y = torch.cond(x.sum() > 0, double, negate, (x,))
        k = n.item()
        torch._check(k >= 0)
        torch._check(k < 5)
        z = torch.zeros(k, 3)
        from torch._higher_order_ops import while_loop

        i, w = while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + 1.0), (torch.tensor(0), x))
        return y + w, z


class Mutating(torch.nn.Module):
    def forward(self, x, parts):
        x.add_(1)
        a, b = torch.split(x, [1, 2], 1)
        c = torch.cat([a, b, parts[0]], 1)
        index = torch.tensor([0, 1])
        return c[index, :], parts[1], 3, None, "text"


def legacy(program, path):
    """The layout that torch.export.save had before 2.8."""
    from torch._export.serde.serialize import serialize

    artifact = serialize(program)
    with zipfile.ZipFile(path, "w") as z:
        def put(name, data):
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)

        put("version", "8.8")
        put("serialized_exported_program.json", artifact.exported_program)
        put("serialized_state_dict.pt", artifact.state_dict)
        put("serialized_constants.pt", artifact.constants)
        put("serialized_example_inputs.pt", artifact.example_inputs)


def saved(tensors):
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def repacked(program, source, target, one_file):
    """The layouts that keep tensors as files of torch.save: all in one, or each in its own."""
    with zipfile.ZipFile(source) as z, zipfile.ZipFile(target, "w") as out:
        root = z.namelist()[0].split("/")[0]

        def put(name, data):
            out.writestr(zipfile.ZipInfo(f"{root}/{name}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)

        for kind, tensors in (("weights", program.state_dict), ("constants", program.constants)):
            if one_file:
                put(f"data/{kind}/model.pt", saved(dict(tensors)))
                continue
            config = json.loads(z.read(f"{root}/data/{kind}/model_{kind}_config.json"))
            for i, (fqn, meta) in enumerate(config["config"].items()):
                meta.update(use_pickle=True, path_name=f"pickled_{i}")
                put(f"data/{kind}/pickled_{i}", saved(tensors[fqn].clone()))
            put(f"data/{kind}/model_{kind}_config.json", json.dumps(config))
        for name in z.namelist():
            inner = name[len(root) + 1:]
            if not inner.startswith(("data/weights/", "data/constants/")):
                put(inner, z.read(name))


def main():
    torch.manual_seed(0)
    model = Mixed().eval()
    batch = Dim("batch", min=2, max=64)
    x = torch.randn(2, 3, 12, 16)
    program = torch.export.export(
        model, (x, True), {"scale": torch.tensor(2.0)},
        dynamic_shapes={"x": {0: batch, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}, "flag": None, "scale": None})
    torch.export.save(program, "mixed.pt2")
    legacy(program, "mixed_legacy.pt2")
    repacked(program, "mixed.pt2", "mixed_saved.pt2", one_file=True)
    repacked(program, "mixed.pt2", "mixed_pickled.pt2", one_file=False)
    torch.export.save(program.run_decompositions(), "mixed_decomposed.pt2")
    torch.export.save(torch.export.export(Control(), (torch.randn(2, 3), torch.tensor(2))), "control.pt2")
    torch.export.save(torch.export.export(Mutating(), (torch.ones(2, 3), [torch.ones(2, 1), torch.ones(1)])),
                      "mutating.pt2", extra_files={"tenon.txt": "hello"})
    mutating = torch.export.export(Mutating(), (torch.ones(2, 3), [torch.ones(2, 1), torch.ones(1)]))
    torch.export.save(mutating.run_decompositions(), "mutating_decomposed.pt2")


if __name__ == "__main__":
    sys.exit(main())
