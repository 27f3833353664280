"""Arithmetic, comparisons, reductions, indexing, sorting, shapes."""

import torch
import torch.nn.functional as F

from case import bools, case, ints, pos, r, unit

x = r(3, 4, 5)
aten = torch.ops.aten

# --- functions of one tensor
special = torch.tensor([-float("inf"), -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, float("inf"), float("nan")])
for name in ("abs ceil floor round trunc frac sign sgn neg exp exp2 expm1 sigmoid tanh sin cos tan sinh cosh asinh atan erf erfc square "
             "relu isnan isinf isfinite isposinf isneginf signbit deg2rad rad2deg nan_to_num").split():
    case(f"unary_{name}", getattr(torch, name), x)
    case(f"unary_{name}_special", getattr(torch, name), special)
for name in "log log2 log10 log1p sqrt rsqrt reciprocal".split():
    case(f"unary_{name}", getattr(torch, name), pos(3, 4))
for name in "asin acos atanh logit".split():
    case(f"unary_{name}", getattr(torch, name), unit(3, 4).abs() * 0.9 + 0.01)
case("unary_acosh", torch.acosh, pos(3, 4) + 1)
for name in "exp sqrt sin sigmoid reciprocal rsqrt log1p exp2 erf".split():
    case(f"unary_{name}_int", getattr(torch, name), ints(1, 5, 3, 4))
for name in "ceil floor round trunc abs neg sign isnan isfinite isinf".split():
    case(f"unary_{name}_int", getattr(torch, name), ints(-5, 5, 3, 4))
case("round_decimals", lambda x: torch.round(x, decimals=2), x)
case("logit_eps", lambda x: torch.logit(x, eps=0.1), unit(3, 4).abs())
case("nan_to_num_values", lambda x: torch.nan_to_num(x, nan=1.0, posinf=7.0, neginf=-3.0), special)
case("bitwise_not_int", torch.bitwise_not, ints(-9, 9, 4))
case("bitwise_not_bool", torch.bitwise_not, bools(5))
case("logical_not", torch.logical_not, ints(-1, 2, 6))

activations = {
    "relu6": F.relu6, "hardtanh": F.hardtanh, "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "silu": F.silu, "gelu": F.gelu,
    "elu": F.elu, "selu": F.selu, "celu": F.celu, "leaky_relu": F.leaky_relu, "softplus": F.softplus, "softsign": F.softsign, "mish": F.mish,
    "logsigmoid": F.logsigmoid, "hardshrink": F.hardshrink, "softshrink": F.softshrink, "tanhshrink": F.tanhshrink, "softmin": F.softmin,
}
for name, f in activations.items():
    case(f"act_{name}", f, x * 4)
