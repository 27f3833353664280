#include "ops/pad/pad.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace pad_lowering {

using lower::V;
using torch::LowerContext;

// PyTorch names pairs from the last dimension on. What is negative is cut off after the rest was added, which is
// the same: neither side's padding depends on the other's.
V* pad(LowerContext& c, V* x, const Sizes& amounts, const char* mode, V* fill) {
  const Sizes sizes = lower::sizes(c, x);
  const size_t rank = sizes.size();
  if (amounts.size() % 2 != 0 || amounts.size() / 2 > rank) {
    return c.refuse(fmt::format("{} padding sizes for an input with {} dimensions", amounts.size(), rank));
  }
  Sizes begin(rank, ir::Dim(0)), end(rank, ir::Dim(0)), cut_begin(rank, ir::Dim(0)), cut_end(rank, ir::Dim(0));
  bool pads = false;
  const auto ranges = c.machine().ranges();
  for (size_t i = 0; i < amounts.size(); ++i) {
    const size_t axis = rank - 1 - i / 2;
    const auto bounds = amounts[i].bounds(ranges);
    const bool cuts = bounds.max < 0;
    if (!cuts && bounds.min < 0) {
      return c.refuse(fmt::format("whether the padding {} adds or cuts off is not known", amounts[i].str()),
                      "fix the dimension with --shapes, or give it a range with --dynamic");
    }
    if (cuts) (i % 2 == 0 ? cut_begin : cut_end)[axis] = -amounts[i];
    else (i % 2 == 0 ? begin : end)[axis] = amounts[i];
    pads = pads || (!cuts && !amounts[i].is(0));
  }
  if (pads) {
    Sizes all = begin;
    all.insert(all.end(), end.begin(), end.end());
    std::vector<V*> inputs{x, c.b.shape(all)};
    if (fill) inputs.push_back(fill);
    x = c.b.emit(Pad{.mode = mode}, std::move(inputs));
  }
  for (size_t i = 0; i < rank; ++i) {
    if (cut_begin[i].is(0) && cut_end[i].is(0)) continue;
    const ir::Dim stop = sizes[i] + begin[i] + end[i] - cut_end[i];
    x = lower::slice(c, x, static_cast<int64_t>(i), cut_begin[i], stop);
  }
  return x;
}

V* by_constant(LowerContext& c, const Sizes& amounts) {
  V* x = c.tensor("self");
  V* fill = c.has("value") ? c.scalar("value", x->dtype()) : lower::like(c, x, 0);
  // ONNX's older opsets pad no booleans.
  if (x->dtype() == DType::boolean) {
    V* padded = pad(c, c.b.cast(x, DType::i32), amounts, "constant", c.b.cast(fill, DType::i32));
    return c.refused() ? nullptr : c.b.cast(padded, DType::boolean);
  }
  return pad(c, x, amounts, "constant", fill);
}

V* constant(LowerContext& c) { return by_constant(c, c.ints("pad")); }
V* reflect(LowerContext& c) { return pad(c, c.tensor("self"), c.ints("padding"), "reflect", nullptr); }
V* replicate(LowerContext& c) { return pad(c, c.tensor("self"), c.ints("padding"), "edge", nullptr); }
V* circular(LowerContext& c) { return pad(c, c.tensor("self"), c.ints("pad"), "wrap", nullptr); }

V* by_mode(LowerContext& c) {
  const std::string mode = c.text("mode");
  if (mode == "constant") return constant(c);
  const Sizes amounts = c.ints("pad");
  if (mode == "reflect") return pad(c, c.tensor("self"), amounts, "reflect", nullptr);
  if (mode == "replicate") return pad(c, c.tensor("self"), amounts, "edge", nullptr);
  if (mode == "circular") return circular(c);
  return c.refuse("padding mode '" + mode + "' is not known");
}

}  // namespace pad_lowering

std::span<const torch::Lowering> pad_torch() {
  using namespace pad_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::pad", by_mode},
      {"aten::constant_pad_nd", constant},
      {"aten::reflection_pad1d", reflect},
      {"aten::reflection_pad2d", reflect},
      {"aten::reflection_pad3d", reflect},
      {"aten::replication_pad1d", replicate},
      {"aten::replication_pad2d", replicate},
      {"aten::replication_pad3d", replicate},
      {"aten::_pad_circular", circular},
  };
  return kAll;
}

}  // namespace tenon::ops
