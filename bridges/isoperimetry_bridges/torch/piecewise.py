"""Exact crossings of lines with the errors of a piecewise linear network, from kink to kink.

Along a line every activation is a piecewise linear function of t. It is known by its values at the breakpoints so far;
a layer without kinks keeps them, a ReLU adds those at which one of its inputs changes its sign. So all crossings are
found, up to rounding in float64, without a search. It costs a pass through the layers behind for every kink: thousands
of forward passes a line for a convolutional network, which is why it is for proofs and not for estimates.
"""

from __future__ import annotations

import copy
import math
import operator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.criterion import read_logits

Array = NDArray[np.float64]

REACH = 12.0
"""Of lines, in units of the noise: beyond is 2e-33 of it."""

NUMBERS = 1 << 24
"""In the activations of a layer at the breakpoints of a part of a line, at most: 128 MiB."""

AFFINE = (
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Flatten, nn.Identity, nn.Dropout, nn.AvgPool1d, nn.AvgPool2d,
    nn.AdaptiveAvgPool2d, nn.BatchNorm1d, nn.BatchNorm2d,
)  # fmt: skip
KINKED = (nn.ReLU, nn.LeakyReLU)
RELU_FUNCTIONS = (torch.relu, nn.functional.relu)
SHAPES = (torch.flatten,)
SUMS = (operator.add, operator.sub, torch.add, torch.sub)
SCALES = (operator.mul, operator.truediv, torch.mul, torch.div)
METHODS = ("relu", "flatten", "view", "reshape")


def is_piecewise_linear(module: nn.Module) -> bool:
    """Return whether the crossings of lines with a network's errors can be found exactly.

    It must be traceable by `torch.fx` and made of linear layers, convolutions, ReLU, LeakyReLU, average pooling, batch
    normalisation, flattening, sums, and products with constants.

    Examples
    --------
    >>> is_piecewise_linear(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval())
    True
    >>> is_piecewise_linear(nn.Sequential(nn.Linear(3, 4), nn.Sigmoid()).eval())
    False
    """
    return _unknown(module) == ""


def _trace(module: nn.Module) -> fx.GraphModule | None:
    try:
        return fx.symbolic_trace(module)
    except Exception:  # whatever tracing a user's code raises: it cannot be followed
        return None


def _unknown(module: nn.Module) -> str:
    """Return what cannot be followed, empty for nothing."""
    traced = _trace(module)
    if traced is None:
        return "its forward cannot be traced"
    for node in traced.graph.nodes:
        if node.op == "call_module":
            part = traced.get_submodule(node.target)
            if not isinstance(part, AFFINE + KINKED):
                return type(part).__name__
        elif node.op == "call_function":
            known = node.target in RELU_FUNCTIONS + SHAPES + SUMS
            if node.target in SCALES:  # a product of two functions of the input is not linear
                values = [a for a in node.args if isinstance(a, fx.Node) and a.op != "get_attr"]
                known = len(values) == 1 and (node.target in (operator.mul, torch.mul) or node.args[0] is values[0])
            if not known:
                return str(getattr(node.target, "__name__", node.target))
        elif node.op == "call_method" and node.target not in METHODS:
            return str(node.target)
    return ""


