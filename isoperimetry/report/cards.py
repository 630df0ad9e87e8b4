"""Cards of single images: their pictures, and their distances on one ruler."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from isoperimetry.report.folder import Results
from isoperimetry.report.measured import ImageResults, ModelResults
from isoperimetry.report.tables import TONES
from isoperimetry.report.text import reason_kind, three_digits
from isoperimetry.results import at_least, at_most

IMAGE, NOISY = "From the image itself: found, and predicted", "From noisy copies: found, and bounded by the theorem"
_SPREAD = 8.0  # largest over smallest distance from which on the ruler is logarithmic


def card(
    results: Results, number: int, image: ImageResults, *, name: str, shared: Collection[str] = ()
) -> dict[str, Any]:
    """Return what a card shows of an image.

    Parameters
    ----------
    results : Results
        A check.
    number : int
        Place of the model in it.
    image : ImageResults
    name : str
        Becomes the id of the card.
    shared : collection of str
        Reasons that the page gives once for all images.
    """
    model = results.models[number]
    pictures, why_none = results.pictures.of(number, image.image, model.bounds)
    audit = image.audit
    return {
        "id": name,
        "image": image.image,
        "label": image.label,
        "status": image.status,
        "verdict": image.verdict,
        "tone": TONES[image.verdict],
        "pictures": pictures,
        "why_none": why_none,
        "ruler": ruler(model, image),
        "reasons": [] if audit is None else [reason_kind(reason) for reason in audit.reasons if reason not in shared],
        "facts": facts(image),
    }


def facts(image: ImageResults) -> str:
    """Return one line on what the card rests on."""
    if image.audit is None:
        return "The attack was not judged here."
    limits = f"{100 * image.rate_low:.2f} to {100 * image.rate_high:.2f} %"
    text = f"{image.errors:,} errors in {image.trials:,} noise draws ({limits}) at \u03c3 = {image.sigma:.3g}"
    if image.audit.n_zero:
        text += f"; {image.audit.n_zero} of {image.audit.n_starts} starts were errors already"
    return f"{text}; p = {at_most(image.p_value)} among all images."


def ruler(model: ModelResults, image: ImageResults) -> dict[str, Any] | None:
    """Return the distances of an image with their places on a common axis; None if there is none.

    Returns
    -------
    dict
        "log": whether the axis is logarithmic; "ticks": (place in per cent, text); "rows": each with "group", "kind"
        ("found", "noisy", "bound", "prediction", "noise"), "text", "said", "place" and, of intervals, "low" and "high"
        in per cent. "edge" is "right" for a distance at which nothing was found; "beyond" is where the bound is, for
        the rows that it bounds, else None.
    """
    rows: list[dict[str, Any]] = []

    def row(
        group: str, kind: str, text: str, value: float, said: str = "", limits: tuple[float, float] | None = None
    ) -> None:
        if not math.isnan(value):
            said = said or three_digits(value)
            rows.append({"group": group, "kind": kind, "text": text, "value": value, "said": said, "limits": limits})

    for attack, distance in image.clean_distances.items():
        row(IMAGE, "found", attack, distance, "none found" if distance == math.inf else "")
    low, high = image.prediction_low, image.prediction_high
    limits = f"{three_digits(image.prediction)} [{three_digits(low)}, {three_digits(high)}]"
    if math.isinf(image.prediction):  # no error was counted
        limits = f"\u2265 {at_least(low)}"
    row(IMAGE, "prediction", "half-space prediction", image.prediction, limits, (low, high))
    if image.audit is not None and model.dim is not None:
        row(IMAGE, "noise", "a typical noisy copy", image.sigma * math.sqrt(model.dim))
    for attack in image.noisy_distances:
        distance = image.noisy_median(attack)
        row(NOISY, "noisy", f"{attack}, median", distance, "none found" if distance == math.inf else "")
    if image.audit is not None:
        bound = image.audit.bound
        limit = "none" if bound == math.inf else f"\u2264 {three_digits(float(at_most(bound, 3)))}"
        row(NOISY, "bound", "bound on the median", bound, limit)
    values = [v for r in rows for v in (r["value"], *(r["limits"] or ())) if 0 < v < math.inf]
    if not values:
        return None
    low, high = min(values), max(values)
    log = high > _SPREAD * low
    low, high = (low / 1.25, high * 1.25) if log else (0.0, high * 1.1)

    def place(value: float) -> float:
        part = math.log(value / low) / math.log(high / low) if log and value > 0 else (value - low) / (high - low)
        return round(100 * min(max(part, 0.0), 1.0), 2)

    for r in rows:
        value, limits = r.pop("value"), r.pop("limits")
        r["edge"] = "right" if value == math.inf else "left" if log and value <= 0 else ""
        r["place"] = 100.0 if value == math.inf else place(value)
        if limits:
            r["low"], r["high"] = (100.0 if limit == math.inf else place(limit) for limit in limits)
    bound = math.inf if image.audit is None else image.audit.bound
    for r in rows:
        r["beyond"] = place(bound) if r["kind"] in ("noisy", "bound") and bound < math.inf else None
    ticks = [(place(tick), f"{tick:g}") for tick in (_log_ticks(low, high) if log else _ticks(high))]
    return {"log": log, "ticks": ticks, "rows": rows}


def _log_ticks(low: float, high: float) -> Iterable[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)  # as many as have room for their numbers
    return [tick for p in powers for s in steps if low <= (tick := float(f"{s}e{p}")) <= high]


def _ticks(high: float) -> Iterable[float]:
    """Return ticks from 0 in steps of 1, 2 or 5 times a power of ten."""
    step = next(s for p in range(-12, 13) for m in (1, 2, 5) if high / (s := float(f"{m}e{p}")) <= 6)
    return [step * i for i in range(math.floor(high / step) + 1)]
