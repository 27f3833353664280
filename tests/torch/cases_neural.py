"""Layers that are rarer, or that only training uses: pooling that can be undone, bags of embeddings, normalisation by
the batch, gradients."""

import torch
import torch.nn.functional as F

from case import bools, case, ints, pos, r

aten = torch.ops.aten
x2 = r(2, 3, 9, 11)

# --- adaptive and fractional pooling with places
case("adaptive_max_pool1d_places", lambda x: F.adaptive_max_pool1d(x, 4, return_indices=True), r(2, 3, 10))
case("adaptive_max_pool2d_places", lambda x: F.adaptive_max_pool2d(x, (4, 5), return_indices=True), x2)
case("adaptive_max_pool2d_places_ties",
     lambda x: F.adaptive_max_pool2d(x, (4, 5), return_indices=True), ints(0, 3, 2, 3, 9, 11).float())
case("adaptive_max_pool2d_places_larger", lambda x: F.adaptive_max_pool2d(x, (4, 3), return_indices=True), r(1, 2, 3, 2))
case("adaptive_max_pool3d_places", lambda x: F.adaptive_max_pool3d(x, (2, 3, 1), return_indices=True), r(2, 5, 6, 7))
case("adaptive_max_pool2d_backward",
     lambda x, g: aten.adaptive_max_pool2d_backward(g, x, F.adaptive_max_pool2d(x, (4, 5), return_indices=True)[1]),
     x2, r(2, 3, 4, 5))
case("fractional_max_pool2d", lambda x, u: aten.fractional_max_pool2d(x, [2, 3], [5, 4], u), x2, r(2, 3, 2).sigmoid())
case("fractional_max_pool2d_unbatched", lambda x, u: aten.fractional_max_pool2d(x, [2, 3], [5, 1], u), r(3, 9, 11),
     r(1, 3, 2).sigmoid())
case("fractional_max_pool2d_double", lambda x, u: aten.fractional_max_pool2d(x, [2, 2], [6, 7], u), x2.double(),
     r(2, 3, 2).double().sigmoid())
case("fractional_max_pool3d", lambda x, u: aten.fractional_max_pool3d(x, [2, 1, 3], [4, 5, 3], u), r(2, 2, 7, 8, 9),
     r(2, 2, 3).sigmoid())

# --- undoing max pooling
# Their sizes cannot be exported as dynamic.
case("max_unpool2d_size",
     lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(9, 11)), x2)
case("max_unpool2d_unbatched_ints", lambda x, i: aten.max_unpool2d(x, i, [4, 4]), ints(0, 9, 3, 2, 2).float(),
     torch.tensor([[[0, 3], [9, 15]]] * 3))
case("max_unpool3d", lambda x: aten.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), [4, 6, 6], [2] * 3, [0] * 3),
     r(1, 2, 4, 6, 6))
case("max_pool2d_backward",
     lambda x, g: aten.max_pool2d_with_indices_backward(
         g, x, [3, 3], [2, 2], [1, 1], [1, 1], False, F.max_pool2d(x, 3, 2, 1, return_indices=True)[1]),
     r(2, 3, 9, 9), r(2, 3, 5, 5))
case("max_pool3d_backward_unbatched",
     lambda x, g: aten.max_pool3d_with_indices_backward(
         g, x, [2, 2, 2], [2, 2, 2], [0, 0, 0], [1, 1, 1], False, F.max_pool3d(x, 2, return_indices=True)[1]),
     r(2, 4, 6, 6), r(2, 2, 3, 3))

# --- average pooling by a divisor of its own where the last window is cut short
for kernel, stride, padding in ((3, 2, 1), (4, 3, 0), (2, 3, 0), (3, 4, 1)):
    case(f"avg_pool2d_divisor_ceil_{kernel}_{stride}_{padding}",
         lambda x, k=kernel, s=stride, p=padding: F.avg_pool2d(x, k, s, p, ceil_mode=True, divisor_override=3),
         r(1, 3, 10, 11))
case("avg_pool3d_divisor_ceil", lambda x: F.avg_pool3d(x, 2, 2, 1, ceil_mode=True, divisor_override=5), r(2, 4, 5, 6))

# --- normalisation by the batch
for name, x in (("1d", r(6, 4)), ("2d", r(3, 4, 5, 6)), ("double", r(3, 4, 5).double())):
    case(f"batch_norm_training_{name}",
         lambda x, m, v: F.batch_norm(x, m, v, None, None, True, 0.3, 1e-3), x, r(4).to(x.dtype), pos(4).to(x.dtype))
case("batch_norm_training_half", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), r(3, 4, 5, 6).half(),
     r(4).half(), r(4).half())
case("native_batch_norm_training",
     lambda x, w, b, m, v: torch.native_batch_norm(x, w, b, m, v, True, 0.1, 1e-5), r(3, 4, 5), r(4), r(4), r(4), pos(4))
