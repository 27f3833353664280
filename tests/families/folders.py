"""Folders of transformers' models, as save_pretrained() writes them: what tenon says of the weights is a script, which is run as it
stands and makes a file that converts.

usage: folders.py FOLDER
"""

import os
import subprocess
import sys
from pathlib import Path

import torch
import transformers

TENON = os.environ.get("TENON", str(Path(__file__).resolve().parents[2] / "build/release/tenon"))
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
MODELS = {
    "bert": lambda: transformers.BertModel(transformers.BertConfig(vocab_size=50, **SMALL)),
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=8, **SMALL)),
    "wav2vec2": lambda: transformers.Wav2Vec2Model(
        transformers.Wav2Vec2Config(vocab_size=32, num_feat_extract_layers=2, conv_dim=(8, 8), conv_stride=(5, 4),
                                    conv_kernel=(10, 8), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, **SMALL)),
}


def check(name: str, folder: Path) -> str:
    torch.manual_seed(0)
    MODELS[name]().eval().save_pretrained(folder)
    weights = folder / "model.safetensors"
    said = subprocess.run([TENON, "inspect", str(weights)], capture_output=True, text=True).stderr
    if "Transformers" not in said:
        return said
    (folder / "save.py").write_text(said.split("by this Python script:\n\n", 1)[1])
    done = subprocess.run([sys.executable, "-W", "ignore", "save.py"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr
    program = folder / "model.program.pt2"
    return subprocess.run([TENON, "convert", str(program), "-o", str(folder / "model.onnx")], capture_output=True, text=True).stderr


def main() -> int:
    failed = 0
    for name in MODELS:
        why = check(name, Path(sys.argv[1]).resolve() / name)
        failed += bool(why)
        if why:
            print(f"{name}: {why}")
    print(f"{len(MODELS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
