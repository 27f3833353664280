#include "ir/builder.h"

#include "base/half.h"

namespace tenon::ir {

Node* Builder::emit_node(std::string domain, std::string op, Attributes attributes,
                         std::vector<Value*> inputs, size_t outputs) {
  Node* node = graph_->add_node(std::move(domain), std::move(op), std::move(attributes),
                                std::move(inputs), outputs, origin_, before_);
  if (!failed_) {
    if (auto ok = infer(*node, *ops_); !ok) fail(std::move(ok).error());
  }
  return node;
}

Value* Builder::emit_with(std::string op,
                          std::initializer_list<std::pair<std::string, Attribute>> attributes,
                          std::vector<Value*> inputs) {
  Attributes all;
  for (const auto& [name, value] : attributes) all.set(name, value);
  return emit_node("", std::move(op), std::move(all), std::move(inputs), 1)->output();
}

Value* Builder::cast(Value* value, DType to) {
  if (value->dtype() == to) return value;
  return emit_with("Cast",
                   {{"to", static_cast<int64_t>(to)},
                    {"saturate", int64_t{1}},
                    {"round_mode", std::string("up")}},
                   {value});
}

void Builder::fail(Error error) {
  if (!failed_) failed_ = with_where(std::move(error), where(origin_));
}

Status Builder::status() {
  if (!failed_) return {};
  Error error = std::move(*failed_);
  failed_.reset();
  return std::unexpected(std::move(error));
}

Value* Builder::cached(const std::string& key) const {
  if (before_ != nullptr) return nullptr;  // a value emitted elsewhere need not precede this place
  for (const Graph* g = graph_; g != nullptr; g = g->parent()) {
    if (auto it = dims_.find({g, key}); it != dims_.end()) return it->second;
  }
  return nullptr;
}

Value* Builder::remember(const std::string& key, Value* value) {
  if (before_ == nullptr) dims_[{graph_, key}] = value;
  return value;
}

void Builder::forget_others() {
  std::erase_if(dims_, [&](const auto& entry) {
    for (const Graph* g = graph_; g != nullptr; g = g->parent()) {
      if (entry.first.first == g) {
        // A node of this graph that was erased leaves a value without a producer.
        return entry.second->producer == nullptr && !entry.second->is_constant();
      }
    }
    return true;
  });
}

namespace {

Value* size_along(Builder& b, Value* value, int64_t axis) {
  Value* size = b.emit_with("Shape", {{"start", axis}, {"end", axis + 1}}, {value});
  return b.emit_named("Squeeze", {size, b.ints({0})});
}

// An input whose size is 32 * s, say, defines s although no axis has that size.
Value* solved_symbol(Builder& b, const std::string& name) {
  for (Value* input : b.graph().root().inputs()) {
    const auto& shape = input->shape();
    for (size_t axis = 0; shape && axis < shape->size(); ++axis) {
      const Dim& size = (*shape)[axis];
      if (size.terms().size() != 1 || size.terms()[0].factors.size() != 1) continue;
      const Dim::Term& term = size.terms()[0];
      if (term.factors[0]->op != Dim::Op::symbol || term.factors[0]->name != name) continue;
      Value* value = size_along(b, input, static_cast<int64_t>(axis));
      if (size.offset() != 0) value = b.emit_named("Sub", {value, b.scalar_int(size.offset())});
      value = b.emit_named("Div", {value, b.scalar_int(term.coefficient)});
      value->contents = std::vector<Dim>{Dim::symbol(name)};
      return value;
    }
  }
  return nullptr;
}

}  // namespace

Value* Builder::symbol_value(const std::string& name) {
  const std::string key = "symbol " + name;
  if (Value* known = cached(key)) return known;
  const Symbol* symbol = graph_->find_symbol(name);
  if (symbol == nullptr || symbol->source == nullptr) {
    if (Value* solved = solved_symbol(*this, name)) return remember(key, solved);
    fail({.kind = ErrorKind::internal,
          .what = "a symbolic size has no source",
          .why = "nothing in the graph defines the symbol '" + name + "'"});
    return scalar_int(1);
  }
  Value* source = symbol->source;
  if (symbol->axis < 0) {
    if (source->dtype() != DType::i64) {
      source = cast(source, DType::i64);
    }
    return remember(key, source);
  }
  return remember(key, size_along(*this, source, symbol->axis));
}

Value* Builder::dim(const Dim& dim) {
  if (auto value = dim.constant()) return scalar_int(*value);
  const std::string key = "dim " + dim.str();
  if (Value* known = cached(key)) return known;
  Value* sum = nullptr;
  auto add = [&](Value* part) { sum = sum ? emit_named("Add", {sum, part}) : part; };
  for (const Dim::Term& term : dim.terms()) {
    Value* product = term.coefficient == 1 ? nullptr : scalar_int(term.coefficient);
    for (const auto& factor : term.factors) {
      std::vector<Value*> args;
      for (const Dim& arg : factor->args) args.push_back(this->dim(arg));
      Value* value = nullptr;
      switch (factor->op) {
        case Dim::Op::symbol:
          value = symbol_value(factor->name);
          break;
        case Dim::Op::floordiv:
          // ONNX divides integers towards zero; its Mod takes the divisor's sign, which makes the
          // division exact.
          value = emit_with("Mod", {{"fmod", int64_t{0}}}, {args[0], args[1]});
          value = emit_named("Div", {emit_named("Sub", {args[0], value}), args[1]});
          break;
        case Dim::Op::mod:
          value = emit_with("Mod", {{"fmod", int64_t{0}}}, {args[0], args[1]});
          break;
        case Dim::Op::min:
          value = emit_named("Min", {args[0], args[1]});
          break;
        case Dim::Op::max:
          value = emit_named("Max", {args[0], args[1]});
          break;
        case Dim::Op::floorscale: {
          Value* scaled =
              emit_named("Mul", {cast(args[0], DType::f64), scalar(factor->factor, DType::f64)});
          value = cast(emit_named("Floor", {scaled}), DType::i64);
          break;
        }
      }
      product = product ? emit_named("Mul", {product, value}) : value;
    }
    add(product);
  }
  if (dim.offset() != 0) add(scalar_int(dim.offset()));
  sum->contents = std::vector<Dim>{dim};
  return remember(key, sum);
}

Value* Builder::dim_vector(const Dim& dim) {
  if (auto value = dim.constant()) return ints({*value});
  const std::string key = "vector " + dim.str();
  if (Value* known = cached(key)) return known;
  if (const Symbol* symbol = graph_->find_symbol(dim.symbol_name());
      symbol && symbol->source && symbol->axis >= 0) {
    return remember(
        key,
        emit_with("Shape", {{"start", int64_t{symbol->axis}}, {"end", int64_t{symbol->axis + 1}}},
                  {symbol->source}));
  }
  return remember(key, emit_named("Unsqueeze", {this->dim(dim), ints({0})}));
}

Value* Builder::shape(std::span<const Dim> dims) {
  std::vector<Value*> pieces;
  std::vector<int64_t> run;
  auto flush = [&] {
    if (!run.empty()) pieces.push_back(ints(run));
    run.clear();
  };
  for (const Dim& dim : dims) {
    if (auto value = dim.constant()) {
      run.push_back(*value);
    } else {
      flush();
      pieces.push_back(dim_vector(dim));
    }
  }
  flush();
  if (pieces.empty()) return ints(std::initializer_list<int64_t>{});
  if (pieces.size() == 1) return pieces[0];
  Value* whole = emit_with("Concat", {{"axis", int64_t{0}}}, pieces);
  whole->contents = std::vector<Dim>(dims.begin(), dims.end());
  return whole;
}

Tensor Builder::scalar_tensor(double value, DType dtype) {
  Tensor out = Tensor::zeros(dtype, {});
  auto put = [&]<class T>(T v) { out.mutable_values<T>()[0] = v; };
  switch (dtype) {
    case DType::f32:
      put(static_cast<float>(value));
      break;
    case DType::f64:
      put(value);
      break;
    case DType::f16:
      put(float_to_f16(static_cast<float>(value)));
      break;
    case DType::bf16:
      put(float_to_bf16(static_cast<float>(value)));
      break;
    case DType::i64:
      put(static_cast<int64_t>(value));
      break;
    case DType::i32:
      put(static_cast<int32_t>(value));
      break;
    case DType::i16:
      put(static_cast<int16_t>(value));
      break;
    case DType::i8:
      put(static_cast<int8_t>(value));
      break;
    case DType::u64:
      put(static_cast<uint64_t>(value));
      break;
    case DType::u32:
      put(static_cast<uint32_t>(value));
      break;
    case DType::u16:
      put(static_cast<uint16_t>(value));
      break;
    case DType::u8:
      put(static_cast<uint8_t>(value));
      break;
    case DType::boolean:
      put(static_cast<uint8_t>(value != 0));
      break;
    default:
      break;
  }
  return out;
}

}  // namespace tenon::ir
