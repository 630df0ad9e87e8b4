"""What a search for sigma(x0, mu) returns, whichever it was: the record, and how it ended."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

from isoperimetry.bounds import halfspace_distance
from isoperimetry.results import Record
from isoperimetry_bridges.torch.arguments import ImageId


class SigmaStatus(enum.Enum):
    """How a search for sigma(x0, mu) ended."""

    BRACKETED = "bracketed"
    NEVER_REACHED = "never reached"
    ALREADY_WRONG = "already wrong"
    BELOW_RANGE = "below range"
    NOT_MONOTONE = "not monotone"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SigmaSearch(Record):
    """The result of `find_sigma` for one image; every count in it was measured.

    Attributes
    ----------
    image : int or str
        The image's id.
    status : SigmaStatus
        BRACKETED: the rate passes the wanted one at ``sigma``, and was not seen below it again. NOT_MONOTONE: it passes
        there, but at a larger scale it is below again with confidence. NEVER_REACHED: it is lower at the largest scale,
        and at no octave was it seen higher; ``sigma`` is inf. BELOW_RANGE: at the smallest scale it is higher already.
        ALREADY_WRONG: the model is wrong without noise; ``sigma`` is 0.
    sigma : float
        The scale at which the number of errors is nearest to the wanted one.
    errors, trials : int
        The counts at ``sigma``, at the largest scale where it is inf. Of the ``trials`` draws the followed ones were
        judged there, the others count as right.
    error_rate : float
        The wanted rate.
    low, high : float
        An interval of sigma(x0, mu) at ``confidence``; 0 and inf where nothing bounds it. See `find_sigma` for what it
        assumes.
    confidence : float
        Of the interval.
    distance, distance_low, distance_high : float
        The half-space distance -sigma z(mu) at ``sigma``, ``low`` and ``high``: a prediction of the clean image's
        distance from its nearest error if the errors are a half-space. For other sets it is no bound on that distance.
    upper : float
        The scale at which all draws were judged; only the errors there, and the draws nearest to being one, were
        followed to smaller scales. NaN where no draw was followed.
    n_followed : int
        Draws that were judged at ``sigma`` and at ``low``: the errors at ``upper``, and those of ``n_checked``.
    n_checked : int
        Draws that are right at ``upper`` and were judged at ``sigma`` and ``low`` too.
    n_reentered : int
        How many draws that are right at ``upper`` were found wrong at a smaller scale; they count as errors there.
    n_calls : int
        Forward passes.
    looks : tuple of (sigma, errors, trials)
        Counts in order of sigma: a few draws at each octave, all draws at the scales that decided.
    preset : str
        "strict" or "ford2019".
    """

    image: ImageId
    status: SigmaStatus
    sigma: float
    errors: int
    trials: int
    error_rate: float
    low: float
    high: float
    confidence: float
    distance: float
    distance_low: float
    distance_high: float
    upper: float = math.nan
    n_followed: int = 0
    n_checked: int = 0
    n_reentered: int = 0
    n_calls: int
    looks: tuple[tuple[float, int, int], ...] = ()
    preset: str = "strict"

    @property
    def rel_error(self) -> float:
        """Half the width of the interval over ``sigma``; inf where it is not bounded, NaN where there is none."""
        return (self.high - self.low) / (2 * self.sigma) if 0 < self.sigma < math.inf else math.nan

    @classmethod
    def make(cls, *, sigma: float, low: float, high: float, error_rate: float, **fields: Any) -> SigmaSearch:
        """Return a record with the distances that belong to its scales."""
        distances = [_distance(error_rate, scale) for scale in (low, high)]
        return cls(
            sigma=sigma,
            low=low,
            high=high,
            error_rate=error_rate,
            distance=_distance(error_rate, sigma),
            distance_low=math.nan if math.isnan(low) else min(distances),
            distance_high=math.nan if math.isnan(high) else max(distances),
            **fields,
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> SigmaSearch:
        """Return the record that `to_dict` made."""
        read: dict[str, Any] = {
            name: float(value) if value in ("inf", "-inf", "nan") and name not in ("image", "preset") else value
            for name, value in fields.items()
            if not isinstance(value, list)
        }
        looks = tuple((float(sigma), int(errors), int(trials)) for sigma, errors, trials in fields["looks"])
        return cls(**{**read, "status": SigmaStatus(fields["status"]), "looks": looks})

    def __str__(self) -> str:
        return (
            f"image {self.image}: sigma={self.sigma:.4g} in [{self.low:.4g}, {self.high:.4g}], "
            f"{self.errors} errors of {self.trials} ({self.status.value})"
        )


def _distance(error_rate: float, sigma: float) -> float:
    if math.isnan(sigma):
        return math.nan
    if math.isinf(sigma):  # the formula leaves 0 * inf open, at a rate of 1/2
        return 0.0 if error_rate == 0.5 else math.copysign(math.inf, 0.5 - error_rate)
    return float(halfspace_distance(error_rate, sigma)) if sigma else 0.0


def already_wrong(image: ImageId, *, error_rate: float, confidence: float, preset: str) -> SigmaSearch:
    """Return the record of an image that the model gets wrong without noise: one forward pass."""
    return SigmaSearch.make(
        image=image,
        status=SigmaStatus.ALREADY_WRONG,
        sigma=0.0,
        errors=0,
        trials=0,
        error_rate=error_rate,
        low=0.0,
        high=0.0,
        confidence=confidence,
        n_calls=1,
        preset=preset,
    )
