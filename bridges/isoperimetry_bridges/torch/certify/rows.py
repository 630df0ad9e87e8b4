"""Rows of linear functions of a layer's values, on their way back to the input.

A row is a linear function of all values of a layer. That of an output of a convolution looks at a window, so that rows
of all outputs together are stored as windows; other rows are stored whole.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from isoperimetry_bridges.torch.certify.layers import Convolution, Dense, Layer, Reshaping, Shape


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class WholeRows:
    """Rows that may look at everything.

    Parameters
    ----------
    coefficients : Tensor, shape (rows, *shape)
    """

    coefficients: Tensor

    def spread(self, values: Tensor) -> Tensor:
        """Return one value for each entry of the layer so that it broadcasts with the coefficients."""
        return values if values.ndim == self.coefficients.ndim else values[None]

    def total(self, terms: Tensor) -> Tensor:
        """Return the sum of the terms of each row, shape (rows,)."""
        return terms.flatten(1).sum(1)

    def norms(self) -> Tensor:
        """Return the l2 norm of each row, shape (rows,)."""
        norms: Tensor = torch.linalg.vector_norm(self.coefficients.flatten(1), dim=1)
        return norms

    def replaced(self, coefficients: Tensor) -> WholeRows:
        """Return rows with other coefficients."""
        return WholeRows(coefficients)

    def through(self, layer: Layer, inputs: Shape) -> WholeRows:
        """Return the rows as functions of the inputs of a layer, whose constant part is left out."""
        rows = self.coefficients
        if isinstance(layer, Dense):
            return WholeRows(rows @ layer.weight)
        if isinstance(layer, Reshaping):
            return WholeRows(rows.reshape(len(rows), *inputs))
        if not isinstance(layer, Convolution):
            raise TypeError(f"layer={type(layer).__name__} has no weights.")
        # What the strides left over at the far end of the image comes back as columns of zeros.
        rest = tuple(
            size - ((out - 1) * stride - 2 * pad + reach)
            for size, out, stride, pad, reach in zip(
                inputs[1:], rows.shape[2:], layer.stride, layer.padding, layer.reach, strict=True
            )
        )
        return WholeRows(
            functional.conv_transpose2d(
                rows, layer.weight, None, layer.stride, layer.padding, rest, layer.groups, layer.dilation
            )
        )

    def result(self, values: Tensor) -> Tensor:
        """Return one value for each row as it is."""
        return values


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class WindowRows:
    """Rows of all entries of a layer of images, shape (channels, height, width), each of which looks at a window.

    Parameters
    ----------
    coefficients : Tensor, shape (height * width or 1, channels, seen channels, window height, window width)
        The first axis has length 1 as long as the rows of all places are the same. They are 0 outside the image that is
        looked at.
    places : (int, int)
        height, width.
    stride, origin : (int, int)
        The window of place (p, q) begins at (p, q) * stride + origin.
    """

    coefficients: Tensor
    places: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    origin: tuple[int, int] = (0, 0)

    @classmethod
    def units(cls, shape: Shape, sign: float, channels: range) -> WindowRows:
        """Return the rows that are the entries of some channels of a layer, times ``sign``."""
        eye = sign * torch.eye(shape[0], dtype=torch.float64)[channels.start : channels.stop]
        return cls(eye.view(1, len(channels), shape[0], 1, 1), (shape[1], shape[2]))

    def spread(self, values: Tensor) -> Tensor:
        """Return the values that each place sees, shape (places, 1, channels, window height, window width)."""
        padding: list[int] = []
        for axis in (2, 1):
            places, stride, origin = self.places[axis - 1], self.stride[axis - 1], self.origin[axis - 1]
            end = (places - 1) * stride + origin + self.coefficients.shape[2 + axis]
            padding += [-origin, end - values.shape[axis]]
        padded = functional.pad(values, padding)
        height, width = self.coefficients.shape[3:]
        windows = padded.unfold(1, height, self.stride[0]).unfold(2, width, self.stride[1])
        return windows.permute(1, 2, 0, 3, 4).reshape(-1, 1, len(values), height, width)

    def total(self, terms: Tensor) -> Tensor:
        """Return the sum of the terms of each row, shape (places, channels)."""
        return terms.flatten(2).sum(2)

    def norms(self) -> Tensor:
        """Return the l2 norm of each row, shape (places, channels)."""
        norms: Tensor = torch.linalg.vector_norm(self.coefficients.flatten(2), dim=2)
        return norms

    def replaced(self, coefficients: Tensor) -> WindowRows:
        """Return rows with other coefficients in the same windows."""
        return dataclasses.replace(self, coefficients=coefficients)

    def through(self, layer: Layer, inputs: Shape) -> WindowRows:
        """Return the rows as functions of the inputs of a layer, whose constant part is left out."""
        if not isinstance(layer, Convolution):
            raise TypeError(f"layer={type(layer).__name__} does not look at windows.")
        places, channels = self.coefficients.shape[:2]
        rows = self.coefficients.flatten(0, 1)
        rows = functional.conv_transpose2d(rows, layer.weight, None, layer.stride, 0, 0, layer.groups, layer.dilation)
        stride, origin = _moved(self.stride, self.origin, layer)
        found = WindowRows(rows.view(places, channels, *rows.shape[1:]), self.places, stride, origin)
        inside = found.spread(torch.ones(inputs, dtype=torch.float64))  # the padding of a layer is not its input
        return found.replaced(found.coefficients * inside)

    def result(self, values: Tensor) -> Tensor:
        """Return one value for each row, shape (places or 1, channels), in the shape of the layer."""
        values = values.expand(math.prod(self.places), -1)
        return values.T.reshape(-1, *self.places)


def _moved(
    stride: tuple[int, int], origin: tuple[int, int], layer: Convolution
) -> tuple[tuple[int, int], tuple[int, int]]:
    (sy, sx), (oy, ox), (ty, tx), (py, px) = stride, origin, layer.stride, layer.padding
    return (sy * ty, sx * tx), (oy * ty - py, ox * tx - px)


def windows_pay(layers: Sequence[Layer], shapes: Sequence[Shape]) -> bool:
    """Whether rows of the last of ``shapes`` are smaller as windows than whole, all along the layers before it."""
    if len(shapes[-1]) != 3 or any(len(shape) != 3 for shape in shapes):
        return False
    height = width = 1
    as_windows = whole = 0
    for layer, shape in zip(reversed(layers), reversed(shapes[:-1]), strict=True):
        if isinstance(layer, Dense | Reshaping):
            return False
        if isinstance(layer, Convolution):
            (ry, rx), (sy, sx) = layer.reach, layer.stride
            height, width = (height - 1) * sy + ry, (width - 1) * sx + rx
            as_windows += shape[0] * height * width
            whole += math.prod(shape)
    return as_windows < whole
