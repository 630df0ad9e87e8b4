"""A gate: the mean error rate in noise is shown to be at most a limit, or it is not."""

from __future__ import annotations

import dataclasses

from isoperimetry.intervals import clopper_pearson
from isoperimetry.results import Record, at_most
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Record):
    """Whether a model's mean error rate in noise, over the images, is shown to be small enough.

    Attributes
    ----------
    model : str
    errors, trials : int
        Of all images together. Of an image that is wrong without noise all draws count as errors.
    wrong : int
        Images of that kind.
    limit : float
        Upper limit of the mean error rate, at ``confidence``.
    max_error : float
        What was asked for.
    confidence : float
    met : bool
        ``limit <= max_error``.
    """

    model: str
    errors: int
    trials: int
    wrong: int
    limit: float
    max_error: float
    confidence: float
    met: bool

    def __str__(self) -> str:
        return (
            f"{self.model}: mean error rate in noise <= {at_most(self.limit, 3)} ({self.errors} errors in "
            f"{self.trials} draws, confidence {self.confidence:g}), gate {self.max_error:g}: "
            f"{'met' if self.met else 'not met'}"
        )

    def sentence(self) -> str:
        """Return what was shown, or what was not."""
        assumed = ""
        if self.wrong:
            images = "1 image is" if self.wrong == 1 else f"{self.wrong} images are"
            assumed = f" ({images} wrong without noise, and count as errors in every draw)"
        counted = f"{self.errors} errors in {self.trials} draws{assumed}"
        if self.met:
            return f"{counted} show a mean error rate in noise of at most {at_most(self.limit, 3)}."
        # The rate that was seen may be small enough, and the draws too few to show it.
        cure = ", which more draws may show to be met" if self.errors <= self.max_error * self.trials else ""
        return (
            f"{counted} leave room for a mean error rate in noise of {at_most(self.limit, 3)}, above the gate of "
            f"{self.max_error:g}{cure}."
        )


def refuse_gate(max_error: float, settings: CheckSettings) -> None:
    """Refuse, before anything is measured, a gate that has no meaning.

    Raises
    ------
    ValueError
        If there is not one noise scale, or the limit is no rate that could be shown at this confidence.
    """
    if settings.sigma is None:
        raise ValueError("--max-error needs --sigma: an error rate is gated at one noise scale.")
    if not 0 < max_error <= 1:
        raise ValueError(f"--max-error={max_error} must be in (0, 1]: it is a probability, and 0 cannot be shown.")
    if settings.confidence < 0.9:
        raise ValueError(
            f"--confidence={settings.confidence} must be at least 0.9 with --max-error: its limit is valid from there."
        )


def gate(checked: ModelCheck, max_error: float, settings: CheckSettings) -> Gate:
    """Return whether the mean error rate of a checked model is shown to be at most ``max_error``.

    The images' rates differ; the sum of their counts is then less spread than the binomial of the mean rate (Hoeffding
    1956), so that Clopper-Pearson's limit is valid for the mean. Of an image that was wrong without noise all draws
    count as errors, which is the most that they can be.

    Parameters
    ----------
    checked : ModelCheck
        Checked with one ``sigma`` for all images.
    max_error : float
        In (0, 1].
    settings : CheckSettings
        Those of the check; the limit has its ``confidence``.
    """
    errors = sum(image.errors if image.audit else settings.n_samples for image in checked.images)
    trials = settings.n_samples * len(checked.images)
    limit = clopper_pearson(errors, trials, confidence=settings.confidence, side="upper").high
    return Gate(
        model=checked.name,
        errors=errors,
        trials=trials,
        wrong=sum(not image.audit for image in checked.images),
        limit=float(limit),
        max_error=max_error,
        confidence=settings.confidence,
        met=bool(limit <= max_error),
    )
