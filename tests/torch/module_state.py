"""Modules that keep something from one call to the next: converted by tenon, run call by call in ONNX Runtime with the state
handed on, and compared with eager PyTorch.

usage: module_state.py TENON WORK_DIRECTORY
"""

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from suite import report


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor):
        self.calls += 1
        return x * self.calls


class RunningMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, 2.0, 3.0]))
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor):
        y = self.layer(x)
        self.mean[1:] = self.mean[1:] * 0.9 + 0.1 * y.mean(0)[1:]
        return y - self.mean


class MadeByTheFirstCall(nn.Module):
    """As streaming models do: the state gets its shape in the first call."""

    def __init__(self):
        super().__init__()
        self.state = torch.zeros(0)
        self.batch = 0

    def forward(self, x: Tensor):
        if self.batch != x.size(0):
            self.state = torch.zeros(x.size(0), 3)
            self.batch = x.size(0)
        self.state = torch.tanh(self.state * 0.5 + x)
        return self.state + 1


class CountsInPython(nn.Module):
    def __init__(self):
        super().__init__()
        self.step = 0

    def forward(self, x: Tensor):
        self.step += 2
        return x + self.step


class WrittenAnew(nn.Module):
    """What each call writes before anything reads it is no state."""

    def __init__(self):
        super().__init__()
        self.last = torch.zeros(2, 3)

    def forward(self, x: Tensor):
        self.last = x * 2
        return self.last + 1


@torch.jit.script
class Levels:
    def __init__(self, low: float, high: float):
        self.low = low
        self.high = high


class MadeAnewByEachCall(nn.Module):
    """A list and an object that are missing in the file, as the scales of torchvision's detectors are."""

    scales: Optional[List[float]]
    levels: Optional[Levels]

    def __init__(self):
        super().__init__()
        self.scales = None
        self.levels = None

    def forward(self, x: Tensor):
        if self.scales is None or self.levels is None:
            self.scales = [float(torch.tensor(x.size(i) * 0.7).log2().round()) for i in range(2)]
            self.levels = Levels(0.5, 2.0)
        levels = self.levels
        scales = self.scales
        assert levels is not None and scales is not None
        return x.clamp(-levels.high, levels.high) * scales[0] + levels.low + scales[1]


class ListsWrittenAnew(nn.Module):
    """A list of tensors that each call writes before it reads it, as RAFT's pyramid of correlations."""

    def __init__(self):
        super().__init__()
        self.levels: List[Tensor] = [torch.zeros(1)]

    def build(self, x: Tensor) -> None:
        self.levels = [x]
        for i in range(2):
            self.levels.append(self.levels[i] * 2)

    def forward(self, x: Tensor):
        self.build(x)
        return torch.stack(self.levels).sum(0)


class Gathers(nn.Module):
    """A list that grows with each call, missing in the file: no graph can hand it on."""

    past: Optional[List[Tensor]]

    def __init__(self):
        super().__init__()
        self.past = None

    def forward(self, x: Tensor):
        past = self.past
        if past is None:
            past = [x]
        else:
            past = [past[0] + x]
        self.past = past
        return past[0]


class WritesItsInput(nn.Module):
    def forward(self, x: Tensor):
        y = x.sum()
        x.mul_(2)
        return y


REFUSED = ["cannot be kept", "--state drop"]  # what is said

# (module, kinds of file, names of the state, outputs for written inputs)
CASES = [
    (Counts, ("traced", "scripted", "exported"), ["calls"]),
    (RunningMean, ("traced", "scripted", "exported"), ["mean"]),
    (MadeByTheFirstCall, ("scripted",), ["state"]),
    (CountsInPython, ("scripted",), ["step"]),
    (WrittenAnew, ("scripted",), []),
    (WritesItsInput, ("exported",), []),
    (ListsWrittenAnew, ("scripted",), []),
    (Gathers, ("scripted",), REFUSED),
    (MadeAnewByEachCall, ("scripted",), []),
]


def save(module: nn.Module, kind: str, x: Tensor, file: Path) -> None:
    with torch.no_grad():
        if kind == "traced":
            torch.jit.trace(module, x, check_trace=False).save(str(file))
        elif kind == "scripted":
            torch.jit.script(module).save(str(file))
        else:
            torch.export.save(torch.export.export(module, (x,)), str(file))


def initial(entry: str, like) -> np.ndarray:
    words = entry.splitlines()[1]
    shape, dtype = like.shape, {"tensor(float)": np.float32, "tensor(int64)": np.int64}[like.type]
    return np.zeros(shape, dtype) if words == "zeros" else np.array(words.split(), dtype).reshape(shape)


def check(tenon: str, module: type, kind: str, names: List[str], work: Path) -> Optional[str]:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3) for _ in range(4)]
    file = work / f"{module.__name__}.{kind}{'.pt2' if kind == 'exported' else '.pt'}"
    torch.manual_seed(1)
    # A trace runs the module, and leaves its traces in the state that is saved.
    eager = module().eval()
    save(eager, kind, inputs[0].clone(), file)
    loaded = torch.export.load(str(file)).module() if kind == "exported" else torch.jit.load(str(file))
    target = file.with_suffix(".onnx")
    shapes = ["--shapes", "x[2,3]"] if kind == "scripted" else []
    done = subprocess.run([tenon, "convert", str(file), "-o", str(target), "-q", *shapes], capture_output=True, text=True)
    if names is REFUSED:
        ok = done.returncode == 3 and all(words in done.stderr for words in REFUSED)
        return None if ok else f"not refused as it should be ({done.returncode}) {done.stderr}"
    if done.returncode:
        return f"convert: {' '.join(done.stderr.split())}"
    model = onnx.load(str(target))
    metadata = {p.key: p.value for p in model.metadata_props}
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    state: Dict[str, np.ndarray] = {}
    for one in session.get_inputs()[1:]:
        state[one.name] = initial(metadata["tenon.state." + one.name], one)
    if sorted(state) != sorted(names):
        return f"its state is {sorted(state)} instead of {sorted(names)}"
    outputs = [one.name for one in session.get_outputs()]
    for call, x in enumerate(inputs):
        written = x.clone()
        with torch.no_grad():
            want = loaded(written)
        got = dict(zip(outputs, session.run(None, {session.get_inputs()[0].name: x.numpy(), **state})))
        state = {name: got[name + "_out"] for name in state}
        if not np.allclose(got[outputs[0]], want.numpy(), atol=1e-5):
            return f"call {call}: {got[outputs[0]]} instead of {want.numpy()}"
        if not torch.equal(written, x):
            extra = [name for name in outputs[1:] if name.removesuffix("_out") not in state]
            if len(extra) != 1 or not np.allclose(got[extra[0]], written.numpy(), atol=1e-5):
                return f"call {call}: the written input does not come out"
    return None


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    return report(
        (f"{module.__name__} {kind}", check(tenon, module, kind, names, work)) for module, kinds, names in CASES for kind in kinds
    )


if __name__ == "__main__":
    sys.exit(main())
