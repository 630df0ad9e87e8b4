"""The command ``isoperimetry check``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from torch import Tensor

from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import as_progress
from isoperimetry.results import at_most
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.attacks import Attack, ProjectedGradient, Transfer
from isoperimetry_bridges.torch.check import check_model
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.commands.common import stopping_in_order
from isoperimetry_bridges.torch.distributed import on_all_ranks, ranks
from isoperimetry_bridges.torch.models import load_data, load_factory
from isoperimetry_bridges.torch.output import Output, file_digest, show
from isoperimetry_bridges.torch.reading import reading
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.store import Store


class _Work(NamedTuple):
    """What is to be checked: classifiers with the attacks that back the audited one, images and labels."""

    classifiers: Sequence[tuple[Classifier, Sequence[str | Attack]]]
    images: Tensor
    labels: Tensor
    about: dict[str, Any]


def check(
    model: Annotated[
        str | None,
        typer.Option(help="Your classifier, MODULE:FACTORY; logits out, images (batch, channels, height, width) in."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="NPZ file with 'images' in [0, 1] (or 8-bit) and 'labels'.")] = None,
    images: Annotated[int, typer.Option(min=1, help="How many images, from the first on.")] = 10,
    sigma: Annotated[
        float | None, typer.Option(help="Noise scale for all images; default: searched for each image.")
    ] = None,
    error_rate: Annotated[float, typer.Option(help="The error rate in noise that the search aims at.")] = 0.01,
    samples: Annotated[int, typer.Option(min=1, help="Noisy copies per image on which errors are counted.")] = 10_000,
    search_samples: Annotated[int, typer.Option(min=1, help="Noisy copies per image and look of the search.")] = 1000,
    starts: Annotated[int, typer.Option(min=1, help="Noisy copies per image that are attacked.")] = 200,
    attack: Annotated[str, typer.Option(help="The attack to audit: pgd, ddn, tangent or boundary.")] = "pgd",
    confidence: Annotated[float, typer.Option(help="Of the verdicts, and of the family over images.")] = 0.999,
    clip: Annotated[bool, typer.Option("--clip", help="Clip noise and attacks to the input box.")] = False,
    max_error: Annotated[
        float | None,
        typer.Option(help="With --sigma: exit with 1 unless the mean error rate in noise is shown to be at most this."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where the model runs, for instance cuda.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for results.json and figure.png.")] = Path("isoperimetry-check"),
    verbose: Annotated[bool, typer.Option("--verbose", help="Say where the time went.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Check classifiers against the isoperimetric bound, and convict attacks that provably miss errors.

    Without --model and --data: three shipped classifiers of Fashion-MNIST, one of which hides its gradients.
    """
    if (model is None) != (data is None):
        raise ValueError("--model and --data must be given together: your model, and images it can classify.")
    if max_error is not None:
        _check_gate(max_error, sigma, confidence)
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
    device = ranks().device(device)
    work = _shipped(device) if model is None or data is None else _own(model, data, device)
    x, y = work.images[:images], work.labels[:images]
    for classifier, _ in work.classifiers:
        classifier.check(work.images, work.labels)
    output = Output(out, settings, {"seed": seed, "n_images": len(x), "of_images": len(work.images), **work.about})
    began = time.perf_counter()
    checked, complete = _measure(work, x, y, settings, output, seed=seed, quiet=quiet)
    if checked is None:  # rank 0 of several tells
        return
    seconds = time.perf_counter() - began
    words = reading(checked, settings, trained_in_noise=("clean", "noisy") if model is None else None)
    written = output.save(checked, words, seconds)
    if complete:  # else a rank may still be writing to it
        shutil.rmtree(output.store, ignore_errors=True)
    write_out(f"The first {len(x)} of {len(work.images)} images.\n\n")
    show(checked, settings, words, seconds=seconds, verbose=verbose)
    write_out(f"Written: {' and '.join(map(str, written))}\n")
    met = max_error is None or all([_gate(result, max_error, settings) for result in checked])
    if not any(result.audited for result in checked) and max_error is None:
        raise ValueError(
            f"images: none of {len(x)} could be audited, see the status of each: check labels and normalisation, or "
            "take more images."
        )
    convicted = model is not None and any(result.n_convicted for result in checked)
    if convicted:
        write_out(f"Exit code 1: {checked[0].attack} is convicted.\n")
    raise typer.Exit(code=int(convicted or not met))


def _measure(
    work: _Work, x: Tensor, y: Tensor, settings: CheckSettings, output: Output, *, seed: int, quiet: bool
) -> tuple[list[ModelCheck] | None, bool]:
    bars = as_progress(not quiet)

    def run(rank: int, chosen: Sequence[int]) -> list[ModelCheck]:
        rows, checked = list(chosen), []
        shown = bars if rank == 0 else as_progress(None)
        with shown.start(f"models, {len(x)} of {len(work.images)} images each", len(work.classifiers)):
            for number, (classifier, others) in enumerate(work.classifiers):
                with Store(output.store_of(number), rank=rank) as store:
                    checked.append(
                        check_model(
                            classifier, x[rows], y[rows], settings=settings, others=others, rng=seed, image_ids=rows,
                            store=store, progress=shown,
                        )
                    )  # fmt: skip
                shown.advance(1)
        return checked

    with stopping_in_order(output.store):
        return on_all_ranks(run, len(x))


def _shipped(device: str | None) -> _Work:
    models = {name: zoo.load_classifier(name, device=device) for name in zoo.MODELS}
    others: dict[str, list[str | Attack]] = {name: ["pgd", "ddn"] for name in models}
    others["masked"].append(Transfer(source=models["clean"], attack=ProjectedGradient()))
    classifiers = [(models[name], others[name]) for name in models]
    return _Work(classifiers, *zoo.load_images(), {"source": "shipped classifiers and images"})


def _own(model: str, data: Path, device: str | None) -> _Work:
    x, y = load_data(data)
    about = {"source": model, "data": str(data), "data_sha256": file_digest(data)}
    return _Work([(load_factory(model, device=device), ["pgd", "ddn"])], x, y, about)


def _check_gate(max_error: float, sigma: float | None, confidence: float) -> None:
    if sigma is None:
        raise ValueError("--max-error needs --sigma: an error rate is gated at one noise scale.")
    if not 0 < max_error <= 1:
        raise ValueError(f"--max-error={max_error} must be in (0, 1]: it is a probability, and 0 cannot be shown.")
    if confidence < 0.9:
        raise ValueError(
            f"--confidence={confidence} must be at least 0.9 with --max-error: its limit is valid from there."
        )


def _gate(result: ModelCheck, max_error: float, settings: CheckSettings) -> bool:
    """Print and return whether the mean error rate in noise is shown to be at most ``max_error``.

    The images' rates differ; the sum of their counts is then less spread than the binomial of the mean rate (Hoeffding
    1956), so that Clopper-Pearson's limit is valid for the mean. Of an image that was wrong without noise all draws
    count as errors.
    """
    errors = sum(image.errors if image.audit else settings.n_samples for image in result.images)
    trials = settings.n_samples * len(result.images)
    limit = clopper_pearson(errors, trials, confidence=settings.confidence, side="upper").high
    write_out(
        f"{result.name}: mean error rate in noise <= {at_most(limit, 3)} (confidence {settings.confidence:g}), "
        f"gate {max_error:g}: {'met' if limit <= max_error else 'not met'}\n"
    )
    return limit <= max_error
