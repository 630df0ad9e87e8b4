"""The examples of the README and of every docstring run, and the README's links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import isoperimetry
import isoperimetry_bridges.torch

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
THEORY = sorted((ROOT / "docs" / "theory").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), *TUTORIALS, *THEORY]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    names = []
    for package in (isoperimetry, isoperimetry_bridges.torch):
        found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        names += [package.__name__, *(info.name for info in found if not info.name.endswith("__main__"))]
    # One module is written in another language: it cannot be imported where that is missing.
    return [name for name in names if not name.endswith("_triton") or find_spec("triton")]


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert outcome.failed == 0


def test_the_examples_are_found() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [test for name in modules() for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(tests) > 30


def test_readme_examples() -> None:
    outcome = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=FLAGS)
    assert outcome.attempted >= 7
    assert outcome.failed == 0


EXAMPLES = [
    page for page in PAGES if page.parent.name != "theory" and ">>> " in page.read_text() and page.name != "README.md"
]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_pages_with_examples(page: Path) -> None:
    outcome = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS)
    assert outcome.attempted >= 2
    assert outcome.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
