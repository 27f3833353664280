// torch.fft: transforms along one dimension or several, of real or complex tensors.
#include "ops/dft/dft.h"

#include <cmath>

#include "ops/common/complex_parts.h"

namespace tenon::ops {
namespace dft_lowering {

using lower::V;
using torch::LowerContext;
using torch::Value;

// The power of the number of elements that a transform's sum is multiplied by.
enum class Scale : uint8_t { none, by_root, by_count };  // as _fft_c2c numbers them

Scale scale_of(LowerContext& c, bool forward) {
  const std::string norm = c.text("norm");
  if (norm == "ortho") return Scale::by_root;
  return (norm == "forward") == forward ? Scale::by_count : Scale::none;
}
Scale given_scale(LowerContext& c) {
  const int64_t mode = c.constant("normalization");
  return mode == 1 ? Scale::by_root : mode == 2 ? Scale::by_count : Scale::none;
}

// `inverse`: the sum was over the inverse transform, which DFT has divided by the count already.
V* scaled(LowerContext& c, V* x, const ir::Dim& count, Scale scale, bool inverse) {
  const double power = (scale == Scale::by_root    ? -0.5
                        : scale == Scale::by_count ? -1
                                                   : 0) +
                       (inverse ? 1 : 0);
  if (power == 0) return x;
  if (const auto n = count.constant())
    return lower::mul(c, x, lower::like(c, x, std::pow(static_cast<double>(*n), power)));
  V* n = c.b.cast(c.b.dim(count), x->dtype());
  if (power == 0.5 || power == -0.5) n = c.b.emit_named("Sqrt", {n});
  return power > 0 ? lower::mul(c, x, n) : lower::div(c, x, n);
}

// The tensor with this many elements along the axis: the first ones, or zeros behind them.
V* resized(LowerContext& c, V* x, int64_t axis, const ir::Dim& size) {
  Sizes sizes = lower::sizes(c, x);
  ir::Dim& own = sizes[static_cast<size_t>(axis)];
  if (own == size) return x;
  if (less_equal(size, own, c.machine().ranges()) != ir::Truth::yes) {
    Sizes more = sizes;
    more[static_cast<size_t>(axis)] = max(size - own, 0);
    x = lower::concat(c, {x, lower::filled(c, more, 0, x->dtype())}, axis);
  }
  if (less_equal(own, size, c.machine().ranges()) != ir::Truth::yes)
    x = lower::slice(c, x, axis, 0, size);
  own = size;
  if (!c.b.failed()) x->type.shape = sizes;
  return x;
}

V* transform(LowerContext& c, V* x, int64_t axis, bool inverse, bool onesided = false) {
  return c.b.emit(DFT{.inverse = inverse, .onesided = onesided},
                  {x, nullptr, c.b.scalar_int(axis)});
}

V* real_part(LowerContext& c, V* parts) { return lower::parts(c, parts).re; }
V* conjugated(LowerContext& c, V* parts) {
  return lower::mul(c, parts, lower::float_table(c, {1, -1}, {2}, parts->dtype()));
}

// Real numbers of which a spectrum has the first half: the second is the first's conjugate.
V* complex_to_real(LowerContext& c, V* x, int64_t axis, const ir::Dim& size) {
  x = resized(c, x, axis, floordiv(size, 2) + ir::Dim(1));
  const ir::Dim mirrored = floordiv(size - ir::Dim(1), 2);
  if (!mirrored.is(0)) {
    V* rest = lower::slice(c, x, axis, mirrored, 0, -1);
    Sizes sizes = lower::sizes(c, x);
    sizes[static_cast<size_t>(axis)] = mirrored;
    if (!c.b.failed()) rest->type.shape = sizes;
    x = lower::concat(c, {x, conjugated(c, rest)}, axis);
    sizes[static_cast<size_t>(axis)] = size;
    if (!c.b.failed()) x->type.shape = sizes;
  }
  return real_part(c, transform(c, x, axis, true));
}

// What a call says of its dimensions: which, and how many elements of each are used.
struct Axes {
  std::vector<int64_t> axes;
  Sizes sizes;
  ir::Dim count() const { return ir::product(sizes); }
};

// The input as DFT takes it: real numbers with a last axis of 1, complex ones of 2; and its shape
// without that.
struct Signal {
  V* value = nullptr;
  bool complex = false;
  Sizes shape;
};

std::optional<Signal> signal(LowerContext& c, bool as_complex) {
  const auto* t = c.value("self").get<torch::TensorRef>();
  if (t == nullptr) return std::nullopt;
  const DType type = (*t)->dtype;
  if (type == DType::f16 || type == DType::bf16) {
    c.refuse("PyTorch itself has no transform of half precision on the CPU");
    return std::nullopt;
  }
  Signal out{nullptr, is_complex(type) || as_complex, (*t)->sizes};
  if (out.complex) {
    out.value = c.operand(
        "self", is_complex(type) ? type : torch::complex_type(LowerContext::floating(type)));
  } else {
    V* x = lower::floating(c, c.tensor("self"));
    out.value = lower::unsqueeze(c, x, {static_cast<int64_t>(out.shape.size())});
  }
  return out;
}

// One dimension: "n" and "dim".
std::optional<Axes> one_axis(LowerContext& c, const Sizes& shape, bool half) {
  const auto axis = lower::axis(c, c.constant("dim"), shape.size());
  if (!axis || shape.empty()) {
    c.refuse("a tensor without dimensions has no transform");
    return std::nullopt;
  }
  const ir::Dim& own = shape[static_cast<size_t>(*axis)];
  ir::Dim size = half ? (own - ir::Dim(1)) * ir::Dim(2) : own;
  if (c.has("n")) size = c.integer("n");
  return Axes{{*axis}, {size}};
}

// Several: "s" and "dim"; all, or the last ones, where they are left out.
std::optional<Axes> many_axes(LowerContext& c, const Sizes& shape, bool half) {
  const Sizes wanted = c.ints("s");
  Axes out;
  if (c.has("dim")) {
    for (int64_t d : c.constants("dim")) {
      const auto axis = lower::axis(c, d, shape.size());
      if (!axis || shape.empty()) return std::nullopt;
      out.axes.push_back(*axis);
    }
  } else {
    const size_t count = c.has("s") ? wanted.size() : shape.size();
    for (size_t i = shape.size() - std::min(count, shape.size()); i < shape.size(); ++i)
      out.axes.push_back(static_cast<int64_t>(i));
  }
  if (c.has("s") && wanted.size() != out.axes.size()) {
    c.refuse("there are not as many sizes as dimensions");
    return std::nullopt;
  }
  for (size_t i = 0; i < out.axes.size(); ++i) {
    const ir::Dim& own = shape[static_cast<size_t>(out.axes[i])];
    const bool last = i + 1 == out.axes.size();
    const bool given = c.has("s") && !wanted[i].is(-1);
    out.sizes.push_back(given ? wanted[i] : half && last ? (own - ir::Dim(1)) * ir::Dim(2) : own);
  }
  return out;
}

template <bool several>
std::optional<Axes> axes_of(LowerContext& c, const Sizes& shape, bool half = false) {
  return several ? many_axes(c, shape, half) : one_axis(c, shape, half);
}

V* complex_to_complex(LowerContext& c, V* x, const Axes& axes, size_t count, bool inverse) {
  for (size_t i = 0; i < count; ++i) {
    x = resized(c, x, axes.axes[i], axes.sizes[i]);
    x = transform(c, x, axes.axes[i], inverse);
  }
  return x;
}

// fft, ifft: a transform of real numbers becomes complex with the first dimension.
template <bool several, bool inverse>
V* fft(LowerContext& c) {
  auto s = signal(c, false);
  const auto axes = s ? axes_of<several>(c, s->shape) : std::nullopt;
  if (!axes) return nullptr;
  if (axes->axes.empty()) s = signal(c, true);
  V* out = complex_to_complex(c, s->value, *axes, axes->axes.size(), inverse);
  return c.complex(scaled(c, out, axes->count(), scale_of(c, !inverse), inverse));
}

// Half of the spectrum of real numbers; ihfft is the conjugate of it, scaled as an inverse.
template <bool several, bool inverse>
V* rfft(LowerContext& c) {
  const auto s = signal(c, false);
  const auto axes = s ? axes_of<several>(c, s->shape) : std::nullopt;
  if (!axes) return nullptr;
  if (s->complex || axes->axes.empty()) return c.refuse("it transforms real numbers");
  const size_t last = axes->axes.size() - 1;
  V* x = resized(c, s->value, axes->axes[last], axes->sizes[last]);
  x = transform(c, x, axes->axes[last], false, true);
  if (inverse) x = conjugated(c, x);
  x = complex_to_complex(c, x, *axes, last, inverse);
  ir::Dim divided = 1;  // what the inverse transforms have divided by
  for (size_t i = 0; inverse && i < last; ++i) divided = divided * axes->sizes[i];
  x = scaled(c, x, divided, Scale::none, true);
  return c.complex(scaled(c, x, axes->count(), scale_of(c, !inverse), false));
}

// irfft; hfft is the same of the conjugate, scaled as a forward transform.
template <bool several, bool forward>
V* irfft(LowerContext& c) {
  const auto s = signal(c, true);
  const auto axes = s ? axes_of<several>(c, s->shape, true) : std::nullopt;
  if (!axes) return nullptr;
  if (axes->axes.empty()) return c.refuse("it needs a dimension");
  const size_t last = axes->axes.size() - 1;
  V* x = complex_to_complex(c, s->value, *axes, last, !forward);
  if (forward) x = conjugated(c, x);
  x = complex_to_real(c, x, axes->axes[last], axes->sizes[last]);
  if (!forward) return scaled(c, x, axes->count(), scale_of(c, false), true);
  // The sum of the transform forth was over the inverse one, along the last dimension.
  x = scaled(c, x, axes->sizes[last], Scale::none, true);
  return scaled(c, x, axes->count(), scale_of(c, true), false);
}

// --- what run_decompositions() leaves

std::optional<Axes> given_axes(LowerContext& c, const Sizes& shape) {
  Axes out;
  for (int64_t d : c.constants("dim")) {
    const auto axis = lower::axis(c, d, shape.size());
    if (!axis || shape.empty()) return std::nullopt;
    out.axes.push_back(*axis);
    out.sizes.push_back(shape[static_cast<size_t>(*axis)]);
  }
  return out;
}

V* c2c(LowerContext& c) {
  const auto s = signal(c, true);
  const auto axes = s ? given_axes(c, s->shape) : std::nullopt;
  if (!axes) return nullptr;
  const bool inverse = !c.flag("forward");
  V* out = complex_to_complex(c, s->value, *axes, axes->axes.size(), inverse);
  return c.complex(scaled(c, out, axes->count(), given_scale(c), inverse));
}

V* r2c(LowerContext& c) {
  const auto s = signal(c, false);
  const auto axes = s ? given_axes(c, s->shape) : std::nullopt;
  if (!axes || axes->axes.empty()) return nullptr;
  const size_t last = axes->axes.size() - 1;
  V* x = transform(c, s->value, axes->axes[last], false, c.flag("onesided"));
  x = complex_to_complex(c, x, *axes, last, false);
  return c.complex(scaled(c, x, axes->count(), given_scale(c), false));
}

V* c2r(LowerContext& c) {
  const auto s = signal(c, true);
  auto axes = s ? given_axes(c, s->shape) : std::nullopt;
  if (!axes || axes->axes.empty()) return nullptr;
  const size_t last = axes->axes.size() - 1;
  axes->sizes[last] = c.integer("last_dim_size");
  V* x = complex_to_complex(c, s->value, *axes, last, true);
  x = complex_to_real(c, x, axes->axes[last], axes->sizes[last]);
  return scaled(c, x, axes->count(), given_scale(c), true);
}

// --- frequencies and the order of the spectrum

// i / (n d) for i from 0 on, for fftfreq those of the second half less n.
template <bool half>
V* frequencies(LowerContext& c) {
  const ir::Dim n = c.integer("n");
  const double d = c.number("d");
  const DType type = c.dtype("dtype").value_or(DType::f32);
  if (!is_floating(type)) return c.refuse("frequencies are no whole numbers");
  auto range = [&](const ir::Dim& from, const ir::Dim& to) {
    V* places = c.b.emit_named("Range", {c.b.dim(from), c.b.dim(to), c.b.scalar_int(1)});
    if (!c.b.failed()) places->type.shape = Sizes{to - from};
    return c.b.cast(places, type);
  };
  V* places =
      half ? range(0, floordiv(n, 2) + ir::Dim(1))
           : lower::concat(
                 c, {range(0, floordiv(n + ir::Dim(1), 2)), range(ir::Dim(0) - floordiv(n, 2), 0)},
                 0);
  if (const auto known = n.constant())
    return lower::mul(c, places, c.b.scalar(1 / (static_cast<double>(*known) * d), type));
  return lower::div(c, places, lower::mul(c, c.b.cast(c.b.dim(n), type), c.b.scalar(d, type)));
}

// The zero frequency to the middle, and back: half a turn along each dimension.
template <bool back>
V* shifted(LowerContext& c) {
  const auto* t = c.value("self").get<torch::TensorRef>();
  if (t == nullptr) return c.refuse("a tensor is needed");
  const Sizes shape = (*t)->sizes;
  std::vector<Value> shifts, dims;
  const std::vector<int64_t> chosen =
      c.has("dim") ? c.constants("dim") : lower::all_axes(shape.size());
  for (int64_t d : chosen) {
    const auto axis = lower::axis(c, d, shape.size());
    if (!axis || shape.empty()) return nullptr;
    const ir::Dim& size = shape[static_cast<size_t>(*axis)];
    shifts.emplace_back(floordiv(back ? size + ir::Dim(1) : size, 2));
    dims.push_back(Value::integer(*axis));
  }
  if (chosen.empty())
    return c.is_complex_number("self") ? c.complex(c.tensor("self")) : c.tensor("self");
  torch::Machine& m = c.machine();
  auto rolled = m.call("aten::roll", {*t, m.list(std::move(shifts)), m.list(std::move(dims))});
  const auto* out = rolled ? rolled->get<torch::TensorRef>() : nullptr;
  if (out == nullptr) return c.refuse("the elements cannot be moved");
  auto read = m.read(**out);
  if (!read) return c.refuse("the elements cannot be moved");
  return is_complex((*out)->dtype) ? c.complex(*read) : *read;
}

}  // namespace dft_lowering

std::span<const torch::Lowering> dft_torch() {
  using namespace dft_lowering;
  using torch::Takes;
  static constexpr torch::Lowering kAll[] = {
      {"aten::fft_fft", fft<false, false>, Takes::any},
      {"aten::fft_ifft", fft<false, true>, Takes::any},
      {"aten::fft_fft2", fft<true, false>, Takes::any},
      {"aten::fft_ifft2", fft<true, true>, Takes::any},
      {"aten::fft_fftn", fft<true, false>, Takes::any},
      {"aten::fft_ifftn", fft<true, true>, Takes::any},
      {"aten::fft_rfft", rfft<false, false>},
      {"aten::fft_rfft2", rfft<true, false>},
      {"aten::fft_rfftn", rfft<true, false>},
      {"aten::fft_ihfft", rfft<false, true>},
      {"aten::fft_ihfft2", rfft<true, true>},
      {"aten::fft_ihfftn", rfft<true, true>},
      {"aten::fft_irfft", irfft<false, false>, Takes::any},
      {"aten::fft_irfft2", irfft<true, false>, Takes::any},
      {"aten::fft_irfftn", irfft<true, false>, Takes::any},
      {"aten::fft_hfft", irfft<false, true>, Takes::any},
      {"aten::fft_hfft2", irfft<true, true>, Takes::any},
      {"aten::fft_hfftn", irfft<true, true>, Takes::any},
      {"aten::_fft_c2c", c2c, Takes::complex},
      {"aten::_fft_r2c", r2c},
      {"aten::_fft_c2r", c2r, Takes::complex},
      {"aten::fft_fftfreq", frequencies<false>},
      {"aten::fft_rfftfreq", frequencies<true>},
      {"aten::fft_fftshift", shifted<false>, Takes::any},
      {"aten::fft_ifftshift", shifted<true>, Takes::any},
  };
  return kAll;
}

}  // namespace tenon::ops
