"""Modules that PyTorch's own workflows quantise (eager and FX; static, dynamic, trained for quantisation), converted,
run in our engine and, at several opsets, in ONNX Runtime, against PyTorch.

Results that were rounded to steps of a scale may be one step off in one of fifty elements for each rounding on the way:
PyTorch computes with integers and rounds its biases too, so that a value near the middle between two steps may come out
on either side, and each layer hands on what the ones before did.

usage: quantised_modules.py TENON WORK_DIRECTORY [PATTERN]
TENON_SEED draws other inputs.
"""

import fnmatch
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.ao import quantization as aq
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.quantization import quantize_fx as fx

OPSETS = (11, 13, 18, 21)
SEED = int(os.environ.get("TENON_SEED", "0"))
OFTEN = 50  # of so many elements, one may be a step off for each rounding


class Plain(nn.Module):
    """Convolutions with and without activations, a residual sum, pooling, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Conv2d(8, 8, 1)
        self.sum = FloatFunctional()
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.first(x), 3, 2, 1)
        x = self.sum.add_relu(x, self.second(self.depthwise(x)))
        return self.fc(torch.flatten(self.pool(x), 1))

    def fuse(self) -> None:
        fuse = aq.fuse_modules_qat if self.training else aq.fuse_modules
        for part in ("first", "depthwise"):
            fuse(self, [[f"{part}.0", f"{part}.1", f"{part}.2"]], inplace=True)


class Stubs(nn.Module):
    """What eager quantisation asks for around a model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.quant, self.model, self.dequant = aq.QuantStub(), model, aq.DeQuantStub()

    def forward(self, x: Tensor) -> Tensor:
        return self.dequant(self.model(self.quant(x)))


class Activations(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(5))
        self.acts = nn.ModuleList([nn.Hardswish(), nn.ELU(), nn.LeakyReLU(0.1), nn.ReLU6(), nn.Sigmoid()])
        self.cat = FloatFunctional()

    def forward(self, x: Tensor) -> Tensor:
        parts: List[Tensor] = []
        for conv, act in zip(self.convs, self.acts):
            parts.append(act(conv(x)))
        return self.cat.cat(parts, 1)


class Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.batch, self.group, self.instance = nn.BatchNorm2d(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)
        self.layer = nn.LayerNorm(6)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.instance(self.group(self.batch(self.conv(x)))))


class Upwards(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 6, 3, 2, 1, 1)
        self.conv = nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(self.conv(self.up(x)), scale_factor=2.0, mode="nearest")


class Signal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv1d(3, 8, 5, 2, 2), nn.Conv1d(8, 4, 3, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool1d(torch.relu(self.b(torch.relu(self.a(x)))), 2)


class Volume(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv3d(2, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(self.conv(x)))


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Functional(nn.Module):
    """What FX finds in the code: sums, products, concatenations, shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1), nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.a(x), torch.relu(self.b(x))
        y = torch.cat([a + b, a * b], 1)
        y = nn.functional.hardtanh(y, -1.0, 2.0).mean([2, 3]).view(x.size(0), -1)
        return nn.functional.hardswish(self.fc(y)) + 1.0


class Recurrent(nn.Module):
    def __init__(self, kind: Callable[..., nn.Module], **options: object) -> None:
        super().__init__()
        self.rnn = kind(8, 6, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0]


class Cell(nn.Module):
    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.cell = kind(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x)


class LstmCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(8, 6)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return self.cell(x)


class Bags(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.EmbeddingBag(20, 16, mode="sum")

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        return self.bags(x, offsets)


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.fc = nn.Embedding(20, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.table(x))


def settle(model: nn.Module, x: Tensor) -> nn.Module:
    """Statistics and scales of which no layer's is trivial."""
    generator = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.uniform_(-0.2, 0.2, generator=generator)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2, generator=generator))
    return model


def calibrate(model: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        for seed in range(3):
            model(torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)))


# --- the workflows


