#include "ops/common/ref.h"

#include <cstring>
#include <limits>

#include "base/half.h"
#include "ir/op.h"

namespace tenon::ops {
namespace {

// Calls f with a value of the storage type; boolean as uint8_t.
template <class F>
void dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::f16:
      return f(Float16{});
    case DType::bf16:
      return f(BFloat16{});
    case DType::i8:
      return f(int8_t{});
    case DType::i16:
      return f(int16_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::u8:
    case DType::boolean:
      return f(uint8_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::u32:
      return f(uint32_t{});
    case DType::u64:
      return f(uint64_t{});
    default:
      return;
  }
}

// Outside the range of int64 there is no right answer; the smallest int64 is what x86 gives.
int64_t to_int64(double v) {
  if (!(v > -9.3e18 && v < 9.2233720368547748e18)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(v);
}

template <class To, class From>
To convert(From v) {
  constexpr bool half = std::is_same_v<To, Float16> || std::is_same_v<To, BFloat16>;
  if constexpr (std::is_same_v<From, Float16> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(v));
  } else if constexpr (half) {
    return To(static_cast<float>(v));
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      if (v >= 9.2233720368547758e18 && v < 1.8446744073709552e19) return static_cast<To>(v);
    }
    return static_cast<To>(to_int64(static_cast<double>(v)));
  } else {
    return static_cast<To>(v);
  }
}

}  // namespace

bool is_computable(DType d) {
  return d == DType::f32 || d == DType::f64 || d == DType::f16 || d == DType::bf16 ||
         d == DType::boolean || (is_integral(d) && bits(d) >= 8);
}

Status need_computable(const RefContext& context) {
  for (const Tensor* input : context.inputs) {
    if (input == nullptr) continue;
    if (!is_computable(input->dtype()) || !input->has_data()) {
      return context.unsupported(
          fmt::format("there is no arithmetic on {} here", name(input->dtype())),
          "cast to float32 around the operator");
    }
  }
  return {};
}

template <class C>
std::vector<C> elements(const Tensor& tensor) {
  std::vector<C> out(static_cast<size_t>(tensor.count()));
  dispatch(tensor.dtype(), [&]<class T>(T) {
    const auto values = tensor.values<T>();
    for (size_t i = 0; i < out.size(); ++i) out[i] = convert<C>(values[i]);
  });
  if (tensor.dtype() == DType::boolean) {
    for (C& v : out) v = v != 0 ? 1 : 0;
  }
  return out;
}
template std::vector<double> elements(const Tensor&);
template std::vector<float> elements(const Tensor&);
template std::vector<int64_t> elements(const Tensor&);
template std::vector<uint64_t> elements(const Tensor&);

template <class C>
Tensor from_elements(DType dtype, Dims shape, std::span<const C> values) {
  Tensor out = Tensor::zeros(dtype, std::move(shape));
  if (dtype == DType::boolean) {
    auto to = out.mutable_values<uint8_t>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = values[i] != 0 ? 1 : 0;
    return out;
  }
  dispatch(dtype, [&]<class T>(T) {
    auto to = out.mutable_values<T>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = convert<T>(values[i]);
  });
  return out;
}
template Tensor from_elements(DType, Dims, std::span<const double>);
template Tensor from_elements(DType, Dims, std::span<const float>);
template Tensor from_elements(DType, Dims, std::span<const int64_t>);
template Tensor from_elements(DType, Dims, std::span<const uint64_t>);

Status check_size(const RefContext& context, DType dtype, std::span<const int64_t> shape) {
  const int64_t count = element_count(shape);
  if (count < 0 || count > kMaxTensorBytes ||
      byte_size(dtype, count) > static_cast<size_t>(kMaxTensorBytes)) {
    return context.fail("the result " + to_string(ir::to_shape(shape)) + " is too large");
  }
  return {};
}

Result<Tensor> allocate(const RefContext& context, DType dtype, Dims shape) {
  TRY(check_size(context, dtype, shape));
  return Tensor::zeros(dtype, std::move(shape));
}

