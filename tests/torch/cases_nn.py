"""Layers: convolution, pooling, normalisation, products, resizing, padding, attention."""

import torch
import torch.nn.functional as F
from torch import nn

from case import bools, case, ints, pos, r

x2 = r(2, 4, 9, 11)
aten = torch.ops.aten

# --- convolution
for stride, padding, dilation, groups in ((1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 4), ((2, 1), (1, 0), (1, 2), 1)):
    w = r(8, 4 // groups, 3, 3, seed=1)
    case(f"conv2d_{stride}_{padding}_{dilation}_{groups}".replace("(", "").replace(")", "").replace(", ", "x"),
         lambda x, w, b, s=stride, p=padding, d=dilation, g=groups: F.conv2d(x, w, b, s, p, d, g), x2, w, r(8))
case("conv2d_no_bias", lambda x, w: F.conv2d(x, w), x2, r(3, 4, 1, 1))
case("conv2d_unbatched", lambda x, w: F.conv2d(x, w, padding=1), r(4, 7, 7), r(3, 4, 3, 3))
case("conv2d_same", lambda x, w: F.conv2d(x, w, padding="same"), x2, r(3, 4, 4, 3))
case("conv2d_valid", lambda x, w: F.conv2d(x, w, padding="valid"), x2, r(3, 4, 4, 3))
case("conv1d", lambda x, w, b: F.conv1d(x, w, b, 2, 1), r(2, 4, 13), r(6, 4, 3), r(6))
case("conv3d", lambda x, w, b: F.conv3d(x, w, b, (1, 2, 2), 1), r(1, 3, 5, 6, 7), r(4, 3, 3, 3, 3), r(4))
case("conv2d_double", lambda x, w: F.conv2d(x.double(), w.double()), x2, r(3, 4, 3, 3))
case("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=2, padding=1), r(1, 3, 6), r(3, 2, 4))
case("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=2),
     x2, r(4, 3, 3, 3), r(6))
case("conv_transpose2d_dilated", lambda x, w: F.conv_transpose2d(x, w, dilation=2), x2, r(4, 3, 3, 2))
case("conv_transpose3d", lambda x, w: F.conv_transpose3d(x, w, stride=2), r(1, 2, 3, 3, 3), r(2, 2, 2, 2, 2))
case("conv_transpose2d_unbatched", lambda x, w: F.conv_transpose2d(x, w, stride=2), r(4, 5, 5), r(4, 3, 2, 2))
case("convolution_transposed", lambda x, w: aten.convolution(x, w, None, [2, 2], [1, 1], [1, 1], True, [1, 1], 1), x2, r(4, 3, 3, 3))

# --- pooling
for ceil in (False, True):
    case(f"max_pool2d_ceil_{ceil}", lambda x, c=ceil: F.max_pool2d(x, 3, 2, ceil_mode=c), r(1, 3, 8, 11))
    case(f"max_pool2d_padded_ceil_{ceil}", lambda x, c=ceil: F.max_pool2d(x, 3, 2, 1, ceil_mode=c), r(1, 3, 8, 11))
    case(f"avg_pool2d_ceil_{ceil}", lambda x, c=ceil: F.avg_pool2d(x, 3, 2, 1, ceil_mode=c), r(1, 3, 8, 11))
    case(f"avg_pool2d_ceil_{ceil}_not_counted", lambda x, c=ceil: F.avg_pool2d(x, 3, 2, 1, ceil_mode=c, count_include_pad=False), r(1, 3, 8, 11))
    case(f"avg_pool3d_ceil_{ceil}", lambda x, c=ceil: F.avg_pool3d(x, 2, 2, 1, ceil_mode=c), r(1, 2, 5, 6, 7))
    case(f"avg_pool1d_ceil_{ceil}", lambda x, c=ceil: F.avg_pool1d(x, 3, 2, 1, ceil_mode=c), r(1, 3, 8))
case("max_pool2d_dilated", lambda x: F.max_pool2d(x, 3, 1, 1, 2), r(1, 3, 8, 11))
case("max_pool2d_indices", lambda x: F.max_pool2d(x, 2, return_indices=True), r(2, 3, 8, 6))
case("max_pool2d_unbatched", lambda x: F.max_pool2d(x, 2), r(3, 8, 6))
case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), r(2, 3, 9))
case("max_pool3d", lambda x: F.max_pool3d(x, 2), r(1, 2, 4, 6, 6))
case("avg_pool2d_divisor", lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=5), r(1, 3, 9, 11))
case("avg_pool2d_unbatched", lambda x: F.avg_pool2d(x, 2), r(3, 9, 11))
case("adaptive_avg_pool2d_one", lambda x: F.adaptive_avg_pool2d(x, 1), x2)
case("adaptive_avg_pool2d_divides", lambda x: F.adaptive_avg_pool2d(x, (3, 11)), x2)
case("adaptive_avg_pool2d_other", lambda x: F.adaptive_avg_pool2d(x, (4, 5)), x2)
case("adaptive_avg_pool2d_larger", lambda x: F.adaptive_avg_pool2d(x, (12, 15)), x2)
case("adaptive_avg_pool2d_mixed", lambda x: F.adaptive_avg_pool2d(x, (1, 4)), x2)
case("adaptive_avg_pool2d_unbatched", lambda x: F.adaptive_avg_pool2d(x, 1), r(3, 4, 4))
case("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 4), r(2, 3, 10))
case("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(x, (2, 3, 1)), r(1, 2, 5, 6, 7))
case("adaptive_max_pool2d_one", lambda x: F.adaptive_max_pool2d(x, 1, return_indices=True), x2)
case("adaptive_max_pool2d_divides", lambda x: F.adaptive_max_pool2d(x, (3, 1), return_indices=True), x2)
case("adaptive_max_pool2d_other", lambda x: F.adaptive_max_pool2d(x, (4, 5)), x2)
case("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 3), r(2, 3, 10))
case("adaptive_max_pool3d", lambda x: F.adaptive_max_pool3d(x, (2, 3, 1)), r(1, 2, 5, 6, 7))
case("lp_pool2d", lambda x: F.lp_pool2d(x, 2.0, 3, 2), pos(1, 3, 8, 8))

# --- normalisation
case("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, False, 0.1, 1e-3), x2, r(4), pos(4), r(4, seed=1), r(4, seed=2))
case("batch_norm_plain", lambda x, m, v: F.batch_norm(x, m, v), x2, r(4), pos(4))
case("batch_norm_2d_input", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), r(5, 4), r(4), pos(4), r(4, seed=1), r(4, seed=2))
case("batch_norm_batch_statistics", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), x2, r(4), r(4, seed=2))
case("layer_norm", lambda x, w, b: F.layer_norm(x, (11,), w, b, 1e-3), x2, r(11), r(11, seed=1))
case("layer_norm_two", lambda x, w, b: F.layer_norm(x, (9, 11), w, b), x2, r(9, 11), r(9, 11, seed=1))
case("layer_norm_plain", lambda x: F.layer_norm(x, (11,)), x2)
case("layer_norm_weight_only", lambda x, w: F.layer_norm(x, (11,), w), x2, r(11))
case("native_layer_norm", lambda x, w, b: aten.native_layer_norm(x, [11], w, b, 1e-5), x2, r(11), r(11, seed=1), export=False)
case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), x2, r(4), r(4, seed=1))
case("group_norm_plain", lambda x: F.group_norm(x, 4), x2)
case("group_norm_flat", lambda x, w, b: F.group_norm(x, 2, w, b), r(3, 6), r(6), r(6, seed=1))
case("native_group_norm", lambda x, w, b: aten.native_group_norm(x, w, b, 2, 4, 99, 2, 1e-5), x2, r(4), r(4, seed=1), export=False)
case("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), x2, r(4), r(4, seed=1))
case("instance_norm_plain", lambda x: F.instance_norm(x), r(2, 3, 7))
case("instance_norm_statistics", lambda x, m, v: F.instance_norm(x, m, v, use_input_stats=False), x2, r(4), pos(4))
case("rms_norm", lambda x, w: F.rms_norm(x, (11,), w, 1e-5), x2, r(11))
case("rms_norm_default", lambda x: F.rms_norm(x, (9, 11)), x2)
case("normalize", lambda x: F.normalize(x, dim=1), x2)
case("local_response_norm", lambda x: F.local_response_norm(x, 3), x2)
case("weight_norm", lambda v, g: torch._weight_norm(v, g, 0), r(4, 3, 3), r(4, 1, 1), export=False)

# --- products
case("linear_2d", lambda x, w, b: F.linear(x, w, b), r(3, 5), r(4, 5), r(4))
case("linear_3d", lambda x, w, b: F.linear(x, w, b), r(2, 3, 5), r(4, 5), r(4))
case("linear_1d", lambda x, w, b: F.linear(x, w, b), r(5), r(4, 5), r(4))
case("linear_no_bias", lambda x, w: F.linear(x, w), r(3, 5), r(4, 5))
case("linear_vector_weight", lambda x, w: F.linear(x, w), r(3, 5), r(5))
for a, b in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((7, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,))):
    case(f"matmul_{len(a)}_{len(b)}_{a[0]}", lambda x, y: torch.matmul(x, y), r(*a), r(*b, seed=1))
