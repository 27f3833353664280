"""TorchScript's language: containers, classes, strings, arguments, methods. Scripted by PyTorch, converted by tenon, run in ONNX
Runtime and by tenon, compared with eager PyTorch.

usage: language.py TENON WORK_DIRECTORY [NAME]
"""

import math
import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch
from torch import Tensor, nn

from suite import differences, flatten, report, session_of


class Lists(nn.Module):
    def forward(self, x: Tensor):
        parts = [x, x * 2]
        parts.append(x + 1)
        parts.insert(0, -x)
        parts.extend([x.exp(), x.abs()])
        last = parts.pop()
        del parts[1]
        parts.reverse()
        numbers = [3, 1, 2]
        numbers.sort()
        total = 0
        for i, n in enumerate(numbers):
            total += i * n
        squares = [n * n for n in numbers]
        return torch.stack(parts) * total, last * sum(squares), len(parts) + max(numbers) + min(numbers)


class ListsOfLists(nn.Module):
    def forward(self, x: Tensor):
        table: List[List[Tensor]] = [[x, x + 1], [x * 2]]
        table[1].append(x * 3)
        out: List[Tensor] = []
        for row in table:
            for a, b in zip(row, row[::-1]):
                out.append(a - b)
        return out


class Dicts(nn.Module):
    def forward(self, x: Tensor):
        d: Dict[str, Tensor] = {"a": x, "b": x * 2}
        d["c"] = d["a"] + d["b"]
        d.update({"a": x - 1})
        e = torch.zeros_like(x)
        for k, v in d.items():
            if k != "b":
                e = e + v
        n = 0
        for k in d.keys():
            n += len(k)
        popped = d.pop("b")
        return {"sum": e, "popped": popped, "has": d.get("z", x * 5) if "c" in d else x, "n": n}


class IntKeys(nn.Module):
    def forward(self, x: Tensor):
        d: Dict[int, Tensor] = {}
        for i in range(3):
            d[i * 2] = x * i
        d.setdefault(7, x + 7)
        return [d[k] for k in d] + [torch.tensor(len(d))]


class Pair(NamedTuple):
    left: Tensor
    right: Tensor
    count: int


class NamedTuples(nn.Module):
    def pair(self, x: Tensor) -> Pair:
        return Pair(x + 1, x - 1, 3)

    def forward(self, x: Tensor) -> Pair:
        p = self.pair(x)
        left, right, count = p
        return Pair(left * count, p.right + p[0], p.count + 1)


class Nested(nn.Module):
    def forward(self, x: Tensor):
        a = (x, (x * 2, {"deep": [x * 3, x * 4]}))
        b, (c, d) = a
        return {"first": b, "second": (c, d["deep"])}


class Mode(Enum):
    DOUBLE = 2
    TRIPLE = 3


class Enums(nn.Module):
    def __init__(self):
        super().__init__()
        self.mode = Mode.TRIPLE

    def forward(self, x: Tensor):
        if self.mode == Mode.DOUBLE:
            return x * self.mode.value
        return x * self.mode.value + (1 if self.mode.name == "TRIPLE" else 0)


@torch.jit.script
class Accumulator:
    def __init__(self, start: Tensor, scale: float = 2.0):
        self.total = start
        self.scale = scale
        self.steps: List[int] = []

    def add(self, x: Tensor) -> "Accumulator":
        self.total = self.total + x * self.scale
        self.steps.append(len(self.steps))
        return self

    @property
    def count(self) -> int:
        return len(self.steps)


class Classes(nn.Module):
    def forward(self, x: Tensor):
        acc = Accumulator(torch.zeros_like(x))
        other = acc
        for i in range(3):
            acc.add(x * i)
        return other.total, other.count


