"""The command line: ``isoperimetry bound | volume | audit | plan | report | theorems``, and what bridges add.

A bridge adds a command by an entry point of the group ``isoperimetry.commands``: a function with typer's annotations,
which returns None or an exit code. It is imported only when it is called or asked for its help.

Exit codes: 0 fine; 1 a check failed, for instance an attack is convicted; 2 bad usage or input, with one line on
standard error; 3 an error of the program itself, with its traceback.
"""

from isoperimetry.cli import audit, bound, plan, report, theorems, volume
from isoperimetry.cli.program import GROUP, PROGRAM, app, main

__all__ = ["GROUP", "PROGRAM", "app", "audit", "bound", "main", "plan", "report", "theorems", "volume"]