case("matmul_int", lambda x, y: torch.matmul(x, y), ints(-9, 9, 2, 3), ints(-9, 9, 3, 4))
case("matmul_int8", lambda x, y: torch.matmul(x, y), ints(-9, 9, 2, 3, dtype=torch.int8), ints(-9, 9, 3, 4, dtype=torch.int8))
case("mm", lambda x, y: torch.mm(x, y), r(2, 3), r(3, 4))
case("bmm", lambda x, y: torch.bmm(x, y), r(2, 3, 4), r(2, 4, 5))
case("mv", lambda x, y: torch.mv(x, y), r(2, 3), r(3))
case("dot", lambda x, y: torch.dot(x, y), r(5), r(5, seed=1))
case("outer", lambda x, y: torch.outer(x, y), r(3), r(4))
case("inner", lambda x, y: torch.inner(x, y), r(2, 3, 5), r(4, 5))
case("addmm", lambda c, x, y: torch.addmm(c, x, y, beta=0.5, alpha=2), r(4), r(2, 3), r(3, 4))
case("addmm_beta_zero", lambda c, x, y: torch.addmm(c, x, y, beta=0), r(2, 4) / 0, r(2, 3), r(3, 4))
case("addmm_int", lambda c, x, y: torch.addmm(c, x, y, beta=2, alpha=3), ints(0, 9, 2, 4), ints(0, 9, 2, 3), ints(0, 9, 3, 4))
case("baddbmm", lambda c, x, y: torch.baddbmm(c, x, y, beta=0.5, alpha=0.1), r(2, 3, 5), r(2, 3, 4), r(2, 4, 5))
case("addbmm", lambda c, x, y: torch.addbmm(c, x, y), r(3, 5), r(2, 3, 4), r(2, 4, 5))
case("addmv", lambda c, x, y: torch.addmv(c, x, y, alpha=2), r(3), r(3, 4), r(4))
case("addr", lambda c, x, y: torch.addr(c, x, y), r(3, 4), r(3), r(4))
case("tensordot", lambda x, y: torch.tensordot(x, y, dims=([1, 0], [0, 2])), r(3, 4, 5), r(4, 6, 3))
case("einsum_bhqk", lambda x, y: torch.einsum("bhqd, bhkd -> bhqk", x, y), r(2, 3, 4, 5), r(2, 3, 6, 5))
case("einsum_implicit", lambda x, y: torch.einsum("ij,jk", x, y), r(2, 3), r(3, 4))
case("einsum_ellipsis", lambda x, y: torch.einsum("...ij,...jk->...ik", x, y), r(2, 5, 2, 3), r(5, 3, 4))
case("einsum_batched_heads", lambda x, y: torch.einsum("bhqk,bkhd->bqhd", x, y), r(2, 3, 4, 5), r(2, 5, 3, 6))
case("einsum_outer", lambda x, y: torch.einsum("bi,bj->bji", x, y), r(2, 3), r(2, 4))
case("einsum_sums", lambda x, y: torch.einsum("bij,kj->k", x, y), r(2, 3, 4), r(5, 4))
case("einsum_dot", lambda x, y: torch.einsum("i,i->", x, y), r(6), r(6))
case("einsum_permuted", lambda x: torch.einsum("bhd->db", x), r(2, 3, 4))
case("einsum_three", lambda x, y, z: torch.einsum("bi,ij,bj->b", x, y, z), r(2, 3), r(3, 4), r(2, 4))
case("einsum_of_one", lambda x, y: torch.einsum("bij,bjk->bik", x, y), r(1, 2, 3), r(4, 3, 5))
case("einsum_trace", lambda x: torch.einsum("ii->i", x), r(4, 4))
case("chain_matmul", lambda a, b, c: torch.linalg.multi_dot([a, b, c]), r(2, 3), r(3, 4), r(4, 5))