@torch.jit.interface
class Transform(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Doubles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Halves(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 2


class ViaInterface(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList([Doubles(), Halves()])

    def forward(self, x: Tensor, which: int = 1):
        step: Transform = self.steps[which]
        return step.forward(x) + 1


class Strings(nn.Module):
    def forward(self, x: Tensor, mode: str = "tanh"):
        name = "{}_{}".format(mode, x.dim())
        parts = name.split("_")
        label = f"{parts[0].upper()}-{len(parts)}"
        if label.startswith("TANH") and parts[1] == "2" and "AN" in label and label[0] == "T":
            y = torch.tanh(x)
        elif label.lower().strip() == "relu-2":
            y = torch.relu(x)
        else:
            y = x
        return y * float(int("3")) + ("%d" % 5).find("5") + len("-".join(["a", "b"])) + ord("a")


class Optionals(nn.Module):
    def helper(self, x: Tensor, mask: Optional[Tensor] = None, scale: Optional[float] = None) -> Tensor:
        if mask is not None:
            x = x * mask
        return x if scale is None else x * scale

    def forward(self, x: Tensor, mask: Optional[Tensor] = None, bias: Optional[Tensor] = None):
        kept: Optional[Tensor] = None
        if bias is not None:
            kept = bias * 2
        y = self.helper(x, mask, 3.0)
        y = self.helper(y)
        assert y is not None
        return y, kept


class ListArgument(nn.Module):
    def forward(self, images: List[Tensor], weights: List[float]):
        out = torch.zeros(4)
        for image, weight in zip(images, weights):
            out = out + image.mean(0) * weight
        return out, len(images)


class TupleArgument(nn.Module):
    def forward(self, pair: Tuple[Tensor, Tensor], extra: Tuple[int, float] = (2, 0.5)):
        return pair[0] * extra[0] + pair[1] * extra[1]


class DictArgument(nn.Module):
    def forward(self, batch: Dict[str, Tensor]):
        return {"logits": batch["ids"].float() @ batch["table"], "n": batch["ids"].size(0)}


class NumberArguments(nn.Module):
    def forward(self, x: Tensor, times: int, shift: float = 0.5, flip: bool = False):
        for _ in range(times):
            x = x + shift
        return x.flip(0) if flip else x


class Containers(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.named = nn.ModuleDict({"up": nn.Linear(4, 8), "down": nn.Linear(8, 4)})
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(4))])

    def forward(self, x: Tensor):
        for i, layer in enumerate(self.layers):
            x = torch.relu(layer(x)) + i
        for name, module in self.named.items():
            x = module(x) * len(name)
        for w in self.weights:
            x = x + w
        return x


class Methods(nn.Module):
    scale: Final[int] = 3

    def __init__(self):
        super().__init__()
        self.kinds: Dict[str, int] = {"a": 1, "b": 2}
        self.shape: Tuple[int, int] = (2, 2)
        self.names: List[str] = ["b", "a"]

    @torch.jit.export
    def encode(self, x: Tensor, power: int = 2) -> Tensor:
        return self.inner(x) ** power

    def inner(self, x: Tensor) -> Tensor:
        return x * self.scale + self.kinds[self.names[0]]

    def forward(self, x: Tensor):
        return self.encode(x, power=1).reshape(-1, self.shape[0], self.shape[1])


class WithState(nn.Module):
    """Saved through __getstate__ and __setstate__."""

    def __init__(self):
        super().__init__()
        self.packed = torch.arange(4.0)
        self.factor = 3

    @torch.jit.export
    def __getstate__(self):
        return (self.packed * 2, self.factor, self.training)

    @torch.jit.export
    def __setstate__(self, state: Tuple[Tensor, int, bool]):
        self.packed = state[0] / 2
        self.factor = state[1]
        self.training = state[2]

    def forward(self, x: Tensor):
        return x * self.packed + self.factor


class HoldsState(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = WithState()

    def forward(self, x: Tensor):
        return self.inner(x) - 1


def free_function(x: Tensor, n: int = 2) -> Tensor:
    if n == 0:
        return x
    return x * n


class Functions(nn.Module):
    def forward(self, x: Tensor):
        return free_function(x) + free_function(x, n=0) + free_function(x, 5)


class Arithmetic(nn.Module):
    def forward(self, x: Tensor):
        n, m = x.size(0), x.size(1)
        a = -7 // 2 + -7 % 3 + 7 // m + n ** 2
        b = (n << 2) | (m & 3) ^ 1
        c = 1 if n > m else 2
        d = float(n) / m + round(2.5) + abs(-1.5) + int(3.9) + (7.5 // 2) + (-7.5 % 2)
        e = bool(n) and not (m == 3 or n != 2)
        return x * a + b - c + d, e, divmod(17, 5)


class Unions(nn.Module):
    def pick(self, v: Union[int, float, Tensor]) -> Tensor:
        if isinstance(v, int):
            return torch.tensor(v) + 1
        elif isinstance(v, float):
            return torch.tensor(v) * 2
        else:
            return v

    def forward(self, x: Tensor):
        return self.pick(3), self.pick(0.5), self.pick(x)


class Ignored(nn.Module):
    @torch.jit.unused
    def python_only(self, x: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(x))

    def forward(self, x: Tensor):
        if torch.jit.is_scripting():
            return x + 1
        return self.python_only(x) + 1


class Slices(nn.Module):
    def forward(self, x: Tensor):
        items = [x[0], x[1], x[0] + x[1], x[0] * 3]
        head, tail = items[:2], items[-2:]
        items[1] = x[1] * 4
        pair = (x, x + 1, x + 2)[1:]
        return torch.stack(head + tail + items[::2]), x[..., 1:3, None], x[:, [0, 2]], pair[0] + pair[-1]


class MoreStrings(nn.Module):
    def forward(self, x: Tensor):
        text = "  Alpha,beta;Gamma  "
        parts = text.strip().replace(";", ",").split(",")
        a = sum([len(p) for p in parts]) + text.count("a") + text.find("beta") + text.rfind("a") + "a,b,c".rsplit(",", 1)[0].index("b")
        b = 1 if parts[0].swapcase() == "aLPHA" and "x y".title() == "X Y" and "abc".capitalize() == "Abc" else 100
        c = len("5".zfill(3) + "a".ljust(4) + "b".rjust(2, ".") + "c".center(5, "*")) + len("a\nb\nc".splitlines())
        d = 1 if "12".isdigit() and "ab".isalpha() and not "a1".isalpha() and "AB".isupper() and " ".isspace() else 100
        head, sep, tail = "key=value=2".partition("=")
        e = len(head) * 100 + len(tail) + len(hex(255)) + len(bin(5)) + ord(chr(66)) + len("\tx".expandtabs(4))
        return x * a + b + c * d + e, len(sorted(parts)[0]), "ab" < "b"


class MoreNumbers(nn.Module):
    def forward(self, x: Tensor):
        n = x.size(1)
        values: List[int] = x[0].int().tolist()
        table: List[List[float]] = x.tolist()
        counts = [1, 2, 2, 3]
        counts.remove(2)
        d = {"a": 1, "b": 2}
        k, v = d.popitem()
        return (x * table[0][1] + values[2], math.gcd(12, n * 2 if n == 4 else 1), math.factorial(4),
                math.degrees(math.pi), math.fmod(7.5, 2.0), counts.count(2) + counts.index(3), len(k) + v,
                [float(f) for f in sorted([2.5, 0.5])])


class NoneOutputs(nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Optional[Tensor], List[Optional[Tensor]]]:
        return x + 1, None, [x, None, x * 2]


class Complexes(nn.Module):
    def forward(self, x: Tensor):
        z = torch.view_as_complex(x.reshape(-1, 2))
        w = z * complex(0.0, 1.0) + 2
        return torch.view_as_real(w), w.abs()


class DevicesAndTypes(nn.Module):
    def forward(self, x: Tensor):
        y = torch.ones(x.shape, dtype=x.dtype, device=x.device)
        if x.is_cuda or x.dtype == torch.float64 or not x.is_floating_point():
            y = y * 7
        return y + torch.zeros_like(x, dtype=torch.int64), torch.finfo(x.dtype).eps > 0 if False else x.numel()


@dataclass
class Case:
    module: nn.Module
    arguments: tuple  # of forward, or of the method
    options: tuple = ()  # of tenon convert, instead of --shapes from the tensors
    method: str = "forward"
    # What the graph is given, where that is not the tensors among the arguments in order.
    names: Optional[list] = None
    outputs: list = field(default_factory=list)  # their names, where they are checked


X = torch.tensor([[1.0, -2.0, 3.0, 0.5], [-1.0, 0.25, 2.0, -3.0]])
SHAPE = ("--shapes", "x:2x4")
CASES = [
    Case(Lists(), (X,)),
    Case(ListsOfLists(), (X,)),
    Case(Dicts(), (X,), outputs=["sum", "popped", "has", "n"]),
    Case(IntKeys(), (X,)),
    Case(NamedTuples(), (X,), outputs=["left", "right", "count"]),
    Case(Nested(), (X,), outputs=["first", "second_0", "second_1_0", "second_1_1"]),
    Case(Enums(), (X,)),
    Case(Classes(), (X,)),
    Case(ViaInterface(), (X,), SHAPE),
    Case(ViaInterface(), (X, 0), (*SHAPE, "--set", "which=0")),
    Case(Strings(), (X,), SHAPE),
    Case(Strings(), (X, "relu"), (*SHAPE, "--set", "mode=relu")),
    Case(MoreStrings(), (X,)),
    Case(MoreNumbers(), (X,)),
    Case(Optionals(), (X,), SHAPE),
    Case(Optionals(), (X, X * 0.5), ("--shapes", "x:2x4,mask:2x4")),
    Case(Optionals(), (X, None, X + 1), ("--shapes", "x:2x4,bias:2x4")),
    Case(ListArgument(), ([X, X * 2, X[:1]], [1.0, 2.0, 0.5]),
         ("--shapes", "images_0:2x4,images_1:2x4,images_2:1x4", "--set", "weights=[1.0,2.0,0.5]"),
         names=["images_0", "images_1", "images_2"]),
    Case(TupleArgument(), ((X, X + 1),), ("--shapes", "pair_0:2x4,pair_1:2x4"), names=["pair_0", "pair_1"]),
    Case(TupleArgument(), ((X, X + 1), (3, 2.0)), ("--shapes", "pair_0:2x4,pair_1:2x4", "--set", "extra=(3, 2.0)"),
         names=["pair_0", "pair_1"]),
    Case(DictArgument(), ({"ids": torch.tensor([[1, 2], [3, 4]]), "table": X},),
         ("--shapes", "batch_ids[2,2]:i64,batch_table:2x4"), names=["batch_ids", "batch_table"], outputs=["logits", "n"]),
    Case(NumberArguments(), (X, 3), (*SHAPE, "--set", "times=3")),
    Case(NumberArguments(), (X, 2, 1.5, True), (*SHAPE, "--set", "times=2", "--set", "shift=1.5", "--set", "flip=True")),
    Case(Containers(), (X,)),
    Case(Methods(), (X,)),
    Case(Methods(), (X,), (*SHAPE, "--method", "encode"), method="encode"),
    Case(Methods(), (X, 3), (*SHAPE, "--method", "encode", "--set", "power=3"), method="encode"),
    Case(WithState(), (X,)),
    Case(HoldsState(), (X,)),
    Case(Functions(), (X,)),
    Case(Arithmetic(), (X,)),
    Case(Unions(), (X,)),
    Case(Ignored(), (X,)),
    Case(Slices(), (X,)),
    Case(NoneOutputs(), (X,)),
    Case(Complexes(), (X,)),
    Case(DevicesAndTypes(), (X,)),
]


def tensors(value: Any) -> list:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v)] if isinstance(value, (list, tuple)) else []


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(v) for v in value if v is not None]
    return value