case("act_gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), x)
case("act_elu_alpha", lambda x: F.elu(x, 0.3), x)
case("act_elu_scaled", lambda x: aten.elu(x, 0.3, 1.2, 0.7), x)
case("act_celu_alpha", lambda x: F.celu(x, 0.3), x)
case("act_leaky_slope", lambda x: F.leaky_relu(x, 0.3), x)
case("act_softplus_beta", lambda x: F.softplus(x, 2.0, 1.0), x * 4)
case("act_threshold", lambda x: F.threshold(x, 0.1, 20), x)
case("act_prelu", lambda x, w: F.prelu(x, w), x, r(4))
case("act_prelu_one", lambda x, w: F.prelu(x, w), x, r(1))
case("act_prelu_2d", lambda x, w: F.prelu(x, w), r(3, 4), r(4))
case("act_rrelu", lambda x: F.rrelu(x), x)
case("act_glu", lambda x: F.glu(x, 1), x)
case("act_clamp", lambda x: torch.clamp(x, -0.5, 0.5), x)
case("act_clamp_min", lambda x: torch.clamp(x, min=0.1), x)
case("act_clamp_max", lambda x: x.clamp_max(0.1), x)
case("act_clamp_crossed", lambda x: torch.clamp(x, 0.5, -0.5), x)
case("act_clamp_int", lambda x: torch.clamp(x, -1, 2), ints(-5, 5, 9))
case("act_clamp_int_float", lambda x: torch.clamp(x, -1.5, 2.5), ints(-5, 5, 9))
case("act_clamp_tensor", lambda x, a, b: torch.clamp(x, a, b), x, r(4, 1) - 1, r(5) + 1)
case("act_softmax", lambda x: F.softmax(x, 1), x)
case("act_log_softmax", lambda x: F.log_softmax(x, -2), x)
case("act_softmax_dtype", lambda x: F.softmax(x, 0, dtype=torch.float64), x)
case("act_softmax_scalar", lambda x: F.softmax(x, 0), r())
case("act_dropout_eval", lambda x: F.dropout(x, 0.5, training=False), x)

# --- two tensors: promotion, broadcasting, integers
samples = {
    "float": (r(3, 4), r(4, seed=1)), "int": (ints(-7, 8, 3, 4), ints(1, 4, 4, seed=1) * torch.tensor([1, -1, 2, -3])),
    "int_float": (ints(-7, 8, 3, 4), r(4, seed=1)), "double_float": (r(3, 4, dtype=torch.float64), r(4, seed=1)),
    "int32_int64": (ints(-7, 8, 3, 4, dtype=torch.int32), ints(1, 4, 4)), "uint8_int8": (ints(0, 9, 3, 4, dtype=torch.uint8), ints(1, 4, 4, dtype=torch.int8)),
    "half_float": (r(3, 4, dtype=torch.float16), r(4)), "scalar_tensor": (ints(-7, 8, 3, 4), torch.tensor(2.5)), "zero_dim_double": (r(3, 4), torch.tensor(2.5, dtype=torch.float64)),
}
for kind, (a, b) in samples.items():
    for name in "add sub mul div floor_divide remainder fmod maximum minimum".split():
        if kind == "half_float" and name not in ("add", "mul"):
            continue
        case(f"{name}_{kind}", getattr(torch, name), a, b)
    if kind != "half_float":
        case(f"div_floor_{kind}", lambda a, b: torch.div(a, b, rounding_mode="floor"), a, b)
        case(f"div_trunc_{kind}", lambda a, b: torch.div(a, b, rounding_mode="trunc"), a, b)
        for name in "eq ne lt le gt ge".split():
            case(f"{name}_{kind}", getattr(torch, name), a, b)
for label, number in (("int", 3), ("float", 2.5)):
    for kind, a in (("f", r(3, 4)), ("i", ints(-7, 8, 3, 4)), ("b", bools(6)), ("u8", ints(0, 8, 5, dtype=torch.uint8))):
        for name in "add mul div sub".split():
            if name == "sub" and kind == "b":
                continue
            case(f"{name}_{kind}_number_{label}", lambda a, n=number, f=getattr(torch, name): f(a, n), a)
        case(f"gt_{kind}_number_{label}", lambda a, n=number: a > n, a)
        case(f"eq_{kind}_number_{label}", lambda a, n=number: a == n, a)
case("add_alpha", lambda a, b: torch.add(a, b, alpha=0.5), r(3, 4), r(4))
case("sub_alpha_int", lambda a, b: torch.sub(a, b, alpha=3), ints(0, 9, 4), ints(0, 9, 4, seed=2))
case("rsub", lambda a: 3 - a, x)
case("rsub_alpha", lambda a: torch.rsub(a, 2.0, alpha=3), x)
case("rdiv", lambda a: 3 / a, pos(3, 4))
case("floor_divide_exact", lambda a: torch.floor_divide(a, 0.1), torch.tensor([1.0, 0.3, -1.0, 0.55]))
case("floor_divide_zero", lambda a, b: torch.floor_divide(a, b), torch.tensor([1.0, -1.0, 0.0]), torch.zeros(3))
case("add_bool", torch.add, bools(5), bools(5, seed=3))
case("mul_bool", torch.mul, bools(5), bools(5, seed=3))
case("pow_int", lambda a: a ** 3, ints(-4, 5, 6))
case("pow_float", lambda a: a ** 1.5, pos(3, 4))
case("pow_half", lambda a: a ** 0.5, pos(3, 4))
case("pow_int_float", lambda a: a ** 2.0, ints(-4, 5, 6))
case("pow_tensor", torch.pow, pos(3, 4), r(4))
case("pow_scalar", lambda a: 2 ** a, r(3, 4))
case("pow_scalar_int", lambda a: 2 ** a, ints(0, 9, 4))
case("float_power", lambda a: torch.float_power(a, 2), ints(-4, 5, 6))
case("atan2", torch.atan2, torch.tensor([1.0, -1.0, 0.0, 1.0, -1.0, 0.0, 0.0, 2.0]), torch.tensor([1.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, -3.0]))
case("hypot", torch.hypot, x, r(5))
case("xlogy", torch.xlogy, torch.tensor([0.0, 0.0, 1.0, 2.0]), torch.tensor([0.0, float("nan"), 2.0, 3.0]))
case("logaddexp", torch.logaddexp, x, r(5))
case("logaddexp2", torch.logaddexp2, x, r(5))
case("heaviside", torch.heaviside, torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([0.5, 0.6, 0.7]))
case("copysign", torch.copysign, torch.tensor([1.0, -2.0, 3.0, 4.0]), torch.tensor([-1.0, 1.0, -0.0, 0.0]))
case("ldexp", torch.ldexp, x, ints(-3, 4, 5))
case("fmax", torch.fmax, torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([float("nan"), 2.0, 1.0]))
case("fmin", torch.fmin, torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([float("nan"), 2.0, 1.0]))
case("addcmul", lambda a, b, c: torch.addcmul(a, b, c, value=0.5), x, r(5), r(4, 1))
case("addcdiv", lambda a, b, c: torch.addcdiv(a, b, c, value=0.5), x, r(5), pos(4, 1))
case("lerp", lambda a, b: torch.lerp(a, b, 0.3), x, r(5))
case("lerp_tensor", torch.lerp, x, r(3, 4, 5, seed=1), r(3, 4, 5, seed=2))
for name in "and or xor".split():
    case(f"bitwise_{name}_int", getattr(torch, f"bitwise_{name}"), ints(-9, 9, 6), ints(-9, 9, 6, seed=3))
    case(f"bitwise_{name}_bool", getattr(torch, f"bitwise_{name}"), bools(6), bools(6, seed=3))
    case(f"logical_{name}", getattr(torch, f"logical_{name}"), ints(-1, 2, 6), r(6) > 0)
case("operators", lambda a, b: (a & b, a | b, a ^ b, ~a), bools(6), bools(6, seed=3))
case("shifts", lambda a: (a << 2, a >> 1), ints(-9, 9, 6))
case("shifts_tensor", lambda a, b: (a << b, a >> b), ints(0, 99, 6), ints(0, 4, 6))
case("isclose", torch.isclose, torch.tensor([1.0, 1.0, float("inf"), float("nan")]), torch.tensor([1.0, 1.001, float("inf"), float("nan")]))
case("where", lambda c, a, b: torch.where(c, a, b), bools(3, 4), r(3, 4), r(4))
case("where_promotes", lambda c, a: torch.where(c, a, 2.5), bools(3, 4), ints(0, 9, 3, 4))
case("where_scalar_self", lambda c, a: torch.where(c, 1, a), bools(3, 4), r(4))
case("masked_fill", lambda a, m: a.masked_fill(m, -7.5), x, bools(4, 5))
case("masked_fill_inf", lambda a, m: a.masked_fill(m, float("-inf")), x, bools(3, 4, 5))
case("masked_fill_int", lambda a, m: a.masked_fill(m, 3), ints(0, 9, 4), bools(4))
case("masked_fill_tensor", lambda a, m, v: a.masked_fill(m, v), x, bools(4, 5), torch.tensor(2.0))
case("in_place", lambda a: a.clone().add_(1).mul_(2).clamp_(max=3).relu_(), x)

# --- reductions
for name in "sum mean prod amax amin logsumexp".split():
    f = getattr(torch, name)
    if name in ("sum", "mean", "prod"):
        case(f"{name}_all", lambda a, f=f: f(a), x)
    case(f"{name}_dim", lambda a, f=f: f(a, dim=1), x)
    case(f"{name}_keep", lambda a, f=f: f(a, dim=-1, keepdim=True), x)
    if name != "prod":
        case(f"{name}_dims", lambda a, f=f: f(a, dim=(0, -1)), x)
case("sum_none", lambda a: torch.sum(a, dim=None, keepdim=True), x)
case("sum_empty", lambda a: torch.sum(a, dim=[]), x)
case("sum_int32", lambda a: a.sum(), ints(0, 9, 3, 4, dtype=torch.int32))
case("sum_bool", lambda a: a.sum(1), bools(3, 4))
case("sum_dtype", lambda a: a.sum(1, dtype=torch.float64), x)
case("mean_dtype", lambda a: a.mean(1, dtype=torch.float32), ints(0, 9, 3, 4))
case("prod_int", lambda a: a.prod(1), ints(1, 4, 3, 4))
case("sum_scalar", lambda a: (a.sum(), a.sum(0), a.mean(-1)), r())
case("max_all", lambda a: (a.max(), a.min()), x)
case("max_dim", lambda a: a.max(1), x)
case("min_dim_keep", lambda a: a.min(-1, keepdim=True), x)
case("max_dim_int", lambda a: a.max(0), ints(-9, 9, 3, 4))
case("aminmax", lambda a: torch.aminmax(a, dim=1), x)
case("argmax", lambda a: (a.argmax(), a.argmax(1), a.argmax(-1, keepdim=True)), x)
case("argmin", lambda a: (a.argmin(), a.argmin(1), a.argmin(-1, keepdim=True)), x)
case("argmax_ties", lambda a: a.argmax(1), ints(0, 2, 4, 6))
case("all_any", lambda a: (a.all(), a.any(), a.all(1), a.any(0, keepdim=True)), bools(3, 4))
case("all_any_float", lambda a: (a.all(1), a.any(1)), ints(0, 2, 3, 4).float())
case("all_uint8", lambda a: a.all(1), ints(0, 2, 3, 4, dtype=torch.uint8))
case("count_nonzero", lambda a: (torch.count_nonzero(a), torch.count_nonzero(a, dim=1)), ints(0, 2, 3, 4))
for p in (0, 1, 2, 3, 0.5, float("inf"), -float("inf")):
    case(f"norm_{p}", lambda a, p=p: (torch.linalg.vector_norm(a, p), torch.linalg.vector_norm(a, p, dim=1), a.norm(p, dim=(0, 2), keepdim=True)), x)
case("norm_default", lambda a: (a.norm(), torch.linalg.norm(a, dim=-1)), x)
for name in ("var", "std"):
    f = getattr(torch, name)
    case(f"{name}_all", lambda a, f=f: f(a), x)
    case(f"{name}_dim", lambda a, f=f: f(a, dim=1, keepdim=True), x)
    case(f"{name}_biased", lambda a, f=f: f(a, dim=(0, 2), unbiased=False), x)
    case(f"{name}_correction", lambda a, f=f: f(a, dim=1, correction=2), x)
case("var_mean", lambda a: torch.var_mean(a, dim=1), x)
case("std_mean", lambda a: torch.std_mean(a, dim=(0, 1), keepdim=True), x)
case("nansum", lambda a: torch.nansum(a), special[1:-2])
case("nanmean", lambda a: torch.nanmean(a), torch.tensor([1.0, float("nan"), 3.0]))
case("median", lambda a: a.median(), x)
case("median_dim", lambda a: a.median(1), x)
case("kthvalue", lambda a: a.kthvalue(2, 1), x)
case("cumsum", lambda a: a.cumsum(1), x)
case("cumsum_int32", lambda a: a.cumsum(0), ints(0, 9, 5, dtype=torch.int32))
case("cumsum_bool", lambda a: a.cumsum(-1), bools(3, 4))
case("cumprod", lambda a: a.cumprod(1), x)
case("diff", lambda a: (a.diff(), a.diff(n=2, dim=1)), x)
case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, dim=1), x, r(3, 4, 5, seed=1))
case("pairwise_distance", lambda a, b: F.pairwise_distance(a, b), r(3, 5), r(3, 5, seed=1))
case("cdist", lambda a, b: torch.cdist(a, b), r(3, 5), r(4, 5, seed=1))
case("cdist_1", lambda a, b: torch.cdist(a, b, p=1.0), r(2, 3, 5), r(2, 4, 5, seed=1))

