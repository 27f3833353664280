"""Writes src/targets/tensorrt/operators.inc: which operators of ONNX each TensorRT release takes, and of which types.

    python scripts/tensorrt_operators.py FOLDER

FOLDER holds docs/operators.md of github.com/onnx/onnx-tensorrt as each release has it, named 8.2.md, 10.14.md and so on.
TensorRT-RTX's rows come from rtx_measured.txt, which scripts/tensorrt_rtx_measure.py writes; what it did not measure is taken
from the newest of the tables.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src/targets/tensorrt"
TYPES = {
    "FP32": "kF32", "FP16": "kF16", "BF16": "kBF16", "FP8": "kF8", "FP4": "kF4", "INT4": "kI4", "INT8": "kI8",
    "INT32": "kI32", "INT64": "kI64", "UINT8": "kU8", "BOOL": "kBool",
}  # fmt: skip

# Restrictions in our words, by the hash of the cell that they stand for: a cell that is new stops the script.
WORDS = {
    "f6c2ece6": "inputs of rank 4; no past keys and values, one output, no softcap",  # Attention
    "c8b1045b": "1 to 3 spatial axes, no dilations",  # AveragePool
    "80041be6": "1 to 3 spatial axes, no dilations",  # AveragePool
    "b192b427": "no sparse values, no strings",  # Constant
    "a70ba256": "1 to 3 spatial axes, weights that are initializers",  # Conv
    "dc586ccd": "1 to 3 spatial axes, weights that are initializers",  # ConvTranspose
    "53632447": "a constant axis",  # CumSum
    "3d044d67": "a constant axis",  # CumSum
    "70d9341f": "1 or 2 spatial axes, the same padding before and after",  # DeformConv
    "2a5f3628": "a zero point of 0",  # DequantizeLinear
    "d5dbf54e": "training_mode a constant false",  # Dropout
    "ae3c9019": "training_mode a constant false",  # Dropout
    "b515745a": "no ellipsis, no diagonal, no broadcasting",  # Einsum
    "495429ca": "a fixed shape",  # EyeLike
    "5ebe5885": "the same activations in both directions",  # GRU
    "bc82d572": "rank 4",  # GridSample
    "eb5abac7": "a fixed size along the axis",  # Hardmax
    "d25ef168": "branches whose results have the same rank",  # If
    "37eb7406": "branches whose results broadcast",  # If
    "89bb852e": "scale and bias that are initializers, rank 3 to 5",  # InstanceNormalization
    "15458ae8": "the same activations in both directions, input_forget 0, layout 0",  # LSTM
    "236ff567": "the same activations in both directions",  # LSTM
    "3a32a335": "the first output alone",  # LayerNormalization
    "c768dc6a": "scan outputs of a known length, carried values of one shape",  # Loop
    "da25cb3e": "no dilations",  # LpPool
    "2d766a83": "1 to 3 spatial axes, no indices, no dilations",  # MaxPool
    "6be89a29": "1 to 3 spatial axes, no indices, no dilations",  # MaxPool
    "f3a9f710": "thresholds that are initializers; the output is padded to a fixed length",  # NonMaxSuppression
    "d58349ae": "a constant depth",  # OneHot
    "95c3d6aa": "a zero point of 0",  # QuantizeLinear
    "7ee88da8": "the same activations in both directions",  # RNN
    "270ab39c": "any seed: it is ignored",  # RandomUniformLike
    "48eec756": "floating-point bounds only where all are initializers",  # Range
    "16ff5991": "nearest, linear or cubic; no crop, no antialiasing, no aspect ratio policy",  # Resize
    "afd7fa61": "nearest, linear or cubic; no crop, no antialiasing, no aspect ratio policy",  # Resize
    "6694f514": "a fixed shape",  # ReverseSequence
    "0b11ade0": "position_ids of type int64",  # RotaryEmbedding
    "7c03be71": "constant frame_step and window, a real signal",  # STFT
    "04fa79ab": "no reduction",  # ScatterND
    "bb8d81d7": "no reduction",  # ScatterND
    "b1572d02": "constant axes",  # Squeeze
    "490913e2": "rank 4, axis -2",  # TensorScatter
    "55c54b24": "sorted results, k up to 3840",  # TopK
    "c81163ae": "a constant k",  # TopK
    "2d6f586f": "constant axes",  # Unsqueeze
    "9618a71b": "constant axes",  # Unsqueeze
}

# Releases whose table is not at hand: from the Changelog of onnx-tensorrt, the release in which a row became what the next
# table shows.
CHANGED = {
    "Slice": "10.3", "Pad": "10.4", "BlackmanWindow": "10.4", "HammingWindow": "10.4", "HannWindow": "10.4", "STFT": "10.5",
    "Squeeze": "10.7", "Unsqueeze": "10.7", "CumSum": "10.8", "Constant": "10.8", "ConstantOfShape": "10.8",
    "DequantizeLinear": "10.8", "ScatterND": "10.9", "Pow": "10.12",
}  # fmt: skip

# Where a table says another thing than the importers of the same release (builtin_op_importers.cpp).
INTEGERS = ("FP32", "FP16", "INT32")
REDUCTIONS = [f"Reduce{kind}" for kind in ("L1", "L2", "LogSum", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")]
CORRECTED = {
    ("8.2", "Reciprocal"): ("FP32", "FP16"),
    ("8.4", "HardSwish"): ("FP32", "FP16"),
    ("8.4", "RandomNormal"): None,
    ("8.4", "RandomNormalLike"): None,
    # These take what the layer takes that they become.
    **{(v, op): INTEGERS for v in ("8.2", "8.4", "8.5", "8.6") for op in REDUCTIONS},
    **{(v, "ConstantOfShape"): ("FP32", "FP16", "INT32", "BOOL") for v in ("8.2", "8.4", "8.5", "8.6")},
    **{(v, "NonZero"): ("FP32", "FP16", "INT32", "INT8", "BOOL") for v in ("8.5", "8.6")},
    **{
        (v, "NonZero"): ("FP32", "FP16", "BF16", "INT32", "INT64", "INT8", "BOOL")
        for v in ("9.0", "9.1", "9.2", "9.3", "10.0", "10.1", "10.6", "10.14", "10.15", "11.0")
    },
    # The row has no types until 10.15.
    **{(v, f"{kind}Window"): ("FP32", "FP16") for v in ("10.6", "10.14") for kind in ("Blackman", "Hamming", "Hann")},
}

# The newest opset, where a table does not say it for its release alone: NVIDIA/TensorRT's release notes for 11.5.
OPSETS = {"11.5": 25}


@dataclass(frozen=True)
class Row:
    taken: bool
    types: tuple[str, ...] = ()
    restriction: str = ""


def number(version: str) -> int:
    major, minor = version.split(".")
    return int(major) * 100 + int(minor)


def words(operator: str, cell: str) -> str:
    if not cell:
        return ""
    key = hashlib.sha1(re.sub(r"\s+", " ", cell).encode()).hexdigest()[:8]
    if key not in WORDS:
        raise SystemExit(f"no words for a restriction of {operator}, {key}: {cell}")
    return WORDS[key]


def read_table(path: Path) -> tuple[dict[str, Row], int]:
    """The rows of a table, and its newest opset."""
    text, version = path.read_text(), path.stem
    opset = int(re.search(r"(?i)supports operators .*?opset (\d+)\.", text)[1])
    rows: dict[str, Row] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:]]
        if len(cells) < 2 or not re.fullmatch(r"\w+", cells[0]) or cells[0] == "Operator":
            continue
        operator, taken = cells[0], cells[1].startswith("Y")
        named = [n.replace("INF64", "INT64") for n in re.findall(r"\w+", cells[2])] if taken and len(cells) > 2 else []
        row = Row(taken, tuple(t for t in TYPES if t in named), words(operator, cells[3]) if taken and len(cells) > 3 else "")
        if operator not in rows or row.taken:  # one table has a row twice
            rows[operator] = row
    for (release, operator), types in CORRECTED.items():
        if release == version:
            restriction = rows[operator].restriction if operator in rows else ""
            rows[operator] = Row(types is not None, tuple(t for t in TYPES if t in (types or ())), restriction)
    return rows, opset


def read_measurement(newest: dict[str, Row]) -> tuple[str, dict[str, Row]]:
    """TensorRT-RTX's version, and its rows."""
    rows = dict(newest)
    text = (HERE / "rtx_measured.txt").read_text()
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        operator, taken, _, types, refused = line.split()[:5]
        documented = newest.get(operator, Row(False))
        kept = [t for t in TYPES if t in types.split(",") or (t in documented.types and t not in refused.split(","))]
        # Of these the main input's type says nothing: what they carry is what their graphs take.
        if operator in ("If", "Loop", "Scan"):
            kept = list(documented.types)
        is_taken = types != "-" and int(taken) > 0
        rows[operator] = Row(True, tuple(kept), documented.restriction) if is_taken else Row(False)
    return re.search(r"TensorRT-RTX ([\d.]+)", text)[1], rows


