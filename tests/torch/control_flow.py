"""Programs whose data decides what runs: scripted by PyTorch, converted by tenon, run in ONNX Runtime and by tenon, compared
with eager PyTorch on inputs that take every path.

usage: control_flow.py TENON WORK_DIRECTORY
"""

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn
from torch._higher_order_ops.associative_scan import associative_scan
from torch._higher_order_ops.map import map as map_rows
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop

from suite import differences, flatten, report, session_of


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


class EarlyReturn(nn.Module):
    def forward(self, x: Tensor):
        if bool(x.sum() > 0):
            return x + 1
        y = x * 2
        if bool(y.min() < -5):
            return y - 1
        return y + x


class BreakAndContinue(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        total = torch.zeros_like(x)
        for i in range(int(steps)):
            if i == 1:
                continue
            total = total + x
            if bool(total.sum() > 20):
                break
        return total


class ListGrowsByStack(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        seen: List[Tensor] = []
        for i in range(int(steps)):
            x = x * 0.5 + i
            seen.append(x[0])
        return torch.stack(seen, 1), len(seen)


class ListGrowsWhereDataSays(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        seen: List[Tensor] = [x[:1]]
        sums: List[float] = []
        for i in range(int(steps)):
            part = x[: i % 2 + 1] * (i + 1)
            if bool(part.sum() > 0):
                seen.append(part)
            sums.append(float(part.sum()))
        return torch.cat(seen, 0), seen[-1] + 1, sums[0]


class ListReadInLoop(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        seen: List[Tensor] = []
        for i in range(int(steps)):
            seen.append(x + i)
        total = torch.zeros_like(x)
        for t in seen:
            total = total + t
        return total


class DecodeUntilEnd(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.next = nn.Linear(4, 4)

    def forward(self, x: Tensor, most: int = 6):
        tokens: List[Tensor] = []
        state = x[:1]
        for _ in range(most):
            state = torch.tanh(self.next(state)) * 2
            token = state.argmax(1)
            tokens.append(token)
            if bool(token.item() == 2):
                break
        return torch.cat(tokens, 0), state


class OptionalStaysNone(nn.Module):
    def forward(self, x: Tensor):
        best: Optional[Tensor] = None
        for i in range(x.size(0)):
            if bool(x[i].sum() > 0):
                if best is None:
                    best = x[i]
                else:
                    best = best + x[i]
        if best is None:
            return x.sum(0) - 100
        return best


class LoopOverRows(nn.Module):
    def forward(self, x: Tensor, picks: Tensor):
        kept = torch.zeros(x.size(0), dtype=torch.bool)
        for pick in torch.unique(picks):
            rows = torch.where(picks == pick)[0]
            kept[rows[:1]] = True
        return x[torch.where(kept)[0]]


class SizesChangeInLoop(nn.Module):
    def forward(self, x: Tensor, sizes: Tensor):
        out = torch.zeros(x.size(0), 3)
        for i in range(sizes.size(0)):
            height, width = int(sizes[i, 0].item()), int(sizes[i, 1].item())
            grown = nn.functional.interpolate(x[None, None], size=(height, width), mode="bilinear", align_corners=False)[0, 0]
            best = grown.reshape(-1).argmax()
            column = best % grown.shape[1]
            row = torch.div(best - column, grown.shape[1], rounding_mode="floor")
            out[i, 0], out[i, 1] = row, column
            out[i, 2] = grown[row, column]
        return out


class NestedLoops(nn.Module):
    def forward(self, x: Tensor, steps: Tensor):
        n = 0
        for i in range(int(steps)):
            while bool(x.abs().max() > 1 + i) and n < 20:
                x = x * 0.75
                n += 1
            x = x + 1
        return x, n


# --- exported: torch.export keeps control flow only where the program says so


class ExportedCond(nn.Module):
    def forward(self, x: Tensor):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x * 2, (x,))


class ExportedWhile(nn.Module):
    def forward(self, x: Tensor):
        return while_loop(lambda n, x: (n < 9) & (x.sum() < 50), lambda n, x: (n + 1, x * 1.5 + 1), (torch.tensor(0), x))


class ExportedScan(nn.Module):
    def forward(self, x: Tensor):
        weight = x.mean(0)
        return scan(lambda carry, row: (carry + row * weight, carry * 2), torch.zeros(4), x)


class ExportedMap(nn.Module):
    def forward(self, x: Tensor):
        return map_rows(lambda row, y: row.sin() + y.sum(), x, x[0] * 2)


class ExportedAssociativeScan(nn.Module):
    def forward(self, x: Tensor):
        def decay(a, b):
            return a[0] * b[0], a[1] * b[0] + b[1]

        ahead = associative_scan(lambda a, b: torch.maximum(a, b), x, dim=1, combine_mode="pointwise")
        back = associative_scan(lambda a, b: a * b, x, dim=0, reverse=True, combine_mode="pointwise")
        return ahead, back, associative_scan(decay, (x.abs() * 0.5, x), dim=1, combine_mode="pointwise")


class ExportedSizes(nn.Module):
    def forward(self, x: Tensor):
        found = torch.nonzero(x > 1)
        return x[x > 1].sum() + found.shape[0], found


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
    (EarlyReturn, [(UP,), (DOWN,), (DOWN - 9,)]),
    (BreakAndContinue, [(UP, torch.tensor(5)), (DOWN, torch.tensor(3)), (UP, torch.tensor(0))]),
    (ListGrowsByStack, [(UP, torch.tensor(3)), (DOWN, torch.tensor(1))]),
    (ListGrowsWhereDataSays, [(UP, torch.tensor(4)), (DOWN, torch.tensor(2))]),
    (ListReadInLoop, [(UP, torch.tensor(3)), (DOWN, torch.tensor(1))]),
    (DecodeUntilEnd, [(UP,), (DOWN,), (MIXED,)]),
    (OptionalStaysNone, [(UP,), (DOWN - 9,), (MIXED,)]),
    (LoopOverRows, [(UP, torch.tensor([3, 1])), (MIXED, torch.tensor([2, 2]))]),
    (SizesChangeInLoop, [(UP, torch.tensor([[5, 9], [12, 6]])), (MIXED, torch.tensor([[3, 4], [7, 2]]))]),
    (NestedLoops, [(UP * 5, torch.tensor(3)), (DOWN, torch.tensor(0))]),
    (ExportedCond, [(UP,), (DOWN - 9,)]),
    (ExportedWhile, [(UP,), (DOWN,), (UP * 100,)]),
    (ExportedScan, [(UP,), (MIXED,)]),
    (ExportedMap, [(UP,), (MIXED,)]),
    (ExportedAssociativeScan, [(UP,), (MIXED,)]),
    (ExportedSizes, [(UP,), (MIXED,)]),
    (ComplexBranchesAndLoops, [(UP, torch.tensor(3)), (DOWN, torch.tensor(2)), (UP, torch.tensor(0))]),
]


def check(tenon: str, module: type, inputs: List[Tuple[Tensor, ...]], work: Path) -> List[str]:
    name = module.__name__
    exported = name.startswith("Exported")
    source, target = work / f"{name}.pt{'2' if exported else ''}", work / f"{name}.onnx"
    eager = module().eval()
    if exported:
        torch.export.save(torch.export.export(eager, inputs[0], strict=False), str(source))
    else:
        torch.jit.script(eager).save(str(source))
    names = list(module.forward.__annotations__)[: len(inputs[0])]
    shapes = ",".join(f"{n}[{','.join(map(str, t.shape))}]:{str(t.dtype).split('.')[1]}" for n, t in zip(names, inputs[0]))
    done = subprocess.run([tenon, "convert", str(source), "-o", str(target), "--shapes", shapes, "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"convert: {done.stderr.strip()}"]
    try:
        session = session_of(target)
    except Exception as error:  # noqa: BLE001  any refusal of the model is the result
        return [str(error)]
    failures = []
    for k, given in enumerate(inputs):
        with torch.no_grad():
            want = flatten(eager(*[t.clone() for t in given]))
        failures += [f"inputs {k}: {why}" for why in differences(tenon, target, session, names, given, want, work)]
    return failures


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    return report((module.__name__, check(tenon, module, inputs, work)) for module, inputs in CASES)


if __name__ == "__main__":
    sys.exit(main())
