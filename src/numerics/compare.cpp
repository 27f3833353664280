#include "numerics/compare.h"

#include <algorithm>
#include <cmath>

#include "base/elements.h"

namespace tenon::numerics {
namespace {

std::string text(const Dims& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) out += fmt::format("{}{}", i ? ", " : "", dims[i]);
  return out + "]";
}

Dims position(size_t index, const Dims& shape) {
  Dims out(shape.size());
  if (element_count(shape) <= 0) return out;
  for (size_t axis = shape.size(); axis-- > 0;) {
    out[axis] = static_cast<int64_t>(index) % shape[axis];
    index /= static_cast<size_t>(shape[axis]);
  }
  return out;
}

Difference differs(std::string reason) {
  Difference out;
  out.verdict = Verdict::diverges;
  out.reason = std::move(reason);
  return out;
}

struct Scan {
  double magnitude = 0, error = 0;
  size_t worst = 0;
  std::optional<size_t> not_finite;  // where one is not finite, and the other is not the same
};

template <class T, class F>
Scan scan(const Tensor& a, const Tensor& b, F&& convert) {
  Scan out;
  const auto x = a.values<T>();
  const auto y = b.values<T>();
  for (size_t i = 0; i < y.size(); ++i) {
    const double u = convert(x[i]), v = convert(y[i]);
    if (std::isfinite(u) && std::isfinite(v)) {
      out.magnitude = std::max(out.magnitude, std::abs(v));
      const double error = std::abs(u - v);
      if (error > out.error) {
        out.error = error;
        out.worst = i;
      }
    } else if (!(u == v || (std::isnan(u) && std::isnan(v))) && !out.not_finite) {
      out.not_finite = i;
    }
  }
  return out;
}

bool is_exact(DType dtype) { return is_integral(dtype) || dtype == DType::boolean; }

Difference judge(const Scan& found, const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  Difference out;
  out.magnitude = found.magnitude;
  out.error = found.error;
  out.limit = tolerance.atol + (is_exact(b.dtype()) ? 0 : tolerance.rtol * found.magnitude);
  out.at = position(found.worst, b.shape());
  if (found.not_finite) {
    out.verdict = Verdict::diverges;
    out.error = INFINITY;
    out.at = position(*found.not_finite, b.shape());
    out.reason =
        fmt::format("one is not finite at {} where the other is, or is otherwise", text(out.at));
    return out;
  }
  if (found.error > out.limit) {
    out.verdict = Verdict::diverges;
    out.reason = fmt::format("off by {:.3g} at {}", found.error, text(out.at));
    return out;
  }
  out.reason = proves_nothing(b);
  if (!out.reason.empty()) out.verdict = Verdict::inconclusive;
  return out;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "ok";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::diverges:
      return "diverges";
  }
  return "";
}

Difference compare(const Tensor& a, const Tensor& reference, const Tolerance& tolerance) {
  if (a.dtype() != reference.dtype()) {
    return differs(
        fmt::format("its elements are {} instead of {}", name(a.dtype()), name(reference.dtype())));
  }
  if (a.shape() != reference.shape()) {
    return differs(
        fmt::format("its shape is {} instead of {}", text(a.shape()), text(reference.shape())));
  }
  Scan found;
  const bool numeric = with_elements(
      a.dtype(), [&]<class T>(T, auto convert) { found = scan<T>(a, reference, convert); });
  if (numeric) return judge(found, a, reference, tolerance);
  if (std::ranges::equal(a.bytes(), reference.bytes())) return {};
  return differs("it is not equal bit by bit, as this element type has to be");
}

std::string proves_nothing(const Tensor& reference) {
  const size_t count = static_cast<size_t>(std::max<int64_t>(reference.count(), 0));
  if (count == 0) return "the output is empty";
  bool constant = true, saturated = true, finite = false;
  const bool numeric = with_elements(reference.dtype(), [&]<class T>(T, auto convert) {
    const auto values = reference.values<T>();
    for (const T v : values) {
      const double x = convert(v);
      constant = constant && v == values[0];
      saturated = saturated && (!std::isfinite(x) || std::abs(x) == 1 || x == 0);
      finite = finite || std::isfinite(x);
    }
  });
  if (!numeric) return {};
  if (!finite) return "the output holds no finite value";
  if (count > 1 && constant) return "the output is the same everywhere";
  if (count > 1 && saturated && is_floating(reference.dtype()))
    return "the output is saturated: nothing but 0, 1 and -1";
  return {};
}

}  // namespace tenon::numerics