# --- resizing
image = r(1, 2, 5, 7)
for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
    corners = (False, True) if mode.startswith("bi") else (None,)
    for align in corners:
        name = f"interpolate_{mode}_{align}".replace("-", "_")
        case(name + "_size", lambda x, m=mode, a=align: F.interpolate(x, size=(9, 3), mode=m, align_corners=a), image)
        case(name + "_factor", lambda x, m=mode, a=align: F.interpolate(x, scale_factor=2, mode=m, align_corners=a), image)
        case(name + "_odd_factor", lambda x, m=mode, a=align: F.interpolate(x, scale_factor=(1.7, 0.6), mode=m, align_corners=a), image)
        case(name + "_recomputed", lambda x, m=mode, a=align: F.interpolate(x, scale_factor=1.7, mode=m, align_corners=a, recompute_scale_factor=True), image)
        case(name + "_to_one", lambda x, m=mode, a=align: F.interpolate(x, size=(1, 1), mode=m, align_corners=a), image)
for size in ((6, 14), (13, 11), (2, 3), (10, 21)):
    case(f"interpolate_nearest_{size[0]}x{size[1]}", lambda x, s=size: F.interpolate(x, size=s), r(1, 1, 9, 10))
case("interpolate_linear", lambda x: F.interpolate(x, size=11, mode="linear"), r(1, 2, 7))
case("interpolate_nearest1d", lambda x: F.interpolate(x, scale_factor=3), r(1, 2, 7))
case("interpolate_trilinear", lambda x: F.interpolate(x, size=(5, 4, 9), mode="trilinear"), r(1, 2, 3, 4, 5))
case("interpolate_trilinear_corners", lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=True), r(1, 2, 3, 4, 5))
case("interpolate_nearest3d", lambda x: F.interpolate(x, scale_factor=2), r(1, 2, 3, 4, 5))
case("interpolate_antialias", lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), r(1, 2, 9, 10))
case("interpolate_antialias_cubic", lambda x: F.interpolate(x, size=(3, 4), mode="bicubic", antialias=True), r(1, 2, 9, 10))
case("interpolate_area", lambda x: F.interpolate(x, size=(3, 4), mode="area"), r(1, 2, 9, 10))
case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), r(1, 8, 3, 4))
case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), r(1, 2, 6, 4))
case("pixel_shuffle_unbatched", lambda x: F.pixel_shuffle(x, 2), r(8, 3, 4))
case("channel_shuffle", lambda x: F.channel_shuffle(x, 2), x2, export=False)

