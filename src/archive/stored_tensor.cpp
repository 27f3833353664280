#include "archive/stored_tensor.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tenon::archive {
namespace {

using pickle::Kind;
using pickle::Value;

std::unexpected<Error> bad_tensor(const Where& where, std::string why) {
  return fail(
      {.kind = ErrorKind::bad_file,
       .what = "cannot read a tensor",
       .where = where,
       .why = std::move(why),
       .hint = "the file is damaged or was made by an unknown version of PyTorch: save it again"});
}

// Integers of a tuple, a list, or torch.Size((...)).
Result<Dims> integers(const Value& value, const Where& where) {
  const Value* items = &value;
  if (value.is_call("torch", "Size") && value.args->items.size() == 1) items = value.args->items[0];
  if (items->kind != Kind::tuple && items->kind != Kind::list)
    return bad_tensor(where, "a shape is no tuple");
  Dims out;
  for (const Value* item : items->items) {
    if (item->kind != Kind::integer)
      return bad_tensor(where, "a shape holds something that is no integer");
    out.push_back(item->integer);
  }
  return out;
}

// Checks sizes, strides and offset against the number of elements in the storage.
Status check_window(const StoredTensor& tensor, const Where& where) {
  if (tensor.sizes.size() != tensor.strides.size())
    return bad_tensor(where, "it has more sizes than strides");
  if (tensor.sizes.size() > 64) return bad_tensor(where, "it has more than 64 dimensions");
  const int64_t count = element_count(tensor.sizes);
  if (count < 0 || tensor.offset < 0) return bad_tensor(where, "a size is negative or too large");
  if (count == 0) return {};
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    int64_t reach = 0;
    if (tensor.strides[i] < 0 ||
        __builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return bad_tensor(where, "a stride is negative or too large");
    }
  }
  if (last >= tensor.storage_count) {
    return bad_tensor(where, fmt::format("its last element is number {} of a storage of {}", last,
                                         tensor.storage_count));
  }
  return {};
}

// (torch.per_tensor_affine, scale, zero_point) or (torch.per_channel_affine, scales, zero_points,
// axis), where the lists may be tensors.
std::vector<Quantizer> read_quantizer(const Value& value) {
  if (value.kind != Kind::tuple || value.items.empty()) return {};
  const auto& items = value.items;
  Quantizer out;
  if (items.size() == 3 && items[1]->kind == Kind::real && items[2]->kind == Kind::integer) {
    out.scales = {items[1]->real};
    out.zero_points = {static_cast<double>(items[2]->integer)};
    return {out};
  }
  if (items.size() != 4 || items[3]->kind != Kind::integer) return {};
  if (is_tensor(*items[1]) && is_tensor(*items[2])) {
    out.scale_tensor = items[1];
    out.zero_point_tensor = items[2];
  }
  for (const Value* scale : items[1]->items) {
    if (scale->kind == Kind::real) out.scales.push_back(scale->real);
  }
  for (const Value* point : items[2]->items) {
    if (point->kind == Kind::integer)
      out.zero_points.push_back(static_cast<double>(point->integer));
  }
  out.axis = items[3]->integer;
  return {out};
}

constexpr std::array<std::string_view, 4> kRebuilders = {"_rebuild_tensor", "_rebuild_tensor_v2",
                                                         "_rebuild_tensor_v3", "_rebuild_qtensor"};

// What rebuilds a tensor, with the wrappers around it taken off.
struct TensorCall {
  std::string_view function = {};  // one of kRebuilders; empty: the value is no tensor
  const std::vector<const Value*>* args = nullptr;
  bool parameter = false;
  bool requires_grad = false;
};

TensorCall tensor_call(const Value& value) {
  TensorCall out;
  const Value* call = &value;
  const bool rebuilt = value.is_call("torch._utils", "_rebuild_parameter") ||
                       value.is_call("torch._utils", "_rebuild_parameter_with_state");
  if (rebuilt && value.args->items.size() >= 2) {
    const Value& grad = *value.args->items[1];
    out.parameter = true;
    out.requires_grad = grad.is(Kind::boolean) && grad.integer != 0;
    call = value.args->items[0];
  }
  const Value* function = call->callable;
  const Value* args = call->args;
  // A tensor with attributes of its own: (function, class, args, state). Subclasses are not tensors
  // here.
  if (call->is_call("torch._tensor", "_rebuild_from_type_v2") && args->items.size() >= 3) {
    const Value& type = *args->items[1];
    if (!type.is_global("torch", "Tensor") && !type.is_global("torch.nn.parameter", "Parameter") &&
        !type.is_global("torch.nn.parameter", "Buffer")) {
      return out;
    }
    function = args->items[0];
    args = args->items[2];
  } else if (!call->is(Kind::call)) {
    return out;
  }
  if (!args->is(Kind::tuple) || !function->is(Kind::global) || function->text != "torch._utils")
    return out;
  const auto* known = std::ranges::find(kRebuilders, function->name);
  if (known == kRebuilders.end()) return out;
  out.function = *known;
  out.args = &args->items;
  return out;
}

