"""The report as plain values: what the page, the Markdown and the JSON are all made from."""

from __future__ import annotations

import math
import shlex
from typing import Any

from isoperimetry import results as records
from isoperimetry.report import compare
from isoperimetry.report.about import command, measured
from isoperimetry.report.extras import extras
from isoperimetry.report.folder import Results
from isoperimetry.report.measured import ImageResults, ModelResults, median
from isoperimetry.report.verdicts import headline, model_verdict

_ABOUT = ("created", "source", "data", "data_sha256", "n_images", "of_images", "seed", "unit", "seconds")


def summary(*results: Results) -> dict[str, Any]:
    """Return a report as JSON-safe values.

    Parameters
    ----------
    *results : Results
        One or more, from `load`; the second and later ones are compared with the first, image by image.

    Returns
    -------
    dict
        "headline", "verdicts" of all models, "chapters" (one for each check), "comparisons" between runs, and
        "extras", the thesis and the defects of reproductions.

    Raises
    ------
    ValueError
        If there is none, if two runs have different models under one name, or share no image.

    Examples
    --------
    >>> summary()
    Traceback (most recent call last):
        ...
    ValueError: results must hold at least one folder's results: a report is about something.
    """
    if not results:
        raise ValueError("results must hold at least one folder's results: a report is about something.")
    first, *others = results
    leaves = [(run, leaf) for run in results for leaf in run.leaves()]
    chapters = [_chapter(leaf, title=_title(run, leaf, len(results))) for run, leaf in leaves]
    verdicts = [verdict for chapter in chapters for verdict in chapter["verdicts"]]
    record = {
        "format": 1,
        "kind": "report",
        "title": " and ".join(run.name for run in results),
        "headline": headline(verdicts, [gate for _, leaf in leaves for gate in leaf.gates]),
        "chapters": chapters,
        "comparisons": [_comparison(c) for other in others for c in compare.across(first, other)],
        "extras": list(extras(*results)),
    }
    safe: dict[str, Any] = records.to_json(record)
    return safe


def _written_to(results: Results) -> str:
    """Return the folder that the command that repeats a check writes to."""
    words = shlex.split(command(results))
    return words[words.index("--out") + 1] if "--out" in words[:-1] else results.name


def _title(run: Results, leaf: Results, n_runs: int) -> str:
    if leaf is run:
        return run.name
    return f"{run.name}: {leaf.name}" if n_runs > 1 else leaf.name


def _chapter(results: Results, *, title: str) -> dict[str, Any]:
    record = results.record
    return {
        "title": title,
        "folder": str(results.folder),
        "about": {name: record[name] for name in _ABOUT if name in record},
        "settings": dict(results.settings),
        "versions": dict(record.get("versions", {})),
        "machine": dict(record.get("machine", {})),
        "measured": measured(results),
        "command": command(results),
        "folder_quoted": shlex.quote(_written_to(results)),
        "reading": record.get("reading", ""),
        "pictures": results.pictures.note,
        "verdicts": [model_verdict(model) for model in results.models],
        "gates": list(results.gates),
        "models": [_model(model) for model in results.models],
        "comparisons": [_comparison(comparison) for comparison in compare.within(results)],
        "corruptions": results.corruptions,
    }


def _model(model: ModelResults) -> dict[str, Any]:
    audited = model.audited
    return {
        "name": model.name,
        "fingerprint": model.fingerprint,
        "device": model.device,
        "bounds": list(model.bounds),
        "attack": model.attack,
        "attacks": list(model.attacks),
        "dim": model.dim,
        "n_images": len(model.images),
        "n_audited": len(audited),
        "n_convicted": model.n_convicted,
        "sigma": median(image.sigma for image in audited),
        "error_rate": median(image.rate for image in audited),
        "prediction": median(image.prediction for image in audited),
        "nearest": median(image.nearest for image in audited),
        "attack_nearest": median(image.clean_distances.get(model.attack, math.nan) for image in audited),
        "bound_share": model.bound_share,
        "blocked": median(image.blocked.get(model.attack, math.nan) for image in audited),
        "seconds": model.seconds,
        "images": [_image(model, image) for image in model.images],
    }


def _image(model: ModelResults, image: ImageResults) -> dict[str, Any]:
    audit = image.audit
    comparable = 0 < image.prediction < math.inf and image.nearest < math.inf
    return {
        "image": image.image,
        "label": image.label,
        "status": image.status,
        "verdict": image.verdict,
        "p_value": image.p_value,
        "sigma": image.sigma,
        "sigma_limits": [image.sigma_low, image.sigma_high],
        "errors": image.errors,
        "trials": image.trials,
        "error_rate": image.rate,
        "error_rate_limits": [image.rate_low, image.rate_high],
        "bound": audit.bound if audit else math.nan,
        "missed_fraction": audit.missed_fraction if audit else math.nan,
        "noisy_median": image.noisy_median(model.attack),
        "best_noisy_median": image.best_noisy_median(),
        "noisy_medians": {name: image.noisy_median(name) for name in image.noisy_distances},
        "prediction": image.prediction,
        "prediction_limits": [image.prediction_low, image.prediction_high],
        "clean_distances": image.clean_distances,
        "nearest": image.nearest,
        "ratio": image.nearest / image.prediction if comparable else math.nan,
        "reasons": list(audit.reasons) if audit else [],
    }


def _comparison(comparison: compare.Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "images": list(comparison.images),
        "measures": [
            {**measure.to_dict(), "sentence": measure.sentence(comparison.second)} for measure in comparison.measures
        ],
        "notes": list(comparison.notes),
        "pairs": [
            {
                "image": a.image,
                **{f"{name}_{place}": getattr(i, name) for place, i in (("first", a), ("second", b)) for name in _PAIR},
            }
            for a, b in comparison.pairs
        ],
    }


_PAIR = ("sigma", "rate", "nearest", "verdict")
