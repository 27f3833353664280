// How scattered elements meet what is there.
#pragma once

#include <cstring>
#include <string>

#include "ops/common/ref.h"

namespace tenon::ops {

// Calls f(to, from) in the type's arithmetic for each pair of offsets, in order.
template <class Pairs>
Status scatter_into(RefContext& context, const std::string& reduction, const Pairs& pairs) {
  const Tensor &data = context.input(0), &updates = context.input(2);
  if (reduction == "none") {
    const size_t size = TRY(element_size(context, data.dtype()));
    Tensor out = TRY(allocate(context, data.dtype(), data.shape()));
    auto bytes = out.mutable_bytes();
    if (!bytes.empty()) std::memcpy(bytes.data(), data.data(), bytes.size());
    for (const auto& [to, from] : pairs) {
      std::memcpy(bytes.data() + static_cast<size_t>(to) * size,
                  updates.data() + static_cast<size_t>(from) * size, size);
    }
    context.outputs[0] = std::move(out);
    return {};
  }
  TRY(need_computable(context));
  auto apply = [&]<class C>(C) -> Status {
    std::vector<C> v = elements<C>(data);
    const std::vector<C> u = elements<C>(updates);
    for (const auto& [to, from] : pairs) {
      C& a = v[static_cast<size_t>(to)];
      const C b = u[static_cast<size_t>(from)];
      if (reduction == "add")
        a += b;
      else if (reduction == "mul")
        a *= b;
      else if (reduction == "max")
        a = std::max(a, b);
      else if (reduction == "min")
        a = std::min(a, b);
      else
        return context.fail("reduction '" + reduction + "' is not known");
    }
    context.outputs[0] = from_elements<C>(data.dtype(), data.shape(), v);
    return {};
  };
  return is_floating(data.dtype()) ? apply(double{}) : apply(int64_t{});
}

}  // namespace tenon::ops
