"""Linear algebra, and what is near it: integrals, differences, distances, choices."""

import math

import torch
import torch.nn.functional as F

from case import case, ints, pos, r

L = torch.linalg
f64 = torch.float64


def spd(*shape, dtype=torch.float32, seed=0):
    """Symmetric positive-definite matrices."""
    a = r(*shape, dtype=dtype, seed=seed)
    return a @ a.mT + 0.5 * torch.eye(shape[-1], dtype=dtype)


def regular(*shape, dtype=torch.float32, seed=0):
    """Matrices far from singular."""
    return r(*shape, dtype=dtype, seed=seed) + 3 * torch.eye(shape[-2], shape[-1], dtype=dtype)


def apart(*shape, dtype=torch.float32, seed=0):
    """Matrices [.., m, n] with singular values 1, 2, 3..., which have no signs or orders that are left open."""
    u, v = L.qr(r(*shape[:-2], shape[-2], min(shape[-2:]), dtype=dtype, seed=seed))[0], None
    v = L.qr(r(*shape[:-2], shape[-1], min(shape[-2:]), dtype=dtype, seed=seed + 1))[0]
    return u @ torch.diag_embed(torch.arange(1, min(shape[-2:]) + 1).to(dtype)) @ v.mT


# --- systems, inverses, determinants: written out (up to 4), in a Loop (above), batches, doubles
for n in (1, 2, 3, 4, 5, 9):
    case(f"inv_{n}", L.inv, regular(n, n))
    case(f"det_{n}", L.det, r(n, n))
    case(f"solve_{n}", L.solve, regular(n, n), r(n, 2))
    case(f"cholesky_{n}", L.cholesky, spd(n, n))
    case(f"qr_{n}", L.qr, regular(n, n))
case("inv_batch", L.inv, regular(2, 3, 4, 4))
case("inv_batch_loop", torch.inverse, regular(2, 6, 6))
case("inv_double", L.inv, regular(2, 5, 5, dtype=f64))
case("inv_needs_pivots", L.inv, torch.tensor([[0.0, 1, 0], [0, 0, 2], [3, 0, 0]]))
case("inv_needs_pivots_loop", L.inv, torch.eye(6).roll(1, 0) * torch.arange(1.0, 7))
case("inv_ex", L.inv_ex, torch.stack([regular(3, 3), torch.eye(3)]))
case("inv_twice", lambda x: x.inverse() @ x, regular(4, 4))
case("solve_vector", L.solve, regular(3, 3), r(3))
case("solve_vectors", L.solve, regular(2, 3, 3), r(2, 3))
case("solve_broadcast", L.solve, regular(2, 1, 3, 3), r(4, 3, 2))
case("solve_right", lambda a, b: L.solve(a, b, left=False), regular(5, 5), r(2, 5))
case("solve_double", L.solve, regular(6, 6, dtype=f64), r(6, 2, dtype=f64))
case("solve_ex", L.solve_ex, regular(3, 3), r(3, 3))
case("det_batch", torch.det, r(2, 3, 4, 4))
case("det_double", torch.det, r(3, 3, dtype=f64))
case("slogdet", L.slogdet, r(2, 3, 3))
case("slogdet_loop", torch.slogdet, r(6, 6, dtype=f64))
case("slogdet_singular", L.slogdet, torch.zeros(2, 2))
case("logdet", torch.logdet, torch.stack([spd(3, 3), -torch.eye(3)]))
case("tensorinv", lambda x: L.tensorinv(x, ind=1), r(6, 2, 3))
case("tensorsolve", lambda a, b: L.tensorsolve(a, b, dims=(0, 2)), r(2, 3, 6, 4), r(3, 4))

# --- triangles
for upper in (False, True):
    name = "upper" if upper else "lower"
    a = regular(2, 5, 5)
    case(f"solve_triangular_{name}", lambda a, b, u=upper: L.solve_triangular(a, b, upper=u), a, r(5, 3))
    case(f"solve_triangular_{name}_right", lambda a, b, u=upper: L.solve_triangular(a, b, upper=u, left=False), a, r(3, 5))
    case(f"solve_triangular_{name}_unit", lambda a, b, u=upper: L.solve_triangular(a, b, upper=u, unitriangular=True),
         a / 5, r(2, 5, 3))
    case(f"triangular_solve_{name}", lambda b, a, u=upper: torch.triangular_solve(b, a, upper=u, transpose=True), r(5, 3), a)
    case(f"cholesky_{name}", lambda a, u=upper: L.cholesky(a, upper=u), spd(2, 3, 3))
    case(f"cholesky_ex_{name}", lambda a, u=upper: L.cholesky_ex(a, upper=u), spd(2, 6, 6, dtype=f64))
    case(f"cholesky_solve_{name}", lambda b, a, u=upper: torch.cholesky_solve(b, a, upper=u), r(5, 3), a)
    case(f"cholesky_inverse_{name}", lambda a, u=upper: torch.cholesky_inverse(a, upper=u), a)
