class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    found = torch.nonzero(torch.gt(x, 1))
    if torch.gt(torch.numel(found), 0):
      _1 = torch.add(torch.mean(torch.to(found, 6)), torch.sum(x))
      _0 = _1
    else:
      _0 = torch.sum(x)
    return _0
