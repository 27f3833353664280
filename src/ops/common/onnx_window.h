// Convolutions and pools as they stand in ONNX files: attributes left out there are spelled out, so
// that equal operators have equal attributes.
#pragma once

#include <algorithm>

#include "base/error.h"
#include "onnx/mapping.h"

namespace tenon::ops::onnx_window {

// Strides, pads and dilations of `n` spatial axes where the file leaves them out.
template <class Op>
void spell_out(Op& op, size_t n) {
  if (op.strides.empty()) op.strides.assign(n, 1);
  if (op.dilations.empty()) op.dilations.assign(n, 1);
  if (op.auto_pad == "NOTSET" || op.auto_pad == "VALID") {
    // VALID says that there are no pads; so do pads of 0.
    if (op.auto_pad == "VALID" || op.pads.empty()) op.pads.assign(2 * n, 0);
    op.auto_pad = "NOTSET";
  }
}

template <class Op>
Result<onnx::Values> read_conv(onnx::ImportContext& c) {
  Op op = TRY(ir::from_attributes<Op>(c.attributes));
  const ir::Value* weight = c.input(1);
  if (weight && weight->rank().value_or(0) >= 3) {
    const size_t n = *weight->rank() - 2;
    if (op.kernel_shape.empty()) {
      for (size_t i = 0; i < n; ++i) {
        const auto size = (*weight->shape())[i + 2].constant();
        if (!size) {
          op.kernel_shape.clear();
          break;
        }
        op.kernel_shape.push_back(*size);
      }
    }
    // output_shape decides the pads of a transposed convolution.
    if constexpr (requires { op.output_shape; }) {
      if (op.output_padding.empty()) op.output_padding.assign(n, 0);
      if (!op.output_shape) spell_out(op, n);
    } else {
      spell_out(op, n);
    }
  }
  return c.emit(std::string(Op::kName), ir::to_attributes(op));
}

template <class Op>
Result<onnx::Values> read_pool(onnx::ImportContext& c) {
  Op op = TRY(ir::from_attributes<Op>(c.attributes));
  if (!op.kernel_shape.empty()) spell_out(op, op.kernel_shape.size());
  return c.emit(std::string(Op::kName), ir::to_attributes(op));
}

// Dilations of 1 are what opsets without the attribute mean.
inline void drop_unit_dilations(onnx::ExportContext& c) {
  const auto dilations = c.node->attributes.get<std::vector<int64_t>>("dilations", {});
  if (std::all_of(dilations.begin(), dilations.end(), [](int64_t d) { return d == 1; }))
    c.drop_attribute("dilations");
}

// With ceil_mode, opsets before 22 count a last window that begins in the padding behind the input,
// which there is not. Where that is known to make a difference, the pads say it without ceil_mode.
template <class Op>
Status write_pool(onnx::ExportContext& c) {
  const Op op = c.as<Op>();
  drop_unit_dilations(c);
  const auto &in = c.input(0)->shape(), &out = c.node->output(0)->shape();
  const size_t n = op.kernel_shape.size();
  if (!op.ceil_mode || c.opset >= 22 || op.auto_pad != "NOTSET" || !in || !out ||
      in->size() != n + 2 || op.pads.size() != 2 * n || op.strides.size() != n)
    return {};
  std::vector<int64_t> pads = op.pads;
  bool differs = false, grows = false;
  for (size_t i = 0; i < n; ++i) {
    const auto size = (*in)[i + 2].constant(), count = (*out)[i + 2].constant();
    if (!size || !count) return {};
    const int64_t dilation = op.dilations.size() == n ? op.dilations[i] : 1;
    const int64_t window = dilation * (op.kernel_shape[i] - 1) + 1;
    const int64_t room = *size + pads[i] + pads[i + n] - window;
    const int64_t stride = std::max<int64_t>(op.strides[i], 1);
    differs |= *count != (room + stride - 1) / stride + 1;
    const int64_t missing = (*count - 1) * stride - room;
    grows |= missing > 0;
    pads[i + n] += std::max<int64_t>(missing, 0);
  }
  if (!differs) return {};
  if constexpr (requires { op.count_include_pad; }) {
    if (grows && op.count_include_pad)
      return c.fail("this use of ceil_mode with count_include_pad appears in opset 22", 22);
  }
  c.set_attribute("ceil_mode", int64_t{0});
  c.set_attribute("pads", pads);
  return {};
}

}  // namespace tenon::ops::onnx_window
