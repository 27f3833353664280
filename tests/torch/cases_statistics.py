"""Order statistics, histograms, unique elements, segments, and places that masks or tensors give."""

import torch

from case import bools, case, ints, pos, r, unit

f64 = torch.float64
nan, inf = float("nan"), float("inf")
gaps = torch.tensor([[1.0, nan, 3.0, 2.0], [nan, nan, nan, nan], [4.0, 4.0, inf, -inf]])

case("median_nan", torch.median, gaps)
case("median_nan_dim", lambda x: torch.median(x, 1), gaps)
case("median_ints", lambda x: torch.median(x, 0, keepdim=True), torch.tensor([[5, 1], [2, 8], [9, 3], [4, 4]]))
case("nanmedian_all", torch.nanmedian, gaps)
# Where there is no number, PyTorch leaves open which place it gives.
case("nanmedian_dim", lambda x: torch.nanmedian(x, 1).values, gaps)
case("nanmedian_places", lambda x: torch.nanmedian(x, 1), gaps[[0, 2]])
case("nanmedian_ints", lambda x: torch.nanmedian(x, 0), torch.tensor([[5, 1], [2, 8], [9, 3]]))
case("nanmedian_f64_keepdim", lambda x: torch.nanmedian(x, -1, True), r(3, 6, dtype=f64))
case("mode_ints", lambda x: torch.mode(x, 1), ints(0, 4, 3, 9))
case("mode_bool", lambda x: torch.mode(x, 0, keepdim=True), bools(5, 2))
case("mode_scalar", lambda x: torch.mode(x, 0), r())

q = torch.tensor([0.0, 0.3, 0.5, 1.0])
for how in ("linear", "lower", "higher", "midpoint", "nearest"):
    case(f"quantile_{how}", lambda x, h=how: torch.quantile(x, q, dim=1, interpolation=h), r(3, 7))
    case(f"nanquantile_{how}", lambda x, h=how: torch.nanquantile(x, q, dim=1, interpolation=h), gaps)
case("quantile_all", lambda x: torch.quantile(x, 0.4), r(3, 7))
case("quantile_nan", lambda x: torch.quantile(x, q, dim=-1), gaps)
case("quantile_keepdim", lambda x: torch.quantile(x, q, dim=0, keepdim=True), r(4, 2, 3))
case("quantile_all_keepdim", lambda x: torch.quantile(x, 0.25, keepdim=True), r(4, 3))
case("quantile_f64_tensor", lambda x, p: torch.quantile(x, p, dim=0), r(5, 2, dtype=f64), torch.tensor(0.7, dtype=f64))
case("quantile_scalar_input", lambda x: torch.quantile(x, q, dim=0), r())

case("histc_range", lambda x: torch.histc(x, 5, -1, 1), r(40))
case("histc_own_range", lambda x: torch.histc(x, 7), r(40, dtype=f64))
case("histc_constant", lambda x: torch.histc(x, 4), torch.full((6,), 2.0))
case("histc_nan", lambda x: torch.histc(x, 4, -1, 1), torch.tensor([nan, 0.3, inf, -2, 1, -1]))
# PyTorch cannot trace or export some of these with symbolic sizes; what it saves must agree.
case("histogram_edges", lambda x, e: torch.histogram(x, e), r(5, 6), torch.tensor([-2.0, -0.5, 0.1, 3.0]), export=False)
case("histogram_density", lambda x, w: torch.histogram(x, 6, range=(-2.0, 2.0), weight=w, density=True), r(30), pos(30), export=False)
case("histogramdd_counts", lambda x: torch.histogramdd(x, [3, 4])[0], r(20, 2))

case("bincount_plain", torch.bincount, ints(0, 6, 20))
case("bincount_weights", lambda x, w: torch.bincount(x, w, minlength=9), ints(0, 6, 20), r(20))
case("bincount_weights_f64", lambda x, w: torch.bincount(x, w), ints(0, 6, 20), ints(0, 5, 20))

numbers = ints(0, 5, 4, 6)
case("unique_ints", lambda x: torch.unique(x, return_inverse=True, return_counts=True), numbers)
case("unique_bool", lambda x: torch.unique(x, return_counts=True), bools(3, 4))
case("unique_rows", lambda x: torch.unique(x, dim=0, return_inverse=True, return_counts=True), ints(0, 2, 8, 2))
case("unique_columns_f64", lambda x: torch.unique(x, dim=1), ints(0, 2, 2, 9).double())
case("unique_scalar", lambda x: torch.unique(x, return_inverse=True), r())
case("unique_consecutive_all", lambda x: torch.unique_consecutive(x, return_inverse=True, return_counts=True), ints(0, 2, 3, 5))
case("unique_consecutive_dim", lambda x: torch.unique_consecutive(x, dim=1, return_inverse=True, return_counts=True), ints(0, 2, 2, 9))
case("unique_consecutive_only", torch.unique_consecutive, ints(0, 3, 15))

