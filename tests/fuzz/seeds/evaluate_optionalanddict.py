class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Dict[str, Tensor]:
    parts = annotate(Dict[str, Tensor], {})
    if bool(torch.gt(torch.max(x), 0)):
      best0 = torch.add(x, 1)
      torch._set_item(parts, "a", x)
      best = best0
    else:
      best1 = torch.sub(x, 1)
      torch._set_item(parts, "a", torch.mul(x, 2))
      best = best1
    return {"best": best, "a": parts["a"]}
