"""Gives a model random weights under which every layer matters to the output.

Freshly initialised models hide faults: heads and layer scales are zero or tiny, batch-norm statistics are
those of no data, and whole branches vanish in rounding. Here every parameter is drawn at random, and the
model is then run once on sample inputs while each layer is scaled, as it is reached, so that what it
produces has unit spread.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

Layer = nn.Conv2d | nn.Conv3d | nn.Linear
Norm = nn.BatchNorm2d | nn.BatchNorm3d
CONVOLUTION = (nn.Conv2d, nn.Conv3d)
BATCH_NORM = (nn.BatchNorm2d, nn.BatchNorm3d)
NORM = (*BATCH_NORM, nn.LayerNorm)


def randomise(model: nn.Module, samples: tuple[torch.Tensor, ...], seed: int) -> None:
    """Replaces all parameters and batch-norm statistics of `model`, in place and deterministically."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            for name, parameter in module.named_parameters(recurse=False):
                _draw(module, name, parameter, generator)
        _calibrate(model, samples, generator)


def _draw(module: nn.Module, name: str, parameter: torch.Tensor, generator: torch.Generator) -> None:
    """Draws one parameter by the part it plays in its module."""
    if name == "bias" and isinstance(module, BATCH_NORM):
        # Mostly above zero: a ReLU that cuts half of everything, followed by a norm, magnifies rounding
        # errors by a fifth at each layer.
        parameter.normal_(0.6, 0.3, generator=generator)
    elif name == "bias" or name == "in_proj_bias":
        parameter.normal_(0.0, 0.3, generator=generator)
    elif isinstance(module, NORM):
        parameter.uniform_(0.5, 1.5, generator=generator)
    elif name == "layer_scale":
        parameter.uniform_(0.3, 0.9, generator=generator)
    elif name == "weight" or name == "in_proj_weight":
        fan_in = parameter[0].numel()
        parameter.normal_(0.0, fan_in**-0.5, generator=generator)
    elif name == "relative_position_bias_table":
        parameter.normal_(0.0, 2.0, generator=generator)  # it acts through a softmax only
    else:  # class tokens, position embeddings
        parameter.normal_(0.0, 0.5, generator=generator)


def _calibrate(model: nn.Module, samples: tuple[torch.Tensor, ...], generator: torch.Generator) -> None:
    """Runs the model once; hooks scale each layer by what arrives at it."""
    scaled = [m for m in model.modules() if isinstance(m, (*CONVOLUTION, nn.Linear))]
    normed = [m for m in model.modules() if isinstance(m, BATCH_NORM)]
    handles = [m.register_forward_hook(_unit_spread) for m in scaled]
    handles += [m.register_forward_pre_hook(_statistics_hook(generator)) for m in normed]
    model(*samples)
    for handle in handles:
        handle.remove()


def _unit_spread(layer: Layer, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
    """Scales the layer's weight so that its product has a standard deviation of one."""
    bias = _shaped_bias(layer, output)
    product = output - bias
    scale = 1.0 / product.std()
    layer.weight.mul_(scale)
    return product * scale + bias


def _shaped_bias(layer: Layer, output: torch.Tensor) -> torch.Tensor:
    """The layer's bias, ready to broadcast against its output; zero where it has none."""
    if layer.bias is None:
        return output.new_zeros(())
    if isinstance(layer, CONVOLUTION):
        return layer.bias.reshape(-1, *(1 for _ in layer.kernel_size))
    return layer.bias


def _statistics_hook(generator: torch.Generator) -> Callable[[Norm, tuple[torch.Tensor, ...]], None]:
    def set_statistics(norm: Norm, inputs: tuple[torch.Tensor, ...]) -> None:
        """Sets running mean and variance to those of the input, give or take a tenth.

        A channel that hardly varies keeps a tenth of the typical variance: dividing by less would
        magnify rounding errors.
        """
        channels = inputs[0].transpose(0, 1).flatten(1)
        mean, variance = channels.mean(1), channels.var(1)
        floor = 0.1 * channels.square().mean()
        jitter = torch.empty_like(variance).uniform_(0.9, 1.1, generator=generator)
        norm.running_mean.copy_(mean * jitter)
        norm.running_var.copy_(variance.clamp_min(floor) * jitter)

    return set_statistics
