"""The record of what was measured around one input, wherever it was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.checks.audit import SAMPLINGS, as_distances, as_scale
from isoperimetry.checks.verdict import Sampling
from isoperimetry.intervals import beta_binomial, clopper_pearson
from isoperimetry.results import Interval, Record, Side

Origin = Literal["clean", "noisy"]
Kind = Literal["found", "certified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Record):
    """Counts in Gaussian noise around one input, and distances.

    Attributes
    ----------
    errors, trials : int
        Errors among independent draws of the noise.
    sigma : float
        Scale of the noise, > 0, in the unit of the inputs and of the distances.
    distances : tuple of float
        From ``origin``, in [0, inf]; empty if only the error rate was measured. Any sequence is accepted.
    origin : {"noisy", "clean"}
        Whether the distances are from fresh draws of the noise, about which the theorem speaks, or from the clean
        input, about which it does not.
    kind : {"found", "certified"}
        Distances to errors that were found and verified are upper bounds (0: already wrong, inf: nothing found);
        certified ones are lower bounds (0: nothing certified).
    sampling : {"fixed", "sequential"}
        Whether ``trials`` was chosen in advance, or the counts decided when to stop.
    conditional : bool, optional
        Whether starts that were already wrong were left out of ``distances``; None: not known, see `audit_attack`.
    independent : bool
        Whether the starts are other draws than those counted.
    norm : float
        p of the l_p norm of the distances, in [1, inf].
    dim : int, optional
        Dimension of the inputs.
    clipping : bool
        Whether the noisy points were clipped to the box of the inputs, and the attack confined to it. Distances must
        then be measured from the clipped points; the bound holds as before, equality for half-spaces does not.
    provenance : mapping of str
        Where it comes from: model, data, seed, versions, as JSON-safe values.

    Examples
    --------
    >>> measurement = Measurement(errors=10, trials=1000, sigma=0.1)
    >>> print(measurement)
    10 errors in 1000 draws at sigma = 0.1: rate in [0.004805, 0.01832] (two-sided, 0.95, Clopper-Pearson), no distances
    >>> print(measurement.error_rate(confidence=0.95))
    [0.004805, 0.01832] (two-sided, 0.95, Clopper-Pearson)
    """

    errors: int
    trials: int
    sigma: float
    distances: tuple[float, ...] = ()
    origin: Origin = "noisy"
    kind: Kind = "found"
    sampling: Sampling = "fixed"
    conditional: bool | None = None
    independent: bool = True
    norm: float = 2.0
    dim: int | None = None
    clipping: bool = False
    provenance: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        errors, trials = _validate.as_errors_of_trials(self.errors, self.trials)
        distances: tuple[float, ...] = ()
        if np.size(self.distances):
            distances = tuple(as_distances(self.distances).tolist())
        _validate.as_choice("origin", self.origin, ("noisy", "clean"))
        _validate.as_choice("kind", self.kind, ("found", "certified"))
        _validate.as_choice("sampling", self.sampling, SAMPLINGS)
        noise_stretch(self.norm, dim=self.dim)
        values = {
            "errors": errors,
            "trials": trials,
            "sigma": as_scale(self.sigma),
            "distances": distances,
            "conditional": None if self.conditional is None else bool(self.conditional),
            "norm": float(self.norm),
            "dim": None if self.dim is None else _validate.as_count("dim", self.dim, low=1),
            "provenance": dict(self.provenance),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def error_rate(self, *, confidence: float = 0.95, side: Side = "two-sided") -> Interval:
        """Return the interval of the error rate that is valid for this sampling."""
        interval = clopper_pearson if self.sampling == "fixed" else beta_binomial
        return interval(self.errors, self.trials, confidence=confidence, side=side)

    def with_distances(
        self,
        distances: ArrayLike,
        *,
        sigma: float,
        origin: Origin = "noisy",
        kind: Kind = "found",
        conditional: bool | None = None,
        independent: bool = True,
        norm: float = 2.0,
        dim: SupportsIndex | None = None,
    ) -> Measurement:
        """Return these counts together with distances that were measured around the same input.

        Parameters
        ----------
        distances : array, shape (M,)
            In [0, inf], in the unit of ``sigma``.
        sigma : float
            Scale of the noise of their starts, which must be that of the counts.
        origin, kind, conditional, independent, norm, dim
            See the attributes; ``dim`` is taken from the counts if it is not given.

        Returns
        -------
        Measurement

        Raises
        ------
        ValueError
            If the scales differ, or an argument is out of range.

        Examples
        --------
        >>> counted = Measurement(errors=10, trials=1000, sigma=0.1)
        >>> print(counted.with_distances([0.2, 0.3], sigma=0.1))  # doctest: +ELLIPSIS
        10 errors in 1000 draws at sigma = 0.1: ..., 2 found distances from noisy points: 0.2 to 0.3
        """
        if as_scale(sigma) != self.sigma:
            raise ValueError(
                f"sigma={sigma!r} of the distances differs from sigma={self.sigma!r} of the counts: both must be draws "
                "of one noise, so count errors at the scale of the starts."
            )
        values = {
            "distances": distances,
            "origin": origin,
            "kind": kind,
            "conditional": conditional,
            "independent": independent,
            "norm": norm,
            "dim": self.dim if dim is None else dim,
        }
        return replace(self, **values)  # type: ignore[arg-type]

    def __str__(self) -> str:
        counted = [
            f"{self.errors} errors in {self.trials} draws at sigma = {self.sigma:g}: rate in {self.error_rate()}"
        ]
        if "ties" in self.provenance:
            counted.append(f"{self.provenance['ties']} ties")
        if self.provenance.get("wrong_without_noise"):
            counted.append("wrong without noise already")
        text = ", ".join([*counted, ""])
        if not self.distances:
            return text + "no distances"
        nearest, farthest = min(self.distances), max(self.distances)
        limits = f"{nearest:.4g}" if nearest == farthest else f"{nearest:.4g} to {farthest:.4g}"
        points = "noisy points" if self.origin == "noisy" else "the clean input"
        reach = "inf (nothing found)" if nearest == math.inf else limits
        return f"{text}{len(self.distances)} {self.kind} distances from {points}: {reach}"