def qconfig_of(engine: str) -> aq.QConfig:
    """PyTorch's own; for oneDNN with activations of 7 bits. Where a processor lacks VNNI, oneDNN adds pairs of products in
    16 bits, which saturate for 8, and what PyTorch computes is then tens of steps from the sum of the products."""
    default = aq.get_default_qconfig(engine)
    if engine != "onednn":
        return default
    return aq.QConfig(activation=aq.HistogramObserver.with_args(reduce_range=True), weight=default.weight)


def eager(model: nn.Module, x: Tensor, engine: str, keep_observers: bool = False) -> nn.Module:
    model = model.eval()
    if isinstance(model, Plain):
        model.fuse()
    model = Stubs(model).eval()
    model.qconfig = qconfig_of(engine)
    aq.prepare(model, inplace=True)
    calibrate(model, x)
    return model if keep_observers else aq.convert(model)


def trained(model: nn.Module, x: Tensor, engine: str, stage: str) -> nn.Module:
    """Trained for quantisation: `prepared` has fake quantisation in it, whose observers are off; `converted` has not."""
    model.train()
    if isinstance(model, Plain):
        model.fuse()
    model = Stubs(model).train()
    model.qconfig = aq.get_default_qat_qconfig(engine)
    aq.prepare_qat(model, inplace=True)
    calibrate(model, x)
    model.eval().apply(aq.disable_observer)
    return model if stage == "prepared" else aq.convert(model)


def graph_mode(model: nn.Module, x: Tensor, engine: str, stage: str = "converted") -> nn.Module:
    mapping = aq.get_default_qconfig_mapping(engine)
    prepared = fx.prepare_fx(model.eval(), mapping, (x,))
    calibrate(prepared, x)
    return prepared if stage == "prepared" else fx.convert_fx(prepared)


def graph_mode_trained(model: nn.Module, x: Tensor, engine: str, stage: str) -> nn.Module:
    prepared = fx.prepare_qat_fx(model.train(), aq.get_default_qat_qconfig_mapping(engine), (x,))
    calibrate(prepared, x)
    prepared.eval().apply(aq.disable_observer)
    return prepared if stage == "prepared" else fx.convert_fx(prepared)


def graph_mode_reference(model: nn.Module, x: Tensor, engine: str) -> nn.Module:
    """quantize_per_tensor and dequantize around layers of floats."""
    prepared = fx.prepare_fx(model.eval(), aq.get_default_qconfig_mapping(engine), (x,))
    calibrate(prepared, x)
    return fx.convert_to_reference_fx(prepared)


def dynamic(model: nn.Module, *layers: type, dtype: torch.dtype = torch.qint8) -> nn.Module:
    return aq.quantize_dynamic(model.eval(), set(layers), dtype=dtype)


def weights_only(model: nn.Module, qconfig: aq.QConfig) -> nn.Module:
    for module in model.modules():
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            module.qconfig = qconfig
    return aq.convert(aq.prepare(model.eval()))


torch.manual_seed(SEED)
IMAGE, SIGNAL, VOLUME, ROWS = torch.randn(8, 3, 32, 32), torch.randn(2, 3, 40), torch.randn(1, 2, 6, 8, 8), torch.randn(5, 16)
SMALL, STEPS, ONE_STEP = torch.randn(2, 3, 8, 8), torch.randn(7, 3, 8), torch.randn(3, 8)
TOKENS, OFFSETS = torch.tensor([1, 5, 7, 19, 0, 3, 3]), torch.tensor([0, 2, 5])

# name -> how the module is made, its inputs, the kinds of files that PyTorch can make of it
CASES: Dict[str, Tuple[Callable[[], nn.Module], Tuple[Tensor, ...], Tuple[str, ...]]] = {}


def add(name: str, make: Callable[[], nn.Module], *inputs: Tensor) -> None:
    # The hooks of observers and of fake quantisation in eager mode cannot be scripted.
    hooks = name.startswith(("eager_observers", "trained_prepared"))
    CASES[name] = (make, inputs, ("traced",) if hooks else ("traced", "scripted"))


def of(kind: Callable[..., nn.Module], x: Tensor, *options: object) -> nn.Module:
    torch.manual_seed(0)
    return settle(kind(*options), x)


