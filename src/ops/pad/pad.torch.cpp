#include "ops/pad/pad.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace pad_lowering {

using lower::V;
using torch::LowerContext;

// What is added and what is cut off at both ends of every dimension.
struct Amounts {
  Sizes begin, end, cut_begin, cut_end;
  bool pads = false;
};

// PyTorch names pairs from the last dimension on; negative ones cut off.
std::optional<Amounts> split(LowerContext& c, const Sizes& given, size_t rank) {
  if (given.size() % 2 != 0 || given.size() / 2 > rank) {
    c.refuse(fmt::format("{} padding sizes for an input with {} dimensions", given.size(), rank));
    return std::nullopt;
  }
  const Sizes none(rank, ir::Dim(0));
  Amounts out{none, none, none, none};
  const auto ranges = c.machine().ranges();
  for (size_t i = 0; i < given.size(); ++i) {
    const size_t axis = rank - 1 - i / 2;
    const auto bounds = given[i].bounds(ranges);
    const bool cuts = bounds.max < 0;
    if (!cuts && bounds.min < 0) {
      c.refuse(fmt::format("whether the padding {} adds or cuts off is not known", given[i].str()),
               "fix the dimension with --shapes, or give it a range with --dynamic");
      return std::nullopt;
    }
    if (cuts)
      (i % 2 == 0 ? out.cut_begin : out.cut_end)[axis] = -given[i];
    else
      (i % 2 == 0 ? out.begin : out.end)[axis] = given[i];
    out.pads = out.pads || (!cuts && !given[i].is(0));
  }
  return out;
}

V* cut(LowerContext& c, V* x, const Amounts& amounts) {
  const Sizes sizes = lower::sizes(c, x);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (amounts.cut_begin[i].is(0) && amounts.cut_end[i].is(0)) continue;
    x = lower::slice(c, x, static_cast<int64_t>(i), amounts.cut_begin[i],
                     sizes[i] - amounts.cut_end[i]);
  }
  return x;
}

// Neither side's padding depends on the other's but in a circle, which goes round what is left.
V* pad(LowerContext& c, V* x, const Sizes& given, const std::string& mode, V* fill) {
  const auto amounts = split(c, given, lower::rank(c, x));
  if (!amounts) return nullptr;
  if (mode == "wrap") x = cut(c, x, *amounts);
  if (amounts->pads) {
    Sizes all = amounts->begin;
    all.insert(all.end(), amounts->end.begin(), amounts->end.end());
    std::vector<V*> inputs{x, c.b.shape(all)};
    if (fill) inputs.push_back(fill);
    x = c.b.emit(Pad{.mode = mode}, std::move(inputs));
  }
  return mode == "wrap" ? x : cut(c, x, *amounts);
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
V* reflect(LowerContext& c) {
  return pad(c, c.tensor("self"), c.ints("padding"), "reflect", nullptr);
}
V* replicate(LowerContext& c) {
  return pad(c, c.tensor("self"), c.ints("padding"), "edge", nullptr);
}
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
