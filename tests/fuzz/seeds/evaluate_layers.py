class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor,
    i: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tuple[Tensor, Tensor], Tensor, Tensor, Tensor]:
    z = torch.unsqueeze(x, 0)
    _0 = torch.transpose(z, 1, 2)
    _1 = torch.ones([2, 4, 1], dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    input = torch._convolution(_0, _1, None, [1], [0], [1], False, [0], 1, False, False, True, True)
    input0 = torch.max_pool1d(input, [1], annotate(List[int], []), [0], [1])
    z0 = torch.upsample_nearest1d(input0, None, [2.])
    _2 = torch.add(torch.gelu(z0), torch.relu(z0))
    _3 = ops.prim.NumToTensor(torch.size(x, 0))
    h = torch.zeros([int(_3), 4], dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _4 = torch.slice(x, 0, 0, 9223372036854775807)
    _5 = annotate(List[Optional[Tensor]], [None, i])
    _6 = torch.index(_4, _5)
    _7 = torch.slice(h, 0, 0, 9223372036854775807)
    _8 = annotate(List[Optional[Tensor]], [None, i])
    _9 = torch.index_put_(_7, _8, _6)
    _10 = annotate(List[Optional[Tensor]], [i])
    _11 = torch.index(x, _10)
    _12 = annotate(List[Optional[Tensor]], [i])
    h0 = torch.index_put_(h, _12, _11)
    _13 = torch.clamp(torch.unsqueeze(i, 0), 0, 3)
    _14 = torch.scatter_(h0, 1, _13, 1.)
    _15 = torch.clamp(torch.unsqueeze(i, 0), 0, 3)
    _16 = torch.gather(x, 1, _15)
    _17 = ops.prim.NumToTensor(torch.size(x, 0))
    _18 = annotate(number, torch.mul(_17, CONSTANTS.c0))
    _19 = torch.arange(_18, dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _20 = torch.slice(_19, 0, 0, 9223372036854775807, 2)
    _21 = torch.linspace(0, 1, 5, dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _22 = torch.split_with_sizes(x, [1, 3], 1)
    _23, _24, = _22
    _25 = torch.eye(3, dtype=None, layout=None, device=torch.device("cpu"), pin_memory=False)
    _26 = torch.linalg_vector_norm(x, 2, [1])
    _27 = torch.triu_indices(3, 3, 0, dtype=4, layout=None, device=torch.device("cpu"), pin_memory=False)
    _28 = (_2, _14, _16, _20, _21, (_23, _24), _25, _26, _27)
    return _28
