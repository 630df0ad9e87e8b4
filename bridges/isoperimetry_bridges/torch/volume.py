"""The error rate of a classifier around one image where it is far too small to be counted: 1e-6, 1e-9, 1e-20.

The classifier's margin and its gradient are handed to the estimators of `isoperimetry`, which follow it to the errors;
what only torch knows is done here: batches on the device, the rival classes, and which method suits a classifier.
"""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

import isoperimetry
from isoperimetry.errors import FunctionError, ModelError
from isoperimetry.estimate import Estimate
from isoperimetry.estimators import CrudeMonteCarlo, HalfSpaceMixture, LineSampling, Margin, Membership, Splitting
from isoperimetry.progress import ProgressLike
from isoperimetry.special import log_ndtr
from isoperimetry.streams import RandomLike
from isoperimetry_bridges.torch.arguments import as_count, as_tensors
from isoperimetry_bridges.torch.attacks import Attack, ready_attack
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.face import Array, Face

PLAIN, HITS = 500, 10
"""Plain draws that tell rare errors from others, and the errors among them from which on they are counted."""

SAME, SHARE = 0.7, 0.01
"""Cosine above which errors of two classes lie in the same direction; the share of the rate that is worth following."""

N_SAMPLES = 20_000
"""Calls without a wish of the user's."""

NEEDS_MARGIN = ("mixture", "line", "directional", "importance", "splitting")
"""Methods by name that truth values alone do not serve."""


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
    attack: str | Attack | None = None,
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
    attack : {"tangent", "ddn", "pgd", "boundary"} or Attack, optional
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
    _check(judged, x, y)
    sigma = _as_scale(sigma)
    if not judged.criterion.has_margin:
        _refuse_without_margin(method, exact_lines)
    if attack is not None:
        attack = ready_attack(attack, judged)
    center = x[0].double().numpy().reshape(-1)
    face = Face(judged, x[0], y, clip=bool(clip))
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


def _check(classifier: Classifier, x: Tensor, y: Tensor) -> None:
    """Refuse what cannot be judged, and batches in the place of one image."""
    if classifier.criterion.by_class and y.ndim != 1:
        raise ValueError(
            f"label has shape {tuple(y.shape[1:])} but must be one class: volume takes one image, so pass images[i] "
            "and labels[i]."
        )
    try:
        classifier.check(x, y)
    except ModelError as error:
        if x.ndim in (3, 5) and x.shape[1] == 1:
            raise ModelError(
                f"image has shape {tuple(x.shape[1:])}, perhaps with the axis of a batch: volume takes one image, so "
                f"pass image[0]. {error}"
            ) from error
        raise


def _refuse_without_margin(method: Any, exact_lines: bool) -> None:
    """Say what is missing where mere truth values cannot show the way to rare errors."""
    if exact_lines:
        raise ValueError("exact_lines=True needs a margin: pass margin= to the Classifier.")
    if not (isinstance(method, CrudeMonteCarlo) or (isinstance(method, str) and method not in NEEDS_MARGIN)):
        name = method if isinstance(method, str) else getattr(method, "name", type(method).__name__)
        raise ValueError(
            f"method={name!r} needs a margin, which error= alone has not: pass margin= to the Classifier too, a number "
            "that is <= 0 at errors, or method='crude', which counts errors."
        )


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


def _pieces(face: Face) -> Any:
    from isoperimetry_bridges.torch.piecewise import ErrorPieces

    if face.clip:
        raise ValueError("exact_lines=True does not know clipping: pass clip=False.")
    return ErrorPieces(face.classifier, face.image.shape, face.label)


def _search(
    face: Face, center: Array, sigma: float, method: Any, attack: Attack | None, budget: int
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


def _are_frequent(face: Face, center: Array, sigma: float, budget: int) -> bool:
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
