"""The thesis as a statistic: whether, over nets, errors in noise, corruption errors and attack distances rank alike."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from isoperimetry.checks.ranks import LEAST, rank_correlation
from isoperimetry.results import to_json
from isoperimetry_bridges.torch.corruptions import EXTRA, NOT_NOISE, CorruptionErrors
from isoperimetry_bridges.torch.records import ModelCheck
from isoperimetry_bridges.torch.sigma import SigmaStatus

QUANTITIES = {
    "error_in_noise": "mean error in noise of one scale, over images",
    "mean_corruption_error": "mean error over the standard corruptions and severities",
    "corruption_error_without_fog_and_contrast": "the same mean without fog and contrast",
    "attack_distance": "median over images of the nearest error found from the clean image",
}

_CORRUPTION = ("mean_corruption_error", "corruption_error_without_fog_and_contrast")


def attack_distance(model: ModelCheck) -> float:
    """Return the median over images of the nearest error found: 0 where the model errs without noise, inf if none was.

    Images whose error rate never reaches the wanted one are not attacked: they count as farther than all others.
    """
    distances = []
    for image in model.images:
        wrong = image.status == SigmaStatus.ALREADY_WRONG.value
        distances.append(0.0 if wrong else min(image.clean_distances.values(), default=math.inf))
    return float(statistics.median_low(distances))


def thesis(
    models: Sequence[ModelCheck],
    noise: Mapping[str, Mapping[str, Mapping[str, int]]],
    corruptions: Mapping[str, CorruptionErrors],
    *,
    sigma: float,
    defences: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the nets of one subject have of each quantity, and the rank correlations; JSON-safe.

    Parameters
    ----------
    models : sequence of ModelCheck
    noise : mapping from net to mapping from scale to {"errors": int, "trials": int}
    corruptions : mapping from net to CorruptionErrors
        May be empty: then nothing is said about corruptions.
    sigma : float
        The scale at which nets are compared in noise.
    defences : sequence of str
        Nets that are another one behind a defence: the rest is ranked for itself too.
    """
    nets = []
    for model in models:
        counted = noise[model.name][f"{sigma:g}"]
        net: dict[str, Any] = {
            "name": model.name,
            "defence": model.name in defences,
            "error_in_noise": counted["errors"] / counted["trials"],
            "attack_distance": attack_distance(model),
        }
        if model.name in corruptions:
            found = corruptions[model.name]
            net["mean_corruption_error"] = found.mean_error(without=EXTRA)
            net["corruption_error_without_fog_and_contrast"] = found.mean_error(without=(*EXTRA, *NOT_NOISE))
        nets.append(net)
    trained = [net for net in nets if not net["defence"]]
    groups = {"all nets": nets} | ({"nets without a defence": trained} if len(trained) < len(nets) else {})
    ranked = [one for name, group in groups.items() for one in _correlations(name, group)]
    record = {
        "format": 1,
        "kind": "thesis",
        "sigma": sigma,
        "quantities": QUANTITIES,
        "nets": nets,
        "correlations": ranked,
        "note": _note(nets, trained, ranked),
    }
    safe: dict[str, Any] = to_json(record)
    return safe


def _correlations(group: str, nets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for first, second in itertools.combinations(QUANTITIES, 2):
        pairs = [(net[first], net[second]) for net in nets if first in net and second in net]
        columns = list(zip(*pairs, strict=True))
        if {first, second} == {*_CORRUPTION}:
            continue  # one is a part of the other
        if len(pairs) < LEAST or any(len(set(column)) == 1 for column in columns):
            continue  # too few, or all equal: there is no order
        found.append({"nets": group, "x": first, "y": second, **rank_correlation(*columns).to_dict()})
    return found


def _note(nets: Sequence[Any], trained: Sequence[Any], found: Sequence[Any]) -> str:
    if not found:
        return (
            f"{len(nets)} {'net is' if len(nets) == 1 else 'nets are'} too few for a rank correlation, or all are "
            f"equal: it takes at least {LEAST} with different numbers."
        )
    words = (
        f"{len(nets)} nets that were chosen, on one set of images, are no sample of all nets: the correlations "
        "describe these nets, the intervals take them for independent draws, and a correlation says nothing "
        "about causes"
    )
    if len(trained) < len(nets):
        words += (
            f"; {len(nets) - len(trained)} of the nets are one network behind different defences, so that their errors "
            "are much alike"
        )
    return f"{words}."
