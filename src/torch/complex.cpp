// Complex tensors: what they are in the graph, how they become real ones and back, the views
// between both.
#include <algorithm>
#include <complex>

#include "ops/gather/gather.h"
#include "torch/machine.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;
using Step = ViewStep::Kind;

// One part of a tensor's values.
ir::Value* part_of(ir::Builder& b, ir::Value* parts, int64_t which) {
  ops::Gather op;
  op.axis = static_cast<int64_t>(parts->rank().value_or(1)) - 1;
  return b.emit(op, {parts, b.scalar_int(which)});
}

// The real values as parts. A choice, not a product: it leaves infinities and NaN as they are.
ir::Value* with_zeros(ir::Builder& b, ir::Value* real) {
  Tensor first = Tensor::zeros(DType::boolean, {2});
  first.mutable_bytes()[0] = std::byte{1};
  const auto rank = static_cast<int64_t>(real->rank().value_or(0));
  return b.emit_named(
      "Where", {b.constant(std::move(first)), b.emit_named("Unsqueeze", {real, b.ints({rank})}),
                b.scalar(0, real->dtype())});
}

// Whether an odd number of conjugations lies between the tensor and its memory.
bool is_conjugated(const AbstractTensor& t) {
  bool odd = false;
  for (const ViewChain* link = t.view.get(); link != nullptr; link = link->parent.get())
    odd ^= link->step.kind == Step::conjugate;
  return odd;
}

}  // namespace

Result<ir::Value*> Machine::read_as(const AbstractTensor& tensor, DType dtype) {
  ir::Value* value = TRY(read(tensor));
  const bool from = is_complex(tensor.dtype), to = is_complex(dtype);
  if (from && !to && dtype == DType::boolean) {
    value = builder.cast(value, DType::boolean);
    value = builder.emit_named("Or", {part_of(builder, value, 0), part_of(builder, value, 1)});
  } else if (from && !to) {
    value = part_of(builder, value, 0);
  }
  value = builder.cast(value, real_type(dtype));
  if (!from && to) value = with_zeros(builder, value);
  TRY(builder.status());
  return value;
}

Result<ir::Value*> Machine::complex_scalar(const Value& number, DType dtype) {
  if (const Complex* z = number.get<Complex>()) {
    const double parts[] = {z->re, z->im};
    return builder.cast(builder.constant(Tensor::of<double>(DType::f64, {2}, parts)),
                        real_type(dtype));
  }
  return with_zeros(builder, TRY(scalar_value(number, real_type(dtype))));
}

TensorRef real_view(const TensorRef& t) {
  if (!is_complex(t->dtype)) return t;
  AbstractTensor out = *t;
  out.dtype = real_type(t->dtype);
  out.sizes.emplace_back(2);
  for (Dim& stride : out.strides) stride = stride * Dim(2);
  out.strides.emplace_back(1);
  out.wrapped = false;
  return std::make_shared<const AbstractTensor>(std::move(out));
}

