"""Complex tensors: arithmetic, views of their parts, transforms."""

import torch

from case import bools, case, ints, pos, r


def z(*shape, seed=0, dtype=torch.complex64):
    """Complex numbers, the same each time."""
    return torch.complex(r(*shape, seed=seed), r(*shape, seed=seed + 1)).to(dtype)


a, b = z(3, 4), z(3, 4, seed=5)

# --- elementwise
for name in ("neg reciprocal exp log sqrt rsqrt square sgn abs angle sin cos tan sinh cosh tanh sigmoid log2 log10 isnan "
             "isinf isfinite isreal conj_physical expm1").split():
    case(f"complex_{name}", getattr(torch, name), a)
for name in "abs exp log sqrt angle".split():
    case(f"complex_{name}_f64", getattr(torch, name), z(3, 4, dtype=torch.complex128))
for name in "add sub mul div eq ne".split():
    case(f"complex_{name}", getattr(torch, name), a, b)
    case(f"complex_{name}_real", getattr(torch, name), a, r(4))
    case(f"complex_{name}_int", getattr(torch, name), a, ints(1, 5, 3, 1))
    case(f"complex_{name}_f64", getattr(torch, name), a, r(4, dtype=torch.float64))
    case(f"complex_{name}_c128", getattr(torch, name), a, z(4, dtype=torch.complex128))
    case(f"complex_{name}_number", lambda x, f=getattr(torch, name): f(x, 2.5), a)
    case(f"complex_{name}_j", lambda x, f=getattr(torch, name): f(x, 1.5 - 2j), a)
    case(f"real_{name}_j", lambda x, f=getattr(torch, name): f(x, 1.5 - 2j), r(3, 4))
    case(f"int_{name}_j", lambda x, f=getattr(torch, name): f(x, 1.5 - 2j), ints(-3, 3, 3, 4))
case("complex_rsub", lambda x: 2 - x, a)
case("complex_add_alpha", lambda x, y: torch.add(x, y, alpha=2 - 1j), a, b)
case("complex_rdiv", lambda x: 1j / x, a)
for exponent in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.7, 2j):
    case(f"complex_pow_{exponent}", lambda x, e=exponent: x**e, a)
case("complex_pow", torch.pow, a, b)
case("complex_pow_base", lambda x: torch.pow(2.0, x), a)
case("complex_of_zero", lambda x: (x.sqrt(), x.sgn(), x.abs(), x.angle()), torch.zeros(3, dtype=torch.complex64))
negative = torch.tensor([-1 + 0j, -4 - 0j, 1j, -1j, 3 + 0j, -2 + 1e-3j, 1e30 + 1e30j, 1e-30 - 1e-30j]).to(torch.complex64)
for name in "sqrt log angle abs".split():
    case(f"complex_{name}_special", getattr(torch, name), negative)
infinite = torch.tensor([complex("inf+1j"), complex("-inf-infj"), complex("nan+1j"), complex("1+infj")], dtype=torch.complex64)
case("complex_special", lambda x: (x.abs(), x.isnan(), x.isinf(), x.isfinite(), x * 2, x.angle()), infinite)
case("complex_isclose", lambda x, y: torch.isclose(x, y), a, a + 1e-7)
case("complex_logical", lambda x: (torch.logical_not(x), x.bool(), x.any(), x.all(1), torch.count_nonzero(x)), torch.tensor([[1j, 0], [0, 0j]]))

# --- parts and views
case("view_as_real", torch.view_as_real, a)
case("view_as_complex", torch.view_as_complex, r(3, 4, 2))
case("view_as_complex_f64", torch.view_as_complex, r(3, 4, 2, dtype=torch.float64))
case("complex_parts", lambda x: (x.real, x.imag), a)
case("complex_conj", lambda x: x.conj() * x, a)
case("complex_mH", lambda x: (x.mH, x.H, torch.adjoint(x)), a)
case("complex_make", torch.complex, r(3, 4), r(3, 4, seed=1))
case("complex_make_broadcast", torch.complex, r(3, 1), r(4))
case("complex_make_f64", torch.complex, r(3, dtype=torch.float64), r(3, dtype=torch.float64, seed=1))
case("complex_polar", torch.polar, pos(3, 4), r(3, 4))
case("complex_views", lambda x: (x.reshape(2, 6), x.t(), x[1:, ::2], x[..., -1], x.unsqueeze(0).expand(2, 3, 4), x.flatten()), a)
case("complex_diagonal", lambda x: (x.diagonal(), x.unfold(1, 2, 1), x.movedim(0, 1)), a)
case("complex_as_strided", lambda x: x.as_strided((2, 3), (1, 4)), a)
case("complex_view_dtype", lambda x: x.view(torch.float32), a)
case("real_view_complex", lambda x: x.view(torch.complex64), r(3, 8))
case("complex_to", lambda x: (x.to(torch.complex128), x.real.to(torch.complex64), x.cfloat(), x.cdouble()), a)
case("int_to_complex", lambda x: (x.to(torch.complex64), x.cdouble()), ints(-3, 3, 4))
case("bool_to_complex", lambda x: x.to(torch.complex64), bools(4))
case("complex_0d", lambda x: x * x + 1j, z())
case("complex_empty", lambda x: x * x + 1j, z(0, 3))


