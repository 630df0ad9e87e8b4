"""Lower bounds of a network's outputs over a ball about an input, by our own backward pass of linear bounds.

Each kink is replaced by a line above it and a line below it, valid between the bounds of what goes into it. A bound is
carried back from the output to the input, where a ball of radius r about x0 turns ``A x + b`` into
``A x0 + b - r |A|``. The bounds of what goes into a kink are made in the same way, from the first kink to the last.
Sources: Wong, Kolter (2018); Weng, Zhang, Chen et al. (2018), Fast-Lin; Zhang, Weng, Chen, Hsieh, Daniel (2018), CROWN.

Rounding. All is computed in float64. A bound is a sum of products of weights, slopes and inputs. In whatever order the
sums are made, what comes out is what exact arithmetic would give with each term changed by a factor within
(1 +- u)**n, u = 2**-53, where n counts the roundings on the way of a term: at most the terms of all the sums on its
way. So the error is below n u / (1 - n u) times the sum of the sizes of all terms, which a forward pass with absolute
values bounds. Four times that is taken off each bound: about 1e-5 of a logit for the shipped networks. The line above a
kink is made for its slope as rounded, and its height is rounded up; below a kink every slope between those of its two
sides is valid, so that no care is needed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from isoperimetry_bridges.torch.certify.layers import Kink, Network, Rescaling, Reshaping
from isoperimetry_bridges.torch.certify.rows import WholeRows, WindowRows

Rows: TypeAlias = WholeRows | WindowRows

UNIT = 2.0**-53
_SAFETY = 4.0
_UP = 1.0 + 2.0**-50  # covers the three roundings that make the height of a line


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Lines about a kink for inputs in [low, high]: ``below * h <= kink(h) <= above * h + height``.

    Attributes
    ----------
    low, high : Tensor
        Bounds of what goes in; all are of the shape of the layer.
    below, above, height : Tensor
        ``below`` may have one more axis in front: other slopes for each row.
    out_low, out_high : Tensor
        Bounds of what comes out.
    """

    low: Tensor
    high: Tensor
    below: Tensor
    above: Tensor
    height: Tensor
    out_low: Tensor
    out_high: Tensor

    @property
    def open(self) -> Tensor:
        """Where the kink lies inside the range, so that the lines are not the function."""
        return (self.low < 0) & (self.high > 0)

    @classmethod
    def of(cls, kink: Kink, low: Tensor, high: Tensor) -> Relaxation:
        """Return the chord above, and below the slope of that side of the kink on which more of the range lies."""
        slope = torch.full_like(low, kink.slope)
        inside = (low < 0) & (high > 0)
        width = torch.where(inside, high - low, 1.0)
        chord = ((high - slope * low) / width).clamp(kink.slope, 1.0)
        height = torch.maximum(low * (slope - chord), high * (1.0 - chord)) * _UP
        settled = torch.where(low >= 0, 1.0, slope)
        return cls(
            low=low,
            high=high,
            below=torch.where(inside, torch.where(high > -low, 1.0, slope), settled),
            above=torch.where(inside, chord, settled),
            height=torch.where(inside, height, 0.0),
            out_low=kink.forward(low),
            out_high=kink.forward(high),
        )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Lower bounds of rows over a ball; all of the same shape, one entry for each row.

    Attributes
    ----------
    values, norms : Tensor
        ``values - r * norms`` is a lower bound for every radius r up to that of the ball.
    others : Tensor
        The best lower bound from intervals on the way, for the ball's radius; -inf where there was none.
    """

    values: Tensor
    norms: Tensor
    others: Tensor

    def lowest(self, radius: float) -> Tensor:
        """Return the lower bounds in the ball."""
        return torch.maximum(self.values - radius * self.norms, self.others)


def backward(
    network: Network, rows: Rows, last: int, relaxations: Sequence[Relaxation], center: Tensor, *, stop: bool = False
) -> Bounds:
    """Bound rows from below.

    Parameters
    ----------
    network : Network
    rows : WholeRows or WindowRows
        Linear functions of what comes out of layer ``last``.
    last : int
    relaxations : sequence of Relaxation
        Of the kinks among the layers up to ``last``.
    center : Tensor, shape of one input, float64
    stop : bool
        Stop at the first kink on the way, with the bounds from intervals: quick and wide.

    Returns
    -------
    Bounds
        With entries as ``rows.total`` returns them.
    """
    constant: Tensor = torch.zeros((), dtype=torch.float64)
    others: Tensor = torch.full((), -math.inf, dtype=torch.float64)
    left = len(relaxations)
    for index in range(last, -1, -1):
        layer, inputs = network.layers[index], network.shapes[index]
        if isinstance(layer, Kink):
            left -= 1
            lines = relaxations[left]
            up, down = rows.coefficients.clamp(min=0), rows.coefficients.clamp(max=0)
            here = rows.total(up * rows.spread(lines.out_low) + down * rows.spread(lines.out_high))
            others = torch.maximum(others, constant + here)
            if stop:
                nothing = torch.full_like(others, -math.inf)
                return Bounds(values=nothing, norms=torch.zeros_like(others), others=others)
            constant = constant + rows.total(down * rows.spread(lines.height))
            rows = rows.replaced(up * rows.spread(lines.below) + down * rows.spread(lines.above))
        elif isinstance(layer, Rescaling):
            constant = constant + rows.total(rows.coefficients * rows.spread(layer.shift.expand(inputs)))
            rows = rows.replaced(rows.coefficients * rows.spread(layer.scale.expand(inputs)))
        elif isinstance(layer, Reshaping):
            rows = rows.through(layer, inputs)
        else:
            outputs = network.shapes[index + 1]
            bias = layer.bias.view(-1, *[1] * (len(outputs) - 1)).expand(outputs)
            constant = constant + rows.total(rows.coefficients * rows.spread(bias))
            rows = rows.through(layer, inputs)
    values = constant + rows.total(rows.coefficients * rows.spread(center))
    return Bounds(values=values, norms=rows.norms(), others=others.expand(values.shape))


def rounding(network: Network, last: int) -> float:
    """Return what rounding can change in a bound of what comes out of layer ``last``, relative to its terms' sizes."""
    count = 2 * sum(math.prod(shape) for shape in network.shapes[: last + 2]) + 16 * (last + 2)
    return _SAFETY * count * UNIT / (1.0 - count * UNIT)
