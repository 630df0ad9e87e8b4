"""The program: how it finds the commands of bridges, says errors in one line, and which exit code it ends with."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import typer.core

from isoperimetry.errors import IsoperimetryError
from isoperimetry.terminal import write_out

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
        write_out(f"{PROGRAM} {installed_version()}\n")
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


def installed_version() -> str:
    """Return the version that is installed."""
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
