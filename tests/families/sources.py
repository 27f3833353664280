"""The model families that the sweep covers: one or more small models of each, with example inputs.

A subject is built with random weights from configurations alone; nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Inputs = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Subject:
    """One model of a family."""

    library: str
    family: str
    name: str
    build: Callable[[], tuple[nn.Module, Inputs]]
    kinds: tuple[str, ...] = ("traced", "scripted", "exported")
    dynamic: Any = None  # what varies in the exported file, as torch.export's dynamic_shapes with names for Dims

    @property
    def key(self) -> str:
        return f"{self.library}/{self.family}/{self.name}"


def image(*shape: int, seed: int = 7) -> torch.Tensor:
    """Random images that are smooth enough not to look like noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(*shape[:-2], max(shape[-2] // 8, 2), max(shape[-1] // 8, 2), generator=generator)
    flat = coarse.reshape(-1, 1, *coarse.shape[-2:])
    smooth = nn.functional.interpolate(flat, size=shape[-2:], mode="bilinear", align_corners=False)
    return smooth.reshape(shape) + 0.2 * torch.randn(shape, generator=generator)


# --- timm: the smallest model of every module

_SMALL = ("test_", "atto", "femto", "pico", "nano", "xxs", "tiny", "_xs", "xt", "_t", "_s", "small", "18", "b0", "_0")


def _timm_names(module: str) -> list[str]:
    import timm

    names = timm.list_models(module=module)
    small = [n for n in names if any(word in n for word in _SMALL)]
    return (small or names)[:8]


def _timm_smallest(module: str) -> str:
    import timm

    sizes = {}
    for name in _timm_names(module):
        with contextlib.suppress(Exception), torch.device("meta"):
            sizes[name] = sum(p.numel() for p in timm.create_model(name, pretrained=False).parameters())
    return min(sizes, key=sizes.__getitem__) if sizes else _timm_names(module)[0]


def _timm_build(name: str) -> tuple[nn.Module, Inputs]:
    import timm

    model = timm.create_model(name, pretrained=False).eval()
    return model, (image(1, *model.pretrained_cfg["input_size"]),)


def timm_subjects() -> Iterator[Subject]:
    import timm

    for module in timm.list_modules():
        if not timm.list_models(module=module):
            continue
        name = _timm_smallest(module)
        yield Subject("timm", module, name, lambda name=name: _timm_build(name))


# --- torchvision: every model


def _torchvision_build(name: str, shape: tuple[int, ...], **more: Any) -> tuple[nn.Module, Inputs]:
    import torchvision

    options = {"weights": None, **more}
    if name.startswith(("googlenet", "inception")):
        options |= {"init_weights": False}
    return torchvision.models.get_model(name, **options).eval(), (image(*shape),)


def torchvision_subjects() -> Iterator[Subject]:
    import torchvision
    from torchvision import models

    for name in models.list_models(module=models):
        shape = (1, 3, 299, 299) if name == "inception_v3" else (1, 3, 224, 224)
        yield Subject("torchvision", "classification", name, lambda n=name, s=shape: _torchvision_build(n, s))
    for name in models.list_models(module=models.segmentation):
        yield Subject("torchvision", "segmentation", name, lambda n=name: _torchvision_build(n, (1, 3, 160, 224), weights_backbone=None))
    for name in models.list_models(module=models.video):
        frames = 16 if name in ("mvit_v1_b", "mvit_v2_s", "s3d") else 8
        size = 224 if "mvit" in name or name == "s3d" else 112
        yield Subject(
            "torchvision", "video", name, lambda n=name, f=frames, s=size: _torchvision_build(n, (1, 3, f, s, s))
        )
    for name in models.list_models(module=models.optical_flow):
        yield Subject("torchvision", "optical flow", name, lambda n=name: _raft(n))
    del torchvision


def _raft(name: str) -> tuple[nn.Module, Inputs]:
    import torchvision

    class LastFlow(nn.Module):
        """RAFT gives the flow after each of its updates; the last one counts."""

        def __init__(self) -> None:
            super().__init__()
            self.raft = torchvision.models.get_model(name, weights=None)

        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return self.raft(first, second, num_flow_updates=3)[-1]

    return LastFlow().eval(), (image(1, 3, 128, 160), image(1, 3, 128, 160, seed=8))


# --- transformers: from small configurations


class Outputs(nn.Module):
    """A model of transformers with tensors as arguments and a tuple of tensors as result."""

    def __init__(self, model: nn.Module, names: tuple[str, ...], extra: dict[str, object]) -> None:
        super().__init__()
        self.model, self.names, self.extra = model, names, extra

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        result = self.model(**dict(zip(self.names, tensors, strict=True)), **self.extra, return_dict=True)
        return tuple(v for v in result.values() if isinstance(v, torch.Tensor))


def _ids(*shape: int, high: int = 100, seed: int = 3) -> torch.Tensor:
    return torch.randint(1, high, shape, generator=torch.Generator().manual_seed(seed))


def _text(config: str, model: str, **settings: object) -> Callable[[], tuple[nn.Module, Inputs]]:
    def build() -> tuple[nn.Module, Inputs]:
        import transformers

        made = getattr(transformers, model)(getattr(transformers, config)(**settings)).eval()
        mask = torch.ones(2, 12, dtype=torch.int64)
        mask[1, 8:] = 0
        return Outputs(made, ("input_ids", "attention_mask"), {}), (_ids(2, 12), mask)

    return build


def _causal(config: str, model: str, **settings: object) -> Callable[[], tuple[nn.Module, Inputs]]:
    def build() -> tuple[nn.Module, Inputs]:
        import transformers

        made = getattr(transformers, model)(getattr(transformers, config)(**settings)).eval()
        return Outputs(made, ("input_ids",), {"use_cache": False}), (_ids(2, 12),)

    return build


class WithCache(nn.Module):
    """A decoder whose cache of keys and values goes in and comes out as tensors, two for each layer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        from transformers import DynamicCache

        cache = DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        result = self.model(ids, past_key_values=cache, use_cache=True)
        present = [t for layer in result.past_key_values.layers for t in (layer.keys, layer.values)]
        return (result.logits, *present)


def _gpt2_with_cache() -> tuple[nn.Module, Inputs]:
    import transformers

    config = transformers.GPT2Config(n_layer=2, n_head=4, n_embd=64, vocab_size=100, n_positions=64)
    model = WithCache(transformers.GPT2LMHeadModel(config).eval())
    generator = torch.Generator().manual_seed(5)
    past = [torch.randn(2, 4, 6, 16, generator=generator) for _ in range(4)]
    return model.eval(), (_ids(2, 1), *past)


def _llama_with_cache() -> tuple[nn.Module, Inputs]:
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    model = WithCache(transformers.LlamaForCausalLM(config).eval())
    generator = torch.Generator().manual_seed(5)
    past = [torch.randn(2, 2, 6, 16, generator=generator) for _ in range(4)]
    return model.eval(), (_ids(2, 1), *past)


def _vision(config: str, model: str, shape: tuple[int, ...], **settings: object) -> Callable[[], tuple[nn.Module, Inputs]]:
    def build() -> tuple[nn.Module, Inputs]:
        import transformers

        made = getattr(transformers, model)(getattr(transformers, config)(**settings)).eval()
        return Outputs(made, ("pixel_values",), {}), (image(*shape),)

    return build


def _t5() -> tuple[nn.Module, Inputs]:
    import transformers

    config = transformers.T5Config(
        vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    model = transformers.T5ForConditionalGeneration(config).eval()
    return Outputs(model, ("input_ids", "decoder_input_ids"), {"use_cache": False}), (_ids(2, 9), _ids(2, 7, seed=4))


def _whisper() -> tuple[nn.Module, Inputs]:
    import transformers

    config = transformers.WhisperConfig(
        vocab_size=100, num_mel_bins=40, d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128, max_source_positions=50,
        max_target_positions=32, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config).eval()
    features = torch.randn(2, 40, 100, generator=torch.Generator().manual_seed(2))
    return Outputs(model, ("input_features", "decoder_input_ids"), {"use_cache": False}), (features, _ids(2, 7))


def _clip() -> tuple[nn.Module, Inputs]:
    import transformers

    text = {"vocab_size": 100, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "max_position_embeddings": 16, "eos_token_id": 99}  # fmt: skip
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
              "image_size": 64, "patch_size": 16}  # fmt: skip
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    model = transformers.CLIPModel(config).eval()
    return Outputs(model, ("input_ids", "pixel_values"), {}), (_ids(2, 9), image(2, 3, 64, 64))


def _wav2vec2() -> tuple[nn.Module, Inputs]:
    import transformers

    config = transformers.Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(32, 32, 32),
        conv_stride=(5, 2, 2), conv_kernel=(10, 3, 2), num_feat_extract_layers=3, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4, vocab_size=32,
    )  # fmt: skip
    model = transformers.Wav2Vec2ForCTC(config).eval()
    return Outputs(model, ("input_values",), {}), (torch.randn(1, 1600, generator=torch.Generator().manual_seed(1)),)


def _detr() -> tuple[nn.Module, Inputs]:
    import transformers

    backbone = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic", out_features=["stage2"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=32,
        encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64,
        decoder_ffn_dim=64, num_queries=10,
    )  # fmt: skip
    model = transformers.DetrForObjectDetection(config).eval()
    return Outputs(model, ("pixel_values",), {}), (image(1, 3, 96, 128),)


def transformers_subjects() -> Iterator[Subject]:
    small = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    decoder = small | {"num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 64}
    builds = {
        "bert": _text("BertConfig", "BertModel", vocab_size=100, **small),
        "distilbert": _text("DistilBertConfig", "DistilBertModel", vocab_size=100, dim=64, n_layers=2, n_heads=4,
                            hidden_dim=128),
        "gpt2": _causal("GPT2Config", "GPT2LMHeadModel", n_layer=2, n_head=4, n_embd=64, vocab_size=100),
        "gpt2 with cache": _gpt2_with_cache,
        "t5": _t5,
        "whisper": _whisper,
        "clip": _clip,
        "vit": _vision("ViTConfig", "ViTModel", (1, 3, 64, 64), image_size=64, patch_size=16, **small),
        "llama": _causal("LlamaConfig", "LlamaForCausalLM", **decoder),
        "llama with cache": _llama_with_cache,
        "qwen2": _causal("Qwen2Config", "Qwen2ForCausalLM", **decoder),
        "qwen3": _causal("Qwen3Config", "Qwen3ForCausalLM", head_dim=16, **decoder),
        "sam encoder": _vision("SamVisionConfig", "SamVisionModel", (1, 3, 64, 64), image_size=64, patch_size=8,
                               hidden_size=32, num_hidden_layers=2, num_attention_heads=4, mlp_dim=64,
                               output_channels=16, window_size=4, global_attn_indexes=[1]),
        "wav2vec2": _wav2vec2,
        "detr": _detr,
        "segformer": _vision("SegformerConfig", "SegformerForSemanticSegmentation", (1, 3, 64, 64),
                             depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 40, 64], decoder_hidden_size=32),
    }  # fmt: skip
    tokens, past = {0: "batch", 1: "length"}, {0: "batch", 2: "past"}
    varies = dict.fromkeys(("bert", "distilbert"), ((tokens, tokens),))
    varies |= dict.fromkeys(("gpt2", "llama", "qwen2", "qwen3"), ((tokens,),))
    varies |= dict.fromkeys(("gpt2 with cache", "llama with cache"), ({0: "batch"}, (past,) * 4))
    for family, build in builds.items():
        yield Subject("transformers", family, family, build, kinds=("traced", "exported"), dynamic=varies.get(family))


LIBRARIES = {"timm": timm_subjects, "torchvision": torchvision_subjects, "transformers": transformers_subjects}


def subjects(library: str) -> list[Subject]:
    """All subjects of a library."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        return list(LIBRARIES[library]())
