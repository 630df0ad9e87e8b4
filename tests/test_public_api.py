"""The public lists: complete, documented, typed, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import isoperimetry as iso

PACKAGES = (
    "isoperimetry",
    "isoperimetry.bounds",
    "isoperimetry.checks",
    "isoperimetry.intervals",
    "isoperimetry.sets",
    "isoperimetry.special",
    "isoperimetry.streams",
    "isoperimetry.testing",
    "isoperimetry_bridges.torch",
)


def public(package: str) -> dict[str, object]:
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == package
    ]
    return {name: getattr(module, name) for name in names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_resolves_and_is_documented(package: str) -> None:
    undocumented = [
        name
        for name, value in public(package).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and not inspect.getdoc(value)
    ]
    assert undocumented == []


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_say_what_they_take_and_return(package: str) -> None:
    incomplete = []
    for name, value in public(package).items():
        if not inspect.isfunction(value):
            continue
        text = inspect.getdoc(value) or ""
        takes = bool(inspect.signature(value).parameters)
        returns = inspect.signature(value).return_annotation not in ("None", None)
        if (takes and "Parameters\n" not in text) or (returns and "Returns\n" not in text):
            incomplete.append(name)
    assert incomplete == []


def test_the_stub_lists_what_the_package_resolves() -> None:
    stub = Path(inspect.getfile(iso)).with_suffix(".pyi")
    listed = {
        alias.asname or alias.name
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert listed == set(iso.__all__)
    assert set(iso.__all__) <= set(dir(iso))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'median'"):
        iso.median  # type: ignore[attr-defined]  # noqa: B018


def test_version_is_the_distribution_s() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", iso.__version__)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import isoperimetry", ("numba", "scipy", "torch", "matplotlib", "rich", "typer", "hypothesis", "mpmath")),
        (
            "import isoperimetry.checks, isoperimetry.bounds, isoperimetry.sets",
            ("torch", "matplotlib", "rich", "typer"),
        ),
        ("import isoperimetry.cli", ("torch", "matplotlib")),
        ("import isoperimetry_bridges", ("torch",)),
    ],
)
def test_imports_stay_light(statement: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print(*[name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_missing_torch_is_named() -> None:
    code = "import sys; sys.modules['torch'] = None; import importlib.util as u; f = u.find_spec\n"
    code += "u.find_spec = lambda name, *a: None if name == 'torch' else f(name, *a)\nimport isoperimetry_bridges.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MissingDependency: isoperimetry_bridges.torch needs the package 'torch'" in done.stderr
    assert 'pip install "isoperimetry[torch]"' in done.stderr