case("native_batch_norm_no_stats",
     lambda x: torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5), r(3, 4, 5))
case("batch_norm_training_updates",
     lambda x, m, v: (F.batch_norm(x, m, v, training=True, momentum=0.4), m * 1, v * 1), r(3, 4, 5), r(4), pos(4))
case("batch_norm_legit_functional",
     lambda x, m, v: aten._native_batch_norm_legit_functional(x, None, None, m, v, True, 0.1, 1e-5), r(3, 4, 5), r(4), pos(4))

# --- bags of embeddings
table, tokens, starts = r(10, 4), ints(0, 10, 13), torch.tensor([0, 2, 2, 7, 13])
for mode in ("sum", "mean", "max"):
    case(f"embedding_bag_{mode}", lambda i, o, w, m=mode: F.embedding_bag(i, w, o, mode=m), tokens, starts, table)
    case(f"embedding_bag_{mode}_padding",
         lambda i, o, w, m=mode: F.embedding_bag(i, w, o, mode=m, padding_idx=3), torch.tensor([3, 3, 1, 3, 5, 2]),
         torch.tensor([0, 2, 5]), table)
    case(f"embedding_bag_{mode}_last_offset",
         lambda i, o, w, m=mode: F.embedding_bag(i, w, o, mode=m, include_last_offset=True), tokens, starts, table)
    case(f"embedding_bag_{mode}_matrix", lambda i, w, m=mode: F.embedding_bag(i, w, mode=m), ints(0, 10, 3, 5), table)
    case(f"embedding_bag_forward_only_{mode}",
         lambda i, o, w, m=("sum", "mean", "max").index(mode): aten._embedding_bag_forward_only(w, i, o, False, m)[0],
         tokens, starts, table)
case("embedding_bag_weights", lambda i, o, w, s: F.embedding_bag(i, w, o, mode="sum", per_sample_weights=s),
     tokens, starts, table, r(13))
case("embedding_bag_i32", lambda i, o, w: F.embedding_bag(i, w, o, mode="mean", padding_idx=-1),
     tokens.int(), starts.int(), table)
case("embedding_bag_infinite", lambda i, o, w: F.embedding_bag(i, w, o, mode="sum"), tokens, starts,
     torch.where(table > 1, float("inf"), table))

# --- gradients
y = r(3, 5).softmax(1)
case("softmax_backward", lambda g, y: aten._softmax_backward_data(g, y, 1, torch.float32), r(3, 5, seed=1), y)
case("softmax_backward_scalar", lambda g, y: aten._softmax_backward_data(g, y, 0, torch.float32), r(seed=1), r().sigmoid())
case("log_softmax_backward", lambda g, y: aten._log_softmax_backward_data(g, y, -1, torch.float32), r(3, 5, seed=1), y.log())
case("native_dropout_backward", lambda g, m: aten.native_dropout_backward(g, m, 1.25), r(3, 5), bools(3, 5))
case("log_sigmoid_forward", lambda x: aten.log_sigmoid_forward(x), r(3, 5))
case("dropout_evaluated", lambda x: F.feature_alpha_dropout(F.dropout3d(F.alpha_dropout(x, 0.3), 0.5, False), 0.2), r(2, 3, 4, 5, 6))
case("rrelu_evaluated", lambda x: F.rrelu(x, 0.1, 0.4), r(3, 5))
for causal in (False, True):
    case(f"flash_attention_log_sums_{causal}",
         lambda q, k, v, c=causal: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, c), r(2, 3, 5, 8),
         r(2, 3, 7, 8), r(2, 3, 7, 8), export=False)  # PyTorch decomposes it into another shape
case("flash_attention_log_sums_mask",
     lambda q, k, v, m: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, False, attn_mask=m, scale=0.3),
     r(2, 3, 5, 8), r(2, 3, 7, 8), r(2, 3, 7, 8), r(5, 7), export=False)

# --- half types, which are computed in f32, and integers
case("embedding_bag_half", lambda i, o, w: F.embedding_bag(i, w, o, mode="mean"), tokens, starts, table.half())
case("native_batch_norm_half",
     lambda x, w, m, v: torch.native_batch_norm(x, w, None, m, v, False, 0.1, 1e-5), r(3, 4, 5).half(), r(4).half(),
     r(4).half(), pos(4).half())
case("native_layer_norm_half", lambda x: torch.native_layer_norm(x, [5], None, None, 1e-5), r(3, 4, 5).half())
case("native_layer_norm_double", lambda x: torch.native_layer_norm(x, [4, 5], None, None, 1e-5), r(3, 4, 5).double())
case("softmax_backward_half", lambda g, y: aten._softmax_backward_data(g, y, 1, torch.float16), r(3, 5, seed=1).half(), y.half())
case("native_dropout_backward_ints", lambda g, m: aten.native_dropout_backward(g, m, 1.25), ints(-5, 5, 3, 5), bools(3, 5))
