// ScatterElements into a copy of the data, in the order of the updates.
#include "ops/scatter_elements/scatter_elements.h"

#include <array>
#include <optional>
#include <vector>

#include "ir/op.h"
#include "ops/common/scatter.kernel.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace scatter_elements_kernels {
namespace {

// Where the elements go: indices name places along one axis; along the others an element is at its
// own place.
struct AlongAxis {
  int64_t size = 0, step = 0;         // of the data's axis: its size and stride
  int64_t count = 0;                  // of indices along the axis
  std::vector<int64_t> outer, inner;  // offsets in the data of the places before and after the axis

  // f(element, offset in the data) for each index: on threads that share no line along the axis, in
  // order along each.
  template <class F>
  void for_each(const cpu::Indices& indices, cpu::Bounds& bounds, int threads, F&& f) const {
    if (outer.empty() || inner.empty() || count == 0) return;
    if (size == 0) {
      bounds.place(indices[0], size);
      return;
    }
    const auto width = static_cast<int64_t>(inner.size());
    const bool by_rows = outer.size() > 1;
    const auto lines = by_rows ? static_cast<int64_t>(outer.size()) : width;
    const int64_t grain =
        std::max<int64_t>(1, (1 << 13) / std::max<int64_t>(1, count * (by_rows ? width : 1)));
    cpu::parallel_for(lines, grain, threads, [&](int64_t begin, int64_t end) {
      const int64_t first = by_rows ? begin : 0, last = by_rows ? end : 1;
      const int64_t left = by_rows ? 0 : begin, right = by_rows ? width : end;
      for (int64_t o = first; o < last; ++o) {
        for (int64_t k = 0; k < count; ++k) {
          for (int64_t j = left; j < right; ++j) {
            const int64_t i = (o * count + k) * width + j;
            f(i, outer[static_cast<size_t>(o)] + bounds.place(indices[i], size) * step +
                     inner[static_cast<size_t>(j)]);
          }
        }
      }
    });
  }
};

// nullopt where the indices' sizes do not fit the data's.
std::optional<AlongAxis> along_axis(int64_t given_axis, const Dims& data, const Dims& at) {
  const auto axis = ir::normalize_axis(given_axis, data.size());
  if (!axis || at.size() != data.size()) return std::nullopt;
  for (size_t d = 0; d < data.size(); ++d) {
    if (d != *axis && at[d] > data[d]) return std::nullopt;
  }
  const auto offsets = [&](size_t from, size_t to) {
    std::vector<int64_t> out{0};
    for (size_t d = from; d < to; ++d) {
      const int64_t stride = element_count(std::span(data).subspan(d + 1));
      std::vector<int64_t> next;
      for (const int64_t base : out) {
        for (int64_t i = 0; i < at[d]; ++i) next.push_back(base + i * stride);
      }
      out = std::move(next);
    }
    return out;
  };
  return AlongAxis{.size = data[*axis],
                   .step = element_count(std::span(data).subspan(*axis + 1)),
                   .count = at[*axis],
                   .outer = offsets(0, *axis),
                   .inner = offsets(*axis + 1, data.size())};
}

bool supports(const ir::Node& node) {
  return node.input(0)->type.is_tensor() && cpu::are_indices(node.input(1)) &&
         scatters(node.as<ScatterElements>().reduction, node.input(0)->dtype());
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc &x = context.in(0), &which = context.in(1);
  const auto op = context.node.as<ScatterElements>();
  auto places = along_axis(op.axis, x.dims, which.dims);
  if (!places || context.in(2).dims != which.dims)
    return context.refuse("data, indices and updates that do not fit each other");
  cpu::Prepared prepared;
  prepared.accumulate = 0;
  prepared.run = [places = std::make_shared<AlongAxis>(std::move(*places)), type = x.dtype,
                  reduction = op.reduction, wide = which.dtype == DType::i64,
                  threads = context.threads,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    cpu::Bounds bounds;
    visit_scatter(reduction, type, [&]<class T>(T, const auto& combine) {
      auto* y = reinterpret_cast<T*>(args.out[0]);
      const auto* updates = reinterpret_cast<const T*>(args.in[2]);
      places->for_each({args.in[1], wide}, bounds, threads,
                       [&](int64_t i, int64_t to) { combine(y[to], updates[i]); });
    });
    return bounds.status("ScatterElements", where);
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{
        .op = "ScatterElements", .tactic = "elements", .supports = supports, .make = make},
};

}  // namespace
}  // namespace scatter_elements_kernels

std::span<const cpu::KernelSpec> scatter_elements_cpu() {
  return scatter_elements_kernels::kKernels;
}

}  // namespace tenon::ops
