"""Random tensors. Their numbers are not PyTorch's, so that a case gives what holds of the distribution: moments within
many standard errors, bounds, types, shapes."""

import torch

from case import case, r

aten = torch.ops.aten
N = 40000


def near(x, mean, deviation):
    """Whether the mean and the standard deviation are these, within 8 standard errors."""
    x = x.double()
    return torch.stack([(x.mean() - mean).abs() < 8 * deviation / N**0.5, (x.std() - deviation).abs() < 0.05 * deviation])


# What depends on a tensor's size alone does not change with it: x makes sizes dynamic where the exporter lets it.
x = torch.zeros(200, N // 200)
case("random_rand", lambda x: (near(torch.rand(N), 0.5, 12**-0.5), (torch.rand(N) < 1).all()), x)
case("random_rand_like", lambda x: near(torch.rand_like(x), 0.5, 12**-0.5), x)
case("random_rand_double", lambda x: near(torch.rand(N, dtype=torch.float64), 0.5, 12**-0.5), x)
case("random_rand_half", lambda x: (near(torch.rand(N, dtype=torch.half), 0.5, 12**-0.5),
                                    (torch.rand(N, dtype=torch.half) < 1).all()), x)
case("random_rand_bfloat16", lambda x: (torch.rand_like(x, dtype=torch.bfloat16) < 1).all(), x)
case("random_uniform", lambda x: near(torch.empty_like(x).uniform_(-2, 4), 1, 6 / 12**0.5), x)
case("random_uniform_in_place", lambda x: near(x.clone().fill_(7).uniform_(), 0.5, 12**-0.5), x)
case("random_randn", lambda x: near(torch.randn(4, N // 4), 0, 1), x)
case("random_randn_like", lambda x: near(torch.randn_like(x), 0, 1), x)
case("random_randn_half", lambda x: near(torch.randn(N, dtype=torch.half), 0, 1), x)
case("random_normal", lambda x: near(torch.normal(3.0, 2.0, (N,)), 3, 2), x)
case("random_normal_in_place", lambda x: near(torch.empty(N).normal_(-3, 0.5), -3, 0.5), x)
case("random_normal_tensors", lambda x, m, s: near(torch.normal(m, s), 1.5, 2), x,
     torch.full((1, 200), 1.5), torch.full((200, 1), 2.0))
case("random_normal_mean", lambda x: near(torch.normal(x, 2.0), 0, 2), x)
case("random_normal_deviation", lambda x: near(torch.normal(4.0, x + 2), 4, 2), x)
case("random_log_normal", lambda x: near(torch.empty_like(x).log_normal_(1, 0.5).log(), 1, 0.5), x)
case("random_exponential", lambda x: (near(torch.empty_like(x).exponential_(4), 0.25, 0.25),
                                      (torch.empty_like(x).exponential_() > 0).all()), x)
case("random_cauchy", lambda x: near((torch.empty_like(x).cauchy_(1, 2) > 3).float(), 0.25, 0.1875**0.5), x)
case("random_geometric", lambda x: (near(torch.empty_like(x).geometric_(0.4), 2.5, 0.6**0.5 / 0.4),
                                    torch.empty_like(x).geometric_(0.9).min()), x)
case("random_geometric_ints", lambda x: near(torch.empty(N, dtype=torch.int32).geometric_(0.4), 2.5, 0.6**0.5 / 0.4), x)
case("random_randint", lambda x: (near(torch.randint(10, (N,)), 4.5, 8.25**0.5), torch.randint(10, (N,)).max(),
                                  torch.randint(10, (N,)).min()), x)
case("random_randint_low", lambda x: (near(torch.randint(-5, 5, (N,), dtype=torch.int32), -0.5, 8.25**0.5),
                                      torch.randint(-3, -2, (4,))), x)
case("random_randint_like", lambda x: near(torch.randint_like(x, 2, 12), 6.5, 8.25**0.5), x)
case("random_random_to", lambda x: near(torch.empty(N, dtype=torch.int64).random_(10), 4.5, 8.25**0.5), x)
case("random_random_from", lambda x: near(torch.empty(N).random_(2, 12), 6.5, 8.25**0.5), x, export=False)
case("random_random", lambda x: (near(torch.empty(N, dtype=torch.uint8).random_(), 127.5, (65535 / 12) ** 0.5),
                                 near(torch.empty(N, dtype=torch.bool).random_(), 0.5, 0.5)), x)
case("random_randperm", lambda x: (torch.randperm(37).sort()[0], torch.randperm(5, dtype=torch.int32).sum()), x)
case("random_bernoulli", lambda x: near(torch.bernoulli(x + 0.3), 0.3, 0.21**0.5), x)
case("random_bernoulli_p", lambda x: near(aten.bernoulli.p(x, 0.3), 0.3, 0.21**0.5), x)
case("random_bernoulli_in_place", lambda x: near(torch.empty_like(x, dtype=torch.bool).bernoulli_(0.3), 0.3, 0.21**0.5), x)
case("random_bernoulli_tensor", lambda x: near(torch.empty_like(x, dtype=torch.int64).bernoulli_(x[0] + 0.3), 0.3, 0.21**0.5), x)
case("random_bernoulli_certain", lambda x: torch.bernoulli((x[:5] > 0).double()), r(7, 3))
weights = torch.tensor([[1.0, 0, 3, 0, 4], [0, 2, 2, 0, 0]])
case("random_multinomial_one", lambda x, w: (torch.multinomial(w[:1].expand(N, 5), 1) == 4).double().mean().sub(0.5).abs() < 0.02, x, weights)
case("random_multinomial_all", lambda x, w: torch.multinomial(w[0], 3).sort()[0], x, weights)
case("random_multinomial_matrix", lambda x, w: torch.multinomial(w, 2).sum(1)[1:], x, weights)
case("random_multinomial_replaced",
     lambda x, w: near((torch.multinomial(w, N, replacement=True)[0] == 2).double(), 0.375, (0.375 * 0.625) ** 0.5), x, weights)
case("random_twice_differs", lambda x: (torch.rand(100) == torch.rand(100)).all(), x)
