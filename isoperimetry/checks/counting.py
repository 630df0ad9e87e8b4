"""Errors in Gaussian noise of any classifier that is a function: scikit-learn, JAX, a remote service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry.checks.audit import as_scale
from isoperimetry.checks.measurement import Measurement
from isoperimetry.intervals import beta_binomial
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import RandomLike, Stream, add_noise, as_stream

Predict = Callable[[Any], Any]
IsError = Callable[[Any, Any], ArrayLike]

# A batch of the default size holds at most this many numbers: 32 MB in float64.
BATCH_NUMBERS, BATCH_ROWS = 2**22, 1000
# Rows that are asked twice, before anything is counted.
REPEATED = 16
# With `rel_error`, the interval is looked at when the draws have grown by this factor: any looks are valid.
GROWTH = 1.1


def measure_error_rate(
    predict: Predict,
    x: ArrayLike,
    label: Any,
    *,
    sigma: float,
    n_samples: SupportsIndex = 10_000,
    rel_error: float | None = None,
    confidence: float = 0.95,
    error: IsError | None = None,
    clip: tuple[float, float] | None = None,
    batch_size: SupportsIndex | None = None,
    rng: RandomLike = None,
    progress: ProgressLike = None,
) -> Measurement:
    r"""Count how often a classifier is wrong on ``x + sigma * z``, z being standard normal noise.

    Draw i has the noise of index i of a stream, whatever the batches. Ctrl-C returns what was counted so far.

    Parameters
    ----------
    predict : callable
        ``predict(batch)`` with a batch of shape (n, \*x.shape) returns n labels, shape (n,): numbers, strings or
        whatever compares with ``label``. It must be deterministic: it is asked twice about 16 draws to see. It may be
        any function that takes NumPy arrays, such as the ``predict`` of a scikit-learn model.
    x : array
        The input around which noise is drawn, of any shape; float32 stays float32, all else becomes float64.
    label : object
        The label that counts as right, for every draw.
    sigma : float
        Scale of the noise, > 0, in the unit of ``x``.
    n_samples : int
        Draws, >= 1; the most of them with ``rel_error``.
    rel_error : float, optional
        Stop earlier, once half the width of the interval of the error rate is at most this fraction of its middle, in
        (0, 1). The counts then decide when to stop, and ``sampling`` is "sequential".
    confidence : float
        Of that interval, a `beta_binomial` one, which holds at all looks at once; in (0, 1).
    error : callable, optional
        ``error(outputs, label)`` returns n booleans, what counts as an error, in place of ``outputs != label``. The
        outputs may then be anything with n rows, such as scores.
    clip : (float, float), optional
        Clip the noisy inputs to this range before the classifier sees them. Distances must then be measured from the
        clipped points.
    batch_size : int, optional
        Rows a call, >= 1; by default 1000, or what 32 MB hold. A classifier whose answers depend on the batch (float32
        arithmetic) must keep it for the attack.
    rng : None, int, SeedSequence, Generator or Stream
        See `isoperimetry.streams.as_stream`; the noise is that of its stream "count".
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    Measurement
        Without distances, which `Measurement.with_distances` adds; ``provenance`` holds the stream, the batch size and
        whether the count was interrupted.

    Raises
    ------
    TypeError
        If ``predict`` is no callable, or what it returns cannot be compared with ``label``.
    ValueError
        If an argument is out of range, ``x`` holds infinities or NaN, or ``predict`` (or ``error``) returns another
        number of labels, scores in their place, NaN, or something else when asked again.
    KeyboardInterrupt
        If nothing was counted yet.

    Notes
    -----
    After Ctrl-C ``sampling`` is "sequential", as whoever pressed it may have seen the counts.

    Examples
    --------
    >>> import numpy as np
    >>> def predict(batch):
    ...     return (batch.sum(axis=1) > 2.0).astype(int)
    >>> measured = measure_error_rate(predict, [0.5, 0.5], 0, sigma=0.5, n_samples=2000, rng=0)
    >>> measured.trials, measured.sampling
    (2000, 'fixed')
    >>> exact = 0.0786  # of the half-space x_1 + x_2 > 2, at a distance of 0.707
    >>> measured.error_rate().low < exact < measured.error_rate().high
    True
    """
    if not callable(predict):
        raise TypeError(
            f"predict={predict!r} must be a callable that takes a batch: pass model.predict, not the model."
        )
    if error is not None and not callable(error):
        raise TypeError(f"error={error!r} must be a callable error(outputs, label), or None.")
    center = _as_center(x)
    scale = as_scale(sigma)
    total = _validate.as_count("n_samples", n_samples, low=1)
    if rel_error is not None:
        rel_error = float(_validate.as_confidence(rel_error, "rel_error"))
    confidence = _validate.as_confidence(confidence)
    rows = max(1, min(BATCH_ROWS, BATCH_NUMBERS // max(center.size, 1)))
    if batch_size is not None:
        rows = _validate.as_count("batch_size", batch_size, low=1)
    limits = None if clip is None else _as_limits(clip)
    stream = as_stream(rng).split("count")
    ask = _Question(predict, label, error, center, scale, stream, limits)

    ask.twice(min(REPEATED, rows, total))
    errors = trials = 0
    look, reached, interrupted = 0.0, False, False
    with as_progress(progress).start("errors in noise", total) as stage:
        try:
            while trials < total and not reached:
                count = min(rows, total - trials)
                wrong = ask.errors(trials, count)
                errors, trials = errors + wrong, trials + count  # both at once, should Ctrl-C come between
                stage.advance(count)
                if rel_error is not None and trials >= look:
                    reached, look = _is_precise(errors, trials, rel_error, confidence), GROWTH * trials
        except KeyboardInterrupt:
            if trials == 0:
                raise
            interrupted = True
    return Measurement(
        errors=errors,
        trials=trials,
        sigma=scale,
        sampling="sequential" if interrupted or rel_error is not None else "fixed",
        dim=center.size,
        clipping=limits is not None,
        provenance={
            "stream": stream.to_dict(),
            "batch_size": rows,
            "dtype": str(center.dtype),
            "n_samples": total,
            "interrupted": interrupted,
        },
    )


class _Question:
    """Asks the classifier about draws by their indices, and checks every answer."""

    def __init__(
        self,
        predict: Predict,
        label: Any,
        error: IsError | None,
        center: NDArray[Any],
        sigma: float,
        stream: Stream,
        limits: tuple[float, float] | None,
    ) -> None:
        self.predict, self.label, self.error = predict, label, error
        self.center, self.sigma, self.stream, self.limits = center, sigma, stream, limits

    def errors(self, first: int, count: int) -> int:
        """Return the number of errors among the draws ``first`` to ``first + count - 1``."""
        return int(np.count_nonzero(self.wrong(self.predict(self.batch(first, count)), count)))

    def twice(self, count: int) -> None:
        """Refuse a classifier that answers otherwise when asked again, in a batch of the same size."""
        once, again = (self.wrong(self.predict(self.batch(0, count)), count) for _ in range(2))
        changed = int(np.count_nonzero(once != again))
        if changed:
            raise ValueError(
                f"predict judged {changed} of {count} draws otherwise when asked again: the bound is about one fixed "
                "set of errors, so switch off dropout and the like, or fix its seed."
            )

    def batch(self, first: int, count: int) -> NDArray[Any]:
        """Return a batch of its own, which the classifier may change."""
        points = np.empty((count, self.center.size), self.center.dtype)
        add_noise(self.center.ravel(), self.sigma, stream=self.stream, first=first, out=points)
        if self.limits is not None:
            np.clip(points, *self.limits, out=points)
        return points.reshape(count, *self.center.shape)

    def wrong(self, outputs: Any, count: int) -> NDArray[np.bool_]:
        """Return which answers are errors, shape (count,)."""
        if self.error is not None:
            found = np.asarray(self.error(outputs, self.label))
            if found.shape != (count,) or found.dtype != np.bool_:
                raise ValueError(
                    f"error returned {_named(found)} for {count} draws: it must return one boolean for each."
                )
            return found
        labels = np.asarray(outputs)
        if labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1:
            raise ValueError(
                f"predict returned {_named(labels)} for {count} draws, which look like scores: return "
                "their argmax(axis=1), or pass error= that judges them."
            )
        if labels.shape != (count,):
            raise ValueError(f"predict returned {_named(labels)} for {count} draws: it must return ({count},) labels.")
        if labels.dtype.kind in "fc" and np.isnan(labels).any():
            bad = int(np.isnan(labels).sum())
            raise ValueError(f"predict returned NaN for {bad} of {count} draws: a label must say right or wrong.")
        label = np.asarray(self.label)
        if label.ndim:
            raise TypeError(
                f"label has shape {label.shape} but must be one label, that of x: it is kept for all draws."
            )
        if label.dtype.kind in "fc" and np.isnan(label):
            raise ValueError("label=nan must equal itself: pass what predict returns for x.")
        numbers = "biufc"
        if "O" not in (label.dtype.kind, labels.dtype.kind) and (
            (label.dtype.kind in numbers) != (labels.dtype.kind in numbers)
        ):
            raise TypeError(
                f"label={self.label!r} can never equal what predict returns, {_named(labels)}: pass the label as "
                f"predict would say it, such as {labels[0].item()!r}."
            )
        wrong: NDArray[np.bool_] = np.asarray(labels != self.label, dtype=np.bool_)
        return wrong


def _named(array: NDArray[Any]) -> str:
    return f"an array of {array.dtype} of shape {array.shape}"


def _is_precise(errors: int, trials: int, rel_error: float, confidence: float) -> bool:
    interval = beta_binomial(errors, trials, confidence=confidence)
    return interval.high - interval.low <= rel_error * (interval.high + interval.low)


def _as_center(x: ArrayLike) -> NDArray[Any]:
    array = np.asarray(x)
    center: NDArray[Any] = array if array.dtype == np.float32 else _validate.as_float("x", array)
    if center.size == 0:
        raise ValueError(f"x has shape {center.shape}: it holds no number to which noise could be added.")
    _validate.refuse("x", center, ~np.isfinite(center), "finite", "it is the input around which noise is drawn.")
    return center


def _as_limits(clip: tuple[float, float]) -> tuple[float, float]:
    array = _validate.as_float("clip", clip)
    if array.shape != (2,) or not array[0] < array[1]:
        raise ValueError(f"clip={clip!r} must be (low, high) with low < high: the range of the inputs, such as (0, 1).")
    return float(array[0]), float(array[1])
