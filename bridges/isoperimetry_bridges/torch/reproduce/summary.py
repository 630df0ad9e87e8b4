"""What a reproduction found, for the terminal."""

from __future__ import annotations

from rich.console import Console

from isoperimetry_bridges.torch.reproduce.run import SubjectResults
from isoperimetry_bridges.torch.summary import WIDE, model_table


def told(found: SubjectResults) -> str:
    """Return the table of the nets, the reading, the rank correlations, the shortcomings and the time spent."""
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(width=WIDE, emoji=False)
    with console.capture() as capture:
        console.print(model_table(found.models, found.settings.check()), "")
        for line in _lines(found):
            console.print(line, highlight=False, markup=False)
    return capture.get() + "\n"


def _lines(found: SubjectResults) -> list[str]:
    lines = [found.reading, ""]
    for one in found.thesis["correlations"]:
        names = " and ".join(str(one[key]).replace("_", " ") for key in ("x", "y"))
        lines.append(
            f"{one['nets']}: {names}: rank correlation {one['rho']:.2f} [{one['low']:.2f}, {one['high']:.2f}] "
            f"({one['confidence']:.0%}, {one['method']}, {one['guarantee']}), p = {one['p_value']:.2g} "
            f"({one['p_value_method']})"
        )
    lines += [found.thesis["note"], ""]
    if found.defects:
        lines.append("The published pipeline:")
        lines += [f"({row['defect']}) {row['what']} {row['effect']}" for row in found.defects]
        lines.append("")
    times = ", ".join(f"{name} {spent['processor_seconds']:.0f}" for name, spent in found.stages.items())
    lines.append(f"Processor seconds: {times}.")
    return lines
