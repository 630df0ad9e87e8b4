"""The packages, or why they are not there; and an adapter of each, over the real package and over a stand-in."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from isoperimetry_bridges.torch.attacks import adapters

HOW = {
    "foolbox": "pip install foolbox",
    "torchattacks": "pip install --no-deps torchattacks",
    "art": "pip install adversarial-robustness-toolbox",
    "pyautoattack": "pip install pyautoattack",
}


def load_stand_ins() -> ModuleType:
    spec = importlib.util.spec_from_file_location("adapter_stand_ins", Path(__file__).with_name("stand_ins.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def stand_ins() -> ModuleType:
    return load_stand_ins()


@pytest.fixture(scope="session")
def real() -> Callable[[str], Any]:
    """Return a function that imports a module of a package, or skips the test and says what is missing."""

    def get(name: str) -> Any:
        package = name.partition(".")[0]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they import what is deprecated
                return importlib.import_module(name)
        except ModuleNotFoundError:
            pytest.skip(f"the package {package!r} is not installed: {HOW[package]}")

    return get


KINDS = ["foolbox", "foolbox, fixed", "torchattacks", "art", "pyautoattack"]
# What is missing is said once, by test_packages.py.
INSTALLED = [kind for kind in KINDS if importlib.util.find_spec(kind.partition(",")[0]) is not None]


@pytest.fixture(params=[f"{kind}, stand-in" for kind in KINDS] + [f"{kind}, genuine" for kind in INSTALLED])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, stand_ins: Any, real: Any) -> Any:
    """Return an adapter over a stand-in, or over the real package where it is installed."""
    kind, _, made = request.param.rpartition(", ")
    return stand_in(kind, monkeypatch, stand_ins) if made == "stand-in" else genuine(kind, real)


def stand_in(kind: str, monkeypatch: pytest.MonkeyPatch, stand_ins: Any) -> Any:
    modules: dict[str, Any] = {
        "foolbox": stand_ins.foolbox(),
        "torchattacks": SimpleNamespace(),
        "art": SimpleNamespace(),
        "art.estimators": SimpleNamespace(),
        "art.estimators.classification": stand_ins.art(),
        "pyautoattack": stand_ins.pyautoattack(),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    made: dict[str, Callable[[], Any]] = {
        "foolbox": lambda: adapters.Foolbox(stand_ins.MinimizationAttack()),
        "foolbox, fixed": lambda: adapters.Foolbox(stand_ins.FixedEpsilonAttack()),
        "torchattacks": lambda: adapters.Torchattacks(stand_ins.PGDL2),
        "art": lambda: adapters.Art(stand_ins.Evasion),
        "pyautoattack": adapters.AutoAttack,
    }
    return made[kind]()


def genuine(kind: str, real: Any) -> Any:
    package = real(kind.partition(",")[0])
    made: dict[str, Callable[[], Any]] = {
        "foolbox": lambda: adapters.Foolbox(package.attacks.DDNAttack(steps=60)),
        "foolbox, fixed": lambda: adapters.Foolbox(package.attacks.L2PGD(steps=20, rel_stepsize=0.2)),
        "torchattacks": lambda: adapters.Torchattacks(
            lambda model, eps: package.PGDL2(model, eps=eps, alpha=eps / 5, steps=20)
        ),
        "art": lambda: adapters.Art(
            lambda model, eps: real("art.attacks.evasion").ProjectedGradientDescent(
                model, norm=2, eps=eps, eps_step=eps / 5, max_iter=20, verbose=False
            )
        ),
        "pyautoattack": lambda: adapters.AutoAttack(attacks=("apgd-ce",)),
    }
    return made[kind]()
