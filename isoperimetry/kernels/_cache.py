"""Numba's disk cache, with the two things that it leaves open settled: what a kernel depends on, and broken files.

Numba takes compiled code for fresh as long as the file that defines the function is unchanged. But a kernel holds the
code and constants of the kernels that it calls, wherever they are defined. So the compiled code is labelled with a hash
of the sources of all kernels, and code with another label is compiled again. A hash of the contents, because times of
files say nothing after an upgrade by a package manager that sets them, or a copy that does not keep them.

Of Numba's internals this uses `FunctionCache`, `CompileResultCacheImpl` and the methods by which they are called from
the dispatcher, unchanged from 0.61 to 0.68. If a later Numba has them no more, or calls them no more, kernels are
compiled in every process: slow, but never stale. Where the folder is, Numba decides; see docs/first-use.md.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache
from numba.core.sigutils import normalize_signature


def _hash_sources() -> str | None:
    """Return a hash of the library's version and of the sources of all kernels, None where they cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        digest.update(str(importlib.metadata.version("isoperimetry")).encode())
    except (ImportError, KeyError):
        pass  # a copy that was not installed: the sources tell it apart
    folder = os.path.dirname(__file__)
    try:
        for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
            with open(os.path.join(folder, name), "rb") as file:
                source = file.read()
            digest.update(f"{name} {len(source)} ".encode() + source)
    except OSError:  # in a zip file or a frozen program
        return None
    return digest.hexdigest()


_SOURCES = _hash_sources()


class _LabelledCode(CompileResultCacheImpl):  # type: ignore[misc]
    """What is written for a compiled function, and how it is read again."""

    last: Any = None
    """The result that was read, and whose label is right."""

    def reduce(self, result: Any) -> Any:
        return self._label(result.target_context), super().reduce(result)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        label, reduced = payload
        # The label names the processor as well: two processes that write at once, such as an old and a new version or
        # two machines with one home folder, may leave the index of one beside the code of the other.
        self.last = super().rebuild(target_context, reduced) if label == self._label(target_context) else None
        return self.last

    @staticmethod
    def _label(target_context: Any) -> tuple[Any, ...]:
        return _SOURCES, target_context.codegen().magic_tuple()


class KernelCache(FunctionCache):  # type: ignore[misc]
    """The disk cache of one kernel. It is opened at the first use, which for most kernels, being inlined, never comes.

    Nothing that is wrong with the cache is an error of the call that meets it: the kernel is compiled instead.
    """

    _impl_class = _LabelledCode

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._usable: bool | None = None if _SOURCES else False

    def _open(self) -> bool:
        if self._usable is None:
            try:
                super().__init__(self._function)
                self._usable = True
            except (OSError, RuntimeError):  # nothing can be written to, or the function comes from no file
                self._usable = False
        return self._usable

    @property
    def cache_path(self) -> str | None:
        path: str | None = self._cache_path if self._open() else None
        return path

    def flush(self) -> None:
        if self._open():
            super().flush()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if not self._open():
            return None
        try:
            result = super().load_overload(sig, target_context)
            fits = result is not None and result is self._impl.last
            return result if fits and tuple(result.signature.args) == tuple(normalize_signature(sig)[0]) else None
        except Exception:  # a damaged file may raise anything at all
            self._clear()
            return None

    def _clear(self) -> None:
        try:
            super().flush()  # writes an empty index, without a look at the old one
        except OSError:
            self.disable()

    def save_overload(self, sig: Any, data: Any) -> None:
        # If the sources were changed since they were imported, as by an upgrade, this code is not theirs.
        if not self._open() or _hash_sources() != _SOURCES:
            return
        try:
            super().save_overload(sig, data)
        except OSError:  # the disk is full, or the folder is gone
            self.disable()


def attach(dispatcher: Any, function: Callable[..., Any]) -> None:
    """Give a compiled function its cache, if this Numba has a place for it."""
    if isinstance(getattr(dispatcher, "_cache", None), NullCache):
        dispatcher._cache = KernelCache(function)
