class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor,
    y: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    _0 = torch.permute(torch.view(x, [-1, 2, 2]), [0, 2, 1])
    a = torch.reshape(_0, [-1, 4])
    _1 = torch.add(torch.mul(x, CONSTANTS.c0), y)
    _2 = torch.slice(torch.cat([a, _1], 1), 0, 0, 9223372036854775807)
    input = torch.slice(_2, 1, 1, 7, 2)
    c = torch.layer_norm(input, [3])
    p, q, = torch.chunk(c, 2, 1)
    _3 = torch.softmax(p, 1)
    _4 = torch.unfold(q, 0, 1, 1)
    _5 = torch.einsum("ij,kj->ik", [x, x])
    _6 = torch.mean(x, [0, 1])
    _7, _8 = torch.topk(x, 2)
    _9 = torch.where(torch.gt(x, 0), x, y)
    _10 = torch.pad(x, [1, 2])
    _11 = torch.repeat(x, [2, 1])
    _12 = torch.sum(torch.stack([x, x]), [0])
    _13 = torch.argmax(torch.to(x, 5), 1)
    _14 = torch.cumsum(x, 0)
    _15, _16 = torch.sort(x, 1)
    _17 = torch.masked_fill(x, torch.gt(x, 0), 0.)
    _18 = (_3, _4, _5, _6, _7, _9, _10, _11, _12, _13, _14, _16, _17, torch.expand(x, [2, -1, -1]), torch.flip(x, [0]), torch.tril(x), torch.roll(x, [1], [0]))
    return _18
