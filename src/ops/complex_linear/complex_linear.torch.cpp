// Operators on complex tensors that are linear in them: the operators themselves, called on real
// and imaginary parts.
#include <algorithm>
#include <functional>

#include "ops/common/complex_parts.h"
#include "torch/views.h"

namespace tenon::ops {
namespace complex_linear_lowering {

using lower::Parts;
using lower::V;
using torch::LowerContext;
using torch::TensorRef;
using torch::Value;

// Real or imaginary part of a tensor, a number, or of all that a list holds.
Value part(LowerContext& c, const Value& value, int which) {
  if (const TensorRef* t = value.get<TensorRef>()) {
    if (is_complex((*t)->dtype)) {
      auto view =
          torch::select_tensor(c.machine(), torch::real_view(*t), (*t)->sizes.size(), which);
      if (view) return *view;
      c.b.fail(view.error());
      return value;
    }
    if (which == 0) return value;
    return c.machine().tensor(lower::filled(c, (*t)->sizes, 0, (*t)->dtype));
  }
  if (const torch::Complex* z = value.get<torch::Complex>())
    return Value::number(which == 0 ? z->re : z->im);
  if (const auto* items = c.machine().items(value)) {
    const std::vector<Value> copy = *items;
    std::vector<Value> out;
    for (const Value& item : copy) out.push_back(part(c, item, which));
    return c.machine().list(std::move(out));
  }
  if (which == 0 || value.is_none()) return value;
  return value.is<ir::Dim>() ? Value::integer(0) : Value::number(0);
}

// The operator on real arguments: those that `change` gives in place of the call's own.
V* call(LowerContext& c, const std::function<Value(const std::string&, const Value&)>& change) {
  std::vector<Value> arguments;
  for (const torch::SchemaArgument& argument : c.schema().arguments) {
    Value value = c.value(argument.name);
    const ir::Dim* dtype = value.get<ir::Dim>();
    if (argument.name == "dtype" && dtype && dtype->is_constant())
      value = Value::integer(torch::scalar_type_of_dtype(
          torch::real_type(torch::dtype_of_scalar_type(*dtype->constant()))));
    else
      value = change(argument.name, value);
    arguments.push_back(std::move(value));
  }
  auto result = c.machine().call_overload(c.schema(), std::move(arguments));
  if (!result) {
    c.b.fail(result.error());
    return c.b.scalar(0, DType::f32);
  }
  const TensorRef* t = result->get<TensorRef>();
  if (t == nullptr) return c.refuse("it does not give one tensor");
  auto read = c.machine().read(**t);
  if (read) return *read;
  c.b.fail(read.error());
  return c.b.scalar(0, DType::f32);
}

// Parts of one type: an operator on mixed arguments promotes each part by itself.
V* complex_of(LowerContext& c, Parts z) {
  const DType type =
      torch::promote(LowerContext::floating(z.re->dtype()), LowerContext::floating(z.im->dtype()));
  return lower::joined(c, {c.b.cast(z.re, type), c.b.cast(z.im, type)});
}

// An operator that moves, chooses or adds elements of the arguments named.
V* several(LowerContext& c, const std::vector<std::string>& names) {
  auto of = [&](int which) {
    return call(c, [&](const std::string& name, const Value& value) {
      return std::ranges::find(names, name) != names.end() ? part(c, value, which) : value;
    });
  };
  V *re = of(0), *im = of(1);
  return c.refused() ? nullptr : complex_of(c, {re, im});
}

constexpr char kSelf[] = "self", kTensors[] = "tensors", kOther[] = "other", kSource[] = "source",
               kValues[] = "values", kValue[] = "value", kSrc[] = "src", kNone[] = "";
template <const char* first = kSelf, const char* second = kNone>
V* apart(LowerContext& c) {
  return several(c, {first, second});
}
V* diff(LowerContext& c) { return several(c, {"self", "prepend", "append"}); }
V* pad(LowerContext& c) { return several(c, {"self", "value"}); }
V* index_add(LowerContext& c) {
  if (c.is_complex_number("alpha")) return c.refuse("alpha is complex");
  return several(c, {"self", "source"});
}

// An operator that multiplies elements of two arguments and adds the products.
template <bool conjugate_first>
Parts product(LowerContext& c, const std::string& first, const std::string& second) {
  auto of = [&](int x, int y) {
    return call(c, [&](const std::string& name, const Value& value) {
      return name == first ? part(c, value, x) : name == second ? part(c, value, y) : value;
    });
  };
  if (!c.is_complex_number(first)) return {of(0, 0), of(0, 1)};
  if (!c.is_complex_number(second)) {
    V *re = of(0, 0), *im = of(1, 0);
    return {re, conjugate_first ? c.b.emit_named("Neg", {im}) : im};
  }
  V *rr = of(0, 0), *ii = of(1, 1), *ri = of(0, 1), *ir = of(1, 0);
  if (conjugate_first) return {lower::add(c, rr, ii), lower::sub(c, ri, ir)};
  return {lower::sub(c, rr, ii), lower::add(c, ri, ir)};
}
constexpr char kMat2[] = "mat2", kVec[] = "vec", kTensor[] = "tensor", kVec2[] = "vec2", kX[] = "x",
               kY[] = "y";
template <const char* first, const char* second, bool conjugate_first = false>
V* bilinear(LowerContext& c) {
  const Parts z = product<conjugate_first>(c, first, second);
  return c.refused() ? nullptr : complex_of(c, z);
}

// The machine's own operators on tensors, for formulas of several.
Value applied(LowerContext& c, const std::string& op, std::vector<Value> arguments) {
  auto result = c.machine().call(op, std::move(arguments));
  if (result) return *result;
  c.b.fail(result.error());
  return {};
}
V* result(LowerContext& c, const Value& value) {
  const TensorRef* t = value.get<TensorRef>();
  if (t == nullptr) return c.refuse("a part of its formula cannot be computed");
  auto read = c.machine().read(**t);
  if (!read) {
    c.b.fail(read.error());
    return c.b.scalar(0, DType::f32);
  }
  return is_complex((*t)->dtype) ? c.complex(*read) : *read;
}
Value times(LowerContext& c, const Value& x, std::string_view factor) {
  const Value& by = c.value(factor);
  const ir::Dim* d = by.get<ir::Dim>();
  return d && d->is(1) ? x : applied(c, "aten::mul", {x, by});
}

// beta * self + alpha * (a @ b)
template <const char* first, const char* second>
V* added_product(LowerContext& c) {
  const Value product = applied(c, "aten::matmul", {c.value(first), c.value(second)});
  const ir::Dim* beta = c.value("beta").get<ir::Dim>();
  if (beta && beta->is(0)) return result(c, times(c, product, "alpha"));
  return result(
      c, applied(c, "aten::add", {times(c, c.value("self"), "beta"), times(c, product, "alpha")}));
}
constexpr char kMat1[] = "mat1", kBatch1[] = "batch1", kBatch2[] = "batch2", kMat[] = "mat";

V* linear(LowerContext& c) {
  const Value turned =
      applied(c, "aten::transpose", {c.value("weight"), Value::integer(-1), Value::integer(-2)});
  Value out = applied(c, "aten::matmul", {c.value("input"), turned});
  if (c.has("bias")) out = applied(c, "aten::add", {out, c.value("bias")});
  return result(c, out);
}

V* einsum(LowerContext& c) {
  const auto* items = c.machine().items(c.value("tensors"));
  if (items == nullptr || items->empty() || items->size() > 3)
    return c.refuse("an equation of complex tensors takes up to three of them here");
  const std::vector<Value> operands = *items;
  // Every choice of parts, whose product is real or imaginary, and negative with two or three
  // imaginary factors.
  V* sums[2] = {nullptr, nullptr};
  for (unsigned choice = 0; choice < (1U << operands.size()); ++choice) {
    std::vector<Value> chosen;
    int imaginary = 0;
    bool vanishes = false;
    for (size_t i = 0; i < operands.size(); ++i) {
      const int which = static_cast<int>(choice >> i & 1U);
      const TensorRef* t = operands[i].get<TensorRef>();
      vanishes = vanishes || (which == 1 && t && !is_complex((*t)->dtype));
      imaginary += which;
      chosen.push_back(vanishes ? operands[i] : part(c, operands[i], which));
    }
    if (vanishes) continue;
    V* term = call(c, [&](const std::string& name, const Value& value) {
      return name == "tensors" ? c.machine().list(chosen) : value;
    });
    if (imaginary >= 2) term = c.b.emit_named("Neg", {term});
    V*& sum = sums[imaginary % 2];
    sum = sum ? lower::add(c, sum, term) : term;
  }
  return c.refused() ? nullptr : complex_of(c, {sums[0], sums[1]});
}

// --- norms and the like: of magnitudes

template <const char* name>
V* of_magnitudes(LowerContext& c) {
  return call(c, [&](const std::string& argument, const Value& value) -> Value {
    const TensorRef* t = value.get<TensorRef>();
    if (argument != name || t == nullptr) return value;
    return applied(c, "aten::abs", {value});
  });
}

V* of_truth(LowerContext& c) {
  return call(c, [&](const std::string& argument, const Value& value) -> Value {
    if (argument != "self") return value;
    return applied(c, "aten::ne", {value, Value::integer(0)});
  });
}

// The mean square distance from the mean, which both parts add to.
V* variance(LowerContext& c) {
  auto of = [&](int which) {
    return call(c, [&](const std::string& name, const Value& value) {
      return name == "self" ? part(c, value, which) : value;
    });
  };
  V *re = of(0), *im = of(1);
  return c.refused() ? nullptr : lower::add(c, re, im);
}
V* deviation(LowerContext& c) {
  V *re = nullptr, *im = nullptr;
  for (const int which : {0, 1}) {
    (which == 0 ? re : im) = call(c, [&](const std::string& name, const Value& value) {
      return name == "self" ? part(c, value, which) : value;
    });
  }
  if (c.refused()) return nullptr;
  return c.b.emit_named("Sqrt", {lower::add(c, lower::mul(c, re, re), lower::mul(c, im, im))});
}

// The product along a dimension of known length, in pairs.
V* product_along(LowerContext& c, V* x, int64_t axis, const ir::Dim& size, bool keep) {
  const auto length = size.constant();
  if (!length) return c.refuse("ONNX multiplies no complex numbers along a dynamic dimension");
  Parts z = lower::parts(c, x);
  auto cut = [&](int64_t from, int64_t to) {
    return Parts{lower::slice(c, z.re, axis, from, to), lower::slice(c, z.im, axis, from, to)};
  };
  int64_t left = *length;
  if (left == 0) {
    Sizes sizes = lower::sizes(c, z.re);
    sizes[static_cast<size_t>(axis)] = 1;
    z = {lower::filled(c, sizes, 1, z.re->dtype()), lower::filled(c, sizes, 0, z.re->dtype())};
  }
  while (left > 1) {
    const int64_t half = left / 2;
    const Parts pairs = lower::mul(c, cut(0, half), cut(half, 2 * half));
    const Parts odd = cut(2 * half, left);
    z = left % 2 == 0 ? pairs
                      : Parts{lower::concat(c, {pairs.re, odd.re}, axis),
                              lower::concat(c, {pairs.im, odd.im}, axis)};
    left = half + left % 2;
  }
  if (!keep) z = {lower::squeeze(c, z.re, {axis}), lower::squeeze(c, z.im, {axis})};
  return lower::joined(c, z);
}
V* prod(LowerContext& c) {
  DType type = c.dtype("dtype").value_or(c.value("self").get<TensorRef>()->get()->dtype);
  if (!is_complex(type)) type = DType::c64;
  V* x = c.operand("self", type);
  Sizes sizes = lower::sizes(c, x);
  sizes.pop_back();
  if (!c.has("dim")) {
    const ir::Dim count = ir::product(sizes);
    return product_along(c, lower::reshape(c, x, {count, 2}), 0, count, false);
  }
  const auto axis = lower::axis(c, c.constant("dim"), sizes.size());
  if (!axis || sizes.empty()) return c.complex(x);
  return product_along(c, x, *axis, sizes[static_cast<size_t>(*axis)], c.flag("keepdim"));
}

}  // namespace complex_linear_lowering

std::span<const torch::Lowering> complex_linear_torch() {
  using namespace complex_linear_lowering;
  using torch::Takes;
  static constexpr torch::Lowering kAll[] = {
      {"aten::sum", apart<>, Takes::complex},
      {"aten::sum.dim_IntList", apart<>, Takes::complex},
      {"aten::mean", apart<>, Takes::complex},
      {"aten::mean.dim", apart<>, Takes::complex},
      {"aten::flip", apart<>, Takes::complex},
      {"aten::fliplr", apart<>, Takes::complex},
      {"aten::flipud", apart<>, Takes::complex},
      {"aten::rot90", apart<>, Takes::complex},
      {"aten::roll", apart<>, Takes::complex},
      {"aten::index.Tensor", apart<>, Takes::complex},
      {"aten::index.Tensor_hacked_twin", apart<>, Takes::complex},
      {"aten::_unsafe_index.Tensor", apart<>, Takes::complex},
      {"aten::_unsafe_index.Tensor_hacked_twin", apart<>, Takes::complex},
      {"aten::index_select", apart<>, Takes::complex},
      {"aten::gather", apart<>, Takes::complex},
      {"aten::take", apart<>, Takes::complex},
      {"aten::take_along_dim", apart<>, Takes::complex},
      {"aten::trace", apart<>, Takes::complex},
      {"aten::cumsum", apart<>, Takes::complex},
      {"aten::tril", apart<>, Takes::complex},
      {"aten::triu", apart<>, Takes::complex},
      {"aten::diag", apart<>, Takes::complex},
      {"aten::diag_embed", apart<>, Takes::complex},
      {"aten::repeat", apart<>, Takes::complex},
      {"aten::tile", apart<>, Takes::complex},
      {"aten::repeat_interleave.self_int", apart<>, Takes::complex},
      {"aten::repeat_interleave.self_Tensor", apart<>, Takes::complex},
      {"aten::reflection_pad1d", apart<>, Takes::complex},
      {"aten::reflection_pad2d", apart<>, Takes::complex},
      {"aten::reflection_pad3d", apart<>, Takes::complex},
      {"aten::replication_pad1d", apart<>, Takes::complex},
      {"aten::replication_pad2d", apart<>, Takes::complex},
      {"aten::replication_pad3d", apart<>, Takes::complex},
      {"aten::_pad_circular", apart<>, Takes::complex},
      {"aten::masked_select", apart<>, Takes::complex},
      {"aten::cat", apart<kTensors>, Takes::complex},
      {"aten::concat", apart<kTensors>, Takes::complex},
      {"aten::concatenate", apart<kTensors>, Takes::complex},
      {"aten::_cat", apart<kTensors>, Takes::complex},
      {"aten::stack", apart<kTensors>, Takes::complex},
      {"aten::_stack", apart<kTensors>, Takes::complex},
      {"aten::hstack", apart<kTensors>, Takes::complex},
      {"aten::vstack", apart<kTensors>, Takes::complex},
      {"aten::row_stack", apart<kTensors>, Takes::complex},
      {"aten::dstack", apart<kTensors>, Takes::complex},
      {"aten::column_stack", apart<kTensors>, Takes::complex},
      {"aten::block_diag", apart<kTensors>, Takes::complex},
      {"aten::where.self", apart<kSelf, kOther>, Takes::complex},
      {"aten::where.ScalarOther", apart<kSelf, kOther>, Takes::complex},
      {"aten::where.ScalarSelf", apart<kSelf, kOther>, Takes::complex},
      {"aten::where.Scalar", apart<kSelf, kOther>, Takes::complex},
      {"aten::masked_fill.Scalar", apart<kSelf, kValue>, Takes::complex},
      {"aten::masked_fill.Tensor", apart<kSelf, kValue>, Takes::complex},
      {"aten::index_fill.int_Scalar", apart<kSelf, kValue>, Takes::complex},
      {"aten::index_fill.int_Tensor", apart<kSelf, kValue>, Takes::complex},
      {"aten::scatter.value", apart<kSelf, kValue>, Takes::complex},
      {"aten::constant_pad_nd", apart<kSelf, kValue>, Takes::complex},
      {"aten::index_put", apart<kSelf, kValues>, Takes::complex},
      {"aten::index_put.hacked_twin", apart<kSelf, kValues>, Takes::complex},
      {"aten::_unsafe_index_put", apart<kSelf, kValues>, Takes::complex},
      {"aten::_index_put_impl", apart<kSelf, kValues>, Takes::complex},
      {"aten::masked_scatter", apart<kSelf, kSource>, Takes::complex},
      {"aten::index_copy", apart<kSelf, kSource>, Takes::complex},
      {"aten::scatter.src", apart<kSelf, kSrc>, Takes::complex},
      {"aten::scatter_add", apart<kSelf, kSrc>, Takes::complex},
      {"aten::index_add", index_add, Takes::complex},
      {"aten::pad", pad, Takes::complex},
      {"aten::diff", diff, Takes::complex},
      {"aten::matmul", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::linalg_matmul", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::mm", bilinear<kSelf, kMat2>, Takes::complex},
      {"aten::bmm", bilinear<kSelf, kMat2>, Takes::complex},
      {"aten::mv", bilinear<kSelf, kVec>, Takes::complex},
      {"aten::dot", bilinear<kSelf, kTensor>, Takes::complex},
      {"aten::outer", bilinear<kSelf, kVec2>, Takes::complex},
      {"aten::ger", bilinear<kSelf, kVec2>, Takes::complex},
      {"aten::inner", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::tensordot", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::kron", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::cross", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::linalg_cross", bilinear<kSelf, kOther>, Takes::complex},
      {"aten::vdot", bilinear<kSelf, kOther, true>, Takes::complex},
      {"aten::linalg_vecdot", bilinear<kX, kY, true>, Takes::complex},
      {"aten::addmm", added_product<kMat1, kMat2>, Takes::complex},
      {"aten::addmv", added_product<kMat, kVec>, Takes::complex},
      {"aten::baddbmm", added_product<kBatch1, kBatch2>, Takes::complex},
      {"aten::linear", linear, Takes::complex},
      {"aten::einsum", einsum, Takes::complex},
      {"aten::prod", prod, Takes::complex},
      {"aten::prod.dim_int", prod, Takes::complex},
      {"aten::norm.Scalar", of_magnitudes<kSelf>, Takes::complex},
      {"aten::norm.ScalarOpt_dim", of_magnitudes<kSelf>, Takes::complex},
      {"aten::linalg_norm", of_magnitudes<kSelf>, Takes::complex},
      {"aten::linalg_vector_norm", of_magnitudes<kSelf>, Takes::complex},
      {"aten::frobenius_norm.dim", of_magnitudes<kSelf>, Takes::complex},
      {"aten::any", of_truth, Takes::complex},
      {"aten::any.dim", of_truth, Takes::complex},
      {"aten::any.dims", of_truth, Takes::complex},
      {"aten::all", of_truth, Takes::complex},
      {"aten::all.dim", of_truth, Takes::complex},
      {"aten::all.dims", of_truth, Takes::complex},
      {"aten::count_nonzero", of_truth, Takes::complex},
      {"aten::count_nonzero.dim_IntList", of_truth, Takes::complex},
      {"aten::nonzero", of_truth, Takes::complex},
      {"aten::var", variance, Takes::complex},
      {"aten::var.dim", variance, Takes::complex},
      {"aten::var.correction", variance, Takes::complex},
      {"aten::std", deviation, Takes::complex},
      {"aten::std.dim", deviation, Takes::complex},
      {"aten::std.correction", deviation, Takes::complex},
  };
  return kAll;
}

}  // namespace tenon::ops
