"""The command ``isoperimetry check``."""

from __future__ import annotations

import datetime
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from isoperimetry.intervals import clopper_pearson
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.attacks import Attack, ProjectedGradient, Transfer
from isoperimetry_bridges.torch.check import check_model
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.models import load_data, load_factory
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.summary import image_table, model_table, reading

_VERSIONED = ("isoperimetry", "torch", "numpy", "numba", "scipy")


def check(
    model: Annotated[
        str | None,
        typer.Option(help="Your classifier, MODULE:FACTORY; logits out, images (batch, channels, height, width) in."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="NPZ file with 'images' in [0, 1] (or 8-bit) and 'labels'.")] = None,
    images: Annotated[int, typer.Option(help="How many images, from the first on.")] = 10,
    sigma: Annotated[
        float | None, typer.Option(help="Noise scale for all images; default: searched for each image.")
    ] = None,
    error_rate: Annotated[float, typer.Option(help="The error rate in noise that the search aims at.")] = 0.01,
    samples: Annotated[int, typer.Option(help="Noisy copies per image on which errors are counted.")] = 10_000,
    search_samples: Annotated[int, typer.Option(help="Noisy copies per image and look of the search.")] = 1000,
    starts: Annotated[int, typer.Option(help="Noisy copies per image that are attacked.")] = 200,
    attack: Annotated[str, typer.Option(help="The attack to audit: pgd or ddn.")] = "pgd",
    confidence: Annotated[float, typer.Option(help="Of the verdicts, and of the family over images.")] = 0.999,
    clip: Annotated[bool, typer.Option("--clip", help="Clip noise and attacks to the box [0, 1].")] = False,
    max_error: Annotated[
        float | None,
        typer.Option(help="With --sigma: exit with 1 unless the mean error rate in noise is shown to be at most this."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where the model runs, for instance cuda.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all noise.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for results.json and figure.png.")] = Path("isoperimetry-check"),
    verbose: Annotated[bool, typer.Option("--verbose", help="Say where the time went.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Check classifiers against the isoperimetric bound, and convict attacks that provably miss errors.

    Without --model and --data: three shipped classifiers of Fashion-MNIST, one of which hides its gradients.
    """
    if (model is None) != (data is None):
        raise ValueError("--model and --data must be given together: your model, and images it can classify.")
    if max_error is not None and sigma is None:
        raise ValueError("--max-error needs --sigma: an error rate is gated at one noise scale.")
    if max_error is not None and not 0 <= max_error <= 1:
        raise ValueError(f"--max-error={max_error} must be in [0, 1]: it is a probability.")
    if images < 1:
        raise ValueError(f"--images={images} must be >= 1: it is a number of images.")
    settings = CheckSettings(
        sigma=sigma,
        error_rate=error_rate,
        n_search=search_samples,
        n_samples=samples,
        n_starts=starts,
        confidence=confidence,
        attack=attack,
        clip=clip,
    )
    work, x, y = _shipped(device) if model is None or data is None else _own(model, data, device)
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    checked = [
        check_model(classifier, x[:images], y[:images], settings=settings, others=others, rng=seed, progress=not quiet)
        for classifier, others in work
    ]
    seconds = time.perf_counter() - began
    _print(checked, settings, verbose=verbose, seconds=seconds)
    written = _save(out, checked, settings, seed=seed, source=model or "shipped classifiers", seconds=seconds)
    typer.echo(f"\nWritten: {' and '.join(map(str, written))}")
    failed = model is not None and any(result.n_convicted for result in checked)
    if max_error is not None:
        failed |= not _gate(checked, max_error, settings)
    raise typer.Exit(code=int(failed))


def _shipped(device: str | None) -> tuple[list[tuple[Classifier, list[str | Attack]]], Any, Any]:
    models = {name: zoo.load_classifier(name, device=device) for name in zoo.MODELS}
    others: dict[str, list[str | Attack]] = {name: ["ddn"] for name in models}
    others["masked"].append(Transfer(source=models["clean"], attack=ProjectedGradient()))
    return [(models[name], others[name]) for name in models], *zoo.load_images()


def _own(model: str, data: Path, device: str | None) -> tuple[list[tuple[Classifier, list[str | Attack]]], Any, Any]:
    x, y = load_data(data)
    return [(load_factory(model, device=device), ["ddn"])], x, y


def _print(checked: list[ModelCheck], settings: CheckSettings, *, verbose: bool, seconds: float) -> None:
    console = Console()
    if not console.is_terminal:
        # A file or a pipe has no width of its own: the tables keep their columns.
        console = Console(width=160)
    for result in checked:
        console.print(image_table(result, settings, width=console.width), "")
    console.print(model_table(checked, settings), "")
    box = (
        "clipped to the box, attacks confined to it"
        if settings.clip
        else "not clipped, attacks not confined to the box"
    )
    console.print(f"Noise: {box}.", highlight=False)
    if verbose:
        for result in checked:
            parts = ", ".join(f"{name} {spent:.1f} s" for name, spent in result.seconds.items())
            work, forward = (
                sum(result.seconds.get(k, 0.0) for k in keys) for keys in (("noise", "tally"), ("forward",))
            )
            console.print(
                f"{result.name}: {parts}. Noise and tally: {100 * work / forward:.1f} % of forward."
                if forward
                else f"{result.name}: {parts}.",
                highlight=False,
            )
        console.print(f"In all: {seconds:.1f} s.", highlight=False)
    console.print("\n" + reading(checked, settings), highlight=False)


def _save(
    out: Path, checked: list[ModelCheck], settings: CheckSettings, *, seed: int, source: str, seconds: float
) -> list[Path]:
    """Write results.json, and figure.png where an image was audited; return the paths of what was written."""
    from isoperimetry.plots import distance_against_error_rate

    record = {
        "format": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "source": source,
        "unit": "input values, box [0, 1]; noise and distances in the same unit",
        "seed": seed,
        "settings": settings.to_dict(),
        "models": [result.to_dict() for result in checked],
        "reading": reading(checked, settings),
        "seconds": seconds,
        "versions": {name: version(name) for name in _VERSIONED} | {"python": platform.python_version()},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
    }
    partial = out / "results.json.partial"
    partial.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    partial.replace(out / "results.json")
    groups = {result.name: [image.audit for image in result.audited if image.audit is not None] for result in checked}
    figure = out / "figure.png"
    if not any(groups.values()):
        figure.unlink(missing_ok=True)  # one of an earlier run would belong to other results
        return [out / "results.json"]
    axes = distance_against_error_rate(groups)
    axes.figure.savefig(figure, dpi=150, bbox_inches="tight")  # type: ignore[union-attr]  # no figure in a figure
    return [out / "results.json", figure]


def _gate(checked: list[ModelCheck], max_error: float, settings: CheckSettings) -> bool:
    """Print and return whether the mean error rate in noise is shown to be at most ``max_error``.

    The images' rates differ; the sum of their counts is then less spread than the binomial of the mean rate (Hoeffding
    1956), so that Clopper-Pearson's limit is valid for the mean. Of an image that was wrong without noise all draws
    count as errors.
    """
    met, confidence = True, settings.confidence
    for result in checked:
        errors = sum(image.errors if image.audit else settings.n_samples for image in result.images)
        trials = settings.n_samples * len(result.images)
        limit = clopper_pearson(errors, trials, confidence=confidence, side="upper").high
        met &= limit <= max_error
        typer.echo(
            f"{result.name}: mean error rate in noise <= {limit:.4g} (confidence {confidence:g}), gate {max_error:g}"
        )
    return met
