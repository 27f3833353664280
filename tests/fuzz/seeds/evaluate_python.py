class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor,
    n: int,
    f: float,
    b: bool,
    s: str) -> Tuple[Tensor, int, List[int], int, Tensor, List[int], float]:
    l = annotate(List[int], [])
    for k in range(n):
      _0 = torch.append(l, torch.mul(k, 2))
    d = annotate(Dict[str, Tensor], {})
    torch._set_item(d, s, torch.mul(x, f))
    if b:
      _1 = torch.__contains__(d, s)
    else:
      _1 = False
    if _1:
      torch.insert(l, 0, 7)
    else:
      pass
    sizes = [torch.size(x, 0), l[-1]]
    out = torch.ones([2, 3])
    _2 = torch.items(d)
    out0 = out
    for _3 in range(torch.len(_2)):
      key, v, = _2[_3]
      out0 = torch.add(out0, torch.sum(v))
    torch.sort(l)
    torch.reverse(l)
    _4 = ops.prim.max(sizes)
    _5 = annotate(List[int], [])
    for _6 in range(torch.len(l)):
      q = l[_6]
      _7 = torch.append(_5, torch.add(q, 1))
    _8 = (out0, _4, _5, torch.len(torch.slice(l, 1)), torch.tensor(l), torch.size(x), torch.div(float(n), 3))
    return _8
