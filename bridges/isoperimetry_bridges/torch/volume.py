"""The error rate of a classifier around one image where it is far too small to be counted: 1e-6, 1e-9, 1e-20.

The classifier's margin and its gradient are handed to the estimators of `isoperimetry`, which follow it to the errors;
what only torch knows is done here: batches on the device, the rival classes, and which method suits a classifier.
"""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import isoperimetry
from isoperimetry.errors import FunctionError, ModelError
from isoperimetry.estimate import Estimate
from isoperimetry.estimators import HalfSpaceMixture, LineSampling, Margin, Membership, Splitting
from isoperimetry.progress import ProgressLike
from isoperimetry.special import log_ndtr
from isoperimetry.streams import RandomLike
from isoperimetry_bridges.torch.arguments import as_count, as_tensors
from isoperimetry_bridges.torch.attacks import Attack
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.criterion import Judgement, read_logits
from isoperimetry_bridges.torch.faults import is_out_of_memory
from isoperimetry_bridges.torch.identity import digest

Array = NDArray[np.float64]

PLAIN, HITS = 500, 10
"""Plain draws that tell rare errors from others, and the errors among them from which on they are counted."""

RIVALS, STEPS = 9, 6
"""Classes whose own nearest errors are looked for, the likeliest first; and the gradients that each gets."""

SAME, SHARE = 0.7, 0.01
"""Cosine above which errors of two classes lie in the same direction; the share of the rate that is worth following."""

BATCH_VALUES, BATCH = 1 << 18, 256
"""Numbers, and rows, of a call of the margin: by the dimension alone, so that draws do not depend on the device."""

N_SAMPLES = 20_000
"""Calls without a wish of the user's."""


def volume(
    classifier: Classifier | torch.nn.Module,
    image: Any,
    label: Any,
    *,
    sigma: float,
    method: str | Any = "auto",
    rel_error: float | None = None,
    n_samples: int | None = None,
    confidence: float = 0.95,
    attack: Attack | None = None,
    clip: bool = False,
    exact_lines: bool = False,
    rng: RandomLike = None,
    record: str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> Estimate:
    """Return the error rate of a classifier under ``image + N(0, sigma**2 I)``, however small it is.

    `measure_error_rate` counts errors and needs about 100 / mu draws for 10 %; this follows the margin to the errors
    and needs some thousands at any rate. What it cannot see of them, plain draws bound: the ``residual``.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        Rare errors need a margin, which classifiers have by default; gradients make it fast.
    image : Tensor or array, shape (...)
        One input, in the box of the classifier.
    label : int, or what the classifier's criterion takes
        Its class.
    sigma : float
        Scale of the noise, finite and > 0, in the unit of the image. The noise is not clipped to the box.
    method : str or Method
        As for `isoperimetry.volume`. "auto": plain draws where errors are not rare; lines towards the errors, whose
        direction the gradients correct; half-spaces at the errors of each rival class where these lie apart; splitting
        where there is no gradient.
    rel_error : float, optional
        Stop at this half-width relative to the estimate; see `isoperimetry.volume`.
    n_samples : int, optional
        The budget in forward passes, >= 100, search and guard included; gradients are counted apart. None: 20,000, or
        10,000,000 if ``rel_error`` is given.
    confidence : float
        Of the interval, in (0, 1).
    attack : Attack, optional
        Its nearest error to the image is one more start of the search. What it asks the model is not counted.
    clip : bool
        Clip noisy images to the box first: the rate is then that of the classifier with the clipping inside.
    exact_lines : bool
        Find all crossings of lines exactly, for piecewise linear networks (see `is_piecewise_linear`): slow, but the
        lower limit is then proved (LOWER_ONLY). For lines and rays; not with ``clip``.
    rng : None, int, SeedSequence, Generator or Stream
        The same rng and arithmetic give the same answer.
    record : path, optional
        A file in which finished work is kept; the same call with it goes on where it was.
    progress : bool, callable, Progress or None

    Returns
    -------
    isoperimetry.Estimate
        The rate with its interval, what this rests on, and what it cost. ``distance`` is the half-space distance.

    Raises
    ------
    ValueError
        If an argument is outside its range, the image is not in the box, or the label is no class.
    ModelError
        If the model is in training mode, not deterministic, or returns NaN or infinity.

    Examples
    --------
    >>> import torch
    >>> from isoperimetry_bridges.torch import Classifier
    >>> linear = torch.nn.Linear(3, 2)
    >>> _ = torch.nn.init.zeros_(linear.bias), linear.weight.data.copy_(torch.tensor([[0.0, 0, 0], [1, 0, 0]]))
    >>> model = Classifier(linear.eval(), bounds=(-1, 1))
    >>> estimate = volume(model, torch.tensor([-1.0, 0, 0]), 0, sigma=0.125, rng=1)
    >>> round(estimate.log_value, 3), round(float(log_ndtr(-8.0)), 3)
    (-35.013, -35.013)
    """
    judged = as_classifier(classifier)
    x, y = as_tensors(_one(image), _one(label), judged)
    judged.check(x, y)
    sigma = _as_scale(sigma)
    center = x[0].double().numpy().reshape(-1)
    face = _Face(judged, x[0], y, clip=bool(clip))
    wanted: dict[str, Any] = {"rel_error": rel_error, "n_samples": n_samples, "confidence": confidence}
    if rel_error is None and n_samples is None:
        wanted["n_samples"] = N_SAMPLES
    if n_samples is not None:
        as_count("n_samples", n_samples, least=100)
    near, chosen = _search(face, center, sigma, method, attack, int(n_samples or N_SAMPLES))
    if wanted["n_samples"] is not None:
        wanted["n_samples"] = max(int(wanted["n_samples"]) - face.asked, 100)
    error_set: Any
    if not judged.criterion.has_margin:
        if exact_lines:
            raise ValueError("exact_lines=True needs a margin: pass margin= to the Classifier.")
        error_set = Membership(face.contains, dim=center.size, batch=face.rows)
    else:
        error_set = Margin(
            face, dim=center.size, gradient=face.gradient if face.has_gradient else None, batch=face.rows,
            near=near, pieces=_pieces(face) if exact_lines else None,
        )  # fmt: skip
    try:
        estimate = isoperimetry.volume(
            error_set, center=center, sigma=sigma, method=chosen, rng=rng, record=record, progress=progress, **wanted
        )
    except FunctionError as error:
        if isinstance(error.__cause__, ModelError):
            raise error.__cause__ from None
        raise
    # What was asked before belongs to the search.
    return dataclasses.replace(
        estimate, n_calls=estimate.n_calls + face.asked, n_search=estimate.n_search + face.asked,
        n_gradients=estimate.n_gradients + face.asked_gradients,
    )  # fmt: skip


def _as_scale(sigma: Any) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, int | float | np.floating | np.integer):
        raise TypeError(f"sigma={sigma!r} must be one number: the scale of the noise.")
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma={sigma!r} must be finite and > 0: it is the scale of the noise.")
    return float(sigma)


