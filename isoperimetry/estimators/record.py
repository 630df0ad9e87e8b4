"""A crash-safe file of finished blocks: a run that was killed goes on where it was."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from isoperimetry.journal import Journal, differing, plain

__all__ = ["FORMAT", "RunRecord", "plain"]

FORMAT = "isoperimetry run 1"


class RunRecord:
    """The results of blocks by name, in memory and in a file, see `isoperimetry.journal.Journal`.

    The first line says what was run; a file of another run is refused.

    Parameters
    ----------
    path : path or None
        The file; it is made if it does not exist. None: nothing is kept.

    Raises
    ------
    ValueError
        If the file is in use, of something else, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._found: dict[str, Any] = {}
        self._journal: Journal | None = None
        if self.path is None:
            return
        journal = Journal(self.path, FORMAT, called=f"record={str(self.path)!r}")
        try:
            journal.acquire()
        except BlockingIOError:
            raise ValueError(f"record={str(self.path)!r} is in use by another run: give each its own file.") from None
        try:
            for entry in journal.read():
                self._found[entry["name"]] = entry["result"]
        except BaseException:
            journal.close()
            raise
        self._journal = journal

    @property
    def header(self) -> dict[str, Any] | None:
        """What the file says was run, None if it says nothing yet."""
        return None if self._journal is None else self._journal.header

    def begin(self, header: dict[str, Any]) -> None:
        """Write what is run, or compare it with what the file says."""
        if self._journal is None:
            return
        if self._journal.header is None:
            self._journal.start(header)
            return
        differs = differing(self._journal.header, json.loads(json.dumps({"format": FORMAT, **header})))
        if differs:
            raise ValueError(
                f"record={str(self.path)!r} is of another run, it differs in {', '.join(differs)}: give this run a new "
                "file."
            )

    def confirm(self, answers: list[float]) -> None:
        """Keep what a function answered about a few points, or compare it with what the file says.

        Answers may differ by the rounding of a float32 model on another machine.
        """
        known = self.get("check")
        self.add("check", answers)
        if known is None:
            return
        far = 1e-3 * max([1.0, *(abs(answer) for answer in known if math.isfinite(answer))])
        if len(known) != len(answers) or not np.allclose(answers, known, rtol=1e-3, atol=far):
            raise ValueError(
                f"record={str(self.path)!r} is of another run, the function answers differently: give this run a new "
                "file."
            )

    def get(self, name: str) -> Any:
        """Return the result of a finished block, or None."""
        return self._found.get(name)

    def add(self, name: str, result: Any) -> None:
        """Keep the result of a block."""
        if self._journal is not None and name not in self._found:
            self._journal.append({"name": name, "result": result})
            self._found[name] = result

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
