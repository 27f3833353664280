// Three-term recurrences and the values at the ends, as PyTorch computes them (native/Math.h): in
// the tensor's own precision, since where a recurrence overflows is part of the result.
#include "ops/orthogonal_polynomial/orthogonal_polynomial.h"

#include <limits>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// The four kinds of Chebyshev polynomials: the second member of the sequence, the values at the
// ends, and the trigonometric form inside.
enum class ChebyshevKind : uint8_t { t, u, v, w };

template <class C>
C at_one(ChebyshevKind kind, int64_t n) {
  switch (kind) {
    case ChebyshevKind::u:
      return static_cast<C>(n + 1);
    case ChebyshevKind::w:
      return static_cast<C>(n + n + 1);
    default:
      return 1;
  }
}
template <class C>
C at_minus_one(ChebyshevKind kind, int64_t n) {
  const C sign = n % 2 == 0 ? 1 : -1;
  switch (kind) {
    case ChebyshevKind::u:
      return sign * static_cast<C>(n + 1);
    case ChebyshevKind::v:
      return sign * static_cast<C>(n + n + 1);
    default:
      return sign;
  }
}

// For degrees whose recurrence would lose digits; nothing where the form divides by 0.
template <class C>
std::optional<C> by_angle(ChebyshevKind kind, C x, int64_t n) {
  const C angle = std::acos(x), degree = static_cast<C>(n), half = C(0.5);
  switch (kind) {
    case ChebyshevKind::t:
      if (n > 6) return std::cos(degree * angle);
      break;
    case ChebyshevKind::u:
      if (n > 8 && std::sin(angle) != 0) return std::sin((degree + 1) * angle) / std::sin(angle);
      if (n > 8) return (degree + 1) * std::cos((degree + 1) * angle) / x;
      break;
    case ChebyshevKind::v:
      if (n > 8 && std::sin(angle / 2) != 1)
        return std::cos((degree + half) * angle) / std::cos(angle / 2);
      if (n > 8) return at_minus_one<C>(kind, n);
      break;
    case ChebyshevKind::w:
      if (n > 8 && std::cos(angle / 2) != 1)
        return std::sin((degree + half) * angle) / std::sin(angle / 2);
      if (n > 8) return x > 0 ? at_one<C>(kind, n) : at_minus_one<C>(ChebyshevKind::t, n);
      break;
  }
  return std::nullopt;
}

template <class C>
C chebyshev(ChebyshevKind kind, C x, int64_t n) {
  if (x == 1) return at_one<C>(kind, n);
  if (x == -1) return at_minus_one<C>(kind, n);
  if (std::abs(x) < 1) {
    if (const auto value = by_angle(kind, x, n)) return *value;
  }
  if (n == 0) return 1;
  C before = 1, now = x + x;
  if (kind == ChebyshevKind::t) now = x;
  if (kind == ChebyshevKind::v) now = x + x - 1;
  if (kind == ChebyshevKind::w) now = x + x + 1;
  for (int64_t k = 2; k <= n && !std::isnan(now); ++k) {
    const C next = (x + x) * now - before;
    before = now;
    now = next;
  }
  return now;
}

// Beyond this degree PyTorch gives no number: the values are not representable.
template <class C>
constexpr int64_t kMostHermite = sizeof(C) == sizeof(float) ? 128 : 512;

// The steps grow by `scale`: 2 for the physicists' polynomials, 1 for the probabilists'.
template <class C>
C hermite(C x, int64_t n, int64_t scale) {
  const C argument = scale == 2 ? x + x : x;
  if (n == 0) return 1;
  if (n > kMostHermite<C>) return std::numeric_limits<C>::quiet_NaN();
  C before = 1, now = argument;
  for (int64_t k = 1; k < n; ++k) {
    const C next = argument * now - static_cast<C>(scale * k) * before;
    before = now;
    now = next;
  }
  return now;
}

template <class C>
C laguerre(C x, int64_t n) {
  if (x == 0 || n == 0) return 1;
  C before = 1, now = 1 - x;
  for (int64_t k = 1; k < n && !std::isnan(now); ++k) {
    const C next = ((static_cast<C>(k + k) + (1 - x)) * now - static_cast<C>(k) * before) /
                   static_cast<C>(k + 1);
    before = now;
    now = next;
  }
  return now;
}

template <class C>
C legendre(C x, int64_t n) {
  if (std::abs(x) == 1) return x > 0 || n % 2 == 0 ? C(1) : C(-1);
  if (n == 0) return 1;
  C before = 1, now = x;
  for (int64_t k = 1; k < n && !std::isnan(now); ++k) {
    const C next =
        (static_cast<C>(k + k + 1) * x * now - static_cast<C>(k) * before) / static_cast<C>(k + 1);
    before = now;
    now = next;
  }
  return now;
}

std::optional<ChebyshevKind> kind_of(const std::string& family) {
  if (family.find("chebyshev") == std::string::npos) return std::nullopt;
  constexpr std::string_view kKinds = "tuvw";
  const size_t at = kKinds.find(family.back());
  return at == std::string_view::npos ? std::nullopt
                                      : std::optional(static_cast<ChebyshevKind>(at));
}

constexpr int64_t kMostDegree = int64_t{1} << 24;

template <class C>
Status run(RefContext& c, const std::string& family) {
  const auto kind = kind_of(family);
  const bool shifted = family.starts_with("shifted_");
  bool too_high = false;
  TRY(map_broadcast<C>(c, c.input(0).dtype(), [&](C x, C degree) -> C {
    if (!(degree > -1) || std::isinf(degree)) return 0;
    if (degree > static_cast<C>(kMostDegree)) {
      too_high = true;
      return 0;
    }
    const auto n = static_cast<int64_t>(degree);
    if (kind) return chebyshev<C>(*kind, shifted ? x + x - 1 : x, n);
    if (family == "hermite_h") return hermite<C>(x, n, 2);
    if (family == "hermite_he") return hermite<C>(x, n, 1);
    return family == "laguerre_l" ? laguerre<C>(x, n) : legendre<C>(x, n);
  }));
  if (too_high) return c.fail("the degree is above " + std::to_string(kMostDegree));
  return {};
}

Status run_polynomial(RefContext& c) {
  TRY(need_computable(c));
  const std::string family = c.as<OrthogonalPolynomial>().family;
  return c.input(0).dtype() == DType::f64 ? run<double>(c, family) : run<float>(c, family);
}

}  // namespace

std::span<const RefKernel> orthogonal_polynomial_ref() {
  static constexpr RefKernel kernels[] = {{.name = OrthogonalPolynomial::kName,
                                           .run = run_polynomial,
                                           .domain = OrthogonalPolynomial::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
