"""The disk cache: never stale, never in the way. On a small copy of the package, in fresh processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import isoperimetry
from isoperimetry.kernels import _cache

INNER = """
from isoperimetry.kernels._jit import kernel

FACTOR = {factor}

@kernel(inline=True)
def scaled(x: float) -> float:
    return FACTOR * x
"""
OUTER = """
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.inner import scaled

@kernel
def twice(x: float) -> float:
    return 2.0 * scaled(x)
"""
CALL = """
import json
{first}
from isoperimetry.kernels.outer import twice
{before}
value = twice(1.0)
hits, path = sum(twice.stats.cache_hits.values()), twice.stats.cache_path
print(json.dumps({{"value": value, "hits": hits, "path": path}}))
"""


class Copy:
    """A copy of the package with two kernels, of which one is inlined into the other."""

    def __init__(self, root: Path) -> None:
        self.root, self.kernels = root, root / "isoperimetry" / "kernels"
        self.home = root / "home"
        self.kernels.mkdir(parents=True)
        self.home.mkdir()
        (self.kernels.parent / "__init__.py").touch()
        source = Path(isoperimetry.__file__).parent / "kernels"
        for name in ("__init__.py", "_jit.py", "_cache.py", "_blas.py"):
            shutil.copy(source / name, self.kernels)
        (self.kernels / "outer.py").write_text(OUTER)
        self.set_factor(3)

    def set_factor(self, factor: int) -> None:
        """Change the constant, but neither the size nor the time of the file."""
        path = self.kernels / "inner.py"
        path.write_text(INNER.format(factor=f"{factor}.0"))
        os.utime(path, (1_600_000_000, 1_600_000_000))

    def start(self, before: str = "", first: str = "", **variables: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "XDG_"))}
        environment = {"PYTHONPATH": str(self.root), "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", CALL.format(before=before, first=first)],
            env=kept | environment | variables,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, before: str = "", first: str = "", **variables: str) -> dict[str, Any]:
        return finish(self.start(before, first, **variables))

    def files(self, ending: str) -> list[Path]:
        return sorted((self.kernels / "__pycache__").glob(f"outer.twice*.{ending}"))

    def write_protect(self) -> None:
        """Make the folder of compiled code one that cannot be made; permissions would not keep out root."""
        (self.kernels / "__pycache__").write_text("a file, no folder")


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0 and errors == "", errors
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_an_upgrade_is_noticed(copy: Copy) -> None:
    first = copy.call()
    assert (first["value"], first["hits"]) == (6.0, 0)
    assert Path(first["path"]) == copy.kernels / "__pycache__"
    again = copy.call()
    assert (again["value"], again["hits"]) == (6.0, 1)
    old = copy.files("nbc")[0].read_bytes()

    copy.set_factor(5)  # in the file of the inlined kernel: Numba looks at the other one alone
    changed = copy.call()
    assert (changed["value"], changed["hits"]) == (10.0, 0)
    assert copy.call()["hits"] == 1

    # A process of the old version, ending now, may overwrite the code under an index of the new one.
    copy.files("nbc")[0].write_bytes(old)
    assert copy.call()["value"] == 10.0


def test_an_upgrade_under_a_running_process(copy: Copy) -> None:
    edit = f"import pathlib; p = pathlib.Path({str(copy.kernels / 'inner.py')!r})"
    edit += "; p.write_text(p.read_text().replace('3.0', '5.0'))"
    assert copy.call(before=edit)["value"] == 6.0  # what it imported
    assert copy.call()["value"] == 10.0

    copy.set_factor(3)
    half_way = copy.call(first="import isoperimetry.kernels._jit; " + edit)
    assert half_way["value"] == 10.0
    copy.set_factor(3)  # and back again
    assert copy.call()["value"] == 6.0


def test_the_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _cache._hash_sources() == _cache._SOURCES
    monkeypatch.setattr("importlib.metadata.version", lambda name: "999.0")
    assert _cache._hash_sources() != _cache._SOURCES


@pytest.mark.skipif(sys.platform == "win32", reason="the user's folder is not found through a variable")
def test_read_only_package(copy: Copy) -> None:
    copy.write_protect()
    first = copy.call()
    assert (first["value"], first["hits"]) == (6.0, 0)
    assert Path(first["path"]).is_relative_to(copy.home)
    assert copy.call()["hits"] == 1
    copy.set_factor(5)
    assert copy.call()["value"] == 10.0


@pytest.mark.skipif(sys.platform == "win32", reason="the user's folder is not found through a variable")
def test_nothing_can_be_written_to(copy: Copy) -> None:
    copy.write_protect()
    copy.home.rmdir()
    copy.home.write_text("a file, no folder")
    assert copy.call() == {"value": 6.0, "hits": 0, "path": None}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become someone else")
def test_no_permission_to_write() -> None:
    # What Python needs of its own is imported before, as the other user may not be able to read that.
    become = "import numba, os; numba.njit(lambda x: x)(1.0); os.setuid(65534)"
    look = f"{become}; os.listdir(os.path.dirname(numba.__file__))"
    if subprocess.run([sys.executable, "-c", look], capture_output=True, check=False).returncode:
        pytest.skip("the packages lie where other users may not read them")
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which only its owner may enter
        copy = Copy(Path(folder))
        copy.root.chmod(0o755)
        copy.home.chmod(0o777)
        first = copy.call(before=become)
        assert first["value"] == 6.0 and Path(first["path"]).is_relative_to(copy.home)
        assert copy.call(before=become)["hits"] == 1


def test_a_chosen_folder(copy: Copy, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    assert Path(copy.call(NUMBA_CACHE_DIR=str(chosen))["path"]).is_relative_to(chosen)
    assert copy.call(NUMBA_CACHE_DIR=str(chosen))["hits"] == 1


def test_two_processes_at_once(copy: Copy) -> None:
    processes = [copy.start() for _ in range(2)]
    assert [finish(process)["value"] for process in processes] == [6.0, 6.0]
    assert copy.call() | {"path": None} == {"value": 6.0, "hits": 1, "path": None}


def test_a_damaged_file_is_replaced(copy: Copy) -> None:
    copy.call()
    for (path,) in (copy.files("nbi"), copy.files("nbc")):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        damaged = copy.call()
        assert (damaged["value"], damaged["hits"]) == (6.0, 0)
        assert copy.call()["hits"] == 1


def test_the_disk_is_full(copy: Copy) -> None:
    full = "import numba.core.caching as c\ndef full(*args): raise OSError(28, 'No space left on device')\n"
    full += "c.IndexDataCacheFile._save_data = full"
    assert copy.call(before=full)["value"] == 6.0
    assert copy.call()["value"] == 6.0


@pytest.mark.parametrize(
    "other_numba",
    [
        "import numba.core.caching as c; del c.CompileResultCacheImpl",
        "import numba.core.dispatcher as d; d.NullCache = type('Other', (), dict(load_overload=lambda *a: None,"
        " save_overload=lambda *a: None, cache_path=None))",
    ],
)
def test_another_numba_compiles_each_time(copy: Copy, other_numba: str) -> None:
    (copy.kernels / "__init__.py").write_text(other_numba)
    assert copy.call() == {"value": 6.0, "hits": 0, "path": None}
    assert copy.files("nbi") == []


def test_code_without_a_checked_label_is_refused(copy: Copy) -> None:
    copy.call()
    bypass = "from isoperimetry.kernels import _cache as c; plain = c.CompileResultCacheImpl.rebuild\n"
    bypass += "c._LabelledCode.rebuild = lambda self, context, payload: plain(self, context, payload[1])"
    assert copy.call(before=bypass)["hits"] == 0
