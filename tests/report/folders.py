"""Results folders for tests: built from audits of this library, so that a reader can make them again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import audit_attack, audit_many
from isoperimetry.intervals import clopper_pearson
from isoperimetry.results import to_json

SETTINGS = {
    "sigma": None, "error_rate": 0.01, "n_search": 1000, "n_samples": 2000, "n_starts": 40, "confidence": 0.999,
    "interval_confidence": 0.95, "attack": "pgd", "clip": False,
}  # fmt: skip


def image(number: int | str, *, sigma: float = 0.1, errors: int = 30, found: float = 0.7, label: int = 3) -> dict:
    """Return the record of an image: an attack that finds errors at ``found`` times the half-space distance."""
    prediction = halfspace_distance(errors / 2000, sigma) if errors else math.inf
    near = found * (prediction if errors else 2.3 * sigma)
    spread = np.linspace(0.8, 1.2, 40)
    noisy = {"PGD": tuple(near * spread), "DDN": tuple(0.9 * min(near, 0.6 * prediction) * spread)}
    audit = audit_attack(
        noisy["PGD"], errors=errors, trials=2000, sigma=sigma, confidence=0.999, conditional=False,
        checked=("verified", "deterministic"),
    )  # fmt: skip
    rate = clopper_pearson(errors, 2000, confidence=0.95)
    low, high = rate.distance(sigma)
    record = {
        "image": number, "label": label, "status": "bracketed", "search": {"low": 0.9 * sigma, "high": 1.1 * sigma},
        "sigma": sigma, "errors": errors, "trials": 2000, "ties": 0, "error_rate": rate, "prediction": prediction,
        "prediction_low": low, "prediction_high": high, "attack_scale": 1.0,
        "clean_distances": {"PGD": 1.4 * near, "DDN": 1.3 * near}, "audit": audit, "noisy_distances": noisy,
        "blocked": {"PGD": 0.0, "DDN": 0.0},
    }  # fmt: skip
    return to_json(record)


def unaudited(number: int | str) -> dict:
    """Return the record of an image that is wrong without noise."""
    record = image(number)
    return record | {
        "status": "already wrong", "search": None, "sigma": "nan", "errors": 0, "trials": 0, "error_rate": None,
        "prediction": "nan", "prediction_low": "nan", "prediction_high": "nan", "clean_distances": {}, "audit": None,
        "noisy_distances": {}, "blocked": {},
    }  # fmt: skip


def model(name: str, images: list[dict], *, fingerprint: str | None = None, bounds=(0.0, 1.0), dim=None) -> dict:
    """Return the record of a model with these images."""
    audits = [
        audit_attack(
            [float(d) for d in one["noisy_distances"]["PGD"]], errors=one["errors"], trials=2000, sigma=one["sigma"],
            conditional=False,
        )
        for one in images
        if one["audit"]
    ]  # fmt: skip
    record = {
        "name": name, "fingerprint": fingerprint or f"f-{name}", "device": "cpu", "bounds": bounds, "batch_size": 8,
        "attack": "PGD", "others": ["DDN"], "attacks": ["ProjectedGradient(steps=200)", "DecoupledDirectionNorm()"],
        "images": images, "family": audit_many(audits, confidence=0.999) if audits else None, "joint_missed": [],
        "seconds": {"PGD": 1.5},
    }  # fmt: skip
    return to_json(record | ({"dim": dim} if dim else {}))


def three_models() -> list[dict]:
    """Return a plain model, one that tolerates three times the noise, and one whose attack is blind."""
    return [
        model("clean", [image(0), image(1, sigma=0.12), unaudited(2)], dim=64),
        model("noisy", [image(0, sigma=0.3), image(1, sigma=0.36), image(2, sigma=0.2, errors=0)], dim=64),
        model("masked", [image(0, found=3.0), image(1, sigma=0.12, found=3.0), unaudited(2)], dim=64),
    ]


def write(folder: Path, models: list[dict] | None = None, *, with_pictures: bool = False, **entries: Any) -> Path:
    """Write a results folder and return it; ``entries`` replace those of the record."""
    folder.mkdir(parents=True, exist_ok=True)
    models = three_models() if models is None else models
    record = {
        "format": 1, "kind": "check", "created": "2026-01-02T03:04:05+00:00", "unit": "of the inputs",
        "settings": SETTINGS, "seed": 0, "n_images": 3, "of_images": 10, "source": "made for a test",
        "versions": {"isoperimetry": "0.1.0", "python": "3.11"}, "machine": {"system": "a machine", "cores": 2},
        "models": models, "reading": "A reading.", "seconds": 12.5,
    } | entries  # fmt: skip
    (folder / "results.json").write_text(json.dumps(record, allow_nan=False))
    if with_pictures:
        draw(folder, models)
    return folder


def draw(folder: Path, models: list[dict], *, shape: tuple[int, ...] = (1, 8, 8)) -> None:
    """Write pictures.npz: a ramp for each image, with the same pixels for one id in all folders."""
    arrays = {}
    for number, one in enumerate(models):
        for record in one["images"]:
            place = f"model{number}/{json.dumps(record['image'])}"
            ramp = (np.arange(np.prod(shape)).reshape(shape) * 3 % 200).astype(np.uint8)
            arrays[f"{place}/image"] = ramp
            if record["audit"]:
                arrays[f"{place}/noisy"] = np.stack([ramp + 10, ramp + 20, ramp + 30]).astype(np.uint8)
                arrays[f"{place}/error"] = ramp + 5
                arrays[f"{place}/difference"] = np.full(shape, 0.02, np.float16)
    np.savez(folder / "pictures.npz", **arrays)


def corruptions(names: list[str]) -> dict:
    """Return corruptions.json: the second model is better at noise and worse in fog."""
    shift = dict(zip(names, range(len(names)), strict=True))
    return {
        "format": 1, "kind": "corruptions", "parameters": "cifar-c", "files": "memory", "seed": 0, "n_images": 100,
        "models": {
            name: {
                "clean_error": {"errors": 5, "trials": 100}, "trials": 100,
                "errors": {
                    "gaussian_noise": [40 - 10 * shift[name] + i for i in range(5)],
                    "fog": [10 + 10 * shift[name] + i for i in range(5)],
                },
            }
            for name in names
        },
        "summary": {name: {"mean_error": 0.2} for name in names},
    }  # fmt: skip


def window() -> dict[str, np.ndarray]:
    """Return the arrays of a church window."""
    grid = np.linspace(-1.0, 3.0, 11)
    wrong = np.broadcast_to(grid > 0.25, (11, 11))
    meta = {"image": 0, "sigma": 0.1, "dim": 64, "error_rate": 0.01, "prediction": 0.23, "attack_distance": 0.25}
    return {
        "classes": wrong.astype(np.int16), "wrong": wrong, "x": grid, "y": grid,
        "points": np.array([[0, 0], [0.25, 0], [0.1, 0.8]]), "meta": np.array(json.dumps(meta)),
    }  # fmt: skip


def reproduction(folder: Path) -> Path:
    """Write a reproduction with two subjects, corruptions, church windows, thesis and defects; return its folder."""
    nets = three_models()
    names = [net["name"] for net in nets]
    first = write(folder / "fashion-mnist", nets, with_pictures=True)
    (first / "corruptions.json").write_text(json.dumps(corruptions(names)))
    np.savez(first / "windows.npz", **{f"clean/{part}": array for part, array in window().items()})
    thesis = {
        "format": 1, "kind": "thesis",
        "quantities": {"error_in_noise": "error in noise", "attack_distance": "distance"},
        "nets": [
            {"name": name, "defence": name == "masked", "error_in_noise": 0.1 * i, "attack_distance": 1.0 - 0.2 * i}
            for i, name in enumerate(names)
        ],
        "correlations": [
            {"nets": "all nets", "x": "error_in_noise", "y": "attack_distance", "rho": -1.0, "low": -1.0, "high": -0.1,
             "n": 3, "p_value": 0.33, "method": "a method", "guarantee": "none"}
        ],
        "note": "Three nets are few.",
    }  # fmt: skip
    (first / "thesis.json").write_text(json.dumps(thesis))
    write(folder / "cifar10", [model("resnet", [image(0), image(1)])])
    rows = [
        {"defect": "a", "what": "A failed attack counts as found.", "ford2019": 0.9, "strict": "inf", "effect": "x"}
    ]
    (folder / "defects.json").write_text(json.dumps({"subject": "fashion-mnist", "rows": rows}))
    top = {"format": 1, "kind": "reproduce", "subjects": ["fashion-mnist", "cifar10"], "settings": {}}
    (folder / "results.json").write_text(json.dumps(top))
    return folder


NASTY = '<script>alert(1)</script> $x$ & "<b>bold" <img src=x onerror=alert(1)>'
cached: Any = None
_text = ""


def page(factory: Any) -> str:
    """Return a page with everything that a check can hold, made once in a run of the tests; `cached` is its Results."""
    global cached, _text
    if not _text:
        from isoperimetry.report import html_page, load

        clean, noisy, masked = three_models()
        folder = write(
            factory.mktemp("page") / "run", [clean, noisy | {"name": NASTY}, masked], with_pictures=True, reading=NASTY
        )
        cached = load(folder)
        _text = html_page(cached)
    return _text
