from __future__ import annotations

import subprocess
import sys

import pytest

from isoperimetry import testing
from isoperimetry.errors import MissingDependency


@pytest.mark.parametrize("name", testing.__all__)
def test_public_names_resolve(name: str) -> None:
    assert getattr(testing, name) is not None
    assert name in dir(testing)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018


def test_import_needs_nothing_else() -> None:
    program = "import sys, isoperimetry.testing; assert not {'hypothesis', 'mpmath', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("name", "module", "package"), [("reference", "reference", "mpmath"), ("sigmas", "strategies", "hypothesis")]
)
def test_missing_package(name: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [key for key in sys.modules if key.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"isoperimetry.testing.{module}", raising=False)
    monkeypatch.delattr(testing, module, raising=False)
    with pytest.raises(MissingDependency, match=f"testing.{name} needs the package '{package}'.*testing"):
        getattr(testing, name)
