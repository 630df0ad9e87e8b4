"""The figures of a check: distances against error rates and noise scales, the noise shell, windows, corruptions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from isoperimetry import plots
from isoperimetry.report.figures import Figure, arrays_uri, csv_uri, draw_figure, plain
from isoperimetry.report.folder import Results
from isoperimetry.report.measured import ModelResults


def figures(leaf: Results, *, prefix: str) -> list[Figure]:
    """Return the figures of a check that can be drawn from what it holds.

    Parameters
    ----------
    leaf : Results
    prefix : str
        Begins the names, which become ids of the page.

    Raises
    ------
    MissingDependency
        If matplotlib is not installed.
    """
    models = [model for model in leaf.models if model.audited]
    drawn: list[Figure] = []
    if models:
        drawn += _from_noise(models, prefix)
        if leaf.settings.get("sigma") is None and "error_rate" in leaf.settings:
            drawn += _at_one_rate(models, float(leaf.settings["error_rate"]), prefix)
        drawn += _shell(models[0], prefix)
    if leaf.windows:
        drawn += _windows(leaf, prefix)
    if leaf.corruptions:
        drawn += _corruptions(leaf.corruptions, prefix)
    return drawn


def _from_noise(models: Sequence[ModelResults], prefix: str) -> list[Figure]:
    groups = {plain(model.name): model.audits for model in models}
    named = {plain(model.name): model.family.convicted for model in models if model.family}
    rows = [
        {
            "model": model.name, "image": image.image, "errors": audit.errors, "trials": audit.trials,
            "sigma": audit.sigma, "distance_quantile": audit.distance_quantile, "distance_low": audit.distance_low,
            "distance_high": audit.distance_high, "bound": audit.bound, "verdict": image.verdict,
        }
        for model in models
        for image in model.audited
        if (audit := image.audit)
    ]  # fmt: skip
    return [
        draw_figure(
            lambda: plots.distance_against_error_rate(groups, convicted=named),
            name=f"{prefix}-error-rate",
            title="Distances from noisy copies, against the error rate in noise",
            caption="Each mark is an image. The curve is a theorem: if this share of the noisy copies are errors, the "
            "median noisy copy is no farther from the nearest error. Rates and medians here are measured ones, with "
            "their limits: filled are the marks for which it is proved that the attack misses errors, all images of a "
            "model together.",
            file="distances-from-noise.csv",
            data=csv_uri(rows),
        )
    ]


def _at_one_rate(models: Sequence[ModelResults], error_rate: float, prefix: str) -> list[Figure]:
    groups = {plain(model.name): model.audits for model in models}
    named = {plain(model.name): model.family.convicted for model in models if model.family}
    points, rows = {}, []
    for model in models:
        shown = [image for image in model.audited if not math.isnan(image.nearest)]
        limits = [(0.0 if math.isnan(i.sigma_low) else i.sigma_low) for i in shown]
        highs = [(math.inf if math.isnan(i.sigma_high) else i.sigma_high) for i in shown]
        if shown:
            points[plain(model.name)] = ([i.sigma for i in shown], [i.nearest for i in shown], limits, highs)
        rows += [
            {
                "model": model.name, "image": i.image, "sigma": i.sigma, "sigma_low": i.sigma_low,
                "sigma_high": i.sigma_high, "nearest_error_found": i.nearest, "prediction": i.prediction,
                "noisy_median": i.noisy_median(model.attack), "bound": i.audit.bound if i.audit else math.nan,
            }
            for i in model.audited
        ]  # fmt: skip
    data, rate = csv_uri(rows), f"{100 * error_rate:g} %"
    drawn = [
        draw_figure(
            lambda: plots.distance_against_sigma(groups, error_rate=error_rate, convicted=named),
            name=f"{prefix}-sigma",
            title="Distances from noisy copies, against the noise that a model tolerates",
            caption=f"Each image at the noise scale where about {rate} of its noisy copies are errors. The line is the "
            "largest median that an error set of exactly that rate allows.",
            file="distances-at-one-rate.csv",
            data=data,
        )
    ]
    if points:
        drawn.append(
            draw_figure(
                lambda: plots.halfspace_prediction(points, error_rate=error_rate),
                name=f"{prefix}-prediction",
                title="Nearest errors from the images themselves, against the noise that a model tolerates",
                caption="The dashed line is what the distance would be if the errors were a half-space. It is a "
                "prediction, and bounds nothing: points may lie on either side. Distances are those of the nearest "
                "error that any attack found.",
                file="distances-from-images.csv",
                data=data,
            )
        )
    return drawn


def _shell(model: ModelResults, prefix: str) -> list[Figure]:
    known = sorted((image for image in model.audited if 0 < image.rate < 1), key=lambda image: image.sigma)
    if not known or model.dim is None or model.dim < 2:
        return []
    image, dim = known[len(known) // 2], model.dim
    return [
        draw_figure(
            lambda: plots.noise_shell(image.rate, sigma=image.sigma, dim=dim),
            name=f"{prefix}-shell",
            title=f"How far noise goes, and how near errors are: image {image.image} of {model.name}",
            caption=f"Drawn to scale for {model.name} at image {image.image}: {image.errors:,} errors in "
            f"{image.trials:,} draws at a noise scale of {image.sigma:.3g}, in {dim:,} dimensions. If the errors were "
            f"a half-space, they would begin at {image.prediction:.3g} from the image, while a typical noisy copy is "
            f"{image.sigma * math.sqrt(dim):.3g} away.",
            file="noise-shell.csv",
            data=csv_uri([{"model": model.name, "image": image.image, "errors": image.errors, "trials": image.trials,
                           "sigma": image.sigma, "dim": dim, "prediction": image.prediction}]),
        )
    ]  # fmt: skip


def _windows(leaf: Results, prefix: str) -> list[Figure]:
    flat = {f"{plain(name)}/{part}": array for name, window in leaf.windows.items() for part, array in window.items()}
    arrays = {f"{name}/{part}": array for name, window in leaf.windows.items() for part, array in window.items()}
    return [
        draw_figure(
            lambda: plots.church_windows(flat)[0],
            name=f"{prefix}-windows",
            title="Church windows: the plane through an image and two of its errors",
            caption="Through the image itself, the nearest error found and a noisy copy that is an error; one picture "
            "a model. Errors are inside the heavy lines; the noise shell and the half-space prediction are drawn in.",
            file="windows.npz",
            data=arrays_uri(arrays),
            own_titles=True,  # they name the models
        )
    ]


def _corruptions(corruptions: Mapping[str, Any], prefix: str) -> list[Figure]:
    measured = {plain(name): entry for name, entry in corruptions["models"].items()}
    record = {**corruptions, "models": measured}
    rows = [
        {"model": name, "corruption": corruption, "severity": severity, "errors": errors, "trials": entry["trials"]}
        for name, entry in corruptions["models"].items()
        for corruption, counts in entry["errors"].items()
        for severity, errors in enumerate(counts, 1)
    ]
    names = list(measured)
    common: dict[str, Any] = {"file": "corruptions.csv", "data": csv_uri(rows)}
    drawn = [
        draw_figure(
            lambda: plots.corruption_accuracy(record)[0],
            name=f"{prefix}-corruptions",
            title="Accuracy under corruptions",
            caption="By severity, from 0 (the images as they are) to 5; bands are 95 % intervals.",
            **common,
        )
    ]
    if len(names) > 1:
        drawn.append(
            draw_figure(
                lambda: plots.corruption_change(record, names[0]),
                name=f"{prefix}-change",
                title=f"Change of accuracy against {next(iter(corruptions['models']))}",
                caption="Mean over severities, in percentage points. Right of zero: better than the baseline.",
                **common,
            )
        )
    return drawn