void swap_bytes(std::span<std::byte> bytes, size_t width) {
  for (size_t i = 0; i + width <= bytes.size(); i += width)
    std::reverse(bytes.begin() + i, bytes.begin() + i + width);
}

// Copies a strided window of `width`-byte elements, row by row.
void gather(const std::byte* from, const Dims& sizes, const Dims& strides, size_t width,
            std::byte* to) {
  const size_t rank = sizes.size();
  const int64_t inner = rank == 0 ? 1 : sizes.back();
  const int64_t inner_stride = rank == 0 ? 1 : strides.back();
  Dims index(rank, 0);
  int64_t at = 0;
  while (true) {
    if (inner_stride == 1) {
      std::memcpy(to, from + at * static_cast<int64_t>(width), static_cast<size_t>(inner) * width);
      to += static_cast<size_t>(inner) * width;
    } else {
      for (int64_t i = 0; i < inner; ++i, to += width) {
        std::memcpy(to, from + (at + i * inner_stride) * static_cast<int64_t>(width), width);
      }
    }
    size_t dim = rank < 2 ? 0 : rank - 1;  // counts over all dimensions but the last
    while (dim > 0) {
      --dim;
      at += strides[dim];
      if (++index[dim] < sizes[dim]) break;
      at -= strides[dim] * sizes[dim];
      index[dim] = 0;
      if (dim == 0) return;
    }
    if (rank < 2) return;
  }
}

}  // namespace

bool StoredTensor::contiguous() const {
  if (element_count(sizes) <= 0) return true;
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] != 1 && strides[i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

DType dtype_of_torch_name(std::string_view name) {
  if (name.ends_with("Storage")) name.remove_suffix(7);
  constexpr std::array<std::pair<std::string_view, DType>, 26> kNames = {
      {{"Float", DType::f32},
       {"Double", DType::f64},
       {"Half", DType::f16},
       {"BFloat16", DType::bf16},
       {"Byte", DType::u8},
       {"Char", DType::i8},
       {"Short", DType::i16},
       {"Int", DType::i32},
       {"Long", DType::i64},
       {"Bool", DType::boolean},
       {"UInt16", DType::u16},
       {"UInt32", DType::u32},
       {"UInt64", DType::u64},
       {"ComplexFloat", DType::c64},
       {"ComplexDouble", DType::c128},
       {"QInt8", DType::i8},
       {"QUInt8", DType::u8},
       {"QInt32", DType::i32},
       {"Float8_e4m3fn", DType::f8e4m3fn},
       {"Float8_e4m3fnuz", DType::f8e4m3fnuz},
       {"Float8_e5m2", DType::f8e5m2},
       {"Float8_e5m2fnuz", DType::f8e5m2fnuz},
       {"Float8_e8m0fnu", DType::f8e8m0},
       {"float8_e8m0fnu", DType::f8e8m0},
       {"bool", DType::boolean},
       {"Untyped", DType::u8}}};
  const auto* found = std::ranges::find(kNames, name, &std::pair<std::string_view, DType>::first);
  if (found != kNames.end()) return found->second;
  const DType dtype = dtype_from_name(name);
  return bits(dtype) >= 8 ? dtype : DType::undefined;
}

Result<StorageId> storage_id(const Value& value, const Where& where) {
  const Value* id = value.kind == Kind::persistent ? value.args : nullptr;
  if (id == nullptr || id->kind != Kind::tuple || id->items.size() < 5)
    return bad_tensor(where, "its storage is not named as PyTorch does");
  const auto& items = id->items;
  if (items[0]->kind != Kind::string || items[0]->text != "storage" ||
      items[1]->kind != Kind::global || items[2]->kind != Kind::string ||
      items[3]->kind != Kind::string || items[4]->kind != Kind::integer) {
    return bad_tensor(where, "its storage is named by " + pickle::print(*id));
  }
  StorageId out{.dtype = dtype_of_torch_name(items[1]->name),
                .key = std::string(items[2]->text),
                .location = std::string(items[3]->text),
                .count = items[4]->integer};
  if (out.dtype == DType::undefined) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "cannot read a tensor",
                 .where = where,
                 .why = fmt::format("its storage has the type {}", items[1]->qualified_name()),
                 .hint = "convert the tensor to another dtype before saving"});
  }
  if (out.count < 0) return bad_tensor(where, "its storage has a negative size");
  return out;
}

bool is_tensor(const Value& value) { return !tensor_call(value).function.empty(); }

