"""Special functions, polynomials, cumulations: other dtypes, edges, and forms that the operator database leaves out."""

import torch

from case import case, ints, pos, r, unit

edges = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 9.0, 30.0, float("inf"), float("-inf"), float("nan")])
f64 = torch.float64

UNARY = ("digamma", "lgamma", "erfinv", "i0")
SPECIAL = (
    "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 entr erfcx i0e i1 i1e log_ndtr modified_bessel_i0 modified_bessel_i1 "
    "modified_bessel_k0 modified_bessel_k1 ndtr ndtri scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0"
).split()
for name in UNARY:
    f = getattr(torch, name)
    case(f"special_{name}_f64", f, r(3, 4, dtype=f64))
    case(f"special_{name}_f16", f, unit(3, 4).half())
    case(f"special_{name}_ints", f, ints(1, 6, 3, 4))
    case(f"special_{name}_in_place", lambda x, n=name: getattr(x.clone(), n + "_")(), unit(5))
for name in SPECIAL:
    f = getattr(torch.special, name)
    case(f"special_{name}_f64", f, r(3, 4, dtype=f64))
    case(f"special_{name}_ints", f, ints(-2, 4, 3, 4))
# PyTorch computes Bessel functions of what is infinite as 0 or as no number, depending on how: only the others' edges.
for name in ("entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "spherical_bessel_j0"):
    case(f"special_{name}_edges", getattr(torch.special, name), edges)
case("special_digamma_edges", torch.digamma, edges)
case("special_lgamma_edges", torch.lgamma, edges)
case("special_erfinv_edges", torch.erfinv, edges)
for n in range(5):
    case(f"special_polygamma_{n}", lambda x, n=n: torch.polygamma(n, x), pos(3, 4))
case("special_polygamma_f64", lambda x: torch.polygamma(2, x), r(3, 4, dtype=f64))
case("special_mvlgamma_f64", lambda x: torch.mvlgamma(x, 3), pos(3).double() + 2)
case("special_mvlgamma_ints", lambda x: torch.mvlgamma(x, 2), ints(2, 9, 4))
case("special_zeta_scalar", lambda x: torch.special.zeta(2, x), pos(3, 4))
case("special_zeta_broadcast", torch.special.zeta, pos(3, 1) + 1, pos(4))
case("special_igamma_broadcast", torch.igamma, pos(3, 1).double(), pos(4).double())
case("special_igammac_wide", torch.igammac, pos(20) * 40, pos(20, seed=1) * 40)
case("special_igamma_edges", torch.igamma, torch.tensor([0.0, 0.0, 1, 1, -1, float("inf"), 2]), torch.tensor([0.0, 1, 0, float("inf"), 1, 1, -1]))

POLYNOMIALS = (
    "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w shifted_chebyshev_polynomial_t "
    "shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w hermite_polynomial_h "
    "hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p"
).split()
for name in POLYNOMIALS:
    f = getattr(torch.special, name)
    for n in (0, 1, 2, 5, 6, 12):
        case(f"{name}_{n}", lambda x, f=f, n=n: f(x, n), r(3, 4))
    case(f"{name}_computed", f, r(3, 1, dtype=f64), ints(-1, 12, 5))
    case(f"{name}_negative", lambda x, f=f: f(x, -2), r(3))
    case(f"{name}_x_scalar", lambda n, f=f: f(0.3, n), ints(0, 12, 5).float())

for name in ("cummax", "cummin"):
    f = getattr(torch, name)
    case(f"{name}_ints", lambda x, f=f: f(x, 1), ints(-3, 4, 3, 7))
    case(f"{name}_bool", lambda x, f=f: f(x, 0), r(4, 3) > 0)
    case(f"{name}_f64_last", lambda x, f=f: f(x, -1), r(2, 3, 9, dtype=f64))
    case(f"{name}_nan", lambda x, f=f: f(x, 0), torch.tensor([1.0, float("nan"), 3, float("nan"), 9, float("inf")]))
    case(f"{name}_scalar", lambda x, f=f: f(x, 0), r())
    case(f"{name}_values", lambda x, f=f: f(x, 0).values, r(5, 2))
case("cumprod_ints", lambda x: torch.cumprod(x, 1), ints(-3, 4, 3, 7))
case("cumprod_bool_dtype", lambda x: torch.cumprod(x, 0, dtype=torch.float64), ints(0, 3, 5, dtype=torch.int32))
case("cumprod_in_place", lambda x: x.clone().cumprod_(0), r(5, 2))
case("cumprod_long", lambda x: torch.cumprod(x, 0), 1 + unit(1500) * 0.01)
case("logcumsumexp_infinite", lambda x: torch.logcumsumexp(x, 0), torch.tensor([float("-inf"), float("-inf"), 1, 200, float("inf")]))
case("logcumsumexp_f64", lambda x: torch.logcumsumexp(x, -1), r(3, 6, dtype=f64) * 30)