def check(case: Case, tenon: str, label: str, work: Path) -> list:
    source, target = work / f"{label}.pt", work / f"{label}.onnx"
    eager = case.module.eval()
    try:
        torch.jit.script(eager).save(str(source))
    except Exception as error:  # noqa: BLE001  the case is wrong, not tenon
        return [f"torch.jit.script: {str(error)[-300:]}"]
    inputs = tensors(list(case.arguments))
    names = case.names
    if names is None:
        parameters = [p for p, a in zip(getattr(type(eager), case.method).__annotations__, case.arguments) if isinstance(a, Tensor)]
        names = parameters[: len(inputs)]
    options = case.options or ("--shapes", ",".join(f"{n}:{'x'.join(map(str, t.shape))}" for n, t in zip(names, inputs)))
    done = subprocess.run([tenon, "convert", str(source), "-o", str(target), *options, "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"convert: {done.stderr.strip()}"]
    try:
        session = session_of(target)
    except Exception as error:  # noqa: BLE001  any refusal of the model is the result
        return [str(error)]
    failures = []
    found = [o.name for o in session.get_outputs()]
    if case.outputs and found != case.outputs:
        failures.append(f"outputs are {found}")
    with torch.no_grad():
        want = flatten(without_none(getattr(eager, case.method)(*case.arguments)))
    return failures + differences(tenon, target, session, names, inputs, want, work)


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    labels = {f"{k:02}_{type(case.module).__name__}": case for k, case in enumerate(CASES)}
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    return report((label, check(case, tenon, label, work)) for label, case in labels.items() if wanted in label)


if __name__ == "__main__":
    sys.exit(main())
