"""Writes files as one release of PyTorch writes them, with inputs and the outputs of that release beside them.

Run it in an environment with that release: make.py FOLDER. Writes FOLDER/RELEASE/NAME.{pt,ptl,pt2} and NAME.npz, which
holds K/in/NAME and K/out/NUMBER for each set K of inputs. What that release cannot
save is left out. The outputs are committed; run it again only to add a case or a release.
"""

import inspect
import sys
import warnings
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.mobile_optimizer import optimize_for_mobile


class Net(nn.Module):
    """Convolution, normalisation, pooling, a linear layer: in a trace, a script and an export."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var, 0.5, 1.5)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.norm(self.conv(x)))
        y = F.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.softmax(self.fc(y.flatten(2).mean(2)), 1)


class Flow(nn.Module):
    """Branches, loops, lists, dicts, optional values, strings, slices, an assertion."""

    limit: int

    def __init__(self):
        super().__init__()
        self.limit = 3
        self.scales: List[float] = [0.5, 2.0]
        self.names: Dict[str, int] = {"a": 1, "b": 2}
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.register_buffer("shift", torch.ones(4))

    def forward(self, x: Tensor, gain: Optional[Tensor] = None) -> Tuple[Tensor, Dict[str, Tensor], List[Tensor]]:
        assert x.dim() == 2, "two dimensions"
        parts: List[Tensor] = []
        for i, layer in enumerate(self.layers):
            x = torch.tanh(layer(x)) * self.scales[i] + self.shift
            parts.append(x[:, i:])
        if gain is not None:
            x = x * gain
        total = x.sum()
        steps = 0
        while bool(total > 1.0) and steps < self.limit:
            total = total / 2
            steps += 1
        if x.size(0) > self.names["a"]:
            x = x.floor_divide(0.25) if x.size(1) == 3 else torch.div(x, 0.25, rounding_mode="floor")
        out: Dict[str, Tensor] = {"total": total, "steps": torch.tensor(steps)}
        for name, k in self.names.items():
            out[name] = x.chunk(2, 1)[k - 1]
        return x, out, parts


class Index(nn.Module):
    """Creation, indexing, writes into views, type promotion: no module state."""

    def forward(self, x: Tensor, n: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        y = torch.zeros(x.size(0), 5, dtype=x.dtype)
        y[:, 1:4] = x[:, :3]
        y[0].add_(torch.full([5], 2) + n.max())
        mask = y > y.mean()
        z = torch.where(mask, y, torch.linspace(0.0, 1.0, 5))
        return z, n / 2, torch.arange(n.size(0)).index_select(0, n % 3), torch.cat([x.t(), x.t()])[n % 4]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.embedding = nn.Embedding(7, 3)

    def forward(self, ids: Tensor) -> Tuple[Tensor, Tensor]:
        y, (h, c) = self.lstm(self.embedding(ids))
        return F.layer_norm(y, [8]), h + c


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Counts(nn.Module):
    """A buffer that each call changes, and an input that is written to."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("last", torch.zeros(3), persistent=False)
        self.scale = torch.tensor([1.0, 2.0, 3.0])

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        self.count.add_(1)
        y = x * self.scale + self.count + self.last
        self.last.copy_(y[0])
        return y, self.count * 2


class Sized(nn.Module):
    """Sizes that depend on sizes."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        b, n = x.shape
        y = F.pad(x, (1, n // 2)).unsqueeze(1).expand(b, 3, -1)
        return y.transpose(1, 2).contiguous().flatten(0, 1), x.new_ones(b + n) * x.mean()


class Conditional(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        from functorch.experimental.control_flow import cond

        return cond(x.sum() > 0, lambda v: v.sin() + 1, lambda v: v.cos() * 2, [x])


class Layers(nn.Module):
    """What optimize_for_mobile packs and fuses."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, groups=2)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2, bias=False)
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = F.relu(self.conv(x))
        z = F.hardtanh(self.fc(y.mean((2, 3))), -0.25, 0.5)
        return self.up(y), F.relu(z + y.amax((2, 3)))