# --- padding
for mode in ("constant", "reflect", "replicate", "circular"):
    case(f"pad_{mode}_2d", lambda x, m=mode: F.pad(x, (2, 1, 0, 3), mode=m), x2)
    case(f"pad_{mode}_1d", lambda x, m=mode: F.pad(x, (2, 1), mode=m), r(2, 3, 6))
    case(f"pad_{mode}_3d", lambda x, m=mode: F.pad(x, (2, 1, 1, 1, 0, 2), mode=m), r(1, 2, 4, 5, 6))
case("pad_value", lambda x: F.pad(x, (1, 2, 3, 0), value=1.5), x2)
case("pad_negative", lambda x: F.pad(x, (-1, 2, 1, -3)), x2)
case("pad_channels", lambda x: F.pad(x, (0, 0, 0, 0, 1, 1)), x2)
case("pad_int", lambda x: F.pad(x, (1, 1), value=7), ints(0, 9, 3, 4))
case("pad_bool", lambda x: F.pad(x, (1, 1), value=True), bools(3, 4))
case("pad_none", lambda x: F.pad(x, (0, 0)), x2)
case("pad_circular_negative", lambda x: F.pad(x, (-1, 2), mode="circular"), r(2, 3, 6))

# --- attention
q, k, v = r(2, 3, 5, 8), r(2, 3, 6, 8, seed=1), r(2, 3, 6, 8, seed=2)
case("sdpa", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), q, k, v)
case("sdpa_scale", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), q, k, v)
case("sdpa_causal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), q, k, v)
case("sdpa_causal_square", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), k, k, v)
case("sdpa_bool_mask", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, bools(5, 6) | torch.eye(5, 6).bool())
case("sdpa_float_mask", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, r(2, 1, 5, 6))
case("sdpa_mask_keys", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, r(2, 1, 1, 6))
case("sdpa_mask_queries", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, r(5, 1))
case("sdpa_3d", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), r(3, 5, 8), r(3, 6, 8), r(3, 6, 4))
case("sdpa_3d_mask", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), r(3, 5, 8), r(3, 6, 8), r(3, 6, 8, seed=1), r(3, 5, 6))
case("sdpa_2d", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), r(5, 8), r(6, 8), r(6, 8, seed=1))
case("sdpa_value_size", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), q, k, r(2, 3, 6, 10))
case("sdpa_gqa", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), r(2, 6, 5, 8), r(2, 2, 6, 8), r(2, 2, 6, 8, seed=1))


