// Pad of f32: rows are copied whole, their ends filled.
#include "ops/pad/pad.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ir/op.h"
#include "targets/cpu/copy.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace pad_kernels {
namespace {

constexpr int64_t kOutside = -1;

bool supports(const ir::Node& node) {
  return node.input(0)->dtype() == DType::f32 && node.output()->dtype() == DType::f32 &&
         node.input(0)->rank().value_or(0) >= 1;
}

// The position that an output's position repeats, or kOutside.
int64_t source_of(int64_t at, int64_t size, const std::string& mode) {
  if (at >= 0 && at < size) return at;
  if (mode == "edge") return std::clamp<int64_t>(at, 0, size - 1);
  if (mode == "wrap") return (at % size + size) % size;
  if (mode == "reflect" && size > 1) {
    const int64_t turn = 2 * size - 2, in = (at % turn + turn) % turn;
    return std::min(in, turn - in);
  }
  return mode == "reflect" ? 0 : kOutside;
}

struct Plan {
  Dims dims, strides;                         // of the result and of the input
  std::vector<std::vector<int64_t>> sources;  // by axis
  int64_t first = 0, inside = 0, start = 0;  // of each row: where it is the input's, and from where

  void row(int64_t index, const float* x, float* y, float value) const {
    const size_t last = dims.size() - 1;
    int64_t offset = 0;
    for (size_t d = last; d-- > 0;) {
      const int64_t at = sources[d][static_cast<size_t>(index % dims[d])];
      index /= dims[d];
      if (at == kOutside) {
        std::fill_n(y, dims[last], value);
        return;
      }
      offset += at * strides[d];
    }
    const float* from = x + offset;
    auto end = [&](int64_t i) {
      const int64_t at = sources[last][static_cast<size_t>(i)];
      y[i] = at == kOutside ? value : from[at];
    };
    for (int64_t i = 0; i < first; ++i) end(i);
    std::memcpy(y + first, from + start, static_cast<size_t>(inside) * sizeof(float));
    for (int64_t i = first + inside; i < dims[last]; ++i) end(i);
  }
};

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims& in = context.in(0).dims;
  const size_t rank = in.size();
  const Tensor* amounts = context.inputs[1].constant;
  if (amounts == nullptr || amounts->dtype() != DType::i64 || !amounts->has_data())
    return context.refuse("amounts that are computed");
  std::vector<int64_t> axes(rank);
  for (size_t i = 0; i < rank; ++i) axes[i] = static_cast<int64_t>(i);
  if (context.has(3)) {
    const Tensor* given = context.inputs[3].constant;
    if (given == nullptr || given->dtype() != DType::i64 || !given->has_data())
      return context.refuse("axes that are computed");
    axes.assign(given->values<int64_t>().begin(), given->values<int64_t>().end());
  }
  const auto pads = amounts->values<int64_t>();
  if (pads.size() != 2 * axes.size() || element_count(in) == 0)
    return context.refuse("amounts that do not fit the axes, or an empty tensor");
  Dims before(rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = ir::normalize_axis(axes[i], rank);
    if (!axis) return context.refuse("an axis out of range");
    before[*axis] = pads[i];
  }
  auto plan = std::make_shared<Plan>();
  plan->dims = context.outputs[0].dims;
  plan->strides = cpu::strides_of(in);
  const std::string mode = context.node.as<Pad>().mode;
  for (size_t d = 0; d < rank; ++d) {
    auto& sources = plan->sources.emplace_back();
    for (int64_t i = 0; i < plan->dims[d]; ++i)
      sources.push_back(source_of(i - before[d], in[d], mode));
  }
  const int64_t width = plan->dims[rank - 1], shift = before[rank - 1];
  plan->first = std::clamp<int64_t>(shift, 0, width);
  plan->start = std::max<int64_t>(-shift, 0);
  plan->inside = std::max<int64_t>(std::min(width, shift + in[rank - 1]) - plan->first, 0);
  const int64_t rows = width == 0 ? 0 : element_count(plan->dims) / width;
  cpu::Prepared prepared;
  prepared.run = [plan, rows, width, value = context.has(2),
                  threads = context.threads](const cpu::Args& args) -> Status {
    const float outside = value ? *args.f32(2) : 0;
    cpu::parallel_for(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(width, 1)), threads,
                      [&](int64_t begin, int64_t end) {
                        for (int64_t r = begin; r < end; ++r)
                          plan->row(r, args.f32(0), args.f32_out() + r * width, outside);
                      });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Pad", .tactic = "rows", .supports = supports, .make = make},
};

}  // namespace
}  // namespace pad_kernels

std::span<const cpu::KernelSpec> pad_cpu() { return pad_kernels::kKernels; }

}  // namespace tenon::ops
