"""Writes the files that the tests of src/archive read, into the folder of this script.

Needs torch, numpy and ml_dtypes. The outputs are committed; run it again only to add a case.
"""
import collections
import io
import os
import pickle
import sys
import zipfile

import ml_dtypes
import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
os.chdir(HERE)


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 4)
        self.fc.weight.data = torch.arange(12, dtype=torch.float32).reshape(4, 3)
        self.fc.bias.data = torch.tensor([0.5, -1.0, 2.0, 0.0])
        self.register_buffer("mask", torch.tensor([True, False]))
        self.sizes = [1, 2, 3]

    def forward(self, x):
        y = torch.relu(self.fc(x))
        return y + torch.tensor([1.0, 2.0, 3.0, 4.0])


def views():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(
        plain=base,
        transposed=base.t(),
        window=base[1:3, 2:5],
        stepped=base[::2, ::3],
        expanded=torch.tensor([7.0]).expand(2, 3),
        scalar=base[2, 3],
        empty=torch.zeros(0, 5),
        half=torch.tensor([1.5, -2.0], dtype=torch.half),
        brain=torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        long=torch.tensor([[1, -2], [3, 4]]),
        float8=torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn),
        uint16=torch.tensor([1, 65535], dtype=torch.uint16),
        complex=torch.tensor([1 + 2j]),
        parameter=torch.nn.Parameter(torch.ones(2)),
        quantized=torch.quantize_per_tensor(torch.tensor([0.0, 1.0]), 0.5, 3, torch.quint8),
        channels=torch.quantize_per_channel(
            torch.ones(2, 2), torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), 0, torch.qint8),
    )


def deflated(source, target):
    with zipfile.ZipFile(source) as z, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in z.namelist():
            out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), z.read(name), zipfile.ZIP_DEFLATED)


def arrays():
    out = {}
    for code in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"):
        out[code] = np.array([[0, 1, 2], [3, 4, 5]]).astype(code)
        if code[1:] != "1":
            out["big_" + code] = out[code].astype(">" + code)
        out["fortran_" + code] = np.asfortranarray(out[code])
    out["bf16"] = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    out["scalar"] = np.float32(2.5)
    out["empty"] = np.zeros((0, 3), np.float32)
    return out


def main():
    np.savez_compressed("arrays.npz", **arrays())
    np.save("array.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    np.save("objects.npy", np.array([None, 1], dtype=object))
    np.save("records.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i8")]))
    # Source ranges as PyTorch wrote them before it had a table of strings.
    text = "def forward(self, x):\n    y = x + 1\n    return y\n"
    source = (text, "old.py", 40)
    with open("ranges_old.pkl", "wb") as f:
        pickle.dump(((0, ((text, None, 0), 0, 0)), (120, (source, text.index("x + 1"), 37)),
                     (150, (source, text.index("return"), 50))), f, protocol=2)
    torch.manual_seed(0)
    model = Small().eval()
    torch.jit.trace(model, torch.zeros(2, 3)).save("traced.pt")
    torch.jit.script(model).save("scripted.pt")
    torch.jit.script(model)._save_for_lite_interpreter("lite.ptl")
    deflated("scripted.pt", "scripted_deflated.pt")
    torch.save(views(), "views.pt")
    torch.save(model.state_dict(), "state_dict.pt")
    torch.save(model.state_dict(), "state_dict_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(model, "module.pt")
    torch.save(model, "module_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": model.state_dict(), "epoch": 3, "pytorch-lightning_version": "2.5.0",
                "hyper_parameters": {"width": 3}}, "lightning.ckpt")
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3),)), "exported.pt2")
    # The pickler recurses; written by hand it need not.
    with open("deep.pkl", "wb") as f:
        f.write(b"\x80\x02" + b"]" * 3000 + b"a" * 2999 + b".")
    for protocol in (2, 3, 4, 5):
        value = {"none": None, "yes": True, "int": -5, "big": 1 << 70, "long": -(1 << 40), "float": 1.5,
                 "text": "grüße", "bytes": b"\x00\xff", "tuple": (1, (2, 3), ()), "list": [1, [2]],
                 "set": {7}, "ordered": collections.OrderedDict(a=1), "class": io.BytesIO,
                 "complex": 1 + 2j}
        value["again"] = value["list"]
        with open(f"values_{protocol}.pkl", "wb") as f:
            pickle.dump(value, f, protocol=protocol)
    own = [1]
    own.append(own)
    with open("cyclic.pkl", "wb") as f:
        pickle.dump(own, f, protocol=2)
    with open("system.pkl", "wb") as f:
        f.write(b"\x80\x02cos\nsystem\nX\x0a\x00\x00\x00touch oops\x85R.")


if __name__ == "__main__":
    sys.exit(main())
