#include "ops/common/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/concat/concat.h"
#include "ops/gather/gather.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops::lower {

// Sums and products of booleans are booleans, as in PyTorch.
V* add(LowerContext& c, V* a, V* b) {
  return c.b.emit_named(a->dtype() == DType::boolean ? "Or" : "Add", {a, b});
}
V* sub(LowerContext& c, V* a, V* b) { return c.b.emit_named("Sub", {a, b}); }
V* mul(LowerContext& c, V* a, V* b) {
  return c.b.emit_named(a->dtype() == DType::boolean ? "And" : "Mul", {a, b});
}
V* div(LowerContext& c, V* a, V* b) { return c.b.emit_named("Div", {a, b}); }
V* where(LowerContext& c, V* condition, V* yes, V* no) {
  return c.b.emit_named("Where", {condition, yes, no});
}
V* like(LowerContext& c, V* x, double value) { return c.b.scalar(value, x->dtype()); }

V* unsqueeze(LowerContext& c, V* x, std::vector<int64_t> axes) {
  return axes.empty() ? x : c.b.emit_named("Unsqueeze", {x, c.b.ints(axes)});
}
V* squeeze(LowerContext& c, V* x, std::vector<int64_t> axes) {
  return axes.empty() ? x : c.b.emit_named("Squeeze", {x, c.b.ints(axes)});
}

V* transpose(LowerContext& c, V* x, std::vector<int64_t> permutation) {
  if (std::is_sorted(permutation.begin(), permutation.end())) return x;
  Transpose op;
  op.perm = std::move(permutation);
  return c.b.emit(op, {x});
}

V* reshape(LowerContext& c, V* x, const Sizes& sizes) {
  if (x->shape() && *x->shape() == sizes) return x;
  // 0 stands for "as before" and one -1 for the rest, which covers most dynamic shapes without
  // computing any.
  std::vector<int64_t> spec;
  int free = 0;
  bool zero = false;
  const Sizes before = x->shape().value_or(Sizes{});
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (auto n = sizes[i].constant()) {
      spec.push_back(*n);
      zero = zero || *n == 0;
    } else if (i < before.size() && before[i] == sizes[i]) {
      spec.push_back(0);
    } else {
      spec.push_back(-1);
      ++free;
    }
  }
  V* out = nullptr;
  if (zero || free > 1) {
    out = c.b.emit(Reshape{.allowzero = zero}, {x, c.b.shape(sizes)});
  } else {
    out = c.b.emit(Reshape{}, {x, c.b.ints(spec)});
  }
  if (!c.b.failed()) out->type.shape = sizes;
  return out;
}

V* expand(LowerContext& c, V* x, const Sizes& sizes) {
  if (x->shape() && *x->shape() == sizes) return x;
  V* out = c.b.emit_named("Expand", {x, c.b.shape(sizes)});
  if (!c.b.failed()) out->type.shape = sizes;
  return out;
}

V* slice(LowerContext& c, V* x, int64_t axis, const ir::Dim& start, const ir::Dim& stop,
         int64_t step) {
  return c.b.emit_named(
      "Slice", {x, c.b.shape({{start}}), c.b.shape({{stop}}), c.b.ints({axis}), c.b.ints({step})});
}

V* concat(LowerContext& c, std::vector<V*> parts, int64_t axis) {
  if (parts.size() == 1) return parts[0];
  return c.b.emit(Concat{.axis = axis}, std::move(parts));
}

V* gather(LowerContext& c, V* x, V* indices, int64_t axis) {
  return c.b.emit(Gather{.axis = axis}, {x, indices});
}

V* matmul(LowerContext& c, V* a, V* b) { return c.b.emit_named("MatMul", {a, b}); }

V* product(LowerContext& c, V* a, V* b) {
  const DType type = a->dtype();
  if (type != DType::i8 && type != DType::i16 && type != DType::u8) return matmul(c, a, b);
  return c.b.cast(matmul(c, c.b.cast(a, DType::i32), c.b.cast(b, DType::i32)), type);
}

V* softmax(LowerContext& c, V* x, int64_t axis) { return c.b.emit(Softmax{.axis = axis}, {x}); }

V* reduce(LowerContext& c, const char* op, V* x, const std::vector<int64_t>& axes, bool keepdims) {
  std::vector<V*> inputs{x};
  if (axes.size() < rank(c, x)) {
    if (axes.empty()) return x;
    inputs.push_back(c.b.ints(axes));
  }
  return c.b.emit_with(
      op, {{"keepdims", int64_t{keepdims ? 1 : 0}}, {"noop_with_empty_axes", int64_t{0}}},
      std::move(inputs));
}

V* vector_norm(LowerContext& c, V* x, double p, const std::vector<int64_t>& axes, bool keepdims) {
  if (p == 2) return reduce(c, "ReduceL2", x, axes, keepdims);
  if (p == 1) return reduce(c, "ReduceL1", x, axes, keepdims);
  if (p == 0) {
    V* there = c.b.cast(c.b.cast(x, DType::boolean), x->dtype());
    return reduce(c, "ReduceSum", there, axes, keepdims);
  }
  V* size = c.b.emit_named("Abs", {x});
  if (std::isinf(p)) return reduce(c, p > 0 ? "ReduceMax" : "ReduceMin", size, axes, keepdims);
  // Powers overflow halves; PyTorch takes them in f32.
  if (bits(x->dtype()) < 32) size = c.b.cast(size, DType::f32);
  V* powers = c.b.emit_named("Pow", {size, like(c, size, p)});
  V* sum = reduce(c, "ReduceSum", powers, axes, keepdims);
  return c.b.cast(c.b.emit_named("Pow", {sum, like(c, sum, 1 / p)}), x->dtype());
}