case("cholesky_reads_lower", L.cholesky, torch.tril(spd(5, 5)) + torch.triu(r(5, 5), 1))
case("cholesky_out", lambda a: L.cholesky(a, out=torch.empty(3, 3)), spd(3, 3), export=False)

# --- factors
for shape in ((3, 3), (5, 3), (3, 5), (2, 6, 7), (2, 8, 5)):
    name = "x".join(map(str, shape))
    case(f"lu_{name}", L.lu, r(*shape))
    case(f"lu_factor_{name}", L.lu_factor, r(*shape, dtype=f64))
    case(f"qr_{name}", L.qr, r(*shape))
    case(f"qr_complete_{name}", lambda x: L.qr(x, mode="complete"), r(*shape))
    case(f"qr_r_{name}", lambda x: L.qr(x, mode="r")[1], r(*shape, dtype=f64))
    case(f"geqrf_{name}", torch.geqrf, r(*shape), export=False)
case("lu_factor_ex", L.lu_factor_ex, torch.stack([r(4, 4), torch.zeros(4, 4)]))
case("lu_unpack", lambda x: torch.lu_unpack(*L.lu_factor(x)), r(2, 5, 5))
case("lu_unpack_pivots", lambda x: torch.lu_unpack(*L.lu_factor(x), unpack_data=False)[0], r(5, 3))
for left in (False, True):
    for adjoint in (False, True):
        case(f"lu_solve_{left}_{adjoint}",
             lambda a, b, l=left, t=adjoint: L.lu_solve(*L.lu_factor(a), b, left=l, adjoint=t), regular(2, 5, 5), r(5, 5))
case("lu_solve_older", lambda a, b: torch.lu_solve(b, *L.lu_factor(a)), regular(3, 3), r(3, 2))
case("qr_zero_column", L.qr, torch.tensor([[1.0, 0, 2], [0, 0, 3], [0, 0, 0]]))
case("householder_product", lambda a, t: L.householder_product(a, t), *torch.geqrf(r(5, 3)))
for left in (False, True):
    for transpose in (False, True):
        a, tau = torch.geqrf(r(5, 3))
        case(f"ormqr_{left}_{transpose}", lambda a, t, c, l=left, p=transpose: torch.ormqr(a, t, c, l, p), a, tau, r(5, 5))
case("ldl", L.ldl_factor, r(6, 6) + r(6, 6).mT)
case("ldl_double", L.ldl_factor_ex, r(3, 5, 5, dtype=f64) + r(3, 5, 5, dtype=f64).mT)
case("ldl_solve", lambda a, b: L.ldl_solve(*L.ldl_factor(a), b), r(2, 6, 6) + r(2, 6, 6).mT, r(2, 6, 3))

# --- singular values and eigenvalues: only what has no open signs
for shape in ((1, 1), (3, 3), (5, 3), (3, 5), (2, 7, 6)):
    name = "x".join(map(str, shape))
    a = apart(*shape)
    case(f"svdvals_{name}", L.svdvals, a)
    case(f"svd_{name}", lambda a: (lambda u, s, v: (u @ torch.diag_embed(s) @ v, s, u.mT @ u, v @ v.mT))(
        *L.svd(a, full_matrices=False)), a)
    case(f"svd_full_{name}", lambda a: (lambda u, s, v: (u @ u.mT, s, v @ v.mT))(*L.svd(a)), a)
    case(f"svd_older_{name}", lambda a: (lambda u, s, v: u @ torch.diag_embed(s) @ v.mT)(*torch.svd(a)), a.to(f64))
    case(f"pinv_{name}", L.pinv, a)
    case(f"nuclear_{name}", lambda a: L.matrix_norm(a, "nuc"), a)
case("svd_no_vectors", lambda a: torch.svd(a, compute_uv=False), apart(4, 3))
case("svd_low_rank", lambda a: (lambda u, s, v: (u @ torch.diag_embed(s) @ v, u.mT @ u))(*L.svd(a, full_matrices=False)),
     apart(6, 2) @ apart(2, 5))
