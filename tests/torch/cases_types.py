"""Operators on booleans, integers and halves, where PyTorch's rules are not those of f32."""

import torch
import torch.nn.functional as F

from case import bools, case, ints, r

flags, others = bools(3, 4), bools(3, 4, seed=1)
case("bool_outer", lambda a, b: torch.outer(a[0], b[1]), flags, others)
case("bool_addr", lambda m, a, b: torch.addr(m[:, :3], a[:, 0], b[:, 1]), flags, others, bools(3, 4, seed=2))
case("bool_square", lambda a: torch.square(a), flags)
case("bool_clamp_tensors", lambda a, b: (torch.clamp_max(a, b), torch.clamp_min(a, b)), flags, others)
case("bool_fmax", lambda a, b: (torch.fmax(a, b), torch.fmin(a, b)), flags, others)
case("bool_sum_to_size", lambda a: (a[0, 0].sum_to_size(()), a.sum_to_size((1, 4))), flags)
case("bool_index_add", lambda a, b: a.index_add(0, torch.tensor([0, 2, 0]), b), flags, others)
whole = ints(-9, 9, 4, 5)
case("int_hardtanh", lambda a: F.hardtanh(a, -2.7, 3.9), whole)
case("int_power_of_zero", lambda a, b: torch.pow(a, b), ints(-2, 3, 4, 5), ints(-4, 5, 4, 5, seed=1))
case("int_one_hot_scalar", lambda a: F.one_hot(a[0, 0].abs(), 11), whole)
case("int_linspace", lambda a: (a + torch.linspace(-6.9, 30.3, 34, dtype=torch.int64).sum(),
                                torch.linspace(-6.9, 30.3, 34, dtype=torch.int64)), whole)
case("int_linspace_tensors", lambda a: torch.linspace(a[0], a[1], 34, dtype=torch.int64), torch.tensor([-6.0, 30.0]))
case("int_logspace", lambda a: (a, torch.logspace(-3.4, 7.8, 23, base=2.0, dtype=torch.int64)), whole)
for half in (torch.float16, torch.bfloat16):
    name = str(half).partition(".")[2]
    large = (100 * r(40)).to(half)
    case(f"{name}_vector_norm", lambda a: torch.linalg.vector_norm(a, 3.5), large)
    case(f"{name}_dist", lambda a, b: torch.dist(a, b, 3), large, (100 * r(40, seed=3)).to(half))
    case(f"{name}_softmax_backward",
         lambda g, y, n=half: (torch.ops.aten._softmax_backward_data(g, y, 1, n),
                               torch.ops.aten._log_softmax_backward_data(g, y.log(), 1, n)),
         r(5, 40).to(half), torch.softmax(r(5, 40, seed=1), 1).to(half))
