#include "ops/cumulate/cumulate.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class C>
bool is_nan(C v) {
  if constexpr (std::is_floating_point_v<C>)
    return std::isnan(v);
  else
    return false;
}

// What an element makes of all before it; whether it is the one that Y holds from here on.
template <class C>
bool takes_over(const std::string& function, C before, C now) {
  if (is_nan(now)) return true;
  if (is_nan(before)) return false;
  return function == "max" ? now >= before : now <= before;
}

double log_of_sum(double a, double b) {
  if (a == b && std::isinf(a)) return a;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}

template <class C>
void cumulate(RefContext& c, const Cumulate& op, size_t axis) {
  const Dims& dims = c.input(0).shape();
  std::vector<C> v = elements<C>(c.input(0));
  std::vector<int64_t> places(v.size(), 0);
  const int64_t n = dims[axis], inner = extent(dims, axis + 1, dims.size());
  const int64_t rows = n == 0 ? 0 : static_cast<int64_t>(v.size()) / n;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t first = row / inner * n * inner + row % inner;
    for (int64_t i = 1; i < n; ++i) {
      const auto at = static_cast<size_t>(first + i * inner),
                 last = at - static_cast<size_t>(inner);
      if (op.function == "product") {
        v[at] *= v[last];
      } else if (op.function == "logsumexp") {
        v[at] =
            static_cast<C>(log_of_sum(static_cast<double>(v[last]), static_cast<double>(v[at])));
      } else if (takes_over(op.function, v[last], v[at])) {
        places[at] = i;
      } else {
        v[at] = v[last];
        places[at] = places[last];
      }
    }
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), dims, v);
  if (c.outputs.size() > 1) c.outputs[1] = from_elements<int64_t>(DType::i64, dims, places);
}

Status run_cumulate(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Cumulate>();
  const size_t axis = TRY(axis_at(c, op.axis, c.input(0).shape().size()));
  const DType type = c.input(0).dtype();
  if (is_floating(type))
    cumulate<double>(c, op, axis);
  else if (type == DType::u64 || op.function == "product")  // products of integers wrap
    cumulate<uint64_t>(c, op, axis);
  else
    cumulate<int64_t>(c, op, axis);
  return {};
}

}  // namespace

std::span<const RefKernel> cumulate_ref() {
  static constexpr RefKernel kernels[] = {
      {.name = Cumulate::kName, .run = run_cumulate, .domain = Cumulate::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