Result<StoredTensor> describe_tensor(const Value& value, const Where& where) {
  const TensorCall call = tensor_call(value);
  if (call.function.empty()) {
    return bad_tensor(where, "a tensor is expected here, not " + pickle::print(value));
  }
  StoredTensor out{.parameter = call.parameter};
  const auto& args = *call.args;
  if (args.size() < 4 || args[1]->kind != Kind::integer)
    return bad_tensor(where, "a tensor's description is too short");
  const StorageId storage = TRY(storage_id(*args[0], where));
  out.storage_key = storage.key;
  out.device = storage.location;
  out.dtype = storage.dtype;
  out.storage_count = storage.count;
  out.offset = args[1]->integer;
  out.sizes = TRY(integers(*args[2], where));
  out.strides = TRY(integers(*args[3], where));
  const bool quantized = call.function == "_rebuild_qtensor";
  const size_t grad = quantized ? 5 : 4;
  if (args.size() > grad)
    out.requires_grad = args[grad]->kind == Kind::boolean && args[grad]->integer != 0;
  if (quantized && args.size() > 4) out.quantizer = read_quantizer(*args[4]);
  if (call.function == "_rebuild_tensor_v3" && args.size() > 6) {
    // The storage is untyped, counted in bytes, and the dtype stands beside it.
    const DType dtype =
        args[6]->kind == Kind::global ? dtype_of_torch_name(args[6]->name) : DType::undefined;
    if (dtype == DType::undefined)
      return bad_tensor(where, "its dtype is " + pickle::print(*args[6]));
    if (out.dtype != DType::u8) return bad_tensor(where, "its storage is not untyped");
    out.storage_count /= bits(dtype) / 8;
    out.dtype = dtype;
  }
  out.requires_grad = out.requires_grad || call.requires_grad;
  TRY(check_window(out, where));
  return out;
}

Result<std::vector<double>> numbers_of(const StoredTensor& tensor, const Where& where) {
  const Tensor data = TRY(materialize(tensor, where));
  auto all = [&]<class T>(std::span<const T> values) {
    return std::vector<double>(values.begin(), values.end());
  };
  switch (data.dtype()) {
    case DType::f32:
      return all(data.values<float>());
    case DType::f64:
      return all(data.values<double>());
    case DType::i32:
      return all(data.values<int32_t>());
    case DType::i64:
      return all(data.values<int64_t>());
    default:
      return bad_tensor(where, fmt::format("its parameters are of type {}", name(data.dtype())));
  }
}

Result<Tensor> materialize(const StoredTensor& tensor, const Where& where) {
  const int64_t count = element_count(tensor.sizes);
  const size_t width = static_cast<size_t>(bits(tensor.dtype)) / 8;
  if (count < 0 || width == 0)
    return bad_tensor(where, "a size is negative or too large, or the dtype is unknown");
  if (count == 0) return Tensor::zeros(tensor.dtype, tensor.sizes);
  if (!tensor.has_values()) return bad_tensor(where, "only its shape was saved, not its values");
  TRY(check_window(tensor, where));
  if (tensor.storage.size / width < static_cast<size_t>(tensor.storage_count))
    return bad_tensor(where, "its storage is cut short");
  const std::byte* from = tensor.storage.data.get() + static_cast<size_t>(tensor.offset) * width;
  const size_t element = is_complex(tensor.dtype) ? width / 2 : width;
  const bool aligned = reinterpret_cast<uintptr_t>(from) % element == 0;
  const bool swap = tensor.big_endian && element > 1;
  // A bool that is neither 0 nor 1 would be undefined behaviour to those who read it as one.
  const bool odd =
      tensor.dtype == DType::boolean &&
      std::ranges::any_of(tensor.storage.bytes(), [](std::byte b) { return b > std::byte{1}; });
  if (tensor.contiguous() && aligned && !swap && !odd) {
    return Tensor(tensor.dtype, tensor.sizes, {tensor.storage.data, from});
  }
  // A stride of 0 lets a small file describe a huge tensor.
  constexpr uint64_t kMaxExpansion = uint64_t{256} << 20;
  if (static_cast<uint64_t>(count) >
      std::max<uint64_t>(tensor.storage.size, kMaxExpansion) / width) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "cannot read a tensor",
                 .where = where,
                 .why = fmt::format("its {} elements are an expanded view of a storage of {} bytes",
                                    count, tensor.storage.size),
                 .hint = "save the tensor before it is expanded"});
  }
  NewBlob blob = TRY(allocate_blob(static_cast<size_t>(count) * width));
  gather(from, tensor.sizes, tensor.strides, width, blob.data.get());
  if (swap) swap_bytes(blob.bytes(), element);
  if (odd)
    std::ranges::transform(blob.bytes(), blob.data.get(),
                           [](std::byte b) { return std::min(b, std::byte{1}); });
  return Tensor(tensor.dtype, tensor.sizes, std::move(blob).share().data);
}

}  // namespace tenon::archive
