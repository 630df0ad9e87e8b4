"""The tables of a check, for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import TypeAlias

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from isoperimetry.checks import AuditVerdict
from isoperimetry.results import at_least, at_most
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck
from isoperimetry_bridges.torch.sigma import SigmaStatus

# So wide may a table be in a file or a pipe, which have no width of their own.
WIDE = 200

_STYLE = {AuditVerdict.ATTACK_FAILING: "bold red", AuditVerdict.CONSISTENT: "green", AuditVerdict.UNDECIDED: "default"}


def _length(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _bound(value: float) -> str:
    """Return an upper bound of a length, rounded up."""
    return str(Decimal(value).quantize(Decimal("0.001"), ROUND_CEILING)) if math.isfinite(value) else _length(value)


def _distance(value: float) -> str:
    """Return a distance at which an attack found an error."""
    return "none" if math.isinf(value) else _length(value)


def _header(attack: str) -> str:
    return attack.replace(" of ", "\nof ").replace(" from ", "\nfrom\n")


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


_P_VALUE, _MISSED, _VERDICT = "p-value", "missed\n>=, %", "verdict"

# What a cell of a table holds; its heading is the key.
_Row: TypeAlias = dict[str, str | Text]


def _table(title: str, caption: str, rows: Sequence[_Row]) -> Table:
    """Return a table; all text is shown as it is, whatever looks like markup in names."""
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        caption=Text(caption, style="table.caption"),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for name in rows[0]:
        # A number or a list may be broken where there is no room; a verdict may not.
        least = max(len(word) for row in rows for word in str(row[name]).split()) if name == _VERDICT else None
        table.add_column(Text(name), justify="right", overflow="fold", min_width=least)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row.values()))
    return table


def image_tables(model: ModelCheck, settings: CheckSettings, *, width: int = WIDE) -> list[Table]:
    """Return the tables of one model, a row for each image, for a terminal of ``width`` columns.

    Where a single table is too wide there are two, with intervals below the numbers.
    """
    (whole,) = _image_tables(model, settings, wide=True)
    if Console(width=10 * WIDE).measure(whole).maximum <= width:
        return [whole]
    return _image_tables(model, settings, wide=False)


def _image_tables(model: ModelCheck, settings: CheckSettings, *, wide: bool) -> list[Table]:
    named = {image.image for image in model.convicted_images()}
    scale = [_scale(image, settings, wide=wide) for image in model.images]
    noisy = [_noisy(image, model, convicted=image.image in named, wide=wide) for image in model.images]
    clean = [_clean(image, model) for image in model.images]
    title = f"{model.name}: does {model.attack} miss errors?"
    intervals = f"[..]: {settings.interval_confidence:.0%} intervals. "
    lengths = "Lengths in the unit of the inputs; none: none found. "
    about_noisy = (
        "noise: from noisy copies, medians of the distances to the nearest error found, and the bound on them, a "
        "theorem; p-value, "
        f"missed fraction and verdict of each image for itself, at confidence {settings.confidence:g}. "
    )
    about_clean = "image: from the image itself, where the half-space formula is a prediction, no bound."
    if settings.clip:
        about_clean += " It is one for noise that is not clipped."
    about_noisy += _about_left_out(model, settings)
    if wide:
        return [_table(title, intervals + lengths + about_noisy + about_clean, _joined(scale, noisy, clean))]
    second = [one | other for one, other in zip(scale, clean, strict=True)]
    return [
        _table(title, intervals + lengths + about_noisy, noisy),
        _table(f"{model.name}: noise scale, and nearest errors from the clean image", intervals + about_clean, second),
    ]


def left_out(model: ModelCheck, settings: CheckSettings) -> str:
    """Return of how many images nothing could be audited, and why; empty if all were."""
    wrong, never = len(model.wrong), len(_never_reached(model))
    parts = [f"{wrong} of {len(model.images)} are wrong without noise"] if wrong else []
    if never:
        parts.append(f"on {never} of {len(model.images)} the error rate in noise never reaches {_aim(settings)}")
    return " and ".join(parts)


def _never_reached(model: ModelCheck) -> list[ImageCheck]:
    return [image for image in model.images if image.status == SigmaStatus.NEVER_REACHED.value]


def _aim(settings: CheckSettings) -> str:
    return f"{100 * settings.error_rate:.3g} %"


def _about_left_out(model: ModelCheck, settings: CheckSettings) -> str:
    """Return in words what became of the images that have no numbers in the table."""
    text = ""
    if model.wrong:
        text += f"already wrong: the model errs without noise, so nothing was measured ({_named(model.wrong)}). "
    if never := _never_reached(model):
        text += (
            f"never reached: the model errs on fewer than {_aim(settings)} of the noisy copies up to the largest noise "
            f"looked at, 4 widths of the box, so there is no noise scale to measure at ({_named(never)}). "
        )
    return text


def _named(images: Sequence[ImageCheck], most: int = 8) -> str:
    names = [str(image.image) for image in images[:most]]
    more = f" and {len(images) - most} more" if len(images) > most else ""
    return f"image{'s' if len(images) > 1 else ''} {', '.join(names)}{more}"


def _joined(*parts: Iterable[_Row]) -> list[_Row]:
    rows = []
    for scale, noisy, clean in zip(*parts, strict=True):
        row = scale | noisy
        verdict = {key: row.pop(key) for key in (_P_VALUE, _MISSED, _VERDICT)}
        rows.append(row | {f"image:\n{key}": value for key, value in clean.items() if key != "image"} | verdict)
    return rows


def _scale(image: ImageCheck, settings: CheckSettings, *, wide: bool) -> _Row:
    """Return the scale of the noise and how it was found, by column."""
    search, sigma = image.search, _length(image.sigma)
    if image.audit is not None and search is not None:
        sigma += (" " if wide else "\n") + f"[{_length(search.low)}, {_length(search.high)}]"
    return {
        "image": str(image.image),
        "sigma" if settings.sigma is not None else f"sigma(x0, {settings.error_rate:.3g})": sigma,
        "status": image.status,
    }


def _noisy(image: ImageCheck, model: ModelCheck, *, convicted: bool, wide: bool) -> _Row:
    """Return what was measured in noise, by column."""
    audit = image.audit
    errors, p_value, missed, verdict = "-", "-", "-", Text("not audited")
    if audit is not None and image.error_rate is not None:
        errors = _percent(image.errors / image.trials) + (" " if wide else "\n")
        errors += f"[{_percent(image.error_rate.low)}, {_percent(image.error_rate.high)}]"
        verdict = Text("convicted" if convicted else audit.verdict.value, style=_STYLE[audit.verdict])
        p_value = at_most(audit.p_value, 1)
        if audit.verdict is AuditVerdict.ATTACK_FAILING:
            missed = at_least(100 * audit.missed_fraction, 2)
    distances = {
        f"noise:\n{_header(name)}": "-" if audit is None else _distance(image.noisy_median(name))
        for name in (model.attack, *model.others)
    }
    shown: _Row = {
        "image": str(image.image),
        "errors in\nnoise, %": errors,
        "noise:\nbound": "-" if audit is None else _bound(audit.bound),
        **distances,
    }
    if wide:
        return shown | {_P_VALUE: p_value, _MISSED: missed, _VERDICT: verdict}
    both = p_value if missed == "-" else f"{p_value}\n{missed}"
    return shown | {f"{_P_VALUE}\n{_MISSED}": both, _VERDICT: verdict}


def _clean(image: ImageCheck, model: ModelCheck) -> _Row:
    """Return what was predicted and found from the image itself, by column."""
    found = image.clean_distances.get(model.attack, math.nan)
    comparable = 0 < image.prediction < math.inf and found < math.inf
    return {
        "image": str(image.image),
        "predicted": _length(image.prediction),
        **{
            _header(name): _distance(image.clean_distances.get(name, math.nan))
            for name in (model.attack, *model.others)
        },
        "ratio": f"{found / image.prediction:.2f}" if comparable else "-",
    }


def model_table(models: Sequence[ModelCheck], settings: CheckSettings) -> Table:
    """Return the table of medians over images, a row for each model."""
    rows: list[_Row] = []
    all_audited = all(len(model.audited) == len(model.images) for model in models)
    any_wrong = any(model.wrong for model in models)
    for model in models:
        images = model.audited
        share = bound_share(model)
        count = str(len(images))
        if not all_audited:
            count += f" of {len(model.images)}" + (f"\n{len(model.wrong)} wrong" if model.wrong else "")
        rows.append(
            {
                "model": model.name,
                "images": count,
                "sigma": _length(model.median([i.sigma for i in images])),
                "image:\npredicted": _length(model.median([i.prediction for i in images])),
                f"image:\n{models[0].attack}": _distance(
                    model.median([i.clean_distances[model.attack] for i in images])
                ),
                "image:\nbest": _distance(model.median([min(i.clean_distances.values()) for i in images])),
                "noise:\nbest /\nbound": "none" if math.isinf(share) else "-" if math.isnan(share) else f"{share:.2f}",
                "gradient\nzero, %": _percent(model.median([i.blocked[model.attack] for i in images]))
                if images
                else "-",
                "convicted": f"{model.n_convicted} of {len(images)}",
            }
        )
    return _table(
        "Medians over the audited images",
        ("wrong: without noise, and therefore not audited. " if any_wrong else "")
        + "best: the nearest error that any of the attacks found. gradient zero: share of the noisy copies where the "
        "audited attack met a gradient of exactly zero. convicted: at least so many images, by Holm's procedure at "
        f"family confidence {settings.confidence:g}.",
        rows,
    )


def bound_share(model: ModelCheck) -> float:
    """Return the best attack's median distance from noisy copies over the theorem's bound for it, median over images.

    Images without a bound (no error was counted) and with a bound of zero (the model errs on half of the noise) are
    left out; NaN if all are.
    """
    bounds = [(image, image.audit.bound) for image in model.audited if image.audit is not None]
    return model.median([image.best_noisy_median() / bound for image, bound in bounds if 0 < bound < math.inf])
