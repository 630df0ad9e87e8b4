"""What a check found, for people: tables for the terminal and a reading in two sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from isoperimetry.checks import AuditVerdict
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck

# From these widths on a terminal shows more columns; the widest shows intervals too.
MEDIUM, WIDE = 115, 150

_STYLE = {AuditVerdict.ATTACK_FAILING: "bold red", AuditVerdict.CONSISTENT: "green", AuditVerdict.UNDECIDED: "default"}


def _number(value: float, digits: int = 3) -> str:
    if math.isnan(value):
        return "-"
    return "none" if math.isinf(value) else f"{value:.{digits}f}"


def _ratio(value: float, prediction: float) -> str:
    return f"{value / prediction:.2f}" if prediction > 0 and math.isfinite(value) else "-"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def image_table(model: ModelCheck, settings: CheckSettings, *, width: int = WIDE) -> Table:
    """Return the table of one model, a row for each image, for a terminal of ``width`` columns."""
    table = Table(
        title=f"{model.name}: does {model.attack} miss errors?",
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption=(
            (f"[..] {settings.interval_confidence:.0%} intervals; v" if width >= WIDE else "V")
            + f"erdicts at confidence {settings.confidence:g}. "
            "Lengths in the unit of the inputs. Clean image: the half-space formula is a prediction, no bound. "
            "Noisy copies: medians, and the bound on them, a theorem."
        ),
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
    )
    named = {image.image for image in model.convicted_images()}
    rows = [
        _cells(image, model.attack, settings, convicted=image.image in named, width=width) for image in model.images
    ]
    for name in rows[0]:
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    return table


def _cells(image: ImageCheck, attack: str, settings: CheckSettings, *, convicted: bool, width: int) -> dict[str, str]:
    """Return the row of one image by column; a column that holds nothing for it holds a dash."""
    audit, search, wide = image.audit, image.search, width >= WIDE
    sigma, errors, verdict, missed, median, best, p_value = "-", "-", "not audited", "-", "-", "-", "-"
    if audit is not None and image.error_rate is not None:
        sigma, errors = _number(image.sigma), _percent(image.errors / image.trials)
        if wide:
            errors += f" [{_percent(image.error_rate.low)}, {_percent(image.error_rate.high)}]"
            sigma += f" [{_number(search.low)}, {_number(search.high)}]" if search is not None else ""
        style = _STYLE[audit.verdict]
        verdict = f"[{style}]{'convicted' if convicted else audit.verdict.value}[/]"
        missed = f"{100 * audit.missed_fraction:.0f}" if audit.verdict is AuditVerdict.ATTACK_FAILING else "-"
        median, best = _number(image.noisy_median(attack)), _number(image.best_noisy_median())
        p_value = f"{audit.p_value:.0e}" if audit.p_value < 1 else "1"
    clean = image.clean_distances.get(attack, math.nan)
    sigma_name = "sigma" if settings.sigma is not None else f"sigma(x0, {settings.error_rate:.3g})"
    columns = {
        "image": str(image.image),
        sigma_name: sigma,
        "status": image.status,
        "errors in\nnoise, %": errors,
        "clean:\npredicted": _number(image.prediction),
        f"clean:\n{attack}": _number(clean),
        "ratio": _ratio(clean, image.prediction),
        "noisy:\nbound": _number(audit.bound) if audit is not None else "-",
        f"noisy:\n{attack}": median,
        "noisy:\nbest": best,
        "p-value": p_value,
        "missed\n>=, %": missed,
        "verdict": verdict,
    }
    hidden = set() if wide else {"ratio", "missed\n>=, %"}
    if width < MEDIUM:
        hidden |= {"status", "clean:\npredicted", f"clean:\n{attack}", "errors in\nnoise, %"}
    return {name: value for name, value in columns.items() if name not in hidden}


def model_table(models: Sequence[ModelCheck], settings: CheckSettings) -> Table:
    """Return the table of medians over images, a row for each model."""
    table = Table(
        title="Medians over the audited images",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        caption_justify="left",
        caption=(
            f"Convicted: at least so many images, by Holm's procedure (family confidence {settings.confidence:g}). "
            "none: no error found on half of them."
        ),
    )
    for name in (
        "model",
        "images",
        "sigma",
        "clean:\npredicted",
        "clean: audited\nattack",
        "clean: best\nattack",
        "noisy: best\nattack / bound",
        "gradient\nzero, %",
        "convicted",
    ):
        table.add_column(name, justify="right", overflow="fold")
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


def _share_of_bound(model: ModelCheck) -> str:
    share = _bound_fraction(model)
    if math.isinf(share):
        return f"none found for {model.name}"
    return f"{_number(share, 2)} of the bound for {model.name}"


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
            f"{cleared[0].attack} is not convicted on {_listed([m.name for m in cleared])}: the best attack's median "
            f"distance from noisy copies is {_listed([_share_of_bound(m) for m in cleared])}"
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