# --- joining and shapes
case("cat", lambda a, b: torch.cat((a, b), 1), x, r(3, 2, 5))
case("cat_negative", lambda a, b: torch.cat((a, b), -1), x, r(3, 4, 2))
case("cat_promotes", lambda a, b: torch.cat((a, b)), ints(0, 9, 3), r(2))
case("cat_empty", lambda a: torch.cat((torch.zeros(0), a), 1), r(2, 3))
case("stack", lambda a, b: torch.stack((a, b), -1), r(3, 4), r(3, 4, seed=1))
case("hstack", lambda a, b: (torch.hstack((a, b)), torch.vstack((a, b)), torch.dstack((a, b)), torch.column_stack((a, b))), r(3), r(3, seed=1))
case("hstack_2d", lambda a, b: (torch.hstack((a, b)), torch.vstack((a, b)), torch.dstack((a, b)), torch.column_stack((a, b))), r(3, 2), r(3, 2, seed=1))
case("repeat", lambda a: a.repeat(2, 1, 3), r(3, 4))
case("tile", lambda a: torch.tile(a, (2,)), r(3, 4))
case("repeat_interleave", lambda a: (a.repeat_interleave(3), a.repeat_interleave(2, dim=1)), r(3, 4))
case("repeat_interleave_tensor", lambda a, n: a.repeat_interleave(n, dim=0), r(3, 4), torch.tensor([2, 0, 3]))
case("expand", lambda a: a.expand(2, 3, 4), r(3, 1))
case("tril_triu", lambda a: (a.tril(), a.triu(1), a.tril(-1)), r(2, 4, 5))
case("roll", lambda a: (a.roll(2, 1), a.roll((-1, 3), (0, 2)), a.roll(4)), x)
case("flip", lambda a: (a.flip(0, 2), a.fliplr(), a.flipud()), x)
case("rot90", lambda a: (torch.rot90(a, 1, (0, 1)), torch.rot90(a, 2, (1, 2)), torch.rot90(a, 3, (0, 2))), x)
case("unbind", lambda a: torch.unbind(a, 1), x)
case("chunk", lambda a: torch.chunk(a, 3, 2), x)
case("split", lambda a: torch.split(a, [1, 3], 1), x)
case("unfold", lambda a: a.unfold(2, 3, 2), x)
case("diagonal", lambda a: (a.diagonal(0, 1, 2), a.diagonal(1), a.diagonal(-1, 2, 0)), x)
case("trace", lambda a: torch.trace(a), r(3, 4))
case("diag_embed", lambda a: (torch.diag_embed(a), torch.diag_embed(a, 1), torch.diag_embed(a, -2, 0, 2)), r(2, 3))
case("diag", lambda a, b: (torch.diag(a), torch.diag(b, 1)), r(3), r(3, 4))
case("meshgrid_ij", lambda a, b: torch.meshgrid(a, b, indexing="ij"), r(3), r(4))
case("meshgrid_xy", lambda a, b: torch.meshgrid(a, b, indexing="xy"), r(3), r(4))
case("cross", lambda a, b: torch.linalg.cross(a, b), r(4, 3), r(4, 3, seed=1))
case("movedim", lambda a: a.movedim(0, 2), x)
case("one_hot", lambda a: F.one_hot(a, 6), ints(0, 6, 2, 3))
case("eye", lambda a: a + torch.eye(4, 5), r(4, 5))
case("linspace", lambda a: a * torch.linspace(-1, 2, 7), r(7))
case("linspace_int", lambda a: a * torch.linspace(0, 10, 5, dtype=torch.int64), ints(1, 4, 5))
case("arange", lambda a: a + torch.arange(1, 2, 0.25), r(4))
case("full", lambda a: a + torch.full((2, 1), 3.5), r(2, 3))
case("zeros_like", lambda a: torch.zeros_like(a) + torch.ones_like(a), x)
case("tril_indices", lambda a: a + torch.tril_indices(3, 3), ints(0, 5, 2, 6))
case("atleast", lambda a: (torch.atleast_1d(a), torch.atleast_2d(a), torch.atleast_3d(a)), r(3))
case("unflatten", lambda a: a.unflatten(1, (2, 2)), x)
case("slice_scatter", lambda a, b: torch.slice_scatter(a, b, 1, 1, 3), x, r(3, 2, 5))
case("select_scatter", lambda a, b: torch.select_scatter(a, b, 1, 2), x, r(3, 5))

