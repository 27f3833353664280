#include "ops/resize/resize.h"

#include "onnx/mapping.h"
#include "ops/common/resize_products.h"

namespace tenon::ops {
namespace {

bool is_empty(const ir::Value* value) { return value->rank() == 1 && (*value->shape())[0].is(0); }

// Upsample, and Resize at opset 10: asymmetric coordinates, rounded down.
Result<onnx::Values> read_upsample(onnx::ImportContext& c) {
  if (c.op == "Upsample" && c.opset < 9) {
    const auto scales = c.take<std::vector<float>>("scales");
    if (!scales) return c.fail("it lacks its scales");
    c.inputs.push_back(c.b.constant(
        Tensor::of<float>(DType::f32, {static_cast<int64_t>(scales->size())}, *scales)));
  }
  if (c.inputs.size() != 2) return c.fail("it needs its input and scales");
  const std::string mode = c.take<std::string>("mode").value_or("nearest");
  c.inputs = {c.input(0), nullptr, c.input(1)};
  c.attributes = ir::to_attributes(Resize{.coordinate_transformation_mode = "asymmetric",
                                          .mode = mode == "bilinear" ? "linear" : mode,
                                          .nearest_mode = "floor"});
  return c.emit<Resize>();
}

// Inputs that are not used are empty tensors in old files.
Result<onnx::Values> read_resize(onnx::ImportContext& c) {
  if (c.opset < 11) return read_upsample(c);
  if (c.attributes.get<std::string>("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn")
    return c.fail("tf_half_pixel_for_nn left ONNX in opset 13", "export at opset 13 or newer");
  const bool crops =
      c.attributes.get<std::string>("coordinate_transformation_mode", "") == "tf_crop_and_resize";
  c.resize(4);
  for (size_t i = 1; i < 4; ++i) {
    if (c.has(i) && (is_empty(c.input(i)) || (i == 1 && !crops))) c.inputs[i] = nullptr;
  }
  return c.emit<Resize>();
}

// Scales or sizes of some axes as those of all, which older opsets want.
Status give_all_axes(onnx::ExportContext& c, const std::vector<int64_t>& some) {
  const ir::Value* x = c.input(0);
  if (!x->rank())
    return c.fail("the rank of its input is not known, which opset 18 does not need", 18);
  const size_t rank = *x->rank();
  std::vector<size_t> axes;
  for (const int64_t axis : some) axes.push_back(TRY(ir::normalize_axis(axis, rank)));
  onnx::Values inputs{c.input(0), c.input(1), c.input(2), c.input(3)};
  if (c.has(1)) {
    const Tensor* roi = c.input(1)->constant ? &*c.input(1)->constant : nullptr;
    if (!roi || roi->dtype() != DType::f32 || roi->count() != 2 * static_cast<int64_t>(axes.size()))
      return c.fail("a roi of some axes appears in opset 18", 18);
    std::vector<float> all(2 * rank, 0);
    std::fill(all.begin() + static_cast<ptrdiff_t>(rank), all.end(), 1.0f);
    for (size_t i = 0; i < axes.size(); ++i) {
      all[axes[i]] = roi->values<float>()[i];
      all[axes[i] + rank] = roi->values<float>()[i + axes.size()];
    }
    inputs[1] =
        c.b.constant(Tensor::of<float>(DType::f32, {static_cast<int64_t>(all.size())}, all));
  }
  if (c.has(2)) {
    const Tensor* scales = c.input(2)->constant ? &*c.input(2)->constant : nullptr;
    if (!scales || scales->dtype() != DType::f32 ||
        scales->count() != static_cast<int64_t>(axes.size()))
      return c.fail("scales of some axes that are computed when the model runs appear in opset 18",
                    18);
    std::vector<float> all(rank, 1);
    for (size_t i = 0; i < axes.size(); ++i) all[axes[i]] = scales->values<float>()[i];
    inputs[2] = c.b.constant(Tensor::of<float>(DType::f32, {static_cast<int64_t>(rank)}, all));
  }
  if (c.has(3)) {
    ir::Shape all = *x->shape();
    if (!c.input(3)->contents || c.input(3)->contents->size() != axes.size()) {
      // What is not known at all is picked from the sizes as they come.
      onnx::Values parts;
      for (size_t i = 0; i < rank; ++i) {
        const auto at = std::find(axes.begin(), axes.end(), i);
        const auto index = static_cast<int64_t>(at - axes.begin());
        parts.push_back(at == axes.end()
                            ? c.b.shape(std::span(&all[i], 1))
                            : c.b.emit_named("Slice", {c.input(3), c.b.ints({index}),
                                                       c.b.ints({index + 1}), c.b.ints({0})}));
      }
      inputs[3] = c.b.emit_with("Concat", {{"axis", int64_t{0}}}, parts);
    } else {
      for (size_t i = 0; i < axes.size(); ++i) all[axes[i]] = (*c.input(3)->contents)[i];
      inputs[3] = c.b.shape(all);
    }
  }
  c.set_inputs(inputs);
  return {};
}

Status write_resize(onnx::ExportContext& c) {
  const auto op = c.as<Resize>();
  const bool symmetric = op.coordinate_transformation_mode == "half_pixel_symmetric";
  if (c.opset < 18 || (c.opset < 19 && symmetric)) {
    ir::Value* made = is_resize_of_late(*c.node) ? resized_by_products(c.b, *c.node) : nullptr;
    if (made != nullptr) return c.replace({made});
  }
  if (c.opset < 19 && symmetric) {
    return c.fail(
        "coordinate_transformation_mode 'half_pixel_symmetric' of sizes that vary appears in "
        "opset 19",
        19);
  }
  if (c.opset >= 18) return {};
  if (op.antialias) return c.fail("antialias of sizes that vary appears in opset 18", 18);
  if (op.keep_aspect_ratio_policy != "stretch")
    return c.fail("keep_aspect_ratio_policy of sizes that vary appears in opset 18", 18);
  if (op.axes) {
    TRY(give_all_axes(c, *op.axes));
    c.drop_attribute("axes");
  }
  if (c.opset >= 13) return c.b.status();
  // At opset 11 roi and scales must be there, empty where they are not used.
  auto given = [&](size_t i) {
    return c.has(i) ? c.input(i) : c.b.constant(Tensor::zeros(DType::f32, {0}));
  };
  c.set_inputs({c.input(0), given(1), given(2), c.input(3)});
  return c.b.status();
}

}  // namespace

std::span<const onnx::Mapping> resize_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Resize>({.read = read_resize, .write = write_resize}),
      onnx::read_only("Upsample", read_upsample),
  };
  return rows;
}

}  // namespace tenon::ops
