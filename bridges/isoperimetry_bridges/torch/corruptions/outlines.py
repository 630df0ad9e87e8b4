"""Outlines of shapes in grey images, and the distance to them: what spatter needs of classical image processing.

Images are batches of float32 that hold whole numbers, so that every sum and comparison here is exact, on any device.
Results are those of OpenCV 4 and 5, bit by bit (where Intel's library does not do its work: that rounds distances in
another way); the algorithms were written anew, as operations on whole batches.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_TAN_22, _TAN_67 = 13573 / 2**15, 79109 / 2**15
"""Tangents of 22.5 and 67.5 degrees, to the 15 bits that OpenCV has of them."""

UNIT = 2**16
"""Of the distances: they are counted in whole steps of 2**-16."""

_LINES = (
    *((step, UNIT, 5) for step in ((0, 1), (1, 0))),
    *((step, 91750, 4) for step in ((1, 1), (1, -1))),
    *((step, 143976, 4) for step in ((1, 2), (2, 1), (1, -2), (2, -1))),
)
"""Steps of the 5 x 5 chamfer distance, their lengths (1, 1.4 and 2.1969), and the powers of 2 that 20 pixels need."""

FARTHEST = 20
"""Largest distance that is told from others, in pixels."""


def edges(x: Tensor, low: float, high: float) -> Tensor:
    """Return the edges that Canny's algorithm finds, with 3 x 3 Sobel filters and the sum of absolute slopes.

    Parameters
    ----------
    x : Tensor of float32, shape (n, h, w)
        Whole numbers from 0 to 255.
    low, high : float
        An edge has a slope above ``low`` everywhere, and somewhere one above ``high``.

    Returns
    -------
    Tensor of bool, shape (n, h, w)

    Examples
    --------
    >>> half = torch.zeros(1, 3, 6)
    >>> half[..., 3:] = 200
    >>> edges(half, 50, 150)[0].int().tolist()
    [[0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    """
    wide = functional.pad(x.unsqueeze(1), (2, 2, 2, 2), mode="replicate")[:, 0]
    smooth = (wide[:, :-2] + wide[:, 2:]).add_(wide[:, 1:-1], alpha=2)
    right = smooth[:, :, 2:] - smooth[:, :, :-2]
    smooth = (wide[:, :, :-2] + wide[:, :, 2:]).add_(wide[:, :, 1:-1], alpha=2)
    down = smooth[:, 2:] - smooth[:, :-2]
    slope = right.abs() + down.abs()
    for border in slope[:, 0], slope[:, -1], slope[:, :, 0], slope[:, :, -1]:
        border.zero_()
    # An edge is where the slope is greatest along its own direction, which is rounded to one of four. Few pixels are
    # steep enough, so that only these are looked at.
    flat, width = slope.view(-1), slope.shape[2]
    place = (flat > low).nonzero().squeeze(1)
    right, down = right.view(-1)[place], down.view(-1)[place]
    across, along = right.abs(), down.abs()
    level, steep = along < across * _TAN_22, along > across * _TAN_67
    step = torch.where((right < 0) != (down < 0), width - 1, width + 1)
    step = torch.where(level, 1, torch.where(steep, width, step))
    here, before, after = flat[place], flat[place - step], flat[place + step]
    # Of two equal slopes the first is kept, but on a diagonal neither.
    crest = (here > before) & ((here > after) | ((here == after) & (level | steep)))
    found = torch.zeros_like(slope, dtype=torch.bool)
    weak = torch.zeros_like(found)
    found.view(-1)[place[crest & (here > high)]] = True
    weak.view(-1)[place[crest & (here <= high)]] = True
    inside = weak[:, 1:-1, 1:-1]
    while True:  # weak edges are kept if they touch one that is kept
        rows = found[:, :-2] | found[:, 1:-1] | found[:, 2:]
        kept = (rows[:, :, :-2] | rows[:, :, 1:-1] | rows[:, :, 2:]).bitwise_and_(inside)
        if not bool(kept.any()):
            break
        found[:, 1:-1, 1:-1].bitwise_or_(kept)
        inside.bitwise_xor_(kept)
    return found[:, 1:-1, 1:-1]


def distances(marked: Tensor) -> Tensor:
    """Return each pixel's distance to the nearest marked one, by the 5 x 5 chamfer, at most `FARTHEST`, times `UNIT`.

    The distance is that of the shortest walk in steps of a king or a knight of chess. A shortest walk needs two kinds
    of steps only, in any order, so that one direction after the other can be relaxed, and by powers of 2: 68 operations
    on the whole batch, where the usual two sweeps go pixel by pixel.

    Parameters
    ----------
    marked : Tensor of bool, shape (n, h, w)

    Returns
    -------
    Tensor of float32, shape (n, h, w)

    Examples
    --------
    >>> marked = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> marked[0, 0, 0] = True
    >>> [round(value, 4) for value in (distances(marked) / UNIT)[0, 3].tolist()]
    [3.0, 3.1969, 3.5969, 4.2, 4.9969, 5.7938]
    """
    out = torch.full(marked.shape, float(FARTHEST * UNIT), device=marked.device).masked_fill_(marked, 0)
    spare = torch.empty_like(out)
    h, w = marked.shape[-2:]
    for (down, right), length, n_powers in _LINES:
        for power in range(n_powers):
            row, column = down << power, abs(right) << power
            if row >= h or column >= w:
                break
            first, second = out[:, : h - row], out[:, row:]
            first, second = (
                (first[:, :, : w - column], second[:, :, column:])
                if right >= 0
                else (first[:, :, column:], second[:, :, : w - column])
            )
            moved = spare[:, : h - row, : w - column]
            for here, there in (first, second), (second, first):
                torch.add(here, length << power, out=moved)
                torch.minimum(there, moved, out=there)
    return out


def box_sums(x: Tensor) -> Tensor:
    """Return the sum of the 3 x 3 pixels around each, mirrored at the border without repeating it; (n, h, w)."""
    wide = _padded(x, "reflect")
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]


def emboss(x: Tensor) -> Tensor:
    """Return images lit from the lower right, clamped to 0..255; (n, h, w)."""
    wide = _padded(x, "reflect")
    out = x + wide[:, 1:-1, 2:] + wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1] - wide[:, 1:-1, :-2]
    return out.add_(wide[:, 2:, 2:] - wide[:, :-2, :-2], alpha=2).clamp_(0, 255)


def equalized(x: Tensor, n_levels: int) -> Tensor:
    """Return images whose levels are spread over 0..255 so that each is as frequent as another.

    Parameters
    ----------
    x : Tensor of float32, shape (n, h, w)
        Whole numbers from 0 to ``n_levels - 1``.
    n_levels : int

    Returns
    -------
    Tensor of float32, shape (n, h, w)
        Images of a single level are returned as they are.

    Examples
    --------
    >>> equalized(torch.tensor([[[1.0, 1, 2], [2, 3, 3]]]), 4)
    tensor([[[  0.,   0., 128.],
             [128., 255., 255.]]])
    """
    n, size = len(x), x[0].numel()
    levels = x.long().view(n, size)
    counts = torch.zeros((n, n_levels), device=x.device).scatter_add_(1, levels, x.new_ones(n, size))
    lowest = counts.gather(1, (counts > 0).long().argmax(1, keepdim=True))
    table = ((counts.cumsum(1) - lowest).clamp_(min=0) * torch.full_like(lowest, 255).div_(size - lowest)).round_()
    table = torch.where(lowest < size, table, torch.arange(n_levels, device=x.device).expand(n, -1).float())
    return table.gather(1, levels).view_as(x)


def _padded(x: Tensor, mode: str) -> Tensor:
    return functional.pad(x.unsqueeze(1), (1, 1, 1, 1), mode=mode)[:, 0]