def randomised(kind: type, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    module = kind()
    for p in module.parameters():
        nn.init.uniform_(p, -1, 1)
    return module.eval()


Inputs = Tuple[Tensor, ...]


def flat(value) -> List[np.ndarray]:
    if isinstance(value, Tensor):
        return [value.detach().numpy()]
    if isinstance(value, dict):
        return [a for v in value.values() for a in flat(v)]
    return [a for v in value for a in flat(v)]


def write_values(path: Path, module: nn.Module, sets: List[Inputs]) -> None:
    arrays = {}
    for k, inputs in enumerate(sets):
        with torch.no_grad():
            outputs = flat(module(*[t.clone() for t in inputs]))
        names = inspect.signature(module.forward).parameters
        arrays.update({f"{k}/in/{name}": t.numpy() for name, t in zip(names, inputs)})
        arrays.update({f"{k}/out/{i}": a for i, a in enumerate(outputs)})
    np.savez_compressed(path, **arrays)


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


IDS = torch.tensor([[1, 4, 6, 0, 2], [3, 3, 5, 1, 0]])
N = torch.tensor([7, 5, 2, 9])
# How it is saved, under which name, the module, sets of inputs; the first is the example.
CASES = [
    ("trace", "net_traced", Net, [(numbers(2, 2, 6, 8),)]),
    ("script", "net_scripted", Net, [(numbers(2, 2, 6, 8),)]),
    ("script", "flow", Flow, [(numbers(2, 4),), (numbers(2, 4, seed=2) - 3,), (numbers(2, 4), numbers(4, seed=3))]),
    ("script", "index", Index, [(numbers(2, 4), N)]),
    ("trace", "index_traced", Index, [(numbers(2, 4), N)]),
    ("script", "recurrent", Recurrent, [(IDS,)]),
    ("script", "attends", Attends, [(numbers(2, 3, 8),)]),
    ("script", "counts", Counts, [(numbers(2, 3),)]),
    ("lite", "net_lite", Net, [(numbers(2, 2, 6, 8),)]),
    ("lite", "flow_lite", Flow, [(numbers(2, 4),), (numbers(2, 4, seed=2) - 3,)]),
    ("mobile", "layers_mobile", Layers, [(numbers(2, 2, 6, 8),)]),
    ("mobile", "net_mobile", Net, [(numbers(2, 2, 6, 8),)]),
    ("frozen", "net_frozen", Net, [(numbers(2, 2, 6, 8),)]),
    ("export", "net", Net, [(numbers(2, 2, 6, 8),)]),
    ("decomposed", "net_decomposed", Net, [(numbers(2, 2, 6, 8),)]),
    ("export", "index", Index, [(numbers(2, 4), N)]),
    ("export", "attends", Attends, [(numbers(2, 3, 8),)]),
    ("decomposed", "attends_decomposed", Attends, [(numbers(2, 3, 8),)]),
    ("export", "counts", Counts, [(numbers(2, 3),)]),
    ("decomposed", "counts_decomposed", Counts, [(numbers(2, 3),)]),
    ("export dynamic", "sized", Sized, [(numbers(4, 6),), (numbers(3, 9),)]),
    ("decomposed dynamic", "sized_decomposed", Sized, [(numbers(4, 6),), (numbers(3, 9),)]),
    ("export", "conditional", Conditional, [(numbers(2, 3),), (numbers(2, 3) - 9,)]),
]


def save_program(module: nn.Module, example: Inputs, how: str, path: Path) -> None:
    from torch import export

    options = {}
    if "dynamic" in how and not hasattr(export, "Dim"):  # PyTorch 2.1
        batch, size = (export.dynamic_dim(example[0], i) for i in (0, 1))
        options["constraints"] = [2 <= batch, batch <= 64, 3 <= size, size <= 100]
    elif "dynamic" in how:
        options["dynamic_shapes"] = ({0: export.Dim("batch", min=2, max=64), 1: export.Dim("size", min=3, max=100)},)
    program = export.export(module, example, **options)
    if "decomposed" in how:
        program = program.run_decompositions()
    export.save(program, str(path))


def main() -> None:
    release = torch.__version__.split("+")[0]
    folder = Path(sys.argv[1]) / release
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (how, name, kind, sets) in enumerate(CASES):
        exported = how.startswith(("export", "decomposed"))
        if exported and not hasattr(torch, "export"):
            continue
        path = folder / (name + (".pt2" if exported else ".ptl" if how in ("lite", "mobile") else ".pt"))
        module = randomised(kind, seed)
        try:
            if exported:
                save_program(randomised(kind, seed), sets[0], how, path)
            elif how == "trace":
                torch.jit.trace(module, sets[0]).save(str(path))
            elif how == "frozen":
                torch.jit.freeze(torch.jit.script(module)).save(str(path))
            elif how == "mobile":
                optimize_for_mobile(torch.jit.trace(module, sets[0]))._save_for_lite_interpreter(str(path))
            elif how == "lite":
                torch.jit.script(module)._save_for_lite_interpreter(str(path))
            else:
                torch.jit.script(module).save(str(path))
        except Exception as error:  # noqa: BLE001  that release cannot save it
            print(f"{release} {name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            path.unlink(missing_ok=True)
            continue
        write_values(Path(f"{path}.npz"), randomised(kind, seed), sets)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