case("svd_zeros", lambda a: (lambda u, s, v: (u @ u.mT, s, v @ v.mT))(*L.svd(a)), torch.zeros(4, 3))
case("svd_large", L.svdvals, r(40, 30) * 1e6)
case("svd_small", L.svdvals, r(5, 5) * 1e-12)
case("pinv_low_rank", L.pinv, apart(5, 2, dtype=f64) @ apart(2, 4, dtype=f64))
case("pinv_rtol", lambda a: L.pinv(a, rtol=0.5), apart(5, 4))
case("pinv_atol_tensor", lambda a, t: L.pinv(a, atol=t), apart(2, 5, 4), torch.tensor([1.5, 2.5]))
case("pinv_hermitian", lambda a: L.pinv(a, hermitian=True), spd(5, 5) - 2 * torch.eye(5))
case("pinv_rcond", lambda a: L.pinv(a, 0.5), apart(3, 4))
case("pinverse", torch.pinverse, apart(4, 3))
case("rank", L.matrix_rank, apart(2, 5, 3) @ torch.stack([torch.eye(3), torch.diag(torch.tensor([1.0, 0, 0]))]))
case("rank_tol", lambda a: L.matrix_rank(a, tol=1.5), apart(5, 4))
case("rank_atol", lambda a: L.matrix_rank(a, atol=0.1, rtol=0.6), apart(5, 4))
case("rank_tol_tensor", lambda a, t: L.matrix_rank(a, t), apart(2, 5, 4), torch.tensor([1.5, 3.5]))
case("rank_hermitian", lambda a: L.matrix_rank(a, hermitian=True), spd(4, 4))
case("rank_empty", L.matrix_rank, torch.zeros(3, 0, 2))
case("polar", L.polar, apart(2, 5, 3))
case("matrix_sqrth", L.matrix_sqrth, spd(2, 5, 5))
case("matrix_sqrth_negative", L.matrix_sqrth, torch.diag(torch.tensor([-1.0, 4, 9])))
for n in (1, 2, 5, 8):
    case(f"eigvalsh_{n}", L.eigvalsh, r(2, n, n))
    case(f"eigh_{n}", lambda a: (lambda w, v: (w, v @ torch.diag_embed(w) @ v.mT, v.mT @ v))(*L.eigh(a)), r(n, n))
case("eigvalsh_upper", lambda a: L.eigvalsh(a, UPLO="U"), r(5, 5, dtype=f64))
case("eigh_diagonal", lambda a: L.eigh(a)[0], torch.diag(torch.tensor([3.0, 1, 2, 1])))
case("eigh_equal", lambda a: L.eigh(a)[0], torch.ones(6, 6))
case("eigh_large", L.eigvalsh, r(30, 30) * 1e8)

for n in (1, 2, 5):
    case(f"eig_{n}", lambda a: (lambda w, v: ((a.to(v.dtype) @ v - v * w.unsqueeze(-2)).abs() < 1e-4, w.sum(-1), v.abs().square().sum(-2)))(*L.eig(a)), r(2, n, n) * 3)
case("eigvals", lambda a: torch.sort(L.eigvals(a).abs())[0], r(4, 4))

# --- least squares, by driver
for driver in ("gels", "gelsy", "gelsd", "gelss"):
    case(f"lstsq_{driver}", lambda a, b, d=driver: L.lstsq(a, b, driver=d), r(6, 3), r(6, 2), export=False)
    case(f"lstsq_{driver}_wide", lambda a, b, d=driver: L.lstsq(a, b, driver=d)[0], r(2, 3, 5), r(2, 3, 2), export=False)
case("lstsq_vector", lambda a, b: L.lstsq(a, b)[0], r(6, 3), r(6), export=False)
case("lstsq_low_rank", lambda a, b: L.lstsq(a, b), apart(6, 2, dtype=f64) @ apart(2, 3, dtype=f64), r(6, 2, dtype=f64), export=False)

# --- norms
for order in ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2):
    case(f"matrix_norm_{order}", lambda x, o=order: L.matrix_norm(x, o), r(2, 4, 3))
    case(f"matrix_norm_{order}_keep", lambda x, o=order: L.matrix_norm(x, o, dim=(2, 0), keepdim=True), r(4, 2, 3, dtype=f64))
    case(f"linalg_norm_{order}", lambda x, o=order: L.norm(x, o), r(3, 3))
    case(f"cond_{order}", lambda x, o=order: L.cond(x, o), regular(2, 4, 4))
case("linalg_norm_none", L.norm, r(2, 3, 4))
case("linalg_norm_vector", lambda x: L.norm(x, 3), r(5))
case("linalg_norm_dim", lambda x: L.norm(x, 1, dim=1), r(2, 3, 4))
case("linalg_norm_dims", lambda x: L.norm(x, dim=(0, 2), keepdim=True), r(2, 3, 4))
case("linalg_norm_half", lambda x: L.norm(x, 1), r(3, 3, dtype=torch.float16))
case("linalg_norm_dtype", lambda x: L.norm(x, "nuc", dtype=torch.float64), r(3, 3))
case("cond_none", L.cond, apart(4, 3))
case("cond_singular", lambda x: L.cond(x, 1), torch.ones(3, 3))

