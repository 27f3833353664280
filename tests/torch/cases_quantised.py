"""Quantised tensors and fake quantisation.

What a quantised operator computes is compared as real numbers, in steps of its scale: PyTorch works with integers,
so a value in the middle between two steps may come out one step away (`step` of a case)."""

import torch
import torch.ao.quantization
import torch.ao.quantization.fx._decomposed  # noqa: F401  registers quantized_decomposed::*
import torch.nn.functional as F

from case import case, ints, pos, r

# --- quantised tensors

image, rows, signal = r(2, 4, 9, 8), r(5, 8), r(2, 4, 12)


def q(x, scale=0.05, zero_point=100, dtype=torch.quint8):
    return torch.quantize_per_tensor(x, scale, zero_point, dtype)


def weight(*shape, axis=0, seed=0, per_channel=True):
    w = r(*shape, seed=seed) * 0.3
    if not per_channel:
        return torch.quantize_per_tensor(w, 0.01, 0, torch.qint8)
    n = shape[axis]
    scales = 0.005 + 0.01 * torch.arange(n, dtype=torch.float64) / n
    return torch.quantize_per_channel(w, scales, torch.zeros(n, dtype=torch.int64), axis, torch.qint8)


def quantised(name, function, *inputs, step=0.05, trace=True):
    case("quantised_" + name, function, *inputs, export=False, trace=trace, step=step)


quantised("round_trip", lambda x: q(x).dequantize(), image)
quantised("round_trip_signed", lambda x: q(x, 0.02, -3, torch.qint8).dequantize(), image, step=0.02)
quantised("round_trip_wide", lambda x: q(x, 1e-4, 5, torch.qint32).dequantize(), image, step=1e-4)
quantised("int_repr", lambda x: q(x).int_repr(), image, step=1)
quantised("int_repr_wide", lambda x: q(x, 1e-3, 2, torch.qint32).int_repr(), image, step=1)
quantised("ties", lambda x: q(x, 1.0, 3).int_repr(), torch.arange(-8, 8) + 0.5, step=0)
quantised("questions", lambda x: (q(x).q_scale() * x, q(x).q_zero_point() + x), rows)
quantised("of_tensors", lambda x, s, z: torch.quantize_per_tensor(x, s, z, torch.quint8).dequantize(), image, torch.tensor(0.05), torch.tensor(90))
quantised("dynamic_tensor", lambda x: torch.quantize_per_tensor_dynamic(x, torch.quint8, False).int_repr(), image, step=1)
quantised("dynamic_reduced", lambda x: torch.quantize_per_tensor_dynamic(x, torch.quint8, True).int_repr(), image, step=1)
quantised("dynamic_zeros", lambda x: torch.quantize_per_tensor_dynamic(x * 0, torch.quint8, False).dequantize(), rows)
scales = torch.tensor([0.02, 0.03, 0.04, 0.05])
points = torch.tensor([100, 120, 128, 140])
quantised("per_channel", lambda x: torch.quantize_per_channel(x, scales, points, 1, torch.quint8).dequantize(), image)
quantised("per_channel_repr", lambda x: torch.quantize_per_channel(x, scales, points, 1, torch.quint8).int_repr(), image, step=1)

# --- operators that know nothing of scales

VIEWS = {
    "view": lambda a: a.view(2, -1),
    "reshape": lambda a: a.reshape(2, 2, -1, 8),
    "flatten": lambda a: a.flatten(1),
    "permute": lambda a: a.permute(0, 2, 3, 1),
    "transpose": lambda a: a.transpose(1, 2).contiguous(),
    "slice": lambda a: a[:, 1:3, ::2],
    "select": lambda a: a[0],
    "split": lambda a: a.split(3, 1)[1],
    "chunk": lambda a: a.chunk(2, 1)[0],
    "unsqueeze": lambda a: a.unsqueeze(1),
    "squeeze": lambda a: a.unsqueeze(1).squeeze(1),
    "clone": lambda a: a.clone(),
    "channel_shuffle": lambda a: F.channel_shuffle(a, 2),
    "dropout": lambda a: F.dropout(a, training=False),
    "narrow": lambda a: a.narrow(1, 1, 2),
    "expand": lambda a: a[:, :1].expand(2, 3, 9, 8),
    "flip": lambda a: a.flip(1),
    "repeat": lambda a: a.repeat(1, 2, 1, 1),
    "tile": lambda a: a.tile(2),
    "unfold": lambda a: a.unfold(3, 2, 2),
    "movedim": lambda a: a.movedim(1, 3),
    "unflatten": lambda a: a.unflatten(1, (2, 2)),
    "pixel_shuffle": lambda a: F.pixel_shuffle(a, 2),
    "pixel_unshuffle": lambda a: F.pixel_unshuffle(a[:, :, 1:], 2),
    "index": lambda a: a[:, [2, 0]],
    "index_select": lambda a: torch.index_select(a, 1, torch.tensor([2, 0])),
}
for name, view in VIEWS.items():
    quantised(name, lambda x, f=view: f(q(x)).dequantize(), image)

