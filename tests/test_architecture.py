"""The import contracts of pyproject.toml hold: imports go downwards, and each foreign package has its one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# package -> the only places of the library that may import it
PLACES = {
    "torch": ("bridges/isoperimetry_bridges/torch/",),
    "safetensors": ("bridges/isoperimetry_bridges/torch/",),
    "typer": ("isoperimetry/cli/", "bridges/isoperimetry_bridges/torch/commands/"),
    "rich": ("isoperimetry/cli/", "isoperimetry/progress.py", "bridges/isoperimetry_bridges/torch/"),
    "hypothesis": ("isoperimetry/testing/",),
    "mpmath": ("isoperimetry/testing/",),
    "matplotlib": ("isoperimetry/plots/",),
    "jinja2": ("isoperimetry/report/",),
    "triton": ("bridges/isoperimetry_bridges/torch/philox_triton.py",),
}


def sources() -> list[Path]:
    return sorted([*(ROOT / "isoperimetry").rglob("*.py"), *(ROOT / "bridges").rglob("*.py")])


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_import_contracts(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capfd.readouterr().out


@pytest.mark.parametrize("package", PLACES)
def test_foreign_packages_stay_in_their_place(package: str) -> None:
    strays = [
        name
        for path in sources()
        if package in imported(path) and not (name := path.relative_to(ROOT).as_posix()).startswith(PLACES[package])
    ]
    assert strays == []


def test_matplotlib_is_imported_inside_functions() -> None:
    for path in (ROOT / "isoperimetry/plots").glob("*.py"):
        top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not any("matplotlib" in ast.unparse(node) for node in top), path


def test_modules_stay_small() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): length
        for path in sources()
        if (length := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
