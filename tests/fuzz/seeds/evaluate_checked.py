class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    if torch.ne(torch.dim(x), 2):
      ops.prim.RaiseException("two dimensions are needed", "builtins.ValueError")
    else:
      pass
    if bool(torch.any(torch.isnan(x))):
      ops.prim.RaiseException("not a number", "builtins.ValueError")
    else:
      pass
    return torch.mul(x, 2)
