"""The reproduction: all stages of all subjects, and the files that they leave."""

from __future__ import annotations

import dataclasses
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isoperimetry.progress import Progress, ProgressLike, as_progress
from isoperimetry.results import Record
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import as_root
from isoperimetry_bridges.torch.corruptions import CorruptionErrors, corruptions_record
from isoperimetry_bridges.torch.files import save_arrays, write_json
from isoperimetry_bridges.torch.records import ModelCheck
from isoperimetry_bridges.torch.reproduce.defects import measure_defects, memory_of_count
from isoperimetry_bridges.torch.reproduce.folder import refuse_other, write_contents
from isoperimetry_bridges.torch.reproduce.rows import defect_rows
from isoperimetry_bridges.torch.reproduce.settings import Preset, ReproduceSettings, default_settings
from isoperimetry_bridges.torch.reproduce.stages import Stages
from isoperimetry_bridges.torch.reproduce.subjects import Subject, load_subject
from isoperimetry_bridges.torch.reproduce.thesis import thesis
from isoperimetry_bridges.torch.store import Store

_PUBLISHED = (
    "As the published pipeline returns them: the distance where a failed attack ended counts as one that was found, "
    "the error rate is not that of the scale beside it, nothing has an interval, and nothing can be proved from it."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SubjectResults(Record):
    """What was measured on one subject.

    Attributes
    ----------
    name : str
    folder : str
        With results.json and, where they were made, pictures.npz, windows.npz, corruptions.json, thesis.json,
        defects.json and noise.json.
    settings : ReproduceSettings
    models : tuple of ModelCheck
        At each image's own scale.
    reading : str
        What was found on them, in two sentences.
    thesis : dict
        Rank correlations over the nets.
    defects : tuple of dict
        The table of the published pipeline's shortcomings; empty where they were not measured.
    stages : dict of str to dict
        "seconds" and "processor_seconds" of each stage, summed over nets, in the session that finished it.
    """

    name: str
    folder: str
    settings: ReproduceSettings
    models: tuple[ModelCheck, ...]
    reading: str
    thesis: dict[str, Any]
    defects: tuple[dict[str, Any], ...]
    stages: dict[str, dict[str, float]]

    def __str__(self) -> str:
        return f"{self.name}: {len(self.models)} nets, {self.folder}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction(Record):
    """The result of `reproduce`.

    Attributes
    ----------
    folder : str
    subjects : tuple of SubjectResults
    seconds : float
        Of this session.
    """

    folder: str
    subjects: tuple[SubjectResults, ...]
    seconds: float

    def __str__(self) -> str:
        return f"reproduction of {', '.join(one.name for one in self.subjects)} in {self.folder}"


def reproduce(
    out: str | os.PathLike[str],
    *,
    subjects: Sequence[str | Subject] = ("fashion-mnist",),
    preset: Preset = "strict",
    n_images: int | None = None,
    quick: bool = False,
    settings: ReproduceSettings | None = None,
    rng: Any = None,
    device: str | None = None,
    command: Sequence[str] | None = None,
    progress: ProgressLike = None,
) -> Reproduction:
    """Reproduce the figures of Ford, Gilmer, Carlini and Cubuk (2019), and write a results folder.

    On every net of a subject: sigma(x0, 1 %) of each image, counts, attacks from clean and noisy points and verdicts;
    the same at fixed scales; errors in noise and under corruptions of many images; a church window. Over the nets: rank
    correlations. On one or two of them: what each shortcoming of the published pipeline does to the numbers.

    Everything measured is kept at once: the same call after any interruption goes on, and with a folder that is
    complete it writes the same files again.

    Parameters
    ----------
    out : path
        The folder; new, or one that the same call has begun.
    subjects : sequence of str or Subject
        "fashion-mnist", "imagenet", "cifar10", or nets and images of your own.
    preset : {"strict", "ford2019"}
        "ford2019": what the published pipeline would return, without verdicts.
    n_images : int, optional
        Images looked at one by one; default: by subject.
    quick : bool, default False
        A small version, for a first look, about two minutes for "fashion-mnist": too small for conclusions.
    settings : ReproduceSettings, optional
        In place of those that ``preset``, ``n_images`` and ``quick`` choose.
    rng : int, SeedSequence, Generator or Stream
        Seed of all noise; it must be given, so that the run can go on.
    device : str, optional
        Where the nets of named subjects run.
    command : sequence of str, optional
        The words that were typed, for the record.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    Reproduction

    Raises
    ------
    ValueError
        If a subject or preset does not exist, or the folder is of another run.
    MissingDependency
        If a package with nets or images is not installed.

    Examples
    --------
    >>> reproduce("unused", subjects=["mnist"], rng=0)
    Traceback (most recent call last):
        ...
    ValueError: subject='mnist' must be one of 'fashion-mnist', 'imagenet', 'cifar10'.
    """
    folder, root, began = Path(out), as_root(rng, out), time.perf_counter()
    names = [one if isinstance(one, str) else one.name for one in subjects]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"subjects={names} must name at least one subject, each once.")
    chosen = [_settings(name, settings, preset=preset, quick=quick, n_images=n_images) for name in names]
    refuse_other(folder)
    loaded = [load_subject(one, device=device) if isinstance(one, str) else one for one in subjects]
    bars, found = as_progress(progress), []
    about: dict[str, Any] = {"command": None if command is None else shlex.join(command), "seed": root.seed}
    with bars.start("reproduction", sum(_n_steps(*pair) for pair in zip(loaded, chosen, strict=True))):
        for subject, one in zip(loaded, chosen, strict=True):
            found.append(_reproduce(subject, one, folder, root, about, bars))
    seconds = time.perf_counter() - began
    write_contents(folder, about, seconds)
    return Reproduction(folder=str(folder), subjects=tuple(found), seconds=seconds)


