"""Errors on corrupted images as rates: of one corruption, their mean, and their ratios to those of another model.

The mean error and the mean corruption error (mCE) of Hendrycks and Dietterich (2019), section 3.3, are different
numbers: the second divides the errors under each corruption by those of a baseline, AlexNet in the paper, before the
mean is taken. Here they are different functions, and the baseline is an argument.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from isoperimetry.intervals import clopper_pearson
from isoperimetry.results import Interval, Record, to_json

NOT_NOISE = ("fog", "contrast")
"""Corruptions that noise training makes worse (Ford, Gilmer, Carlini, Cubuk 2019, section 4): means are also given
without them."""

ALEXNET: dict[str, float] = {
    "clean": 0.435,
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
"""The published baseline of ImageNet-C: mean error over the severities of its files, of AlexNet. Errors that were
counted in memory, or on other images, are not comparable with it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionErrors(Record):
    """Errors of one classifier on the same images under many corruptions.

    Attributes
    ----------
    name : str
        Of the classifier.
    parameters : str
        "imagenet-c" or "cifar-c".
    files : str
        "memory" or "jpeg": what the corrupted images were when they were judged.
    severities : tuple of int
    trials : int
        Images, the same for each corruption and severity.
    clean : int
        Errors on the images as they are.
    errors : dict of str to tuple of int
        For each corruption, the errors at each severity.
    seed : int
    provenance : dict
        What else the counts depend on.

    Examples
    --------
    >>> found = CorruptionErrors(
    ...     name="net", parameters="cifar-c", files="memory", severities=(1, 2), trials=100, clean=10,
    ...     errors={"fog": (20, 40), "snow": (10, 30)}, seed=0,
    ... )
    >>> found.error_rate("fog"), found.mean_error(), found.mean_error(without=["fog"])
    (0.3, 0.25, 0.2)
    >>> found.corruption_error({"fog": 0.6, "snow": 0.8})
    {'fog': 0.5, 'snow': 0.25}
    >>> found.mean_corruption_error({"fog": 0.6, "snow": 0.8})
    0.375
    """

    name: str
    parameters: str
    files: str
    severities: tuple[int, ...]
    trials: int
    clean: int
    errors: dict[str, tuple[int, ...]]
    seed: int
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.name}: mean error {self.mean_error():.4g} under {len(self.errors)} corruptions, "
            f"{self.clean / self.trials:.4g} without ({self.trials} images, {self.parameters}, {self.files})"
        )

    @property
    def clean_error(self) -> float:
        """The error rate on the images as they are."""
        return self.clean / self.trials

    def error_rate(self, corruption: str) -> float:
        """Return the error rate under one corruption, the mean over the severities."""
        counts = self._counts(corruption)
        return sum(counts) / (self.trials * len(counts))

    def interval(self, corruption: str, severity: int | None = None, *, confidence: float = 0.95) -> Interval:
        """Return an interval of an error rate, for images that are a sample of those in question.

        Parameters
        ----------
        corruption : str
            Or "clean".
        severity : int, optional
            Default: the mean over the severities. Their counts are of the same images and not independent: each has an
            interval at a confidence that leaves all of them right together, and the limits are averaged.
        confidence : float

        Returns
        -------
        Interval
            Clopper-Pearson.
        """
        if corruption == "clean":
            return clopper_pearson(self.clean, self.trials, confidence=confidence)
        counts = self._counts(corruption)
        if severity is not None:
            if severity not in self.severities:
                raise ValueError(f"severity={severity!r} was not measured: there are {list(self.severities)}.")
            return clopper_pearson(counts[self.severities.index(severity)], self.trials, confidence=confidence)
        n = len(counts)
        each = [clopper_pearson(count, self.trials, confidence=1 - (1 - confidence) / n) for count in counts]
        return Interval(
            low=math.fsum(one.low for one in each) / n,
            high=math.fsum(one.high for one in each) / n,
            confidence=confidence,
            side="two-sided",
            method=f"mean of {n} Clopper-Pearson intervals",
        )

    def mean_error(self, without: Collection[str] = ()) -> float:
        """Return the mean of the error rates over the corruptions, all but those ``without``; no baseline.

        Without fog and contrast: ``mean_error(without=NOT_NOISE)``.
        """
        kept = self._kept(without)
        return math.fsum(self.error_rate(name) for name in kept) / len(kept)

    def corruption_error(
        self, baseline: CorruptionErrors | Mapping[str, float], *, without: Collection[str] = ()
    ) -> dict[str, float]:
        """Return for each corruption the corruption error CE, the errors over all severities relative to a baseline's.

        Parameters
        ----------
        baseline : CorruptionErrors or mapping of str to float
            Another classifier's errors, counted with the same parameters, severities and files; or for each corruption
            an error rate, the mean over the severities, for instance `ALEXNET`.
        without : collection of str
            Corruptions to leave out.

        Returns
        -------
        dict of str to float
            1 where the classifier is as often wrong as the baseline.

        Raises
        ------
        ValueError
            If the baseline lacks a corruption, made no error under one, or was measured otherwise.
        """
        base = self._baseline(baseline)
        return {name: self.error_rate(name) / _positive(base, name) for name in self._kept(without)}

    def mean_corruption_error(
        self, baseline: CorruptionErrors | Mapping[str, float], *, without: Collection[str] = ()
    ) -> float:
        """Return the mean corruption error mCE: the mean of `corruption_error` over the corruptions."""
        return _mean(self.corruption_error(baseline, without=without))

    def relative_corruption_error(
        self, baseline: CorruptionErrors | Mapping[str, float], *, without: Collection[str] = ()
    ) -> dict[str, float]:
        """Return for each corruption how much errors rise above the clean ones, relative to the baseline's rise.

        Parameters
        ----------
        baseline, without
            As for `corruption_error`; a mapping has its clean error rate under the name "clean".

        Raises
        ------
        ValueError
            As there, or if the baseline's error rate does not rise.
        """
        base = self._baseline(baseline)
        if "clean" not in base:
            raise ValueError("baseline lacks 'clean', its error rate on clean images: relative errors start there.")
        rises = {name: rate - base["clean"] for name, rate in base.items()}
        return {
            name: (self.error_rate(name) - self.clean_error) / _positive(rises, name, "error above its clean one")
            for name in self._kept(without)
        }

    def relative_mean_corruption_error(
        self, baseline: CorruptionErrors | Mapping[str, float], *, without: Collection[str] = ()
    ) -> float:
        """Return the relative mCE: the mean of `relative_corruption_error` over the corruptions."""
        return _mean(self.relative_corruption_error(baseline, without=without))

    def to_dict(self) -> dict[str, Any]:
        """Return what `corruptions_record` returns for this record alone."""
        return corruptions_record([self])

    def _counts(self, corruption: str) -> tuple[int, ...]:
        if corruption not in self.errors:
            raise ValueError(f"corruption={corruption!r} was not measured: there are {', '.join(self.errors)}.")
        return self.errors[corruption]

    def _kept(self, without: Collection[str]) -> list[str]:
        if isinstance(without, str):
            raise TypeError(f"without={without!r} must be a collection of names: write [{without!r}].")
        for name in without:
            self._counts(name)
        kept = [name for name in self.errors if name not in without]
        if not kept:
            raise ValueError(f"without={sorted(without)} leaves no corruption: there is no mean of none.")
        return kept

    def _baseline(self, baseline: CorruptionErrors | Mapping[str, float]) -> dict[str, float]:
        if not isinstance(baseline, CorruptionErrors):
            return {name: float(rate) for name, rate in baseline.items()}
        for field in ("parameters", "severities", "files"):
            mine, theirs = getattr(self, field), getattr(baseline, field)
            if mine != theirs:
                raise ValueError(f"baseline has {field}={theirs!r} but must have {mine!r}: measure both alike.")
        return {"clean": baseline.clean_error, **{name: baseline.error_rate(name) for name in baseline.errors}}


