"""Programs whose data decides what runs: scripted by PyTorch, converted by tenon, run in ONNX Runtime and by tenon, compared
with eager PyTorch on inputs that take every path.

usage: control_flow.py TENON WORK_DIRECTORY
"""

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn


class BranchAppendsAndWrites(nn.Module):
    def forward(self, x: Tensor):
        out: List[Tensor] = []
        y = x.clone()
        if bool(x.sum() > 0):
            out.append(x + 1)
            y[:, 0] = 5.0
        else:
            out.append(x - 1)
            y[:, 1:3] = x[:, 1:3] * 2
        return torch.cat([out[0], y], 1)


class WhileCarriesIntAndTensor(nn.Module):
    def forward(self, x: Tensor):
        n = 0
        while bool(x.abs().max() > 1.0) and n < 10:
            x = x * 0.5
            n += 1
        return x, n


class ForOverData(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        acc = torch.zeros_like(x)
        for i in range(int(steps)):
            acc = acc + x * i
            acc[0] += 1
        return acc


class LoopGrowsTensor(nn.Module):
    def forward(self, x: Tensor):
        while x.size(1) < 8 and bool(x.sum() > -100):
            x = torch.cat([x, x[:, :1]], 1)
        return x


class NestedBranches(nn.Module):
    def forward(self, x: Tensor):
        scale = 1.0
        if bool(x[0, 0] > 0):
            if bool(x[0, 1] > 0):
                y = x * 2
                scale = 3.0
            else:
                y = x.relu()
        else:
            y = -x
        return y * scale


class BranchInLoop(nn.Module):
    def forward(self, x: Tensor):
        total = torch.zeros(())
        for i in range(x.size(0)):
            row = x[i]
            if bool(row.sum() > 0):
                total = total + row.max()
            else:
                total = total - 1
        return total


class BranchOnWrittenView(nn.Module):
    def forward(self, x: Tensor):
        y = x.clone()
        row = y[0]
        row.add_(10)
        if bool(y.mean() > 2):
            row.mul_(2)
        return y


class MaskedWriteThroughViews(nn.Module):
    def forward(self, x: Tensor):
        y = x.clone()
        v = y.transpose(0, 1)[1:3]
        v[v > 0] = -1.0
        return y


class BranchOnCount(nn.Module):
    def forward(self, x: Tensor):
        found = torch.nonzero(x > 1)
        if found.numel() > 0:
            return found.float().mean() + x.sum()
        else:
            return x.sum()


class OptionalAndDict(nn.Module):
    def forward(self, x: Tensor):
        best: Optional[Tensor] = None
        parts: Dict[str, Tensor] = {}
        if bool(x.max() > 0):
            best = x + 1
            parts["a"] = x
        else:
            best = x - 1
            parts["a"] = x * 2
        assert best is not None
        return {"best": best, "a": parts["a"]}


class Checked(nn.Module):
    def forward(self, x: Tensor):
        if x.dim() != 2:
            raise ValueError("two dimensions are needed")
        if bool(torch.isnan(x).any()):
            raise ValueError("not a number")
        return x * 2


class ComplexBranchesAndLoops(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        z = torch.view_as_complex(x.reshape(2, 2, 2))
        y = z.clone()
        for i in range(int(steps)):
            y = y * z
            y.real[0] += i
        if bool(x.sum() > 0):
            y = y.conj() + 1
        else:
            y.imag.mul_(2)
        return torch.view_as_real(y), y.abs(), y


def rows(*data: List[float]) -> Tensor:
    return torch.tensor(data, dtype=torch.float32)


UP, DOWN = rows([1, 2, 3, 4], [0.5, -1, 2, 3]), rows([-1, -2, 3, -4], [0.5, -1, -2, 0.25])
MIXED = rows([3, -2, 0.5, 1], [-1, 8, 2, -3])
CASES = [
    (BranchAppendsAndWrites, [(UP,), (DOWN,)]),
    (WhileCarriesIntAndTensor, [(UP,), (UP * 100,), (UP * 0.1,)]),
    (ForOverData, [(UP, torch.tensor(3)), (DOWN, torch.tensor(0))]),
    (LoopGrowsTensor, [(UP,), (DOWN - 100,)]),
    (NestedBranches, [(UP,), (DOWN,), (MIXED,)]),
    (BranchInLoop, [(UP,), (DOWN,), (MIXED,)]),
    (BranchOnWrittenView, [(UP,), (DOWN * 5,)]),
    (MaskedWriteThroughViews, [(UP,), (MIXED,)]),
    (BranchOnCount, [(UP,), (DOWN - 9,)]),
    (OptionalAndDict, [(UP,), (DOWN - 9,)]),
    (Checked, [(UP,)]),
    (ComplexBranchesAndLoops, [(UP, torch.tensor(3)), (DOWN, torch.tensor(2)), (UP, torch.tensor(0))]),
]


def flatten(value) -> List[np.ndarray]:
    if isinstance(value, Tensor):
        return [(torch.view_as_real(value.resolve_conj()) if value.is_complex() else value).numpy()]
    if isinstance(value, dict):
        return [a for v in value.values() for a in flatten(v)]
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in flatten(v)]
    return [np.asarray(value)]


def close(got: List[np.ndarray], want: List[np.ndarray]) -> Optional[str]:
    if len(got) != len(want):
        return f"{len(got)} outputs, not {len(want)}"
    for i, (a, b) in enumerate(zip(got, want)):
        if a.shape != b.shape:
            return f"output {i} has shape {a.shape}, not {b.shape}"
        if not np.allclose(a, b, rtol=0, atol=1e-5 * max(1.0, float(np.abs(b).max(initial=0)))):
            return f"output {i} differs:\n{a}\n{b}"
    return None


def run_tenon(tenon: str, model: Path, names: List[str], inputs: Tuple[Tensor, ...], work: Path) -> List[np.ndarray]:
    given, result = work / "in.npz", work / "out.npz"
    np.savez(given, **{n: t.numpy() for n, t in zip(names, inputs)})
    subprocess.run([tenon, "run", str(model), "--inputs", str(given), "-o", str(result), "-q"], check=True, capture_output=True, text=True)
    with np.load(result) as data:
        return [data[k] for k in data.files]


def check(tenon: str, module: type, inputs: List[Tuple[Tensor, ...]], work: Path) -> List[str]:
    name = module.__name__
    source, target = work / f"{name}.pt", work / f"{name}.onnx"
    eager = module().eval()
    torch.jit.script(eager).save(str(source))
    names = list(module.forward.__annotations__)[: len(inputs[0])]
    shapes = ",".join(f"{n}[{','.join(map(str, t.shape))}]:{str(t.dtype).split('.')[1]}" for n, t in zip(names, inputs[0]))
    done = subprocess.run([tenon, "convert", str(source), "-o", str(target), "--shapes", shapes, "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"{name}: convert: {done.stderr.strip()}"]
    try:
        onnx.checker.check_model(str(target), full_check=True)
        session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  any refusal of the model is the result
        return [f"{name}: {error}"]
    failures = []
    for k, given in enumerate(inputs):
        want = flatten(eager(*[t.clone() for t in given]))
        got = session.run(None, {n: t.numpy() for n, t in zip(names, given)})
        if why := close(got, want):
            failures.append(f"{name} inputs {k}: ONNX Runtime: {why}")
        try:
            if why := close(run_tenon(tenon, target, names, given, work), want):
                failures.append(f"{name} inputs {k}: tenon: {why}")
        except subprocess.CalledProcessError as error:
            failures.append(f"{name} inputs {k}: tenon run: {error.stderr.strip()}")
    return failures


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for module, inputs in CASES:
        failures = check(tenon, module, inputs, work)
        for failure in failures:
            print(failure)
        passed, failed = passed + (not failures), failed + bool(failures)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