TensorRef complex_view(const TensorRef& t) {
  AbstractTensor out = *t;
  out.dtype = complex_type(t->dtype);
  out.sizes.pop_back();
  out.strides.pop_back();
  for (Dim& stride : out.strides) stride = ir::floordiv(stride, Dim(2));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

namespace {

Result<Value> view_as_real(Machine& m, const Schema&, Arguments& args) {
  return real_view(TRY(tensor_of(m, args[0])));
}

Result<Value> view_as_complex(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (complex_type(t->dtype) == DType::undefined)
    return m.unsupported("unsupported operator " + schema.full_name(),
                         "parts of complex numbers are of 32 or 64 bits here",
                         "convert them first: x.float()");
  if (t->sizes.empty() || !t->sizes.back().is(2))
    return m.fail(ErrorKind::bad_file, "the last dimension of a tensor must be 2 to be complex",
                  "its shape is " + ir::to_string(t->sizes));
  return complex_view(t);
}

Result<Value> chalf(Machine& m, const Schema& schema, Arguments&) {
  return m.unsupported("unsupported operator " + schema.full_name(),
                       "parts of complex numbers are of 32 or 64 bits here", "use x.cfloat()");
}

template <Result<Value> view(Machine&, const Schema&, Arguments&)>
Result<Value> copied(Machine& m, const Schema& schema, Arguments& args) {
  const Value viewed = TRY(view(m, schema, args));
  if (viewed.is<Poison>()) return viewed;
  return copy_tensor(m, viewed);
}

template <int which>
Result<Value> part(Machine& m, const Schema& schema, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (is_complex(t->dtype)) return select_tensor(m, real_view(t), t->sizes.size(), which);
  if (which == 0) return t;
  return m.fail(ErrorKind::bad_file, schema.name + " of a real tensor", "it has no imaginary part");
}

Result<Value> conjugate(Machine& m, const TensorRef& t) {
  if (!is_complex(t->dtype)) return t;
  ViewStep step{.kind = Step::conjugate, .before = t->sizes, .after = t->sizes};
  return m.view(t, std::move(step), t->strides);
}
Result<Value> conj(Machine& m, const Schema&, Arguments& args) {
  return conjugate(m, TRY(tensor_of(m, args[0])));
}
Result<Value> conj_physical(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (!is_complex(t->dtype)) return t;
  return copy_tensor(m, TRY(conjugate(m, t)));
}
Result<Value> conj_physical_in_place(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (!is_complex(t->dtype)) return t;
  const Value conjugated = TRY(conjugate(m, t));
  TRY(m.write(*t, TRY(m.read(**conjugated.get<TensorRef>()))));
  return t;
}
Result<Value> is_conj(Machine& m, const Schema&, Arguments& args) {
  return Value::boolean(is_conjugated(*TRY(tensor_of(m, args[0]))));
}
// The tensor itself where nothing is left to compute.
Result<Value> resolve_conj(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  if (!is_conjugated(*t)) return t;
  return copy_tensor(m, t);
}

Result<Value> conjugate_transpose(Machine& m, const Schema&, Arguments& args) {
  const TensorRef t = TRY(tensor_of(m, args[0]));
  const size_t rank = t->sizes.size();
  if (rank < 2) return conjugate(m, t);
  std::vector<int64_t> order(rank);
  for (size_t i = 0; i < rank; ++i) order[i] = static_cast<int64_t>(i);
  std::swap(order[rank - 1], order[rank - 2]);
  const Value turned = TRY(permute_tensor(m, t, std::move(order)));
  return conjugate(m, *turned.get<TensorRef>());
}

template <DType dtype>
Result<Value> cast_to(Machine& m, const Schema&, Arguments& args) {
  return convert_tensor(m, TRY(tensor_of(m, args[0])), dtype, false);
}

// --- Python's complex numbers, which are known

using Number = std::complex<double>;

Result<Number> number_of(Machine& m, const Value& value) {
  if (const Complex* z = value.get<Complex>()) return Number(z->re, z->im);
  const Float f = TRY(m.to_float(value));
  if (f.is_known()) return Number(f.known, 0);
  return m.fail(ErrorKind::unsupported,
                "a complex number must be known when the model is converted",
                "it depends on the input", "compute with tensors: torch.complex(re, im)");
}
Value value_of(const Number& z) { return Complex{z.real(), z.imag()}; }

template <Number (*f)(const Number&)>
Result<Value> one_number(Machine& m, const Schema&, Arguments& args) {
  return value_of(f(TRY(number_of(m, args[0]))));
}
template <Number (*f)(const Number&, const Number&)>
Result<Value> two_numbers(Machine& m, const Schema&, Arguments& args) {
  const Number a = TRY(number_of(m, args[0])), b = TRY(number_of(m, args[1]));
  return value_of(f(a, b));
}
template <bool equal>
Result<Value> compared(Machine& m, const Schema&, Arguments& args) {
  const Number a = TRY(number_of(m, args[0])), b = TRY(number_of(m, args[1]));
  return Value::boolean((a == b) == equal);
}
Number plus(const Number& a, const Number& b) { return a + b; }
Number minus(const Number& a, const Number& b) { return a - b; }
Number times(const Number& a, const Number& b) { return a * b; }
Number over(const Number& a, const Number& b) { return a / b; }
Number power(const Number& a, const Number& b) { return std::pow(a, b); }
Number negative(const Number& a) { return -a; }
Number exponential(const Number& a) { return std::exp(a); }
Number logarithm(const Number& a) { return std::log(a); }
Number root(const Number& a) { return std::sqrt(a); }
Result<Value> size_of(Machine& m, const Schema&, Arguments& args) {
  return Value::number(std::abs(TRY(number_of(m, args[0]))));
}
Result<Value> make_number(Machine& m, const Schema&, Arguments& args) {
  const Number re = TRY(number_of(m, args[0]));
  if (args.size() < 2) return value_of(re);
  return value_of({re.real(), TRY(number_of(m, args[1])).real()});
}

}  // namespace

std::span<const Builtin> complex_builtins() {
  static constexpr Builtin kAll[] = {
      {"aten::view_as_real", view_as_real},
      {"aten::view_as_complex", view_as_complex},
      {"aten::chalf", chalf},
      {"aten::view_as_real_copy", copied<view_as_real>},
      {"aten::view_as_complex_copy", copied<view_as_complex>},
      {"aten::_conj_copy", copied<conj>},
      {"aten::real", part<0>},
      {"aten::imag", part<1>},
      {"aten::conj", conj},
      {"aten::_conj", conj},
      {"aten::conj_physical", conj_physical},
      {"aten::_conj_physical", conj_physical},
      {"aten::conj_physical_", conj_physical_in_place},
      {"aten::is_conj", is_conj},
      {"aten::resolve_conj", resolve_conj},
      {"aten::matrix_H.*", conjugate_transpose},
      {"aten::matrix_H", conjugate_transpose},
      {"aten::mH.*", conjugate_transpose},
      {"aten::mH", conjugate_transpose},
      {"aten::adjoint", conjugate_transpose},
      {"aten::add.complex", two_numbers<plus>},
      {"aten::add.int_complex", two_numbers<plus>},
      {"aten::add.complex_int", two_numbers<plus>},
      {"aten::add.float_complex", two_numbers<plus>},
      {"aten::add.complex_float", two_numbers<plus>},
      {"aten::sub.complex", two_numbers<minus>},
      {"aten::sub.int_complex", two_numbers<minus>},
      {"aten::sub.complex_int", two_numbers<minus>},
      {"aten::sub.float_complex", two_numbers<minus>},
      {"aten::sub.complex_float", two_numbers<minus>},
      {"aten::mul.complex", two_numbers<times>},
      {"aten::mul.int_complex", two_numbers<times>},
      {"aten::mul.complex_int", two_numbers<times>},
      {"aten::mul.float_complex", two_numbers<times>},
      {"aten::mul.complex_float", two_numbers<times>},
      {"aten::div.complex", two_numbers<over>},
      {"aten::pow.complex", two_numbers<power>},
      {"aten::pow.float_complex", two_numbers<power>},
      {"aten::pow.complex_float", two_numbers<power>},
      {"aten::eq.complex", compared<true>},
      {"aten::ne.complex", compared<false>},
      {"aten::eq.float_complex", compared<true>},
      {"aten::ne.float_complex", compared<false>},
      {"aten::eq.complex_float", compared<true>},
      {"aten::ne.complex_float", compared<false>},
      {"aten::neg.complex", one_number<negative>},
      {"aten::exp.complex", one_number<exponential>},
      {"aten::log.complex", one_number<logarithm>},
      {"aten::sqrt.complex", one_number<root>},
      {"prim::abs.complex", size_of},
      {"aten::Complex.*", make_number},
      {"aten::cfloat", cast_to<DType::c64>},
      {"aten::cdouble", cast_to<DType::c128>},
  };
  return kAll;
}

}  // namespace tenon::torch
