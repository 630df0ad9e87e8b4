"""The command line: ``isoperimetry bound | audit | theorems``, and the commands that bridges add.

A bridge adds a command by an entry point of the group ``isoperimetry.commands``: a function with typer's annotations,
which returns None or an exit code. It is imported only when it is called or asked for its help.

Exit codes: 0 fine; 1 a check failed, for instance an attack is convicted; 2 bad usage or input, with one line on
standard error; 3 an error of the program itself, with its traceback.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import inspect
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import typer.core

from isoperimetry.errors import IsoperimetryError
from isoperimetry.terminal import write_out

if TYPE_CHECKING:
    from isoperimetry.checks import AttackAudit, AuditFamily

PROGRAM = "isoperimetry"
GROUP = "isoperimetry.commands"
FINE, FAILED, BAD_INPUT, CRASHED, INTERRUPTED = 0, 1, 2, 3, 130

# Older versions of typer use click, newer ones carry a copy of it: this is the base of the usage errors of either.
_UsageError = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


class _Group(typer.core.TyperGroup):
    """The program: says errors in one line, and finds the commands of bridges without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        own = super().list_commands(ctx)
        return [*own, *sorted(set(_extensions()) - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        # What a bridge adds is shown by a card with its name and summary; `resolve_command` is where it is imported.
        command = super().get_command(ctx, cmd_name)
        if command is None and (entry := _extensions().get(cmd_name)):
            return _command(cmd_name, lambda: None, help=_summary(entry))
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and name not in self.commands:
            function = _load(_extensions()[name])
            command = _command(name, function, help=_help_text(function))
        return name, command, rest

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        # Taken out here, so that it may stand anywhere in the line, after the options of any command too.
        debug = "--debug" in words or os.environ.get("ISOPERIMETRY_DEBUG", "") not in ("", "0")
        words = [word for word in words if word != "--debug"]
        extra["prog_name"] = PROGRAM
        if not standalone_mode:
            return super().main(words, standalone_mode=False, **extra)
        try:
            result = super().main(words, standalone_mode=False, **extra)
        except typer.Abort:
            sys.exit(INTERRUPTED)
        except Exception as error:
            sys.exit(_report(error, debug))
        sys.exit(result if type(result) is int else FINE)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; ``args`` are the words after the program's name, None: those of the process."""
    sys.exit(typer.main.get_command(app).main(args))


app = typer.Typer(
    cls=_Group, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
    epilog="Exit codes: 0 fine, 1 a check failed, 2 bad usage or input, 3 an error of the program itself.",
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        write_out(f"{PROGRAM} {_installed_version()}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _program(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (or set ISOPERIMETRY_DEBUG=1).")
    ] = False,
) -> None:
    """Say what test error in noise tells about adversarial examples, and which attacks provably miss errors."""
    if ctx.invoked_subcommand is None:
        write_out(ctx.get_help())
        ctx.fail("A command is missing.")


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
        show = partial(results.at_most, digits=6) if meaning is bounded else _number
        rows.append([what, show(value), show(value / sigma) if 0 < sigma < math.inf else "", meaning])
    if shares:
        share = results.at_least(shares["enlargement"], 6)
        if share == "0" and math.isfinite(shares["log_enlargement"]):
            share = f"exp({results.at_least(shares['log_enlargement'], 6)})"
        rows.append([f"share within {eps:g}", share, "", "at least this part of noisy samples has an error that near"])
    ((name, value),) = rate.items()
    _print_table(
        f"Distance to the nearest error: {name.replace('_', ' ')} = {value:g} in Gaussian noise of sigma = {sigma:g}",
        ["quantity", "value", "/ sigma", "what it is"],
        rows,
        right=(1, 2),
        wrap=3,
    )


@app.command()
def audit(
    file: Annotated[Path, typer.Argument(help="CSV file with one row a noisy start of the attack.")],
    confidence: Annotated[float, typer.Option(help="1 - the probability of convicting a perfect attack.")] = 0.999,
    q: Annotated[float, typer.Option(help="The quantile of the distances that is tested, in (0, 1).")] = 0.5,
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

    The first row of FILE names the columns. distance: l2 distance from the noisy start to the error found, 0 where the
    start is an error itself, inf or empty where the attack failed. errors, trials, sigma: count of errors, count of
    noise draws and scale of the noise, the same in all rows of an image. Optional: image (which image a row is about)
    and sampling ("fixed" or "sequential"). Other columns are not read.

    Exits with 1 if the attack is convicted on at least one image, all images taken together (Holm).
    """
    from isoperimetry import _starts, checks, report

    images = _starts.read_starts(file)
    audits = []
    for name, image in images.items():
        try:
            audits.append(
                checks.audit_attack(
                    image.distances, errors=image.errors, trials=image.trials, sigma=image.sigma, confidence=confidence,
                    q=q, conditional=conditional, sampling=image.sampling, independent=not dependent,
                )
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(f"{file}, image {name!r}: {error}" if name else f"{file}: {error}") from error
    family = checks.audit_many(audits, confidence=confidence)
    _print_audits(file.name, dict(zip(images, audits, strict=True)), family)
    if json is not None:
        results = [{"image": name, **result.to_dict()} for name, result in zip(images, audits, strict=True)]
        record = {"version": _installed_version(), "file": str(file), "family": family, "audits": results}
        json.write_text(report.to_json(record) + "\n", encoding="utf-8")
        write_out(f"Written to {json}\n")
    if family.n_convicted:
        raise typer.Exit(FAILED)


@app.command()
def theorems(
    name: Annotated[str | None, typer.Argument(help="Show this theorem whole.")] = None,
    space: Annotated[str | None, typer.Option(help="Only those in a space, for instance sphere.")] = None,
    assumption: Annotated[
        str | None, typer.Option(help="Only those that assume this, for instance half-space.")
    ] = None,
    direction: Annotated[str | None, typer.Option(help="Only those that bound this, for instance upper.")] = None,
    label: Annotated[str | None, typer.Option(help="Only those with this label, for instance prediction.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the theorems that the bounds rest on, or show one with its source."""
    from isoperimetry import bounds, report

    if name is not None:
        theorem = bounds.THEOREMS[name]
        write_out(report.to_json(theorem) + "\n" if json else theorem.describe())
        return
    chosen = bounds.THEOREMS.search(space=space, assumption=assumption, direction=direction, label=label)
    if json:
        write_out(report.to_json(list(chosen)) + "\n")
    elif not chosen:
        write_out("No theorem matches. isoperimetry theorems lists them all.\n")
    else:
        rows = [[theorem.name, f"{theorem.label}. {theorem.statement}"] for theorem in chosen]
        _print_table("Theorems (isoperimetry theorems NAME shows one whole)", ["name", "statement"], rows, wrap=1)


def _print_audits(title: str, audits: dict[str, AttackAudit], family: AuditFamily) -> None:
    from isoperimetry import report, results
    from isoperimetry.checks import AuditVerdict

    first, *others = audits.values()
    quantile = "median" if first.q == 0.5 else f"{first.q:g}-quantile"
    rows = [
        [
            name or "(all rows)", audit.verdict.value, f"{audit.errors}/{audit.trials}",
            f"{audit.distance_quantile:.4g}", results.at_most(audit.bound, 4), f"{audit.n_within}/{audit.n_tested}",
            results.at_most(audit.p_value), results.at_most(adjusted),
        ]
        for (name, audit), adjusted in zip(audits.items(), family.adjusted_p_values, strict=True)
    ]  # fmt: skip
    headings = ["image", "verdict", "errors", quantile, "bound", "within", "p", "p (Holm)"]
    shown = len(headings) if others else len(headings) - 1
    _print_table(
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
    for name, audit in audits.items():
        for reason in audit.reasons:
            if reason.startswith("broken:") and reason not in shared:
                write_out(f"- image {name}: {reason}\n")


def _command(name: str, function: Callable[..., Any], *, help: str) -> Any:
    """Return a plain function as a command of the program."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    single.command(name, help=help)(function)
    return typer.main.get_command(single)


def _extensions() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}


def _load(entry: EntryPoint) -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = entry.load()
    except IsoperimetryError:
        raise
    except (ImportError, AttributeError) as error:
        raise IsoperimetryError(
            f"The command {entry.name!r} ({entry.value}) cannot be loaded: {error}. Reinstall the package that adds it."
        ) from error
    return function


def _summary(entry: EntryPoint) -> str:
    """Return the first line of the docstring of a command, read from its source: importing it may import a runtime.

    Only the package at the top is looked up, which imports nothing; the way from there is along folders.
    """
    package, *inner = entry.module.split(".")
    try:
        spec = importlib.util.find_spec(package)
        if spec is None:
            return ""
        folders = spec.submodule_search_locations
        files = [Path(folder, *inner) for folder in folders] if folders else [Path(spec.origin or "")]
        for file in (candidate for path in files for candidate in (path.with_suffix(".py"), path / "__init__.py")):
            if file.is_file():
                tree = ast.parse(file.read_text(encoding="utf-8"))
                named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry.attr]
                return (ast.get_docstring(named[0] if named else tree) or "").partition("\n")[0]
    except (ImportError, ValueError, OSError, SyntaxError):
        pass  # the help of the program must not fail on a package that is broken; calling its command tells
    return ""


def _help_text(function: Callable[..., Any]) -> str:
    """Return the docstring of a command without its NumPy sections: typer shows the parameters itself."""
    return re.split(r"\n+[A-Z][A-Za-z ]+\n-{3,}\n", inspect.getdoc(function) or "")[0]


def _installed_version() -> str:
    try:
        return importlib.metadata.version(PROGRAM)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed: run from its source)"


def _report(error: Exception, debug: bool) -> int:
    """Say in one line on standard error what is wrong; return the exit code."""
    expected = isinstance(error, (ValueError, TypeError, OSError, IsoperimetryError, _UsageError))
    if debug or not expected:
        traceback.print_exception(error)
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        text = f"{message}. Try '{context.command_path if context else PROGRAM} --help'."
    elif isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{error.filename}: {error.strerror}. Check the path."
    else:
        text = str(error) or type(error).__name__
    if not expected:
        text = f"internal error, please report it with the traceback: {text}"
    print(f"{PROGRAM}: error: {' '.join(text.split())}", file=sys.stderr)
    return BAD_INPUT if expected else CRASHED


def _number(value: float) -> str:
    return f"{value:.6g}"


def _print_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    wrap: int | None = None,
) -> None:
    """Print a table as wide as the terminal, wider where its cells would have to be cut; ``wrap`` is prose."""
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for index, heading in enumerate(headings):
        justify: Any = "right" if index in right else "left"
        table.add_column(Text(heading), justify=justify, no_wrap=index != wrap, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    least = Measurement.get(console, console.options.update(width=10_000), table).minimum
    if console.width < least:
        console = Console(highlight=False, width=least)
    with console.capture() as capture:
        console.print(table)
    write_out(f"{title}\n\n" + "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")
