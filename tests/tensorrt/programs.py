#!/usr/bin/env python3
"""Programs with branches and loops become engines of TensorRT-RTX, or are refused in words.

    programs.py TENON FOLDER [PROGRAM...]

The programs are those of tests/torch/control_flow.py, and some with dynamic sizes of this file. Engines are built without a GPU and
not run; the ONNX model that TensorRT was given is run by Tenon's engine and compared. TENON_RTX_PYTHON names an interpreter
that has the module (this one, where it is not set). Closes with a line "N passed, N failed".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "torch"))

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

import control_flow  # noqa: E402
from suite import report  # noqa: E402

PYTHON = os.environ.get("TENON_RTX_PYTHON", sys.executable)
TIME_LIMIT_S = 120
DONE, UNSUPPORTED = 0, 3  # exit statuses
# What TensorRT-RTX cannot have in any form: the words, and the line in the program.
REFUSED = {
    "DecodeUntilEnd": ("has no SequenceInsert", "tokens.append(token)"),
    "ListGrowsByStack": ("computed from what is in steps", None),
    "ListGrowsWhereDataSays": ("has no SequenceInsert", "seen.append(part)"),
    "ListReadInLoop": ("computed from what is in steps", None),
    "LoopGrowsTensor": ("a value that the loop carries changes its shape", "torch.cat([x, x[:, :1]], 1)"),
    "SizesChangeInLoop": ("computed from what is in sizes", None),
}


class StacksRows(nn.Module):
    def forward(self, x: Tensor):
        seen: List[Tensor] = []
        state = torch.zeros(4)
        for i in range(x.size(0)):
            state = state * 0.5 + x[i]
            seen.append(state)
        return torch.stack(seen, 1), len(seen)


class JoinsRows(nn.Module):
    def forward(self, x: Tensor):
        seen: List[Tensor] = [x[0:1] * 3]
        for i in range(x.size(0)):
            seen.append((x[i] * i)[None])
        return torch.cat(seen, 0), torch.cat(seen, 1), seen[-1]


class ReadsRowsAgain(nn.Module):
    def forward(self, x: Tensor):
        seen: List[Tensor] = []
        for i in range(x.size(0)):
            seen.append(x[i] * (i + 1))
        total = torch.zeros(4)
        for row in seen:
            total = total + row
        return total


class LargestAsNumber(nn.Module):
    def forward(self, x: Tensor):
        best = 0.0
        for i in range(x.size(0)):
            top = float(x[i].max())
            if top > best:
                best = top
        if best > 0.3:
            scale = 0.7
        else:
            scale = 0.3
        return x * scale / best


class VectorsAsRows(nn.Module):
    def forward(self, x: Tensor):
        line = x.reshape(-1)
        return line.argmax(), line.argmin(0, keepdim=True), line.softmax(0), line.log_softmax(0), torch.matmul(x[0], x[None, :, :, None] + line[:4])


DYNAMIC = [StacksRows, JoinsRows, ReadsRowsAgain, LargestAsNumber, VectorsAsRows]
RANGES = ["--min-shapes=x:1x4", "--opt-shapes=x:3x4", "--max-shapes=x:6x4"]


def save(module: nn.Module, inputs: tuple, folder: Path) -> Path:
    if type(module).__name__.startswith("Exported"):
        path = folder / f"{type(module).__name__}.pt2"
        torch.export.save(torch.export.export(module, inputs, strict=False), str(path))
        return path
    path = folder / f"{type(module).__name__}.pt"
    torch.jit.script(module).save(str(path))
    return path


def shapes(module: type, inputs: tuple) -> str:
    names = list(module.forward.__annotations__)[: len(inputs)]
    one = [f"{n}[{','.join(map(str, t.shape))}]:{str(t.dtype).split('.')[1]}" for n, t in zip(names, inputs)]
    return f"--shapes={','.join(one)}"


def against(tenon: str, name: str, file: Path, options: list[str]) -> str | None:
    words = [tenon, "build", file, "-o", file.with_suffix(".engine"), "--target", "tensorrt-rtx", "--python", PYTHON, "--json", "--rebuild"]
    ran = subprocess.run([*map(str, words), *options], capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    said = " ".join(ran.stderr.split())
    if name in REFUSED:
        why, line = REFUSED[name]
        if ran.returncode != UNSUPPORTED or why not in said:
            return f"status {ran.returncode}, without '{why}': {said}"
        source = Path(control_flow.__file__).read_text().splitlines()
        lines = [f"control_flow.py:{i}" for i, text in enumerate(source, 1) if line and line in text]
        return None if line is None or any(place in said for place in lines) else f"without the line of {line}: {said}"
    if ran.returncode != DONE:
        return f"status {ran.returncode}: {said}"
    verdict = json.loads(ran.stdout)["verified_outputs"]["verdict"]
    return f"outputs {verdict}" if verdict not in ("ok", "inconclusive") else None


def main() -> int:
    tenon, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    cases = [(module, inputs[0], [shapes(module, inputs[0])]) for module, inputs in control_flow.CASES]
    cases += [(module, (torch.ones(3, 4),), RANGES) for module in DYNAMIC]
    wanted = [case for case in cases if len(sys.argv) < 4 or case[0].__name__ in sys.argv[3:]]
    return report(
        (module.__name__, against(tenon, module.__name__, save(module().eval(), inputs, folder), options))
        for module, inputs, options in wanted
    )


if __name__ == "__main__":
    sys.exit(main())
