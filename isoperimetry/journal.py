"""An append-only file of JSON lines with a check sum each, so that a crash loses nothing and damage is told apart."""

from __future__ import annotations

import json
import math
import os
import time
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from isoperimetry.errors import RecordError

SYNC_EVERY = 1.0  # seconds
# How each line begins, and what comes between its check sum and its entry.
_START, _MIDDLE = b'{"crc":', b',"entry":'


class Journal:
    """A file whose first line, the header, says what it is about, and whose other lines are entries.

    A journal reads, also while another process writes. After `acquire` it appends as well, and no other process does.
    A line that is written survives the end of the process; a power cut takes at most lines that came within a second
    after a sync. What a crash leaves of a last line is passed over, and cut off by the next one who appends. Any other
    line with a wrong check sum is an error, and the file is left as it is. Not for several threads at once.

    Parameters
    ----------
    path : path
        The file. Nothing is opened yet.
    form : str
        The name of the format, which the header holds: a file of another one is refused.
    called : str, optional
        What messages call the file, by default its path.

    Attributes
    ----------
    header : dict or None
        The first line, None while there is none.
    locked : bool
        Whether the file is held against other processes: False before `acquire`, and where the system has no locks.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "squares.jsonl"
    >>> with Journal(path, "squares 1") as journal:
    ...     journal.acquire()
    ...     earlier = list(journal.read())
    ...     journal.start({"of": "integers"})
    ...     journal.append([3, 9])
    >>> list(Journal(path, "squares 1").read())
    [[3, 9]]
    """

    def __init__(self, path: str | os.PathLike[str], form: str, *, called: str | None = None) -> None:
        self.path, self.form, self.called = Path(path), form, called or str(path)
        self.header: dict[str, Any] | None = None
        self.locked = False
        self._descriptor: int | None = None
        self._owner = 0
        self._complete = False  # whether all was read that was there when the file was acquired
        self._end = self._n_lines = 0  # bytes and lines that were read or written and are whole
        self._pending = 0  # length of a line that may have been written in part
        self._synced = -math.inf

    def acquire(self) -> None:
        """Open the file for appending, make it if there is none, and hold it against other processes.

        Raises
        ------
        BlockingIOError
            If another process, or another journal of this one, holds it.
        OSError
            If it cannot be opened.
        """
        new = not self.path.exists()
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            self.locked = _lock(descriptor)
            if not os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                raise BlockingIOError  # whoever held it has just deleted it
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            self.locked = False
            raise BlockingIOError(f"{self.called} is in use by another process.") from None
        self._descriptor, self._owner, self._complete = descriptor, os.getpid(), False
        self._closing = weakref.finalize(self, os.close, descriptor)  # also of a journal that nobody closes
        if new:
            _sync_folder(self.path.parent)

    def read(self) -> Iterator[Any]:
        """Yield the entries that were not yet read, up to the last whole line; the header is not among them.

        Raises
        ------
        ValueError
            If a line is damaged, or the file is of another format.
        OSError
            If it cannot be read.
        """
        with self.path.open("rb") as file:
            start = file.read(len(_START))
            if start != _START[: len(start)]:
                raise self._foreign()
            if file.seek(0, os.SEEK_END) < self._end:
                raise ValueError(f"{self.called} became shorter while it was read: leave the file alone and run again.")
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                entry = self._decode(line)
                self._end += len(line)
                self._n_lines += 1
                if self.header is not None:
                    yield entry
                elif isinstance(entry, dict) and entry.get("format") == self.form:
                    self.header = entry
                else:
                    self._end = self._n_lines = 0
                    raise self._foreign()
        if self._descriptor is not None and not self._complete:
            if os.fstat(self._descriptor).st_size > self._end:
                os.ftruncate(self._descriptor, self._end)
            self._complete = True

    def start(self, header: dict[str, Any]) -> None:
        """Write the header, to which the format is added, into an empty file."""
        if self.header is not None:
            raise ValueError(f"{self.called} has a header already.")
        entry = json.loads(json.dumps({"format": self.form, **header}))
        self._write(entry)
        self.header = entry

    def append(self, entry: Any) -> None:
        """Append an entry: JSON-safe values, where floats keep their bits, and may be infinite or NaN.

        Raises
        ------
        RecordError
            If the disk is full or fails: what was appended before is kept, and the file can be read.
        """
        if self.header is None:
            raise ValueError(f"{self.called} has no header yet: call start() before append().")
        self._write(entry)

    def _write(self, entry: Any) -> None:
        body = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%s%d%s%s}\n" % (_START, zlib.crc32(body), _MIDDLE, body)
        descriptor = self._held()
        try:
            self._settle(descriptor)
            os.lseek(descriptor, self._end, os.SEEK_SET)
            self._pending, rest = len(line), memoryview(line)
            while rest:  # a disk that fills up takes a part
                rest = rest[os.write(descriptor, rest) :]
            self._settle(descriptor)
            self._sync(descriptor)
        except OSError as error:
            raise self._failed(error) from error

    def _held(self) -> int:
        if self._descriptor is None or not self._complete:
            raise ValueError(f"{self.called} cannot be appended to: call acquire() and read() first.")
        if self._owner != os.getpid():
            raise RuntimeError(f"{self.called} belongs to the process that opened it: a fork must open its own file.")
        return self._descriptor

    def _settle(self, descriptor: int) -> None:
        """Count the pending line if it is whole, else cut off what there is of it: Ctrl-C may come at any time."""
        if self._pending:
            if os.fstat(descriptor).st_size >= self._end + self._pending:
                self._end, self._pending = self._end + self._pending, 0
                self._n_lines += 1
            else:
                os.ftruncate(descriptor, self._end)
                self._pending = 0

    def _sync(self, descriptor: int) -> None:
        if time.monotonic() - self._synced > SYNC_EVERY:
            os.fsync(descriptor)
            self._synced = time.monotonic()

    def _failed(self, error: OSError) -> RecordError:
        if self._descriptor is not None:
            try:
                self._settle(self._descriptor)
            except OSError:
                pass  # the next one who appends cuts it off
        return RecordError(
            f"{self.called} cannot be written ({error.strerror or error}): what was finished before is kept, so free "
            "some space and run again with the same file."
        )

    def close(self) -> None:
        """Sync and close the file; reading goes on to be possible."""
        descriptor, self._descriptor, self.locked = self._descriptor, None, False
        if descriptor is None:
            return
        try:
            if self._owner == os.getpid():
                self._settle(descriptor)
                os.fsync(descriptor)
        except OSError as error:
            raise self._failed(error) from error
        finally:
            self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decode(self, line: bytes) -> Any:
        head, _, body = line.removesuffix(b"}\n").partition(_MIDDLE)
        try:
            if int(head.removeprefix(_START)) == zlib.crc32(body):
                return json.loads(body)
        except (ValueError, RecursionError):
            pass
        number = self._n_lines + 1
        what = "delete it, and what it held will be measured again" if number > 1 else "move the file away"
        raise ValueError(
            f"{self.called}, line {number}, is damaged (its check sum is wrong) and no crash does that: {what}."
        )

    def _foreign(self) -> ValueError:
        return ValueError(f"{self.called} must be a file of an earlier run, or not exist yet.")


def differing(known: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return the keys in which two headers differ, sorted."""
    return [key for key in sorted({*known, *wanted}) if not same_entry(known.get(key), wanted.get(key))]


def same_entry(first: Any, second: Any) -> bool:
    """Whether two entries are equal; NaN equals NaN, as both stand for the same result."""
    return bool(first == second) or json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def plain(result: Any) -> Any:
    """Return a result as a journal reads it back: arrays as lists; floats keep their bits in JSON."""
    if isinstance(result, dict):
        return {key: plain(value) for key, value in result.items()}
    if isinstance(result, np.ndarray | np.generic):
        return result.tolist()
    if isinstance(result, list | tuple):
        return [plain(value) for value in result]
    return result


def _lock(descriptor: int) -> bool:
    """Lock an open file for this process; False where that is not possible, BlockingIOError where another has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file last; not all systems can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
