#include "ops/common/resize_products.h"

#include <algorithm>
#include <numeric>

#include "ops/common/resize_taps.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace {

// The axes of a node that says everything in constants, but for sizes that stay as they are.
std::optional<std::vector<ResizedAxis>> fixed_axes(const ir::Node& node, const Resize& op) {
  const auto& shape = node.input(0)->shape();
  if (!shape) return std::nullopt;
  const auto given = [&](size_t i) {
    return i < node.inputs().size() && node.input(i) != nullptr &&
           !(node.input(i)->is_constant() && node.input(i)->constant->count() == 0);
  };
  std::vector<float> scales;
  ir::Shape sizes;
  if (given(2)) {
    const ir::Value* value = node.input(2);
    if (!value->is_constant() || !value->constant->has_data() || value->dtype() != DType::f32)
      return std::nullopt;
    const auto span = value->constant->values<float>();
    scales.assign(span.begin(), span.end());
  } else if (given(3)) {
    if (!node.input(3)->contents) return std::nullopt;
    sizes = *node.input(3)->contents;
  }
  // A size that is not known counts as 1, where it stays; ratios cannot be said of it.
  std::vector<int64_t> which(shape->size());
  std::iota(which.begin(), which.end(), 0);
  if (op.axes) which = *op.axes;
  if (which.size() != (scales.empty() ? sizes.size() : scales.size())) return std::nullopt;
  Dims dims;
  for (const ir::Dim& dim : *shape) dims.push_back(dim.constant().value_or(1));
  std::vector<int64_t> wanted;
  for (size_t i = 0; i < which.size(); ++i) {
    const auto axis = ir::normalize_axis(which[i], shape->size());
    if (!axis) return std::nullopt;
    const ir::Dim& in = (*shape)[*axis];
    const bool stays = scales.empty() ? sizes[i] == in : scales[i] == 1;
    if (!in.constant() && (!stays || op.keep_aspect_ratio_policy != "stretch")) return std::nullopt;
    if (!scales.empty()) continue;
    if (!stays && !sizes[i].constant()) return std::nullopt;
    wanted.push_back(stays ? dims[*axis] : *sizes[i].constant());
  }
  auto axes = resized_axes(op, dims, {}, scales, wanted);
  if (!axes) return std::nullopt;
  for (const ResizedAxis& axis : *axes) {
    if (axis.changes() && (axis.in <= 0 || axis.out <= 0)) return std::nullopt;
  }
  return std::move(*axes);
}

// [in, out], or [out, in].
ir::Value* matrix(ir::Builder& b, const Resize& op, const ResizedAxis& axis, bool from_left,
                  DType dtype) {
  std::vector<double> weights(static_cast<size_t>(axis.in * axis.out));
  const std::vector<Taps> taps = make_taps(op, axis);
  for (int64_t to = 0; to < axis.out; ++to) {
    const Taps& t = taps[static_cast<size_t>(to)];
    for (size_t k = 0; k < t.index.size(); ++k) {  // those past the edge fall onto it
      const int64_t at = from_left ? to * axis.in + t.index[k] : t.index[k] * axis.out + to;
      weights[static_cast<size_t>(at)] += t.weight[k];
    }
  }
  Tensor out = Tensor::zeros(dtype, from_left ? Dims{axis.out, axis.in} : Dims{axis.in, axis.out});
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    const Tensor one = ir::Builder::scalar_tensor(weights[i], dtype);
    std::copy_n(one.data(), one.nbytes(), out.mutable_bytes().data() + i * one.nbytes());
  }
  return b.constant(std::move(out));
}

}  // namespace

bool is_resize_of_late(const ir::Node& node) {
  if (!node.is(Resize::kName)) return false;
  const auto op = node.as<Resize>();
  return op.antialias || op.keep_aspect_ratio_policy != "stretch" ||
         op.coordinate_transformation_mode == "half_pixel_symmetric";
}

ir::Value* resized_by_products(ir::Builder& b, const ir::Node& node) {
  const auto op = node.as<Resize>();
  if (op.coordinate_transformation_mode == "tf_crop_and_resize" ||
      !is_floating(node.input(0)->dtype()))
    return nullptr;
  const auto axes = fixed_axes(node, op);
  if (!axes) return nullptr;
  ir::Value* x = node.input(0);
  const size_t rank = axes->size();
  const DType dtype = x->dtype();
  for (size_t axis = 0; axis < rank; ++axis) {
    if (!(*axes)[axis].changes()) continue;
    if (axis + 2 == rank) {
      x = b.emit_named("MatMul", {matrix(b, op, (*axes)[axis], true, dtype), x});
      continue;
    }
    std::vector<int64_t> swap(rank);
    std::iota(swap.begin(), swap.end(), 0);
    std::swap(swap[axis], swap[rank - 1]);
    const bool last = axis + 1 == rank;
    if (!last) x = b.emit(Transpose{.perm = swap}, {x});
    x = b.emit_named("MatMul", {x, matrix(b, op, (*axes)[axis], false, dtype)});
    if (!last) x = b.emit(Transpose{.perm = swap}, {x});
  }
  return x == node.input(0) ? b.emit_named("Identity", {x}) : x;
}

}  // namespace tenon::ops