V* filled(LowerContext& c, const Sizes& sizes, double value, DType dtype) {
  if (auto dims = ir::constant_dims(sizes);
      dims && element_count(*dims) <= 4096 && element_count(*dims) >= 0) {
    const Tensor one = ir::Builder::scalar_tensor(value, dtype);
    Tensor out = Tensor::zeros(dtype, *dims);
    const size_t width = byte_size(dtype, 1);
    for (int64_t i = 0; i < out.count(); ++i) {
      std::copy_n(one.data(), width, out.mutable_bytes().data() + static_cast<size_t>(i) * width);
    }
    return c.b.constant(std::move(out));
  }
  return expand(c, c.b.scalar(value, dtype), sizes);
}

V* floating(LowerContext& c, V* x) { return c.b.cast(x, LowerContext::floating(x->dtype())); }

V* int_table(LowerContext& c, const std::vector<int64_t>& values, Dims shape) {
  return c.b.constant(Tensor::of<int64_t>(DType::i64, std::move(shape), values));
}

V* float_table(LowerContext& c, const std::vector<double>& values, Dims shape, DType dtype) {
  if (dtype == DType::f64)
    return c.b.constant(Tensor::of<double>(DType::f64, std::move(shape), values));
  const std::vector<float> narrow(values.begin(), values.end());
  return c.b.cast(c.b.constant(Tensor::of<float>(DType::f32, std::move(shape), narrow)), dtype);
}

torch::Value applied(LowerContext& c, const std::string& op, std::vector<torch::Value> arguments) {
  auto result = c.machine().call(op, std::move(arguments));
  if (result) return *result;
  c.b.fail(result.error());
  return torch::Poison{op};
}

V* result(LowerContext& c, const torch::Value& value) {
  const torch::TensorRef* t = value.get<torch::TensorRef>();
  if (t == nullptr) return c.refuse("an operator in its formula cannot be converted");
  auto read = c.machine().read(**t);
  if (!read) {
    c.b.fail(read.error());
    return c.b.scalar(0, DType::f32);
  }
  return is_complex((*t)->dtype) ? c.complex(*read) : *read;
}

size_t rank(LowerContext& c, V* x) { return c.shape(x).size(); }
Sizes sizes(LowerContext& c, V* x) { return c.shape(x); }

std::optional<int64_t> axis(LowerContext& c, int64_t value, size_t rank) {
  const auto n = static_cast<int64_t>(std::max<size_t>(rank, 1));
  if (value < -n || value >= n) {
    c.refuse(fmt::format("dimension {} of a tensor with {} dimensions", value, rank));
    return std::nullopt;
  }
  return value < 0 ? value + n : value;
}

std::optional<int64_t> axis(LowerContext& c, std::string_view name, V* x) {
  return axis(c, c.constant(name), rank(c, x));
}

std::vector<int64_t> all_axes(size_t rank) {
  std::vector<int64_t> out(rank);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::optional<std::vector<int64_t>> axes(LowerContext& c, std::string_view name, V* x) {
  const size_t n = rank(c, x);
  if (!c.has(name)) return all_axes(n);
  std::vector<int64_t> named;
  if (c.value(name).is<ir::Dim>())
    named = {c.constant(name)};
  else
    named = c.constants(name);
  if (named.empty() || n == 0) return all_axes(n);
  for (int64_t& one : named) {
    auto at = axis(c, one, n);
    if (!at) return std::nullopt;
    one = *at;
  }
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  return named;
}

std::vector<int64_t> moved(size_t rank, int64_t from, int64_t to) {
  std::vector<int64_t> out = all_axes(rank);
  if (from < 0 || static_cast<size_t>(from) >= rank || to < 0 || static_cast<size_t>(to) >= rank)
    return out;
  out.erase(out.begin() + from);
  out.insert(out.begin() + to, from);
  return out;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> out(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    out[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return out;
}

V* count(LowerContext& c, V* x, const std::vector<int64_t>& axes, DType dtype) {
  const Sizes shape = sizes(c, x);
  ir::Dim product = 1;
  for (int64_t axis : axes) {
    if (static_cast<size_t>(axis) < shape.size())
      product = product * shape[static_cast<size_t>(axis)];
  }
  if (auto n = product.constant()) return c.b.scalar(static_cast<double>(*n), dtype);
  return c.b.cast(c.b.dim(product), dtype);
}

std::optional<Sizes> broadcast(LowerContext& c, const std::vector<Sizes>& shapes) {
  Sizes out;
  for (const Sizes& shape : shapes) {
    auto next = ir::broadcast(out, shape, c.machine().ranges());
    if (!next) {
      c.refuse(next.error().why.empty() ? next.error().what : next.error().why);
      return std::nullopt;
    }
    out = std::move(*next);
  }
  return out;
}

V* batched(LowerContext& c, V* x, size_t with_batch, const std::function<std::vector<V*>(V*)>& f) {
  const size_t n = rank(c, x);
  if (n != with_batch && n + 1 != with_batch) {
    return c.refuse(
        fmt::format("the input has {} dimensions, not {} or {}", n, with_batch - 1, with_batch));
  }
  const bool single = n + 1 == with_batch;
  std::vector<V*> out = f(single ? unsqueeze(c, x, {0}) : x);
  if (single && !c.refused()) {
    for (V*& one : out) {
      if (one) one = squeeze(c, one, {0});
    }
  }
  if (out.size() == 1) return out[0];
  return c.give(std::move(out));
}

}  // namespace tenon::ops::lower
