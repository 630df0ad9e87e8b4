"""All bounds of a network over one ball: what goes into its kinks, what its arithmetic may change, its margins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from isoperimetry_bridges.torch.certify.layers import Kink, Network, Shape
from isoperimetry_bridges.torch.certify.linear import Bounds, Relaxation, Rows, backward, rounding
from isoperimetry_bridges.torch.certify.rows import WholeRows, WindowRows, windows_pay

Method: TypeAlias = Literal["linear", "interval"]

_VALUES_AT_ONCE = 4_000_000  # 32 MB of float64 for the coefficients of a layer


class Ball:
    """Bounds of a network over the ball of radius ``radius`` about ``center``.

    Parameters
    ----------
    network : Network
    center : Tensor, shape of one input, float64
    radius : float
    method : {"linear", "interval"}
        How bounds are made beyond the first kink, up to which both are exact.

    Attributes
    ----------
    relaxations : list of Relaxation
        Of all kinks.
    sizes : Tensor, shape of the outputs
        A bound of the sum of the sizes of all terms in the outputs and in their bounds.
    deviation : Tensor, shape of the outputs
        A bound of how far the classifier's own arithmetic may be from exact arithmetic anywhere in the ball.
    """

    def __init__(self, network: Network, center: Tensor, radius: float, *, method: Method = "linear") -> None:
        self.network, self.center, self.radius = network, center, radius
        self._stop = method == "interval"
        self.relaxations: list[Relaxation] = []
        sizes = center.abs()[None] + radius  # of the terms; `largest`: of the values themselves
        largest, deviation = sizes, torch.zeros_like(sizes)
        for index, layer in enumerate(network.layers):
            count = layer.terms * network.unit
            if isinstance(layer, Kink):
                lines = Relaxation.of(layer, *self._inputs(index, sizes[0]))
                self.relaxations.append(lines)
                largest = torch.maximum(lines.out_low.abs(), lines.out_high.abs())[None]
                deviation = deviation + 2.0 * network.unit * (largest + deviation)
                sizes = sizes + lines.height
            else:
                passed_on = layer.magnitude(deviation) - layer.magnitude(torch.zeros_like(deviation))
                # Twice the usual bound of a sum's rounding: the bound itself is computed with rounding.
                deviation = passed_on + 2.0 * count / (1.0 - count) * layer.magnitude(largest + deviation)
                sizes, largest = layer.magnitude(sizes), layer.magnitude(largest)
        self.sizes, self.deviation = sizes[0], deviation[0]

    def margins(self, rows: Tensor) -> Bounds:
        """Return lower bounds of ``rows``, linear functions of the outputs, shape (rows, outputs)."""
        last = len(self.network.layers) - 1
        return backward(self.network, WholeRows(rows), last, self.relaxations, self.center, stop=self._stop)

    def allowance(self, rows: Tensor, *, rounded: bool) -> Tensor:
        """Return what a bound of ``rows`` must exceed for these to be certainly positive, shape (rows,).

        With ``rounded`` in the classifier's own arithmetic too, and not only in exact arithmetic.
        """
        last = len(self.network.layers) - 1
        allowed = rounding(self.network, last) * self.sizes
        return rows.abs() @ (allowed + self.deviation if rounded else allowed)

    def _inputs(self, kink: int, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Return bounds of what goes into the layer ``kink``, whose terms have at most these sizes."""
        slack = rounding(self.network, kink - 1) * sizes
        low, high = self._sides(kink)
        most = sizes + slack  # no value is larger than the sum of the sizes of its terms
        return torch.maximum(low - slack, -most), torch.minimum(high + slack, most)

    def _sides(self, kink: int) -> tuple[Tensor, Tensor]:
        """Return bounds of what goes into the layer ``kink``, but for rounding."""
        shapes = self.network.shapes[: kink + 1]
        windows = windows_pay(self.network.layers[:kink], shapes)
        sides = []
        for sign in (1.0, -1.0):
            found = []
            for rows in _units(shapes, sign, windows=windows):
                bounds = backward(self.network, rows, kink - 1, self.relaxations, self.center, stop=self._stop)
                found.append(rows.result(sign * bounds.lowest(self.radius)))
            sides.append(torch.cat(found).reshape(shapes[-1]))
        return sides[0], sides[1]


def _units(shapes: tuple[Shape, ...], sign: float, *, windows: bool) -> Iterator[Rows]:
    """Yield the rows that are the entries of the last of these shapes, times ``sign``, some at a time."""
    shape, largest = shapes[-1], max(map(math.prod, shapes))
    if windows:
        step = max(1, _VALUES_AT_ONCE // (largest * math.prod(shape[1:])))
        for first in range(0, shape[0], step):
            yield WindowRows.units(shape, sign, range(first, min(first + step, shape[0])))
        return
    size = math.prod(shape)
    step = max(1, _VALUES_AT_ONCE // largest)
    for first in range(0, size, step):
        count = min(step, size - first)
        rows = torch.zeros(count, size, dtype=torch.float64)
        rows[torch.arange(count), torch.arange(first, first + count)] = sign
        yield WholeRows(rows.view(count, *shape))
