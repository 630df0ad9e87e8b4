"""What a check found, in two sentences that need no theory."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from isoperimetry.checks import AuditVerdict, least_starts
from isoperimetry.results import at_least, at_most
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.summary import bound_share, left_out


def reading(
    models: Sequence[ModelCheck], settings: CheckSettings, *, trained_in_noise: tuple[str, str] | None = None
) -> str:
    """Return the reading; ``trained_in_noise`` names two models, the second one trained in noise, to be compared."""
    warning = "".join(f"{_suspicion(model, alone=len(models) == 1)}. " for model in models if model.suspect)
    audited = [model for model in models if model.audited]
    if not audited:
        if len(models) == 1 and len(models[0].wrong) == len(models[0].images):  # the warning has said it
            return f"{warning}No image could be audited."
        reasons = [left_out(model, settings) if len(models) == 1 else _of_each(model, settings) for model in models]
        return f"{warning}No image could be audited: {'; '.join(reasons)}."
    guilty = [model for model in audited if model.n_convicted]
    cleared = [model for model in audited if not model.n_convicted]
    first = _convicted(guilty, settings) if guilty else _not_convicted(cleared, settings)
    if guilty and cleared:
        second = _not_convicted(cleared, settings)
    elif guilty:
        second = _advice(guilty)
    else:
        second = "That is no proof that the attack is good: nearer errors may exist that noise does not show"
    if trained_in_noise is not None:
        second += _compared(*(model for name in trained_in_noise for model in models if model.name == name))
    return f"{warning}{first}. {second}."


def _suspicion(model: ModelCheck, *, alone: bool) -> str:
    """Return what labels that are off by one look like, or images that the model was not trained on."""
    about = "" if alone else f"{model.name}: "
    wrong = f"{len(model.wrong)} of {len(model.images)} images are wrong without noise"
    return f"{about}{wrong}: check labels and normalisation"


def _of_each(model: ModelCheck, settings: CheckSettings) -> str:
    return f"{model.name}: {left_out(model, settings)}"


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
            found.append(f"{bound_share(model):.2f} for {model.name}")
    words = (
        f"At confidence {settings.confidence:g}, {guilty[0].attack} provably misses errors on {_listed(parts)}: the "
        "errors counted in noise force others to lie nearer than those it found, so its distances there cannot be "
        "taken for the distance of the nearest error"
    )
    if found:
        words += f" (the other attacks found errors at this share of the bound: {_listed(found)})"
    return words


def _not_convicted(cleared: Sequence[ModelCheck], settings: CheckSettings) -> str:
    shares = {model.name: bound_share(model) for model in cleared}
    near = [f"{share:.2f} for {name}" for name, share in shares.items() if math.isfinite(share)]
    failed = [name for name, share in shares.items() if math.isinf(share)]
    unbound = [name for name, share in shares.items() if math.isnan(share)]
    parts = []
    if near:
        parts.append(
            "the nearest errors that any of the attacks found from noisy copies lie, in the median, at this share of "
            f"the bound: {_listed(near)}"
        )
    if failed:
        parts.append(f"no attack found an error from half of the noisy copies of {_listed(failed)}")
    if unbound:
        parts.append(f"the errors counted in noise give no bound for {_listed(unbound)}")
    if settings.n_starts < least_starts(confidence=settings.confidence):
        parts.append(f"with {settings.n_starts} starts an image nothing can be convicted at this confidence")
    return (
        f"{cleared[0].attack} is not convicted on {_listed([_named(model) for model in cleared])}: {'; '.join(parts)}"
    )


def _named(model: ModelCheck) -> str:
    undecided = sum(image.audit is not None and image.audit.verdict is AuditVerdict.UNDECIDED for image in model.images)
    return f"{model.name} ({undecided} of {len(model.audited)} images undecided)" if undecided else model.name


def _advice(guilty: Sequence[ModelCheck]) -> str:
    blocked = max(model.median([image.blocked[model.attack] for image in model.audited]) for model in guilty)
    if blocked < 0.5:
        return "Use a stronger attack before you trust a distance"
    return (
        f"Use an attack that needs no gradient of this model, since the gradient was exactly zero on "
        f"{100 * blocked:.0f} % of the noisy copies"
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
        f"{what} on {sum(b > a for a, b in values)} (median {_median([a for a, _ in values])}, then "
        f"{_median([b for _, b in values])})"
        for what, values in (
            ("the noise scale tolerated is larger", sigmas),
            ("the nearest error found is farther", nearest),
        )
    ]
    return f"; from {plain.name} to {noisy.name}, trained in noise, of {len(pairs)} images {_listed(parts)}"


def _median(values: Sequence[float]) -> str:
    value = statistics.median(values)
    return "none found" if math.isinf(value) else f"{value:.2f}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
