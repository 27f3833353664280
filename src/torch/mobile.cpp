#include "torch/mobile.h"

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;

// What packed weights are saved as: a tuple of the arguments that packed them, in their order. The
// last two are the limits of the result.
Result<Arguments> unpacked(Machine& m, const Value& context, size_t count) {
  const ObjectRef* object = context.get<ObjectRef>();
  if (object != nullptr) {
    const auto& attributes = m.state.objects[object->id].attributes;
    const auto state = attributes.find("__state__");
    const auto* items = state == attributes.end() ? nullptr : m.items(state->second);
    if (items != nullptr && items->size() == count) return *items;
  }
  return m.fail(ErrorKind::bad_file, "cannot read weights that were packed for XNNPACK",
                fmt::format("they are no object with a tuple of {} parts", count),
                "save the model again, without optimize_for_mobile");
}

Result<Value> clamped(Machine& m, Value result, const Value& low, const Value& high) {
  if (low.is_none() && high.is_none()) return result;
  return m.call("aten::clamp", {std::move(result), low, high});
}

// weight, bias, stride, padding, dilation, groups, limits
Result<Value> conv2d(Machine& m, const Schema&, Arguments& args) {
  const Arguments p = TRY(unpacked(m, args[1], 8));
  Value out = TRY(m.call("aten::conv2d", {args[0], p[0], p[1], p[2], p[3], p[4], p[5]}));
  return clamped(m, std::move(out), p[6], p[7]);
}

// weight, bias, stride, padding, output_padding, dilation, groups, limits
Result<Value> conv_transpose2d(Machine& m, const Schema&, Arguments& args) {
  const Arguments p = TRY(unpacked(m, args[1], 9));
  Value out =
      TRY(m.call("aten::conv_transpose2d", {args[0], p[0], p[1], p[2], p[3], p[4], p[6], p[5]}));
  return clamped(m, std::move(out), p[7], p[8]);
}

// weight, bias, limits
Result<Value> linear(Machine& m, const Schema&, Arguments& args) {
  const Arguments p = TRY(unpacked(m, args[1], 4));
  Value out = TRY(m.call("aten::linear", {args[0], p[0], p[1]}));
  return clamped(m, std::move(out), p[2], p[3]);
}

Result<Value> pack(Machine& m, const Schema& schema, Arguments& args) {
  const ObjectRef object{
      m.state.objects.add({.type = schema.returns[0].type.name, .module = {}, .attributes = {}})};
  m.state.objects.edit(object.id).attributes["__state__"] = Value::tuple(args);
  return Value(object);
}

Result<Value> add_relu(Machine& m, const Schema&, Arguments& args) {
  const Value sum = TRY(m.call("aten::add", {args[0], args[1]}, {{"alpha", args[2]}}));
  return m.call("aten::relu", {sum});
}

}  // namespace

std::span<const Builtin> mobile_builtins() {
  static constexpr Builtin kAll[] = {
      {"prepacked::conv2d_clamp_run", conv2d},
      {"prepacked::conv2d_transpose_clamp_run", conv_transpose2d},
      {"prepacked::linear_clamp_run", linear},
      {"prepacked::conv2d_clamp_prepack", pack},
      {"prepacked::conv2d_transpose_clamp_prepack", pack},
      {"prepacked::linear_clamp_prepack", pack},
      {"aten::_add_relu.Tensor", add_relu},
      {"aten::_add_relu.Scalar", add_relu},
  };
  return kAll;
}

}  // namespace tenon::torch
