// Tensors: reading them out of storages, writing through any chain of views.
#include <algorithm>

#include "ops/reshape/reshape.h"
#include "torch/machine.h"

namespace tenon::torch {

using ir::Truth;

Value Machine::tensor(ir::Value* value, bool complex) {
  AbstractTensor out;
  out.dtype = value->dtype();
  if (value->shape()) out.sizes = *value->shape();
  Storage storage;
  storage.dtype = out.dtype;
  storage.shape = out.sizes;
  if (complex && !out.sizes.empty()) {
    out.dtype = complex_type(out.dtype);
    out.sizes.pop_back();
  }
  out.strides = contiguous_strides(out.sizes);
  storage.value = value;
  storage.origin = builder.origin();
  out.storage = state.storages.add(std::move(storage));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

Value Machine::known_tensor(DType dtype, Shape shape, std::vector<Scalar> elements, bool wrapped) {
  AbstractTensor out;
  out.dtype = dtype;
  out.sizes = shape;
  out.strides = contiguous_strides(shape);
  out.wrapped = wrapped;
  Storage storage;
  storage.dtype = dtype;
  storage.shape = std::move(shape);
  storage.known = std::move(elements);
  storage.origin = builder.origin();
  out.storage = state.storages.add(std::move(storage));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

Value Machine::uninitialised(DType dtype, Shape shape) {
  AbstractTensor out;
  out.dtype = dtype;
  out.sizes = shape;
  out.strides = contiguous_strides(shape);
  Storage storage;
  storage.dtype = real_type(dtype);
  storage.shape = graph_shape(out);
  storage.uninitialised = true;
  storage.origin = builder.origin();
  out.storage = state.storages.add(std::move(storage));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

Value Machine::parameter(Tensor data, Shape strides, std::string name) {
  AbstractTensor out;
  out.dtype = data.dtype();
  out.sizes = ir::to_shape(data.shape());
  out.strides = strides.empty() ? contiguous_strides(out.sizes) : std::move(strides);
  if (is_complex(out.dtype)) {
    Dims parts = data.shape();
    parts.push_back(2);
    data = Tensor(real_type(out.dtype), std::move(parts), data.storage());
  }
  Storage storage;
  storage.dtype = data.dtype();
  storage.shape = graph_shape(out);
  storage.parameter = name;
  storage.value = builder.constant(std::move(data), std::move(name));
  out.storage = state.storages.add(std::move(storage));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

std::vector<Dim> Machine::contiguous_strides(const Shape& sizes) {
  std::vector<Dim> strides(sizes.size(), Dim(1));
  for (size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = strides[i] * (sizes[i].is(0) ? Dim(1) : sizes[i]);
  return strides;
}

bool Machine::is_contiguous(const AbstractTensor& tensor) const {
  Dim expected = 1;
  for (size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.sizes[i].is(1)) continue;
    if (!(tensor.strides[i] == expected)) return false;
    expected = expected * tensor.sizes[i];
  }
  return true;
}

Value to_value(const Scalar& scalar) {
  if (const double* d = std::get_if<double>(&scalar)) return Value::number(*d);
  if (const bool* b = std::get_if<bool>(&scalar)) return Value::boolean(*b);
  if (const Float* f = std::get_if<Float>(&scalar)) return *f;
  return std::get<Dim>(scalar);
}

std::optional<Scalar> to_scalar(const Value& value) {
  if (const Dim* d = value.get<Dim>()) return *d;
  if (const Bool* b = value.get<Bool>(); b && b->is_known()) return b->kind == Bool::Kind::yes;
  if (const Float* f = value.get<Float>()) return f->is_known() ? Scalar(f->known) : Scalar(*f);
  return std::nullopt;
}

namespace {

Tensor constant_of(DType dtype, const Dims& shape, const std::vector<Scalar>& elements) {
  Tensor out = Tensor::zeros(dtype, shape);
  const size_t width = byte_size(dtype, 1);
  for (size_t i = 0; i < elements.size(); ++i) {
    auto put = [&](const Tensor& one) {
      std::copy_n(one.data(), width, out.mutable_bytes().data() + i * width);
    };
    if (const Dim* d = std::get_if<Dim>(&elements[i]); d && dtype == DType::i64) {
      put(Tensor::scalar_i64(*d->constant()));  // exact beyond 2^53
    } else {
      const double v = std::visit(
          [](const auto& e) -> double {
            using T = std::remove_cvref_t<decltype(e)>;
            if constexpr (std::is_same_v<T, Dim>)
              return static_cast<double>(*e.constant());
            else if constexpr (std::is_same_v<T, Float>)
              return e.known;
            else
              return static_cast<double>(e);
          },
          elements[i]);
      put(ir::Builder::scalar_tensor(v, dtype));
    }
  }
  return out;
}

}  // namespace

Result<ir::Value*> Machine::base_value(uint32_t id) {
  const Storage& storage = state.storages[id];
  if (storage.value) return storage.value;
  if (storage.known) {
    const bool all_constant =
        std::all_of(storage.known->begin(), storage.known->end(), [](const Scalar& s) {
          const Dim* d = std::get_if<Dim>(&s);
          return d ? d->is_constant() : !std::holds_alternative<Float>(s);
        });
    ir::Value* value = nullptr;
    if (all_constant) {
      value = builder.constant(
          constant_of(storage.dtype, *ir::constant_dims(storage.shape), *storage.known));
    } else if (storage.known->size() == 1 && std::holds_alternative<Float>((*storage.known)[0])) {
      const Shape shape = storage.shape;
      value = TRY(scalar_value(std::get<Float>((*storage.known)[0]), storage.dtype));
      if (!shape.empty())
        value = builder.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                                  {value, builder.shape(shape)});
    } else if (!std::ranges::all_of(*storage.known, [](const Scalar& s) {
                 return std::holds_alternative<Dim>(s);
               })) {
      const Storage whole = storage;
      std::vector<ir::Value*> parts;
      for (const Scalar& s : *whole.known)
        parts.push_back(builder.emit(ops::Reshape{}, {TRY(scalar_value(to_value(s), whole.dtype)),
                                                      builder.shape(Shape{Dim(1)})}));
      value = builder.emit_with("Concat", {{"axis", int64_t{0}}}, parts);
      value = builder.emit(ops::Reshape{}, {value, builder.shape(whole.shape)});
    } else {
      Shape dims;
      for (const Scalar& s : *storage.known) dims.push_back(std::get<Dim>(s));
      value = storage.shape.empty() ? builder.dim(dims[0]) : builder.shape(dims);
      if (storage.shape.size() > 1)
        value = builder.emit(ops::Reshape{}, {value, builder.shape(storage.shape)});
      value = builder.cast(value, storage.dtype);
    }
    state.storages.edit(id).value = value;
    return value;
  }
  if (ir::product(storage.shape).is(0)) {  // no element is ever read
    ir::Value* value = builder.emit_named(
        "Expand", {builder.scalar(0, storage.dtype), builder.shape(storage.shape)});
    value->type.shape = storage.shape;
    state.storages.edit(id).value = value;
    return value;
  }
  Error e = error(ErrorKind::unsupported, "a tensor is read that nothing has written",
                  "its memory comes from empty(), new_empty() or resize_(); a kernel that the "
                  "program does not show must have "
                  "written it",
                  "register the kernel as a custom operator with the dispatcher (TORCH_LIBRARY) "
                  "and save the model again");
  const Where made = ir::where(storage.origin);
  if (!made.source.empty()) e.why += " (allocated at " + made.source + ")";
  return std::unexpected(std::move(e));
}

Result<ir::Value*> Machine::read_chain(uint32_t id, const ViewChainRef& view) {
  if (!view) return base_value(id);
  for (const auto& cached : state.storages[id].cache) {
    if (cached.view == view) return cached.value;
  }
  ir::Value* parent = TRY(read_chain(id, view->parent));
  ir::Value* value = apply(view->step, parent);
  state.storages.edit(id).cache.push_back({view, value});
  return value;
}

Result<ir::Value*> Machine::read(const AbstractTensor& tensor) {
  TRY(check_alias(tensor));
  return read_chain(tensor.storage, tensor.view);
}

TensorRef Machine::doubtful(const TensorRef& tensor, std::initializer_list<TensorRef> others,
                            size_t before) {
  std::vector<uint32_t> kin;
  if (tensor->doubt.kin) kin = *tensor->doubt.kin;
  for (const TensorRef& other : others) {
    if (other->storage < before) kin.push_back(other->storage);
    if (other->doubt.kin)
      std::copy_if(other->doubt.kin->begin(), other->doubt.kin->end(), std::back_inserter(kin),
                   [&](uint32_t id) { return id < before; });
  }
  if (others.size() > 0 && kin.empty()) return tensor;
  std::sort(kin.begin(), kin.end());
  kin.erase(std::unique(kin.begin(), kin.end()), kin.end());
  AbstractTensor out = *tensor;
  out.doubt = {++doubts_, writes_, nullptr};
  if (!kin.empty()) out.doubt.kin = std::make_shared<const std::vector<uint32_t>>(std::move(kin));
  return std::make_shared<const AbstractTensor>(std::move(out));
}

Status Machine::check_alias(const AbstractTensor& tensor) const {
  const AliasDoubt& doubt = tensor.doubt;
  if (doubt.group == AliasDoubt::kWhole) return {};
  auto untouched = [&](uint32_t id) {
    const auto& writers = state.storages[id].writers;
    return std::all_of(writers.begin(), writers.end(), [&](const auto& entry) {
      return entry.first == doubt.group || entry.second <= doubt.since;
    });
  };
  if (untouched(tensor.storage) &&
      (!doubt.kin || std::all_of(doubt.kin->begin(), doubt.kin->end(), untouched)))
    return {};
  return fail(ErrorKind::unsupported, "cannot tell what this tensor holds",
              "another tensor was written since; whether the two share memory depends on sizes, "
              "strides or a branch that are not known here: one may be a copy that reshape(), "
              "flatten() or contiguous() made",
              "copy the tensor before writing to it, x.clone(), or fix the dynamic sizes with "
              "--shapes");
}

Status Machine::write(const AbstractTensor& tensor, ir::Value* value) {
  if (tensor.view) TRY(check_alias(tensor));
  value = builder.cast(value, real_type(tensor.dtype));
  if (const Shape shape = graph_shape(tensor); !value->shape() || *value->shape() != shape) {
    value = builder.emit_named("Expand", {value, builder.shape(shape)});
    value->type.shape = shape;
  }
  if (tensor.view && state.storages[tensor.storage].uninitialised &&
      state.storages[tensor.storage].value == nullptr) {
    // Written piece by piece: what is never written stays zero here, where PyTorch leaves chance.
    ir::Value* zero = builder.scalar(0, state.storages[tensor.storage].dtype);
    state.storages.edit(tensor.storage).value =
        builder.emit_named("Expand", {zero, builder.shape(state.storages[tensor.storage].shape)});
  }
  for (const ViewChain* link = tensor.view.get(); link != nullptr; link = link->parent.get()) {
    ir::Value* whole = TRY(read_chain(tensor.storage, link->parent));
    value = TRY(apply_inverse(link->step, whole, value));
  }
  Storage& storage = state.storages.edit(tensor.storage);
  storage.value = value;
  storage.known.reset();
  storage.uninitialised = false;
  storage.cache.clear();
  ++storage.version;
  storage.writers[tensor.doubt.group] = ++writes_;
  if (tensor.doubt.kin) {
    for (const uint32_t id : *tensor.doubt.kin)
      state.storages.edit(id).writers[tensor.doubt.group] = writes_;
  }
  return builder.status();
}

Result<Value> Machine::view(const TensorRef& base, ViewStep step, std::vector<Dim> strides) {
  if (step.before == step.after &&
      (step.kind == ViewStep::Kind::reshape || step.kind == ViewStep::Kind::expand))
    return base;
  AbstractTensor out = *base;
  out.sizes = step.after;
  out.strides = std::move(strides);
  if (is_complex(base->dtype)) {
    if (step.kind == ViewStep::Kind::permute)
      step.permutation.push_back(static_cast<int64_t>(step.before.size()));
    step.before.emplace_back(2);
    step.after.emplace_back(2);
  }
  out.wrapped = false;
  out.view = std::make_shared<const ViewChain>(ViewChain{base->view, std::move(step)});
  return std::make_shared<const AbstractTensor>(std::move(out));
}

std::optional<std::vector<Scalar>> Machine::known(const AbstractTensor& tensor) const {
  const Storage& storage = state.storages[tensor.storage];
  if (!storage.known || is_complex(tensor.dtype)) return std::nullopt;
  std::vector<const ViewStep*> steps;
  for (const ViewChain* link = tensor.view.get(); link != nullptr; link = link->parent.get())
    steps.push_back(&link->step);
  std::vector<Scalar> elements = *storage.known;
  Shape shape = storage.shape;
  for (size_t i = steps.size(); i-- > 0;) {
    const ViewStep& step = *steps[i];
    const auto start = step.start.constant();
    switch (step.kind) {
      case ViewStep::Kind::reshape:
        break;
      case ViewStep::Kind::select:
        if (shape.size() != 1 || !start || *start < 0 ||
            *start >= static_cast<int64_t>(elements.size()))
          return std::nullopt;
        elements = {elements[static_cast<size_t>(*start)]};
        break;
      case ViewStep::Kind::slice: {
        const auto length = step.after[0].constant();
        const auto stride = step.step.constant();
        if (shape.size() != 1 || !start || !length || !stride) return std::nullopt;
        std::vector<Scalar> part;
        for (int64_t k = 0; k < *length; ++k) {
          const int64_t at = *start + k * *stride;
          if (at < 0 || at >= static_cast<int64_t>(elements.size())) return std::nullopt;
          part.push_back(elements[static_cast<size_t>(at)]);
        }
        elements = std::move(part);
        break;
      }
      case ViewStep::Kind::permute:
        if (shape.size() > 1) return std::nullopt;
        break;
      case ViewStep::Kind::expand: {
        const auto count = ir::product(step.after).constant();
        if (elements.size() != 1 || !count || *count > 64) return std::nullopt;
        elements.resize(static_cast<size_t>(*count), elements[0]);
        break;
      }
      case ViewStep::Kind::windows:
      case ViewStep::Kind::strided:
      case ViewStep::Kind::conjugate:
        return std::nullopt;
    }
    shape = step.after;
  }
  return elements;
}

}  // namespace tenon::torch
