class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    _0 = torch.select(torch.select(x, 0, 0), 0, 0)
    if bool(torch.gt(_0, 0)):
      _1 = torch.select(torch.select(x, 0, 0), 0, 1)
      if bool(torch.gt(_1, 0)):
        y0, scale0 = torch.mul(x, 2), 3.
      else:
        y0, scale0 = torch.relu(x), 1.
      y, scale = y0, scale0
    else:
      y, scale = torch.neg(x), 1.
    return torch.mul(y, scale)
