"""Stands in for the module of that name: the same format, for tensors of 32-bit floats and 64-bit integers."""

import json
import struct
from pathlib import Path

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def load_file(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(bytearray(rest[slice(*meta["data_offsets"])]), dtype=DTYPES[meta["dtype"]]).reshape(
            meta["shape"]
        )
        for name, meta in header.items()
    }


def save_file(tensors, path):
    header, rest = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        dtype = next(key for key, value in DTYPES.items() if value == tensor.dtype)
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(rest), len(rest) + len(raw)]}
        rest += raw
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + rest)