# Queries that may see no key: 0 from scaled_dot_product_attention, NaN from a softmax that is written out.
def masked(seed):
    keep = bools(2, 3, 5, 6, seed=seed)
    keep[0, 0, 1] = keep[1, 2, 3] = False
    return keep


def hidden(keep):
    return torch.zeros(keep.shape).masked_fill(~keep, -float("inf"))


def written_out(q, k, v, m):
    scores = q @ k.transpose(-2, -1) / 8 ** 0.5 + m
    return F.softmax(scores, -1) @ v


def written_out_fill(q, k, v, m):
    scores = (q @ k.transpose(-2, -1) / 8 ** 0.5).masked_fill(~m, -float("inf"))
    return F.softmax(scores, -1) @ v


blind_rows = torch.ones(5, 6).bool()
blind_rows[1] = blind_rows[4] = False
case("sdpa_blind_bool", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, masked(0))
case("sdpa_blind_float", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, hidden(masked(1)))
case("sdpa_blind_rows", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, blind_rows)
case("sdpa_blind_constant", lambda q, k, v, m=blind_rows: F.scaled_dot_product_attention(q, k, v, m), q, k, v)
case("sdpa_blind_3d", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q[0], k[0], v[0], masked(2)[0])
case("sdpa_blind_half", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q.half(), k.half(), v.half(), masked(3))
case("sdpa_lowest_mask", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), q, k, v, torch.where(masked(4), 0.0, torch.finfo(torch.float32).min))
case("sdpa_causal_more_queries", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), k, q, q)
case("sdpa_math_bool", lambda q, k, v, m: torch.ops.aten._scaled_dot_product_attention_math(q, k, v, m)[0], q, k, v, masked(5), export=False)
case("sdpa_flash_blind", lambda q, k, v, m: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, attn_mask=m)[0], q, k, v, hidden(masked(6)), export=False)
case("safe_softmax", lambda x: torch.ops.aten._safe_softmax(x, -1), hidden(masked(7)), export=False)
case("attention_written_out_blind", written_out, q, k, v, hidden(masked(8)))
case("attention_written_out_blind_fill", written_out_fill, q, k, v, masked(9))
case("attention_written_out_blind_constant", lambda q, k, v, m=hidden(blind_rows): written_out(q, k, v, m), q, k, v)
case("attention_written_out_blind_fill_constant", lambda q, k, v, m=blind_rows: written_out_fill(q, k, v, m), q, k, v)


