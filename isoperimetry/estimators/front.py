"""`volume`: the measure of any error set under Gaussian noise, with its interval and what that rests on."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry.estimate import Estimate
from isoperimetry.estimators import assemble, auto
from isoperimetry.estimators.base import Method, Run
from isoperimetry.estimators.crude import CrudeMonteCarlo
from isoperimetry.estimators.directional import DirectionalSampling
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.importance import ImportanceSampling
from isoperimetry.estimators.line import LineSampling
from isoperimetry.estimators.mixture import HalfSpaceMixture
from isoperimetry.estimators.problem import SetTarget
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.repeatable import check_function
from isoperimetry.estimators.setup import as_error_set, digest, make_problem
from isoperimetry.estimators.splitting import Splitting
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.sets.base import as_center
from isoperimetry.streams import RandomLike, Stream, as_stream

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        CrudeMonteCarlo, HalfSpaceMixture, LineSampling, DirectionalSampling, ImportanceSampling, Splitting,
    )
}  # fmt: skip
"""The methods by the names that ``method=`` takes."""

N_SAMPLES = 100_000
"""Calls without a wish of the user's."""

N_SAMPLES_AT_MOST = 10_000_000
"""Calls if only a relative error is wanted, which may be out of reach."""


def volume(
    error_set: Any,
    *,
    center: ArrayLike | None = None,
    sigma: float = 1.0,
    method: str | Method = "auto",
    rel_error: float | None = None,
    n_samples: int | None = None,
    confidence: float = 0.95,
    rng: RandomLike = None,
    executor: Executor | None = None,
    progress: ProgressLike = None,
    record: str | os.PathLike[str] | None = None,
) -> Estimate:
    """Return the measure of an error set under ``N(center, sigma**2 I)``, in any dimension and however small.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`, `Membership`, `Margin`, or any object with ``dim`` and ``contains``
        The inputs that are errors. Rare errors of a function need a `Margin`.
    center : array, shape (dim,), optional
        Center of the noise; None: the origin.
    sigma : float
        Scale of the noise, finite and > 0, in the unit of the inputs.
    method : str or Method
        "auto", "exact", "crude", "mixture", "line", "directional", "importance", "splitting", or an object of one of
        their classes with other settings. "auto": the closed form if there is one; else the few coordinates that
        matter, and in them the first method of these that suits, chosen by pilot draws.
    rel_error : float, optional
        Stop at this half-width of the interval, relative to the estimate; > 0. It is compared with ``interval`` where
        the guarantee is two-sided without a residual, else with ``spread``.
    n_samples : int, optional
        The budget: at most about so many calls (rows of the function), >= 100, search and guard included. None:
        100,000, or 10,000,000 if ``rel_error`` is given.
    confidence : float
        Of the interval, in (0, 1).
    rng : None, int, SeedSequence, Generator or Stream
        See `isoperimetry.streams.as_stream`. The same rng gives the same bits for any executor and number of workers.
    executor : concurrent.futures.Executor, optional
        Where blocks run: threads, processes, or ``dask.distributed.Client.get_executor()``. None: in this process,
        compiled code in threads. A worker that is a process must be able to unpickle the function.
    progress : bool, callable, Progress or None
        See `isoperimetry.progress.as_progress`; True: a bar with the current estimate.
    record : path, optional
        A file in which finished blocks are kept: the same call with the same file, after it was killed, goes on where
        it was and gives the same answer.

    Returns
    -------
    Estimate
        The number with its interval, guarantee and cost. ``estimate.distance`` is the half-space distance.

    Raises
    ------
    ValueError
        If an argument is outside its range, or ``method`` does not suit the set.
    TypeError
        If an argument has the wrong type.
    NotExact
        If ``method="exact"`` and the set has no closed form.
    FunctionError
        If the function's answer cannot be used, found before anything was measured.
    RunFailed
        If the function or the executor failed later: what had been measured is in its attribute ``estimate``.

    Notes
    -----
    Ctrl-C returns what has been measured so far, with an interval that holds at every number of draws; where the
    guarantee is ASYMPTOTIC or IDEAL_MOVES it does not, and ``notes`` says so. In the search before the first draw that
    counts there is nothing to return: KeyboardInterrupt is raised.

    No method certifies an upper limit below about 3 / N from N calls alone, as the errors might hide in any region of
    that measure. Methods that follow a margin therefore come with plain draws as their guard, and the part of the upper
    limit that stands for what only these could see is the ``residual``.

    Examples
    --------
    >>> import isoperimetry as iso
    >>> print(volume(iso.Ball([200.0] + [0.0] * 783, 197.2178)))
    9.998e-7 (EXACT)
    >>> correlated = iso.UnionOfHalfSpaces([[1, 0, 0], [1, 1, 0], [1, 1, 1]], [1.0, 1.5, 1.0])
    >>> estimate = volume(correlated, rel_error=0.05, rng=1)
    >>> estimate.guarantee.name, estimate.rel_error <= 0.05
    ('FINITE_SAMPLE', True)
    """
    started = time.perf_counter()
    target = as_error_set(error_set)
    middle = np.zeros(target.dim) if center is None else as_center(center, dim=target.dim, owner=_owner(error_set))
    _validate.refuse("center", middle, np.isnan(middle), "finite", "it is one point of the space.")
    scale = _as_scale(sigma)
    confidence = _validate.as_confidence(confidence)
    wanted = None if rel_error is None else _as_rel_error(rel_error)
    if n_samples is not None:
        budget = _validate.as_count("n_samples", n_samples, low=100)
    else:
        budget = N_SAMPLES if wanted is None else N_SAMPLES_AT_MOST
    chosen = as_method(method)
    if callable(getattr(executor, "get_executor", None)):
        raise TypeError(f"executor={type(executor).__name__} is a client of Dask: pass client.get_executor().")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor={executor!r} must have submit(), as in concurrent.futures: pass None for here.")
    shown = as_progress(progress)
    if chosen == "exact" or chosen == "auto":
        known = auto.closed_form(target, middle, scale, confidence, wanted=chosen == "exact")
        if known is not None:
            as_stream(0 if isinstance(rng, np.random.Generator) else rng)  # not needed, but checked
            return dataclasses.replace(known, seconds=time.perf_counter() - started)
    with RunRecord(record) as kept:
        stream = as_stream(rng)
        if rng is None and kept.header is not None:  # the file knows the noise
            stream = Stream(**kept.header["stream"])
        problem = make_problem(target, middle, scale, chosen, described=record is not None)
        kept.begin(
            {
                "problem": problem.description, "center": digest(middle.tobytes()), "sigma": scale, "rel_error": wanted,
                "n_samples": budget, "confidence": confidence, "stream": stream.to_dict(),
                "method": "auto" if isinstance(chosen, str) else chosen.settings(),
            }
        )  # fmt: skip
        blocks = Blocks(executor, kept)
        run = Run(
            stream=stream, confidence=confidence, rel_error=wanted, n_samples=budget, blocks=blocks, progress=shown,
            block_size=None if isinstance(chosen, str) else getattr(chosen, "block_size", None),
        )  # fmt: skip
        try:
            calls, answers = check_function(problem, stream.split("check").key)
            kept.confirm(answers)
            run.spend(calls)
            if isinstance(chosen, str):
                chosen = auto.choose(problem, run)
                # The lines of a set are known in the space of the inputs; functions have no other space.
                if isinstance(problem.target, SetTarget) and not (chosen.reduces or problem.knows_lines):
                    full = make_problem(target, middle, scale, chosen)
                    chosen, problem = auto.in_inputs(chosen, problem, full, run)
            found = assemble.estimate(chosen, problem, run)
        finally:
            blocks.close()
    return dataclasses.replace(found, seconds=time.perf_counter() - started)


def as_method(method: str | Method) -> str | Method:
    """Return "auto", "exact" or a method from what ``method=`` says."""
    if isinstance(method, Method):
        return method
    if isinstance(method, type) and issubclass(method, Method):
        raise TypeError(f"method={method.__name__} is a class: pass an object of it, {method.__name__}().")
    if not isinstance(method, str):
        raise TypeError(f"method={method!r} must be a name or a method: write method='auto'.")
    name = _validate.as_choice("method", method, ("auto", "exact", *METHODS))
    return name if name in ("auto", "exact") else METHODS[name]()


def _as_scale(sigma: Any) -> float:
    value = _validate.as_float("sigma", sigma)
    if value.ndim or not 0 < value < math.inf:
        raise ValueError(
            f"sigma={sigma!r} must be one finite number > 0: without noise the measure is 0 or 1, ask contains(center)."
        )
    return float(value)


def _as_rel_error(rel_error: Any) -> float:
    value = _validate.as_float("rel_error", rel_error)
    if value.ndim or not 0 < value < math.inf:
        raise ValueError(f"rel_error={rel_error!r} must be one finite number > 0: 0.1 is 10 % of the estimate.")
    return float(value)


def _owner(error_set: Any) -> str:
    return type(error_set).__name__
