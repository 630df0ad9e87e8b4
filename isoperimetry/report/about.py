"""What a check was: what it measured, where its numbers come from, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from isoperimetry.report.folder import Results
from isoperimetry.report.text import format_value


def measured(results: Results) -> str:
    """Return what was measured, in sentences."""
    record, settings = results.record, results.settings
    models = results.models
    of = f"the first {record['n_images']:,} of {record['of_images']:,} images" if "of_images" in record else "images"
    parts = [f"{len(models)} model{'' if len(models) == 1 else 's'} on {of}"]
    if record.get("source"):
        parts.append(f"{record['source']}")
    said = [": ".join(parts) + "."]
    if settings.get("sigma") is None and "error_rate" in settings:
        rate = f"{100 * settings['error_rate']:g} %"
        said.append(
            f"For each image the noise scale was searched at which about {rate} of its noisy copies are errors."
        )
    elif "sigma" in settings:
        said.append(f"The noise has the scale {settings['sigma']:g} for every image.")
    if "n_samples" in settings and models:
        said.append(
            f"Errors were counted in {settings['n_samples']:,} fresh draws of the noise, and {models[0].attack} and "
            f"the other attacks searched from {settings['n_starts']:,} more noisy copies, and from the image itself."
        )
    if "confidence" in settings:
        said.append(
            f"Convictions hold at confidence {100 * settings['confidence']:g} %, all images of a model taken together."
        )
    if "clip" in settings:
        said.append(
            "Noise was clipped to the input box, and attacks confined to it."
            if settings["clip"]
            else "Noise was not clipped, nor attacks confined to the input box."
        )
    return " ".join(said)


def provenance(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and values that say where the numbers of a check come from."""
    about = {**told["about"]}
    about.pop("unit", None)
    if "n_images" in about and "of_images" in about:
        about["n_images"] = f"the first {about['n_images']} of {about.pop('of_images')}"
    if "seconds" in about:
        about["seconds"] = f"{about['seconds']:.0f} s"
    values = {**about, **told["machine"], **{f"version of {name}": value for name, value in told["versions"].items()}}
    names = {"n_images": "images", "data_sha256": "SHA-256 of the data", "system": "machine", "seconds": "time"}
    return [(names.get(name, name.replace("_", " ")), format_value(value)) for name, value in values.items()]


def command(results: Results) -> str:
    """Return the command line that repeats a check: that of the record, else one made from its settings."""
    record, settings = results.record, results.settings
    if record.get("command"):
        return str(record["command"])
    words = ["isoperimetry", "check"]
    if record.get("data"):
        words += ["--model", str(record.get("source")), "--data", str(record["data"])]
    options: Sequence[tuple[str, Any]] = [
        ("--images", record.get("n_images")),
        ("--sigma", settings.get("sigma")),
        ("--error-rate", settings.get("error_rate") if settings.get("sigma") is None else None),
        ("--search-samples", settings.get("n_search") if settings.get("sigma") is None else None),
        ("--samples", settings.get("n_samples")),
        ("--starts", settings.get("n_starts")),
        ("--attack", settings.get("attack")),
        ("--confidence", settings.get("confidence")),
        ("--seed", record.get("seed")),
    ]
    words += [word for name, value in options if value is not None for word in (name, str(value))]
    if settings.get("clip"):
        words.append("--clip")
    return shlex.join([*words, "--out", results.name])