class Attend(nn.Module):
    def __init__(self, **options):
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.MultiheadAttention(8, 2, **options).eval()
        nn.init.normal_(self.inner.in_proj_bias)

    def forward(self, x):
        return self.inner(x, x, x)


class Cross(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True).eval()

    def forward(self, q, k, v):
        return self.inner(q, k, v, need_weights=True, average_attn_weights=False)


def encoder(**options):
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options).eval()


case("multihead_attention", Attend(batch_first=True).eval(), r(2, 5, 8))
case("multihead_attention_sequence_first", Attend().eval(), r(5, 2, 8))
case("multihead_attention_cross", Cross().eval(), r(2, 5, 8), r(2, 7, 6), r(2, 7, 4))
case("encoder_layer", encoder(), r(2, 5, 8))
case("encoder_layer_first_gelu", encoder(norm_first=True, activation="gelu"), r(2, 5, 8))


def packed(need_weights, average, mask=None, kind=None):
    def forward(x, w, b, pw, pb, m):
        y, weights = torch._native_multi_head_attention(x, x, x, 8, 2, w, b, pw, pb, m if mask else None, need_weights, average, kind)
        return (y, weights) if need_weights else y
    return forward


parts = (r(2, 5, 8), r(24, 8), r(24), r(8, 8), r(8))
case("native_mha", packed(False, True), *parts, bools(5, 5), export=False)
case("native_mha_weights", packed(True, True), *parts, bools(5, 5), export=False)
case("native_mha_all_weights", packed(True, False), *parts, bools(5, 5), export=False)
case("native_mha_src_mask", packed(True, False, True, 0), *parts, bools(5, 5) & ~torch.eye(5).bool(), export=False)
case("native_mha_key_mask", packed(False, False, True, 1), *parts, bools(2, 5) & ~torch.tensor([True, False, False, False, False]), export=False)
blind_keys = bools(2, 5)
blind_keys[1] = True
blind_square = bools(5, 5) & ~torch.eye(5).bool()
blind_square[2] = True
for weights in (False, True):
    case(f"native_mha_blind_keys_{weights}", packed(weights, True, True, 1), *parts, blind_keys, export=False)
    case(f"native_mha_blind_queries_{weights}", packed(weights, True, True, 0), *parts, blind_square, export=False)
case("embedding", lambda w, i: F.embedding(i, w), r(10, 4), ints(0, 10, 2, 3))
case("grid_sample", lambda x, g: F.grid_sample(x, g, align_corners=False), x2, r(2, 5, 6, 2) * 0.7)
case("unfold_image", lambda x: F.unfold(x, 3, padding=1, stride=2), x2)
case("fold_image", lambda x: F.fold(x, (4, 5), 2), r(1, 12, 12))


class SteppedRanges(nn.Module):
    def forward(self, x):
        for i in range(5, -2, -2):
            x = x * 0.5 + i
        for i in range(1, x.size(1), 3):
            x = x + x[:, i : i + 1]
        return x


case("stepped_ranges", SteppedRanges(), r(2, 9), script=True)
case("instance_norm_module", nn.InstanceNorm2d(4, affine=True).eval(), x2, script=True)


def grid_of_sizes(x):
    h, w = x.shape[2:]
    gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return x + torch.stack((gx, gy), 2).view(1, 1, h, w, 2).float().sum(-1)


case("grid_of_sizes", grid_of_sizes, r(2, 3, 24, 20))
case("affine_grid_of_input", lambda t, x: F.grid_sample(x, F.affine_grid(t, x.size(), align_corners=False), align_corners=False), r(2, 2, 3), r(2, 3, 6, 5))
