"""The table of speeds in docs/accuracy.md, from the kept results: ``python -m benchmarks.speed_page``.

Run it after `benchmarks.test_special` or `benchmarks.test_rng`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import accuracy_special, test_rng, test_special, timing

Row = tuple[str, str, float, dict[str, Any]]


def read(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((timing.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return record


def aims() -> Iterator[Row]:
    """Return what was timed, beside which peer, the ratio that was aimed at, and the row of the result."""
    rows = {
        (row["function"], row["arguments"], row["case"]): row
        for row in read("special")["rows"]
        if row["size"] == test_special.SIZES[-1]
    }
    for function, name, goals in test_special.GOALS:
        for peer, aim in goals.items():
            if (function, name, peer) in rows:
                yield f"`{function}`, {name}", peer, aim, rows[function, name, peer]
    noise = read("rng")
    for dtype, goals in test_rng.GOALS.items():
        name = str(np.dtype(dtype))
        for row in noise["normals"]:
            if row["dtype"] == name and row["shape"] == list(test_rng.NORMALS[-1]) and row["case"] in goals:
                yield f"normals, {name}", row["case"], goals[row["case"]], row
    for row in noise["threads"]:
        if row["case"] == "one thread":
            yield f"two threads, 1e7 normals, {row['dtype']}", row["case"], 1.8, row


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| what | beside | times as fast | range | aimed at | |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for what, peer, aim, row in aims():
        ratio, (low, high) = row["ours_is_faster"], row["ours_is_faster_range"]
        verdict = "reached" if ratio >= aim else f"missed by {1 - ratio / aim:.1%}"
        lines.append(f"| {what} | {peer} | {ratio:.2f} | {low:.2f} to {high:.2f} | {aim:g} | {verdict} |")
    machine = read("special")["machine"]
    versions = ", ".join(f"{name} {machine[name]}" for name in ("numpy", "scipy", "numba", "torch", "mkl"))
    where = f"1e6 numbers and one core where nothing else is said; {machine['processor']}; {versions}."
    return "\n".join([where, "", *lines])


def main() -> None:
    page = accuracy_special.PAGE.read_text(encoding="utf-8")
    accuracy_special.PAGE.write_text(
        accuracy_special.put_between_markers(page, "speed", table()), encoding="utf-8", newline="\n"
    )
    print(table())


if __name__ == "__main__":
    main()