def text(operator: str, since: int, row: Row) -> str:
    types = " | ".join(TYPES[t] for t in row.types) or "0"
    return f'{{"{operator}", {since}, {str(row.taken).lower()}, {types}, "{row.restriction}"}},'


def main() -> None:
    paths = sorted(Path(sys.argv[1]).glob("*.md"), key=lambda p: number(p.stem))
    tables = [(path.stem, *read_table(path)) for path in paths]
    versions = [version for version, _, _ in tables]
    lines = []
    for operator in sorted({operator for _, rows, _ in tables for operator in rows}):
        before, last = None, versions[0]
        for version, rows, _ in tables:
            row = rows.get(operator, Row(False))
            if row != before and (row.taken or before is not None):
                changed = CHANGED.get(operator, version)
                inside = number(last) < number(changed) < number(version)
                lines.append(text(operator, number(changed if inside else version), row))
            before, last = row, version
    opsets, newest = [], 0
    for version, opset in sorted([*((v, o) for v, _, o in tables), *OPSETS.items()], key=lambda item: number(item[0])):
        if opset != newest:
            opsets.append(f"{{{number(version)}, {opset}}},")
        newest = opset
    rtx_version, measured = read_measurement(tables[-1][1])
    rtx = [text(operator, 0, row) for operator, row in sorted(measured.items()) if row.taken]
    out = [
        f"// Written by scripts/tensorrt_operators.py from onnx-tensorrt's docs/operators.md of {', '.join(versions)}; do not edit.",
        "// clang-format off",
        "// Operator, first release that the row holds for (major * 100 + minor; until the operator's next row), whether it is taken,",
        "// the types, what restricts it.",
        "inline constexpr OperatorRow kOperators[] = {",
        *lines,
        "};",
        f"// The same of TensorRT-RTX, as measured on {rtx_version}.",
        "inline constexpr OperatorRow kRtxOperators[] = {",
        *rtx,
        "};",
        "// First release, newest opset that its parser takes.",
        "inline constexpr OpsetRow kOpsets[] = {",
        *opsets,
        "};",
    ]
    (HERE / "operators.inc").write_text("\n".join(out) + "\n")
    print(f"{len(lines)} rows of TensorRT, {len(rtx)} of TensorRT-RTX")


if __name__ == "__main__":
    main()