case("nonzero_static", lambda x: torch.nonzero_static(x, size=4, fill_value=-7), bools(3, 5))
case("nonzero_static_few", lambda x: torch.nonzero_static(x, size=9), torch.tensor([0, 3, 0, 1]))
case("where_scalar", lambda x: torch.where(x > 0), torch.tensor(2.0))
case("put_add", lambda x, i, s: x.put(i, s, accumulate=True), r(3, 4), torch.tensor([0, -1, 0, 5]), r(4))
case("put_in_place", lambda x, i, s: x.clone().put_(i, s), ints(0, 9, 3, 4), torch.tensor([[1, -2]]), torch.tensor([[70, 80]]))
for how in ("prod", "mean", "amax", "amin"):
    for own in (True, False):
        case(f"index_reduce_{how}_{own}", lambda x, i, s, h=how, o=own: x.index_reduce(1, i, s, h, include_self=o), r(2, 4, 3), torch.tensor([0, 2, 0]), r(2, 3, 3))
case("index_reduce_ints", lambda x, i, s: x.index_reduce(0, i, s, "mean"), ints(-9, 9, 4), torch.tensor([0, 2, 0]), ints(-9, 9, 3))
for how in ("sum", "mean", "max", "min", "prod"):
    lengths = torch.tensor([2, 0, 3, 1])
    case(f"segment_reduce_{how}", lambda x, n, h=how: torch.segment_reduce(x, h, lengths=n), r(6, 2), lengths)
    case(f"segment_reduce_{how}_initial", lambda x, n, h=how: torch.segment_reduce(x, h, lengths=n, initial=2), r(6), lengths)
case("segment_reduce_batch", lambda x, n: torch.segment_reduce(x, "sum", lengths=n, axis=1), r(2, 5, 3), torch.tensor([[2, 3, 0], [1, 1, 3]]))
case("segment_reduce_offsets", lambda x, o: torch.segment_reduce(x, "max", offsets=o), r(6), torch.tensor([0, 2, 2, 6]))

case("frexp_wide", torch.frexp, torch.tensor([0.0, 1, -1, 0.75, 8, 1e-40, -3e38, 1.5e-45, inf, nan, 0.49999997]))
case("frexp_f64", torch.frexp, torch.tensor([0.0, 1, -1e300, 5e-324, 0.1], dtype=f64))
case("nextafter_f64", torch.nextafter, r(3, 1, dtype=f64), r(4, dtype=f64))
case("nextafter_bf16", torch.nextafter, r(6).bfloat16(), r(6, seed=1).bfloat16())
case("hash_tensor_dims", lambda x: torch.hash_tensor(x, dim=1).long(), ints(-9, 9, 3, 4), export=False)
case("heaviside_nan", torch.heaviside, torch.tensor([nan, -1.0, 0.0, 2.0, -inf]), torch.tensor(0.5))
case("heaviside_bool", torch.heaviside, bools(4), torch.tensor([True, False, True, False]))
case("sum_to_size_ints", lambda x: x.sum_to_size(3, 1), ints(0, 9, 2, 3, 4, dtype=torch.int32))
case("sum_to_size_same", lambda x: x.sum_to_size(2, 3), bools(2, 3))
case("diagflat_offset", lambda x: torch.diagflat(x, -1), ints(0, 9, 2, 3))
case("chunk_cat", lambda a, b: torch._chunk_cat([a, b], 0, 3), r(4, 2), r(3, 5))
case("tensor_split_backwards", lambda x: torch.tensor_split(x, [3, 1, -2]), r(6, 2))
case("tensor_split_tensor", lambda x: torch.tensor_split(x, torch.tensor([1, 4])), r(6, 2), export=False)
case("linspace_tensors", lambda a, b: torch.linspace(a, b, 7), torch.tensor(-1.5), torch.tensor(4.0))
case("linspace_tensor_ints", lambda a: torch.linspace(a, 9, 5, dtype=torch.int64), torch.tensor(1))
case("logspace_tensors", lambda a: torch.logspace(a, 2, 5, base=2.0), torch.tensor(-1.5))
case("unfold_scalar", lambda x: x.unfold(0, 1, 1), r())
case("unfold_copy_view", lambda x: torch.unfold_copy(x, 1, 2, 2).add_(1), r(3, 6))
case("view_copy_is_fresh", lambda x: (torch.view_copy(x, (6,)).add_(1), x), r(2, 3))
case("split_copy_is_fresh", lambda x: [p.mul_(2) for p in torch.split_copy(x, 2)] + [x], r(5, 2))
case("select_copy", lambda x: torch.select_copy(x, 1, 2), r(3, 4))
case("slice_copy", lambda x: torch.slice_copy(x, 1, 1, 3), r(3, 4))
case("squeeze_copy_dims", lambda x: torch.squeeze_copy(x, (0, 2)), r(1, 3, 1))
case("view_copy_out", lambda x: torch.view_copy(x, (6,), out=torch.empty(6)), r(2, 3), export=False)
case("triplet_margin_ints", lambda a, p, n: torch.nn.functional.triplet_margin_loss(a, p, n), ints(0, 9, 3, 4), ints(0, 9, 3, 4, seed=1), ints(0, 9, 3, 4, seed=2))
case("masked_index_range", lambda x, m, i: torch.ops.aten._unsafe_masked_index(x, m, [i], 7.0), r(5, 2), torch.tensor([[True], [False], [True]]), torch.tensor([1, 99, -1]))
case("softmax_backward", lambda g, y: torch.ops.aten._softmax_backward_data(g, y, 1, torch.float32), r(3, 4), unit(3, 4))
case("log_softmax_backward", lambda g, y: torch.ops.aten._log_softmax_backward_data(g, y, -1, torch.float32), r(3, 4), unit(3, 4))