KEEPING = {
    "relu": lambda a: F.relu(a),
    "relu_in_place": lambda a: F.relu_(a),
    "relu6": lambda a: F.relu6(a),
    "hardtanh": lambda a: F.hardtanh(a, -0.5, 0.7),
    "clamp": lambda a: a.clamp(-0.4, 0.6),
    "max_pool2d": lambda a: F.max_pool2d(a, 3, 2, 1),
    "max_pool2d_ceil": lambda a: F.max_pool2d(a, 3, 2, ceil_mode=True),
    "avg_pool2d": lambda a: F.avg_pool2d(a, 3, 2, 1),
    "avg_pool2d_without_padding": lambda a: F.avg_pool2d(a, 3, 2, 1, count_include_pad=False),
    "adaptive_avg_pool2d": lambda a: F.adaptive_avg_pool2d(a, (3, 2)),
    "adaptive_avg_pool2d_one": lambda a: F.adaptive_avg_pool2d(a, 1),
    "mean": lambda a: a.mean((2, 3)),
    "mean_kept": lambda a: a.mean((2, 3), keepdim=True),
    "nearest": lambda a: F.interpolate(a, scale_factor=2, mode="nearest"),
    "bilinear": lambda a: F.interpolate(a, size=(12, 13), mode="bilinear"),
    "leaky_relu": lambda a: F.leaky_relu(a, 0.2),
    "gelu": lambda a: F.gelu(a),
    "min": lambda a: a.min(1)[0],
    "masked_fill": lambda a: a.masked_fill(torch.eye(9, 8) > 0, 0.5),
    "mean_of_all": lambda a: a.mean(),
    "max_of_all": lambda a: a.max(),
    "hardtanh_in_place": lambda a: F.hardtanh_(a, -0.5, 0.7),
    "threshold": lambda a: F.threshold(a, 0.33, 0.1),
    "cat": lambda a: torch.cat([a, a], 1),
    "cat_rescaled": lambda a: torch.cat([a, q(a.dequantize(), 0.1, 128)], 1),
    "stack": lambda a: torch.stack([a, a]),
    "max": lambda a: a.max(1)[0],
    "topk": lambda a: a.topk(2, 1)[0],
    "sort": lambda a: a.sort(1)[0],
    "reflection_pad": lambda a: F.pad(a, (1, 2, 0, 1), mode="reflect"),
    "constant_pad": lambda a: F.pad(a, (1, 2, 0, 1)),
}
for name, f in KEEPING.items():
    quantised(name, lambda x, f=f: f(q(x)).dequantize(), image)
