"""Views and copies: what a write through one of two names of the same memory does to the other."""

import torch
import torch.nn.functional as F

from case import case, r

x, square = r(3, 4, 6), r(4, 4)


def add(view):
    view.add_(1)


def fill(view):
    view.fill_(7)


def multiply(view):
    view.mul_(torch.arange(1, view.numel() + 1).view(view.shape))


def through(view, write=multiply):
    """Both names after a write through the second."""

    def forward(a):
        base = a.clone()
        part = view(base)
        write(part)
        return base, part

    return forward


def behind(view, write=add):
    """Both names after a write to the first."""

    def forward(a):
        base = a.clone()
        part = view(base)
        write(base)
        return base, part

    return forward


VIEWS = {
    "diagonal": lambda a: a.diagonal(0, 1, 2),
    "diagonal_outer": lambda a: a.diagonal(),
    "diagonal_below": lambda a: a.diagonal(-1, 2, 0),
    "diagonal_above": lambda a: a.diagonal(2, 0, 2),
    "diagonal_outside": lambda a: a.diagonal(9, 0, 1),
    "diagonal_of_slice": lambda a: a[1:, :, ::2].diagonal(1, 0, 2),
    "slice_of_diagonal": lambda a: a.diagonal(0, 1, 2)[:, 1:3],
    "linalg_diagonal": lambda a: torch.linalg.diagonal(a, offset=1),
    "unfold_apart": lambda a: a.unfold(2, 2, 3),
    "unfold_tiling": lambda a: a.unfold(2, 2, 2),
    "unfold_cut": lambda a: a.unfold(1, 1, 3),
    "unfold_first": lambda a: a.unfold(0, 1, 2),
    "unfold_one": lambda a: a.unfold(2, 5, 2),
    "unfold_of_unfold": lambda a: a.unfold(2, 2, 2).unfold(1, 2, 2),
    "as_strided": lambda a: a.as_strided((2, 3), (30, 2), 5),
    "as_strided_reshaped": lambda a: a.view(9, 8).as_strided((4,), (18,)),
    "expand_same": lambda a: a.expand(3, 4, 6),
    "movedim": lambda a: a.movedim(0, 2),
    "moveaxis": lambda a: torch.moveaxis(a, (0, 1), (2, 0)),
    "swapaxes": lambda a: a.swapaxes(0, 2),
    "swapdims": lambda a: a.swapdims(1, 2),
    "permute": lambda a: a.permute(2, 0, 1),
    "mT": lambda a: a.mT,
    "mH": lambda a: a.mH,
    "adjoint": lambda a: a.adjoint(),
    "real": lambda a: a.real,
    "narrow": lambda a: a.narrow(1, 1, 2),
    "narrow_tensor": lambda a: a.narrow(1, torch.tensor(1), 2),
    "select": lambda a: a.select(1, -1),
    "index_number": lambda a: a[:, 2],
    "index_slices": lambda a: a[..., 1:5:2],
    "index_none": lambda a: a[:, None, 1],
    "split": lambda a: a.split([1, 3], 1)[1],
    "split_size": lambda a: a.split(2, 1)[1],
    "chunk": lambda a: a.chunk(2, 2)[1],
    "unbind": lambda a: a.unbind(1)[2],
    "tensor_split": lambda a: a.tensor_split(4, 2)[1],
    "tensor_split_at": lambda a: a.tensor_split((1, 4), 2)[1],
    "hsplit": lambda a: a.hsplit(2)[1],
    "vsplit": lambda a: a.vsplit((1, 2))[1],
    "dsplit": lambda a: a.dsplit(3)[1],
    "squeeze": lambda a: a[:1, :, :1].squeeze(),
    "squeeze_dim": lambda a: a[:1].squeeze(0),
    "squeeze_dims": lambda a: a[:1, :, :1].squeeze((0, 2)),
    "unsqueeze": lambda a: a.unsqueeze(1),
    "view": lambda a: a.view(12, 6),
    "view_as": lambda a: a.view_as(torch.zeros(6, 12)),
    "reshape": lambda a: a.reshape(2, 36),
    "reshape_copy": lambda a: a.transpose(0, 1).reshape(2, 36),
    "flatten": lambda a: a.flatten(),
    "flatten_copy": lambda a: a.transpose(1, 2).flatten(1),
    "ravel": lambda a: a.ravel(),
    "unflatten": lambda a: a.unflatten(2, (2, 3)),
    "detach": lambda a: a.detach(),
    "alias": lambda a: torch.ops.aten.alias(a),
    "contiguous": lambda a: a.contiguous(),
    "contiguous_copy": lambda a: a.transpose(0, 1).contiguous(),
    "to_same": lambda a: a.to(torch.float32),
    "to_copy": lambda a: a.to(torch.float32, copy=True),
    "atleast_1d": lambda a: torch.atleast_1d(a[0, 0, 1]),
    "atleast_2d": lambda a: torch.atleast_2d(a[0, 1]),
    "atleast_3d": lambda a: torch.atleast_3d(a[0]),
    "atleast_each": lambda a: torch.atleast_2d(a[0, 0], a[0, 1])[1],
    "dropout_off": lambda a: F.dropout(a, 0.5, training=False),
    "diagonal_copy": lambda a: torch.diagonal_copy(a),
    "unfold_copy": lambda a: torch.unfold_copy(a, 2, 2, 1),
    "transposed_twice": lambda a: a.transpose(0, 1).transpose(0, 1).view(-1),
}
for name, view in VIEWS.items():
    # Export refuses writes to windows of unfold() that lie a step of their own apart.
    case(f"write_through_{name}", through(view), x, export=name != "unfold_one")
    case(f"write_behind_{name}", behind(view), x)