# --- functions of a matrix
case("matrix_exp", torch.matrix_exp, r(3, 3))
case("matrix_exp_batch", torch.matrix_exp, r(2, 5, 5) * torch.tensor([0.01, 4.0]).reshape(2, 1, 1))
case("matrix_exp_double", torch.matrix_exp, r(4, 4, dtype=f64) * 3)
case("matrix_exp_zero", torch.matrix_exp, torch.zeros(3, 3))
for n in (0, 1, 2, 5, 6, -1, -3):
    case(f"matrix_power_{n}", lambda x, n=n: L.matrix_power(x, n), regular(2, 3, 3))
case("matrix_power_int", lambda x: L.matrix_power(x, 3), ints(-3, 4, 3, 3))

# --- near linear algebra
case("bilinear", lambda a, b, w, c: F.bilinear(a, b, w, c), r(2, 5, 3), r(2, 5, 4), r(6, 3, 4), r(6))
case("bilinear_vectors", lambda a, b, w: F.bilinear(a, b, w), r(3), r(4), r(6, 3, 4))
case("block_diag", torch.block_diag, r(2, 3), r(1), r(), r(3, 1))
case("block_diag_types", torch.block_diag, ints(0, 5, 2, 3), r(1), torch.zeros(0), torch.zeros(2, 0))
case("cartesian_prod", torch.cartesian_prod, ints(0, 9, 2), ints(0, 9, 3), ints(0, 9, 1))
case("cartesian_prod_one", torch.cartesian_prod, r(4))
case("combinations", torch.combinations, r(5))
case("combinations_3", lambda x: torch.combinations(x, 3, with_replacement=True), ints(0, 9, 4))
case("combinations_too_few", lambda x: torch.combinations(x, 4), r(3), export=False)
case("cross_default", torch.cross, r(3, 2, 3), r(3, 2, 3, seed=1))
for p in (0, 1, 2, 3.5, math.inf):
    case(f"pdist_{p}", lambda x, p=p: torch.pdist(x, p), r(5, 3))
    case(f"dist_{p}", lambda a, b, p=p: torch.dist(a, b, p), r(2, 3), r(3))
    if p:
        case(f"renorm_{p}", lambda x, p=p: torch.renorm(x, p, 1, 1.5), r(2, 3, 4))
case("dist_minus_inf", lambda a, b: torch.dist(a, b, -math.inf), r(2, 3), r(3))
case("dist_int", torch.dist, r(2, 3), ints(0, 5, 2, 3))
case("pdist_one", torch.pdist, r(1, 3))
case("renorm_half", lambda x: torch.renorm(x, 2, 0, 1), r(2, 3, dtype=torch.float16))
case("renorm_in_place", lambda x: x.clone().renorm_(2, -1, 0.5), r(2, 3))
for name, f in (("trapezoid", torch.trapezoid), ("cumulative_trapezoid", torch.cumulative_trapezoid), ("trapz", torch.trapz)):
    case(f"{name}_x", lambda y, x, f=f: f(y, x), r(3, 5), r(5))
    case(f"{name}_x_full", lambda y, x, f=f: f(y, x, dim=0), r(3, 5), r(3, 5, seed=1))
    case(f"{name}_x_int", lambda y, x, f=f: f(y, x), ints(-9, 9, 3, 5), ints(0, 9, 5))
    case(f"{name}_dx", lambda y, f=f: f(y, dx=0.5, dim=0), r(3, 5))
    case(f"{name}_int", lambda y, f=f: f(y), ints(-9, 9, 3, 5, dtype=torch.int32))
    case(f"{name}_empty", lambda y, f=f: f(y), r(3, 0))
case("trapezoid_x_lower", lambda y, x: torch.trapezoid(y, x, dim=1), r(2, 4, 3), r(4, 3))
for order in (1, 2):
    case(f"gradient_{order}", lambda x, o=order: torch.gradient(x, edge_order=o), r(4, 5))
    case(f"gradient_{order}_spacing", lambda x, o=order: torch.gradient(x, spacing=0.5, dim=1, edge_order=o), r(4, 5))
    case(f"gradient_{order}_coordinates", lambda x, a, b, o=order: torch.gradient(x, spacing=(a, b), edge_order=o),
         r(4, 5), pos(4).cumsum(0), pos(5).cumsum(0))
    case(f"gradient_{order}_int", lambda x, o=order: torch.gradient(x, dim=-1, edge_order=o), ints(-9, 9, 2, 5))
