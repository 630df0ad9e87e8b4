"""What a check found, for people: tables for the terminal and a reading in two sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.table import Table

from isoperimetry.checks import AuditVerdict
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck

_STYLE = {AuditVerdict.ATTACK_FAILING: "bold red", AuditVerdict.CONSISTENT: "green", AuditVerdict.UNDECIDED: ""}


def _number(value: float, digits: int = 3) -> str:
    if math.isnan(value):
        return "-"
    return "none found" if math.isinf(value) else f"{value:.{digits}f}"


def _ratio(value: float, prediction: float) -> str:
    return f"{value / prediction:.2f}" if prediction > 0 and math.isfinite(value) else "-"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _columns(table: Table, names: Iterable[str]) -> None:
    for name in names:
        table.add_column(name, justify="right", overflow="fold")


def image_table(model: ModelCheck, settings: CheckSettings) -> Table:
    """Return the table of one model, a row for each image."""
    table = Table(
        title=f"{model.name}: is {model.attack} missing errors?",
        title_justify="left",
        caption_justify="left",
        caption=(
            f"[..] {settings.interval_confidence:.0%} intervals; verdicts at confidence {settings.confidence:g}. "
            "Lengths in the unit of the inputs. Clean image: the half-space formula is a prediction, no bound. "
            "Noisy copies: the bound is a theorem."
        ),
    )
    sigma = "sigma" if settings.sigma is not None else f"sigma(x0, {settings.error_rate:.3g})"
    _columns(
        table,
        (
            "image",
            sigma,
            "errors in noise, %",
            "clean:\npredicted",
            f"clean:\n{model.attack}",
            "ratio",
            "noisy:\nbound",
            f"noisy:\n{model.attack}, median",
            "noisy: best\nattack, median",
            "p-value",
            "missed on at\nleast, %",
            "verdict",
        ),
    )
    named = {image.image for image in model.convicted_images()}
    for image in model.images:
        table.add_row(*_image_row(image, model.attack, convicted=image.image in named))
    return table


def _image_row(image: ImageCheck, attack: str, *, convicted: bool) -> list[str]:
    audit, rate = image.audit, image.error_rate
    if audit is None or rate is None:
        return [str(image.image), *["-"] * 10, image.status]
    sigma = _number(image.sigma)
    if image.search is not None:
        sigma += f" [{_number(image.search.low)}, {_number(image.search.high)}]"
        if image.status != "bracketed":
            sigma += f" {image.status}"
    verdict = "convicted" if convicted else audit.verdict.value
    style = _STYLE[audit.verdict]
    missed = audit.missed_fraction if audit.verdict is AuditVerdict.ATTACK_FAILING else math.nan
    return [
        str(image.image),
        sigma,
        f"{_percent(image.errors / image.trials)} [{_percent(rate.low)}, {_percent(rate.high)}]",
        f"{_number(image.prediction)} [{_number(image.prediction_low)}, {_number(image.prediction_high)}]",
        _number(image.clean_distances[attack]),
        _ratio(image.clean_distances[attack], image.prediction),
        _number(audit.bound),
        _number(image.noisy_median(attack)),
        _number(image.best_noisy_median()),
        f"{audit.p_value:.1e}" if audit.p_value < 1 else "1",
        "-" if math.isnan(missed) else f"{100 * missed:.1f}",
        f"[{style}]{verdict}[/]" if style else verdict,
    ]


def model_table(models: Sequence[ModelCheck], settings: CheckSettings) -> Table:
    """Return the table of medians over images, a row for each model."""
    table = Table(
        title="Medians over the audited images",
        title_justify="left",
        caption_justify="left",
        caption=f"Convicted: at least so many images, by Holm's procedure (family confidence {settings.confidence:g}).",
    )
    _columns(
        table,
        (
            "model",
            "images",
            "sigma",
            "clean:\npredicted",
            "clean: audited\nattack",
            "clean: best\nattack",
            "noisy: best attack\n/ bound",
            "gradient\nzero, %",
            "convicted",
        ),
    )
    for model in models:
        images = model.audited
        table.add_row(
            model.name,
            str(len(images)),
            _number(model.median([i.sigma for i in images])),
            _number(model.median([i.prediction for i in images])),
            _number(model.median([i.clean_distances[model.attack] for i in images])),
            _number(model.median([min(i.clean_distances.values()) for i in images])),
            _number(_bound_fraction(model), 2),
            f"{100 * model.median([i.blocked[model.attack] for i in images]):.0f}" if images else "-",
            f"{model.n_convicted} of {len(images)}",
        )
    return table


def _bound_fraction(model: ModelCheck) -> float:
    """Return the best attack's median distance from noisy copies over the theorem's bound for it, median over images.

    Images without a bound (no error was counted) and with a bound of zero (the model errs on half of the noise) are
    left out; NaN if all are.
    """
    bounds = [(image, image.audit.bound) for image in model.audited if image.audit is not None]
    return model.median([image.best_noisy_median() / bound for image, bound in bounds if 0 < bound < math.inf])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def reading(models: Sequence[ModelCheck], settings: CheckSettings) -> str:
    """Return what the tables say, in two sentences that need no theory."""
    audited = [model for model in models if model.audited]
    if not audited:
        return (
            "No image could be audited. Each was either wrong without noise, or never wrong often enough in noise: "
            "the status in the table says which."
        )
    guilty = [model for model in audited if model.n_convicted]
    cleared = [model for model in audited if not model.n_convicted]
    sentences = []
    if guilty:
        parts = []
        for model in guilty:
            named = [i.audit for i in model.convicted_images() if i.audit is not None]
            parts.append(
                f"{model.name} (at least {model.n_convicted} of {len(model.audited)} images, "
                f"p <= {max(a.p_value for a in named):.0e}, "
                f"on at least {100 * min(a.missed_fraction for a in named):.0f} % of the noisy copies of each)"
            )
        sentences.append(
            f"{guilty[0].attack} provably misses errors on {_listed(parts)}: its errors in noise force other errors "
            f"nearer than the attack found, so its distances there say nothing about robustness."
        )
    if cleared:
        sentence = (
            f"{cleared[0].attack} is not convicted on {_listed([m.name for m in cleared])}: "
            f"over the bound, the best attack's median distance from noisy copies is "
            f"{_listed([f'{_number(_bound_fraction(m), 2)} for {m.name}' for m in cleared])}"
        )
        by_name = {model.name: model for model in cleared}
        if {"clean", "noisy"} <= set(by_name) and settings.sigma is None:
            clean, noisy = by_name["clean"], by_name["noisy"]
            sigmas = [m.median([i.sigma for i in m.audited]) for m in (clean, noisy)]
            lengths = [m.median([min(i.clean_distances.values()) for i in m.audited]) for m in (clean, noisy)]
            sentence += (
                f"; from {clean.name} to {noisy.name}, trained in noise, the noise tolerated goes from "
                f"{sigmas[0]:.2f} to {sigmas[1]:.2f} and the nearest error from {lengths[0]:.2f} to {lengths[1]:.2f}"
            )
        sentences.append(sentence + ".")
        if not guilty:
            sentences.append(
                "That is no proof that the attack is good: nearer errors may exist that noise does not show."
            )
    else:
        sentences.append(
            "Use a stronger attack, one that does not need this model's gradients, before you trust a distance."
        )
    return " ".join(sentences)
