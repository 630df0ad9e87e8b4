"""``isoperimetry bound``: what an error rate in noise tells about distances."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any

import typer

from isoperimetry.cli.program import app
from isoperimetry.cli.table import number, print_table
from isoperimetry.terminal import write_out


@app.command()
def bound(
    mu: Annotated[float | None, typer.Option(help="Error rate in noise, in [0, 1].")] = None,
    log_mu: Annotated[float | None, typer.Option(help="Its natural logarithm, for tiny rates.")] = None,
    accuracy: Annotated[float | None, typer.Option(help="Accuracy in noise, 1 - mu.")] = None,
    log_accuracy: Annotated[float | None, typer.Option(help="Natural logarithm of the accuracy.")] = None,
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise, in the unit of the inputs.")] = 1.0,
    eps: Annotated[float | None, typer.Option(help="A distance, in the unit of the inputs.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say what an error rate in Gaussian noise tells about the distance to the nearest error."""
    from isoperimetry import bounds, report, results

    given = {"mu": mu, "log_mu": log_mu, "accuracy": accuracy, "log_accuracy": log_accuracy}
    rate: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if len(rate) != 1:
        raise ValueError("bound takes one of --mu, --log-mu, --accuracy, --log-accuracy: for instance --mu 0.01.")
    for name, value in {**rate, "sigma": sigma, "eps": eps}.items():
        if value is not None and math.isnan(value):
            raise ValueError(f"{name}={value!r} must be a number: there is no bound for it.")
    distances: dict[str, Any] = {
        "halfspace_distance": bounds.halfspace_distance(sigma=sigma, **rate),
        "median_distance_bound": bounds.median_distance_bound(sigma=sigma, **rate),
        "mean_distance_bound": bounds.mean_distance_bound(sigma=sigma, **rate),
    }
    shares: dict[str, Any] = {}
    if eps is not None:
        shares["enlargement"] = bounds.enlargement(eps=eps, sigma=sigma, **rate)
        shares["log_enlargement"] = bounds.log_enlargement(eps=eps, sigma=sigma, **rate)
    if json:
        write_out(report.to_json({**rate, "sigma": sigma, "eps": eps, **distances, **shares}) + "\n")
        return
    bounded = "at most this, for noisy samples and any error set"
    meanings = {
        "halfspace_distance": ("half-space distance", "prediction at the clean input, no bound; exact for half-spaces"),
        "median_distance_bound": ("median distance", bounded),
        "mean_distance_bound": ("mean distance", bounded),
    }  # fmt: skip
    rows = []
    for name, value in distances.items():
        what, meaning = meanings[name]
        show = partial(results.at_most, digits=6) if meaning is bounded else number
        rows.append([what, show(value), show(value / sigma) if 0 < sigma < math.inf else "", meaning])
    if shares:
        share = results.at_least(shares["enlargement"], 6)
        if share == "0" and math.isfinite(shares["log_enlargement"]):
            share = f"exp({results.at_least(shares['log_enlargement'], 6)})"
        rows.append([f"share within {eps:g}", share, "", "at least this part of noisy samples has an error that near"])
    ((name, value),) = rate.items()
    print_table(
        f"Distance to the nearest error: {name.replace('_', ' ')} = {value:g} in Gaussian noise of sigma = {sigma:g}",
        ["quantity", "value", "/ sigma", "what it is"],
        rows,
        right=(1, 2),
        wrap=3,
    )
