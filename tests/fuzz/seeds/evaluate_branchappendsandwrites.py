class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    out = annotate(List[Tensor], [])
    y = torch.clone(x)
    if bool(torch.gt(torch.sum(x), 0)):
      _0 = torch.append(out, torch.add(x, 1))
      _1 = torch.select(torch.slice(y), 1, 0)
      _2 = torch.tensor(5., dtype=ops.prim.dtype(_1), device=ops.prim.device(_1))
      _3 = torch.copy_(_1, _2)
    else:
      _4 = torch.append(out, torch.sub(x, 1))
      _5 = torch.slice(torch.slice(x), 1, 1, 3)
      _6 = torch.mul(_5, 2)
      _7 = torch.slice(torch.slice(y), 1, 1, 3)
      _8 = torch.copy_(_7, _6)
    return torch.cat([out[0], y], 1)
