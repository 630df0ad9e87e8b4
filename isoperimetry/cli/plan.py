"""``isoperimetry plan``: how many noise draws and attacked starts an audit needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from isoperimetry.cli.program import app, installed_version
from isoperimetry.cli.table import print_table
from isoperimetry.terminal import write_out

if TYPE_CHECKING:
    from isoperimetry.checks import Plan

# The table: what it takes to convict attacks that are worse and worse, more and more surely.
POWERS = (0.5, 0.8, 0.95)
FACTORS = (1.1, 1.2, 1.5, 2.0)


@app.command()
def plan(
    mu: Annotated[float, typer.Option(help="Error rate in noise that you expect, in (0, 1).")] = 0.01,
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise, in the unit of the inputs.")] = 1.0,
    factor: Annotated[
        float, typer.Option("--times-too-long", help="The attack to convict: distance found / nearest distance, >= 1.")
    ] = 1.5,
    failing: Annotated[float, typer.Option(help="Share of its searches that find nothing, in [0, 1).")] = 0.0,
    power: Annotated[float, typer.Option(help="Probability of convicting it that you want, in (0, 1).")] = 0.9,
    confidence: Annotated[float, typer.Option(help="Of the audit, in (0, 1).")] = 0.999,
    precision: Annotated[
        float | None,
        typer.Option(help="Wanted standard error of the half-space distance, in the unit of sigma's: more draws."),
    ] = None,
    q: Annotated[float, typer.Option(help="The quantile of the distances that is tested, in (0, 1).")] = 0.5,
    conditional: Annotated[bool, typer.Option("--conditional", help="Only starts not in error are attacked.")] = False,
    draws: Annotated[int | None, typer.Option(help="Noise draws that you have: plan the starts alone.")] = None,
    starts: Annotated[int | None, typer.Option(help="Starts that you have: plan the draws alone.")] = None,
    start_cost: Annotated[float, typer.Option(help="What attacking one start costs, in draws.")] = 200.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Plan an audit: say how many noise draws and attacked starts convict an attack that misses errors.

    The power is exact where the errors fill a half-space, which is where true distances are as long as the theorem
    allows; where errors are nearer than that, it takes more. The second table says what other attacks and powers take.
    """
    from isoperimetry import checks, report

    options: dict[str, Any] = {
        "failing": failing, "confidence": confidence, "standard_error": precision, "q": q, "conditional": conditional,
        "draws": draws, "starts": starts, "start_cost": start_cost,
    }  # fmt: skip
    chosen = checks.plan(mu, sigma, factor=factor, power=power, **options)
    powers = (power,) if chosen.target is None else POWERS
    others = [[_plan_or_none(mu, sigma, other, wanted, options) for wanted in powers] for other in FACTORS]
    if as_json:
        found = [planned for row in others for planned in row if planned is not None]
        write_out(report.to_json({"version": installed_version(), "plan": chosen, "others": found}) + "\n")
        return
    _print_plan(chosen)
    if chosen.target is None:
        rows = [[f"{other:g}", _power(planned)] for other, (planned,) in zip(FACTORS, others, strict=True)]
        headings = ["times too long", "power"]
        title = "Power of these draws and starts against other attacks"
    else:
        rows = [[f"{other:g}", *map(_size, row)] for other, row in zip(FACTORS, others, strict=True)]
        headings = ["times too long", *(f"power {wanted:g}" for wanted in powers)]
        title = "Draws + starts that it takes for other attacks and powers"
    write_out("\n")
    print_table(title, headings, rows, right=range(len(headings)))


def _plan_or_none(mu: float, sigma: float, factor: float, power: float, options: dict[str, Any]) -> Plan | None:
    from isoperimetry import checks

    try:
        return checks.plan(mu, sigma, factor=factor, power=power, **options)
    except ValueError:
        return None  # the arguments were fine for one attack: no number reaches this power against another


def _print_plan(chosen: Plan) -> None:
    from isoperimetry.results import at_least

    attack = f"{chosen.factor:g} times too long" if chosen.factor != 1 else "of the nearest errors"
    if chosen.failing:
        attack += f" and {chosen.failing:g} of its searches find nothing"
    bound = f" (a {chosen.q:g}-quantile is tested)" if chosen.q != 0.5 else ""
    write_out(
        f"For each image: {chosen.draws:,} noise draws and {chosen.starts:,} attacked starts"
        f"{' that are not in error' if chosen.conditional else ''}.\n"
        f"At confidence {at_least(chosen.confidence, 6)} they convict an attack whose distances are {attack} with "
        f"probability {at_least(chosen.power)}, if the errors fill a half-space of rate {chosen.mu:g}{bound}.\n"
        "These draws tell the half-space distance with a standard error of "
        f"{chosen.standard_error:.3g} (sigma = {chosen.sigma:g}).\n"
    )
    if chosen.alternatives:
        write_out("\n")
        rows = [
            [
                f"{way.draws:,}", f"{way.starts:,}", at_least(way.power), f"{way.standard_error:.3g}",
                f"{way.cost:,.0f}", "<- least cost" if way.starts == chosen.starts else "",
            ]
            for way in chosen.alternatives
        ]  # fmt: skip
        headings = ["draws", "starts", "power", "standard error", "cost", ""]
        print_table("Ways to this power; cost in draws", headings, rows, right=range(5))


def _size(planned: Plan | None) -> str:
    return "never" if planned is None else f"{planned.draws:,} + {planned.starts:,}"


def _power(planned: Plan | None) -> str:
    from isoperimetry.results import at_least

    return "" if planned is None else at_least(planned.power)
