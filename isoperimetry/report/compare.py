"""Two models compared image by image: paired differences with a sign test, and what must not be compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from isoperimetry.report.folder import Results
from isoperimetry.report.measured import ImageResults, ModelResults
from isoperimetry.report.paired import Paired, paired
from isoperimetry.results import Record

# setting -> what it is, for those that decide what a number is about
_SETTINGS = {
    "sigma": "scale of the noise",
    "error_rate": "error rate aimed at",
    "n_samples": "noise draws an image",
    "n_starts": "noisy starts an image",
    "confidence": "confidence",
    "attack": "audited attack",
    "clip": "clipping",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """Two models on the images that both were checked on.

    Attributes
    ----------
    first, second : str
        Model names, with the run where there is more than one.
    images : tuple
        Ids of the shared images; ``pairs`` holds what was measured on them.
    pairs : tuple of (ImageResults, ImageResults)
    measures : tuple of Paired
    notes : tuple of str
        What is not comparable, and how to read the rest.
    """

    first: str
    second: str
    images: tuple[int | str, ...]
    pairs: tuple[tuple[ImageResults, ImageResults], ...] = dataclasses.field(repr=False)
    measures: tuple[Paired, ...]
    notes: tuple[str, ...]


def within(results: Results) -> list[Comparison]:
    """Return the comparisons of each model of a check with its first one, on the images that both have."""
    first, *others = results.models or (None,)
    if first is None:
        return []
    names = [(first.name, other.name) for other in others]
    found = [_compare(results, first, results, other, names=n) for n, other in zip(names, others, strict=True)]
    return [comparison for comparison in found if comparison.images]


def across(first: Results, second: Results) -> list[Comparison]:
    """Return the comparisons of two runs: each model of the second with its namesake, else with the first model.

    Raises
    ------
    ValueError
        If different models have one name, or the runs share no image.
    """
    found = []
    for one, other in _aligned(first, second):
        named = {model.name: model for model in one.models}
        for model in other.models:
            partner = named.get(model.name)
            if partner is not None and partner.fingerprint != model.fingerprint:
                raise ValueError(
                    f"{one.folder} and {other.folder} have different models under the name {model.name!r} "
                    f"(fingerprints {partner.fingerprint} and {model.fingerprint}): check one of them under another "
                    "name."
                )
            names = f"{partner.name if partner else one.models[0].name} ({first.name})", f"{model.name} ({second.name})"
            found.append(_compare(one, partner or one.models[0], other, model, names=names))
    shared = [comparison for comparison in found if comparison.images]
    if not shared:
        raise ValueError(
            f"{first.folder} and {second.folder} share no image: paired comparison needs checks of the same images "
            "under the same ids."
        )
    return shared


def _aligned(first: Results, second: Results) -> Iterable[tuple[Results, Results]]:
    if first.kind == second.kind == "check":
        return [(first, second)]
    if first.kind != second.kind:
        raise ValueError(
            f"{first.folder} is a {first.kind} and {second.folder} a {second.kind}: compare two of a kind, for "
            "instance a check with the folder of one subject."
        )
    parts = {part.name: part for part in first.parts}
    return [(parts[part.name], part) for part in second.parts if part.name in parts]


def _same_image(one: Results, model: ModelResults, other: Results, second: ModelResults, a: ImageResults) -> bool:
    """Return whether an id means the same image in both: by its pixels where both kept them, else by their data."""
    if one is other:
        return True
    places = one.models.index(model), other.models.index(second)
    left, right = one.pictures.get(places[0], a.image, "image"), other.pictures.get(places[1], a.image, "image")
    if left is not None and right is not None:
        return left.shape == right.shape and bool((left == right).all())
    return _data(one) == _data(other)


def _data(results: Results) -> object:
    record = results.record
    return record.get("data_sha256") or (record.get("source"), record.get("of_images"))


def _compare(
    one: Results, model: ModelResults, other: Results, second: ModelResults, *, names: tuple[str, str]
) -> Comparison:
    known = {image.image: image for image in model.images}
    pairs = [
        (known[image.image], image)
        for image in second.images
        if image.image in known
        and known[image.image].label == image.label
        and _same_image(one, model, other, second, image)
    ]
    notes: list[str] = []
    searched = one.settings.get("sigma") is None and other.settings.get("sigma") is None
    aims = one.settings.get("error_rate"), other.settings.get("error_rate")
    same_aim = searched and aims[0] is not None and aims[0] == aims[1]
    same_sigma = bool(pairs) and all(a.sigma == b.sigma for a, b in pairs if a.audit and b.audit)
    same_box = model.bounds == second.bounds
    for name, what in _SETTINGS.items() if one is not other else ():
        a, b = one.settings.get(name), other.settings.get(name)
        if a != b:
            notes.append(f"The runs differ in {what}: {_setting(a)} and {_setting(b)}.")
    if not same_box:
        notes.append(
            f"The input boxes differ ({_box(model)} and {_box(second)}), so that lengths are in different units: no "
            "length is compared."
        )
    measures: list[Paired] = []
    if same_aim and same_box:
        rate = f"{100 * float(one.settings['error_rate']):g} %"
        measures += paired(
            f"noise scale at an error rate of {rate}", pairs, lambda image: image.sigma if image.audit else math.nan
        )
    elif same_box and not same_sigma:
        notes.append("The noise scales were not chosen alike, so that they are not compared.")
    if same_sigma and not searched:
        measures += paired("error rate in noise", pairs, lambda image: image.rate)
        measures += paired("median distance from noisy copies", pairs, lambda image: image.best_noisy_median())
    else:
        notes.append(
            "Error rates and distances from noisy copies belong to each image's own noise scale: not compared."
        )
    if same_box:
        measures += paired("nearest error found from the image", pairs, lambda image: image.nearest)
        if set(model.attacks) != set(second.attacks):
            notes.append(
                "The attacks differ. Distances are those of errors that were found: a larger one may be a weaker "
                "attack's, and no more robust model's."
            )
    if second.n_convicted and not model.n_convicted:
        notes.append(f"{second.attack} is convicted on {names[1]}: its own distances there mean little.")
    if model.fingerprint == second.fingerprint:
        seeds = [str(run.record.get("seed")) for run in (one, other)]
        drawn = f" (seed {seeds[0]}, then {seeds[1]})" if seeds[0] != seeds[1] else ""
        notes.append(
            f"Both have the same fingerprint: weights and settings are the same, only the check differs{drawn}."
        )
    return Comparison(
        first=names[0],
        second=names[1],
        images=tuple(a.image for a, _ in pairs),
        pairs=tuple(pairs),
        measures=tuple(measures),
        notes=tuple(notes),
    )


def _setting(value: object) -> str:
    return "searched for each image" if value is None else f"{value}"


def _box(model: ModelResults) -> str:
    return f"[{model.bounds[0]:g}, {model.bounds[1]:g}]"