case("write_through_diagonal_fill", through(lambda a: a.diagonal(), fill), square)
case("write_through_fill_diagonal", lambda a: a.clone().fill_diagonal_(3.0), square)
case("write_through_fill_diagonal_tall", lambda a: (a.clone().fill_diagonal_(3.0), a.clone().fill_diagonal_(2.0, wrap=True)), r(7, 3))
case("write_through_fill_diagonal_cube", lambda a: a.clone().fill_diagonal_(3.0), r(3, 3, 3))
case("write_through_t", through(lambda a: a.t()), r(3, 4))
case("write_through_T", through(lambda a: a.T), r(3, 4))
case("write_through_diagonal_wide", through(lambda a: a.diagonal(1)), r(3, 5))
case("write_through_diagonal_high", through(lambda a: a.diagonal(-1)), r(5, 3))
case("write_through_unfold_vector", through(lambda a: a.unfold(0, 2, 2)), r(7))
case("write_behind_unfold_overlap", behind(lambda a: a.unfold(2, 3, 1)), x)
case("write_behind_as_strided_overlap", behind(lambda a: a.as_strided((5, 4), (2, 1))), x)
case("write_behind_expand", behind(lambda a: a.expand(5, 3, 4, 6)), x)
case("write_behind_broadcast_to", behind(lambda a: torch.broadcast_to(a, (2, 3, 4, 6))), x)
case("write_behind_broadcast_tensors", behind(lambda a: torch.broadcast_tensors(a[:1], torch.zeros(3, 1, 1))[0]), x)
case("write_behind_meshgrid", behind(lambda a: torch.meshgrid(a[0, 0], a[1, :, 0], indexing="xy")[1]), x)
case("write_behind_index_copy", behind(lambda a: a[torch.tensor([0, 2])]), x)
case("write_through_channels_last", through(lambda a: a.contiguous(memory_format=torch.channels_last)), r(2, 3, 4, 5))
case("write_through_channels_last_twice", through(lambda a: a.to(memory_format=torch.channels_last).contiguous(memory_format=torch.channels_last)), r(2, 3, 4, 5))
case("write_masked_diagonal", through(lambda a: a.diagonal(0, 1, 2), lambda d: d.masked_fill_(d > 0, -1.0)), x)
case("write_indexed_diagonal", through(lambda a: a.diagonal(0, 1, 2), lambda d: d.index_fill_(1, torch.tensor([0, 2]), 5.0)), x)
case("diagonal_scatter", lambda a, b: (torch.diagonal_scatter(a, b, 1, 1, 2), a), x, r(3, 4))
case("diagonal_empty", lambda a: a.diagonal(7), r(3, 4))
case("as_strided_empty", lambda a: a.as_strided((3, 0), (1, 1)), r(4))
case("broadcast_tensors", lambda a, b: torch.broadcast_tensors(a, b), r(3, 1), r(2, 1, 4))


def clone_of_transposed(a):
    """The clone keeps the transposed strides, so that reshape() copies."""
    base = a.transpose(0, 1).clone()
    part = base.reshape(-1)
    part.add_(1)
    return part


def relu_in_place(a):
    """A doubt about memory that nobody looks at again is none."""
    return F.relu((a.transpose(0, 1) + 1).flatten(1), inplace=True)


case("write_to_reshaped_clone", clone_of_transposed, x)
case("relu_in_place_of_reshaped", relu_in_place, x)
