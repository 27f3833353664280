// Takes off the taps of a convolution that see padding only. Widely dilated windows on small images
// have many: with a dilation of 24 on an image of 14, nothing but the middle of a 3x3 window
// counts.
#include <array>
#include <cstring>

#include "ops/conv/conv.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// The taps of one axis that can see the image, and the padding that is left to them.
struct Window {
  int64_t first = 0, count = 0, pad_begin = 0, pad_end = 0;
};

struct Axis {
  int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;
};

Window trimmed(const Axis& a) {
  const Window whole{0, a.kernel, a.pad_begin, a.pad_end};
  // Tap k reads places k * dilation - pad_begin and on, by strides, for each output.
  auto sees = [&](int64_t k) {
    const int64_t from = k * a.dilation - a.pad_begin;
    return from + (a.out - 1) * a.stride >= 0 && from < a.in;
  };
  int64_t first = 0, last = a.kernel - 1;
  while (first < last && !sees(first)) ++first;
  while (last > first && !sees(last)) --last;
  const Window out{first, last - first + 1, a.pad_begin - first * a.dilation,
                   a.pad_end - (a.kernel - 1 - last) * a.dilation};
  return sees(first) && out.pad_begin >= 0 && out.pad_end >= 0 ? out : whole;
}

// The windows' part of weights [O, I, k...].
Tensor part_of(const Tensor& weights, const std::vector<Window>& windows) {
  Dims shape = weights.shape();
  for (size_t i = 0; i < windows.size(); ++i) shape[i + 2] = windows[i].count;
  Tensor out = Tensor::zeros(weights.dtype(), shape);
  const size_t size = weights.nbytes() / static_cast<size_t>(weights.count());
  const int64_t filters = shape[0] * shape[1], taps = element_count(std::span(shape).subspan(2));
  const int64_t all = element_count(std::span(weights.shape()).subspan(2));
  for (int64_t t = 0; t < taps; ++t) {
    int64_t from = 0, rest = t, step = 1;
    for (size_t i = windows.size(); i-- > 0;) {
      from += (rest % windows[i].count + windows[i].first) * step;
      rest /= windows[i].count;
      step *= weights.shape()[i + 2];
    }
    for (int64_t f = 0; f < filters; ++f)
      std::memcpy(out.mutable_bytes().data() + static_cast<size_t>(f * taps + t) * size,
                  weights.data() + static_cast<size_t>(f * all + from) * size, size);
  }
  return out;
}

Result<bool> trim(ir::Node& node, const PassContext& context) {
  const ir::Value *x = node.input(0), *w = node.input(1), *y = node.output(0);
  if (!w->is_constant() || !w->constant->has_data() || w->constant->count() == 0 || !x->shape() ||
      !y->shape())
    return false;
  auto op = node.as<ops::Conv>();
  const Dims& shape = w->constant->shape();
  const size_t n = shape.size() - 2;
  for (Dims* ones : {&op.strides, &op.dilations}) {
    if (ones->empty()) ones->assign(n, 1);
  }
  if (shape.size() < 3 || op.auto_pad != "NOTSET" || op.pads.size() != 2 * n ||
      op.strides.size() != n || op.dilations.size() != n || x->shape()->size() != n + 2)
    return false;
  std::vector<Window> windows;
  bool changed = false;
  for (size_t i = 0; i < n; ++i) {
    const auto in = (*x->shape())[i + 2].constant(), out = (*y->shape())[i + 2].constant();
    if (!in || !out || *in < 1 || *out < 1) return false;
    windows.push_back(trimmed(
        {*in, *out, shape[i + 2], op.strides[i], op.dilations[i], op.pads[i], op.pads[n + i]}));
    changed |= windows[i].count != shape[i + 2];
  }
  if (!changed) return false;
  op.kernel_shape.clear();
  for (size_t i = 0; i < n; ++i) {
    op.kernel_shape.push_back(windows[i].count);
    op.pads[i] = windows[i].pad_begin;
    op.pads[n + i] = windows[i].pad_end;
    if (windows[i].count == 1) op.dilations[i] = 1;
  }
  ir::Value* weights = node.graph->root().add_constant(part_of(*w->constant, windows), w->name);
  ir::Builder b = builder_before(node, context);
  std::vector<ir::Value*> inputs(node.inputs().begin(), node.inputs().end());
  inputs[1] = weights;
  return replace_node(node, b, std::array{b.emit(op, std::move(inputs))});
}

}  // namespace

Result<bool> trim_windows(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (node->is("Conv") && !is_dead(*node)) changed |= TRY(trim(*node, context));
  }
  return changed;
}

}  // namespace tenon::passes
