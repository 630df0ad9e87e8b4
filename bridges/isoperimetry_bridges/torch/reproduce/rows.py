"""The table of the published pipeline's shortcomings: what each is, both numbers, and the difference in a sentence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from isoperimetry_bridges.torch.records import ModelCheck
from isoperimetry_bridges.torch.reproduce.defects import PUBLISHED_COUNT, start_medians
from isoperimetry_bridges.torch.sigma import SigmaStatus

Measured = Mapping[str, Sequence[Mapping[str, Any]]]
"""What `measure_defects` returned for each net."""

_NOTHING = "nothing was measured"


def defect_rows(
    measured: Measured,
    checked: Sequence[ModelCheck],
    memory: Mapping[str, int | None],
    *,
    dim: int,
    batch_bytes: int,
    n_samples: int,
) -> list[dict[str, Any]]:
    """Return ten rows, (a) to (j): ``defect``, ``what``, ``ford2019``, ``strict`` and ``effect``.

    Parameters
    ----------
    measured : mapping from net to what `measure_defects` returned
    checked : sequence of ModelCheck
        All nets, for how often a search does not end in a bracket.
    memory : mapping from net to bytes
        By how much the process grew while errors were counted; None where that is not known.
    dim : int
        Numbers in an image.
    batch_bytes : int
        Of one batch of noisy copies.
    n_samples : int
        How many were counted meanwhile.
    """
    makers: tuple[tuple[str, str, Callable[[], tuple[Any, Any, str]]], ...] = (
        ("a", "The distance of a failed attack is returned as if an error had been found.", lambda: _failed(measured)),
        ("b", "The first wrong iterate is returned, without a search back to the boundary.", lambda: _walk(measured)),
        ("c", "In the adjusted mode the steps do not reach the radius that they may.", lambda: _budget(measured)),
        ("d", "The iterate after the last step is never looked at.", lambda: _last(measured)),
        ("e", "Only correct starts are attacked, but judged by the bound for all.", lambda: _starts(measured)),
        ("f", "The scale that is returned is not the one whose error rate is returned.", lambda: _rate(measured)),
        ("g", "There is no interval.", lambda: _interval(measured)),
        ("h", "Ends of the bracket are returned for answers, and the rate is taken to grow with the scale.",
         lambda: _brackets(measured, checked)),
        ("i", "All noise is held in memory.", lambda: _memory(memory, dim, batch_bytes, n_samples)),
        ("j", "There is no seed: no run can be repeated.", lambda: _seeds(measured)),
    )  # fmt: skip
    rows = []
    for defect, what, make in makers:
        ford2019, strict, effect = make()
        rows.append({"defect": defect, "what": what, "ford2019": ford2019, "strict": strict, "effect": effect})
    return rows


def _arrays(images: Sequence[Mapping[str, Any]], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([np.zeros(0), *(np.array(one[name], float) for one in images if name in one)])


def _median(values: Sequence[float] | np.ndarray[Any, Any]) -> float:
    return float(statistics.median_low(list(values))) if len(values) else math.nan


def _said(value: float) -> str:
    return "infinite" if math.isinf(value) else f"{value:.3g}"


def _by_net(measured: Measured, tell: Callable[[str, Sequence[Mapping[str, Any]]], str | None]) -> str:
    parts = [text for name, images in measured.items() if (text := tell(name, images))]
    return f"{'; '.join(parts)}." if parts else f"{_NOTHING}."


def _failed(measured: Measured) -> tuple[Any, Any, str]:
    medians: dict[str, tuple[float, float]] = {}

    def tell(name: str, images: Sequence[Mapping[str, Any]]) -> str | None:
        returned, found = _arrays(images, "returned"), _arrays(images, "found") > 0
        if not len(returned):
            return None
        medians[name] = _median(returned), _median(np.where(found, returned, math.inf))
        return (
            f"{name}: {int((~found).sum())} of {len(found)} attacks failed; the median distance is "
            f"{_said(medians[name][0])} with and {_said(medians[name][1])} without their distances taken for found ones"
        )

    effect = _by_net(measured, tell)
    return {k: v[0] for k, v in medians.items()}, {k: _text(v[1]) for k, v in medians.items()}, effect


def _text(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _walk(measured: Measured) -> tuple[Any, Any, str]:
    ratios: list[float] = []
    for images in measured.values():
        returned, walked, found = (_arrays(images, name) for name in ("returned", "walked", "found"))
        kept = (found > 0) & (walked > 0) & np.isfinite(walked)
        ratios += (returned[kept] / walked[kept]).tolist()
    if not ratios:
        return None, 1.0, "No attack succeeded, so that there is nothing to walk back."
    median, largest = _median(ratios), max(ratios)
    return (
        median,
        1.0,
        f"The distance of the first wrong iterate is {median:.3f} times that of the boundary on the way to it (median "
        f"of {len(ratios)} attacks, at most {largest:.2f} times).",
    )


def _budget(measured: Measured) -> tuple[Any, Any, str]:
    reach = [one["travelled"] for images in measured.values() for one in images if "travelled" in one]
    moved = [one for one in reach if one > 0]
    if not moved:
        return None, 1.0, f"{_NOTHING.capitalize()}."
    return (
        max(moved),
        1.0,
        f"Of the radius eps the 200 adjusted steps reach {max(moved):.3f} at most (200 / 225 = 0.889), median over "
        f"{len(moved)} images {_median(moved):.3f}; on {len(reach) - len(moved)} images no start could move.",
    )


def _last(measured: Measured) -> tuple[Any, Any, str]:
    last = int(sum(_arrays(images, "last_wrong").sum() for images in measured.values()))
    total = sum(len(_arrays(images, "last_wrong")) for images in measured.values())
    return last, 0, f"{last} of {total} attacks met their first error with the last step, and were counted as failed."


def _starts(measured: Measured) -> tuple[Any, Any, str]:
    medians = [start_medians(one["large"]) for images in measured.values() for one in images if "large" in one]
    known = [one for one in medians if one is not None and math.isfinite(one["correct"])]
    if not known:
        return None, None, "No attack succeeded at the larger error rate."
    larger = _median([one["bound_correct"] / one["bound_all"] for one in known])
    correct, every = (_median([one[kind] for one in known]) for kind in ("correct", "all"))
    seems, reached = (_median([one[kind] / one["bound_all"] for one in known]) for kind in ("correct", "all"))
    return (
        seems,
        reached,
        f"At an error rate of {_median([one['mu'] for one in known]):.2f} (median of {len(known)} images) the nearest "
        f"error found is {correct:.2f} sigma from correct starts and {every:.2f} from all; the bound for correct ones "
        f"is {larger:.2f} times that for all, so that by the wrong one the attack seems to reach {seems:.2f} of the "
        f"bound instead of {reached:.2f}.",
    )


def _rate(measured: Measured) -> tuple[Any, Any, str]:
    images = [one for group in measured.values() for one in group]
    reported = [one["reported"][0] / max(one["reported"][1], 1) for one in images]
    fresh = [one["fresh"][0] / one["fresh"][1] for one in images]
    if not images:
        return None, None, f"{_NOTHING.capitalize()}."
    gaps = [abs(a - b) for a, b in zip(reported, fresh, strict=True)]
    return (
        _median(reported),
        _median(fresh),
        f"Rates reported with the scale have the median {100 * _median(reported):.2f} %; counted afresh at the scale "
        f"that was returned it is {100 * _median(fresh):.2f} %, and the two differ by {100 * max(gaps):.2f} percentage "
        f"points at most ({len(images)} images).",
    )


def _interval(measured: Measured) -> tuple[Any, Any, str]:
    images = [one for group in measured.values() for one in group]
    pairs = [
        (np.array(one["width"], float), np.array(one["strict_distance"], float), one["reported"][1]) for one in images
    ]
    pairs = [pair for pair in pairs if np.isfinite(pair[0]).all() and np.isfinite(pair[1]).all()]
    if not pairs:
        return None, None, "No image had errors enough for an interval that is bounded."
    published, strict = ([float(pair[k][1] - pair[k][0]) for pair in pairs] for k in (0, 1))
    low, high = (_median([float(pair[0][k]) for pair in pairs]) for k in (0, 1))
    return (
        None,
        _median(strict),
        f"With {pairs[0][2]} draws the 95 % interval of the half-space distance is [{low:.2f}, {high:.2f}] sigma "
        f"(medians of {len(pairs)} images), {_median(published):.2f} wide and not told; that of the strict counts is "
        f"{_median(strict):.2f} wide and told.",
    )


def _brackets(measured: Measured, checked: Sequence[ModelCheck]) -> tuple[Any, Any, str]:
    statuses = [one["published_status"] for images in measured.values() for one in images]
    ends = sum(status != SigmaStatus.BRACKETED.value for status in statuses)
    strict = [image.search.status for model in checked for image in model.images if image.search is not None]
    counts = {
        status.value: sum(one is status for one in strict)
        for status in (SigmaStatus.NEVER_REACHED, SigmaStatus.BELOW_RANGE, SigmaStatus.NOT_MONOTONE)
    }
    told = ", ".join(f"{name} on {count}" for name, count in counts.items())
    return (
        ends,
        counts,
        f"The published search returned an end of its bracket for {ends} of {len(statuses)} images; of the "
        f"{len(strict)} strict searches on all nets the status is: {told}.",
    )


def _memory(memory: Mapping[str, int | None], dim: int, batch_bytes: int, n_samples: int) -> tuple[Any, Any, str]:
    needed = PUBLISHED_COUNT * dim * 4
    grown = [value for value in memory.values() if value is not None]
    words = f"{PUBLISHED_COUNT:,} draws of {dim:,} float32 are {needed / 2**20:,.0f} MiB"
    if not grown:
        return needed, None, f"{words}; a batch here is {batch_bytes / 2**20:.1f} MiB."
    return (
        needed,
        max(grown),
        f"{words}; counting {n_samples:,} here made the process grow by {max(grown) / 2**20:,.0f} MiB, with batches of "
        f"{batch_bytes / 2**20:.1f} MiB a thread.",
    )


def _seeds(measured: Measured) -> tuple[Any, Any, str]:
    images = [one for group in measured.values() for one in group]
    pairs = [np.array(one["published"], float) for one in images]
    apart = [abs(a - b) / ((a + b) / 2) for a, b in pairs if a + b > 0]
    if not apart:
        return None, None, f"{_NOTHING.capitalize()}."
    same = sum(bool(one["repeated"]) for one in images)
    return (
        _median(apart),
        0.0,
        f"Two runs of the published search with different draws differ in sigma by {100 * _median(apart):.1f} % "
        f"(median of {len(apart)} images, at most {100 * max(apart):.1f} %); with a seed {same} of {len(images)} "
        "strict searches gave the same record again, to the bit.",
    )