# --- indexing
i = ints(-3, 3, 2, 6)
case("index_one", lambda a, i: a[i], x, i)
case("index_second", lambda a, i: a[:, i], x, i)
case("index_neighbours", lambda a, i, j: a[:, i, j], r(2, 3, 4, 5), ints(-3, 3, 6), ints(-4, 4, 6, seed=1))
case("index_apart", lambda a, i, j: a[i, :, j], r(3, 2, 4, 5), ints(-3, 3, 2, 6), ints(-4, 4, 6, seed=1))
case("index_broadcast", lambda a, i, j: a[i, j], r(3, 4, 5), ints(-3, 3, 2, 1), ints(-4, 4, 6, seed=1))
case("index_mask", lambda a, m: a[m], x, bools(3, 4))
case("index_mask_inner", lambda a, m: a[:, m], x, bools(4, 5))
case("index_mask_and_int", lambda a, m, i: a[m, :, i], r(3, 2, 5), torch.tensor([True, False, True]), ints(0, 5, 2))
case("index_put", lambda a, i, v: a.index_put((i,), v), x, torch.tensor([0, 2]), r(2, 4, 5))
case("index_put_accumulate", lambda a, i, v: a.index_put((i,), v, accumulate=True), x, torch.tensor([0, 2, 0]), r(3, 4, 5))
case("index_put_inner", lambda a, i, v: aten.index_put(a, [None, i], v), x, torch.tensor([0, 2]), r(3, 2, 5))
case("index_put_broadcast", lambda a, i, j, v: a.index_put((i, j), v), x, torch.tensor([0, 2]), torch.tensor([1, 3]), r(5))
case("index_put_mask", lambda a, m: a.index_put((m,), torch.tensor(7.0)), x, bools(3, 4))
case("index_put_mask_values", lambda a, m, v: a.index_put((m,), v), r(6), torch.tensor([1, 0, 1, 0, 0, 1]).bool(), r(3))


