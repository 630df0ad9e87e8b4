"""What a check found, in two sentences that need no theory."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from isoperimetry.results import at_least, at_most
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.summary import bound_share


def reading(
    models: Sequence[ModelCheck], settings: CheckSettings, *, trained_in_noise: tuple[str, str] | None = None
) -> str:
    """Return the reading; ``trained_in_noise`` names two models, the second one trained in noise, to be compared."""
    audited = [model for model in models if model.audited]
    if not audited:
        return (
            "No image could be audited. Each was either wrong without noise, or never wrong often enough in noise: "
            "the status in the table says which."
        )
    guilty = [model for model in audited if model.n_convicted]
    cleared = [model for model in audited if not model.n_convicted]
    first = _convicted(guilty, settings) if guilty else _not_convicted(cleared)
    if guilty and cleared:
        second = _not_convicted(cleared)
    elif guilty:
        second = _advice(guilty)
    else:
        second = "That is no proof that the attack is good: nearer errors may exist that noise does not show"
    if trained_in_noise is not None:
        second += _compared(*(model for name in trained_in_noise for model in models if model.name == name))
    return f"{first}. {second}."


def _convicted(guilty: Sequence[ModelCheck], settings: CheckSettings) -> str:
    parts, found = [], []
    for model in guilty:
        family = model.family
        assert family is not None  # a model without audits convicts nothing
        worst = max(family.adjusted_p_values[i] for i in family.convicted)
        share = min(model.joint_missed[i] for i in family.convicted)
        part = (
            f"{model.name}, on at least {model.n_convicted} of {len(model.audited)} images (p <= {at_most(worst, 1)})"
        )
        if share > 0:
            part += f" and there on at least {at_least(100 * share, 2)} % of the noisy copies of each"
        parts.append(part)
        if math.isfinite(bound_share(model)):
            found.append(_share(model))
    words = (
        f"At confidence {settings.confidence:g}, {guilty[0].attack} provably misses errors on {_listed(parts)}: the "
        "errors counted in noise force others to lie nearer than those it found, so its distances there cannot be "
        "taken for the distance of the nearest error"
    )
    if found:
        words += f" (the other attacks did find such errors, at a median distance of {_listed(found)})"
    return words


def _not_convicted(cleared: Sequence[ModelCheck]) -> str:
    names = _listed([model.name for model in cleared])
    shares = _listed([_share(model) for model in cleared])
    return (
        f"{cleared[0].attack} is not convicted on {names}: the median distance of the nearest errors found from noisy "
        f"copies is {shares}"
    )


def _share(model: ModelCheck) -> str:
    share = bound_share(model)
    if math.isnan(share):
        return f"without a bound for {model.name}"
    return f"none found for {model.name}" if math.isinf(share) else f"{share:.2f} of the bound for {model.name}"


def _advice(guilty: Sequence[ModelCheck]) -> str:
    blocked = max(model.median([image.blocked[model.attack] for image in model.audited]) for model in guilty)
    if blocked < 0.5:
        return "Use a stronger attack before you trust a distance"
    return (
        f"Use an attack that needs no gradient of this model, since it was exactly zero on {100 * blocked:.0f} % of "
        "the noisy copies"
    )


def _compared(plain: ModelCheck, noisy: ModelCheck) -> str:
    """Compare two models on the images that were audited on both."""
    others = {image.image: image for image in noisy.audited}
    pairs = [(image, others[image.image]) for image in plain.audited if image.image in others]
    if not pairs:
        return ""
    nearest = [(min(a.clean_distances.values()), min(b.clean_distances.values())) for a, b in pairs]
    sigmas = [(a.sigma, b.sigma) for a, b in pairs]
    parts = [
        f"{what} is larger on {sum(b > a for a, b in values)} (median {_median([a for a, _ in values])}, then "
        f"{_median([b for _, b in values])})"
        for what, values in (("the noise scale tolerated", sigmas), ("the nearest error found", nearest))
    ]
    return f"; from {plain.name} to {noisy.name}, trained in noise, of {len(pairs)} images {_listed(parts)}"


def _median(values: Sequence[float]) -> str:
    value = statistics.median(values)
    return "none found" if math.isinf(value) else f"{value:.2f}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
