"""A folder in which the processes of a long run keep what they have finished, so that it goes on after any crash."""

from __future__ import annotations

import json
import os
import platform
import secrets
import threading
import zlib
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from isoperimetry.journal import Journal, differing, plain, same_entry

FORMAT = "isoperimetry store 1"
_FILES = "rank*-*.jsonl"
_SHOWN = 60  # characters of a value in a message


class Store:
    """Results by name, in memory and in a folder with one append-only file for each process.

    Any process reads the files of all others. A process that was killed loses nothing that `add` returned from; what a
    crash leaves of a last line is passed over. Methods may be called from several threads.

    Parameters
    ----------
    folder : path or None
        Made by `begin` if there is none. One that holds other files and none of a store is refused. None: in memory.
    rank : int, default 0
        Number of this process among those of a run; it names the file.

    Attributes
    ----------
    header : dict or None
        What was run, as the files or `begin` say.

    Raises
    ------
    ValueError
        If the folder is of something else, or a file of it is damaged, or two files contradict each other.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "run"
    >>> with Store(folder) as store:
    ...     store.begin({"model": "0f3a", "n_samples": 100})
    ...     store.add("image 3", {"errors": 7})
    >>> with Store(folder) as store:
    ...     store.get("image 3"), store.get("image 4"), store.header
    ({'errors': 7}, None, {'model': '0f3a', 'n_samples': 100})
    """

    def __init__(self, folder: str | os.PathLike[str] | None, *, rank: int = 0) -> None:
        self.folder, self.rank = None if folder is None else Path(folder), rank
        self.header: dict[str, Any] | None = None
        self._found: dict[str, tuple[Any, str]] = {}  # with the name of the file
        self._journals: dict[Path, Journal] = {}
        self._own: Journal | None = None
        self._begun = False
        self._lock = threading.RLock()
        if isinstance(rank, bool) or not isinstance(rank, int) or rank < 0:
            raise ValueError(f"rank={rank!r} must be an int >= 0: it is the number of this process.")
        if self.folder is not None and self.folder.exists():
            self._check_folder(self.folder)
        self.refresh()

    def begin(self, header: dict[str, Any]) -> None:
        """Say what is run, before the first `add`; refuse if the store is of another run.

        A file that an earlier process of this rank left behind is appended to; else a new one is made.

        Parameters
        ----------
        header : dict of str
            All that results depend on, JSON-safe. A difference in "model" is told as another model.

        Raises
        ------
        ValueError
            If what is known of the run differs: the message names the keys.
        RecordError
            If the disk is full.
        """
        wanted = _as_json("header", header)
        with self._lock:
            self.refresh()
            self._compare(wanted)
            if self.folder is not None and self._own is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._check_folder(self.folder)
                journal = self._left_behind(self.folder)
                if journal is None:
                    journal = self._new_file(self.folder, wanted)
                self._own = journal
            self.header, self._begun = wanted, True

    def get(self, name: str) -> Any | None:
        """Return the result of a name, None if there is none. It is shared: do not change it."""
        found = self._found.get(name)
        return None if found is None else found[0]

    def add(self, name: str, result: Any) -> None:
        """Keep a result; when this returns, it survives the end of the process.

        Parameters
        ----------
        name : str
        result : object
            JSON-safe values or arrays, not None. Tuples and arrays come back as lists, floats with all their bits.

        Raises
        ------
        ValueError
            If the name has another result already, or `begin` was not called. An equal one changes nothing.
        RecordError
            If the disk is full: what was added before is kept.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"name={name!r} must be a text that is not empty.")
        if result is None:
            raise ValueError(f"result=None of {name!r} says nothing: get() returns None where there is no result.")
        value = _as_json(f"result of {name!r}", result)
        with self._lock:
            if not self._begun:
                raise ValueError("store has no header: call begin(header) before add().")
            if self._known(name, value, "what is added now"):
                return
            where = "memory"
            if self.folder is not None:
                if self._own is None:
                    raise ValueError(f"store={str(self.folder)!r} is closed: open it again to add {name!r}.")
                self._own.append({"name": name, "result": value})
                where = self._own.path.name
            self._found[name] = (value, where)

    def names(self) -> list[str]:
        """Return the names that have a result."""
        with self._lock:
            return list(self._found)

    def refresh(self) -> None:
        """Read what other processes have added since."""
        if self.folder is None:
            return
        with self._lock:
            for path in sorted(self.folder.glob(_FILES)):
                journal = self._journals.setdefault(path, Journal(path, FORMAT))
                if journal is not self._own:
                    self._take(journal)

    def close(self) -> None:
        """Close the file; what was read and added can still be asked for."""
        with self._lock:
            own, self._own = self._own, None
            if own is not None:
                own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, journal: Journal) -> None:
        """Read the new entries of a file, if it is of this run."""
        source, new = journal.path.name, journal.header is None
        try:
            for entry in journal.read():
                if new:
                    self._accept(journal)
                    new = False
                if not self._known(entry["name"], entry["result"], source):
                    self._found[entry["name"]] = (entry["result"], source)
            if new:
                self._accept(journal)
        except FileNotFoundError:  # a file without entries, taken back by another process
            return
        except ValueError:
            self._journals.pop(journal.path, None)  # to be told again next time
            raise

    def _accept(self, journal: Journal) -> None:
        if journal.header is None:  # just made, or torn
            return
        run: dict[str, Any] = journal.header["run"]
        if self.header is None:
            self.header = run
        elif keys := differing(self.header, run):
            raise ValueError(
                f"store={str(self.folder)!r} holds files of different runs, {journal.path.name} differs from the others"
                f" in {_differences(keys, self.header, run)}: move it to a folder of its own."
            )

    def _known(self, name: str, result: Any, source: str) -> bool:
        """Whether ``name`` has this result; another one is refused."""
        if name not in self._found:
            return False
        known, where = self._found[name]
        if not same_entry(known, result):
            there, here = _show(known, result)
            raise ValueError(
                f"store={str(self.folder or 'memory')!r} contradicts itself: {name!r} is {there} in {where} but {here} "
                f"in {source}, so they were not measured alike: keep the one that is right."
            )
        return True

    def _compare(self, wanted: dict[str, Any]) -> None:
        if self.header is None or not (keys := differing(self.header, wanted)):
            return
        where = f"store={str(self.folder or 'memory')!r}"
        differences = _differences(keys, self.header, wanted)
        if "model" in keys:
            raise ValueError(
                f"{where} was written by another model or setting of it, as the hash of its weights and settings tells "
                f"({differences}): give this run a new folder."
            )
        raise ValueError(
            f"{where} is of another run, it differs in {differences}: give this run a new folder or the old settings."
        )

    def _left_behind(self, folder: Path) -> Journal | None:
        """Return a file of this rank and machine that no process holds, ready to append to."""
        for path in sorted(folder.glob(f"rank{self.rank}-*.jsonl")):
            journal = self._journals.get(path)
            # Locks are not seen from other machines on all file systems.
            if journal is None or journal.header is None or journal.header["host"] != _host():
                continue
            try:
                journal.acquire()
            except (BlockingIOError, PermissionError):
                continue
            if journal.locked:
                self._take(journal)
                return journal
            journal.close()
        return None

    def _new_file(self, folder: Path, header: dict[str, Any]) -> Journal:
        path = folder / f"rank{self.rank}-{secrets.token_hex(4)}.jsonl"
        journal, before = Journal(path, FORMAT), self.header
        journal.acquire()
        try:
            self._journals[path] = self._own = journal
            list(journal.read())  # nothing
            journal.start({"host": _host(), "run": header})
            self.header = header
            self.refresh()  # two processes may begin different runs at the same time
        except BaseException:
            self._own, self.header = None, before
            del self._journals[path]
            path.unlink(missing_ok=True)
            journal.close()
            raise
        return journal

    def _check_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ValueError(f"store={str(folder)!r} is a file: it must be a folder, or not exist yet.")
        names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        if names and not any(Path(name).match(_FILES) for name in names):
            raise ValueError(
                f"store={str(folder)!r} holds {min(names)!r} and no file of a store: give an empty or a new folder."
            )


def as_store(store: Store | str | os.PathLike[str] | None, *, rank: int = 0) -> AbstractContextManager[Store]:
    """Return a context manager of what ``store=`` stands for.

    Parameters
    ----------
    store : Store, path or None
        A store is the caller's, and is not closed at the end; a folder is opened and closed; None keeps results in
        memory only.
    rank : int, default 0
        See `Store`; not used for a store.

    Examples
    --------
    >>> with as_store(None) as store:
    ...     store.begin({})
    ...     store.add("image 3", 7)
    ...     store.get("image 3")
    7
    """
    if isinstance(store, Store):
        return nullcontext(store)
    if store is not None and not isinstance(store, str | os.PathLike):
        raise TypeError(f"store={store!r} must be a folder, a Store or None.")
    return Store(store, rank=rank)


def merge_stores(folders: Iterable[str | os.PathLike[str]], into: str | os.PathLike[str]) -> int:
    """Add the results of several stores, as copied from several machines, to one.

    It may be repeated, also while the runs go on: what is there already is only compared.

    Parameters
    ----------
    folders : iterable of paths
        Stores of one run: their headers must be equal.
    into : path
        The folder that gets all results; a new one, or a store of the same run.

    Returns
    -------
    int
        How many results were new there.

    Raises
    ------
    ValueError
        If a folder is no store, the headers differ, or two results of one name do: the message names what differs.
    """
    sources = [Path(folder) for folder in folders]
    for folder in sources:
        if not folder.is_dir():
            raise ValueError(f"folders: {str(folder)!r} must be the folder of a store.")
    with Store(into) as target:
        known = len(target.names())
        for folder in sources:
            shard = Store(folder)
            if shard.header is None:
                raise ValueError(f"folders: {str(folder)!r} holds no file of a store.")
            target.begin(shard.header)
            for name in shard.names():
                result, where = shard._found[name]
                if not target._known(name, result, str(folder / where)):
                    target.add(name, result)
        return len(target.names()) - known


def _as_json(what: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(plain(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{what} must be made of numbers, texts, lists and dictionaries: {error}.") from error


def _differences(keys: list[str], there: dict[str, Any], here: dict[str, Any]) -> str:
    pairs = [(key, *_show(there.get(key), here.get(key))) for key in keys]
    return ", ".join(f"{key} ({known}, here {wanted})" for key, known, wanted in pairs)


def _show(first: Any, second: Any) -> tuple[str, str]:
    """Return two values as text, of long ones the part where they begin to differ."""
    one, two = json.dumps(first, sort_keys=True), json.dumps(second, sort_keys=True)
    same = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return _around(one, same), _around(two, same)


def _around(text: str, place: int) -> str:
    if len(text) <= _SHOWN:
        return text
    first = max(0, place - _SHOWN // 2)
    return "..." * (first > 0) + text[first : first + _SHOWN] + "..." * (len(text) > first + _SHOWN)


def _host() -> str:
    """Return eight digits that stand for this machine."""
    return f"{zlib.crc32(platform.node().encode()):08x}"