def assign(a, i, v):
    out = a.clone()
    out[:, i] = v
    out[0] = 1.0
    return out


case("index_assign", assign, x, torch.tensor([0, 2]), r(3, 2, 5))
case("masked_select", lambda a, m: a.masked_select(m), x, bools(4, 5))
case("masked_scatter", lambda a, m, s: a.masked_scatter(m, s), r(3, 4), bools(3, 4), r(12))
case("nonzero", lambda a: a.nonzero(), bools(3, 4))
case("nonzero_tuple", lambda a: torch.where(a), bools(3, 4))
case("index_select", lambda a, i: a.index_select(1, i), x, torch.tensor([3, 0, 0]))
case("gather", lambda a, i: a.gather(1, i), x, ints(0, 4, 3, 2, 5))
case("gather_smaller", lambda a, i: a.gather(1, i), x, ints(0, 4, 2, 6, 3))
case("take_along_dim", lambda a, i: a.take_along_dim(i, 1), x, ints(0, 4, 3, 2, 1))
case("take", lambda a, i: a.take(i), x, ints(-60, 60, 2, 3))
case("scatter", lambda a, i, s: a.scatter(1, i, s), x, torch.tensor([[[0], [2]], [[1], [3]], [[3], [0]]]).expand(3, 2, 5), r(3, 3, 6))
case("scatter_value", lambda a, i: a.scatter(1, i, 2.5), x, ints(0, 4, 3, 1, 5))
case("scatter_add", lambda a, i, s: a.scatter_add(0, i, s), x, ints(0, 3, 2, 4, 5), r(2, 4, 5))
for reduce in "sum prod mean amax amin".split():
    for include in (True, False):
        case(f"scatter_reduce_{reduce}_{include}", lambda a, i, s, k=reduce, n=include: a.scatter_reduce(0, i, s, k, include_self=n), x, ints(0, 3, 4, 4, 5), r(4, 4, 5))