Dims strides_of(std::span<const int64_t> dims) {
  Dims out(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    out[i] = stride;
    stride *= dims[i];
  }
  return out;
}

Result<Dims> broadcast_dims(const RefContext& context, std::span<const int64_t> a,
                            std::span<const int64_t> b) {
  Dims out(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return context.fail(fmt::format("{} and {} do not broadcast", to_string(ir::to_shape(a)),
                                      to_string(ir::to_shape(b))));
    }
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Dims broadcast_strides(std::span<const int64_t> dims, std::span<const int64_t> out) {
  const Dims own = strides_of(dims);
  Dims strides(out.size(), 0);
  const size_t shift = out.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) strides[i + shift] = dims[i] == 1 ? 0 : own[i];
  return strides;
}

std::vector<int64_t> offsets(std::span<const int64_t> dims, std::span<const int64_t> strides) {
  std::vector<int64_t> out;
  out.reserve(static_cast<size_t>(std::max<int64_t>(element_count(dims), 0)));
  for_broadcast<1>(dims, {Dims(strides.begin(), strides.end())},
                   [&](int64_t, const std::array<int64_t, 1>& at) { out.push_back(at[0]); });
  return out;
}

Result<size_t> axis_at(const RefContext& context, int64_t axis, size_t rank) {
  auto out = ir::normalize_axis(axis, rank);
  if (!out) return context.fail(out.error().why);
  return out;
}

int64_t extent(std::span<const int64_t> dims, size_t from, size_t to) {
  int64_t out = 1;
  for (size_t i = from; i < to; ++i) out *= dims[i];
  return out;
}

Result<std::vector<int64_t>> integer_input(const RefContext& context, size_t i) {
  auto values = ir::integers(context.input(i), kMaxTensorBytes);
  if (!values) return context.fail(fmt::format("input {} does not hold integers", i));
  return std::move(*values);
}

Result<size_t> element_size(const RefContext& context, DType dtype) {
  const int width = bits(dtype);
  if (width >= 8) return static_cast<size_t>(width / 8);
  return context.unsupported(fmt::format("elements of type {} cannot be moved", name(dtype)),
                             "cast to a type of at least 8 bits around the operator");
}

namespace {

template <class T>
void copy_view(const std::byte* from, std::byte* to, std::span<const int64_t> dims,
               std::span<const int64_t> strides) {
  const T* in = reinterpret_cast<const T*>(from);
  T* out = reinterpret_cast<T*>(to);
  if (dims.empty()) {
    *out = *in;
    return;
  }
  const int64_t inner = dims.back(), step = strides.back();
  Dims outer(dims.begin(), dims.end() - 1);
  for_broadcast<1>(outer, {Dims(strides.begin(), strides.end() - 1)},
                   [&](int64_t row, const std::array<int64_t, 1>& at) {
                     T* to_row = out + row * inner;
                     const T* from_row = in + at[0];
                     for (int64_t i = 0; i < inner; ++i) to_row[i] = from_row[i * step];
                   });
}

struct Wide {
  uint64_t a, b;
};

}  // namespace

Result<Tensor> strided_copy(const RefContext& context, const Tensor& from, Dims dims,
                            std::span<const int64_t> strides, int64_t offset) {
  const size_t size = TRY(element_size(context, from.dtype()));
  Tensor out = TRY(allocate(context, from.dtype(), dims));
  if (out.count() == 0) return out;
  const std::byte* source = from.data() + offset * static_cast<int64_t>(size);
  std::byte* to = out.mutable_bytes().data();
  switch (size) {
    case 1:
      copy_view<uint8_t>(source, to, dims, strides);
      break;
    case 2:
      copy_view<uint16_t>(source, to, dims, strides);
      break;
    case 4:
      copy_view<uint32_t>(source, to, dims, strides);
      break;
    case 8:
      copy_view<uint64_t>(source, to, dims, strides);
      break;
    default:
      copy_view<Wide>(source, to, dims, strides);
  }
  return out;
}

}  // namespace tenon::ops
