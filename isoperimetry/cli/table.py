"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from isoperimetry.terminal import write_out


def number(value: float) -> str:
    """Return six digits of a number."""
    return f"{value:.6g}"


def print_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    wrap: int | None = None,
) -> None:
    """Print a table as wide as the terminal, wider where its cells would have to be cut; ``wrap`` is prose."""
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    rows = list(rows)
    for index, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if index in right else "left"
        # Rich takes the longest word for the least width of a column, also where it may not break the line.
        least = None if index == wrap else max(cell_len(cell) for cell in (heading, *(row[index] for row in rows)))
        table.add_column(Text(heading), justify=justify, no_wrap=index != wrap, overflow="fold", min_width=least)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    narrowest = Measurement.get(console, console.options.update(width=10_000), table).minimum
    if console.width < narrowest:
        console = Console(highlight=False, width=narrowest)
    with console.capture() as capture:
        console.print(table)
    write_out(f"{title}\n\n" + "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")
