"""The certified distance of inputs: what users call, and the record that comes back."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Literal, get_args

import torch
from torch import nn

from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.results import Record, at_least
from isoperimetry_bridges.torch.arguments import as_tensors
from isoperimetry_bridges.torch.certify.ball import Method
from isoperimetry_bridges.torch.certify.layers import Network
from isoperimetry_bridges.torch.certify.search import largest_radius
from isoperimetry_bridges.torch.certify.tracing import as_network, check_outputs
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.parallel import each_image

_METHODS = get_args(Method)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedDistance(Record):
    """A lower bound of the distance from one input to the nearest error.

    Attributes
    ----------
    distance : float
        No error is nearer, in l2 and in the unit of the inputs; 0: the input is an error, or nothing was certified.
    label : int
    method : {"linear", "interval"}
    rounded : bool
        Whether that holds for the classifier's own arithmetic, and not only for exact arithmetic.
    n_balls : int
        How many radii were looked at.
    seconds : float
    kind : "certified"
    """

    distance: float
    label: int
    method: Method
    rounded: bool
    n_balls: int
    seconds: float
    kind: Literal["certified"] = "certified"

    def __str__(self) -> str:
        if self.distance == 0:
            return f"nothing certified ({self.method} bounds)"
        arithmetic = "in its own arithmetic" if self.rounded else "in exact arithmetic"
        return f"no error within {at_least(self.distance, 4)} ({self.method} bounds, {arithmetic})"


def certified_distance(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    method: Method = "linear",
    rounded: bool = False,
    progress: ProgressLike = None,
) -> list[CertifiedDistance]:
    """Bound the l2 distance from each input to its nearest error from below, without sampling.

    For feed-forward networks of Linear, Conv2d, AvgPool2d, BatchNorm, ReLU, LeakyReLU, Flatten and arithmetic with
    constants, one after the other; see `register_layers` for others. The work is done in float64 on the CPU.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`.
    images : Tensor or array, shape (n, ...)
        Floating point. Unlike elsewhere they may leave the input box: noisy copies of an image do.
    labels : Tensor or array, shape (n,)
        Integer classes: an error is any other one.
    method : {"linear", "interval"}
        Linear bounds carried back to the input, or intervals carried forward, which are quick and much wider.
    rounded : bool, default False
        Allow for the classifier's own rounding too, by the worst case of sums in any order: see Notes.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    list of CertifiedDistance, one per image

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.
    ModelError
        If the network has a layer that is not supported, which is named.

    Notes
    -----
    Theorem: no input within the distance is an error of the classifier in exact arithmetic. The rounding of the bounds
    themselves is taken off them, see `isoperimetry_bridges.torch.certify.linear`. The classifier as it runs rounds to
    float32: the logits of the shipped networks are then off by less than 1e-6 of their size, so that within about that
    fraction of the distance from the boundary it may decide otherwise. What can be proved about that rounding, in the
    worst case of sums in any order, is a million times as much: ``rounded=True`` takes it off, which costs a fifth to
    all of the distance on the shipped networks. It covers sums of float32 products, as on a CPU, but no algorithm which
    rounds its inputs (TF32) or transforms them (Winograd). Underflow is left out.

    Examples
    --------
    >>> import torch
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False)).eval()
    >>> _ = linear[1].weight.data.copy_(torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0] * 4]))
    >>> (found,) = certified_distance(linear, torch.full((1, 1, 2, 2), 0.5), torch.tensor([0]))
    >>> round(found.distance, 6)
    0.7
    >>> print(found)
    no error within 0.6999 (linear bounds, in exact arithmetic)
    """
    if method not in _METHODS:
        raise ValueError(f"method={method!r} must be one of {', '.join(map(repr, _METHODS))}.")
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    _check(x, y, by_class=classifier.criterion.by_class)
    network = as_network(classifier, tuple(x.shape[1:]))
    n_classes = network.shapes[-1][0]
    bad = (y < 0) | (y >= n_classes)
    if bad.any():
        index = int(bad.nonzero()[0])
        raise ValueError(f"labels[{index}]={int(y[index])} must be in [0, {n_classes - 1}]: the model's classes.")
    check_outputs(network, classifier, x)

    @torch.no_grad()  # here, as a thread has its own setting
    def certify(tools: Network, i: int) -> CertifiedDistance:
        began = time.perf_counter()
        eye = torch.eye(n_classes, dtype=torch.float64)
        rows = (eye[y[i]] - eye)[torch.arange(n_classes) != y[i]]
        distance, n_balls = largest_radius(tools, x[i].double(), rows, method=method, rounded=rounded)
        seconds = time.perf_counter() - began
        return CertifiedDistance(
            distance=distance, label=int(y[i]), method=method, rounded=rounded, n_balls=n_balls, seconds=seconds
        )

    threads = torch.get_num_threads()
    try:
        # A thread an image and no more: the tensors are small, and threads inside an operation wait for one another.
        torch.set_num_threads(min(threads, len(x)))
        with as_progress(progress).start(f"{classifier.name}: certified distances", len(x)) as stage:
            return each_image(network, certify, len(x), stage, device=torch.device("cpu"))
    finally:
        torch.set_num_threads(threads)


def _check(x: torch.Tensor, y: torch.Tensor, *, by_class: bool) -> None:
    if x.ndim < 2 or len(x) == 0:
        raise ValueError(f"images has shape {tuple(x.shape)} but must be (n, ...) with n >= 1.")
    if by_class and y.shape != (len(x),):  # other labels belong to a criterion, which is refused next
        raise ValueError(f"labels has shape {tuple(y.shape)} but must be ({len(x)},): one for each image.")
    if not torch.isfinite(x).all():
        index = int((~torch.isfinite(x).flatten(1).all(1)).nonzero()[0])
        raise ValueError(f"images[{index}] holds NaN or infinite values: no distance is certified from there.")
