"""What a certified network is made of: affine layers and kinks, in float64, with what their rounding can amount to.

All layers work on batches, shape (batch, *inputs) to (batch, *outputs). ``magnitude`` is the layer with absolute values
throughout: it bounds the sum of the sizes of all terms, which is what rounding errors are proportional to.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Shape: TypeAlias = tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """``x @ weight.T + bias`` on vectors.

    Parameters
    ----------
    weight : Tensor, shape (outputs, inputs), float64
    bias : Tensor, shape (outputs,), float64
    """

    weight: Tensor
    bias: Tensor

    @property
    def terms(self) -> int:
        """The number of terms that make an output."""
        return self.weight.shape[1] + 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return functional.linear(x, self.weight, self.bias)

    def magnitude(self, x: Tensor) -> Tensor:
        """Return the outputs with absolute values throughout, for inputs of at most the sizes ``x`` >= 0."""
        return functional.linear(x, self.weight.abs(), self.bias.abs())


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution of images, padded with zeros.

    Parameters
    ----------
    weight : Tensor, shape (outputs, inputs / groups, height, width), float64
    bias : Tensor, shape (outputs,), float64
    stride, padding, dilation : (int, int)
    groups : int
    """

    weight: Tensor
    bias: Tensor
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def terms(self) -> int:
        """The number of terms that make an output."""
        return math.prod(self.weight.shape[1:]) + 1

    @property
    def reach(self) -> tuple[int, int]:
        """The number of rows and columns that one output looks at."""
        height, width = ((k - 1) * d + 1 for k, d in zip(self.weight.shape[2:], self.dilation, strict=True))
        return height, width

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return self._convolve(x, self.weight, self.bias)

    def magnitude(self, x: Tensor) -> Tensor:
        """Return the outputs with absolute values throughout, for inputs of at most the sizes ``x`` >= 0."""
        return self._convolve(x, self.weight.abs(), self.bias.abs())

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Rescaling:
    """``scale * x + shift``, entry by entry: a normalisation.

    Parameters
    ----------
    scale, shift : Tensor, float64
        They broadcast with one input.
    size : Tensor
        A bound of the sizes of the terms that make up ``shift``, which may have cancelled in it.
    """

    scale: Tensor
    shift: Tensor
    size: Tensor

    @property
    def terms(self) -> int:
        """The number of roundings that make an output; normalisation takes a root and some products."""
        return 12

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return self.scale * x + self.shift

    def magnitude(self, x: Tensor) -> Tensor:
        """Return the outputs with absolute values throughout, for inputs of at most the sizes ``x`` >= 0."""
        return self.scale.abs() * x + self.size


@dataclasses.dataclass(frozen=True, slots=True)
class Reshaping:
    """The same numbers in another shape.

    Parameters
    ----------
    shape : tuple of int
        Of one output; one -1 stands for whatever is left.
    """

    shape: Shape

    @property
    def terms(self) -> int:
        """No rounding."""
        return 0

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return x.reshape(len(x), *self.shape)

    def magnitude(self, x: Tensor) -> Tensor:
        """Return the outputs, which are as large as the inputs."""
        return self.forward(x)


@dataclasses.dataclass(frozen=True, slots=True)
class Kink:
    """``max(x, slope * x)``: the ReLU, or a leaky one.

    Parameters
    ----------
    slope : float, default 0
        Below zero; in [0, 1].
    """

    slope: float = 0.0

    @property
    def terms(self) -> int:
        """One product."""
        return 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        return torch.maximum(x, self.slope * x)

    def magnitude(self, x: Tensor) -> Tensor:
        """Return the inputs: no output is larger in size."""
        return x


Layer: TypeAlias = Dense | Convolution | Rescaling | Reshaping | Kink


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """Layers one after the other, and the shapes between them.

    Attributes
    ----------
    layers : tuple of Layer
    shapes : tuple of tuple of int
        ``shapes[i]`` goes into layer i; the last one is that of the outputs.
    unit : float
        Unit roundoff of the arithmetic in which the classifier computes.
    """

    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    unit: float

    @property
    def kinks(self) -> tuple[int, ...]:
        """Where the kinks are among the layers."""
        return tuple(index for index, layer in enumerate(self.layers) if isinstance(layer, Kink))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for a batch, in float64."""
        for layer in self.layers:
            x = layer.forward(x)
        return x