def _settings(name: str, settings: ReproduceSettings | None, *, n_images: int | None, **options: Any) -> Any:
    chosen = default_settings(name, **options) if settings is None else settings
    return chosen if n_images is None else dataclasses.replace(chosen, n_images=n_images)


def _n_steps(subject: Subject, settings: ReproduceSettings) -> int:
    """Return the number of pairs of stage and net."""
    strict = settings.preset == "strict"
    each = 2 + (len(settings.sigmas) + 1 if strict else 0) + bool(settings.n_corrupted and subject.parameters)
    return each * len(subject.classifiers) + (len(subject.defects) if strict and settings.n_defect_images else 0)


def _reproduce(
    subject: Subject, settings: ReproduceSettings, out: Path, root: Stream, about: Mapping[str, Any], bars: Progress
) -> SubjectResults:
    folder, strict, nets = out / subject.name, settings.preset == "strict", subject.classifiers
    header = settings.to_dict() | {"kind": "reproduce", "subject": subject.name, "seed": root.seed}
    del header["n_images"]  # more images may be added to a run
    (folder / "store").mkdir(parents=True, exist_ok=True)
    with Store(folder / "store" / "run") as notes:
        notes.begin(header)
        stages = Stages(subject=subject, settings=settings, root=root, folder=folder, notes=notes, progress=bars)

        def each(measure: Any, *options: Any) -> list[Any]:
            results = []
            for net in nets:
                results.append(measure(net, *options))
                bars.advance(1)
            return results

        about = dict(about) | {
            "source": subject.source,
            "n_images": len(stages.rows),
            "of_images": len(subject.images),
            "reproduce": {"subject": subject.name, "settings": settings.to_dict()},
        }
        checked: list[ModelCheck] = each(stages.check)
        noise = dict(zip([net.name for net in nets], each(stages.noise), strict=True))
        write_json(folder / "noise.json", {"format": 1, "kind": "noise", "models": noise})
        if strict:
            for sigma in settings.sigmas:
                swept = each(stages.check, sigma)
                _save(out / f"{subject.name}-sigma-{sigma:g}", swept, settings, about, subject, stages, sigma=sigma)
        corrupted: dict[str, CorruptionErrors] = {}
        if settings.n_corrupted and subject.parameters:
            corrupted = {one.name: one for one in each(stages.corruptions)}
            write_json(folder / "corruptions.json", corruptions_record(list(corrupted.values())))
        if strict:
            windows = stages.windows(checked)
            if windows:
                save_arrays(folder / "windows.npz", windows)
            bars.advance(len(nets))
        middle = sorted(settings.sigmas)[len(settings.sigmas) // 2]
        ranks = thesis(checked, noise, corrupted, sigma=middle, defences=tuple(subject.backing))
        write_json(folder / "thesis.json", ranks)
        defects: dict[str, Any] = {"rows": []}
        if strict and settings.n_defect_images:
            defects = _defects(stages, checked)
            write_json(folder / "defects.json", defects)
        times = stages.times()
        words = _save(folder, checked, settings, about | {"stages": times}, subject, stages)
    return SubjectResults(
        name=subject.name, folder=str(folder), settings=settings, models=tuple(checked), reading=words, thesis=ranks,
        defects=tuple(defects["rows"]), stages=times,
    )  # fmt: skip


def _save(
    folder: Path,
    checked: Sequence[ModelCheck],
    settings: ReproduceSettings,
    about: Mapping[str, Any],
    subject: Subject,
    stages: Stages,
    *,
    sigma: float | None = None,
) -> str:
    """Write the results of one check of all nets as `isoperimetry check` does, and return the reading."""
    # Here, as they import what writes to the terminal.
    from isoperimetry_bridges.torch.output import Output
    from isoperimetry_bridges.torch.reading import reading

    check = settings.check(sigma)
    words = _PUBLISHED
    if settings.preset == "strict":
        words = reading(checked, check, trained_in_noise=subject.trained_in_noise if sigma is None else None)
    if settings.quick:
        words = f"A quick look, too small for conclusions. {words}"
    output = Output(folder, check, about)
    seconds = sum(times["seconds"] for times in stages.times().values())
    output.save(checked, words, seconds)
    if sigma is not None:
        output.store.rmdir()  # empty: the stores are in the folder of the subject
    return words


def _defects(stages: Stages, checked: Sequence[ModelCheck]) -> dict[str, Any]:
    subject, settings = stages.subject, stages.settings
    measured, memory = {}, {}
    for net, model in zip(subject.classifiers, checked, strict=True):
        if net.name not in subject.defects:
            continue
        with stages.timed("defects", net.name), Store(stages.store_of(net, "defects")) as store:
            measured[net.name] = measure_defects(
                net, model, subject.images, subject.labels, settings=settings, root=stages.root, store=store,
                progress=stages.progress,
            )  # fmt: skip
            if model.audited:
                image = model.audited[0]
                known = store.get("memory")
                if known is None:
                    place = int(image.image)
                    grown = memory_of_count(
                        net, subject.images[place], int(subject.labels[place]), image.sigma,
                        n_samples=settings.n_samples,
                    )  # fmt: skip
                    known = {"grown": grown, "n_samples": settings.n_samples}
                    store.add("memory", known)
                memory[net.name] = known["grown"]
        stages.progress.advance(1)
    dim = subject.images[0].numel()
    batch = 4 * dim * subject.classifiers[0].batch_size(dim)
    rows = defect_rows(measured, checked, memory, dim=dim, batch_bytes=batch, n_samples=settings.n_samples)
    return {"format": 1, "kind": "defects", "subject": subject.name, "nets": list(measured), "rows": rows}