def corruptions_record(models: Sequence[CorruptionErrors]) -> dict[str, Any]:
    """Return the errors of several models on the same images as one JSON-safe record.

    Parameters
    ----------
    models : sequence of CorruptionErrors
        With distinct names, measured alike.

    Returns
    -------
    dict
        ``format``, ``kind`` "corruptions", ``parameters``, ``files``, ``seed``, ``n_images``, ``severities``, for each
        of ``models`` its counts, and in ``summary`` its means.

    Raises
    ------
    ValueError
        If there is no model, two have one name, or they were measured differently.
    """
    if not models:
        raise ValueError("models=[] must hold at least one record.")
    first = models[0]
    shared = {name: getattr(first, name) for name in ("parameters", "files", "seed", "trials", "severities")}
    for one in models[1:]:
        for name, value in shared.items():
            if getattr(one, name) != value:
                raise ValueError(
                    f"models: {one.name!r} has {name}={getattr(one, name)!r} but {first.name!r} has {value!r}: measure "
                    "them alike."
                )
    names = [one.name for one in models]
    if len(set(names)) < len(names):
        raise ValueError(f"models have the names {names} but these must differ: name each classifier.")
    n_images = shared.pop("trials")
    record = {"format": 1, "kind": "corruptions", **shared, "n_images": n_images}
    record["models"] = {
        one.name: {
            "clean_error": {"errors": one.clean, "trials": one.trials},
            "errors": one.errors,
            "trials": one.trials,
            "provenance": one.provenance,
        }
        for one in models
    }
    record["summary"] = {one.name: _summary(one) for one in models}
    found: dict[str, Any] = to_json(record)
    return found


def _summary(one: CorruptionErrors) -> dict[str, float]:
    found = {"clean_error": one.clean_error, "mean_error": one.mean_error()}
    left_out = [name for name in NOT_NOISE if name in one.errors]
    if left_out and len(left_out) < len(one.errors):
        found["mean_error_without_fog_and_contrast"] = one.mean_error(without=left_out)
    return found


def _positive(rates: Mapping[str, float], name: str, what: str = "error") -> float:
    if name not in rates:
        raise ValueError(f"baseline lacks {name!r}: it must have every corruption, or leave it out with without=.")
    if not rates[name] > 0:
        raise ValueError(
            f"baseline has no {what} under {name!r}: a ratio to it says nothing, leave it out with without=."
        )
    return rates[name]


def _mean(values: Mapping[str, float]) -> float:
    return math.fsum(values.values()) / len(values)
