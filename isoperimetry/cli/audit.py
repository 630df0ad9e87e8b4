"""``isoperimetry audit FILE``: an attack judged from a table of its distances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isoperimetry.cli.program import FAILED, app, installed_version
from isoperimetry.cli.table import print_table
from isoperimetry.terminal import write_out

if TYPE_CHECKING:
    from isoperimetry.checks import AttackAudit, AuditFamily


@app.command()
def audit(
    file: Annotated[
        Path, typer.Argument(help="Table with one row a noisy start: .csv, .jsonl, .ndjson, .npz or .parquet.")
    ],
    confidence: Annotated[float, typer.Option(help="1 - the probability of convicting a perfect attack.")] = 0.999,
    q: Annotated[
        list[float] | None,
        typer.Option(help="The quantile of the distances that is tested, in (0, 1); may be repeated; default: 0.5."),
    ] = None,
    radius: Annotated[
        list[float] | None,
        typer.Option(help="Test how many starts have an error within this distance instead; may be repeated."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="sign: at --q or --radius. dkw: all radii at once, which takes more starts.")
    ] = "sign",
    conditional: Annotated[
        bool | None,
        typer.Option(
            "--conditional/--every-start", help="Starts in error are left out / are in FILE; else: not known."
        ),
    ] = None,
    dependent: Annotated[
        bool, typer.Option("--dependent", help="The starts are among the draws that gave errors and trials.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Also write the results to this JSON file.")] = None,
) -> None:
    """Judge an attack from a table of its distances: say whether it provably misses errors.

    Columns of FILE, one row a noisy start:

    - distance: l2 distance from the start to the error found; 0 where the start is an error; inf or empty: none found.

    - errors, trials, sigma: errors counted in so many noise draws of this scale; the same in all rows of an image.

    - image (optional): which image a row is about.

    - sampling (optional): "fixed" or "sequential".

    Other columns are not read. In NPZ files a column is an array, or one value for all rows.

    What is tested (--q, --radius, --method) must have been chosen before looking at the distances.

    Exits with 1 if the attack is convicted on at least one image, all images taken together (Holm).
    """
    from isoperimetry import checks, report
    from isoperimetry.cli import starts

    images = starts.read_starts(file)
    tested: dict[str, Any] = {"radii": radius or None, "method": method}
    if q:
        tested["q"] = q  # in a list even if it is one, so that 0.5 is not taken for the default beside --radius
    options: dict[str, Any] = {
        "confidence": confidence, "conditional": conditional, "independent": not dependent, **tested
    }  # fmt: skip
    try:  # before any image is blamed for an option
        checks.audit_attack([0.0], errors=0, trials=0, sigma=1.0, **options)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    audits = []
    for name, image in images.items():
        try:
            audits.append(
                checks.audit_attack(
                    image.distances, errors=image.errors, trials=image.trials, sigma=image.sigma,
                    sampling=image.sampling, **options,
                )
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(f"{file}, image {name!r}: {error}" if name else f"{file}: {error}") from error
    family = checks.audit_many(audits, confidence=confidence)
    _print_audits(file.name, dict(zip(images, audits, strict=True)), family)
    if json is not None:
        results = [{"image": name, **result.to_dict()} for name, result in zip(images, audits, strict=True)]
        record = {"version": installed_version(), "file": str(file), "family": family, "audits": results}
        json.write_text(report.to_json(record) + "\n", encoding="utf-8")
        write_out(f"Written to {json}\n")
    if family.n_convicted:
        raise typer.Exit(FAILED)


def _print_audits(title: str, audits: dict[str, AttackAudit], family: AuditFamily) -> None:
    from isoperimetry import report, results
    from isoperimetry.checks import AuditVerdict

    first, *others = audits.values()
    # Of several quantiles, or of radii, each image is told the one that says most.
    one_q = len(first.points) == 1 and first.radii is None and first.method == "sign"
    quantile = "quantile" if not one_q else "median" if first.q == 0.5 else f"{first.q:g}-quantile"
    headings = ["image", "verdict", "errors", *([] if one_q else ["q"]), quantile, "bound", "within", "p", "p (Holm)"]
    rows = [
        [
            name or "(all rows)", audit.verdict.value, f"{audit.errors}/{audit.trials}",
            *([] if one_q else [results.at_least(audit.q, 4)]),
            f"{audit.distance_quantile:.4g}", results.at_most(audit.bound, 4), f"{audit.n_within}/{audit.n_tested}",
            results.at_most(audit.p_value), results.at_most(adjusted),
        ]
        for (name, audit), adjusted in zip(audits.items(), family.adjusted_p_values, strict=True)
    ]  # fmt: skip
    shown = len(headings) if others else len(headings) - 1
    print_table(
        f"Distances from noisy starts against the bound ({title})", headings[:shown], [row[:shown] for row in rows],
        right=range(2, shown),
    )  # fmt: skip
    write_out("\n" + (report.describe_family(family) if others else report.describe(first)) + "\n")
    # What was found is in the sentence and in the table; what the verdicts rest on is said once where all share it.
    told = () if first.verdict is AuditVerdict.UNDECIDED and not others else ("found:",)
    shared = [reason for reason in first.reasons if all(reason in audit.reasons for audit in others)]
    for reason in shared:
        if not reason.startswith(told):
            write_out(f"- {reason}\n")
    for index, (name, audit) in enumerate(audits.items()):
        own = ("broken:", "assumed:") if index in family.convicted else ("broken:",)
        for reason in audit.reasons:
            if reason.startswith(own) and reason not in shared:
                write_out(f"- image {name}: {reason}\n")
