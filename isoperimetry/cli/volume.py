"""``isoperimetry volume``: the measure of an error set that JSON describes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isoperimetry.cli.program import app
from isoperimetry.cli.table import print_table
from isoperimetry.terminal import write_out

if TYPE_CHECKING:
    from isoperimetry.estimate import Estimate


@app.command()
def volume(
    error_set: Annotated[
        str, typer.Argument(metavar="SET", help="JSON file that describes the set, or the JSON itself.")
    ],
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise, in the unit of the inputs.")] = 1.0,
    center: Annotated[
        str | None, typer.Option(help="Center of the noise: JSON or a file of it; without: the origin.")
    ] = None,
    method: Annotated[str, typer.Option(help="auto, exact, crude, mixture, line, directional, ...")] = "auto",
    rel_error: Annotated[
        float | None, typer.Option(help="Stop at this half-width of the interval, relative to the estimate.")
    ] = None,
    n_samples: Annotated[int | None, typer.Option("--samples", help="Stop after about so many calls.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the interval, in (0, 1).")] = 0.95,
    seed: Annotated[int | None, typer.Option(help="Repeats a run; without: another one each time.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Keep finished blocks in this file; the same call goes on from there.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw estimate and interval against calls to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Measure an error set under Gaussian noise: estimate, interval, what it rests on, and what it cost.

    SET is, for instance, '{"type": "Ball", "center": [3, 0], "radius": 1}', or a union: '{"type": "Union", "sets":
    [...]}'; docs/volumes.md lists the types. Exact where the set has a closed form, else estimated. Ctrl-C stops with
    what has been measured.
    """
    from isoperimetry import report
    from isoperimetry.estimators import volume as measure
    from isoperimetry.sets import from_description

    subject = from_description(_read("SET", error_set))
    middle = None if center is None else _vector(_read("--center", center), subject.dim)
    estimate = measure(
        subject, center=middle, sigma=sigma, method=method, rel_error=rel_error, n_samples=n_samples,
        confidence=confidence, rng=seed, progress=not quiet, record=record,
    )  # fmt: skip
    if as_json:
        write_out(report.to_json(estimate) + "\n")
    else:
        _print(str(type(subject).__name__), estimate)
    if plot is not None:
        from isoperimetry.plots import volume_run

        figure: Any = volume_run(estimate).figure
        figure.savefig(plot, dpi=150, bbox_inches="tight")
        if not as_json:
            write_out(f"\nDrawn to {plot}\n")


def _read(name: str, text: str) -> Any:
    """Return what a file or a text says in JSON."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[", '"')):
        path = Path(text)
        if not path.is_file():
            raise ValueError(f"{name}={text!r} must be JSON or the path of a file of it: there is no such file.")
        stripped = path.read_text(encoding="utf-8")
    try:
        return json.loads(stripped)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} must be JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error


def _vector(description: Any, dim: int) -> Any:
    from isoperimetry.sets.description import read_vector

    point = read_vector(description, "--center")
    if len(point) != dim:
        raise ValueError(f"--center has {len(point)} numbers but must have {dim}: as many as the set's dimension.")
    return point


def _print(title: str, estimate: Estimate) -> None:
    from isoperimetry.estimate import say_log
    from isoperimetry.results import Guarantee, at_least, at_most

    low, high = estimate.log_interval
    distance = estimate.distance
    exact = estimate.guarantee is Guarantee.EXACT
    given = f", given {estimate.given}" if estimate.given else ""
    rows = [["measure", say_log(estimate.log_value), "probability of the set"]]
    if math.isfinite(estimate.log_value):
        rows.append(["its log", f"{estimate.log_value:.10g}", "natural logarithm"])
    if not exact:
        share = at_least(estimate.confidence, 6)
        rows.append(["interval", f"[{say_log(low, at_least)}, {say_log(high, at_most)}]", f"confidence {share}"])
        spread = [say_log(limit) for limit in estimate.log_spread]
        rows.append(["spread", f"[{', '.join(spread)}]", "asymptotic, without what the method cannot see"])
    rows.append(["guarantee", estimate.guarantee.name, f"{estimate.guarantee.value}{given}"])
    if estimate.residual:
        rows.append(["residual", at_most(estimate.residual), "of the upper limit: what only plain draws would see"])
    found = f"{distance.value:.6g}"
    if not exact:
        found += f" [{at_least(distance.low, 4)}, {at_most(distance.high, 4)}]"
    rows.append(["half-space distance", found, f"-sigma ndtri(measure), sigma = {estimate.sigma:g}"])
    if not exact:
        parts = f"{estimate.n_guard:,} guard, {estimate.n_search:,} search, {estimate.n_gradients:,} gradients"
        rows.append(["calls", f"{estimate.n_calls:,}", parts])
        rows.append(["method", estimate.method, f"stopped: {estimate.stopped}; {estimate.seconds:.2g} s"])
        if estimate.stream is not None:
            rows.append(["seed", str(estimate.stream.seed), "repeats the run"])
    print_table(f"{title} under Gaussian noise", ["quantity", "value", "what it is"], rows, wrap=2)
    for note in estimate.notes:
        write_out(f"- {note}\n")