quantised("max_pool1d", lambda x: F.max_pool1d(q(x), 3, 2).dequantize(), signal)
quantised("avg_pool1d", lambda x: F.avg_pool1d(q(x), 3, 2).dequantize(), signal)
quantised("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(q(x), 5).dequantize(), signal)
quantised("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(q(x), 2).dequantize(), r(1, 2, 4, 6, 6))
quantised("nearest3d", lambda x: F.interpolate(q(x), scale_factor=2).dequantize(), r(1, 2, 4, 6, 6))
quantised("avg_pool3d", lambda x: F.avg_pool3d(q(x), 2).dequantize(), r(1, 2, 4, 6, 6))
quantised("sigmoid", lambda x: torch.sigmoid(q(x)).dequantize(), image, step=1 / 256)
quantised("sigmoid_signed", lambda x: torch.sigmoid(q(x, 0.05, 3, torch.qint8)).dequantize(), image, step=1 / 256)
quantised("hardsigmoid", lambda x: F.hardsigmoid(q(x)).dequantize(), image, step=1 / 256)
quantised("tanh", lambda x: torch.tanh(q(x)).dequantize(), image, step=2 / 256)
quantised("compared", lambda x: q(x) > 0.3, image)
quantised("list", lambda x: [a.dequantize() for a in q(x).unbind(0)], image)

# --- layers


class Conv(torch.nn.Module):
    """A layer of the namespace quantized, its parameters packed by it."""

    def __init__(self, op, prepack, weight, *config, bias=True):
        super().__init__()
        self.op, ops = op, torch.ops.quantized
        transposed = "transpose" in prepack
        channels = weight.shape[1] if transposed else weight.shape[0]
        self.packed = getattr(ops, prepack)(weight, r(channels) if bias else None, *config)

    def forward(self, x):
        return getattr(torch.ops.quantized, self.op)(q(x), self.packed, 0.1, 110).dequantize()


def layer(name, module, *inputs, step=0.1):
    quantised(name, module, *inputs, step=step)


for suffix in ("", "_relu"):
    layer(f"conv2d{suffix}", Conv(f"conv2d{suffix}", "conv2d_prepack", weight(6, 4, 3, 3), [1, 2], [1, 0], [1, 1], 1), image)
    layer(f"conv1d{suffix}", Conv(f"conv1d{suffix}", "conv1d_prepack", weight(6, 4, 3), [2], [1], [1], 1), signal)
    layer(f"conv3d{suffix}", Conv(f"conv3d{suffix}", "conv3d_prepack", weight(6, 2, 3, 3, 3), [1] * 3, [1] * 3, [1] * 3, 1), r(1, 2, 5, 6, 7))
    layer(f"linear{suffix}", Conv(f"linear{suffix}", "linear_prepack", weight(6, 8)), rows)
layer("conv2d_groups", Conv("conv2d", "conv2d_prepack", weight(8, 2, 3, 3), [1, 1], [1, 1], [2, 2], 2), image)
layer("conv2d_depthwise", Conv("conv2d", "conv2d_prepack", weight(4, 1, 3, 3), [1, 1], [1, 1], [1, 1], 4), image)
layer("conv2d_no_bias", Conv("conv2d", "conv2d_prepack", weight(6, 4, 3, 3, per_channel=False), [1, 1], [0, 0], [1, 1], 1, bias=False), image)
layer("linear_batches", Conv("linear", "linear_prepack", weight(6, 8, per_channel=False), bias=False), r(2, 3, 8))
for name, dims, data in (("1d", 1, signal), ("2d", 2, image)):
    module = Conv(f"conv_transpose{name}", f"conv_transpose{name}_prepack", weight(4, 6, *[3] * dims, per_channel=False), [2] * dims, [1] * dims, [1] * dims, [1] * dims, 1)
    layer(f"conv_transpose{name}", module, data)


class Dynamic(torch.nn.Module):
    def __init__(self, op, packed, *options):
        super().__init__()
        self.op, self.packed, self.options = op, packed, options

    def forward(self, x):
        return getattr(torch.ops.quantized, self.op)(x, self.packed, *self.options)


packed = torch.ops.quantized.linear_prepack
half = torch.ops.quantized.linear_prepack_fp16
quantised("linear_dynamic", Dynamic("linear_dynamic", packed(weight(6, 8), r(6)), True), rows, step=0)
quantised("linear_dynamic_relu", Dynamic("linear_relu_dynamic", packed(weight(6, 8), r(6)), True), rows, step=0)
quantised("linear_dynamic_no_bias", Dynamic("linear_dynamic", packed(weight(6, 8, per_channel=False), None), True), r(2, 3, 8), step=0)
quantised("linear_dynamic_fp16", Dynamic("linear_dynamic_fp16", half(r(6, 8), r(6))), rows, step=0)
quantised("conv2d_dynamic", Dynamic("conv2d_dynamic", torch.ops.quantized.conv2d_prepack(weight(6, 4, 3, 3), r(6), [1, 1], [1, 1], [1, 1], 1), True), image, step=0)



class OfTwo(torch.nn.Module):
    """A cell, whose state is one tensor of two, or one."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x, h):
        return self.inner(x, (h, h * 0.5) if "LSTM" in type(self.inner).__name__ else h)


def dynamically(module, dtype=torch.qint8):
    return torch.ao.quantization.quantize_dynamic(module.eval(), {type(m) for m in module.modules()}, dtype)


torch.manual_seed(0)
series, state = r(6, 3, 5), r(3, 4)
for kind in ("LSTM", "GRU"):
    for name, options in {"": {}, "_deep": {"num_layers": 2, "bidirectional": True}, "_batch_first": {"batch_first": True}}.items():
        layer_of = torch.nn.Sequential(getattr(torch.nn, kind)(5, 4, **options))
        case(f"quantised_dynamic_{kind.lower()}{name}", dynamically(layer_of), series, export=False)
for kind in ("LSTMCell", "GRUCell", "RNNCell"):
    case(f"quantised_dynamic_{kind.lower()}", OfTwo(dynamically(torch.nn.Sequential(getattr(torch.nn, kind)(5, 4)))[0]), series[0], state, export=False)
case("quantised_dynamic_lstm_fp16", dynamically(torch.nn.Sequential(torch.nn.LSTM(5, 4)), torch.float16), series, export=False)
case("quantised_dynamic_layers", dynamically(torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))), rows, export=False)
case("quantised_dynamic_layers_fp16", dynamically(torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Linear(6, 3)), torch.float16), rows, export=False)

# --- the namespace quantized on tensors

ops = torch.ops.quantized
BINARY = {
    "add": lambda a, b: ops.add(a, b, 0.0981, 128),
    "add_relu": lambda a, b: ops.add_relu(a, b, 0.0981, 20),
    "mul": lambda a, b: ops.mul(a, b, 0.1, 128),
    "mul_relu": lambda a, b: ops.mul_relu(a, b, 0.1, 20),
    "cat": lambda a, b: ops.cat([a, b], 1, 0.1, 128),
    "cat_relu": lambda a, b: ops.cat_relu([a, b], 1, 0.1, 20),
    "matmul": lambda a, b: ops.matmul(a, b.transpose(-1, -2), 0.1, 128),
}
for name, f in BINARY.items():
    quantised(f"ops_{name}", lambda x, y, f=f: f(q(x), q(y, 0.0317, 120)).dequantize(), image, r(2, 4, 9, 8, seed=1), step=0.1 if "add" not in name else 0.0981)
norm, moments, slopes = (pos(4), r(4)), (r(4, seed=2), pos(4, seed=3)), torch.quantize_per_tensor(pos(4), 0.02, 0, torch.quint8)
UNARY = {
    "sigmoid": lambda a: ops.sigmoid(a, 0.01, 3),
    "hardswish": lambda a: ops.hardswish(a, 0.0103, 40),
    "elu": lambda a: ops.elu(a, 0.01, 128, 1.0),
    "celu": lambda a: ops.celu(a, 0.01, 128, 0.7),
    "leaky_relu": lambda a: ops.leaky_relu(a, 0.13, False, 0.01, 50),
    "prelu": lambda a: ops.prelu(a, slopes, 0.01, 100),
    "softmax": lambda a: ops.softmax(a, 1, 0.01, 0),
    "layer_norm": lambda a: ops.layer_norm(a, [9, 8], None, None, 1e-5, 0.01, 128),
    "group_norm": lambda a: ops.group_norm(a, 2, *norm, 1e-5, 0.01, 128),
    "instance_norm": lambda a: ops.instance_norm(a, *norm, 1e-5, 0.01, 128),
    "batch_norm2d": lambda a: ops.batch_norm2d(a, *norm, *moments, 1e-5, 0.01, 128),
    "batch_norm2d_relu": lambda a: ops.batch_norm2d_relu(a, *norm, *moments, 1e-5, 0.01, 0),
    }
for name, f in UNARY.items():
    quantised(f"ops_{name}", lambda x, f=f: f(q(x)).dequantize(), image, step=0.01)
for name, f in {"dropout": lambda a: ops.dropout(a, 0.01, 128, 0.5, False), "relu6": lambda a: ops.relu6(a), "threshold": lambda a: ops.threshold(a, 0.22, 0.4), "max_pool2d": lambda a: ops.max_pool2d(a, [3, 3], [2, 2], [1, 1], [1, 1], False)}.items():
    quantised(f"ops_{name}", lambda x, f=f: f(q(x)).dequantize(), image)
for number in (0.7, -1.3, 9.0, -9.0):
    for relu in ("", "_relu"):
        quantised(f"ops_add_{number}{relu}", lambda x, n=number, f=f"add_scalar{relu}": (lambda a: (a.dequantize(), a.int_repr()))(getattr(ops, f)(q(x), n)), image, step=0)
for number in (0.7, -1.3, 0.0):
    for relu in ("", "_relu"):
        quantised(f"ops_mul_{number}{relu}", lambda x, n=number, f=f"mul_scalar{relu}": (lambda a: (a.dequantize(), a.int_repr()))(getattr(ops, f)(q(x), n)), image, step=0)

# --- embeddings


class Embedding(torch.nn.Module):
    def __init__(self, op, *options):
        super().__init__()
        self.op, self.options = op, options
        table = r(10, 6)
        low, high = table.min(1)[0], table.max(1)[0]
        scales = (high - low) / 255
        self.packed = ops.embedding_bag_prepack(torch.quantize_per_channel(table, scales, -low / scales, 0, torch.quint8))

    def forward(self, *inputs):
        return getattr(ops, self.op)(self.packed, *inputs, *self.options)


tokens = ints(0, 10, 3, 4)
quantised("embedding_byte", Embedding("embedding_byte"), tokens.flatten(), step=0)
quantised("embedding_bag_byte", Embedding("embedding_bag_byte"), tokens.flatten(), torch.tensor([0, 3, 5]), step=0)

# --- fake quantisation

many = torch.tensor([0.02, 0.03, 0.04, 0.05])
whole = torch.tensor([100, 120, 128, 140], dtype=torch.int32)
signed = torch.zeros(4, dtype=torch.int32)
observer_off, on = torch.tensor([0]), torch.tensor([1])


def fake(name, function, *inputs, export=False):
    case("fake_" + name, function, *inputs, export=export, step=0.05)


fake("tensor", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, 100, 0, 255), image)
fake("tensor_signed", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, 3, -128, 127), image)
fake("tensor_narrow", lambda x: torch.fake_quantize_per_tensor_affine(x * 3, 0.05, 60, 0, 127), image)
fake("tensor_symmetric", lambda x: torch.fake_quantize_per_tensor_affine(x * 3, 0.05, 0, -127, 127), image)
fake("tensor_4_bits", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.2, 7, 0, 15), image)
fake("tensor_16_bits", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.001, 7, -32768, 32767), image)
fake("tensor_20_bits", lambda x: torch.fake_quantize_per_tensor_affine(x, 1e-5, 7, -524288, 524287), image)
fake("tensor_of_tensors", lambda x, s, z: torch.fake_quantize_per_tensor_affine(x, s, z, 0, 255), image, torch.tensor(0.05), torch.tensor(90, dtype=torch.int32))
fake("channels", lambda x: torch.fake_quantize_per_channel_affine(x, many, whole, 1, 0, 255), image)
fake("channels_narrow", lambda x: torch.fake_quantize_per_channel_affine(x * 5, many, signed, 1, -127, 127), image)


class Fused(torch.nn.Module):
    """A layer of training for quantisation whose observer is off."""

    def __init__(self, low, high, *limits, axis=0, per_channel=False, symmetric=False, enabled=on):
        super().__init__()
        for name, value in {"low": low, "high": high, "scale": torch.ones_like(low), "point": torch.zeros_like(low, dtype=torch.int32), "enabled": enabled, "observing": observer_off}.items():
            self.register_buffer(name, value.clone())
        self.options = *limits, axis, per_channel, symmetric

    def forward(self, x):
        return torch.fused_moving_avg_obs_fake_quant(x, self.observing, self.enabled, self.low, self.high, self.scale, self.point, 0.01, *self.options)


low, high = torch.tensor([-2.1, -1.5, -1.0, 0.2]), torch.tensor([1.7, 1.9, -0.1, 2.0])
case("fake_fused", Fused(low[:1], high[:1], 0, 255), image, step=3.8 / 255)
case("fake_fused_symmetric", Fused(low[:1], high[:1], -128, 127, symmetric=True), image, step=2.1 / 128)
case("fake_fused_positive", Fused(low[3:], high[3:], 0, 127), image, step=2 / 127)
case("fake_fused_channels", Fused(low[:1].repeat(4), high[:1].repeat(4), 0, 255, axis=1, per_channel=True), image, step=3.8 / 255)
case("fake_fused_channels_symmetric", Fused(low, high, -127, 127, axis=1, per_channel=True, symmetric=True), image, step=2.1 / 127)
case("fake_fused_off", Fused(low[:1], high[:1], 0, 255, enabled=observer_off), image)

# --- quantized_decomposed, as torch.export writes it

d = torch.ops.quantized_decomposed


def decomposed(name, function, *inputs, step=1):
    case("decomposed_" + name, function, *inputs, step=step)


decomposed("per_tensor", lambda x: d.quantize_per_tensor(x, 0.05, 100, 0, 255, torch.uint8), image)
decomposed("per_tensor_narrow", lambda x: d.quantize_per_tensor(x * 3, 0.05, 0, -127, 127, torch.int8), image)
decomposed("per_tensor_wide", lambda x: d.quantize_per_tensor(x, 0.001, 5, -2147483648, 2147483647, torch.int32), image)
decomposed("per_tensor_short", lambda x: d.quantize_per_tensor(x, 0.001, 5, -32768, 32767, torch.int16), image)
decomposed("round_trip", lambda x: d.dequantize_per_tensor(d.quantize_per_tensor(x, 0.05, 100, 0, 255, torch.uint8), 0.05, 100, 0, 255, torch.uint8), image, step=0.05)
decomposed("round_trip_wide", lambda x: d.dequantize_per_tensor(d.quantize_per_tensor(x, 0.001, 5, -2147483648, 2147483647, torch.int32), 0.001, 5, -2147483648, 2147483647, torch.int32), image, step=0.001)
decomposed("of_tensors", lambda x, s, z: d.dequantize_per_tensor.tensor(d.quantize_per_tensor.tensor(x, s, z, 0, 255, torch.uint8), s, z, 0, 255, torch.uint8), image, torch.tensor([0.05]), torch.tensor([90]), step=0.05)
decomposed("per_channel", lambda x: d.quantize_per_channel(x, many, whole.long(), 1, 0, 255, torch.uint8), image)
decomposed("channels_round_trip", lambda x: d.dequantize_per_channel(d.quantize_per_channel(x, many, signed.long(), 1, -127, 127, torch.int8), many, signed.long(), 1, -127, 127, torch.int8), image, step=0.05)
decomposed("channels_without_points", lambda x: d.dequantize_per_channel(x, many, None, 1, -128, 127, torch.int8), ints(-128, 128, 2, 4, 3, 3, dtype=torch.int8), step=0)
decomposed("chosen", lambda x: d.choose_qparams.tensor(x, 0, 255, 1.2e-7, torch.uint8), image, step=0)
decomposed("chosen_symmetric", lambda x: d.choose_qparams_symmetric.tensor(x, -127, 127, 1.2e-7, torch.int8), image, step=0)
decomposed("chosen_per_token", lambda x: d.choose_qparams_per_token(x, torch.int8), rows, step=0)
decomposed("chosen_per_token_asymmetric", lambda x: d.choose_qparams_per_token_asymmetric(x, torch.int8), rows, step=0)


def dynamic(x):
    scale, point = d.choose_qparams.tensor(x, 0, 255, 1.2e-7, torch.uint8)
    return d.quantize_per_tensor.tensor(x, scale, point, 0, 255, torch.uint8)


def per_token(x):
    scale, point = d.choose_qparams_per_token_asymmetric(x, torch.int8)
    numbers = d.quantize_per_token(x, scale, point, -128, 127, torch.int8)
    return numbers, d.dequantize_per_token(numbers, scale, point, -128, 127, torch.int8, torch.float32)


decomposed("dynamic", dynamic, image)
decomposed("per_token", per_token, rows)
