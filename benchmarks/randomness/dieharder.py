"""Raw words piped to Robert G. Brown's dieharder (Debian: ``apt-get install dieharder``)."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from typing import Any

from benchmarks.randomness import pvalues
from benchmarks.randomness.sources import ORDERS, Source

# All tests that dieharder calls good, with a few of the sizes (-n) of those from 200 to 203; 0 is the default size.
CHOSEN = (
    *((test, 0) for test in (0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 16, 17, 100, 101, 102)),
    *((200, size) for size in (1, 2, 4, 8)), *((201, size) for size in (2, 3)), (202, 5),
    *((203, size) for size in (0, 1, 3, 7)), *((test, 0) for test in (204, 205, 206, 207, 208, 209)),
)  # fmt: skip
VERSION = re.compile(r"dieharder version ([\w.]+)")
CHUNK = 2**16
SEGMENT = 2**40
"""Counters from the start of one test's data to that of the next."""

NAME_TESTS = (0, 3, 8, 10, 12, 15, 100, 204, 206)
"""For keys by name, which are hashed one by one: those that ask for few numbers."""

MISSING = "dieharder is not installed (Debian: apt-get install dieharder)"

WEAK_RATE = 0.01
"""dieharder calls p below 0.005 or above 0.995 weak, so one good line in a hundred."""

_LINE = re.compile(r"^\s*([\w#]+)\s*\|\s*(\d+)\|\s*(\d+)\|\s*(\d+)\|\s*([\d.]+)\|\s*(PASSED|WEAK|FAILED)", re.M)


def installed() -> bool:
    """Return whether dieharder can be run."""
    return shutil.which("dieharder") is not None


def parse(text: str) -> list[dict[str, Any]]:
    """Return the lines of dieharder's table."""
    return [
        {"test": test, "ntup": int(size), "tsamples": int(t), "psamples": int(p), "p": float(value), "assessment": word}
        for test, size, t, p, value, word in _LINE.findall(text)
    ]


def run(arguments: list[str], source: Source, order: str, start: int) -> tuple[list[dict[str, Any]], int]:
    """Run dieharder on the words of an order from counter ``start``; return its table and the words it was sent."""
    process = subprocess.Popen(
        ["dieharder", *arguments, "-g", "200"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None and process.stdout is not None
    sent = 0
    try:
        while process.poll() is None:
            process.stdin.write(source.words(order, start + sent, CHUNK).astype("<u4").tobytes())
            sent += CHUNK
    except BrokenPipeError:
        pass  # it has read enough
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    table = process.stdout.read().decode()
    process.stdout.close()
    process.wait()
    return parse(table), 4 * sent


def commands(order: str | None = None, *, full: bool = False) -> list[list[str]]:
    """Return the arguments of the calls of dieharder for an order."""
    chosen = [choice for choice in CHOSEN if order != "name" or choice[0] in NAME_TESTS]
    return [["-a"]] if full else [["-d", str(test), "-n", str(size)] for test, size in chosen]


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts of a table's words, and the table."""
    said = [line["assessment"] for line in lines]
    return {
        "lines": len(lines),
        "weak": said.count("WEAK"),
        "weak_expected": round(WEAK_RATE * len(lines), 2),
        "failed": said.count("FAILED"),
        "uniformity_of_p": float(f"{pvalues.of_uniforms([line['p'] for line in lines]):.3g}"),
        "table": lines,
    }


def control(seed: int) -> dict[str, Any]:
    """Return what the same tests say of dieharder's own AES generator: how uniform its p-values are for good bits."""
    lines: list[dict[str, Any]] = []
    for i, call in enumerate(commands()):
        command = ["dieharder", *call, "-g", "205", "-S", str(seed + i + 1)]
        lines += parse(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"generator": "dieharder -g 205 (AES_OFB), the commands of an order, -S 1, 2, ...", **summary(lines)}


def bits(source: Source, full: bool) -> dict[str, Any]:
    """Return the record of all orders, or of why there is none."""
    if not installed():
        return {"missing": MISSING}
    record: dict[str, Any] = {"orders": {}}
    for order, meaning in ORDERS.items():
        began, lines, sent = time.perf_counter(), [], 0
        calls = commands(order, full=full)
        for i, call in enumerate(calls):
            table, words = run(call, source, order, i * SEGMENT)
            lines += table or [{"test": " ".join(call), "p": 0.0, "assessment": "FAILED", "why": "no line"}]
            sent += words
        seconds = round(time.perf_counter() - began)
        record["orders"][order] = {
            "meaning": meaning,
            "commands": [f"dieharder {' '.join(call)} -g 200" for call in calls],
            "words": sent,
            "seconds": seconds,
            **summary(lines),
        }
        print(f"dieharder, words by {order}: {len(lines)} lines in {seconds} s", flush=True)
    return record