def _one(value: Any) -> Any:
    """Return one image or label as a batch of one."""
    if isinstance(value, Tensor):
        return value[None]
    return np.asarray(value)[None]


def _pieces(face: _Face) -> Any:
    from isoperimetry_bridges.torch.piecewise import ErrorPieces

    if face.clip:
        raise ValueError("exact_lines=True does not know clipping: pass clip=False.")
    return ErrorPieces(face.classifier, face.image.shape, face.label)


class _Face:
    """The margin of one label of a classifier, as functions of arrays: float64 outside, the model's type inside."""

    def __init__(self, classifier: Classifier, image: Tensor, label: Tensor, *, clip: bool) -> None:
        self.classifier, self.image, self.label, self.clip = classifier, image, label, clip
        self.rows = max(1, min(BATCH, BATCH_VALUES // image.numel()))
        self.has_gradient = classifier.differentiable
        self.asked = self.asked_gradients = 0
        self._slope_rows: int | None = None
        # A record tells functions apart by this name.
        self.__qualname__ = f"margin {digest([classifier.fingerprint(), str(clip)], [('label', label)])}"

    def _inputs(self, points: Array) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(points)).to(self.classifier.device, self.classifier.input_dtype)
        return x.view(len(points), *self.image.shape)

    def _labels(self, rows: int) -> Tensor:
        return self.label.to(self.classifier.device).expand(rows, *self.label.shape[1:])

    def _boxed(self, x: Tensor) -> Tensor:
        return x.clamp(*self.classifier.bounds) if self.clip else x

    def _in_batches(self, points: Array, answer: Any, *, slopes: bool = False) -> list[Any]:
        """Ask in batches that the memory can take; gradients take more of it, and have a batch size of their own."""
        found, first = [], 0
        while first < len(points):
            size = self.classifier.batch_size(self.image.numel())
            size = min(size, self._slope_rows or size) if slopes else size
            rows = slice(first, first + size)
            try:
                found.append(answer(self._inputs(points[rows]), rows))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if not slopes:
                    self.classifier.shrink_batch(size)
                elif size == 1:
                    raise ModelError(
                        "The memory does not suffice for the gradient at one input: use a device with more, or a "
                        "smaller model."
                    ) from error
                else:
                    self._slope_rows = size // 2
                continue
            first += size
        return found

    def __call__(self, points: Array) -> Array:
        """Return margins, shape (n,), of points (n, dim): at most 0 where the classifier counts an error."""

        def answer(x: Tensor, rows: slice) -> Array:
            found = self._judged(x)
            # Where a user's criterion has both, its verdict decides and its margin is followed.
            least = torch.finfo(found.margins.dtype).tiny
            margins = torch.where(found.wrong, found.margins.clamp(max=0), found.margins.clamp(min=least))
            return cast(Array, margins.double().cpu().numpy())

        return np.concatenate(self._in_batches(points, answer))

    def _judged(self, x: Tensor) -> Judgement:
        found = self.classifier.judge(self._boxed(x), self._labels(len(x)))
        if found.broken.any():
            raise ModelError("The model returned NaN or infinite logits: no error rate can be measured on it.")
        return found

    def contains(self, points: Array) -> NDArray[np.bool_]:
        """Return which points are errors, shape (n,)."""
        return np.concatenate(self._in_batches(points, lambda x, rows: self._judged(x).wrong.cpu().numpy()))

    def gradient(self, points: Array) -> Array:
        """Return gradients of the margin, shape (n, dim)."""
        found = self._in_batches(points, lambda x, rows: self._slopes(x, self._margins)[1], slopes=True)
        return np.concatenate(found)

    def _margins(self, x: Tensor) -> Tensor:
        return self.classifier.margins(x, self._labels(len(x)))

    def _slopes(self, x: Tensor, function: Any) -> tuple[Array, Array]:
        x.requires_grad_(True)
        with torch.enable_grad():
            values = function(self._boxed(x))
            found = torch.autograd.grad(values.sum(), x, allow_unused=True)[0] if values.requires_grad else None
        slopes = torch.zeros_like(x) if found is None else found.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        flat = slopes.double().cpu().numpy().reshape(len(x), -1)
        return values.detach().double().cpu().numpy(), flat

    def look(self, center: Array) -> float:
        """Return the margin at the center; find out whether there is a gradient to follow."""
        margin = float(self(center[None])[0])
        self.asked += 1
        if self.has_gradient:
            self.asked_gradients += 1
            self.has_gradient = bool(self.gradient(center[None]).any())
        return margin

    def rivals(self, center: Array) -> Array:
        """Return a point on the boundary to each of the likeliest other classes, shape (k, dim), as steps lead there.

        The linear step (Hasofer, Lind 1974) goes to the nearest point at which the class would win if the model were
        linear; the search of the estimators makes a design point of it.
        """
        logits = read_logits(self.classifier.outputs(self._boxed(self._inputs(center[None]))), 1)[0].detach()
        own = int(self.label[0])
        order = [k for k in logits.argsort(descending=True).tolist() if k != own][:RIVALS]
        target = torch.tensor(order, device=logits.device)
        points = np.tile(center, (len(order), 1))
        self.asked += 1
        for _ in range(STEPS):
            seen = self._in_batches(
                points, lambda x, rows: self._slopes(x, lambda x: self._lead(x, own, target[rows])), slopes=True
            )
            margins, slopes = (np.concatenate(parts) for parts in zip(*seen, strict=True))
            self.asked_gradients += len(order)
            squares = np.einsum("ij,ij->i", slopes, slopes)
            good = squares > 0
            offset = np.einsum("ij,ij->i", slopes, points - center) - margins
            step = np.where(good, offset / np.where(good, squares, 1.0), 0.0)
            points = np.where(good[:, None], center + step[:, None] * slopes, points)
        return points[np.isfinite(points).all(axis=1)]

    def _lead(self, x: Tensor, own: int, target: Tensor) -> Tensor:
        logits = read_logits(self.classifier.outputs(x), len(x))
        return logits[:, own] - logits.gather(1, target.view(-1, 1))[:, 0]


def _search(
    face: _Face, center: Array, sigma: float, method: Any, attack: Attack | None, budget: int
) -> tuple[Array | None, Any]:
    """Return points near errors, and the method that suits the classifier."""
    if not face.classifier.criterion.has_margin:
        return None, "crude" if isinstance(method, str) and method == "auto" else method
    margin = face.look(center)
    starts: list[Array] = []
    if face.has_gradient and margin > 0 and face.classifier.criterion.by_class:
        starts.append(face.rivals(center))
    if attack is not None:
        found = attack(face.classifier, face.image[None], face.label, scale=float(sigma))
        starts.append(found.points.double().numpy().reshape(1, -1)[np.isfinite(found.distances)])
    near = np.concatenate(starts) if starts else None
    if near is not None and not len(near):
        near = None
    if not (isinstance(method, str) and method == "auto"):
        return near, method
    if margin <= 0 or _are_frequent(face, center, sigma, budget):
        return near, "crude"
    if not face.has_gradient:
        return near, Splitting()
    return near, HalfSpaceMixture() if near is not None and _lie_apart(near - center, sigma) else LineSampling()


def _are_frequent(face: _Face, center: Array, sigma: float, budget: int) -> bool:
    """Return whether plain draws see errors; the draws are of a stream of their own, and chose nothing else."""
    from isoperimetry.streams import add_noise, as_stream

    draws = min(PLAIN, budget // 10)
    noisy = np.empty((draws, center.size))
    add_noise(center, float(sigma), stream=as_stream(0).split("search"), out=noisy)
    face.asked += draws
    return int(np.count_nonzero(face(noisy) <= 0)) >= min(HITS, max(draws // 10, 1))


def _lie_apart(steps: Array, sigma: float) -> bool:
    """Return whether errors that matter lie in other directions than the nearest ones."""
    lengths = np.linalg.norm(steps, axis=1)
    first = int(lengths.argmin())
    cosines = steps @ steps[first] / np.maximum(lengths * lengths[first], 1e-300)
    shares = np.asarray(log_ndtr(-lengths / sigma)) - float(log_ndtr(-lengths[first] / sigma))
    return bool(np.exp(shares[cosines < SAME]).sum() > SHARE) and math.isfinite(lengths[first])
