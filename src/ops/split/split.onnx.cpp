#include "ops/split/split.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// The sizes are an attribute until opset 12; equal parts have a number from opset 18 on.
Result<onnx::Values> read_split(onnx::ImportContext& c) {
  if (c.opset < 13) onnx::attribute_to_input(c, "split", 1);
  const bool counted = c.attributes.find("num_outputs") != nullptr;
  if (!c.has(1) && !counted) c.attributes.set("num_outputs", static_cast<int64_t>(c.outputs));
  return c.emit<Split>();
}

Status write_split(onnx::ExportContext& c) {
  if (c.opset >= 18) return {};
  if (!c.has(1)) {
    const auto count = static_cast<int64_t>(c.node->outputs().size());
    const ir::Value* x = c.input(0);
    if (!x->rank())
      return c.fail("the rank of its input is not known, which opset 18 does not need", 18);
    const size_t axis = TRY(ir::normalize_axis(c.as<Split>().axis, *x->rank()));
    const ir::Dim size = (*x->shape())[axis], part = ir::ceildiv(size, count);
    // Without sizes, older opsets take equal parts only.
    if (!(mod(size, ir::Dim(count)) == ir::Dim(0))) {
      std::vector<ir::Dim> sizes(static_cast<size_t>(count), part);
      sizes.back() = size - part * ir::Dim(count - 1);
      if (c.opset < 13 && !size.is_constant())
        return c.fail("parts of a size that is not known to divide evenly appear in opset 13", 13);
      c.set_inputs({c.input(0), c.b.shape(sizes)});
    }
  }
  c.drop_attribute("num_outputs");
  return c.opset < 13 ? c.input_to_attribute(1, "split") : Status{};
}

}  // namespace

std::span<const onnx::Mapping> split_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Split>({.read = read_split, .write = write_split})};
  return rows;
}

}  // namespace tenon::ops