class ErrorPieces:
    """All intervals of lines that are errors: ``pieces`` of `isoperimetry.Margin` for one label of a classifier.

    Parameters
    ----------
    classifier : Classifier
        With the default criterion, in full precision; see `is_piecewise_linear`. The network is followed in float64.
    shape : tuple of int
        Of an input.
    label : Tensor, shape (1,), or int
        The class.
    reach : float
        Lines are followed to abs(t) <= reach; beyond, they count as free of errors. So a lower limit stays one.

    Raises
    ------
    ModelError
        If the network is not of that kind.
    """

    def __init__(self, classifier: Classifier, shape: Any, label: Any, *, reach: float = REACH) -> None:
        if not classifier.criterion.by_class or not classifier.exact_arithmetic:
            raise ModelError(
                "exact_lines=True needs the logits of a network in float32 or float64: use searched lines."
            )
        unknown = _unknown(classifier.module)
        if unknown:
            raise ModelError(
                f"exact_lines=True needs a piecewise linear network, but this one has {unknown}: use searched lines."
            )
        self.shape, self.label, self.reach = tuple(shape), int(label), float(reach)
        self.classifier = copy.deepcopy(classifier)
        self.classifier.module = copy.deepcopy(classifier.module).double()
        self._graph = cast(fx.GraphModule, _trace(self.classifier.module))
        self.passes = 0
        """Activations of the last layer that were computed: about the forward passes that all lines took."""

    def __call__(self, points: Array, directions: Array) -> tuple[Array, Array]:
        """Return the intervals of t in which ``points[i] + t directions[i]`` is an error, shape (n, k) each."""
        found = [self._line(point, way) for point, way in zip(points, directions, strict=True)]
        most = max((len(part) for part in found), default=0) or 1
        low, high = np.full((2, len(found), most), math.inf)
        for row, part in enumerate(found):
            for column, (start, end) in enumerate(part):
                low[row, column], high[row, column] = start, end
        return low, high

    @torch.no_grad()
    def _line(self, point: Array, way: Array) -> list[tuple[float, float]]:
        x, a = (torch.from_numpy(np.array(part, float)).to(self.classifier.device) for part in (point, way))
        parts: list[tuple[float, float]] = []
        waiting = [(-self.reach, self.reach)]
        while waiting:  # from left to right
            low, high = waiting.pop()
            found = self._part(x, a, low, high)
            if found is None:  # more kinks than the memory takes: in halves
                middle = 0.5 * (low + high)
                waiting += [(middle, high), (low, middle)]
                continue
            for start, end in found:
                if parts and parts[-1][1] == start:
                    parts[-1] = (parts[-1][0], end)
                else:
                    parts.append((start, end))
        return parts

    def _part(self, x: Tensor, a: Tensor, low: float, high: float) -> list[tuple[float, float]] | None:
        """Return the intervals in a part of a line; None if it has too many kinks to be followed at once."""
        t = torch.tensor([low, high], dtype=torch.float64, device=x.device)
        inputs = (x + t[:, None] * a).view(2, *self.shape)
        mean, std = self.classifier._mean, self.classifier._std
        if mean is not None and std is not None:
            channel = (-1, *[1] * (inputs.ndim - 2))
            inputs = (inputs - mean.double().view(channel)) / std.double().view(channel)
        follower = _Follower(self._graph, t)
        try:
            logits = read_logits(follower.run(inputs), len(follower.t))
        except _TooManyKinks:
            return None
        t = follower.t
        self.passes += len(t)
        own = logits[:, self.label : self.label + 1]
        leads = torch.cat((own - logits[:, : self.label], own - logits[:, self.label + 1 :]), 1)
        finer = _with_roots(t, leads)
        leads = _interpolated(t, leads, finer)
        middle = 0.5 * (leads[1:] + leads[:-1])  # linear in between: the sign there is that of the whole segment
        wrong = (middle.amin(1) <= 0).tolist()
        ends = finer.tolist()
        found: list[tuple[float, float]] = []
        for index, is_error in enumerate(wrong):
            if not is_error:
                continue
            if found and found[-1][1] == ends[index]:
                found[-1] = (found[-1][0], ends[index + 1])
            else:
                found.append((ends[index], ends[index + 1]))
        return found


class _TooManyKinks(Exception):
    pass


class _Follower(fx.Interpreter):
    """Runs a network on the breakpoints of a line, and adds breakpoints where an activation has a kink."""

    def __init__(self, graph: fx.GraphModule, t: Tensor) -> None:
        super().__init__(graph)
        self.t = t

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run a layer."""
        if isinstance(self.fetch_attr(target), KINKED):
            args = (self._refine(args[0]), *args[1:])
        return super().call_module(target, args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run a function."""
        if target in RELU_FUNCTIONS:
            args = (self._refine(args[0]),)
            kwargs = {}
        return super().call_function(target, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run a method of a tensor."""
        if target == "relu":
            args = (self._refine(args[0]),)
        return super().call_method(target, args, kwargs)

    def _refine(self, values: Tensor) -> Tensor:
        """Add the breakpoints of the kinks of values, to all that is still in use."""
        old = self.t
        finer = _with_roots(old, values.flatten(1))
        if len(finer) * values[0].numel() > NUMBERS and len(old) > 0 and float(old[-1] - old[0]) > 1e-6:
            raise _TooManyKinks
        for node, kept in self.env.items():
            if isinstance(kept, Tensor) and kept.ndim and len(kept) == len(old) and node.op != "get_attr":
                self.env[node] = _interpolated(old, kept, finer)
        self.t = finer
        return _interpolated(old, values, finer)


def _with_roots(t: Tensor, values: Tensor) -> Tensor:
    """Return t and all points between at which a column of values changes its sign, sorted."""
    before, after = values[:-1], values[1:]
    segment, column = torch.nonzero((before < 0) != (after < 0), as_tuple=True)
    start, end = before[segment, column], after[segment, column]
    share = start / (start - end)
    roots = t[segment] + share.clamp(0.0, 1.0) * (t[segment + 1] - t[segment])
    finer: Tensor = torch.unique_consecutive(torch.cat((t, roots)).sort().values)
    return finer


def _interpolated(t: Tensor, values: Tensor, finer: Tensor) -> Tensor:
    """Return values that are linear between t at finer points."""
    index = (torch.searchsorted(t, finer, right=True) - 1).clamp(0, len(t) - 2)
    share = ((finer - t[index]) / (t[index + 1] - t[index])).view(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[index], values[index + 1], share)
