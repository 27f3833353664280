class Net(Module):
  __parameters__ = ["w", ]
  w : Tensor
  limit : Final[int] = 3
  def forward(self: __torch__.Net,
    x: Tensor,
    mask: Optional[Tensor]=None) -> Tuple[Tensor, Dict[str, List[int]]]:
    n, c, = torch.size(x)
    if torch.__isnot__(mask, None):
      y = torch.mul(x, unchecked_cast(Tensor, mask))
    else:
      y = annotate(Optional[Tensor], None)
    _0 = torch.lt(n, 5)
    while _0:
      n = torch.add(n, 1)
      _0 = torch.lt(n, 5)
    for i in range(torch.len([1, 2])):
      ops.prim.RaiseException(torch.format("{} \x41", i), "builtins.ValueError")
    return (y, {"a": [1, -2]})
