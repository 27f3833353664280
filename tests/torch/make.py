"""Writes the cases' programs and PyTorch's outputs: NAME.traced.pt, NAME.exported.pt2, NAME.decomposed.pt2, and
NAME.dynamic.pt2 with every size dynamic that the program leaves open; NAME.npz.

    make.py FOLDER [PATTERN [traced|exported|dynamic]]
"""

import fnmatch
import pathlib
import sys
import warnings

import numpy
import torch

import cases_complex  # noqa: F401
import cases_fourier  # noqa: F401
import cases_linalg  # noqa: F401
import cases_losses  # noqa: F401
import cases_neural  # noqa: F401
import cases_nn  # noqa: F401
import cases_ops  # noqa: F401
import cases_quantised  # noqa: F401
import cases_random  # noqa: F401
import cases_sequence  # noqa: F401
import cases_special  # noqa: F401
import cases_statistics  # noqa: F401
import cases_types  # noqa: F401
import cases_views  # noqa: F401
from case import ALL

warnings.filterwarnings("ignore")


class Program(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def tensors(value):
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors(item)]
    return [value] if isinstance(value, torch.Tensor) else [torch.tensor(value)]


def array(tensor):
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view("V2")
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).numpy()


def same(outputs, others):
    def near(a, b):
        tolerance = 1e-2 if a.dtype in (torch.float16, torch.bfloat16) else 1e-5
        return torch.allclose(a, b, tolerance, tolerance, equal_nan=True)

    return all(near(a, b) for a, b in zip(outputs, others, strict=True))


def write(folder, name, function, inputs, kinds, step):
    model = function.eval() if isinstance(function, torch.nn.Module) else Program(function)
    with torch.no_grad():
        outputs = tensors(model(*[t.clone() for t in inputs]))
        arrays = {f"input_{i}": array(t) for i, t in enumerate(inputs)}
        arrays |= {f"output_{i}": array(t) for i, t in enumerate(outputs)}
        if step:
            arrays["step"] = numpy.float64(step)
        numpy.savez(folder / f"{name}.npz", **arrays)
        if kinds["traced"]:
            traced = torch.jit.trace(model, tuple(t.clone() for t in inputs), check_trace=False)
            torch.jit.save(traced, str(folder / f"{name}.traced.pt"))
        if kinds["scripted"]:
            torch.jit.save(torch.jit.script(model), str(folder / f"{name}.scripted.pt"))
        if kinds["exported"]:
            exported = torch.export.export(model, tuple(t.clone() for t in inputs), strict=False)
            torch.export.save(exported, str(folder / f"{name}.exported.pt2"))
            decomposed = exported.run_decompositions()
            if same(outputs, tensors(decomposed.module()(*[t.clone() for t in inputs]))):
                torch.export.save(decomposed, str(folder / f"{name}.decomposed.pt2"))
            else:
                print(f"left out {name}.decomposed.pt2: PyTorch's own decomposition computes something else")


def write_dynamic(folder, name, function, inputs):
    model = function.eval() if isinstance(function, torch.nn.Module) else Program(function)
    sizes = [{i: torch.export.Dim.AUTO for i in range(t.dim())} for t in inputs]
    shapes = sizes if isinstance(function, torch.nn.Module) else (tuple(sizes),)
    with torch.no_grad():
        exported = torch.export.export(model, tuple(t.clone() for t in inputs), strict=False, dynamic_shapes=tuple(shapes))
        torch.export.save(exported, str(folder / f"{name}.dynamic.pt2"))


def main():
    folder = pathlib.Path(sys.argv[1])
    pattern = sys.argv[2] if len(sys.argv) > 2 else "*"
    folder.mkdir(parents=True, exist_ok=True)
    only = sys.argv[3] if len(sys.argv) > 3 else None
    wrong = 0
    for name, function, inputs, kinds, step in ALL:
        if not fnmatch.fnmatch(name, pattern):
            continue
        dynamic = kinds["exported"] and only in (None, "dynamic")
        kinds = {kind: wanted and only in (None, kind) for kind, wanted in kinds.items()}
        try:
            write(folder, name, function, inputs, kinds, step)
            if dynamic:
                write_dynamic(folder, name, function, inputs)
        except Exception as error:  # one bad case must not hide the others
            wrong += 1
            print(f"cannot make {name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
