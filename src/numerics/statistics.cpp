#include "numerics/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/elements.h"

namespace tenon::numerics {

Statistics statistics(const Tensor& tensor) {
  Statistics out;
  size_t count = 0;
  double sum = 0;
  with_elements(tensor.dtype(), [&]<class T>(T, auto convert) {
    for (const T element : tensor.values<T>()) {
      const double x = convert(element);
      if (!std::isfinite(x)) {
        ++out.not_finite;
        continue;
      }
      out.min = count == 0 ? x : std::min(out.min, x);
      out.max = count == 0 ? x : std::max(out.max, x);
      sum += x;
      ++count;
    }
  });
  if (count > 0) out.mean = sum / static_cast<double>(count);
  return out;
}

}  // namespace tenon::numerics
