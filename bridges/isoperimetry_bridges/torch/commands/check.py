"""The command ``isoperimetry check``."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from isoperimetry.progress import as_progress
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch.check import check_model
from isoperimetry_bridges.torch.ci import check_cases, markdown_summary, write_cases
from isoperimetry_bridges.torch.commands.common import command_line, refuse_no_folder, saying_out, stopping_in_order
from isoperimetry_bridges.torch.commands.subjects import Subject, own, shipped
from isoperimetry_bridges.torch.distributed import on_all_ranks, ranks
from isoperimetry_bridges.torch.gate import gate, refuse_gate
from isoperimetry_bridges.torch.junit import Outcome
from isoperimetry_bridges.torch.output import Output, show
from isoperimetry_bridges.torch.reading import reading
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.store import Store
from isoperimetry_bridges.torch.summary import left_out


def check(
    context: typer.Context,
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
    junit: Annotated[Path | None, typer.Option(help="Also write a JUnit XML file, for CI.")] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help="Also append a summary in Markdown to this file, for CI: $GITHUB_STEP_SUMMARY."),
    ] = None,
    pictures: Annotated[int, typer.Option(min=0, help="How many images of each model are kept as pictures.")] = 8,
    device: Annotated[str | None, typer.Option(help="Where the model runs, for instance cuda.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for results.json, pictures.npz and figure.png.")] = Path(
        "isoperimetry-check"
    ),
    verbose: Annotated[bool, typer.Option("--verbose", help="Say where the time went.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Check classifiers against the isoperimetric bound, and convict attacks that provably miss errors.

    Without --model and --data: three shipped classifiers of Fashion-MNIST, one of which hides its gradients.
    """
    if (model is None) != (data is None):
        raise ValueError("--model and --data must be given together: your model, and images it can classify.")
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
    if max_error is not None:
        refuse_gate(max_error, settings)
    refuse_no_folder("--junit", junit)
    refuse_no_folder("--summary", summary)
    device = ranks().device(device)
    subject = shipped(device) if model is None or data is None else own(model, data, device)
    n_images, of_images = min(images, len(subject.images)), len(subject.images)
    for classifier, _ in subject.classifiers:
        classifier.check(subject.images, subject.labels)
    about = {"command": shlex.join(command_line(context)), "seed": seed, "n_images": n_images, "of_images": of_images}
    about |= subject.about | {"dim": subject.images[0].numel()}
    output = Output(out, settings, about)
    began = time.perf_counter()
    checked, complete = _measure(subject, n_images, settings, output, seed=seed, n_pictures=pictures, quiet=quiet)
    if checked is None:  # rank 0 of several tells
        return
    seconds = time.perf_counter() - began
    words = reading(checked, settings, trained_in_noise=("clean", "noisy") if model is None else None)
    gates = [] if max_error is None else [gate(result, max_error, settings) for result in checked]
    written = output.save(checked, words, seconds, gates=gates)
    if complete:  # else a rank may still be writing to it
        shutil.rmtree(output.store, ignore_errors=True)
    cases = check_cases(checked, gates, settings, own=model is not None)
    if junit is not None:
        write_cases(junit, cases, checked, output.about, words=words, seconds=seconds)
        written.append(junit)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(markdown_summary(cases, checked, gates, words=words))
        written.append(summary)
    write_out(f"The first {n_images} of {of_images} images.\n\n")
    show(checked, settings, words, seconds=seconds, verbose=verbose)
    write_out(f"Written: {', '.join(map(str, written))}\n")
    write_out("".join(f"{one}\n" for one in gates))
    if not any(result.audited for result in checked) and not gates:
        cure = "check labels and normalisation, or take more images"
        if not any(result.wrong for result in checked):
            cure = "check that the model looks at its input, or ask for a smaller --error-rate"
        raise ValueError(f"images: none of {n_images} could be audited, as {left_out(checked[0], settings)}: {cure}.")
    if model is not None and any(result.n_convicted for result in checked):
        write_out(f"Exit code 1: {checked[0].attack} is convicted.\n")
    raise typer.Exit(code=int(any(case.outcome is Outcome.FAILED for case in cases)))


def _measure(
    subject: Subject, n_images: int, settings: CheckSettings, output: Output, *, seed: int, n_pictures: int, quiet: bool
) -> tuple[list[ModelCheck] | None, bool]:
    bars = as_progress(not quiet)
    x, y = subject.images[:n_images], subject.labels[:n_images]

    def run(rank: int, chosen: Sequence[int]) -> list[ModelCheck]:
        rows, checked = list(chosen), []
        shown = bars if rank == 0 else as_progress(None)
        with shown.start(f"models, {n_images} of {len(subject.images)} images each", len(subject.classifiers)):
            for number, (classifier, others) in enumerate(subject.classifiers):
                with Store(output.store_of(number), rank=rank) as store:
                    checked.append(
                        check_model(
                            classifier, x[rows], y[rows], settings=settings, others=others, rng=seed, image_ids=rows,
                            store=store, n_pictures=n_pictures, progress=shown,
                        )
                    )  # fmt: skip
                shown.advance(1)
        return checked

    with saying_out(), stopping_in_order(output.store):
        return on_all_ranks(run, n_images)