for ENGINE in ("x86", "qnnpack", "fbgemm", "onednn"):
    add(f"eager_{ENGINE}", lambda e=ENGINE: eager(of(Plain, IMAGE), IMAGE, e), IMAGE)
for NAME, KIND, DATA in (("activations", Activations, SMALL), ("normalised", Normalised, SMALL), ("signal", Signal, SIGNAL),
                         ("volume", Volume, VOLUME), ("perceptron", Perceptron, ROWS)):  # fmt: skip
    add(f"eager_{NAME}", lambda k=KIND, d=DATA: eager(of(k, d), d, "x86"), DATA)
add("eager_upwards", lambda: eager(of(Upwards, SMALL), SMALL, "qnnpack"), SMALL)
add("eager_observers", lambda: eager(of(Plain, IMAGE), IMAGE, "x86", keep_observers=True), IMAGE)
add("eager_observers_qnnpack", lambda: eager(of(Plain, IMAGE), IMAGE, "qnnpack", keep_observers=True), IMAGE)
for STAGE in ("prepared", "converted"):
    for ENGINE in ("x86", "qnnpack"):
        add(f"trained_{STAGE}_{ENGINE}", lambda s=STAGE, e=ENGINE: trained(of(Plain, IMAGE), IMAGE, e, s), IMAGE)
    add(f"fx_{STAGE}", lambda s=STAGE: graph_mode(of(Plain, IMAGE), IMAGE, "x86", s), IMAGE)
    add(f"fx_trained_{STAGE}", lambda s=STAGE: graph_mode_trained(of(Plain, IMAGE), IMAGE, "x86", s), IMAGE)
add("fx_functional", lambda: graph_mode(of(Functional, SMALL), SMALL, "x86"), SMALL)
add("fx_perceptron", lambda: graph_mode(of(Perceptron, ROWS), ROWS, "x86"), ROWS)
add("fx_reference", lambda: graph_mode_reference(of(Plain, IMAGE), IMAGE, "x86"), IMAGE)
add("dynamic_perceptron", lambda: dynamic(of(Perceptron, ROWS), nn.Linear), ROWS)
add("dynamic_perceptron_half", lambda: dynamic(of(Perceptron, ROWS), nn.Linear, dtype=torch.float16), ROWS)
for DTYPE, SUFFIX in ((torch.qint8, ""), (torch.float16, "_half")):
    add(f"dynamic_lstm{SUFFIX}", lambda t=DTYPE: dynamic(of(Recurrent, STEPS, nn.LSTM), nn.LSTM, dtype=t), STEPS)
    add(f"dynamic_gru{SUFFIX}", lambda t=DTYPE: dynamic(of(Recurrent, STEPS, nn.GRU), nn.GRU, dtype=t), STEPS)
    for CELL in (nn.GRUCell, nn.RNNCell):
        add(f"dynamic_{CELL.__name__.lower()}{SUFFIX}", lambda t=DTYPE, c=CELL: dynamic(of(Cell, ONE_STEP, c), c, dtype=t), ONE_STEP)
    add(f"dynamic_lstmcell{SUFFIX}", lambda t=DTYPE: dynamic(of(LstmCell, ONE_STEP), nn.LSTMCell, dtype=t), ONE_STEP)
add("dynamic_lstm_deep", lambda: dynamic(of(lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True, batch_first=True), STEPS), nn.LSTM), STEPS)
add("dynamic_gru_deep", lambda: dynamic(of(lambda: Recurrent(nn.GRU, num_layers=2, bidirectional=True), STEPS), nn.GRU), STEPS)
add("embedding", lambda: weights_only(of(Words, ROWS), aq.float_qparams_weight_only_qconfig), TOKENS)
add("embedding_bag", lambda: weights_only(of(Bags, ROWS), aq.float_qparams_weight_only_qconfig), TOKENS, OFFSETS)


def flat(result: object) -> List[np.ndarray]:
    return [t.numpy() for t in (result if isinstance(result, (tuple, list)) else [result])]