def write_real(x):
    x = x.clone()
    x.real[:, 1] = 7
    torch.view_as_real(x)[0, 0, 1] = 5
    x[2] = 1 - 1j
    x.conj()[1, 0] = 3 + 4j
    x.imag.add_(1)
    return x


def write_through(x):
    y = x.clone()
    w = torch.view_as_complex(y)
    w *= 1j
    w[0] = 2
    w.mul_(0.5)
    return y


def in_place(x, y):
    x = x.clone()
    x.add_(y).mul_(2j)
    x[0].fill_(1 + 2j)
    x[1:, 1].zero_()
    x[2].copy_(y[0].real)
    return x


case("complex_write_parts", write_real, a)
case("complex_write_through", write_through, r(3, 4, 2))
case("complex_in_place", in_place, a, b)
case("complex_out", lambda x, y: torch.mul(x, y, out=torch.empty(0, dtype=torch.complex64)), a, b, export=False)
case("complex_factories", lambda x: (torch.zeros(2, 3, dtype=torch.complex64) + x, torch.full((3,), 2 - 1j) * x, torch.ones_like(x) * x,
                                     torch.tensor([1 + 2j, 3, 4j]) * x, x.new_full((3,), 1j) + x), z(3))


class Parameters(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(z(4, 5))
        self.register_buffer("scale", z(5, dtype=torch.complex128))

    def forward(self, x):
        return x @ self.weight * self.scale


case("complex_parameters", Parameters(), a)


def rotary(q, freqs):
    pairs = torch.view_as_complex(q.float().reshape(*q.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * freqs).flatten(-2).type_as(q)


case("complex_rotary", rotary, r(2, 5, 3, 8), torch.polar(torch.ones(5, 1, 4), r(5, 1, 4)))
case("complex_rotary_half", rotary, r(2, 5, 3, 8, dtype=torch.float16), torch.polar(torch.ones(5, 1, 4), r(5, 1, 4)))

# --- linear operators
case("complex_sum", lambda x: (x.sum(), x.sum(0), x.sum((0, 1), keepdim=True), x.mean(1), x.mean()), a)
case("real_sum_complex", lambda x: x.sum(0, dtype=torch.complex64), r(3, 4))
case("complex_prod", lambda x: (x.prod(), x.prod(0), x.prod(1, keepdim=True)), a)
case("complex_cumsum", lambda x: x.cumsum(1), a)
case("complex_var", lambda x: (x.var(), x.std(1), x.var(0, unbiased=False)), a)
case("complex_norm", lambda x: (x.norm(), torch.linalg.vector_norm(x, 1, dim=1), torch.linalg.norm(x)), a)
case("complex_cat", lambda x, y: (torch.cat([x, y], 1), torch.stack([x, y], -1), torch.hstack([x, y])), a, b)
case("complex_cat_real", lambda x, y: torch.cat([x, y], 1), a, r(3, 2))
case("complex_where", lambda x, y: (torch.where(x.real > 0, x, y), torch.where(x.real > 0, x, 1j), x.masked_fill(x.imag > 0, 2.0)), a, b)
case("complex_index", lambda x, i: (x[i], x[:, i], x.index_select(1, i), x.gather(1, i[:, None])), a, ints(0, 3, 3))
case("complex_index_put", lambda x, i, v: x.index_put((i,), v), a, torch.tensor([2, 0]), z(2, 4))
case("complex_moves", lambda x: (x.flip(0), x.roll(1, 1), x.repeat(2, 1), x.tile(2), x.tril(), x.triu(1), torch.diff(x)), a)
case("complex_pad", lambda x: (torch.nn.functional.pad(x, (1, 2)), torch.nn.functional.pad(x, (1, 2), value=3.0)), a)
case("complex_matmul", torch.matmul, z(2, 3, 4), z(4, 5))
case("complex_matmul_left", torch.matmul, z(3, 4), r(4, 5).to(torch.complex64))
case("complex_mm", lambda x, y: (torch.mm(x, y.mH), torch.mv(x, y[0]), torch.vdot(x[0], y[0]), torch.dot(x[0], y[0]), torch.outer(x[0], y[1])), a, b)
case("complex_bmm", torch.bmm, z(2, 3, 4), z(2, 4, 5))
case("complex_addmm", lambda x, y, w: torch.addmm(x, y, w, beta=0.5, alpha=2), z(3, 5), z(3, 4), z(4, 5))
case("complex_linear", torch.nn.functional.linear, z(2, 4), z(3, 4), z(3))
case("complex_einsum", lambda x, y: torch.einsum("bij,bjk->bik", x, y), z(2, 3, 4), z(2, 4, 5))
case("complex_einsum_real", lambda x, y: torch.einsum("ij,jk->ik", x, y.to(torch.complex64)), a, r(4, 5))
case("complex_einsum_three", lambda x, y, w: torch.einsum("i,j,k->ijk", x, y, w), z(2), z(3), z(4))
case("complex_vecdot", lambda x, y: torch.linalg.vecdot(x, y), a, b)
case("complex_kron", torch.kron, z(2, 3), z(3, 2))
case("complex_branch", lambda x: x * 2j if x.shape[0] > 1 else x, a)
