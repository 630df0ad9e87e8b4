"""A crash-safe file of finished blocks: one line each, appended, so that a run that was killed goes on where it was."""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

FORMAT = "isoperimetry run 1"
SYNC_EVERY = 1.0  # seconds: a killed process loses nothing that was written, a power cut at most this much


class RunRecord:
    """The results of blocks by name, in memory and in a file of JSON lines.

    The first line says what was run; a file of another run is refused. A line holds a check sum, and a torn last line,
    as a crash leaves it, is cut off.

    Parameters
    ----------
    path : path or None
        The file; it is made if it does not exist. None: nothing is kept.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._found: dict[str, Any] = {}
        self._file: Any = None
        self._synced = 0.0
        self.header: dict[str, Any] | None = None
        if self.path is None:
            return
        self._file = self._open(self.path)
        keep = 0
        for line in self._file:
            if (entry := _read(line)) is None:
                break
            if self.header is None:
                self.header = entry
                if entry.get("format") != FORMAT:
                    self._file.close()
                    raise ValueError(f"record={str(path)!r} must be a file of an earlier run, or not exist yet.")
            else:
                self._found[entry["name"]] = entry["result"]
            keep += len(line)
        if self.header is None and self._file.seek(0, os.SEEK_END) > 0 and keep == 0:
            self._file.seek(0)
            if self._file.read(1) != b"{":  # a torn header is ours; anything else is somebody's file
                self._file.close()
                raise ValueError(f"record={str(path)!r} must be a file of an earlier run, or not exist yet.")
        self._file.truncate(keep)
        self._file.seek(keep)

    @staticmethod
    def _open(path: Path) -> Any:
        file = open(path, "r+b" if path.exists() else "w+b")
        try:
            import fcntl
        except ImportError:  # Windows: two runs on one file are not told apart there
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise ValueError(f"record={str(path)!r} is in use by another run: give each its own file.") from None
        return file

    def begin(self, header: dict[str, Any]) -> None:
        """Write what is run, or compare it with what the file says."""
        if self._file is None:
            return
        wanted = json.loads(json.dumps({"format": FORMAT, **header}))
        if self.header is None:
            self.header = wanted
            self._append(wanted)
            return
        known = self.header
        differs = [key for key in sorted({*wanted, *known}) if wanted.get(key) != known.get(key)]
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
        if self._file is not None and name not in self._found:
            self._append({"name": name, "result": result})
            self._found[name] = result

    def _append(self, entry: dict[str, Any]) -> None:
        body = json.dumps(entry, separators=(",", ":"))
        self._file.write(f'{{"crc":{zlib.crc32(body.encode())},"entry":{body}}}\n'.encode())
        self._file.flush()
        if time.monotonic() - self._synced > SYNC_EVERY:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def plain(result: Any) -> Any:
    """Return the result of a task as the record reads it back: arrays as lists; floats keep their bits in JSON."""
    if isinstance(result, dict):
        return {key: plain(value) for key, value in result.items()}
    if isinstance(result, np.ndarray | np.generic):
        return result.tolist()
    if isinstance(result, list | tuple):
        return [plain(value) for value in result]
    return result


def _read(line: bytes) -> Any:
    """Return the entry of a line, None for one that was torn."""
    try:
        whole = json.loads(line)
        body = json.dumps(whole["entry"], separators=(",", ":"))
        return whole["entry"] if line.endswith(b"\n") and zlib.crc32(body.encode()) == whole["crc"] else None
    except (ValueError, KeyError, TypeError):
        return None
