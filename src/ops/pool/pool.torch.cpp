#include "ops/pool/pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/common/lower.h"
#include "ops/common/window.h"
#include "ops/pad/pad.h"

namespace tenon::ops {
namespace pool_lowering {

using lower::V;
using torch::LowerContext;

struct Arguments {
  std::vector<int64_t> kernel, stride, padding, dilation;
  bool ceil_mode = false;
};

std::optional<Arguments> arguments(LowerContext& c, size_t rank) {
  Arguments out{c.constants("kernel_size"), c.constants("stride"), c.constants("padding"),
                c.constants("dilation"), false};
  if (c.has("ceil_mode")) out.ceil_mode = c.flag("ceil_mode");
  if (out.stride.empty()) out.stride = out.kernel;
  if (out.padding.empty()) out.padding = {0};
  if (out.dilation.empty()) out.dilation = {1};
  for (std::vector<int64_t>* values : {&out.kernel, &out.stride, &out.padding, &out.dilation}) {
    if (values->size() == 1) values->resize(rank, (*values)[0]);
    if (values->size() != rank) {
      c.refuse(fmt::format("{} numbers for {} spatial dimensions", values->size(), rank));
      return std::nullopt;
    }
  }
  return out;
}

std::vector<int64_t> both_sides(const std::vector<int64_t>& padding) {
  std::vector<int64_t> out = padding;
  out.insert(out.end(), padding.begin(), padding.end());
  return out;
}

// Rounding up makes a difference only where it gives another size.
bool needs_ceil(const Arguments& a, const Sizes& sizes) {
  if (!a.ceil_mode) return false;
  auto window =
      make_window("", a.kernel, a.stride, a.dilation, both_sides(a.padding), a.kernel.size(), true);
  if (!window || sizes.size() != a.kernel.size() + 2) return true;
  for (size_t i = 0; i < a.kernel.size(); ++i) {
    window->ceil_mode = true;
    const ir::Dim up = window->output(sizes[i + 2], i);
    window->ceil_mode = false;
    if (!(up == window->output(sizes[i + 2], i))) return true;
  }
  return false;
}

// PyTorch counts a maximum's place within its own channel, ONNX over the whole tensor.
V* within_channel(LowerContext& c, V* indices, const Sizes& input) {
  const ir::Dim plane = ir::product(std::span(input).subspan(2));
  return c.b.emit_with("Mod", {{"fmod", int64_t{0}}}, {indices, c.b.dim(plane)});
}

// The pool of a whole image, whose size is not known: one window, as large as the image. Null where
// the window is another.
V* whole_image(LowerContext& c, size_t rank, const char* op) {
  const Sizes kernel = c.ints("kernel_size");
  const auto known = [](const ir::Dim& d) { return d.is_constant(); };
  if (kernel.size() != rank || std::ranges::all_of(kernel, known)) return nullptr;
  for (const ir::Dim& padding : c.ints("padding")) {
    if (!padding.is(0)) return nullptr;
  }
  const Sizes image = c.shape(c.tensor("self"));
  if (image.size() < rank ||
      !std::equal(kernel.begin(), kernel.end(), image.end() - static_cast<ptrdiff_t>(rank)))
    return nullptr;
  return lower::batched(c, c.tensor("self"), rank + 2,
                        [&](V* x) -> std::vector<V*> { return {c.b.emit_named(op, {x})}; });
}

template <size_t rank, bool with_indices>
V* max_pool(LowerContext& c) {
  if (!with_indices) {
    if (V* whole = whole_image(c, rank, "GlobalMaxPool")) return whole;
  }
  const auto a = arguments(c, rank);
  if (!a) return nullptr;
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    const Sizes sizes = lower::sizes(c, x);
    MaxPool op;
    op.ceil_mode = needs_ceil(*a, sizes);
    op.dilations = a->dilation;
    op.kernel_shape = a->kernel;
    op.pads = both_sides(a->padding);
    op.strides = a->stride;
    if (!with_indices) return {c.b.emit(op, {x})};
    const std::vector<V*> out = c.b.emit_n(op, {x}, 2);
    return {out[0], within_channel(c, out[1], sizes)};
  });
}

// The input padded with zeros on both sides, after it as far as the last window reaches where sizes
// are rounded up.
V* with_whole_windows(LowerContext& c, V* x, const Arguments& a) {
  const Sizes sizes = lower::sizes(c, x);
  const auto window =
      make_window("", a.kernel, a.stride, a.dilation, both_sides(a.padding), a.kernel.size(), true);
  if (!window) return c.refuse(window.error());
  Sizes begin(2, ir::Dim(0)), end(2, ir::Dim(0));
  for (size_t i = 0; i < a.kernel.size(); ++i) {
    const ir::Dim reached = (window->output(sizes[i + 2], i) - 1) * a.stride[i] + window->extent(i);
    begin.emplace_back(a.padding[i]);
    // Whole strides that no window takes any more stay outside.
    end.push_back(max(reached - sizes[i + 2] - a.padding[i], ir::Dim(0)));
  }
  begin.insert(begin.end(), end.begin(), end.end());
  return c.b.emit(Pad{}, {x, c.b.shape(begin), lower::like(c, x, 0)});
}

template <size_t rank>
V* avg_pool(LowerContext& c) {
  if (!c.has("divisor_override")) {
    if (V* whole = whole_image(c, rank, "GlobalAveragePool")) return whole;
  }
  const auto a = arguments(c, rank);
  if (!a) return nullptr;
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    const Sizes sizes = lower::sizes(c, x);
    if (!is_floating(x->dtype()))
      return {c.refuse("ONNX averages no integers, which PyTorch divides rounding towards zero",
                       "cast the input to float32")};
    AveragePool op;
    op.ceil_mode = needs_ceil(*a, sizes);
    op.count_include_pad = c.flag("count_include_pad");
    op.dilations = a->dilation;
    op.kernel_shape = a->kernel;
    op.pads = both_sides(a->padding);
    op.strides = a->stride;
    const bool padded =
        std::any_of(a->padding.begin(), a->padding.end(), [](int64_t p) { return p != 0; });
    if (!c.has("divisor_override")) {
      if (!padded) op.count_include_pad = false;
      return {c.b.emit(op, {x})};
    }
    if (op.ceil_mode) {
      x = with_whole_windows(c, x, *a);
      op.ceil_mode = false;
      op.pads.assign(2 * rank, 0);
    }
    // The average over whole windows, padding included, times the size of a window is their sum.
    op.count_include_pad = true;
    double area = 1;
    for (int64_t k : a->kernel) area *= static_cast<double>(k);
    V* mean = c.b.emit(op, {x});
    return {lower::mul(
        c, mean, lower::like(c, x, area / static_cast<double>(c.constant("divisor_override"))))};
  });
}

}  // namespace pool_lowering

std::span<const torch::Lowering> pool_torch() {
  using namespace pool_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::max_pool1d", max_pool<1, false>},
      {"aten::max_pool2d", max_pool<2, false>},
      {"aten::max_pool3d", max_pool<3, false>},
      {"aten::max_pool1d_with_indices", max_pool<1, true>},
      {"aten::max_pool2d_with_indices", max_pool<2, true>},
      {"aten::max_pool3d_with_indices", max_pool<3, true>},
      {"aten::avg_pool1d", avg_pool<1>},
      {"aten::avg_pool2d", avg_pool<2>},
      {"aten::avg_pool3d", avg_pool<3>},
  };
  return kAll;
}

}  // namespace tenon::ops
