"""Defences that smooth an image: by medians, and by its total variation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.zoo.defences.base import Defence, refuse_no_integer, refuse_no_positive


class MedianSmoothing(Defence):
    """Each pixel replaced by the median of a square window around it.

    Source: Xu, Evans, Qi (2018), "Feature squeezing: detecting adversarial examples in deep neural networks". It masks
    because it was published as a filter of scipy's, before the network: `scipy.ndimage.median_filter`, whose answers
    these are. The image is mirrored at its edges; a window of even size reaches one pixel farther up and left, and
    takes the upper of the two middle values.

    Parameters
    ----------
    network : torch.nn.Module
    window : int, default 3
        Its side in pixels, in [2, 7].

    Examples
    --------
    >>> spot = torch.zeros(1, 1, 3, 3)
    >>> spot[0, 0, 1, 1] = 1
    >>> float(MedianSmoothing(torch.nn.Identity()).transform(spot).max())
    0.0
    """

    def __init__(self, network: nn.Module, *, window: int = 3) -> None:
        super().__init__(network)
        refuse_no_integer("window", window, 2, 7, "it is a side in pixels")
        self.window = window

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"window={self.window}"

    def transform(self, x: Tensor) -> Tensor:
        """Return the smoothed images."""
        height, width = x.shape[2:]
        side, before = self.window, self.window // 2
        x = x[:, :, _mirrored(height, before, side - 1 - before).to(x.device)]
        x = x[:, :, :, _mirrored(width, before, side - 1 - before).to(x.device)]
        values = [x[:, :, i : i + height, j : j + width] for i in range(side) for j in range(side)]
        # The largest values are taken out, one after the other, until the one of the wanted rank is met: for windows
        # as small as these much faster than sorting, as each step is one comparison of whole images.
        largest = values[0]
        for _ in range(side**2 - side**2 // 2):
            largest, rest = values[0], []
            for value in values[1:]:
                rest.append(torch.minimum(largest, value))
                largest = torch.maximum(largest, value)
            values = rest
        return largest


def _mirrored(size: int, before: int, after: int) -> Tensor:
    """Return the places of an axis, mirrored at its ends so that the end is seen twice."""
    places = torch.arange(-before, size + after) % (2 * size)
    return torch.minimum(places, 2 * size - 1 - places)


class TotalVariation(Defence):
    """The nearest image of small total variation: the minimum of ``|u - x|^2 / 2 + weight TV(u)`` over u.

    Source: Guo, Rana, Cisse, van der Maaten (2018), "Countering adversarial images using input transformations", here
    without the random choice of pixels. It masks because the minimum is searched for before the network, by a solver
    that passes no gradient on. TV is the isotropic one of Rudin, Osher, Fatemi (1992); the solver is the fast gradient
    projection of Beck, Teboulle (2009), "Fast gradient-based algorithms for constrained total variation image denoising
    and deblurring problems", with a fixed number of steps.

    Parameters
    ----------
    network : torch.nn.Module
    weight : float, default 0.05
        > 0, in the unit of the pixel values.
    steps : int, default 10
        >= 1.

    Examples
    --------
    >>> x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> defence = TotalVariation(torch.nn.Identity())
    >>> bool(defence.objective(defence.transform(x), x) < defence.objective(x, x))
    True
    """

    def __init__(self, network: nn.Module, *, weight: float = 0.05, steps: int = 10) -> None:
        super().__init__(network)
        refuse_no_positive("weight", weight, "it is what total variation costs")
        refuse_no_integer("steps", steps, 1, math.inf, "it is a number of steps of the solver")
        self.weight, self.steps = float(weight), steps

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"weight={self.weight}, steps={self.steps}"

    def transform(self, x: Tensor) -> Tensor:
        """Return the smoothed images, in [0, 1]."""
        # The dual problem: one vector of length at most 1 for each pixel; [..., 0] down, [..., 1] to the right.
        height, width = x.shape[2:]
        down, right = x.new_zeros(2, *x.shape)
        ahead_down, ahead_right, momentum = down, right, 1.0
        for step in range(self.steps):
            u = self._primal(x, ahead_down, ahead_right)
            # The gradient of the dual is that of the image; 8 bounds the norm of the operator squared.
            new_down, new_right = ahead_down.clone(), ahead_right.clone()
            new_down[:, :, : height - 1] += (u[:, :, 1:] - u[:, :, :-1]) / (8 * self.weight)
            new_right[..., : width - 1] += (u[..., 1:] - u[..., :-1]) / (8 * self.weight)
            length = torch.sqrt(new_down.square() + new_right.square()).clamp_min_(1)
            new_down /= length
            new_right /= length
            if step == self.steps - 1:
                down, right = new_down, new_right
                break
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            pull = (momentum - 1) / following
            ahead_down = torch.lerp(down, new_down, 1 + pull)
            ahead_right = torch.lerp(right, new_right, 1 + pull)
            down, right, momentum = new_down, new_right, following
        return self._primal(x, down, right)

    def _primal(self, x: Tensor, down: Tensor, right: Tensor) -> Tensor:
        """Return the image of a dual point: ``x`` and ``weight`` times its divergence."""
        u = x + self.weight * (down + right)
        u[:, :, 1:] -= self.weight * down[:, :, :-1]
        u[..., 1:] -= self.weight * right[..., :-1]
        return u.clamp_(0, 1)

    def objective(self, u: Tensor, x: Tensor) -> Tensor:
        """Return what is minimised over images u, shape (batch,)."""
        down, right = torch.zeros_like(u), torch.zeros_like(u)
        down[:, :, :-1] = u[:, :, 1:] - u[:, :, :-1]
        right[..., :-1] = u[..., 1:] - u[..., :-1]
        each = (u - x).square() / 2 + self.weight * torch.sqrt(down.square() + right.square())
        return each.flatten(1).sum(1)