case("scatter_reduce_mean_int", lambda a, i, s: a.scatter_reduce(0, i, s, "mean"), ints(-9, 9, 3), ints(0, 3, 5), ints(-9, 9, 5))
case("index_add", lambda a, i, s: a.index_add(1, i, s, alpha=2), x, torch.tensor([0, 2, 0]), r(3, 3, 5))
case("index_copy", lambda a, i, s: a.index_copy(1, i, s), x, torch.tensor([0, 2]), r(3, 2, 5))
case("index_fill", lambda a, i: a.index_fill(1, i, 2.5), x, torch.tensor([0, 2]))

# --- order
case("topk", lambda a: a.topk(3, 1), x)
case("topk_smallest", lambda a: a.topk(2, largest=False), x)
case("topk_int", lambda a: a.topk(2), torch.tensor([[5, 1, 7, 2], [0, -3, 9, 4]]))
case("sort", lambda a: a.sort(1), x)
case("sort_descending", lambda a: a.sort(descending=True), x)
case("sort_stable", lambda a: torch.sort(a, stable=True, dim=0), ints(0, 3, 9))
case("argsort", lambda a: a.argsort(1, descending=True), x)
case("msort", lambda a: torch.msort(a), x)
case("searchsorted", lambda s, v: (torch.searchsorted(s, v), torch.searchsorted(s, v, right=True)), torch.tensor([1.0, 3.0, 3.0, 7.0]), torch.tensor([[0.0, 3.0], [5.0, 9.0]]))
case("bucketize", lambda v, s: torch.bucketize(v, s), r(3, 4), torch.tensor([-1.0, 0.0, 1.0]))
case("isin", lambda a: torch.isin(a, torch.tensor([1, 3])), ints(0, 5, 3, 4))
case("bincount_like", lambda a: (a.unsqueeze(0) == torch.arange(4).unsqueeze(1)).sum(1), ints(0, 4, 9))