def difference(got: List[np.ndarray], want: List[np.ndarray], roundings: int) -> Optional[str]:
    if len(got) != len(want):
        return f"{len(got)} outputs instead of {len(want)}"
    for i, (a, b) in enumerate(zip(got, want)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {i} is {a.dtype}{list(a.shape)} instead of {b.dtype}{list(b.shape)}"
        off = np.abs(a.astype(np.float64) - b)
        near = 1e-5 * np.abs(b).max()
        levels = np.unique(b)
        step = np.diff(levels)[np.diff(levels) > near].min(initial=np.inf) if roundings else 0
        beside = int((off > near).sum())
        if (off > step * 1.001 + near).any() or beside > max(1, max(1, roundings) * b.size // OFTEN):
            return f"output {i}: {beside} of {b.size} off, by up to {off.max():.3g}, a step being {step:.3g}"
    return None


def run_tenon(tenon: str, model: Path, inputs: Tuple[Tensor, ...], shapes: str, work: Path) -> List[np.ndarray]:
    np.savez(work / "in.npz", **{f"input_{i}": t.numpy() for i, t in enumerate(inputs)})
    subprocess.run([tenon, "run", str(model), "--inputs", str(work / "in.npz"), "-o", str(work / "out.npz"), "--shapes", shapes],
                   check=True, capture_output=True, text=True)  # fmt: skip
    with np.load(work / "out.npz") as out:
        return [out[name] for name in out.files]


def run_onnx(tenon: str, model: Path, opset: int, inputs: Tuple[Tensor, ...], shapes: str, work: Path) -> List[np.ndarray]:
    onnx = work / "model.onnx"
    subprocess.run([tenon, "convert", str(model), "-o", str(onnx), "--opset", str(opset), "--shapes", shapes, "-q"],
                   check=True, capture_output=True, text=True)  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    # Optimised, it computes with integers of its own scales.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: t.numpy() for i, t in zip(session.get_inputs(), inputs)})


def specification(inputs: Tuple[Tensor, ...]) -> str:
    types = {torch.int64: ":i64", torch.float32: ":f32"}
    return ",".join(f"input_{i}[{','.join(map(str, t.shape))}]{types[t.dtype]}" for i, t in enumerate(inputs))


def check(tenon: str, name: str, kind: str, work: Path) -> Dict[str, Optional[str]]:
    """What is wrong, or None, for each way in which the file is run."""
    make, inputs, _ = CASES[name]
    torch.backends.quantized.engine = "qnnpack" if name.endswith("qnnpack") or "upwards" in name else "x86"
    model, file = make(), work / f"{name}.{kind}.pt"
    with torch.no_grad():
        want = flat(model(*inputs))
        saved = torch.jit.trace(model, inputs, check_trace=False) if kind == "traced" else torch.jit.script(model)
    saved.save(str(file))
    # Layers that are quantised on the fly give plain floats; of the others, each has the scale of its result.
    on_the_fly = name.startswith(("dynamic", "embedding"))
    roundings = 0 if on_the_fly else max(1, sum("scale" in key for key in model.state_dict()))
    shapes, found = specification(inputs), {}
    # Sums over bags need ScatterElements of opset 16.
    for opset in (None, *(n for n in OPSETS if n > 16 or name != "embedding_bag")):
        try:
            if opset is None:
                got = run_tenon(tenon, file, inputs, shapes, work)
            else:
                got = run_onnx(tenon, file, opset, inputs, shapes, work)
            why = difference(got, want, roundings)
        except subprocess.CalledProcessError as error:
            why = " ".join(error.stderr.split())[:400]
        except Exception as error:  # noqa: BLE001  what ONNX Runtime raises
            why = " ".join(str(error).split())[:300]
        found["engine" if opset is None else f"opset {opset}"] = why
    return found


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    pattern = sys.argv[3] if len(sys.argv) > 3 else "*"
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for name in CASES:
        if not fnmatch.fnmatch(name, pattern):
            continue
        for kind in CASES[name][2]:
            try:
                found = check(tenon, name, kind, work)
            except Exception as error:  # noqa: BLE001  one bad case must not hide the others
                found = {"not made": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
            for way, why in found.items():
                if why:
                    print(f"{name} {kind} {way}: {why}", flush=True)
                failed += bool(why)
                passed += not why
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
