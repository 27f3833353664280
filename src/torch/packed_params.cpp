#include "torch/packed_params.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/integers.h"

namespace tenon::torch {
namespace {

const char* const kClasses = "__torch__.torch.classes.";

std::unexpected<Error> unknown(const Machine& m, const std::string& what, const std::string& why) {
  return m.fail(ErrorKind::unsupported, "cannot read the packed parameters of " + what, why,
                "save the model again with a newer PyTorch");
}

Result<Value> state_of(const Machine& m, const Value& object, const std::string& what) {
  if (const Poison* p = object.get<Poison>()) return unknown(m, what, p->reason);
  const ObjectRef* ref = object.get<ObjectRef>();
  if (ref == nullptr) return unknown(m, what, "they are of kind " + object.kind());
  const auto& attributes = m.state.objects[ref->id].attributes;
  auto found = attributes.find("__state__");
  if (found == attributes.end()) return unknown(m, what, "they have no state");
  return found->second;
}

// The items of a tuple or list of at least `count`.
Result<std::vector<Value>> parts_of(const Machine& m, const Value& value, size_t count,
                                    const std::string& what) {
  const auto* items = m.items(value);
  if (items == nullptr || items->size() < count)
    return unknown(m, what, "their form is none that PyTorch is known to write");
  return *items;
}

Result<TensorRef> tensor_of(const Machine& m, const Value& value, const std::string& what) {
  if (const TensorRef* t = value.get<TensorRef>()) return *t;
  const Poison* p = value.get<Poison>();
  return unknown(m, what, p ? p->reason : "a tensor is of kind " + value.kind());
}
Result<TensorRef> quantised_of(const Machine& m, const Value& value, const std::string& what) {
  const TensorRef t = TRY(tensor_of(m, value, what));
  if (!t->quantiser) return unknown(m, what, "the weight is not quantised");
  return t;
}

// Integers of a list, of a list of tensors of one element each, or of a tensor.
Result<std::vector<int64_t>> integers_of(Machine& m, const Value& value, const std::string& what) {
  std::vector<int64_t> out;
  if (const TensorRef* t = value.get<TensorRef>()) {
    const ir::Value* read = TRY(m.read(**t));
    if (read->constant) {
      if (auto all = ir::integers(*read->constant)) return *all;
    }
    return unknown(m, what, "a number is not known");
  }
  for (const Value& item : TRY(parts_of(m, value, 0, what))) {
    if (item.is<TensorRef>()) {
      for (const int64_t n : TRY(integers_of(m, item, what))) out.push_back(n);
    } else {
      out.push_back(TRY(m.to_constant_int(item, "a number of packed parameters")));
    }
  }
  return out;
}

// dimensions, stride, padding, dilation, output padding, groups, whether transposed.
Status read_config(const Machine& m, const std::vector<int64_t>& config, PackedConv& out) {
  const size_t n =
      config.empty() || config[0] < 1 || config[0] > 3 ? 0 : static_cast<size_t>(config[0]);
  if (n == 0 || config.size() < 4 * n + 3)
    return unknown(m, "a convolution", "their form is none that PyTorch is known to write");
  auto at = config.begin() + 1;
  for (auto* list : {&out.stride, &out.padding, &out.dilation, &out.output_padding}) {
    list->assign(at, at + static_cast<ptrdiff_t>(n));
    at += static_cast<ptrdiff_t>(n);
  }
  out.groups = *at++;
  out.transposed = (*at & 1) != 0;
  return {};
}

}  // namespace

Value packed(Machine& m, const std::string& type, Value state) {
  ObjectData data{.type = kClasses + type, .module = {}, .attributes = {}};
  data.attributes["__state__"] = std::move(state);
  return ObjectRef{m.state.objects.add(std::move(data))};
}

// In the form of version 3, which files have too.
Value packed(Machine& m, const PackedConv& conv) {
  const size_t n = conv.stride.size();
  std::vector<Value> config{Value::integer(static_cast<int64_t>(n))};
  for (const auto* list : {&conv.stride, &conv.padding, &conv.dilation, &conv.output_padding}) {
    for (const int64_t i : *list) config.push_back(Value::integer(i));
  }
  config.push_back(Value::integer(conv.groups));
  config.push_back(Value::integer(conv.transposed ? 1 : 0));
  return packed(m, fmt::format("quantized.Conv{}dPackedParamsBase", n),
                Value::tuple({Value::integer(3), m.list(std::move(config)),
                              m.list({Value(), Value(conv.weight), conv.bias})}));
}

Result<PackedConv> packed_conv(Machine& m, const Value& object) {
  const std::string what = "a convolution";
  const auto state = TRY(parts_of(m, TRY(state_of(m, object, what)), 3, what));
  PackedConv out;
  if (const Dim* version = state[0].get<Dim>()) {
    // (3, config, [None, weight, bias])
    if (!version->is(3)) return unknown(m, what, "they are of version " + version->str());
    TRY(read_config(m, TRY(integers_of(m, state[1], what)), out));
    const auto tensors = TRY(parts_of(m, state[2], 3, what));
    out.weight = TRY(quantised_of(m, tensors[1], what));
    out.bias = tensors[2];
  } else if (const std::string* text = state[0].get<std::string>()) {
    // ("2", [config, weight], [bias])
    if (*text != "2") return unknown(m, what, "they are of version " + *text);
    const auto tensors = TRY(parts_of(m, state[1], 2, what));
    TRY(read_config(m, TRY(integers_of(m, tensors[0], what)), out));
    out.weight = TRY(quantised_of(m, tensors[1], what));
    out.bias = TRY(parts_of(m, state[2], 1, what))[0];
  } else {
    // (weight, bias, [stride...], [padding...], [dilation...], groups)
    const auto all = TRY(parts_of(m, TRY(state_of(m, object, what)), 6, what));
    out.weight = TRY(quantised_of(m, all[0], what));
    out.bias = all[1];
    out.stride = TRY(integers_of(m, all[2], what));
    out.padding = TRY(integers_of(m, all[3], what));
    out.dilation = TRY(integers_of(m, all[4], what));
    out.output_padding.assign(out.stride.size(), 0);
    const auto groups = TRY(integers_of(m, all[5], what));
    if (groups.size() != 1) return unknown(m, what, "the number of groups is not known");
    out.groups = groups[0];
  }
  return out;
}

Result<PackedLinear> packed_linear(Machine& m, const Value& object) {
  const std::string what = "a linear layer";
  const auto state = TRY(parts_of(m, TRY(state_of(m, object, what)), 2, what));
  return PackedLinear{TRY(tensor_of(m, state[0], what)), state[1]};
}

Result<TensorRef> packed_embedding(Machine& m, const Value& object) {
  // (1, [weight], [], [bits])
  const std::string what = "an embedding";
  const auto state = TRY(parts_of(m, TRY(state_of(m, object, what)), 2, what));
  if (const Dim* version = state[0].get<Dim>(); version == nullptr || !version->is(1))
    return unknown(m, what, "their version is not 1");
  return quantised_of(m, TRY(parts_of(m, state[1], 1, what))[0], what);
}

Result<PackedCell> packed_cell(Machine& m, const Value& object) {
  // (kind, [bias_ih, bias_hh], [], [reduce_range], [packed_ih, packed_hh])
  const std::string what = "a recurrent layer";
  const auto state = TRY(parts_of(m, TRY(state_of(m, object, what)), 5, what));
  const std::string* kind = state[0].get<std::string>();
  if (kind == nullptr || (*kind != "quantized_dynamic" && *kind != "quantized_fp16"))
    return unknown(m, what, "they are of the kind " + m.to_text(state[0]));
  const auto layers = TRY(parts_of(m, state[4], 2, what));
  PackedCell out{TRY(packed_linear(m, layers[0])), TRY(packed_linear(m, layers[1])), false};
  const auto numbers = TRY(parts_of(m, state[3], 0, what));
  if (!numbers.empty())
    out.reduce_range = TRY(m.to_constant_int(numbers[0], "a number of packed parameters")) != 0;
  return out;
}

}  // namespace tenon::torch
